import re
import threading
import uuid

import pytest

from tests.unit.cells.journals import (
    database,
    due,
    journal,
    lapse,
    put,
    url,
)
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
from waffles.cells.flavors import creates, leading
from waffles.cells.journal.entries import Kind
from waffles.cells.journal.journal import Journal

__all__ = ["database", "journal", "url"]

BODY = {"id": "n", "name": "new", "ram": 1, "vcpus": 2, "disk": 3}
MADE = flavor("n", name="new", ram=1, vcpus=2, disk=3)


def fronted(*flavors, journal=None, **how):
    """Cells, each with a flavor of its own, or with none."""
    novas = [
        Nova(f"c{number}", *([one] if one else []))
        for number, one in enumerate(flavors, 1)
    ]
    return Front(*novas, journal=journal, **how)


def create(front, **more):
    return front("POST", "/flavors", {"flavor": {**BODY, **more}})


def there(front):
    """The cells that have the flavor."""
    return [name for name, nova in front.novas.items() if "n" in nova.flavors]


@pytest.mark.parametrize("more", [{}, {"id": None}, {"id": 0}], ids=str)
def test_the_id_is_the_same_in_all_cells(more):
    front = fronted(None, None, None)
    body = {key: one for key, one in BODY.items() if key != "id"}

    answer = front("POST", "/flavors", {"flavor": {**body, **more}})

    made = answer.data["flavor"]["id"]
    assert uuid.UUID(made)
    assert [list(nova.flavors) for nova in front.novas.values()] == [
        [made]
    ] * 3


@pytest.mark.parametrize(
    ("given", "made"), [("a b", "a b"), (7, "7"), (1.5, "1.5")]
)
def test_an_id_that_is_given_is_kept(given, made):
    front = fronted(None, None)

    answer = create(front, id=given)

    assert answer.data["flavor"]["id"] == made
    assert list(front.novas["c2"].flavors) == [made]
    (link,) = answer.data["flavor"]["links"]
    assert link["href"] == f"{BASE}/flavors/{made}"


def test_all_that_is_said_is_said_to_all():
    front = fronted(None, None)

    create(
        front, swap="5", rxtx_factor="2", description="ü", **{IS_PUBLIC: "no"}
    )

    one, two = (nova.flavors["n"] for nova in front.novas.values())
    assert one == two
    assert (one.swap, one.rxtx_factor, one.is_public) == (5, 2.0, False)


#: What home, c2 and c3 have; what the client is told; the cells that have it.
OTHER = flavor("n", name="new", ram=2, vcpus=2, disk=3)
NAMED = flavor("x", name="new")
SPECS = flavor("n", name="new", ram=1, vcpus=2, disk=3, specs={"a": "b"})
BEFORE = {
    "none": ((None, None, None), 200, "", "c1 c2 c3"),
    "equal everywhere": ((MADE, MADE, MADE), 409, "ID n already", "c1 c2 c3"),
    "equal at home": ((MADE, None, None), 409, "ID n already", "c1"),
    "other at home": ((OTHER, None, None), 409, "ID n already", "c1"),
    "name at home": ((NAMED, None, None), 409, "name new already", ""),
    "equal at home, other elsewhere": (
        (MADE, OTHER, None),
        409,
        "ID n already exists.$",
        "c1 c2",
    ),
    "equal elsewhere": ((None, MADE, None), 200, "", "c1 c2 c3"),
    "equal in all but home": ((None, MADE, MADE), 200, "", "c1 c2 c3"),
    "other elsewhere": (
        (None, None, OTHER),
        409,
        "ID n already exists in cell c3, and is another: ram.",
        "c3",
    ),
    "equal and other": ((None, MADE, OTHER), 409, "cell c3", "c2 c3"),
    "specs elsewhere": ((None, SPECS, None), 409, "c2.*extra_specs", "c2"),
    "name elsewhere": (
        (None, NAMED, None),
        409,
        "name new already exists in cell c2, with ID x.",
        "",
    ),
}


