import copy
import dataclasses
import itertools

import pytest

from tests.unit.cells.journals import database, due, journal, lapse, url
from tests.unit.cells.writing_fakes import (
    BASE,
    IS_PUBLIC,
    Fault,
    Front,
    Nova,
    code,
    flavor,
    text,
)
from waffles import exceptions
from waffles.cells.drift import replay
from waffles.cells.flavors import leading
from waffles.cells.journal.entries import Kind

__all__ = ["database", "journal", "url"]

#: What all cells have at first, and what some write changes of it.
OLD = flavor("m1", is_public=False, specs={"a": "1"}, access=["p1"])


def new(**fields):
    return dataclasses.replace(copy.deepcopy(OLD), **fields)


@dataclasses.dataclass(frozen=True)
class Write:
    """A write, and what a cell has when it is done; None for no flavor."""

    method: str
    url: str
    data: object
    status: int
    after: object
    answer: object

    @property
    def creates(self):
        return self.url == "/flavors"


ACCESS = [{"flavor_id": "m1", "tenant_id": "p1"}]
BODY = {"id": "n", "name": "new", "ram": 1, "vcpus": 2, "disk": 3}
SPECS = {"extra_specs": {"a": 2, "b": "x"}}

WRITES = {
    "create": Write(
        "POST",
        "/flavors",
        {"flavor": BODY},
        200,
        flavor("n", name="new", ram=1, vcpus=2, disk=3),
        None,
    ),
    "update": Write(
        "PUT",
        "/flavors/m1",
        {"flavor": {"description": "ü"}},
        200,
        new(description="ü"),
        None,
    ),
    "delete": Write("DELETE", "/flavors/m1", None, 202, None, None),
    "set specs": Write(
        "POST",
        "/flavors/m1/os-extra_specs",
        SPECS,
        200,
        new(specs={"a": "2", "b": "x"}),
        SPECS,
    ),
    "set spec": Write(
        "PUT",
        "/flavors/m1/os-extra_specs/b c",
        {"b c": 1.5},
        200,
        new(specs={"a": "1", "b c": "1.5"}),
        {"b c": 1.5},
    ),
    "delete spec": Write(
        "DELETE",
        "/flavors/m1/os-extra_specs/a",
        None,
        200,
        new(specs={}),
        None,
    ),
    "add access": Write(
        "POST",
        "/flavors/m1/action",
        {"addTenantAccess": {"tenant": "p2"}},
        200,
        new(access=["p1", "p2"]),
        {
            "flavor_access": [
                *ACCESS,
                {"flavor_id": "m1", "tenant_id": "p2"},
            ]
        },
    ),
    "remove access": Write(
        "POST",
        "/flavors/m1/action",
        {"removeTenantAccess": {"tenant": "p1"}},
        200,
        new(access=[]),
        {"flavor_access": []},
    ),
}
FORWARD = [name for name in WRITES if name != "create"]


def fronted(journal=None, **how):
    """Three cells with the same flavor."""
    novas = [Nova(name, OLD) for name in ("c1", "c2", "c3")]
    return Front(*novas, journal=journal, **how)


def sent(front, write, **how):
    return front(write.method, write.url, write.data, **how)


def has(front, write):
    """How each cell is: o as before, n as the write wants it, else ?."""
    key = "n" if write.creates else "m1"
    before = None if write.creates else OLD
    found = [nova.flavors.get(key) for nova in front.novas.values()]
    known = {"n": write.after, "o": before}
    return "".join(
        next((sign for sign, one in known.items() if one == is_now), "?")
        for is_now in found
    )


def healed(front, journal):
    """Have the cells be well again, and all that is left be replayed."""
    for nova in front.novas.values():
        nova.faults.clear()
        nova.land()
    lapse(journal)
    done = replay.run(journal, front.asks())
    assert journal.entries() == []
    return done


