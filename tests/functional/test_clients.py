"""What users of the usual clients see of a refusal: all of its text."""

import openstack
import pytest
from keystoneauth1 import session, token_endpoint
from nova.tests import fixtures as nova_fixtures
from novaclient import client as novaclient
from novaclient import exceptions as nova_exceptions
from openstack import exceptions as sdk_exceptions

from waffles.demo import cloud as demo
from waffles.demo import listen

RULES = """
[waffles_naming]
pattern = client-[a-z]+
help_url = https://wiki.example.com/servers
unique = cloud
[waffles_metadata]
required_keys = owner
defaults = owner={user_name}
immutable_keys = owner
help_url = https://wiki.example.com/servers
"""
SEE = " . See https://wiki.example.com/servers"
NAMING = (
    'Server name "Client_1" breaks this cloud\'s naming policy: /server/name'
    f" must match client-[a-z]+{SEE}"
)
METADATA = "Server metadata breaks this cloud's metadata policy: "


class Nova:
    """python-novaclient."""

    error = nova_exceptions.ClientException

    def __init__(self, keystone):
        self.client = novaclient.Client("2.90", session=keystone)

    def create(self, name, metadata=None, **more):
        return self.client.servers.create(
            name, demo.IMAGE, "1", nics="none", meta=metadata, **more
        )

    def rename(self, server_id, name):
        self.client.servers.update(server_id, name=name)

    def rebuild(self, server_id, name):
        self.client.servers.rebuild(server_id, demo.IMAGE, name=name)

    def set_metadata(self, server_id, **metadata):
        self.client.servers.set_meta(server_id, metadata)

    def delete_metadata(self, server_id, key):
        self.client.servers.delete_meta(server_id, [key])

    def shown(self, error):
        return error.code, error.message, str(error)


class Sdk:
    """openstacksdk."""

    error = sdk_exceptions.HttpException

    def __init__(self, keystone):
        cloud = openstack.connection.Connection(
            session=keystone, compute_default_microversion="2.90"
        )
        self.compute = cloud.compute

    def create(self, name, **more):
        return self.compute.create_server(
            name=name,
            image_id=demo.IMAGE,
            flavor_id="1",
            networks="none",
            **more,
        )

    def rename(self, server_id, name):
        self.compute.update_server(server_id, name=name)

    def rebuild(self, server_id, name):
        self.compute.rebuild_server(server_id, image=demo.IMAGE, name=name)

    def set_metadata(self, server_id, **metadata):
        self.compute.set_server_metadata(server_id, **metadata)

    def delete_metadata(self, server_id, key):
        self.compute.delete_server_metadata(server_id, [key])

    def shown(self, error):
        return error.status_code, error.details, str(error)


@pytest.fixture(scope="module")
def api(configured):
    return configured(RULES)


@pytest.fixture(scope="module")
def url(api):
    with listen.listening(api.app) as url:
        yield url


@pytest.fixture(params=[Nova, Sdk])
def client(request, url):
    auth = token_endpoint.Token(f"{url}/v2.1", demo.DEMO.name)
    keystone = session.Session(auth=auth)
    yield request.param(keystone)
    keystone.session.close()


@pytest.fixture(scope="module")
def server_id(api):
    return api.server(name="client-web")["id"]


def refused(client, call, *args, **kwargs):
    """The status and the text that a client's exception has."""
    with pytest.raises(client.error) as caught:
        call(*args, **kwargs)
    status, message, text = client.shown(caught.value)
    assert message in text  # what a user reads who prints the exception
    return status, message


def test_a_create_is_refused(client):
    assert refused(client, client.create, "Client_1") == (403, NAMING)


def test_a_rename_is_refused(client, server_id):
    call = client.rename, server_id, "Client_1"

    assert refused(client, *call) == (403, NAMING)


def test_a_rebuild_is_refused(client, server_id):
    call = client.rebuild, server_id, "Client_1"

    assert refused(client, *call) == (
        403,
        NAMING.replace("/server/", "/rebuild/"),
    )


def test_metadata_is_not_changed(client, server_id):
    status, message = refused(
        client, client.set_metadata, server_id, owner="eve"
    )

    assert status == 403
    assert message == (
        f"{METADATA}/metadata/owner is immutable and may not be changed from"
        f' "demo" to "eve"{SEE}'
    )


def test_metadata_is_not_deleted(client, server_id):
    call = client.delete_metadata, server_id, "owner"

    assert refused(client, *call) == (
        403,
        f"{METADATA}/metadata/owner is required; /metadata/owner is immutable"
        f" and may not be removed{SEE}",
    )


def test_every_violation_is_listed(client):
    metadata = {"OWNER": "eve", "owner\n": "eve"}

    assert refused(client, client.create, "client-db", metadata=metadata) == (
        403,
        f"{METADATA}/server/metadata/OWNER must be spelled owner: databases"
        " take both for one key; /server/metadata/owner\n has other characters"
        f" than a-z A-Z 0-9 - _ : . and space{SEE}",
    )


def test_what_cannot_be_judged_is_a_bad_request(client):
    call = client.create, "client-db"

    assert refused(client, *call, min_count=1, max_count=1001) == (
        400,
        "Names of more than 1000 servers at once (min_count, max_count) are"
        " not judged.",
    )


def test_what_nova_cannot_tell_now_is_unavailable(client, cloud):
    down = [cloud.cell_mappings["cell1"]]
    with nova_fixtures.DownCellFixture(down):
        refusal = refused(client, client.create, "client-db")

    assert refusal == (
        503,
        "A cell of this cloud is down: not all servers can be seen now.",
    )


def test_what_is_allowed_passes(client, server_id):
    client.set_metadata(server_id, team="blue")
    client.rename(server_id, "client-web")
    client.delete_metadata(server_id, "team")
