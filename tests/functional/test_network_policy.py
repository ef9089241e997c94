"""The waffle on a real Nova: what it refuses does not happen.

Neutron is a stand-in, asked over HTTP.
"""

import itertools
import json
import threading
import time
from concurrent import futures

import pytest

from waffles.demo import cloud as demo
from waffles.filters import network_policy

GOOD = "aaaaaaaa-0000-4000-8000-00000000000a"
BAD = "bbbbbbbb-0000-4000-8000-00000000000b"
MORE = "cccccccc-0000-4000-8000-00000000000c"
OPEN = "dddddddd-0000-4000-8000-00000000000d"

BAN = f"banned = {BAD}"
MUST = f"required = {GOOD}"
ONLY = f"allowed = {GOOD}"
COUNT = (
    f"min_networks = 1\nmax_networks = 2\noptional = {MORE}\n"
    f"count_optional = False"
)

PROJECT = demo.DEMO.project_id
BASES = ["/v2.1", f"/v2.1/{PROJECT}", "/v2", f"/v2/{PROJECT}"]

_numbers = itertools.count()


@pytest.fixture(scope="module", autouse=True)
def networks(cloud):
    """Networks that the project of the user demo can use, and no other."""
    for network_id in (GOOD, BAD, MORE):
        cloud.neutron.add(
            f"np-{network_id[0]}",
            network_id=network_id,
            shared_with=(PROJECT,),
            total=1000,
        )
    yield
    for network_id in (GOOD, BAD, MORE):
        cloud.neutron.remove(network_id)


@pytest.fixture
def opened(cloud):
    """The only network of the user other, who need not name it."""
    cloud.neutron.add("np-open", network_id=OPEN,
                      shared_with=(demo.OTHER.project_id,))  # fmt: skip
    yield
    cloud.neutron.remove(OPEN)


@pytest.fixture(scope="module")
def ruled(configured, services):
    """Makes an Api with rules."""

    def ruled(rules, access=services.access):
        return configured(f"{access}[waffles_network_policy]\n{rules}\n")

    return ruled


@pytest.fixture
def port(cloud):
    """Makes a port of a user's."""
    made = []

    def port(network_id, user=demo.DEMO):
        wanted = {"network_id": network_id, "tenant_id": user.project_id}
        made.append(cloud.neutron.create_port({"port": wanted})["port"]["id"])
        return made[-1]

    yield port
    for port_id in made:
        cloud.neutron._ports.pop(port_id, None)


@pytest.fixture
def made(nova):
    """Makes servers with networks, without a waffle; deletes them."""
    servers = []

    def made(*network_ids, user=demo.DEMO, name="np"):
        networks = [{"uuid": one} for one in network_ids] or "none"
        body = _create(networks, name=name)
        answer = nova.call(
            "POST", "/v2.1/servers", body, user=user, microversion="2.37"
        )
        servers.append(answer.json["server"]["id"])
        nova.wait(servers[-1])
        return servers[-1]

    yield made
    _delete(nova, servers)


@pytest.fixture
def clean(nova):
    """Deletes the servers of a name, at the end."""
    name = f"np-{next(_numbers)}"
    yield name
    _delete(nova, _named(nova, name))


def _create(networks=None, **more):
    server = {"name": "np", "imageRef": demo.IMAGE, "flavorRef": "1", **more}
    if networks is not None:
        server["networks"] = networks
    return {"server": server}


def _named(nova, name):
    path = f"/v2.1/servers?all_tenants=1&name=^{name}$"
    listed = nova.call("GET", path, user=demo.ADMIN).json["servers"]
    return [server["id"] for server in listed]


def _delete(nova, servers):
    for server in servers:
        nova.call("DELETE", f"/v2.1/servers/{server}", user=demo.ADMIN)
    for server in servers:
        path = f"/v2.1/servers/{server}"
        _until(lambda path=path: nova.call("GET", path, user=demo.ADMIN), 404)


def _until(ask, status):
    """Ask until the answer has a status."""
    for _ in range(400):
        if (answer := ask()).status_int == status:
            return
        time.sleep(0.05)
    raise AssertionError(answer.text)


def _interfaces(nova, server):
    path = f"/v2.1/servers/{server}/os-interface"
    return nova.call("GET", path, user=demo.ADMIN).json["interfaceAttachments"]


def _networks(nova, server):
    """The networks that a server has, as letters."""
    return sorted(one["net_id"][0] for one in _interfaces(nova, server))


