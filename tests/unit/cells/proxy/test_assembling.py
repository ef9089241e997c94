import time

import webtest

from tests.unit.cells import novas
from tests.unit.cells.novas import Nova
from tests.unit.cells.proxy.test_proxy import MEMBER, names
from waffles import config, guards
from waffles.cells import options, rules
from waffles.cells.proxy import assembling
from waffles.filters import cells


def test_the_cells_can_be_asked_without_a_request(tmp_path):
    with novas.served(Nova("a")) as url:
        file = tmp_path / "waffles.conf"
        file.write_text(
            "[waffles_cells]\nenabled_cells = c1, c2\n[waffles_cell_c1]\n"
            f"number = 1\nendpoint = {url}\n"
            "[waffles_cell_c2]\nnumber = 2\nhome = true\nendpoint = local\n"
        )
        section = config.section(
            config.read([str(file)]), options.GROUP, options.OPTS
        )
        asked, found = assembling.asked(options.registry(section))

    assert [cell.name for cell in asked] == ["c1"]
    assert found["c1"].json["version"]["version"] == "2.104"


def test_the_nova_below_may_be_a_cell(tmp_path):
    below = Nova("a")
    with novas.served(Nova("b")) as url:
        file = tmp_path / "waffles.conf"
        file.write_text(
            "[waffles_cells]\nenabled_cells = c1, c2\n[waffles_cell_c1]\n"
            f"number = 1\nendpoint = {url}\n"
            "[waffles_cell_c2]\nnumber = 2\nhome = true\nendpoint = local\n"
        )
        section = config.section(
            config.read([str(file)]), options.GROUP, options.OPTS
        )
        guard = guards.Guard(section.conf, rules.RULES, rules.PREFIX)
        proxy = assembling.proxy(
            section, options.registry(section), guard, below, time.monotonic
        )
        app = webtest.TestApp(cells.Cells(below, proxy))
        found = app.get("/flavors", headers=MEMBER)

    assert names(found) == ["a", "b"]
    assert found.headers["X-Waffles-Cells"] == "c2=ok;c1=ok"
