"""What the URL of a request says, read as Nova reads those of its own.

The project id in front is optional, and must be the caller's.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib import parse
from wsgiref import util

from waffles import exceptions
from waffles.caller import Caller

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

#: The first part of each of our paths.
ROOT = "os-waffles"

#: A project id in a path, as Nova's routes have it.
_PROJECT_ID = re.compile("[0-9a-f-]+")

#: A parameter that any request may have: a method instead of its own.
METHOD = "_method"


def parts(environ: "WSGIEnvironment") -> tuple[str, ...] | None:
    """The path behind :data:`ROOT`, by parts; None where it is not ours.

    >>> parts({"PATH_INFO": "/abc/os-waffles/recoveries"})
    ('recoveries',)
    """
    first, *rest = environ.get("PATH_INFO", "").split("/")
    if rest and _PROJECT_ID.fullmatch(rest[0]):
        del rest[0]
    return tuple(rest[1:]) if rest[:1] == [ROOT] and not first else None


def project_id(environ: "WSGIEnvironment") -> str | None:
    """The project id in a path of ours; None where there is none."""
    first = environ["PATH_INFO"].split("/")[1]
    return None if first == ROOT else str(first)


def refuse_project(environ: "WSGIEnvironment", caller: Caller) -> None:
    """Refuse the path of another project, as Nova does.

    :raises Malformed: it is one
    """
    found = project_id(environ)
    if found not in (None, caller.project_id):
        raise exceptions.Malformed(
            f"Malformed request URL: URL's project_id '{found}' doesn't"
            f" match Context's project_id '{caller.project_id}'"
        )


def query(
    environ: "WSGIEnvironment", allowed: Collection[str]
) -> dict[str, str]:
    """The parameters of a request, but for :data:`METHOD`.

    :raises Malformed: one is not allowed, or is there twice
    """
    try:
        pairs = parse.parse_qsl(
            environ.get("QUERY_STRING", ""),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=100,
        )
    except ValueError:
        raise exceptions.Malformed("Malformed query string") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name == METHOD:
            continue
        if name not in allowed:
            raise _refused(name, "is not allowed here")
        if name in found:
            raise _refused(name, "is there twice")
        found[name] = value
    return found


def base(environ: "WSGIEnvironment", prefix: str = "") -> str:
    """What the addresses of ours begin with that a client can use.

    :param prefix: Nova's ``[api] compute_link_prefix``: instead of what the
        client has asked for
    """
    front = util.application_uri(environ)
    if prefix:
        front = prefix.rstrip("/") + parse.quote(
            environ.get("SCRIPT_NAME", ""), encoding="latin-1"
        )
    found = project_id(environ)
    return "/".join(filter(None, (front.rstrip("/"), found, ROOT)))


def _refused(name: str, why: str) -> exceptions.Malformed:
    return exceptions.Malformed(f"Query parameter {name[:99]!r} {why}.")
