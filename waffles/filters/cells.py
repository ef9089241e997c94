"""One set of flavors and host aggregates over several Novas.

*What it does.*  It answers for the resources below in place of one Nova: it
asks every cell, each a Nova of its own, and gives one answer.  All other
requests pass.

==================  =========================================================
flavors             their ids mean the same in all cells.  Lists are merged;
                    home's record counts where cells differ.  Sorting,
                    markers, limits and links are made here. Writes go to
                    all cells, home first; a create is done everywhere or
                    nowhere, anything else left unfinished is finished later
host aggregates     each is of one cell.  The id says which:
                    ``number * 10000000000 + id``; ``cell@id`` and the uuid
                    are taken too.  The name is shown as ``cell@name``, and
                    the body has ``waffles:cell``
availability zones  merged: a zone is available where one cell has it so
server groups       each is of one cell, and is found in any
==================  =========================================================

With one cell nothing is changed but links.  Cells are asked at the same
microversion: ``latest`` is the newest that all of them have, and the version
document says so.  Who may choose cells (the rule ``waffles:cells:target``,
for administrators) does with the header ``X-Waffles-Cell: c1, c2``.

*Whom it affects.*  Everybody: the caller's own token is sent to each cell, and
to nobody else, so what he sees and may do is decided by each Nova.

*What a client sees.*  The header ``X-Waffles-Cells: c1=ok;c2=late`` says how
each cell has answered that was asked: ``ok``, ``refused`` (no connection),
``late``, ``broken`` (no answer of Nova's), ``busy`` (too many requests are
under way), ``open`` (it has failed three times, and is tried again every five
seconds), or a status such as ``500``.

``X-Waffles-Pending: c3`` behind a write says that c3 gets it later: by
``waffles cells run``, where ``connection`` names a database.

*When a cell cannot be asked.*  Lists are the other cells' (``on_cell_down =
skip``), with that header and a ``Warning``, or 503 (``fail``).  Nothing is
"not there" (404) of which only a cell could know that has not answered: that
is 503, with Retry-After.  Where no cell answers, everything is 503.  A write
that could not be done in all cells is 503 when nothing has begun, else 502,
and names the cells; so it is when the database of the journal is away.

*Where it stands.*  In the pipeline of the top Nova, above all other waffles,
whose own Nova is then the cell with ``endpoint = local``; or alone, above an
application that finds nothing: see ``etc/api-paste-cells.ini``.

*The cells.*  Each has a group of its own; exactly one is home, where writes to
all begin.  Numbers are for ever::

    [waffles_cell_c1]
    endpoint = http://10.0.0.1:8774/v2.1
    number = 1
    home = true

    [waffles_cell_c2]
    endpoint = http://10.0.0.2:8774/v2.1
    number = 2
    timeout = 3

*Configuration*::

    [waffles_cells]
    enabled_cells = c1,c2
    on_cell_down = skip
    prefix_names = true
    connection = sqlite:////var/lib/waffles/recovery.db
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from waffles import config, guards
from waffles.cells import options, rules
from waffles.cells.proxy import assembling
from waffles.cells.proxy.proxy import Proxy
from waffles.request import ComputeRequest
from waffles.waffle import Waffle

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

OPTS = options.OPTS

#: Those of a cell.
GROUPS = {options.group_of("c1"): options.CELL_OPTS}

RULES = rules.RULES


class Cells(Waffle):
    """The waffle; the manual is the docstring of the module."""

    operations = frozenset()

    def __init__(self, app: "WSGIApplication", proxy: Proxy) -> None:
        super().__init__(app)
        self.proxy = proxy

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if self.proxy.is_ours(environ):
            found = self.proxy.answer(environ)
            return found(environ, start_response)
        return self.app(environ, start_response)

    def handle(self, request: ComputeRequest) -> "WSGIApplication | None":
        """Nothing of what other waffles judge."""
        return None


def filter_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """For api-paste.ini: ``use = egg:waffles#cells``."""
    ini = global_conf.get("__file__", "api-paste.ini")
    return configured(config.load("cells", OPTS, paste, ini))


def configured(
    section: config.Section,
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """What puts the waffle above an application; nothing where no option is
    set.

    :raises ConfigError: an option is wrong
    """
    if not section.given:
        return lambda app: app
    registry = options.registry(section)
    guard = guards.Guard(section.conf, RULES, rules.PREFIX)
    return lambda app: Cells(
        app, assembling.proxy(section, registry, guard, app, time.monotonic)
    )
