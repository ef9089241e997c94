import pytest

from tests.unit.cells.writing_fakes import Fault, Front, Nova, flavor
from waffles.cells.flavors import whole
from waffles.clients.cell import End, Outcome

PRIVATE = flavor("m 1", is_public=False, specs={"a": "1"},
                 access=["p2", "p1"])  # fmt: skip
PUBLIC = flavor("m 1", specs={"b": "1"})


def read(*novas, version=(2, 1)):
    front = Front(*novas, version=version)
    return whole.read(front.asks(), front.registry.cells, "m 1")


@pytest.mark.parametrize("version", [(2, 1), (2, 61), (2, 102)])
def test_a_flavor_is_read_whole_at_every_microversion(version):
    found = read(
        Nova("c1", PRIVATE), Nova("c2", PUBLIC), Nova("c3"), version=version
    )

    one, two, three = found.values()
    assert one.shown["id"] == two.shown["id"] == "m 1"
    assert one.canonical["extra_specs"] == {"a": "1"}
    assert one.canonical["access"] == ["p1", "p2"]
    assert two.canonical["extra_specs"] == {"b": "1"}
    assert "access" not in two.canonical
    assert (three.shown, three.absent) == (None, True)
    assert not one.absent


def test_nobody_is_asked_for_more_of_what_is_not_there():
    nova = Nova("c1")

    read(nova)

    assert nova.asked == ["GET /flavors/m%201"]


@pytest.mark.parametrize(
    "path", ["/flavors/m%201", ".*/os-extra_specs", ".*/os-flavor-access"]
)
@pytest.mark.parametrize("how", ["refused", "hang", "5xx", "html", 403])
def test_what_is_not_said_is_not_taken_for_empty(path, how):
    nova = Nova("c1", PRIVATE)
    nova.faults = [Fault("GET", "after", how, path=path)]

    found = read(nova)["c1"]

    assert found.why.startswith("Cell c1 ")
    assert (found.shown, found.absent) == (None, False)


@pytest.mark.parametrize(
    ("data", "record", "specs", "access"),
    [
        ({}, None, None, None),
        (None, None, None, None),
        ([], None, None, None),
        ({"flavor": [], "extra_specs": [], "flavor_access": {}},
         None, None, None),
        ({"flavor": {"id": 1}, "extra_specs": {"a": 1},
          "flavor_access": [1, {"tenant_id": "p"}]},
         None, {"a": "1"}, ["p"]),
        ({"flavor": {"id": "1"}}, {"id": "1"}, None, None),
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_is_read_as_far_as_it_is_one(data, record, specs, access):
    answer = Outcome("c1", End.ANSWERED, 200, json=data)

    assert whole.record(answer) == record
    assert whole.specs(answer) == specs
    assert whole.access(answer) == access