@pytest.mark.parametrize("version", [(2, 1), (2, 55), (2, 96), (2, 102)])
@pytest.mark.parametrize("name", BEFORE)
def test_what_is_there_decides(journal, name, version):
    flavors, status, said, cells = BEFORE[name]
    front = fronted(*flavors, journal=journal, version=version)
    before = front.states()

    answer = create(front)

    assert code(answer) == status
    assert there(front) == cells.split()
    if status == 409:
        assert re.search(said, text(answer))
        assert front.states() == before
        assert front.novas["c2"].wrote == front.novas["c3"].wrote == []
    assert journal.entries() == []


@pytest.mark.parametrize("old", [MADE, NAMED], ids=["id", "name"])
@pytest.mark.parametrize("how", ["hang", "reset", "5xx", "html"])
@pytest.mark.parametrize("point", ["after", "commit", "later"])
@pytest.mark.parametrize("down", [False, True])
def test_what_home_had_before_is_never_taken_for_ours(
    journal, old, how, point, down
):
    front = fronted(old, None, None, journal=journal)
    front.novas["c1"].faults = [Fault("POST", point, how, down=down)]
    before = front.states()

    answer = create(front)

    assert answer.status == 502
    assert "Cell c1" in text(answer)
    assert journal.entries() == []
    front.novas["c1"].land()
    assert front.states() == before
    assert front.novas["c1"].wrote == ["POST /flavors"]
    assert front.novas["c2"].wrote == front.novas["c3"].wrote == []


def test_nothing_has_begun_where_home_is_not_reached(journal):
    front = fronted(MADE, None, journal=journal)
    front.novas["c1"].faults = [Fault("POST", "before", "refused")]

    assert code(create(front)) == 503
    assert journal.entries() == []


def test_who_dies_while_home_says_no_leaves_nothing_to_a_replay(journal):
    """It would bring what home had before to the others."""
    front = fronted(MADE, None, journal=journal)
    answered = front.novas["c1"].answer

    def answer(question):
        if question.method == "POST":
            raise SystemExit
        return answered(question)

    front.novas["c1"].answer = answer
    with pytest.raises(SystemExit):
        create(front)

    front.novas["c1"].answer = answered
    lapse(journal)
    replay.run(journal, front.asks())
    assert there(front) == ["c1"]
    assert journal.entries() == []


def loses_it_meanwhile(front):
    """Have what home has be deleted after we have looked."""
    nova = front.novas["c1"]
    answered = nova.answer

    def answer(question):
        if question.method == "POST":
            nova.flavors.clear()
        return answered(question)

    nova.answer = answer


def test_what_home_makes_after_all_a_replay_makes_everywhere(journal):
    front = fronted(OTHER, None, None, journal=journal)
    loses_it_meanwhile(front)

    answer = create(front)

    assert answer.status == 200
    assert answer.headers["X-Waffles-Pending"] == "c2, c3"
    (entry,) = journal.entries()
    assert (entry.kind, sorted(entry.cells)) == (Kind.CREATE, ["c2", "c3"])
    due(journal)
    replay.run(journal, front.asks())
    assert there(front) == ["c1", "c2", "c3"]


def test_without_a_replay_what_home_alone_makes_is_no_success():
    front = fronted(OTHER, None)
    loses_it_meanwhile(front)

    answer = create(front)

    assert (answer.status, text(answer)) == (
        502,
        "Flavor n was made in c1 alone.",
    )


def test_a_private_flavor_that_somebody_may_use_is_not_deleted(journal):
    """It was given to a project before a replay came to delete it."""
    front = fronted(None, None, None, journal=journal)
    front.novas["c3"].faults = [Fault("POST", "after", 403)]
    front.novas["c2"].faults = [Fault("DELETE", "before", "reset", down=True)]
    create(front, **{IS_PUBLIC: False})
    front.novas["c2"].flavors["n"].access.append("p1")
    front.novas["c2"].faults.clear()
    due(journal)

    replay.run(journal, front.asks())

    assert there(front) == ["c2"]
    assert journal.entries() == []


