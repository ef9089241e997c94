import pytest

from tests.unit.cells.writing_fakes import IS_PUBLIC, Nova, flavor
from waffles.cells.flavors import plans
from waffles.clients.cell import End, Outcome, Question

M1 = flavor("m1", specs={"a": "1", "b": "2"}, description="ü")
PRIVATE = flavor("m1", is_public=False, access=["p1"])
BODY = {"flavor": {"id": "m1", "name": "name-m1", "ram": 512, "vcpus": 1,
                   "disk": 10}}  # fmt: skip

#: A plan, what the cell has, and whether a look shows that it is done.
LOOKS = [
    (plans.create(BODY), flavor("m1"), True),
    (plans.create(BODY), flavor("m1", ram=513), False),
    (plans.create(BODY), M1, False),
    (plans.create(BODY), None, False),
    (plans.update("m1", {"flavor": {"description": "ü"}}), M1, True),
    (plans.update("m1", {"flavor": {"description": "x"}}), M1, False),
    (plans.update("m1", {"flavor": {"description": None}}), M1, False),
    (plans.update("m1", {"flavor": {"description": None}}), PRIVATE, True),
    (plans.update("m1", {"flavor": {"description": ""}}), PRIVATE, True),
    (plans.update("m1", {"flavor": {"description": "x"}}), None, False),
    (plans.delete("m1"), None, True),
    (plans.delete("m1"), M1, False),
    (plans.set_specs("m1", {"extra_specs": {"a": 1}}), M1, True),
    (plans.set_specs("m1", {"extra_specs": {"a": 2}}), M1, False),
    (plans.set_specs("m1", {"extra_specs": {"c": "1"}}), M1, False),
    (plans.set_specs("m1", {"extra_specs": {}}), M1, True),
    (plans.set_specs("m1", {"extra_specs": {"a": 1}}), None, False),
    (plans.set_spec("m1", "a", {"a": "1"}), M1, True),
    (plans.set_spec("m1", "a", {"a": "2"}), M1, False),
    (plans.delete_spec("m1", "c"), M1, True),
    (plans.delete_spec("m1", "a"), M1, False),
    (plans.delete_spec("m1", "a"), None, False),
    (plans.change_access("m1", {plans.ADD: {"tenant": "p1"}}), PRIVATE, True),
    (plans.change_access("m1", {plans.ADD: {"tenant": "p"}}), PRIVATE, False),
    (plans.change_access("m1", {plans.ADD: {"tenant": "p1"}}), M1, False),
    (plans.change_access("m1", {plans.ADD: {"tenant": "p1"}}), None, False),
    (plans.change_access("m1", {plans.REMOVE: {"tenant": "p1"}}), PRIVATE,
     False),
    (plans.change_access("m1", {plans.REMOVE: {"tenant": "p"}}), PRIVATE,
     True),
]  # fmt: skip


def asked(nova, path):
    headers = {"X-OpenStack-Nova-API-Version": "2.61"}
    return nova.answer(Question("GET", path, headers=headers))


@pytest.mark.parametrize(
    ("plan", "there", "done"),
    LOOKS,
    ids=[f"{one[0].method}-{number}" for number, one in enumerate(LOOKS)],
)
def test_a_look_shows_whether_a_write_is_done(plan, there, done):
    nova = Nova("c1", *([there] if there else []))

    assert plan.shows(asked(nova, plan.look)) is done


NOTHING = [
    Outcome("c1", End.LATE),
    Outcome("c1", End.BROKEN),
    Outcome("c1", End.ANSWERED, 500, json={"flavor": {"id": "m1"}}),
    Outcome("c1", End.ANSWERED, 403, json={}),
    Outcome("c1", End.ANSWERED, 200, json=None),
    Outcome("c1", End.ANSWERED, 200, json={}),
    Outcome("c1", End.ANSWERED, 200, json={"flavor": {"id": 1}}),
    Outcome("c1", End.ANSWERED, 200, json={"extra_specs": [],
                                           "flavor_access": {}}),
]  # fmt: skip


@pytest.mark.parametrize("outcome", NOTHING, ids=repr)
def test_an_answer_that_is_none_shows_nothing(outcome):
    for plan, _, _ in LOOKS:
        assert plan.shows(outcome) is None


def test_ids_and_keys_are_quoted():
    assert plans.delete("a b").path == "/flavors/a%20b"
    plan = plans.set_spec("a/b", "c d", {"c d": "1"})
    assert plan.path == "/flavors/a%2Fb/os-extra_specs/c%20d"
    assert plan.look == "/flavors/a%2Fb/os-extra_specs"


def test_a_create_looks_at_what_it_makes():
    plan = plans.create({"flavor": {**BODY["flavor"], IS_PUBLIC: "no"}})

    assert plan.look == "/flavors/m1"
    assert plan.shows(asked(Nova("c1", M1), plan.look)) is False
