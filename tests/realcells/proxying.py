"""A cells proxy that stands alone, in this process, over running cells.

It has the pipeline of ``etc/api-paste-cells.ini``, with the tokens of tests.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from paste import deploy

from tests.realcells import ROOT, Cell, conf
from tests.realcells.asking import Api
from waffles.demo import listen

SHIPPED = ROOT / "etc" / "api-paste-cells.ini"

GROUP = """\
[waffles_cell_{name}]
endpoint = {endpoint}
number = {number}
home = {home}
timeout = {timeout}
"""


def text(
    cells: Iterable[Cell],
    timeout: float = 30,
    local: Cell | None = None,
    **options: Any,
) -> str:
    """The configuration of a proxy; the first cell is home.

    :param timeout: seconds that each cell has
    :param local: the cell whose pipeline the proxy stands in
    :param options: of ``[waffles_cells]``
    """
    listed = list(cells)
    names = ",".join(cell.name for cell in listed)
    lines = [f"{key} = {value}" for key, value in options.items()]
    groups = [
        GROUP.format(
            name=cell.name,
            endpoint="local" if cell is local else cell.url,
            number=number,
            home=number == 1,
            timeout=timeout,
        )
        for number, cell in enumerate(listed, 1)
    ]
    first = ["[waffles_cells]", f"enabled_cells = {names}", *lines]
    return "\n".join([*first, *groups])


@contextlib.contextmanager
def proxied(
    cells: Iterable[Cell], folder: Path, **options: Any
) -> Iterator[Api]:
    """A proxy over cells meanwhile.

    :param folder: for its files; a proxy that is there needs another
    :param options: of :func:`text`
    """
    folder.mkdir(exist_ok=True)
    file, paste = folder / "waffles.conf", folder / "api-paste.ini"
    file.write_text(text(cells, **options))
    conf.write_pipeline(paste, SHIPPED, config_file=str(file))
    app = deploy.loadapp(f"config:{paste}", name="main")
    with listen.listening(app) as url:
        yield Api(f"{url}/v2.1")