@pytest.mark.parametrize("given", [".", "..", "n\n", "\n"], ids=repr)
@pytest.mark.parametrize("cells", [1, 2])
def test_an_id_that_no_path_can_name_is_refused(journal, given, cells):
    front = fronted(*[None] * cells, journal=journal)

    answer = create(front, id=given)

    assert code(answer) == 400
    assert "cannot be the ID of a flavor" in text(answer)
    assert not any(nova.asked for nova in front.novas.values())
    assert journal.entries() == []


def test_an_error_behind_home_leaves_the_create_in_the_journal(journal):
    front = fronted(None, None, journal=journal)
    answered = front.novas["c2"].answer

    def answer(question):
        if question.method == "POST":
            raise exceptions.Malformed("No path.")
        return answered(question)

    front.novas["c2"].answer = answer

    told = create(front)

    assert (told.status, there(front)) == (502, ["c1"])
    assert "No path." in text(told)
    front.novas["c2"].answer = answered
    due(journal)
    replay.run(journal, front.asks())
    assert there(front) == ["c1", "c2"]


@pytest.mark.parametrize("taken", [False, True], ids=["let go", "taken"])
def test_who_has_lost_the_flavor_takes_nothing_back(journal, taken):
    """Another has it in hand by now, and may want what we would delete."""
    front = fronted(None, None, None, journal=journal)
    front.novas["c3"].faults = [Fault("POST", "after", 403)]
    answered, others = front.novas["c2"].answer, []

    def answer(question):
        if question.method == "POST":
            lapse(journal)
            if taken:
                others.append(journal.claim())
            else:
                put(journal, open_key=None)
        return answered(question)

    front.novas["c2"].answer = answer

    told = create(front)

    assert told.status == 502
    assert "c3 could not" in text(told)
    assert "nothing was taken back" in text(told)
    assert there(front) == ["c1", "c2"]
    (entry,) = journal.entries()
    assert entry.kind is Kind.CREATE
    assert not taken or entry.owner == others[0].owner


def test_what_is_adopted_is_not_written():
    front = fronted(None, MADE, None)

    create(front)

    assert front.novas["c2"].wrote == []
    assert front.novas["c3"].wrote == ["POST /flavors"]


@pytest.mark.parametrize("access", [[], ["p1"]])
def test_a_private_flavor_is_adopted_without_access_only(access):
    private = flavor(
        "n", name="new", ram=1, vcpus=2, disk=3, is_public=False, access=access
    )
    front = fronted(None, private)

    answer = create(front, **{IS_PUBLIC: False})

    assert code(answer) == (409 if access else 200)
    assert not access or "is another: access" in text(answer)


@pytest.mark.parametrize("name", ["new", " new "])
def test_names_are_compared_as_nova_keeps_them(name):
    front = fronted(None, NAMED)

    assert code(create(front, name=name)) == 409


def test_a_name_is_found_on_the_last_page():
    many = [flavor(f"f{number}") for number in range(5)]
    novas = [Nova("c1"), Nova("c2", *many, flavor("x", name="new"), page=2)]
    front = Front(*novas)

    assert code(create(front)) == 409
    assert len(front.novas["c2"].asked) == 4


@pytest.mark.parametrize("cell", ["c1", "c2"])
@pytest.mark.parametrize("how", ["refused", "hang", "html", "5xx"])
def test_nothing_is_sent_while_a_cell_does_not_answer(journal, cell, how):
    front = fronted(None, None, None, journal=journal)
    front.novas[cell].faults = [Fault("GET", "before", how, down=True)]

    answer = create(front)

    assert code(answer) == 503
    assert cell in text(answer)
    assert not any(nova.wrote for nova in front.novas.values())
    assert journal.entries() == []


def test_nothing_is_sent_while_a_cell_hides_what_it_has():
    front = fronted(None, MADE)
    front.novas["c2"].faults = [
        Fault("GET", "after", 403, path=".*/os-extra_specs")
    ]

    answer = create(front)

    assert code(answer) == 503
    assert "Cell c2 answered 403" in text(answer)
    assert not any(nova.wrote for nova in front.novas.values())


def test_who_may_not_look_is_told_so_by_home(journal):
    front = fronted(None, None, journal=journal)
    for nova in front.novas.values():
        nova.faults = [Fault("GET", "after", 403)]

    answer = create(front)

    assert (answer.status, text(answer)) == (403, "No.")
    assert journal.entries() == []


