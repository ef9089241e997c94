"""The options of the cells proxy, and what they say of the cells.

``[waffles_cells]`` names the cells; each has a group of its own.
"""

import re
from collections.abc import Mapping
from urllib import parse

from oslo_config import cfg

from waffles import config
from waffles.cells.model import Cell, Registry

GROUP = "waffles_cells"

#: How a cell's name looks: it stands before an ``@``.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")

#: What ``endpoint`` says of the Nova below the proxy.
LOCAL = "local"

OPTS = (
    cfg.ListOpt(
        "enabled_cells",
        default=[],
        sample_default=["c1", "c2"],
        help=(
            "Names of the cells: a-z, 0-9 and -, at most 31 characters. Each "
            "has a group of its own: [waffles_cell_NAME]."
        ),
    ),
    cfg.StrOpt(
        "on_cell_down",
        default="skip",
        choices=["skip", "fail"],
        help=(
            "What a list is without a cell that does not answer: the others' "
            "(skip), or a 503 (fail). The header X-Waffles-Cells says so."
        ),
    ),
    cfg.BoolOpt(
        "prefix_names",
        default=True,
        help=(
            "Show the names of host aggregates as cell@name. With one cell "
            "they are never changed."
        ),
    ),
    cfg.StrOpt(
        "connection",
        secret=True,
        sample_default="sqlite:////var/lib/waffles/recovery.db",
        help=(
            "The URL of the database that has the journal of unfinished "
            "writes; that of [waffles_recovery] may be said here. All nodes "
            "of the proxy need the same."
        ),
    ),
)

CELL_OPTS = (
    cfg.StrOpt(
        "endpoint",
        sample_default="http://10.0.0.1:8774/v2.1",
        help=(
            "The compute API of the cell, such as http://10.0.0.1:8774/v2.1; "
            "local for the Nova below the proxy."
        ),
    ),
    cfg.IntOpt(
        "number",
        sample_default=1,
        min=1,
        max=900_000,
        help=(
            "What tells the cell's host aggregates from others': their ids "
            "are number * 10000000000 + id. Never change or reuse it."
        ),
    ),
    cfg.BoolOpt(
        "home",
        default=False,
        help="Whether writes to all cells begin here: in exactly one cell.",
    ),
    cfg.FloatOpt(
        "connect_timeout",
        default=1,
        min=0.01,
        help="Seconds to wait for a connection.",
    ),
    cfg.FloatOpt(
        "timeout",
        default=5,
        min=0.1,
        help="Seconds that the cell has for a whole answer.",
    ),
    cfg.IntOpt(
        "connections",
        default=32,
        min=1,
        max=256,
        help=(
            "Requests to the cell at the same time, of one process: not less "
            "than its threads. What is more is not sent."
        ),
    ),
    cfg.StrOpt(
        "cafile",
        sample_default="/etc/ssl/certs/ca-certificates.crt",
        help=(
            "Certificates that the cell's is checked with; those that the "
            "system trusts where nothing is said."
        ),
    ),
)


def group_of(name: str) -> str:
    """The group of a cell's options.

    >>> group_of("c1")
    'waffles_cell_c1'
    """
    return f"waffles_cell_{name}"


def registry(section: config.Section) -> Registry:
    """The cells of a configuration.

    :raises ConfigError: no cell, one without a group, an endpoint or a
        number, a number or an endpoint of two cells, not exactly one home
    """
    names = section["enabled_cells"]
    if not names:
        raise section.error("enabled_cells", "names no cell")
    for name in names:
        if not _NAME.fullmatch(name):
            raise section.error(
                "enabled_cells", f"{name!r} is no name of a cell"
            )
        if names.count(name) > 1:
            raise section.error("enabled_cells", f"{name} is there twice")
    found = {name: _section(section, name) for name in names}
    cells = [_cell(name, one) for name, one in found.items()]
    for field in ("number", "endpoint"):
        _refuse_same(cells, field, found)
    homes = [cell.name for cell in cells if cell.home]
    if len(homes) != 1:
        which = ", ".join(homes) or "none"
        why = f"exactly one cell must have home = true: {which} has"
        raise section.error("enabled_cells", why)
    cells.sort(key=lambda cell: (not cell.home, cell.number))
    return Registry(tuple(cells), section["prefix_names"])


def _section(section: config.Section, name: str) -> config.Section:
    found = config.section(section.conf, group_of(name), CELL_OPTS)
    if not found.present:
        why = f"there is no group [{group_of(name)}]"
        raise section.error("enabled_cells", why)
    return found


def _cell(name: str, section: config.Section) -> Cell:
    for option in ("endpoint", "number"):
        if not section[option]:
            raise section.error(option, "is required")
    return Cell(
        name,
        section["number"],
        _endpoint(section),
        section["home"],
        section["connect_timeout"],
        section["timeout"],
        section["connections"],
        section["cafile"],
    )


def _endpoint(section: config.Section) -> str:
    """An endpoint without a slash at its end; empty for the Nova below."""
    text = str(section["endpoint"])
    if text == LOCAL:
        return ""
    try:
        url = parse.urlsplit(text)
        _ = url.port
    except ValueError as error:
        raise section.error("endpoint", error) from None
    if url.scheme not in ("http", "https") or not url.hostname:
        raise section.error("endpoint", "is no http or https address")
    if url.username or url.query or url.fragment:
        why = "must be an address and a path, and nothing else"
        raise section.error("endpoint", why)
    return text.rstrip("/")


def _refuse_same(
    cells: list[Cell], field: str, sections: Mapping[str, config.Section]
) -> None:
    known: dict[object, str] = {}
    for cell in cells:
        value = getattr(cell, field)
        if other := known.get(value):
            why = f"{other} has the same: {value or LOCAL}"
            raise sections[cell.name].error(field, why)
        known[value] = cell.name
