import dataclasses
import getpass
import os
import socket

import pytest

from tests.unit.recovery import history
from waffles import exceptions
from waffles.cli import recovery
from waffles.recovery.model import Assertion, Line, Phase, Recovery

IDS = ("abcd0000", "abcd1111", "dead0000")


@pytest.fixture
def store(tmp_path):
    found = history.opened(tmp_path / "recovery.db")
    for n, beginning in enumerate(IDS):
        host = f"compute-{n}"
        one = Recovery(
            f"{beginning}-0000-4000-8000-000000000000",
            host,
            Phase.RECEIVED,
            Assertion(host),
            "",
        )
        found.create(one, line=Line("received", "so"))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("compute-1", "compute-1"),
        ("abcd0000-0000-4000-8000-000000000000", "compute-0"),
        ("abcd1", "compute-1"),
        ("DEAD", "compute-2"),
        ("de", "compute-2"),
    ],
    ids=["host", "id", "beginning", "any case", "short"],
)
def test_a_recovery_is_found_by_what_it_is_called(store, name, host):
    assert recovery.found(store, name).host == host


@pytest.mark.parametrize("name", ["compute", "ffff", "d", "", "%", "dead0x"])
def test_what_no_recovery_is_called_finds_none(store, name):
    with pytest.raises(exceptions.WafflesError, match="There is no recovery"):
        recovery.found(store, name)


def test_what_several_are_called_finds_none(store):
    why = "2 recoveries have an id that begins with abcd: abcd1111-.*abcd0000"
    with pytest.raises(exceptions.WafflesError, match=why):
        recovery.found(store, "abcd")


def test_of_very_many_a_few_are_named(store, monkeypatch):
    monkeypatch.setattr(recovery, "FEW", 1)

    with pytest.raises(exceptions.WafflesError, match="0000, …$"):
        recovery.found(store, "abcd")


def test_a_host_is_meant_before_an_id(store):
    """A host may be called like the beginning of an id."""
    one = Recovery("", "abcd", Phase.RECEIVED, Assertion("abcd"), "")
    store.create(one, line=Line("received", "so"))

    assert recovery.found(store, "abcd").host == "abcd"


def test_of_a_host_the_newest_recovery_is_meant(store):
    lease = store.claim("engine", 60.0)
    old = lease.save(phase=Phase.DONE)
    new, _ = store.create(
        dataclasses.replace(old, id="", phase=Phase.RECEIVED),
        line=Line("received", "again"),
    )

    assert recovery.found(store, old.host).id == new.id


@pytest.mark.parametrize("page", [1, 2, 3, 500])
@pytest.mark.parametrize(
    ("most", "count"), [(None, 3), (1, 1), (2, 2), (3, 3), (9, 3)]
)
def test_recoveries_are_read_by_pages(store, monkeypatch, page, most, count):
    monkeypatch.setattr(recovery, "PAGE", page)

    found = [one.host for one in recovery.everything(store, most)]
    assert found == ["compute-2", "compute-1", "compute-0"][:count]


@pytest.mark.parametrize(
    ("sudo", "name"), [("ann", "ann"), (None, getpass.getuser())]
)
def test_who_types_is_on_record(monkeypatch, sudo, name):
    monkeypatch.delenv("SUDO_USER", raising=False)
    if sudo:
        monkeypatch.setenv("SUDO_USER", sudo)

    assert recovery.operator() == f"{name}@{socket.gethostname()}"


def test_who_has_no_name_is_on_record_by_number(monkeypatch):
    def nobody():
        raise OSError("No username set in the environment")

    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", nobody)

    assert recovery.operator().startswith(f"uid {os.getuid()}@")


def test_a_terminal_obeys_no_stranger():
    row = recovery.cells(("plain", "a\x1b[2Jb", 7, None))

    assert [str(cell) for cell in row] == ["plain", "a\\x1b[2Jb", "7", "None"]
    # A program gets it as it is.
    assert row[1].machine_readable() == "a\x1b[2Jb"


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        ((True, False), "cell passed: seen"),
        ((False, False), "cell HOLDS: seen"),
        ((False, True), "cell let go: seen"),
    ],
)
def test_a_gate_is_a_line(gate, line):
    passed, released = gate
    shown = {
        "name": "cell",
        "passed": passed,
        "reason": "seen",
        "released": released,
    }

    assert recovery.gate_line(shown) == line


def test_without_an_option_it_cannot_be_done(desk):
    desk.configure("conection = x")
    code, out, err = desk.type("recovery", "list")

    assert (code, out) == (2, "")
    assert "[waffles_recovery] conection: there is no such option" in err


def test_without_a_store_it_cannot_be_done(desk):
    desk.conf.write_text(
        f"[waffles_recovery]\nconnection = sqlite:///{desk.folder}/no/x.db\n"
    )
    code, out, err = desk.type("recovery", "list")

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