#: Networks of a create that break a rule: rules, networks.
CREATES = {
    "banned": (BAN, [{"uuid": BAD}]),
    "banned_among_others": (BAN, [{"uuid": GOOD}, {"uuid": BAD}]),
    "upper_case": (BAN, [{"uuid": BAD.upper()}]),
    "no_hyphens": (BAN, [{"uuid": BAD.replace("-", "")}]),
    "braces": (BAN, [{"uuid": f"{{{BAD}}}"}]),
    "urn": (BAN, [{"uuid": f"urn:uuid:{BAD}"}]),
    "null_for_a_port": (BAN, [{"port": None, "uuid": BAD}]),
    "port": (BAN, [{"port": "PORT"}]),
    "port_beside_another_network": (BAN, [{"port": "PORT", "uuid": GOOD}]),
    "port_in_upper_case": (BAN, [{"port": "UPPER"}]),
    "required_is_missing": (MUST, [{"uuid": MORE}]),
    "port_is_no_required_one": (MUST, [{"port": "PORT"}]),
    "not_allowed": (ONLY, [{"uuid": GOOD}, {"uuid": MORE}]),
    "port_not_allowed": (ONLY, [{"port": "PORT"}]),
    "the_same_five_times": (COUNT, [{"uuid": GOOD}] * 5),
    "too_many": (COUNT, [{"uuid": GOOD}, {"uuid": BAD}, {"port": "PORT"}]),
    "too_few_that_count": (COUNT, [{"uuid": MORE}]),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("case", CREATES)
def test_a_create_that_breaks_a_rule_makes_nothing(
    ruled, nova, port, clean, base, case
):
    rules, networks = CREATES[case]
    text = json.dumps(_create(networks, name=clean))
    port_id = port(BAD)
    text = text.replace("PORT", port_id).replace("UPPER", port_id.upper())
    answer = ruled(rules).call("POST", f"{base}/servers", text.encode())

    assert answer.status_int == 403, answer.text
    message = answer.json["forbidden"]["message"]
    assert message.startswith("This server breaks this cloud's network policy")
    assert _named(nova, clean) == []


#: Ways to send a create: method, path, text of the body.
BODY = (
    '{"server": {"name": "NAME", "imageRef": "IMAGE", "flavorRef": "1", %s}}'
)
WAYS = {
    "volumes_boot": (
        "POST",
        "/os-volumes_boot",
        BODY % f'"networks": [{{"uuid": "{BAD}"}}]',
    ),
    "newline": (
        "POST",
        "/servers%0A",
        BODY % f'"networks": [{{"uuid": "{BAD}"}}]',
    ),
    "method_override": (
        "PUT",
        "/servers?_method=POST",
        BODY % f'"networks": [{{"uuid": "{BAD}"}}]',
    ),
    "second_networks": (
        "POST",
        "/servers",
        BODY % f'"networks": [{{"uuid": "{GOOD}"}}],'
        f' "networks": [{{"uuid": "{BAD}"}}]',
    ),
    "escaped_key": (
        "POST",
        "/servers",
        BODY % rf'"\u006eetworks": [{{"\u0075uid": "{BAD}"}}]',
    ),
    "several_servers": (
        "POST",
        "/servers",
        BODY % f'"max_count": 3, "networks": [{{"uuid": "{BAD}"}}]',
    ),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("way", WAYS)
def test_there_is_no_other_way_to_a_banned_network(
    ruled, nova, clean, base, way
):
    method, path, body = WAYS[way]
    text = body.replace("NAME", clean).replace("IMAGE", demo.IMAGE)
    answer = ruled(BAN).call(
        method, base + path, text.encode(), CONTENT_TYPE="application/json"
    )

    assert answer.status_int == 403, answer.text
    assert "/server/networks/0/uuid is a banned network" in answer.text
    assert _named(nova, clean) == []


@pytest.mark.parametrize("base", ["/v2", f"/v2/{PROJECT}"])
def test_what_v2_drops_hides_nothing(ruled, nova, clean, base):
    networks = [{"uuid": BAD, "any": 1}]
    body = _create(networks, name=clean, any=1)
    answer = ruled(BAN).call("POST", f"{base}/servers", body)

    assert answer.status_int == 403
    assert _named(nova, clean) == []


#: Networks of a create that keep the rules, and those that it gets.
KEPT = {
    "not_banned": (BAN, [{"uuid": GOOD}], "a"),
    "required": (MUST, [{"uuid": BAD}, {"uuid": GOOD}], "ab"),
    "allowed": (ONLY, [{"uuid": GOOD}, {"uuid": GOOD}], "aa"),
    "port_of_the_required_one": (MUST, [{"port": "PORT"}], "a"),
    "optional_ones_do_not_count": (
        COUNT,
        [{"uuid": GOOD}, {"uuid": MORE}, {"uuid": BAD}, {"uuid": MORE}],
        "abcc",
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_a_create_that_keeps_the_rules_gets_its_networks(
    ruled, nova, port, clean, case
):
    """So that the refusals above are refusals of networks."""
    rules, networks, letters = KEPT[case]
    text = json.dumps(_create(networks, name=clean))
    body = text.replace("PORT", port(GOOD)).encode()
    answer = ruled(rules).call("POST", "/v2.1/servers", body)

    assert answer.status_int == 202, answer.text
    server = answer.json["server"]["id"]
    nova.wait(server)
    assert _networks(nova, server) == [*letters]


#: How to leave the network to Nova: microversion, "networks".
LEFT_OPEN = {
    "left_out": ("2.1", None),
    "left_out_before_2.37": ("2.36", None),
    "empty": ("2.1", []),
    "empty_since_2.37": ("2.90", []),
    "auto": ("2.37", "auto"),
    "auto_in_the_newest": ("latest", "auto"),
}


@pytest.mark.parametrize("way", LEFT_OPEN)
@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (f"banned = {OPEN}", "Nova would take a banned network"),
        (ONLY, f"Nova would take none of the allowed networks ({GOOD})"),
        (MUST, f"must have network {GOOD}"),
        ("max_networks = 0", "must have at most 0 networks and has 1"),
        (f"min_networks = 1\noptional = {OPEN}", "at least 1 network"),
    ],
    ids=["banned", "not_allowed", "required", "most", "least"],
)
def test_who_names_no_network_is_judged_by_the_one_of_nova(
    ruled, nova, opened, clean, way, rules, reason
):
    microversion, networks = LEFT_OPEN[way]
    answer = ruled(rules).call(
        "POST",
        "/v2.1/servers",
        _create(networks, name=clean),
        user=demo.OTHER,
        microversion=microversion,
    )

    assert answer.status_int == 403, answer.text
    assert reason in answer.json["forbidden"]["message"]
    assert _named(nova, clean) == []


@pytest.mark.parametrize("way", LEFT_OPEN)
def test_who_names_no_network_gets_the_one_that_was_judged(
    ruled, nova, opened, clean, way
):
    microversion, networks = LEFT_OPEN[way]
    answer = ruled(f"required = {OPEN}\nmax_networks = 1").call(
        "POST",
        "/v2.1/servers",
        _create(networks, name=clean),
        user=demo.OTHER,
        microversion=microversion,
    )

    assert answer.status_int == 202, answer.text
    server = answer.json["server"]["id"]
    nova.wait(server)
    assert _networks(nova, server) == ["d"]


@pytest.mark.parametrize("way", LEFT_OPEN)
def test_of_several_networks_none_is_taken(ruled, nova, clean, way):
    """Neither by the waffle nor by Nova: the user demo has three."""
    microversion, networks = LEFT_OPEN[way]
    for api in (ruled(BAN), nova):
        answer = api.call(
            "POST",
            "/v2.1/servers",
            _create(networks, name=clean),
            microversion=microversion,
        )
        assert answer.status_int == 409, answer.text
    assert _named(nova, clean) == []


@pytest.mark.parametrize("rules", [MUST, COUNT], ids=["required", "least"])
def test_a_server_without_networks_has_too_few(ruled, nova, clean, rules):
    answer = ruled(rules).call(
        "POST",
        "/v2.1/servers",
        _create("none", name=clean),
        microversion="2.37",
    )

    assert answer.status_int == 403, answer.text
    assert _named(nova, clean) == []


def test_a_server_without_networks_has_no_banned_one(ruled, nova, clean):
    answer = ruled(f"{BAN}\n{ONLY}").call(
        "POST",
        "/v2.1/servers",
        _create("none", name=clean),
        microversion="2.37",
    )

    assert answer.status_int == 202, answer.text
    server = answer.json["server"]["id"]
    nova.wait(server)
    assert _networks(nova, server) == []


@pytest.mark.parametrize("base", ["/v2.1", "/v2"])
@pytest.mark.parametrize("networks", ["none", "auto"])
def test_words_that_nova_does_not_know_here_are_no_way(
    ruled, nova, opened, clean, base, networks
):
    body = _create(networks, name=clean)
    for api in (ruled(f"banned = {BAD}"), nova):
        answer = api.call("POST", f"{base}/servers", body, user=demo.OTHER)
        assert answer.status_int == 400, answer.text


@pytest.mark.parametrize(
    "networks",
    [
        "AUTO",
        [{}],
        [None],
        [{"uuid": None}],
        [{"uuid": "np-b"}],
        [{"port": ""}],
        [{"port": "np"}],
        {"uuid": BAD},
        7,
    ],
    ids=repr,
)
@pytest.mark.parametrize("base", ["/v2.1", "/v2"])
def test_what_nova_would_not_take_is_malformed(ruled, nova, base, networks):
    for api in (ruled(BAN), nova):
        answer = api.call("POST", f"{base}/servers", _create(networks))
        assert answer.status_int == 400, answer.text


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"server": []}'])
def test_a_body_that_is_none_is_malformed(ruled, body):
    answer = ruled(BAN).call("POST", "/v2.1/servers", body)

    assert answer.status_int == 400, answer.text


def test_all_that_is_wrong_is_told_and_nothing_else(ruled):
    rules = f"required = {GOOD},{MORE}\n{BAN}\nhelp_url = https://x.org"
    networks = [{"uuid": BAD}, {"uuid": MORE}, {"uuid": BAD.upper()}]
    answer = ruled(rules).call("POST", "/v2.1/servers", _create(networks))

    assert answer.json["forbidden"]["message"] == (
        "This server breaks this cloud's network policy:"
        " /server/networks/0/uuid is a banned network;"
        " /server/networks/2/uuid is a banned network;"
        f" /server/networks must have network {GOOD} . See https://x.org"
    )


@pytest.mark.parametrize("user", [demo.DEMO, demo.ADMIN], ids=lambda u: u.name)
def test_a_port_is_looked_up_as_who_asks(ruled, nova, port, clean, user):
    """The port is of another project: a member is not told its network."""
    body = _create([{"port": port(BAD, demo.OTHER)}], name=clean)
    answer = ruled(BAN).call("POST", "/v2.1/servers", body, user=user)

    assert answer.status_int == (403 if user is demo.ADMIN else 404)
    assert _named(nova, clean) == []


#: Attaches of a banned network: the body.
ATTACHES = {
    "network": {"interfaceAttachment": {"net_id": BAD}},
    "network_in_upper_case": {"interfaceAttachment": {"net_id": BAD.upper()}},
    "port": {"interfaceAttachment": {"port_id": "PORT"}},
    "address": {
        "interfaceAttachment": {
            "net_id": BAD,
            "fixed_ips": [{"ip_address": "10.9.0.9"}],
        }
    },
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("case", ATTACHES)
@pytest.mark.parametrize(
    "way",
    [("POST", ""), ("POST", "%0A"), ("PUT", "?_method=POST")],
    ids=["plain", "newline", "method_override"],
)
def test_a_banned_network_is_not_attached(
    ruled, nova, empty, port, base, case, way
):
    method, more = way
    body = json.dumps(ATTACHES[case]).replace("PORT", port(BAD)).encode()
    path = f"{base}/servers/{empty}/os-interface{more}"
    answer = ruled(BAN).call(
        method, path, body, CONTENT_TYPE="application/json"
    )

    assert answer.status_int == 403, answer.text
    assert "a banned network" in answer.text
    assert _networks(nova, empty) == []


@pytest.fixture(scope="module")
def empty(nova, networks):
    """A server of the user demo without networks."""
    body = _create("none", name="np-empty")
    made = nova.call("POST", "/v2.1/servers", body, microversion="2.37")
    server = made.json["server"]["id"]
    nova.wait(server)
    yield server
    _delete(nova, [server])


#: Bodies of an attach that leave the network to Nova.
NEITHER = {"empty": b"{}", "empty_object": b'{"interfaceAttachment": {}}'}


@pytest.mark.parametrize("base", ["/v2.1", "/v2"])
@pytest.mark.parametrize("case", NEITHER)
def test_an_attach_of_any_network_is_judged_by_the_one_of_nova(
    ruled, nova, opened, made, base, case
):
    server = made(user=demo.OTHER)
    path = f"{base}/servers/{server}/os-interface"
    rules = (f"banned = {OPEN}", f"allowed = {OPEN}")
    refused, taken = [
        ruled(rule).call("POST", path, NEITHER[case], user=demo.OTHER)
        for rule in rules
    ]

    assert refused.status_int == 403, refused.text
    assert "Nova would take a banned network" in refused.text
    assert taken.status_int == 200, taken.text
    assert _networks(nova, server) == ["d"]


def test_an_attach_is_counted_with_what_is_there(ruled, nova, made, port):
    server = made(GOOD)
    api = ruled(COUNT)
    path = f"/v2.1/servers/{server}/os-interface"
    bodies = [
        {"interfaceAttachment": {"port_id": port(BAD)}},
        {"interfaceAttachment": {"net_id": GOOD}},
        {"interfaceAttachment": {"port_id": port(GOOD)}},
        {"interfaceAttachment": {"net_id": MORE}},
    ]
    statuses = [api.call("POST", path, body).status_int for body in bodies]

    assert statuses == [200, 403, 403, 200]
    assert _networks(nova, server) == [*"abc"]


def test_two_attaches_at_the_same_moment_do_not_see_each_other(
    ruled, nova, made, monkeypatch
):
    """A limit that the manual tells: no lock spans all API nodes."""
    server, api = made(GOOD), ruled("max_networks = 2")
    both, read = threading.Barrier(2), network_policy.servers.interfaces

    def read_by_both(*args):
        found = read(*args)
        both.wait(20)
        return found

    monkeypatch.setattr(network_policy.servers, "interfaces", read_by_both)
    body = {"interfaceAttachment": {"net_id": GOOD}}
    path = f"/v2.1/servers/{server}/os-interface"
    with futures.ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda _: api.call("POST", path, body), range(2))
        )

    assert [answer.status_int for answer in answers] == [200, 200]
    assert _networks(nova, server) == [*"aaa"]


