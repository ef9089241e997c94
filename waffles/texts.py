"""Texts of strangers, in messages and in the log."""

import json
from typing import Any


def token(key: str) -> str:
    """A step of a JSON pointer (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def one_line(text: str) -> str:
    """A text for the log, whatever a stranger has put into it."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def quoted(value: Any) -> str:
    """A value as JSON, for a message: of one line, and not too long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}…"