# What becomes of a write, by who fails, when, how, and whether the cell is
# down from then on: what the client is told (2xx is the write's own), how the
# cells are (o as before, n as wanted), how many rows are left in the journal,
# and how the cells are when it has been replayed.
#
# Changes: the description, extra specs, access, and deleting.
NO_ANSWER = ("refused", "reset", "hang")
HOME = {
    # before it is sent
    ("before", NO_ANSWER, False): (503, "ooo", 0, "ooo"),
    ("before", NO_ANSWER, True): (503, "ooo", 0, "ooo"),
    ("before", "5xx", False): (503, "ooo", 0, "ooo"),
    ("before", "5xx", True): (502, "ooo", 1, "ooo"),
    ("before", "html", False): (502, "ooo", 1, "ooo"),
    ("before", "html", True): (502, "ooo", 1, "ooo"),
    # home has got it, and does nothing
    ("after", NO_ANSWER, False): (502, "ooo", 1, "ooo"),
    ("after", NO_ANSWER, True): (502, "ooo", 1, "ooo"),
    ("after", "5xx", False): (503, "ooo", 0, "ooo"),
    ("after", "5xx", True): (502, "ooo", 1, "ooo"),
    ("after", "html", False): (502, "ooo", 1, "ooo"),
    ("after", "html", True): (502, "ooo", 1, "ooo"),
    # home does it, and its answer is lost
    ("commit", NO_ANSWER, False): ("2xx", "nnn", 0, "nnn"),
    ("commit", NO_ANSWER, True): (502, "noo", 1, "nnn"),
    ("commit", "5xx", False): ("2xx", "nnn", 0, "nnn"),
    ("commit", "5xx", True): (502, "noo", 1, "nnn"),
    ("commit", "html", False): ("2xx", "nnn", 0, "nnn"),
    ("commit", "html", True): (502, "noo", 1, "nnn"),
}
ANY = (*NO_ANSWER, "5xx", "html")
OTHER = {
    ("before", ANY, False): ("2xx", "nnn", 0, "nnn"),
    ("before", ANY, True): ("2xx c3", "nno", 1, "nnn"),
    ("after", ANY, False): ("2xx", "nnn", 0, "nnn"),
    ("after", ANY, True): ("2xx c3", "nno", 1, "nnn"),
    ("commit", ANY, False): ("2xx", "nnn", 0, "nnn"),
    ("commit", ANY, True): ("2xx c3", "nnn", 1, "nnn"),
}
# A create: nobody knows whether it is there, or it cannot be deleted: a replay
# deletes it.
CREATE_HOME = HOME | {
    ("commit", NO_ANSWER, True): (502, "noo", 1, "ooo"),
    ("commit", "5xx", True): (502, "noo", 1, "ooo"),
    ("commit", "html", True): (502, "noo", 1, "ooo"),
}
CREATE_OTHER = {
    ("before", ANY, False): ("2xx", "nnn", 0, "nnn"),
    ("before", NO_ANSWER, True): (502, "ooo", 0, "ooo"),
    ("before", "5xx", True): (502, "ooo", 1, "ooo"),
    ("before", "html", True): (502, "ooo", 1, "ooo"),
    ("after", ANY, False): ("2xx", "nnn", 0, "nnn"),
    ("after", ANY, True): (502, "ooo", 1, "ooo"),
    ("commit", ANY, False): ("2xx", "nnn", 0, "nnn"),
    ("commit", ANY, True): (502, "oon", 1, "ooo"),
}


def cases():
    for name, cell in itertools.product(WRITES, ("c1", "c3")):
        creates = name == "create"
        home = CREATE_HOME if creates else HOME
        other = CREATE_OTHER if creates else OTHER
        table = home if cell == "c1" else other
        for (point, hows, down), expected in table.items():
            for how in [hows] if isinstance(hows, str) else hows:
                title = f"{name}-{cell}-{point}-{how}{'-down' * down}"
                yield pytest.param(
                    name, cell, point, how, down, expected, id=title
                )


def test_the_table_has_all_there_is():
    points, hows = ("before", "after", "commit"), ANY
    every = itertools.product(
        WRITES, ("c1", "c3"), points, hows, (False, True)
    )

    assert sorted(tuple(case.values[:5]) for case in cases()) == sorted(every)