@pytest.mark.parametrize("base", BASES)
def test_the_last_port_on_a_required_network_stays(ruled, nova, made, base):
    server, api = made(GOOD, BAD), ruled(MUST)
    first = {one["net_id"]: one for one in _interfaces(nova, server)}
    path = f"{base}/servers/{server}/os-interface"
    last = f"{path}/{first[GOOD]['port_id']}"

    for one in (last, last.upper()[len(path) :]):
        url = one if one.startswith("/v") else path + one
        answer = api.call("DELETE", url)
        assert answer.status_int == 403, answer.text
        assert f"the last on network {GOOD}" in answer.text
    refused = api.call("GET", f"{last}?_method=DELETE")
    assert refused.status_int == 403, refused.text
    assert _networks(nova, server) == [*"ab"]

    other = f"{path}/{first[BAD]['port_id']}"
    assert api.call("DELETE", other).status_int == 202
    body = {"interfaceAttachment": {"net_id": GOOD}}
    assert api.call("POST", path, body).status_int == 200
    assert api.call("DELETE", last).status_int == 202
    _wait_for(nova, server, "a")


def test_too_few_networks_do_not_become_fewer(ruled, nova, made):
    server, api = made(GOOD, MORE, BAD, GOOD), ruled(COUNT)
    path = f"/v2.1/servers/{server}/os-interface"
    ports = {}
    for one in _interfaces(nova, server):
        ports.setdefault(one["net_id"], []).append(one["port_id"])
    order = [*ports[GOOD], *ports[MORE], *ports[BAD]]
    statuses = []
    # Three that count, where two are the most: fewer is no worse.
    for port_id, letters in zip(order, ("abc", "bc", "b", "b"), strict=True):
        statuses.append(api.call("DELETE", f"{path}/{port_id}").status_int)
        _wait_for(nova, server, letters)

    assert statuses == [202, 202, 202, 403]