REFUSED = [
    None,
    [],
    {},
    {"flavor": 1},
    {"flavor": BODY, "more": 1},
    {"flavor": {**BODY, "name": 1}},
    {"flavor": {"id": "n"}},
    {"flavor": {**BODY, "id": ""}},
    {"flavor": {**BODY, "id": {}}},
    {"flavor": {**BODY, "id": True}},
    {"flavor": {**BODY, "id": False}},
    {"flavor": {**BODY, "id": []}},
    {"flavor": {**BODY, "id": ["n"]}},
    {"flavor": {**BODY, "id": "a@b"}},
    {"flavor": {**BODY, "id": "x" * 300}},
]


@pytest.mark.parametrize("data", REFUSED, ids=str)
def test_what_nova_refuses_home_refuses(journal, data):
    front = fronted(None, None, journal=journal)

    answer = front("POST", "/flavors", b"null" if data is None else data)

    assert creates.asked(data) is None
    assert answer.status == 400
    assert front.novas["c2"].asked == []


@pytest.mark.parametrize(
    "given", ["x", "a b", "x" * 255, 1, 0.5, 10**400, float("inf")], ids=str
)
def test_what_nova_takes_for_an_id_is_one(given):
    found = creates.asked({"flavor": {**BODY, "id": given}})

    assert found == {**BODY, "id": str(given)}


def test_one_cell_is_asked_as_it_is():
    front = fronted(None)

    answer = create(front, id=None)

    assert answer.status == 200
    assert front.novas["c1"].asked == ["POST /flavors"]
    assert answer.data["flavor"]["links"][0]["href"].startswith(BASE)


def test_what_is_adopted_is_not_deleted(journal):
    front = fronted(None, MADE, None, journal=journal)
    front.novas["c3"].faults = [Fault("POST", "after", 403)]

    answer = create(front)

    assert answer.status == 502
    assert "as c3 could not. Cell c3 answered 403: No." in text(answer)
    assert "No cell has it now" in text(answer)
    assert there(front) == ["c2"]
    assert front.novas["c2"].wrote == []
    assert journal.entries() == []


def test_home_loses_it_last(journal):
    front, order = fronted(None, None, None, journal=journal), []
    front.novas["c3"].faults = [Fault("POST", "after", 403)]
    for name, nova in front.novas.items():
        nova.answer = noted(nova.answer, order, name)

    create(front)

    assert [cell for method, cell in order if method == "DELETE"] == [
        "c2",
        "c1",
    ]


def noted(answer, order, name):
    def note(question):
        order.append((question.method, name))
        return answer(question)

    return note


def test_a_flavor_that_got_in_between_is_another(journal):
    """Somebody has made it in a cell after we had looked."""
    front = fronted(None, None, None, journal=journal)
    nova = front.novas["c3"]
    answered = nova.answer

    def answer(question):
        if question.method == "POST":
            nova.flavors["n"] = OTHER
        return answered(question)

    nova.answer = answer

    answer = create(front)

    assert answer.status == 502
    assert "Flavor with ID n already exists" in text(answer)
    assert there(front) == ["c3"]
    assert nova.flavors["n"] == OTHER
    assert journal.entries() == []


def test_an_equal_one_that_got_in_between_will_do(journal):
    front = fronted(None, None, journal=journal)
    nova = front.novas["c2"]
    answered = nova.answer

    def answer(question):
        if question.method == "POST":
            nova.flavors["n"] = MADE
        return answered(question)

    nova.answer = answer

    assert create(front).status == 200


