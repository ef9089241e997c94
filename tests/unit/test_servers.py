import pytest

from tests import fakes
from waffles import exceptions, servers
from waffles.request import ComputeRequest

UP = {"services": [{"status": "enabled"}, {"status": "disabled"}]}
DOWN = {"services": [{"status": "enabled"}, {"status": "UNKNOWN"}]}


def _request():
    return ComputeRequest.of(
        fakes.environ("DELETE", f"/servers/{fakes.SERVER}/metadata/a")
    )


def test_the_metadata_of_the_requests_server_is_read():
    path = f"/servers/{fakes.SERVER}/metadata"
    nova = fakes.FakeNova({path: {"metadata": {"a": "b"}}})

    assert servers.metadata(_request(), nova) == {"a": "b"}


def test_metadata_that_is_none_is_no_answer():
    path = f"/servers/{fakes.SERVER}/metadata"

    with pytest.raises(exceptions.Unavailable):
        servers.metadata(_request(), fakes.FakeNova({path: {"x": 1}}))


def test_the_interfaces_of_the_requests_server_are_read_as_the_caller():
    path = f"/servers/{fakes.SERVER}/os-interface"
    nova = fakes.FakeNova({path: {"interfaceAttachments": [{"net_id": "n"}]}})

    assert servers.interfaces(_request(), nova) == [{"net_id": "n"}]
    assert not nova.requests[0].environ["nova.context"].is_admin


def test_interfaces_that_are_none_are_no_answer():
    path = f"/servers/{fakes.SERVER}/os-interface"

    with pytest.raises(exceptions.Unavailable):
        servers.interfaces(_request(), fakes.FakeNova({path: {"x": 1}}))


def test_every_page_is_read_as_an_administrator():
    pages = {
        "/servers?all_tenants=1&soft_deleted=1&name=a": {
            "servers": [{"id": "1"}],
            "servers_links": [],
        },
        "/servers?all_tenants=1&soft_deleted=1&name=a&marker=1": {
            "servers": [{"id": "2"}]
        },
        "/os-services": UP,
    }
    nova = fakes.FakeNova(pages)
    found = servers.matching(_request(), nova, {"name": "a"})

    assert [server["id"] for server in found] == ["1", "2"]
    assert all(r.environ["nova.context"].is_admin for r in nova.requests)


@pytest.mark.parametrize("services", [DOWN, 500, 403])
def test_a_cell_that_is_down_or_hidden_is_not_an_empty_one(services):
    nova = fakes.FakeNova(
        {"/servers": {"servers": []}, "/os-services": services}
    )

    with pytest.raises(exceptions.Unavailable):
        list(servers.matching(_request(), nova, {}))
