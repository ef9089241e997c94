import pytest

from tests.unit.cells import fakes
from waffles.clients.cell import End


def zone(name, available=True, hosts=None):
    state = {"available": available}
    return {"zoneName": name, "zoneState": state, "hosts": hosts}


@pytest.fixture
def cells():
    return [
        fakes.Nova("c1", zones=[zone("nova", hosts={"n": 1}), zone("east")]),
        fakes.Nova("c2", zones=[zone("nova", hosts={"n": 2})]),
    ]


@pytest.mark.parametrize(
    "path", ["/os-availability-zone", "/os-availability-zone/detail"]
)
def test_zones_of_all_cells_are_listed_once(cells, path):
    front = fakes.Front(*cells)
    reply = front.get(f"{path}?x=1")

    assert reply.status == 200
    assert reply.data == {
        "availabilityZoneInfo": [
            zone("east"),
            zone("nova", hosts={"c1@n": 1, "c2@n": 2}),
        ]
    }
    assert cells[1].paths == [f"GET {path}?x=1"]


def test_zones_of_a_cell_that_is_down_are_missing_and_it_is_named(cells):
    cells[0].end = End.BROKEN
    front = fakes.Front(*cells)

    assert front.get("/os-availability-zone").data == {
        "availabilityZoneInfo": [zone("nova", hosts={"n": 2})]
    }
    assert front.seen == {"c1": "broken", "c2": "ok"}


def test_a_refusal_is_passed_on(cells):
    for cell in cells:
        cell.end = 403

    assert fakes.Front(*cells).get("/os-availability-zone/detail").status == (
        403
    )


def test_zones_of_one_cell_are_as_it_has_them(cells):
    front = fakes.Front(cells[0])

    assert front.get("/os-availability-zone").data == {
        "availabilityZoneInfo": [zone("east"), zone("nova", hosts={"n": 1})]
    }
