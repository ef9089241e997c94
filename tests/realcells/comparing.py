"""What of answers must be the same, whoever gives them.

Not compared is what no two Novas have the same (moments, uuids, the server's
address), nor what is said where no route is for a path or nobody asks: Nova
says that in plain text or HTML, and keystonemiddleware in Nova's place.
"""

import re
from collections.abc import Mapping
from typing import Any

from tests.realcells.asking import ADMIN, Answer
from tests.realcells.script.calls import Call
from waffles.cells.model import SPAN

#: What of a text is another in each Nova.
SHAPES = {
    "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "UUID",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?": "MOMENT",
    r"http://127\.0\.0\.1:\d+": "ADDRESS",
    r"\bssh-rsa [^\"]* Generated-by-Nova": "PUBLIC",
    '-----BEGIN [^"]*PRIVATE KEY-----[^"]*': "PRIVATE",
    "([0-9a-f]{2}:){15}[0-9a-f]{2}": "PRINT",
}

#: Headers that clients read.
SAME = (
    "OpenStack-API-Version",
    "Retry-After",
    "Vary",
    "WWW-Authenticate",
    "X-OpenStack-Nova-API-Version",
)

#: Headers that have another value each time.
THERE = ("X-OpenStack-Request-Id",)

NO_ROUTE = "The resource could not be found."

Heard = list[tuple[Call, Answer]]


def marks(home: str) -> dict[str, str]:
    """What shows that an aggregate is of the home cell, whose number is 1."""
    return {rf"\b{SPAN // 10}(\d)\b": r"\1", f'"{home}@': '"'}


def seen(answer: Answer, shapes: Mapping[str, str]) -> dict[str, Any]:
    """What of an answer is the same everywhere."""
    if answer.status == 404 and NO_ROUTE in (answer.text or NO_ROUTE):
        return {"status": 404}
    if answer.status == 401:
        return {"status": 401, "login": answer.headers["WWW-Authenticate"]}
    text = answer.text
    for pattern, shape in shapes.items():
        text = re.sub(pattern, shape, text)
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    body = answer._replace(text=text).data or text
    return {
        "status": answer.status,
        "kind": kind if text else "",
        **{name: answer.headers.get(name) for name in SAME},
        **{name: name in answer.headers for name in THERE},
        "body": _unmarked(body),
    }


def _unmarked(data: Any) -> Any:
    """The same without the key that names the cell of an aggregate."""
    if isinstance(data, list):
        return [_unmarked(one) for one in data]
    if isinstance(data, dict):
        kept = {name: data[name] for name in data if name != "waffles:cell"}
        return {name: _unmarked(one) for name, one in kept.items()}
    return data


def differences(expected: Heard, found: Heard, home: str = "") -> list[str]:
    """What was answered otherwise, call by call.

    :param home: of several cells
    """
    shapes = SHAPES | (marks(home) if home else {})
    pairs = zip(expected, found, strict=True)
    compared = [
        (call, seen(one, SHAPES), seen(other, shapes))
        for (call, one), (_, other) in pairs
    ]
    return [
        f"{call}\n{_only(one, other)}\n{_only(other, one)}"
        for call, one, other in compared
        if one != other
    ]


def _only(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: one[key] for key in one if one[key] != other.get(key)}


def put_at(home: str, call: Call) -> Call:
    """A call as it is put to several cells: aggregates are made at home."""
    if call[:2] != ("POST", "/os-aggregates"):
        return call
    if call.token != ADMIN:
        # Who may not choose cells by the header may give a name.
        return call._replace(body={"aggregate": {"name": f"{home}@x"}})
    return call._replace(headers=(*call.headers, ("X-Waffles-Cell", home)))
