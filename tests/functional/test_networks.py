"""The waffle on a real Nova; Neutron is a stand-in, asked over HTTP."""

import time

import pytest

from waffles.demo import cloud as demo
from waffles.fabric import options

KEY = "waffles:network"
HINTS = "os:scheduler_hints"


def _admin(nova, method, path, body=None, microversion="2.90"):
    answer = nova.call(
        method,
        f"/v2.1{path}",
        body,
        user=demo.ADMIN,
        microversion=microversion,
    )
    assert answer.status_int in (200, 202, 204), answer.text
    return answer.json if answer.body else {}


@pytest.fixture
def pods(cloud, nova):
    """Two host aggregates of one host and one network each."""
    made = {}
    for name, host in (("red", "host1"), ("blue", "host2")):
        network = cloud.neutron.add(name, total=4)
        body = {"aggregate": {"name": f"pod {name}"}}
        aggregate = _admin(nova, "POST", "/os-aggregates", body)["aggregate"]
        path = f"/os-aggregates/{aggregate['id']}/action"
        _admin(nova, "POST", path, {"add_host": {"host": host}})
        metadata = {"metadata": {"networks": network}}
        _admin(nova, "POST", path, {"set_metadata": metadata})
        made[name] = {"network": network, "host": host, "path": path}
    yield made
    for pod in made.values():
        _admin(
            nova, "POST", pod["path"], {"remove_host": {"host": pod["host"]}}
        )
        _admin(nova, "DELETE", pod["path"].removesuffix("/action"))
        cloud.neutron.remove(pod["network"])


@pytest.fixture
def before(nova):
    """The servers that are not of this test."""
    return _servers(nova)


@pytest.fixture
def served(configured, services, pods, nova, before):
    """Makes an Api with the waffle; at the end no server is left.

    What the waffle knew before is forgotten: it did not know these pods.
    """

    def served(text=""):
        api = configured(
            f"{services.access}[waffles_networks]\nmode = enforce\n{text}\n"
        )
        for keeper in options._KEEPERS.values():
            keeper._kept = None
        return api

    yield served
    _delete(nova, _servers(nova) - before)


def _delete(nova, servers):
    for server_id in servers:
        _admin(nova, "DELETE", f"/servers/{server_id}")
    while servers & _servers(nova):
        time.sleep(0.05)


def _servers(nova):
    listed = _admin(nova, "GET", "/servers?all_tenants=1")
    return {server["id"] for server in listed["servers"]}


def _use(cloud, pod):
    """Take an address of a pod's network."""
    wanted = {"network_id": pod["network"], "tenant_id": "any"}
    cloud.neutron.create_port({"port": wanted})


def _create(api, path="/v2.1/servers", microversion=None, hints=None, **more):
    body = {
        "server": {
            "name": "any",
            "imageRef": demo.IMAGE,
            "flavorRef": "1",
            **more,
        }
    }
    if hints is not None:
        body[HINTS] = hints
    return api.call("POST", path, body, microversion=microversion)


def _made(api, nova, *args, **how):
    """The host and the networks of a server that is created."""
    answer = _create(api, *args, **how)
    assert answer.status_int == 202, answer.text
    return _placed(api, nova, answer.json["server"]["id"])


def _placed(api, nova, server_id):
    server = api.wait(server_id)
    found = _admin(nova, "GET", f"/servers/{server_id}/os-interface")
    nets = [one["net_id"] for one in found["interfaceAttachments"]]
    return server["OS-EXT-SRV-ATTR:host"], nets


def _pod(pods, placed):
    """The pod whose host and network a server has, if it is one."""
    for name, pod in pods.items():
        if placed == (pod["host"], [pod["network"]]):
            return name
    raise AssertionError(f"{placed} is in no pod of {pods}")


