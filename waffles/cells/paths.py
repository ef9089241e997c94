"""Which resource of the cells a path is for.

Paths are split where the server has decoded them, as Nova's router does: an
encoded ``/`` parts a path here too, and then no route is for it.  The project
id in front is optional, and must be the caller's.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib import parse

from waffles import exceptions

#: A project id in a path, as Nova's routes have it.
_PROJECT_ID = re.compile("[0-9a-f-]+")


class Path(NamedTuple):
    """A path by its parts, behind the project id."""

    project_id: str | None
    parts: tuple[str, ...]


def of_environ(
    environ: Mapping[str, Any], collections: Iterable[str]
) -> Path | None:
    """The path of a request; None where it is of no collection.

    >>> of_environ({"PATH_INFO": "/abc/flavors/1"}, {"flavors"})
    Path(project_id='abc', parts=('flavors', '1'))
    """
    first, *parts = environ.get("PATH_INFO", "").split("/")
    if first or not parts:
        return None
    if parts[-1].endswith("\n") and parts[-1] != "\n":
        parts[-1] = parts[-1][:-1]  # as Nova's router does
    if parts[0] in collections:
        return Path(None, tuple(parts))
    if len(parts) < 2 or parts[1] not in collections:
        return None
    if not _PROJECT_ID.fullmatch(parts[0]):
        return None
    return Path(parts[0], tuple(parts[1:]))


def refuse_project(path: Path, project_id: str | None) -> None:
    """Refuse the path of another project, as Nova does.

    :param project_id: the caller's
    :raises Malformed: it is one
    """
    if path.project_id not in (None, project_id):
        raise exceptions.Malformed(
            f"Malformed request URL: URL's project_id '{path.project_id}'"
            f" doesn't match Context's project_id '{project_id}'"
        )


def matched(template: str, parts: tuple[str, ...]) -> dict[str, str] | None:
    """The ids of a path, if a route is for it.

    >>> matched("/flavors/{flavor_id}", ("flavors", "a b"))
    {'flavor_id': 'a b'}
    """
    names = template.split("/")[1:]
    if len(names) != len(parts):
        return None
    ids = {}
    for name, part in zip(names, parts, strict=True):
        if name.startswith("{") and part:
            ids[name.strip("{}")] = _decoded(part)
        elif name != part:
            return None
    return ids


def quoted(*parts: object) -> str:
    """A path of parts, each quoted.

    >>> quoted("flavors", "a b/c")
    '/flavors/a%20b%2Fc'
    """
    return "".join(
        f"/{parse.quote(str(part), safe='', errors='surrogateescape')}"
        for part in parts
    )


def _decoded(part: str) -> str:
    """PATH_INFO is read as latin-1; it is UTF-8, or bytes that are kept."""
    return part.encode("latin-1").decode(errors="surrogateescape")