@pytest.mark.parametrize(
    ("name", "cell", "point", "how", "down", "expected"), list(cases())
)
def test_every_write_ends_well(
    journal, name, cell, point, how, down, expected
):
    told, now, rows, then = expected
    front, write = fronted(journal), WRITES[name]
    before = front.states()
    front.novas[cell].faults = [Fault(write.method, point, how, down=down)]

    answer = sent(front, write)

    assert code(answer) == (write.status if "2xx" in str(told) else told)
    if "2xx" in str(told):
        pending = "c3" if "c3" in told else None
        assert answer.headers.get("X-Waffles-Pending") == pending
        assert answer.data == write.answer or write.answer is None
    else:
        assert cell in text(answer) or text(answer) == "Try later."
    assert has(front, write) == now
    assert len(journal.entries()) == rows

    assert healed(front, journal) == rows
    assert has(front, write) == then
    written = [len(nova.wrote) for nova in front.novas.values()]
    assert replay.run(journal, front.asks()) == 0
    assert [len(nova.wrote) for nova in front.novas.values()] == written
    for nova in before.values():
        nova.pop("m1")
    assert (
        then != "ooo"
        or name != "create"
        or not any("n" in nova for nova in front.states().values())
    )


@pytest.mark.parametrize("name", WRITES)
def test_home_comes_first_and_the_others_at_once(name):
    front, write, rounds = fronted(), WRITES[name], []
    front.ask = spied(front.ask, rounds)

    answer = sent(front, write)

    assert code(answer) == write.status
    assert has(front, write) == "nnn"
    assert [cells for method, cells in rounds if method != "GET"] == [
        ["c1"],
        ["c2", "c3"],
    ]


def spied(ask, rounds):
    def spy(questions, seconds, here=None):
        methods = {one.method for one in questions.values()}
        rounds.append((*methods, list(questions)))
        return ask(questions, seconds, here)

    return spy


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
def test_what_home_refuses_is_answered_and_sent_to_nobody(
    journal, name, status
):
    front, write = fronted(journal), WRITES[name]
    front.novas["c1"].faults = [Fault(write.method, "after", status)]

    answer = sent(front, write)

    assert (answer.status, text(answer)) == (status, "No.")
    assert has(front, write) == "ooo"
    assert front.novas["c2"].wrote == front.novas["c3"].wrote == []
    assert journal.entries() == []


@pytest.mark.parametrize("name", FORWARD)
def test_a_write_is_in_the_journal_before_home_hears_of_it(journal, name):
    front, write, known = fronted(journal), WRITES[name], []
    answered = front.novas["c1"].answer

    def answer(question):
        (entry,) = journal.entries()
        known.append((entry.flavor_id, dict(entry.cells), entry.request_id))
        return answered(question)

    front.novas["c1"].answer = answer

    sent(front, write)

    assert known[0] == ("m1", {"c2": "pending", "c3": "pending"}, "req-1")
    assert journal.entries() == []


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("delete", None),
        ("delete spec", {"specs": {}}),
        ("add access", {"access": ["p2", "p1"]}),
        ("remove access", {"access": []}),
    ],
)
def test_what_another_cell_has_already_is_well(journal, name, fields):
    front, write = fronted(journal), WRITES[name]
    front.novas["c2"].flavors.clear()
    if fields is not None:
        front.novas["c2"].flavors["m1"] = new(**fields)

    answer = sent(front, write)

    assert code(answer) == write.status
    assert "X-Waffles-Pending" not in answer.headers
    assert journal.entries() == []


@pytest.mark.parametrize("name", ["update", "set specs", "add access"])
def test_a_cell_without_the_flavor_gets_it(journal, name):
    front, write = fronted(journal), WRITES[name]
    front.novas["c2"].flavors.clear()

    answer = sent(front, write)

    assert answer.headers["X-Waffles-Pending"] == "c2"
    assert journal.entries()[0].cells == {"c2": "missing"}
    healed(front, journal)
    assert has(front, write) == "nnn"


@pytest.mark.parametrize("name", FORWARD)
def test_without_a_journal_a_half_done_write_is_no_success(name):
    front, write = fronted(), WRITES[name]
    front.novas["c3"].faults = [
        Fault(write.method, "before", "hang", down=True)
    ]

    answer = sent(front, write)

    assert answer.status == 502
    assert "done in c1, c2 and not in c3" in text(answer)
    assert "Cell c3 is refused." in text(answer)
    assert has(front, write) == "nno"


