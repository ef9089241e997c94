"""The usual clients, as they come, on a proxy over two real cells."""

import json
import subprocess
import sys
from pathlib import Path

import openstack
import pytest
from keystoneauth1 import session, token_endpoint
from novaclient import client as novaclient
from novaclient import exceptions as nova_exceptions
from openstack import exceptions as sdk_exceptions

from tests import realcells
from tests.realcells import asking
from tests.realcells.proxying import proxied
from waffles.cells.model import SPAN


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    with realcells.running(2, tmp_path_factory.mktemp("cells")) as cells:
        yield cells


@pytest.fixture(scope="module")
def proxy(cells, tmp_path_factory):
    with proxied(cells, tmp_path_factory.mktemp("proxy")) as api:
        yield api


@pytest.fixture
def clean(proxy):
    """What a test makes is gone at its end."""
    yield
    for one in proxy.done("GET", "/flavors?is_public=None")["flavors"]:
        proxy.done("DELETE", f"/flavors/{one['id']}")
    for one in proxy.done("GET", "/os-aggregates")["aggregates"]:
        path = f"/os-aggregates/{one['id']}"
        for host in one["hosts"]:
            body = {"remove_host": {"host": host}}
            proxy.done("POST", f"{path}/action", body)
        proxy.done("DELETE", path)


@pytest.fixture
def down(cells):
    """The second cell is stopped."""
    cells[1].stop()
    yield
    cells[1].start()


@pytest.fixture
def keystone(proxy):
    auth = token_endpoint.Token(proxy.url, asking.ADMIN)
    made = session.Session(auth=auth)
    yield made
    made.session.close()


@pytest.fixture
def nova(keystone, clean):
    """python-novaclient."""
    return novaclient.Client("2.96", session=keystone)


@pytest.fixture
def sdk(keystone, clean):
    """openstacksdk."""
    made = openstack.connection.Connection(session=keystone)
    yield made.compute
    made.close()


CLOUDS = """
clouds:
  cells:
    auth_type: admin_token
    auth:
      endpoint: {url}
      token: {token}
    compute_api_version: "2.96"
    identity_api_version: "3"
    identity_endpoint_override: {identity}
"""


