import contextlib

import pytest

from tests.unit.cells.journals import url
from waffles import config, exceptions
from waffles.cells import options
from waffles.cells.journal import opened
from waffles.cells.journal.alone import Alone
from waffles.cells.journal.journal import Journal
from waffles.cells.model import Cell, Registry

__all__ = ["url"]

CELLS = Registry((Cell("c1", 1, "http://c1/v2.1", home=True),))
BELOW = Registry((Cell("c1", 1, home=True),))


def section(tmp_path, text=""):
    file = tmp_path / "waffles.conf"
    file.write_text(f"[waffles_cells]\n{text}\n")
    return config.section(
        config.read([str(file)]), options.GROUP, options.OPTS
    )


def test_without_a_database_nothing_is_kept(tmp_path):
    made = opened.of_section(section(tmp_path), BELOW)

    assert isinstance(made(), Alone)
    assert made() is made()


def test_a_journal_is_opened_once(tmp_path, url):
    made = opened.of_section(section(tmp_path, f"connection = {url}"), CELLS)
    with contextlib.closing(made().database):
        assert isinstance(made(), Journal)
        assert made() is made()


def test_a_database_that_cannot_be_used_is_told_when_it_is_needed(tmp_path):
    there = f"connection = sqlite:///{tmp_path}/none/cells.db"
    made = opened.of_section(section(tmp_path, there), CELLS)

    with pytest.raises(exceptions.Unavailable):
        made()


def test_one_that_has_no_tables_is_upgraded_or_told(tmp_path):
    there = f"connection = sqlite:///{tmp_path}/cells.db"
    made = opened.of_section(section(tmp_path, there), CELLS)
    with contextlib.closing(made().database):
        assert made().entries() == []


def test_a_local_cell_has_no_journal(tmp_path):
    there = section(tmp_path, f"connection = sqlite:///{tmp_path}/cells.db")

    with pytest.raises(exceptions.ConfigError, match="cannot ask c1"):
        opened.of_section(there, BELOW)