def test_what_another_cell_refuses_is_not_sent_again(journal):
    front, write = fronted(journal), WRITES["update"]
    front.novas["c3"].faults = [Fault("PUT", "after", 409, times=9)]

    answer = sent(front, write)

    assert answer.headers["X-Waffles-Pending"] == "c3"
    assert front.novas["c3"].wrote == ["PUT /flavors/m1"]
    assert journal.entries()[0].error == "Cell c3 answered 409: No."


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.parametrize("status", [401, 403])
def test_what_the_caller_may_not_do_nobody_does_later(journal, name, status):
    """A replay would do it with the rights of an administrator."""
    front, write = fronted(journal), WRITES[name]
    front.novas["c3"].faults = [Fault(write.method, "after", status)]

    answer = sent(front, write)

    assert answer.status == 502
    assert "done in c1, c2 and not in c3" in text(answer)
    assert f"Cell c3 answered {status}: No." in text(answer)
    assert len(front.novas["c3"].wrote) == 1
    assert journal.entries() == []


@pytest.mark.parametrize("name", FORWARD)
def test_a_refusal_does_not_stop_what_another_cell_is_owed(journal, name):
    front, write = fronted(journal), WRITES[name]
    front.novas["c2"].faults = [
        Fault(write.method, "before", "reset", down=True)
    ]
    front.novas["c3"].faults = [Fault(write.method, "after", 403)]

    answer = sent(front, write)

    assert answer.status == 502
    assert "done in c1 and not in c2, c3" in text(answer)
    assert "nothing will finish it in c3." in text(answer)
    (entry,) = journal.entries()
    assert list(entry.cells) == ["c2"]
    assert entry.error == "Cell c2 is refused."
    healed(front, journal)
    assert has(front, write) == "nno"


def test_a_cell_that_was_late_and_did_it_is_not_written_twice(journal):
    front, write = fronted(journal), WRITES["set specs"]
    front.novas["c3"].faults = [Fault("POST", "commit", "hang")]

    sent(front, write)

    assert len(front.novas["c3"].wrote) == 1


def test_an_answer_has_our_addresses(journal):
    answer = sent(fronted(journal), WRITES["update"])

    (link,) = answer.data["flavor"]["links"]
    assert link["href"] == f"{BASE}/flavors/m1"


def test_the_answer_that_home_has_lost_has_our_addresses(journal):
    front = fronted(journal)
    front.novas["c1"].faults = [Fault("PUT", "commit", "reset")]

    answer = sent(front, WRITES["update"])

    (link,) = answer.data["flavor"]["links"]
    assert link["href"] == f"{BASE}/flavors/m1"
    assert answer.data["flavor"]["description"] == "ü"


def test_what_home_does_after_all_others_do_too(journal):
    """It was late, had not done it when it was looked at, and then did."""
    front, write = fronted(journal), WRITES["update"]
    front.novas["c1"].faults = [Fault("PUT", "later", "hang")]

    answer = sent(front, write)

    assert answer.status == 502
    assert "has not done it yet" in text(answer)
    (entry,) = journal.entries()
    assert entry.next_at - entry.created_at >= leading.SETTLES - 1
    healed(front, journal)
    assert has(front, write) == "nnn"


def test_writes_wait_for_each_other(journal):
    """Another is under way, and says so; nothing is sent."""
    front, write = fronted(journal), WRITES["update"]
    journal.begin(leading.entry(front.asks(), Kind.SPECS, "m1", []))

    answer = sent(front, write)

    assert code(answer) == 503
    assert "Another change of flavor m1" in text(answer)
    assert front.novas["c1"].asked == []


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("PUT", "/flavors/m1", {"flavor": 1}),
        ("PUT", "/flavors/m1", {"flavor": {"name": "x"}}),
        ("PUT", "/flavors/m1", []),
        ("POST", "/flavors/m1/action", {"unknown": {}}),
        ("POST", "/flavors/m1/action", {"removeTenantAccess": 1}),
        ("POST", "/flavors/m1/action", {"addTenantAccess": {"tenant": 1}}),
        ("POST", "/flavors/m1/os-extra_specs", {"extra_specs": "x"}),
        ("POST", "/flavors/m1/os-extra_specs", {"a": {}, "extra_specs": {}}),
        ("PUT", "/flavors/m1/os-extra_specs/a", {"b": "1"}),
        ("PUT", "/flavors/m1/os-extra_specs/a", {"a": "1", "b": "1"}),
        ("PUT", "/flavors/m1/os-extra_specs/a", ["a"]),
        ("DELETE", "/flavors/unknown", None),
        ("DELETE", f"/flavors/{'x' * 300}", None),
    ],
    ids=str,
)
def test_what_nova_refuses_home_refuses(journal, method, path, data):
    front = fronted(journal)
    before = front.states()

    answer = front(method, path, data)

    assert answer.status == (404 if data is None else 400)
    assert front.states() == before
    assert front.novas["c2"].asked == []
    assert journal.entries() == []