@pytest.mark.parametrize(
    ("path", "microversion", "fields"),
    [
        ("/v2.1/servers", None, {}),
        ("/v2.1/servers", "2.36", {"networks": []}),
        ("/v2.1/servers", "2.37", {}),
        ("/v2.1/servers", "2.37", {"networks": []}),
        ("/v2.1/servers", "2.90", {"networks": "auto"}),
        ("/v2.1/servers", "latest", {"networks": "auto"}),
        ("/v2.1/{project}/servers", "2.90", {"networks": "auto"}),
        ("/v2/{project}/servers", None, {}),
        ("/v2/servers", None, {"networks": []}),
        ("/v2.1/servers?_method=POST", None, {}),
    ],
    ids=lambda value: str(value),
)
def test_a_server_gets_a_network_of_its_host(
    served, nova, pods, path, microversion, fields
):
    """With many free addresses in one pod, and then in the other."""
    api = served()
    path = path.format(project=demo.DEMO.project_id)
    found = {
        _pod(pods, _made(api, nova, path, microversion, **fields))
        for _ in range(2)
    }

    assert found == {"red", "blue"}


def test_os_volumes_boot_gets_one_too(served, monkeypatch, nova):
    """Nova 34 answers 500 there, whatever it is sent."""
    sent = []
    monkeypatch.setattr(
        "nova.api.openstack.compute.servers.ServersController.create",
        lambda self, req, body: sent.append(body),
    )
    _create(served(), "/v2.1/os-volumes_boot")

    assert sent == [] or sent[0]["server"]["networks"]


def test_the_network_with_the_most_free_addresses_is_chosen(
    served, cloud, nova, pods
):
    for _ in range(2):
        _use(cloud, pods["red"])
    api = served()

    assert _pod(pods, _made(api, nova)) == "blue"


def test_all_servers_of_one_create_get_one_network(served, nova, pods, before):
    api = served()
    answer = _create(api, max_count=3, min_count=3)
    assert answer.status_int == 202, answer.text
    found = [_placed(api, nova, one) for one in _servers(nova) - before]

    assert len(found) == 3
    assert len({_pod(pods, placed) for placed in found}) == 1


def test_full_networks_are_left_and_then_refused(served, nova, pods, before):
    api = served()
    for many in (4, 4):
        assert _create(api, min_count=many, max_count=many).status_int == 202
    made = _servers(nova) - before
    found = [_pod(pods, _placed(api, nova, server)) for server in made]
    refused = _create(api)

    assert sorted(found) == ["blue"] * 4 + ["red"] * 4
    assert refused.status_int == 409
    assert refused.json["conflictingRequest"]["message"] == (
        "There is no network for this server: no network of its hosts has a"
        " free address."
    )
    assert _servers(nova) - before == made


def test_what_nova_refuses_takes_no_addresses(served, nova, pods):
    api = served()
    for _ in range(3):
        image = "11111111-2222-4333-8444-555555555555"
        assert _create(api, imageRef=image, max_count=4).status_int == 400
    found = [_create(api, max_count=4).status_int for _ in range(3)]

    assert found == [202, 202, 409]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"max_count": 5}, "no network of its hosts has 5 free addresses"),
        (
            {"availability_zone": "moon"},
            "no host aggregate with networks is in availability zone moon",
        ),
        (
            {"availability_zone": "nova:host9"},
            "Policy doesn't allow os_compute_api:servers:create:forced_host",
        ),
    ],
    ids=["too_many", "zone", "host"],
)
def test_what_has_no_network_is_refused(served, nova, fields, why, before):
    answer = _create(served(), **fields)

    assert answer.status_int in (403, 409)
    assert why in answer.text
    assert _servers(nova) == before


def test_a_host_that_is_disabled_gets_no_servers(served, nova, pods):
    listed = _admin(nova, "GET", "/os-services?binary=nova-compute")
    (host1,) = [s for s in listed["services"] if s["host"] == "host1"]
    path = f"/os-services/{host1['id']}"
    _admin(nova, "PUT", path, {"status": "disabled"})
    try:
        api = served()
        found = {_pod(pods, _made(api, nova)) for _ in range(3)}
    finally:
        _admin(nova, "PUT", path, {"status": "enabled"})

    assert found == {"blue"}