def _wait_for(nova, server, letters):
    for _ in range(100):
        if _networks(nova, server) == [*letters]:
            return
        time.sleep(0.05)
    raise AssertionError(_networks(nova, server))


@pytest.mark.parametrize("base", BASES)
def test_no_address_is_added_on_a_banned_network(ruled, nova, made, base):
    server = made(BAD)
    body = {"addFixedIp": {"networkId": BAD.upper()}}
    before = _interfaces(nova, server)
    path = f"{base}/servers/{server}/action"
    answer = ruled(BAN).call("POST", path, body)

    assert answer.status_int == 403, answer.text
    assert "/addFixedIp/networkId is a banned network" in answer.text
    assert _interfaces(nova, server) == before


def test_the_last_address_on_a_required_network_stays(ruled, nova, made):
    server, api = made(GOOD, BAD), ruled(MUST)
    path = f"/v2.1/servers/{server}/action"
    addresses = {
        one["net_id"]: one["fixed_ips"][0]["ip_address"]
        for one in _interfaces(nova, server)
    }
    statuses = {
        network: api.call(
            "POST", path, {"removeFixedIp": {"address": address}}
        ).status_int
        for network, address in addresses.items()
    }

    assert statuses == {GOOD: 403, BAD: 202}


@pytest.mark.parametrize(
    "body",
    [
        {"addFixedIp": {"networkId": GOOD}},
        {"removeFixedIp": {"address": "fd00::1"}},
    ],
    ids=["add", "remove"],
)
def test_actions_that_nova_has_no_more_are_novas_to_refuse(
    ruled, nova, empty, body
):
    for api in (ruled(f"{BAN}\n{MUST}"), nova):
        path = f"/v2.1/servers/{empty}/action"
        answer = api.call("POST", path, body, microversion="2.44")
        assert answer.status_int == 404, answer.text