@pytest.fixture
def osc(proxy, cells, clean, tmp_path, monkeypatch):
    """The command ``openstack``; it gives the JSON that it prints, if any."""
    identity = cells[0].url.replace("/v2.1", "/identity/v3")
    text = CLOUDS.format(url=proxy.url, token=asking.ADMIN, identity=identity)
    file = tmp_path / "clouds.yaml"
    file.write_text(text)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    monkeypatch.setenv("OS_CLOUD", "cells")

    def osc(command):
        program = Path(sys.executable).with_name("openstack")
        done = subprocess.run(  # noqa: S603
            [program, *command.split()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    return osc


def in_each(cells, path, key):
    """What each cell itself has at a path."""
    return [cell.done("GET", path)[key] for cell in cells]


class TestNovaclient:
    def test_a_flavor_is_made_and_changed_in_both_cells(self, nova, cells):
        made = nova.flavors.create("m1", 64, 1, 1, flavorid="auto", swap=5)
        made.set_keys({"a": "1", "b": "2"})
        made.unset_keys(["b"])
        made.update(description="one")

        first, second = in_each(cells, f"/flavors/{made.id}", "flavor")
        assert first["extra_specs"] == second["extra_specs"] == {"a": "1"}
        assert first["description"] == second["description"] == "one"
        assert first["swap"] == second["swap"] == 5
        assert nova.flavors.get(made.id).get_keys() == {"a": "1"}

    def test_flavors_are_listed_in_pages(self, nova):
        for number in range(5):
            nova.flavors.create(f"m{number}", 64, 1, 1, flavorid=str(number))

        first = nova.flavors.list(limit=3)
        rest = nova.flavors.list(limit=3, marker=first[-1].id)
        found = nova.flavors.list(min_ram=65)

        assert [one.id for one in first] == ["0", "1", "2"]
        assert [one.id for one in rest] == ["3", "4"]
        assert found == []

    def test_a_flavor_is_found_by_its_name(self, nova):
        made = nova.flavors.create("named", 64, 1, 1)

        assert nova.flavors.find(name="named").id == made.id

    def test_access_is_given_and_taken_in_both_cells(self, nova, cells):
        made = nova.flavors.create("m1", 64, 1, 1, is_public=False)
        access = nova.flavor_access
        path = f"/flavors/{made.id}/os-flavor-access"

        access.add_tenant_access(made.id, asking.USERS)
        shown = {"flavor_id": made.id, "tenant_id": asking.USERS}
        assert in_each(cells, path, "flavor_access") == [[shown], [shown]]
        assert [one.tenant_id for one in access.list(flavor=made)] == [
            asking.USERS
        ]
        access.remove_tenant_access(made.id, asking.USERS)
        assert in_each(cells, path, "flavor_access") == [[], []]

    def test_a_deleted_flavor_is_in_no_cell(self, nova, cells):
        nova.flavors.delete(nova.flavors.create("m1", 64, 1, 1))

        assert in_each(cells, "/flavors", "flavors") == [[], []]

    def test_an_aggregate_is_of_one_cell_and_its_id_says_which(
        self, nova, cells
    ):
        made = nova.aggregates.create("c2@ssd", "z1")
        made.add_host("c2-host1")
        made.set_metadata({"ssd": "true"})

        assert made.id == 2 * SPAN + 1
        shown = nova.aggregates.get(made.id)
        assert (shown.name, shown.hosts) == ("c2@ssd", ["c2-host1"])
        assert shown.metadata == {"availability_zone": "z1", "ssd": "true"}
        assert [one.id for one in nova.aggregates.list()] == [made.id]
        first, second = in_each(cells, "/os-aggregates", "aggregates")
        assert first == []
        assert [one["name"] for one in second] == ["ssd"]

    def test_a_name_that_was_read_may_be_written(self, nova, cells):
        made = nova.aggregates.create("c2@ssd", None)
        shown = nova.aggregates.get(made.id)
        shown.update({"name": shown.name, "availability_zone": "z9"})

        assert nova.aggregates.get(made.id).name == "c2@ssd"
        assert in_each(cells, "/os-aggregates", "aggregates")[1][0][
            "name"
        ] == ("ssd")

    def test_metadata_that_was_read_may_be_written(self, nova):
        made = nova.aggregates.create("c1@ssd", "z1")
        made.set_metadata({"a": "1"})
        made.set_metadata(nova.aggregates.get(made.id).metadata)

        shown = nova.aggregates.get(made.id)
        assert shown.metadata == {"availability_zone": "z1", "a": "1"}

    def test_a_host_of_another_cell_is_refused(self, nova):
        made = nova.aggregates.create("c1@ssd", None)

        with pytest.raises(nova_exceptions.Conflict, match="c2"):
            made.add_host("c2@c2-host1")
        with pytest.raises(nova_exceptions.NotFound):
            made.add_host("c2-host1")

    def test_zones_of_both_cells_are_listed(self, nova):
        nova.aggregates.create("c2@ssd", "z1").add_host("c2-host1")
        found = nova.availability_zones.list(detailed=True)

        zones = {one.zoneName: one.hosts for one in found}
        assert set(zones) == {"internal", "nova", "z1"}
        assert list(zones["z1"]) == ["c2-host1"]

    def test_a_lost_cell_is_no_absent_flavor(self, nova, down):
        with pytest.raises(nova_exceptions.ClientException) as caught:
            nova.flavors.get("none")

        assert caught.value.code == 503


class TestSdk:
    def test_a_flavor_is_made_and_changed_in_both_cells(self, sdk, cells):
        made = sdk.create_flavor(name="m1", ram=64, vcpus=1, disk=1)
        sdk.create_flavor_extra_specs(made, {"a": "1", "b": "2"})
        sdk.update_flavor_extra_specs_property(made, "a", "3")
        sdk.delete_flavor_extra_specs_property(made, "b")
        sdk.update_flavor(made.id, description="one")

        first, second = in_each(cells, f"/flavors/{made.id}", "flavor")
        assert first["extra_specs"] == second["extra_specs"] == {"a": "3"}
        assert first["description"] == second["description"] == "one"
        assert sdk.get_flavor(made).description == "one"

    def test_flavors_are_listed_in_pages(self, sdk):
        ids = [str(number) for number in range(5)]
        for one in ids:
            sdk.create_flavor(id=one, name=f"m{one}", ram=64, vcpus=1, disk=1)

        assert [one.id for one in sdk.flavors(limit=2)] == ids
        assert sdk.find_flavor("m3").id == "3"
        assert sdk.find_flavor("none") is None

    def test_access_is_given_and_taken(self, sdk, cells):
        made = sdk.create_flavor(
            name="m1", ram=64, vcpus=1, disk=1, is_public=False
        )
        path = f"/flavors/{made.id}/os-flavor-access"

        sdk.flavor_add_tenant_access(made, asking.USERS)
        assert len(sdk.get_flavor_access(made)) == 1
        assert all(in_each(cells, path, "flavor_access"))
        sdk.flavor_remove_tenant_access(made, asking.USERS)
        assert not any(in_each(cells, path, "flavor_access"))

    def test_an_aggregate_is_used_by_id_and_by_name(self, sdk):
        made = sdk.create_aggregate(name="c2@ssd", availability_zone="z1")

        assert sdk.get_aggregate(2 * SPAN + 1).name == "c2@ssd"
        assert sdk.find_aggregate("c2@ssd").id == made.id
        sdk.add_host_to_aggregate(made, "c2-host1")
        sdk.set_aggregate_metadata(made, {"ssd": "true"})
        (found,) = sdk.aggregates()
        assert found.metadata == {"availability_zone": "z1", "ssd": "true"}
        assert found.hosts == ["c2-host1"]
        sdk.update_aggregate(made, name="c2@hdd")
        sdk.remove_host_from_aggregate(made, "c2-host1")
        assert sdk.find_aggregate("c2@hdd").hosts == []

    def test_zones_of_both_cells_are_listed(self, sdk):
        made = sdk.create_aggregate(name="c2@ssd", availability_zone="z1")
        sdk.add_host_to_aggregate(made, "c2-host1")

        assert [one.name for one in sdk.availability_zones()] == ["nova", "z1"]

    def test_a_list_is_answered_without_a_cell(self, sdk, down):
        assert list(sdk.flavors()) == []

    def test_a_lost_cell_is_no_absent_flavor(self, sdk, down):
        with pytest.raises(sdk_exceptions.HttpException) as caught:
            sdk.get_flavor("none")

        assert caught.value.status_code == 503


class TestCommand:
    def test_a_flavor_is_made_and_changed_in_both_cells(self, osc, cells):
        osc("flavor create m1 --id m1 --ram 64 --property a=1 -f json")
        osc("flavor set m1 --property b=2 --description one")
        osc("flavor unset m1 --property a")

        first, second = in_each(cells, "/flavors/m1", "flavor")
        assert first["extra_specs"] == second["extra_specs"] == {"b": "2"}
        assert first["description"] == second["description"] == "one"
        shown = osc("flavor show m1 -f json")
        assert shown["properties"] == {"b": "2"}
        (listed,) = osc("flavor list -f json")
        assert listed["Name"] == "m1"
        osc("flavor delete m1")
        assert in_each(cells, "/flavors", "flavors") == [[], []]

    def test_an_aggregate_is_used_by_id_and_by_name(self, osc):
        made = osc("aggregate create c2@ssd --zone z1 -f json")
        osc("aggregate add host c2@ssd c2-host1 -f json")
        osc(f"aggregate set {made['id']} --property b=2")

        assert made["id"] == 2 * SPAN + 1
        shown = osc(f"aggregate show {made['id']} -f json")
        assert shown["name"] == "c2@ssd"
        assert shown["hosts"] == ["c2-host1"]
        assert shown["properties"] == {"b": "2"}
        (listed,) = osc("aggregate list -f json")
        assert listed["Name"] == "c2@ssd"
        osc("aggregate remove host c2@ssd c2-host1 -f json")
        osc("aggregate delete c2@ssd")
        assert osc("aggregate list -f json") == []

    def test_zones_of_both_cells_are_listed(self, osc):
        osc("aggregate create c2@ssd --zone z1 -f json")
        osc("aggregate add host c2@ssd c2-host1 -f json")
        zones = osc("availability zone list --compute -f json")

        names = [one["Zone Name"] for one in zones]
        assert names == ["internal", "nova", "z1"]