@pytest.mark.parametrize("key", [HINTS, "OS-SCH-HNT:scheduler_hints"])
def test_a_client_cannot_set_our_hint(served, nova, pods, key, before):
    hint = ["networks", pods["red"]["network"]]
    body = {
        "server": {"name": "a", "imageRef": demo.IMAGE, "flavorRef": "1"},
        key: {KEY: hint},
    }
    answer = served().call("POST", "/v2.1/servers", body)

    assert answer.status_int == 403
    assert f"/{key}/{KEY} is set by this cloud only" in answer.text
    assert _servers(nova) == before


def test_which_hosts_there_are_is_not_told_to_members(served):
    """By the same words for one that is there and one that is not."""
    api = served()
    found = {
        _create(api, availability_zone=f"nova:{host}").text
        for host in ("host1", "host9")
    }

    assert len(found) == 1


def test_other_hints_are_kept_beside_ours(served, nova, pods):
    api = served()
    answer = _create(api, hints={"rack": "7"})
    shown = _admin(
        nova,
        "GET",
        f"/servers/{answer.json['server']['id']}",
        microversion="2.100",
    )["server"]["scheduler_hints"]
    key, network_id, name = shown.pop(KEY)

    assert shown == {"rack": ["7"]}
    assert key == "networks"
    assert pods[name]["network"] == network_id


def test_a_network_that_is_named_is_kept(served, nova, pods):
    api = served("user_networks = keep")
    uuid = pods["blue"]["network"]
    found = [_made(api, nova, networks=[{"uuid": uuid}])[1] for _ in range(2)]

    assert found == [[uuid]] * 2


def test_a_network_that_is_named_can_be_refused(served, nova, pods, before):
    answer = _create(
        served("user_networks = refuse"),
        networks=[{"uuid": pods["blue"]["network"]}],
    )

    assert answer.status_int == 403
    assert "/server/networks must be left out" in answer.text
    assert _servers(nova) == before


@pytest.mark.parametrize("given", ["none", "network"])
def test_what_is_named_can_be_replaced(served, cloud, nova, pods, given):
    """By the one with more addresses."""
    _use(cloud, pods["blue"])
    networks = [{"uuid": pods["blue"]["network"]}]
    placed = _made(
        served("user_networks = replace"),
        nova,
        microversion="2.90",
        networks="none" if given == "none" else networks,
    )

    assert _pod(pods, placed) == "red"


def test_who_is_exempt_gets_what_nova_gives(served):
    answer = _create(served("exempt = role:member"), networks=[])

    assert answer.status_int == 409
    assert "Multiple possible networks found" in answer.text


def test_a_network_of_another_project_is_not_chosen(
    served, cloud, nova, pods, before
):
    """Unless it is shared with the caller's."""
    owner = {"project_id": demo.OTHER.project_id, "total": 200}
    theirs = cloud.neutron.add("theirs", shared_with=(), **owner)
    shared = cloud.neutron.add(
        "shared", shared_with=(demo.DEMO.project_id,), **owner
    )

    def name(**networks):
        for pod, network in networks.items():
            metadata = {"metadata": {"networks": network}}
            _admin(nova, "POST", pods[pod]["path"], {"set_metadata": metadata})
        return served()

    try:
        refused = _create(name(red=theirs, blue=theirs))
        api = name(blue=shared)
        found = [_made(api, nova) for _ in range(3)]
    finally:
        _delete(nova, _servers(nova) - before)
        cloud.neutron.remove(theirs)
        cloud.neutron.remove(shared)

    assert found == [("host2", [shared])] * 3
    assert refused.status_int == 409
    assert "this project can use none of the networks" in refused.text
    assert theirs not in refused.text
    assert "theirs" not in refused.text