@pytest.mark.parametrize("way", [ATTACHES["network"], {}], ids=["one", "any"])
def test_who_does_not_see_the_server_learns_nothing(ruled, nova, empty, way):
    path = f"/v2.1/servers/{empty}/os-interface"
    answers = [
        api.call("POST", path, way, user=demo.OTHER)
        for api in (ruled(BAN), nova)
    ]

    assert answers[0].status_int == answers[1].status_int == 404
    assert answers[0].json == answers[1].json


@pytest.mark.parametrize(
    ("rules", "network", "status"),
    [
        ("banned = np-b", BAD, 403),
        ("banned = np-b", GOOD, 202),
        ("required = np-a", GOOD, 202),
        ("required = np-a", BAD, 403),
        ("allowed = np-a, np-c", MORE, 202),
        ("allowed = np-a, np-c", BAD, 403),
        ("required = np-nil", GOOD, 403),
    ],
)
def test_networks_may_be_named(ruled, nova, clean, rules, network, status):
    body = _create([{"uuid": network}], name=clean)
    answer = ruled(rules).call("POST", "/v2.1/servers", body)

    assert answer.status_int == status, answer.text
    for server in _named(nova, clean):
        assert nova.wait(server)


def test_a_name_is_no_proof_where_a_network_is_shared_with_all(
    ruled, nova, cloud, clean
):
    """Whoever calls its own network so has another network."""
    real = cloud.neutron.add("np-real", shared_with=("*",))
    own = cloud.neutron.add("np-real", project_id=PROJECT, shared_with=())
    try:
        api = ruled("allowed = np-real")
        bodies = [_create([{"uuid": one}], name=clean) for one in (own, real)]
        statuses = [
            api.call("POST", "/v2.1/servers", body).status_int
            for body in bodies
        ]
        for server in _named(nova, clean):
            nova.wait(server)
        assert statuses == [403, 202]
    finally:
        _delete(nova, _named(nova, clean))
        cloud.neutron.remove(real)
        cloud.neutron.remove(own)


