"""What may be taken for an answer of Nova's, whoever sends it.

Nova answers with an object in JSON, or with nothing; a 404 has its id of the
request, else it is of a proxy that knows no Nova.  What refuses everybody
(keystonemiddleware's 401, a limit's 413) comes as it likes, and only its
status counts.
"""

import http.client
import json
from collections.abc import Mapping
from typing import Any

#: Of a header: the id that Nova gives to a request.
ID = "x-compute-request-id"

#: How deep JSON may be: ours is written again, with less room on the stack.
DEEPEST = 64


class Strange(Exception):
    """An answer that is not Nova's; the text goes on with "has answered"."""


def headers(response: http.client.HTTPResponse) -> dict[str, str]:
    """Headers, with names in lower case and each value in one line."""
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        name, value = name.lower(), " ".join(value.split())
        if value.isprintable() and name != "set-cookie":
            found[name] = ", ".join(filter(None, (found.get(name), value)))
    return found


def refuse_head(status: int, headers: Mapping[str, str]) -> None:
    """Refuse an answer of which no more need be read.

    :raises Strange: it is not Nova's
    """
    if not 200 <= status < 600 or 300 < status < 400:
        raise Strange(f"{status}, which is not followed")
    if status == 404 and ID not in headers:
        raise Strange("404, and is not Nova")
    if headers.get("content-encoding", "identity") != "identity":
        raise Strange("in an encoding that was not asked for")


def body(response: http.client.HTTPResponse, most: int) -> bytes:
    """The whole body.

    :raises Strange: it has more bytes than that, or less than was promised
    """
    # What has no length, or too much of it, is never read whole.
    found = b"" if (response.length or 0) > most else response.read(most + 1)
    if (response.length or 0) + len(found) > most:
        raise Strange(f"with more than {most} bytes")
    if response.length:
        raise Strange("with less than was promised")
    return found


def parsed(
    method: str, status: int, headers: Mapping[str, str], body: bytes
) -> Any:
    """The object in a body; None where there need not be one.

    :raises Strange: it is none of Nova's
    """
    if not body and (method, status) != ("GET", 200):
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        if 400 <= status < 500 and status != 404:
            return None
        raise Strange(f"{status} with what is not JSON")
    try:
        data = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or _is_deep(data):
        raise Strange(f"{status} with what is no object in JSON")
    return data


def _refuse_constant(text: str) -> float:
    """JSON has no NaN, though Python reads and writes it."""
    raise ValueError(text)


def _is_deep(data: Any) -> bool:
    """Whether objects and lists stand deeper in each other than Nova's."""
    level = [data]
    for _ in range(DEEPEST):
        level = [
            child
            for holder in level
            for child in (
                holder.values() if isinstance(holder, dict) else holder
            )
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True