@pytest.mark.parametrize("cells", [["c1"], ["c2"], ["c1", "c2"]], ids=str)
@pytest.mark.parametrize("point", ["before", "after", "commit"])
def test_what_cannot_be_taken_back_is_deleted_later(journal, point, cells):
    front = fronted(None, None, None, journal=journal)
    front.novas["c3"].faults = [Fault("POST", "after", 403)]
    for name in cells:
        front.novas[name].faults = [Fault("DELETE", point, "reset", down=True)]

    answer = create(front)

    assert answer.status == 502
    assert (
        f"It may be in {', '.join(sorted(cells, reverse=True))} yet"
        in text(answer)
    )
    (entry,) = journal.entries()
    assert (entry.kind, sorted(entry.cells)) == (Kind.UNDO, cells)
    for nova in front.novas.values():
        nova.faults.clear()
    due(journal)
    assert replay.run(journal, front.asks()) == 1
    assert there(front) == []
    assert journal.entries() == []


def test_without_a_journal_what_is_left_is_said():
    front = fronted(None, None, None)
    front.novas["c3"].faults = [Fault("POST", "after", 403)]
    front.novas["c2"].faults = [Fault("DELETE", "before", "reset", down=True)]

    answer = create(front)

    assert "in c2 yet, and must be deleted there" in text(answer)
    assert there(front) == ["c2"]


def test_what_is_made_after_all_is_deleted(journal):
    """A cell was late, had not made it when it was looked at, and then did."""
    front = fronted(None, None, None, journal=journal)
    front.novas["c3"].faults = [
        Fault("POST", "later", "hang"),
        Fault("POST", "after", 403),
    ]

    answer = create(front)

    assert answer.status == 502
    (entry,) = journal.entries()
    assert (entry.kind, entry.cells) == (Kind.UNDO, {"c3": "pending"})
    assert entry.next_at - entry.created_at >= leading.SETTLES - 1
    front.novas["c3"].land()
    assert there(front) == ["c3"]
    due(journal)
    replay.run(journal, front.asks())
    assert there(front) == []


def test_it_cannot_be_made_again_before_it_is_deleted(journal):
    front = fronted(None, None, None, journal=journal)
    front.novas["c3"].faults = [Fault("POST", "after", "hang", down=True)]
    create(front)
    front.novas["c3"].faults.clear()

    again = create(front)

    assert code(again) == 503
    assert "failed create of flavor n is not finished yet: c3" in text(again)
    due(journal)
    replay.run(journal, front.asks())
    assert create(front).status == 200


def test_who_dies_on_the_way_leaves_it_to_a_replay(journal):
    """What home has made by then is made everywhere."""
    front = fronted(None, None, None, journal=journal)

    def dies(question):
        raise SystemExit

    answered = front.novas["c2"].answer
    front.novas["c2"].answer = lambda question: (
        dies(question) if question.method == "POST" else answered(question)
    )
    with pytest.raises(SystemExit):
        create(front)
    assert there(front) == ["c1"]

    front.novas["c2"].answer = answered
    lapse(journal)
    replay.run(journal, front.asks())

    assert there(front) == ["c1", "c2", "c3"]


def test_who_dies_while_taking_back_leaves_that_to_a_replay(journal):
    front = fronted(None, None, None, journal=journal)
    front.novas["c3"].faults = [Fault("POST", "after", 403)]
    answered = front.novas["c2"].answer

    def answer(question):
        if question.method == "DELETE":
            raise KeyboardInterrupt
        return answered(question)

    front.novas["c2"].answer = answer
    with pytest.raises(KeyboardInterrupt):
        create(front)

    front.novas["c2"].answer = answered
    lapse(journal)
    replay.run(journal, front.asks())
    assert there(front) == []


def test_chosen_cells_get_it_and_no_other():
    front = fronted(None, None, None)

    answer = front("POST", "/flavors", {"flavor": BODY}, targets=["c2", "c3"])

    assert answer.status == 200
    assert there(front) == ["c2", "c3"]
    assert front.novas["c1"].asked == []


def test_of_two_creates_at_once_one_is_made(database):
    """By two proxies, with other values: no cell has a mixture."""
    novas = [Nova(f"c{number}") for number in (1, 2, 3)]
    answers = []

    def work(ram):
        journal = Journal(database, patience=60.0)
        answers.append(code(create(Front(*novas, journal=journal), ram=ram)))

    threads = [threading.Thread(target=work, args=[ram]) for ram in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(answers) == [200, 409, 409]
    one, two, three = (nova.state() for nova in novas)
    assert one == two == three