def test_below_its_microversion_nothing_can_be_updated(journal):
    front = fronted(journal, version=(2, 54))

    assert sent(front, WRITES["update"]).status == 404
    assert front.novas["c2"].asked == []


def test_a_body_that_is_no_json_is_refused(journal):
    front = fronted(journal)

    answer = front("PUT", "/flavors/m1", b"{")

    assert code(answer) == 400
    assert front.novas["c1"].asked == []


def test_one_cell_is_asked_as_it_is(journal):
    front = Front(Nova("c1", OLD), journal=journal)
    write = WRITES["update"]

    answer = sent(front, write)

    assert answer.status == 200
    assert answer.data["flavor"]["links"][0]["href"].startswith(BASE)
    assert front.novas["c1"].asked == ["PUT /flavors/m1"]


@pytest.mark.parametrize("name", FORWARD)
def test_a_cell_in_the_path_is_written_alone(journal, name):
    front, write = fronted(journal), WRITES[name]
    url = write.url.replace("/m1", "/c2@m1")

    answer = front(write.method, url, write.data)

    assert answer.status == write.status
    assert has(front, write) == "ono"


@pytest.mark.parametrize("name", FORWARD)
def test_chosen_cells_are_written_and_no_other(journal, name):
    front, write = fronted(journal), WRITES[name]

    answer = sent(front, write, targets=["c2", "c3"])

    assert answer.status == write.status
    assert has(front, write) == "onn"
    assert journal.entries() == []


@pytest.mark.parametrize("name", FORWARD)
def test_for_chosen_cells_nothing_is_finished_later(journal, name):
    """Home is no example for them."""
    front, write = fronted(journal), WRITES[name]
    front.novas["c3"].faults = [
        Fault(write.method, "before", "reset", down=True)
    ]

    answer = sent(front, write, targets=["c2", "c3"])

    assert answer.status == 502
    assert "done in c2 and not in c3" in text(answer)
    assert journal.entries() == []


def test_who_breaks_down_leaves_the_write_in_the_journal(journal):
    """As any error would that is not foreseen."""
    front, write = fronted(journal), WRITES["update"]

    def breaks(question):
        raise RuntimeError

    front.novas["c2"].answer = breaks

    with pytest.raises(RuntimeError):
        sent(front, write)

    (entry,) = journal.entries()
    assert entry.cells == {"c2": "pending", "c3": "pending"}
    del front.novas["c2"].answer
    healed(front, journal)
    assert has(front, write) == "nnn"


def test_an_error_behind_home_leaves_the_write_in_the_journal(journal):
    """Home has done it: that nothing was changed would be false."""
    front, write = fronted(journal), WRITES["update"]

    def breaks(question):
        raise exceptions.Malformed("No path.")

    front.novas["c2"].answer = breaks

    answer = sent(front, write)

    assert answer.status == 502
    assert "No path." in text(answer)
    del front.novas["c2"].answer
    healed(front, journal)
    assert has(front, write) == "nnn"


def test_a_public_flavor_is_written_too():
    """The fakes' flavor is private else."""
    public = flavor("m1")
    front = Front(Nova("c1", public), Nova("c2", public))

    answer = front(
        "POST",
        "/flavors/m1/action",
        {"addTenantAccess": {"tenant": "p"}},
    )

    assert answer.status == 409
    assert front.novas["c2"].wrote == []
    assert public.shown((2, 1))[IS_PUBLIC]


def test_a_second_write_does_not_hide_the_first(journal):
    front = fronted(journal)
    fault = Fault("POST", "before", "refused", down=True)
    front.novas["c3"].faults = [fault]
    sent(front, WRITES["set specs"])
    front.novas["c3"].faults.clear()

    answer = sent(front, WRITES["update"])

    assert "X-Waffles-Pending" not in answer.headers
    assert len(journal.entries()) == 1
    due(journal)
    healed(front, journal)
    want = new(description="ü", specs={"a": "2", "b": "x"})
    assert {nova.flavors["m1"] == want for nova in front.novas.values()} == {
        True
    }