@pytest.mark.parametrize(
    "networks", [[{"uuid": GOOD}], [{"port": "PORT"}]], ids=["id", "port"]
)
def test_names_need_an_administrator(
    ruled, nova, services, port, clean, networks
):
    """Anybody else is shown a part of the networks: no name would be sure."""
    access = services.access.replace("= admin", "= demo")
    text = json.dumps(_create(networks, name=clean))
    body = text.replace("PORT", port(GOOD)).encode()
    named = ruled("banned = np-b\nstale_after = 30", access)
    by_id = ruled(BAN, access)
    statuses = [
        api.call("POST", "/v2.1/servers", body).status_int
        for api in (named, by_id)
    ]

    assert statuses == [503, 202]
    for server in _named(nova, clean):
        nova.wait(server)


@pytest.mark.parametrize("networks", [None, [{"port": "PORT"}]],
                         ids=["open", "port"])  # fmt: skip
def test_what_cannot_be_looked_up_is_refused(
    ruled, nova, services, port, clean, networks
):
    text = json.dumps(_create(networks, name=clean))
    body = text.replace("PORT", port(GOOD)).encode()
    gone = services.access.replace(services.url, "http://127.0.0.1:9")
    for access in (gone, ""):
        answer = ruled(BAN, access).call("POST", "/v2.1/servers", body)
        assert answer.status_int == 503, answer.text
        assert answer.headers["Retry-After"]
        assert "127.0.0.1" not in answer.text
    assert _named(nova, clean) == []
