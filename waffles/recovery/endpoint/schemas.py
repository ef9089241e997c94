"""What may be sent, as JSON Schemas, and what is read from it.

A body holds one object, named as the last part of its path is::

    POST /os-waffles/force-down              {"force_down": {"host": "c1"}}
    POST /os-waffles/recoveries/{id}/pause   {"pause": {"reason": "…"}}

Lengths are in characters, and are what the store keeps.
"""

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from waffles import exceptions, schemas, texts
from waffles.recovery.model import Assertion

#: Bytes of a body, at the most: more than the longest that is valid.
LARGEST = 64 * 1024

#: Seconds that the clock of a fencing agent may be ahead of ours.
AHEAD = 60.0

#: 9999-12-31T23:59:59Z, behind which there is no time that could be shown.
LAST = 253_402_300_799.0

Json = dict[str, Any]

#: What some databases refuse in a text, and nobody can read.
_READABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

_FLAG = {"type": "boolean"}
_HOST = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": "^[a-zA-Z0-9._-]*$",
}
_ID = {
    "type": "string",
    "minLength": 1,
    "maxLength": 36,
    "pattern": "^[a-zA-Z0-9-]*$",
}
_TIME = {"type": "string", "minLength": 1, "maxLength": 64}
_GATE = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "pattern": "^[a-z:_-]*$",
}


def _text(longest: int) -> Json:
    return {"type": "string", "maxLength": longest, "pattern": _READABLE}


def _several(kind: Json, most: int) -> Json:
    return {
        "type": "array",
        "items": kind,
        "minItems": 1,
        "maxItems": most,
        "uniqueItems": True,
    }


def _body(key: str, fields: Json, *required: str) -> Json:
    inner = {
        "type": "object" if required else ["object", "null"],
        "properties": fields,
        "required": list(required),
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {key: inner},
        "required": [key],
        "additionalProperties": False,
    }


#: By the key of the body.
SCHEMAS: Mapping[str, Json] = {
    "force_down": _body(
        "force_down",
        {
            "host": _HOST,
            "fenced": _FLAG,
            "fenced_by": _text(255),
            "fenced_at": _TIME,
            "evidence": _text(4096),
            "reason": _text(255),
            "kdump": _FLAG,
            "dry_run": _FLAG,
        },
        "host",
    ),
    "release": _body(
        "release", {"gates": _several(_GATE, 20), "reason": _text(255)}
    ),
    "pause": _body("pause", {"reason": _text(255)}),
    "resume": _body("resume", {}),
    "retry": _body("retry", {"servers": _several(_ID, 1000)}),
    "abandon": _body("abandon", {"reason": _text(255)}),
    "return": _body("return", {}),
    "pause_all": _body("pause", {"reason": _text(255), "until": _TIME}),
}

_VALIDATORS = {
    name: schemas.validator(schema) for name, schema in SCHEMAS.items()
}


def checked(name: str, body: Any) -> Json:
    """What is in a body; an empty object where that is null.

    :raises Malformed: it is not as the schema of that name says
    """
    try:
        errors = _VALIDATORS[name].iter_errors(body)
        for error in errors:
            raise exceptions.Malformed(_message(error))
    except RecursionError:
        raise exceptions.Malformed("Malformed request body") from None
    (inner,) = body.values()
    return dict(inner or {})


def _message(error: Any) -> str:
    where = "".join(texts.token(str(step)) for step in error.absolute_path)
    why = texts.one_line(error.message[:300])
    return f"Invalid input for {where or 'the body'}: {why}"


def assertion(said: Json, now: float) -> Assertion:
    """What somebody says of a host, of a body that was checked.

    :raises Malformed: it was fenced in the future
    """
    fields = {key: said[key] for key in said.keys() - {"dry_run"}}
    if "fenced_at" in fields:
        at = time("/force_down/fenced_at", fields["fenced_at"])
        if at > now + AHEAD:
            raise exceptions.Malformed(
                "Invalid input for /force_down/fenced_at: it is in the future"
            )
        fields["fenced_at"] = at
    return Assertion(**fields)


def time(where: str, text: str) -> float:
    """Seconds since 1970; without a time zone it is UTC.

    :raises Malformed: it is not ISO 8601, or before 1970
    """
    try:
        at = datetime.datetime.fromisoformat(text)
        seconds = (
            at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
        ).timestamp()
    except (ValueError, OverflowError):
        seconds = -1.0
    if not 0 <= seconds <= LAST:
        raise exceptions.Malformed(
            f"Invalid input for {where}: {texts.quoted(text)} is no time as"
            f" ISO 8601 has it: 2026-11-20T10:00:00Z"
        )
    return seconds


def digest(said: Json) -> str:
    """What tells two requests apart that have the same key."""
    kept = {key: said[key] for key in said.keys() - {"dry_run"}}
    text = json.dumps(kept, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
