import pytest

from tests.unit.recovery import history
from waffles.recovery.model import Gate, Line, Phase, State


def test_recoveries_are_listed_the_newest_first(desk):
    history.night(desk.rows)
    code, rows, err = desk.json("recovery", "list")

    assert (code, err) == (0, "")
    assert [row["host"] for row in rows] == [
        "compute-7",
        "compute-3",
        "compute-1",
        "compute-2",
    ]
    assert rows[2]["state"] == "partial"
    assert rows[2]["servers"] == {
        "stuck": 1,
        "failed": 1,
        "notifying": 1,
        "recovered": 7,
        "skipped": 3,
    }


def test_without_any_there_is_nothing_to_list(desk):
    assert desk.type("recovery", "list") == (0, "", "")


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        (["--open"], ["compute-7", "compute-3"]),
        (["--ended"], ["compute-1", "compute-2"]),
        (["--host", "compute-1"], ["compute-1"]),
        (["--limit", "1"], ["compute-7"]),
        (["--limit", "0", "--ended"], ["compute-1", "compute-2"]),
    ],
)
def test_a_list_may_be_narrowed(desk, words, hosts):
    history.night(desk.rows)
    _, out, _ = desk.type(
        "recovery", "list", "-f", "value", "-c", "host", *words
    )

    assert out.split() == hosts


@pytest.mark.parametrize(
    ("until", "text"),
    [(None, "until somebody lifts it"), (1e10, "2286-11-20")],
)
def test_a_pause_of_all_is_told(desk, until, text):
    desk.rows.set_pause("ann", "a firmware update", until)
    code, _, err = desk.type("recovery", "list")

    assert code == 0
    assert "All recoveries are paused by ann" in err
    assert text in err
    assert "a firmware update" in err


def test_a_recovery_is_shown_as_the_api_shows_it(desk):
    history.night(desk.rows)
    code, shown, _ = desk.json("recovery", "show", "compute-3")

    assert code == 0
    assert shown["host"] == "compute-3"
    assert shown["gates"][1]["name"] == "threshold:cloud"
    assert shown["gates"][1]["passed"] is False
    assert shown["servers"] == {}
    assert shown["fenced"] is True
    assert "links" not in shown


def test_people_get_gates_and_counts_in_words(desk):
    history.night(desk.rows)
    _, out, _ = desk.type("recovery", "show", "compute-3", "--fit-width")
    assert "threshold:cloud HOLDS: 4 of 9 hosts" in out
    _, out, _ = desk.type("recovery", "show", "compute-1")
    assert "1 stuck, 1 failed, 1 notifying, 7 recovered, 3 skipped" in out


def test_a_recovery_that_is_not_there_cannot_be_shown(desk):
    code, out, err = desk.type("recovery", "show", "compute-9")

    assert (code, out) == (2, "")
    assert err == (
        "There is no recovery of a host compute-9, and none whose id begins"
        " like that.\n"
    )


@pytest.mark.parametrize(
    ("host", "code", "end"),
    [
        ("compute-2", 0, "compute-2 is done after"),
        ("compute-1", 1, "compute-1 is partial after"),
        ("compute-3", 1, "compute-3 is held by threshold:cloud after"),
    ],
)
def test_watching_ends_with_how_it_has_ended(desk, host, code, end):
    history.night(desk.rows)
    found, out, err = desk.type("recovery", "show", host, "--watch")

    assert found == code
    assert f"pacemaker says that {host} is gone" in out
    assert end in out.splitlines()[-1]
    release = "waffles recovery release" in err
    assert release is (host == "compute-3")


def test_nobody_is_told_to_let_a_cell_go(desk):
    gates = (Gate("cell", False, "Nova does not see the cell"),)
    history.recovery(desk.rows, "dead", phase=Phase.HELD, gates=gates)
    code, _, err = desk.type("recovery", "show", "dead", "--watch")

    assert code == 1
    assert "waffles recovery release" not in err


def test_a_program_that_watches_gets_the_result_alone(desk):
    history.night(desk.rows)
    code, shown, err = desk.json("recovery", "show", "compute-2", "--watch")

    assert (code, shown["state"]) == (0, "done")
    assert "compute-2 is done after" in err


def test_servers_are_listed_in_the_order_of_the_plan(desk):
    history.night(desk.rows)
    code, rows, _ = desk.json("recovery", "servers", "compute-1")

    assert code == 0
    assert [row["name"] for row in rows][:2] == ["shop-0", "shop-1"]
    assert len(rows) == 13
    assert set(rows[0]) == {
        "server_id",
        "name",
        "decision",
        "state",
        "reason",
        "destination",
    }


def test_servers_may_be_listed_by_state_and_in_full(desk):
    history.night(desk.rows)
    _, rows, _ = desk.json(
        "recovery", "servers", "compute-1", "--long",
        "--state", "stuck", "--state", "failed",
    )  # fmt: skip

    assert [row["state"] for row in rows] == ["stuck", "failed"]
    assert rows[0]["migration_id"] == 7


@pytest.mark.parametrize("words", [[], ["--long"]])
def test_without_servers_there_is_nothing_to_list(desk, words):
    history.declared(desk.rows, "compute-1")

    found = desk.json("recovery", "servers", "compute-1", *words)
    assert found == (0, [], "")


def test_a_state_that_there_is_not_is_refused(desk):
    words = ["recovery", "servers", "compute-1", "--state", "lost"]

    assert desk.type(*words)[0] == 2


def test_the_log_is_listed_the_oldest_line_first(desk):
    history.night(desk.rows)
    _, rows, _ = desk.json("recovery", "log", "compute-7")

    assert [row["event"] for row in rows] == [
        "received",
        "forced-down",
        "planned",
        "evacuate",
    ]
    assert rows[1]["request_id"] == "req-2"


def test_the_log_of_one_server_may_be_listed(desk):
    history.night(desk.rows)
    server_id = history.server("web-0").server_id
    _, rows, _ = desk.json(
        "recovery", "log", "compute-7", "--server", server_id
    )

    assert [row["message"] for row in rows] == ["web-0 is on compute-9"]


def test_the_log_of_the_cloud_has_its_pauses(desk):
    desk.rows.set_pause("ann", "a firmware update", None)
    _, rows, _ = desk.json("recovery", "log")

    (row,) = rows
    assert "paused by ann: a firmware update" in row["message"]


def test_what_strangers_say_moves_no_cursor(desk):
    history.recovery(
        desk.rows,
        "compute-1",
        history.server("web\x1b[2J", State.FAILED, reason="a\nb"),
        phase=Phase.FAILED,
        note="\x1b]0;x",
        lines=[Line("x", "\x1b[2J")],
    )
    for what in ("list", "show", "servers", "log"):
        words = [] if what == "list" else ["compute-1"]
        assert "\x1b" not in desk.type("recovery", what, *words)[1]


@pytest.mark.parametrize("what", ["list", "show", "servers", "log"])
def test_the_help_tells_the_exit_codes(desk, what):
    assert "exit codes: 0 " in desk.type("recovery", what, "--help")[1]
