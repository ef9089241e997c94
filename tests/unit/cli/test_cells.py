import json
import threading
import time

import pytest

from tests.unit.cells import novas
from tests.unit.cells.journals import database, journal, put, url
from tests.unit.cells.writing_fakes import Fault, Flavor, Front, Nova
from waffles import exceptions
from waffles.cells.journal.entries import Entry, Kind
from waffles.cli import app, cells

__all__ = ["database", "journal", "url"]

JOURNAL = "[waffles_cells]\nenabled_cells = c1\nconnection = sqlite://\n"

SMALL = Flavor("s", "small", 64, 1, 0, specs={"hw:a": "1"})


@pytest.fixture
def typed(tmp_path, capsys):
    """Types ``waffles cells list`` on a configuration."""
    file = tmp_path / "waffles.conf"

    def typed(text, *words):
        file.write_text(text)
        code = app.main(["cells", "list", *words, "--config-file", str(file)])
        return code, *capsys.readouterr()

    return typed


def cell(name, url, *, home=False):
    return (
        f"[waffles_cell_{name}]\nendpoint = {url}\nnumber = {name[1:]}\n"
        f"home = {home}\n"
    )


def test_cells_are_listed_with_what_they_have(typed):
    with novas.served(novas.Nova()) as url:
        text = "[waffles_cells]\nenabled_cells = c1\n"
        code, out, err = typed(text + cell("c1", url, home=True), "-f", "json")

    (found,) = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["name"], found["state"]) == ("c1", "ok")
    assert (found["min_version"], found["version"]) == ("2.1", "2.104")
    assert found["endpoint"] == url


def test_one_that_does_not_answer_is_an_exit_code(typed):
    with novas.served(novas.Nova()) as url:
        text = "[waffles_cells]\nenabled_cells = c1, c2\n"
        text += cell("c1", url, home=True)
        text += cell("c2", "http://127.0.0.1:9/v2.1")
        code, out, _ = typed(text)

    assert code == 1
    assert "refused" in out


def test_a_wrong_option_is_one_sentence(typed):
    code, out, err = typed("[waffles_cells]\n")

    assert (code, out) == (2, "")
    assert err.endswith("[waffles_cells] enabled_cells: names no cell\n")


@pytest.fixture
def two(tmp_path, monkeypatch):
    """The command on two cells in memory, c1 home, and a journal."""
    made = Front(Nova("c1", SMALL), Nova("c2"))

    class Ours:
        journal = made.journal

        def call(self):
            return made.call("GET", "/")

    monkeypatch.setattr(cells, "_ourselves", lambda section: Ours())
    return made


@pytest.fixture
def ran(tmp_path, capsys):
    file = tmp_path / "waffles.conf"

    def ran(*argv, text="[waffles_cells]\nenabled_cells = c1\n"):
        file.write_text(text)
        code = app.main(["cells", *argv, "--config-file", str(file)])
        return code, *capsys.readouterr()

    return ran


def test_what_differs_is_listed(two, ran):
    code, out, _ = ran("audit", "--wait", "0", "-f", "json")

    (found,) = json.loads(out)
    assert code == 1
    assert found == {
        "flavor_id": "s",
        "cell": "c2",
        "kind": "missing",
        "fields": "",
        "clash": "",
    }


def test_where_nothing_differs_nothing_is_listed(two, ran):
    two.novas["c2"].flavors["s"] = SMALL

    assert ran("audit", "--wait", "0") == (0, "", "")


def test_a_cell_that_was_not_seen_is_told_of(two, ran):
    two.novas["c2"].faults.append(Fault("", "before", "refused", down=True))

    code, out, err = ran("audit", "--wait", "0")

    assert (code, out) == (2, "")
    assert "Cell c2 was not seen: refused.\n" in err


def test_what_is_mended_is_listed(two, ran):
    code, out, _ = ran("heal", "--wait", "0", "-f", "value")

    assert (code, out.split()) == (0, ["s", "c2", "missing", "ok"])
    assert two.novas["c2"].flavors["s"] == SMALL


def test_what_is_left_is_an_exit_code(two, ran):
    two.novas["c2"].faults.append(Fault("POST", "after", 403))

    assert ran("heal", "--wait", "0")[0] == 1


def test_unfinished_writes_are_listed(two, ran, journal):
    two.journal = journal
    type(cells._ourselves(None)).journal = journal
    begun = journal.begin(Entry("s", Kind.DELETE, {"c2": "pending"}))
    journal.end(begun, "Cell c2 is away.")
    code, out, _ = ran("pending", "-f", "json", text=JOURNAL)

    (found,) = json.loads(out)
    assert code == 1
    assert (found["flavor_id"], found["kind"]) == ("s", "delete")
    assert found["cells"] == {"c2": "pending"}
    assert found["error"] == "Cell c2 is away."


def test_where_all_is_finished_none_is(two, ran):
    assert ran("pending", text=JOURNAL) == (0, "", "")


def test_unfinished_writes_are_finished(two, ran, journal):
    type(cells._ourselves(None)).journal = journal
    begun = journal.begin(Entry("s", Kind.SPECS, {"c2": "pending"}))
    journal.end(begun)
    put(journal, next_at=0)

    assert ran("run", "--once", text=JOURNAL) == (0, "", "")
    assert two.novas["c2"].flavors["s"] == SMALL
    assert journal.entries() == []


@pytest.mark.parametrize("command", ["run", "pending"])
def test_without_a_journal_there_is_nothing_to_finish(two, ran, command):
    code, _, err = ran(command)

    assert code == 2
    assert "connection: is required: there is no journal" in err


def test_it_runs_until_it_is_told_to_end(two, journal, monkeypatch, caplog):
    ours, stop = cells._ourselves(None), threading.Event()
    type(ours).journal = journal
    monkeypatch.setattr(cells, "PAUSE", 0.01)
    thread = threading.Thread(target=cells.finishing, args=(ours, stop))
    thread.start()
    begun = journal.begin(Entry("s", Kind.SPECS, {"c2": "pending"}))
    journal.end(begun)
    put(journal, next_at=0)
    end = time.monotonic() + 20
    while journal.entries() and time.monotonic() < end:
        time.sleep(0.01)
    stop.set()
    thread.join(20)

    assert not thread.is_alive()
    assert two.novas["c2"].flavors["s"] == SMALL


def test_what_cannot_be_asked_is_asked_again(monkeypatch, caplog):
    class Ours:
        @property
        def journal(self):
            stop.set()
            raise exceptions.Unavailable("No database.")

    stop = threading.Event()
    monkeypatch.setattr(cells, "PAUSE", 0.01)
    cells.finishing(Ours(), stop)

    assert "wait: No database." in caplog.text
