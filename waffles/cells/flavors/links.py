"""The addresses in answers: ours, not the cells'."""

import re
from collections.abc import Iterable
from typing import Any
from urllib import parse

#: The version in an address, with what stands behind it.
_VERSION = re.compile(r"(?<=[^/])/v\d+(?:\.\d+)?(?P<rest>(?:/[^/]*)?)$")


def relinked(record: dict[str, Any], base: str, path: str) -> dict[str, Any]:
    """A record whose links to itself are at our address.

    :param base: what our own addresses begin with
    :param path: of the record, behind that; not quoted, as Nova has it
    """
    links = record.get("links")
    if not isinstance(links, list):
        return record
    hrefs = {
        "self": f"{base}{path}",
        "bookmark": f"{unversioned(base)}{path}",
    }
    return {**record, "links": [_relinked(link, hrefs) for link in links]}


def _relinked(link: Any, hrefs: dict[str, str]) -> Any:
    rel = link.get("rel") if isinstance(link, dict) else None
    return (
        {**link, "href": hrefs[rel]} if rel in ("self", "bookmark") else link
    )


def unversioned(base: str) -> str:
    """The base of bookmarks.

    >>> unversioned("http://nova:8774/v2.1/project")
    'http://nova:8774/project'
    """
    return _VERSION.sub(r"\g<rest>", base)


def following(
    address: str, query: Iterable[tuple[str, str]], marker: str
) -> list[dict[str, str]]:
    """The link to the next page, as Nova writes it.

    >>> following("http://n/flavors", [("limit", "2"), ("a", "b")], "c d")
    [{'rel': 'next', 'href': 'http://n/flavors?a=b&limit=2&marker=c+d'}]
    """
    text = parse.urlencode({**dict(sorted(query)), "marker": marker})
    return [{"rel": "next", "href": f"{address}?{text}"}]
