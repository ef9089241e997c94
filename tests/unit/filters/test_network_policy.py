import contextlib
import json
import logging
from urllib import parse

import pytest
import requests

from tests import fakes
from waffles import exceptions
from waffles.clients import neutron, session
from waffles.filters import network_policy

A = "aaaaaaaa-5699-4588-a4b1-b87f96708bc6"
B = "bbbbbbbb-5699-4588-a4b1-b87f96708bc6"
C = "cccccccc-5699-4588-a4b1-b87f96708bc6"
PORT = "99999999-5699-4588-a4b1-b87f96708bc6"
ALL = "/server/networks"
PATH = f"/servers/{fakes.SERVER}"
PORTS = f"{PATH}/os-interface"
TOKEN = {"HTTP_X_AUTH_TOKEN": "theirs"}
LOGIN = """
[waffles]
auth_type = none
endpoint = http://neutron.example.com
"""


class FakeNeutron(requests.adapters.BaseAdapter):
    """Networks and ports over HTTP; it keeps what was asked for, by whom.

    :param networks: id -> name, of the caller's project; "*" before the name
        of one that is shared with all
    :param ports: id -> id of the network
    :param error: raised when it is asked
    """

    def __init__(self, networks=None, ports=None, status=200, error=None):
        super().__init__()
        self.networks, self.ports = networks or {}, ports or {}
        self.status, self.error, self.asked = status, error, []

    def send(self, request, **how):
        split = parse.urlsplit(request.url)
        token = request.headers.get("X-Auth-Token")
        self.asked.append((split.path, token))
        if self.error:
            raise self.error
        query = parse.parse_qs(split.query)
        found = self._found(split.path.removeprefix("/v2.0/"), query)
        response = requests.Response()
        response.status_code = self.status if found else 404
        response.request, response.url = request, request.url
        response._content = json.dumps(found or {}).encode()
        return response

    def _found(self, path, query):
        if path == "rbac-policies":
            return {"rbac_policies": self._shares()}
        if path == "networks":
            wanted = query.get("shared", ["True", "False"])
            return {
                "networks": [
                    self._network(id_, name)
                    for id_, name in self.networks.items()
                    if str(name.startswith("*")) in wanted
                ]
            }
        port_id = path.removeprefix("ports/")
        network_id = self.ports.get(port_id)
        return network_id and {"port": {"network_id": network_id}}

    def _shares(self):
        return [
            {"object_id": id_, "target_tenant": "*"}
            for id_, name in self.networks.items()
            if name.startswith("*")
        ]

    def _network(self, id_, name):
        return {
            "id": id_,
            "name": name.lstrip("*"),
            "project_id": "red-id",
            "shared": name.startswith("*"),
            "admin_state_up": True,
            "status": "ACTIVE",
            "provider:network_type": "vxlan",
        }

    def close(self):
        pass


@pytest.fixture
def over(tmp_path, monkeypatch):
    """The waffle over an application, and a Neutron beside it."""

    def over(app, text, beside=None, login=LOGIN):
        real = session.load

        def load(conf):
            access = real(conf)
            http = requests.Session()
            http.mount("http://", beside)
            access.session.session = http
            return access

        if beside:
            monkeypatch.setattr(session, "load", load)
        section = fakes.section(
            "waffles_network_policy",
            text + (login if beside else ""),
            tmp_path,
            network_policy.OPTS,
        )
        return network_policy.configured(section)(app)

    return over


def _nova(*interfaces, project_id="red-id"):
    """Nova with a server that has interfaces: port, network, addresses."""
    shown = [
        {
            "port_id": port,
            "net_id": network,
            "fixed_ips": [{"ip_address": one} for one in addresses],
        }
        for port, network, *addresses in interfaces
    ]
    server = {"id": fakes.SERVER, "flavor": {}, "tenant_id": project_id}
    return fakes.FakeNova(
        {PATH: {"server": server}, PORTS: {"interfaceAttachments": shown}}
    )


def _create(*networks, **more):
    return {"server": {"networks": list(networks), **more}}


def _attach(**fields):
    return {"interfaceAttachment": fields}


def _ports(*networks):
    return [(f"{at}{PORT[1:]}", one) for at, one in enumerate(networks)]


@pytest.mark.parametrize(
    ("rules", "body", "reason"),
    [
        (f"banned = {B}", _create({"uuid": A}), None),
        (f"banned = {B}", {"server": {"networks": "none"}}, None),
        (
            f"banned = {B.upper()}",
            _create({"uuid": A}, {"uuid": f"{{{B}}}"}),
            f"{ALL}/1/uuid is a banned network",
        ),
        (
            f"required = {A}",
            _create({"uuid": B}),
            f"{ALL} must have network {A}",
        ),
        (
            f"allowed = {A}",
            _create({"uuid": B}),
            f"{ALL}/0/uuid is none of the allowed networks ({A})",
        ),
        (f"required = {B}\nallowed = {A}", _create({"uuid": B}), None),
        (
            f"optional = {B}\nallowed = {A}",
            _create({"uuid": A}, {"uuid": B}),
            None,
        ),
        (
            "min_networks = 1",
            {"server": {"networks": "none"}},
            f"{ALL} must have at least 1 network and has 0",
        ),
        (
            "max_networks = 1",
            _create({"uuid": A}, {"uuid": A}),
            f"{ALL} must have at most 1 network and has 2",
        ),
        ("max_networks = 1", _create({"port": PORT}), None),
        (
            f"max_networks = 1\noptional = {B}",
            _create({"uuid": A}, {"uuid": B}),
            None,
        ),
        (
            f"max_networks = 1\noptional = {B}\ncount_optional = true\n"
            f"allowed = {A}",
            _create({"uuid": A}, {"uuid": B}),
            f"{ALL} must have at most 1 network and has 2",
        ),
    ],
)
def test_a_create_that_names_networks_by_ids_needs_nobody(
    over, rules, body, reason
):
    nova = fakes.FakeNova()
    answer = fakes.send(over(nova, rules), body=body)

    if reason is None:
        assert answer.status_int == 202, answer.text
        assert nova.writes == [body]
    else:
        assert answer.json["forbidden"]["message"] == (
            f"This server breaks this cloud's network policy: {reason}"
        )
        assert nova.requests == []


@pytest.mark.parametrize(
    ("networks", "reason"),
    [
        ([{"port": PORT}], f"{ALL}/0/port is on a banned network"),
        ([{"port": PORT, "uuid": A}], f"{ALL}/0/port is on a banned network"),
        ([], f"{ALL} must name a network: Nova would take a banned network"),
        (
            "auto",
            f"{ALL} must name a network: Nova would take a banned network",
        ),
    ],
    ids=["port", "port before id", "left open", "auto"],
)
def test_what_does_not_name_a_network_is_looked_up_as_the_caller(
    over, networks, reason
):
    nova, beside = fakes.FakeNova(), FakeNeutron({B: "blue"}, {PORT: B})
    answer = fakes.send(
        over(nova, f"banned = {B}", beside),
        body={"server": {"networks": networks}},
        **TOKEN,
    )

    assert reason in answer.json["forbidden"]["message"]
    assert {token for _, token in beside.asked} == {"theirs"}
    assert nova.requests == []


@pytest.mark.parametrize(
    ("networks", "body", "status"),
    [
        ({}, {"server": {}}, 403),
        ({A: "blue"}, {"server": {}}, 202),
        ({A: "blue", B: "*green"}, {"server": {}}, 409),
        ({}, {"server": {"networks": "auto"}}, 202),
    ],
    ids=["none", "one", "several", "one that is made"],
)
def test_a_network_that_nova_would_take_counts(over, networks, body, status):
    app = over(fakes.FakeNova(), "min_networks = 1", FakeNeutron(networks))
    answer = fakes.send(app, body=body)

    assert answer.status_int == status, answer.text


@pytest.mark.parametrize(
    ("rules", "broken"),
    [
        (f"allowed = {A}", True),
        (f"required = {A}", True),
        (f"banned = {A}", False),
        ("max_networks = 0", True),
        ("max_networks = 1", False),
    ],
)
def test_nobody_knows_a_network_that_nova_would_make(over, rules, broken):
    app = over(fakes.FakeNova(), rules, FakeNeutron())
    answer = fakes.send(app, body={"server": {"networks": "auto"}})

    assert answer.status_int == (403 if broken else 202), answer.text


@pytest.mark.parametrize(
    ("status", "expected"), [(401, 401), (403, 403), (404, 404), (500, 503)]
)
def test_a_port_that_neutron_does_not_show_is_no_pass(over, status, expected):
    nova = fakes.FakeNova()
    beside = FakeNeutron(ports={PORT: A}, status=status)
    app = over(nova, f"banned = {B}", beside)
    answer = fakes.send(app, body=_create({"port": PORT}))

    assert answer.status_int == expected
    assert nova.requests == []


def test_where_neutron_is_stays_between_us(over, caplog):
    beside = FakeNeutron(error=requests.ConnectionError("192.0.2.7 is away"))
    app = over(fakes.FakeNova(), f"banned = {B}", beside)
    answer = fakes.send(app, body=_create({"port": PORT}))

    assert answer.status_int == 503
    assert "example.com" not in answer.text
    assert "neutron.example.com" in caplog.text


def test_without_a_way_to_neutron_it_says_so_at_start(over, caplog):
    with caplog.at_level(logging.WARNING):
        app = over(fakes.FakeNova(), f"banned = {B}")
    answer = fakes.send(app, body=_create({"port": PORT}))

    assert "no group [waffles]" in caplog.text
    assert answer.status_int == 503
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("mode", ["warn", "audit"])
def test_what_nobody_can_look_up_passes_where_nothing_is_enforced(over, mode):
    nova = fakes.FakeNova()
    app = over(nova, f"banned = {B}\nmode = {mode}")
    answer = fakes.send(app, body=_create({"port": PORT}))

    assert answer.status_int == 202
    assert ("Warning" in answer.headers) is (mode == "warn")


#: Rules by name, and what is in the cloud, for the tests below.
NAMED = {A: "*blue", B: "green", C: "blue"}


@pytest.mark.parametrize(
    ("rules", "network", "broken"),
    [
        ("required = blue", A, False),
        ("required = blue", C, True),
        ("required = nil", A, True),
        ("banned = blue", A, True),
        ("banned = blue", C, True),
        ("banned = blue", B, False),
        ("allowed = green", B, False),
        ("allowed = green", A, True),
        ("allowed = green,blue", C, True),
        (f"allowed = green,{C}", C, False),
    ],
)
def test_a_name_is_looked_for_in_what_is_known(over, rules, network, broken):
    beside = FakeNeutron(NAMED)
    app = over(_nova(), rules, beside)
    answers = [
        fakes.send(app, body=_create({"uuid": network})) for _ in range(3)
    ]

    assert {answer.status_int for answer in answers} == {
        403 if broken else 202
    }
    assert [path for path, _ in beside.asked] == [
        "/v2.0/rbac-policies",
        "/v2.0/networks",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("project_id", "status"), [("red-id", 202), ("green-id", 403)]
)
def test_a_name_means_what_the_servers_project_can_use(
    over, project_id, status
):
    """Also where an administrator attaches it."""
    nova = _nova(project_id=project_id)
    app = over(nova, "allowed = green", FakeNeutron(NAMED))
    answer = fakes.send(app, "POST", PORTS, _attach(net_id=B))

    assert answer.status_int == status


@pytest.mark.parametrize(
    "beside",
    [FakeNeutron(), FakeNeutron(NAMED, status=500)],
    ids=["nothing is shown", "no answer"],
)
def test_names_that_cannot_be_looked_up_are_no_pass(over, beside):
    nova = fakes.FakeNova()
    app = over(nova, "banned = blue\ntimeout = 5", beside)
    answer = fakes.send(app, body=_create({"uuid": A}))

    assert answer.status_int == 503
    assert nova.requests == []


@pytest.mark.parametrize(
    ("rules", "present", "body", "status"),
    [
        (f"banned = {B}", [], _attach(net_id=A), 202),
        (f"banned = {B}", [B], _attach(net_id=A), 202),
        (f"banned = {B}", [], _attach(net_id=B.upper()), 403),
        (f"banned = {B}", [], _attach(port_id=PORT), 403),
        (f"banned = {B}", [], {}, 403),
        (f"banned = {B}", [], {"interfaceAttachment": {}}, 403),
        (f"allowed = {A}", [], _attach(net_id=C), 403),
        (f"required = {A}", [], _attach(net_id=C), 202),
        ("min_networks = 3", [], _attach(net_id=C), 202),
        ("max_networks = 2", [A], _attach(net_id=A), 202),
        ("max_networks = 2", [A, A], _attach(net_id=A), 403),
        ("max_networks = 2", [A, A], _attach(port_id=PORT), 403),
        ("max_networks = 2", [A, A], {}, 403),
        (f"max_networks = 2\noptional = {B}", [A, A], _attach(net_id=B), 202),
        (f"max_networks = 2\noptional = {B}", [A, B], _attach(net_id=A), 202),
        (f"banned = {B}", [], _attach(net_id=A, port_id=PORT), 400),
        (f"banned = {B}", [], [], 400),
        (f"banned = {B}", [], b"", 400),
    ],
)
def test_an_attach_is_judged_with_what_is_there(
    over, rules, present, body, status
):
    nova = _nova(*_ports(*present))
    app = over(nova, rules, FakeNeutron({B: "blue"}, {PORT: B}))
    answer = fakes.send(app, "POST", PORTS, body)

    assert answer.status_int == status, answer.text
    assert nova.writes == ([body] if status == 202 else [])
    assert (PORTS in nova.reads) is ("max" in rules)


@pytest.mark.parametrize(
    ("rules", "present", "status"),
    [
        (f"required = {A}", [A], 403),
        (f"required = {A}", [A, B], 403),
        (f"required = {A}", [A, A], 202),
        (f"required = {A}", [B, A], 202),
        (f"required = {A}", [B], 202),
        (f"required = {A},{B}", [B, A], 403),
        ("min_networks = 2", [A, B], 403),
        ("min_networks = 2", [A, B, C], 202),
        (f"min_networks = 1\noptional = {B}", [A, B], 403),
        (f"min_networks = 1\noptional = {B}", [B, A], 202),
        ("max_networks = 1", [A, B, C], 202),
        (f"banned = {A}", [A], 202),
        (f"required = {A}", [], 202),
    ],
)
@pytest.mark.parametrize("spelled", [str, str.upper], ids=["lower", "upper"])
def test_a_detach_is_judged_by_what_stays(
    over, rules, present, status, spelled
):
    """The first of those that are there is detached."""
    nova = _nova(*_ports(*present))
    port_id = spelled(f"0{PORT[1:]}")
    app = over(nova, rules)
    answer = fakes.send(app, "DELETE", f"{PORTS}/{port_id}")

    assert answer.status_int == status, answer.text
    assert len(nova.writes) == (status == 202)


def test_a_detach_of_what_is_not_there_is_novas_to_refuse(over):
    nova = _nova(*_ports(A))
    app = over(nova, f"required = {A}\nmin_networks = 1")

    for port_id in (PORT, "any"):
        answer = fakes.send(app, "DELETE", f"{PORTS}/{port_id}")
        assert answer.status_int == 202


@pytest.mark.parametrize(
    ("rules", "network", "status"),
    [
        (f"banned = {B}", B.upper(), 403),
        (f"banned = {B}", A, 202),
        (f"allowed = {A}", B, 403),
        (f"banned = {B}", 1, 400),
        (f"banned = {B}", "blue", 400),
        ("max_networks = 0", A, 202),
    ],
)
def test_an_address_is_added_on_networks_that_may_be(
    over, rules, network, status
):
    nova = _nova()
    body = {"addFixedIp": {"networkId": network}}
    answer = fakes.send(over(nova, rules), "POST", f"{PATH}/action", body)

    assert answer.status_int == status, answer.text


V4, V6 = "10.0.0.1", "fd00::1"


@pytest.mark.parametrize(
    ("present", "address", "status"),
    [
        ([("p", A, V4)], V4, 403),
        ([("p", A, V6)], "FD00:0::1", 403),
        ([("p", A, V4, V6)], V4, 202),
        ([("p", A, V4), ("q", A, "10.0.0.2")], V4, 202),
        ([("p", A, V4), ("q", A)], V4, 403),
        ([("p", A, V4), ("q", B, V4)], V4, 403),
        ([("p", B, V4)], V4, 202),
        ([("p", A, "10.0.0.2")], V4, 202),
        ([("p", A, V4)], "10.0.0", 400),
    ],
    ids=[
        "the last",
        "the last spelled otherwise",
        "one of two of a port",
        "one of two ports",
        "the other port has none",
        "the same on another network",
        "no required network",
        "of another server",
        "no address",
    ],
)
def test_the_last_address_on_a_required_network_stays(
    over, present, address, status
):
    nova = _nova(*present)
    body = {"removeFixedIp": {"address": address}}
    app = over(nova, f"required = {A}")
    answer = fakes.send(app, "POST", f"{PATH}/action", body)

    assert answer.status_int == status, answer.text
    if status == 403:
        assert "/removeFixedIp/address cannot be taken" in answer.text


def test_addresses_may_go_where_nothing_is_required(over):
    nova = _nova(("p", A, V4))
    body = {"removeFixedIp": {"address": V4}}
    app = over(nova, "min_networks = 1")

    assert fakes.send(app, "POST", f"{PATH}/action", body).status_int == 202
    assert PORTS not in nova.reads


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PORTS, _attach(net_id=B)),
        ("DELETE", f"{PORTS}/{PORT}", None),
        ("POST", f"{PATH}/action", {"addFixedIp": {"networkId": B}}),
        ("POST", f"{PATH}/action", {"removeFixedIp": {"address": V4}}),
    ],
    ids=["attach", "detach", "add", "remove"],
)
def test_who_does_not_see_a_server_learns_nothing_of_the_rules(
    over, method, path, body
):
    nova = fakes.FakeNova()
    app = over(nova, f"required = {A}\nbanned = {B}\nmin_networks = 1")
    answer = fakes.send(app, method, path, body)

    assert answer.status_int == 404
    assert "network" not in answer.text
    assert nova.reads == [PATH]


def test_interfaces_that_nova_does_not_show_are_no_pass(over):
    nova = _nova()
    nova.answers[PORTS] = 500
    app = over(nova, "max_networks = 5")
    answer = fakes.send(app, "POST", PORTS, _attach(net_id=A))

    assert answer.status_int == 503
    assert nova.writes == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", PATH, {"server": {"networks": [{"uuid": B}]}}),
        ("POST", f"{PATH}/action", {"rebuild": {"imageRef": "i"}}),
        ("DELETE", PATH, None),
        ("GET", PORTS, None),
    ],
    ids=["update", "rebuild", "delete", "read"],
)
def test_what_changes_no_network_is_not_judged(over, method, path, body):
    nova = _nova()
    app = over(nova, f"banned = {B}\nrequired = {A}")
    fakes.send(app, method, path, body)

    assert len(nova.requests) == 1


@pytest.mark.parametrize("text", ["", "mode = off\nmin_networks = 1",
                                  "min_networks = 0"])  # fmt: skip
def test_without_rules_it_is_not_even_there(over, text):
    nova = fakes.FakeNova()

    assert over(nova, text) is nova


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("min_networks = 3\nmax_networks = 2", "min_networks: it is above"),
        ("min_networks = -1", "min_networks: "),
        ("max_networks = many", "max_networks: "),
        (f"required = {A},blue\nmax_networks = 1", r"max_networks: .*\(2\)"),
        (f"banned = {A}\nrequired = {A.upper()}", "banned: .* in required"),
        ("banned = x,y\nallowed = y", "banned: y is in allowed too"),
        ("banned = x\noptional = x", "banned: x is in optional too"),
        (
            "optional = x\nrequired = x\nmax_networks = 2",
            "optional: x is in required too",
        ),
        ("required = x,,y", "required: one of the networks is empty"),
        ("optional = x", "optional: it does nothing without"),
        (
            "optional = x\ncount_optional = true\nmax_networks = 2",
            "optional: it does nothing without",
        ),
        (
            "count_optional = true\nmax_networks = 2",
            "count_optional: it does nothing without",
        ),
        (
            "count_optional = true\noptional = x\nallowed = y",
            "count_optional: it does nothing without",
        ),
        ("count_optional = maybe", "count_optional: "),
        ("required_nets = x", "required_nets: there is no such option"),
        ("required = blue", r"\[waffles\] auth_type: is required"),
        (
            f"required = {A}\n[waffles]\nauth_url = x",
            r"\[waffles\] auth_type: is required",
        ),
    ],
)  # fmt: skip
def test_what_can_be_no_rule_stops_the_start(over, text, reason):
    with pytest.raises(exceptions.ConfigError, match=reason):
        over(fakes.FakeNova(), text)


@pytest.mark.parametrize(
    "text",
    [
        f"required = {A},{A.upper()}\nmax_networks = 1",
        "min_networks = 2\nmax_networks = 2",
        f"optional = {A}\nallowed = {B}",
        f"optional = {A}\nmin_networks = 1",
        f"optional = {A}\nallowed = {A}",
        f"required = {A}\nallowed = {A}",
        f"count_optional = false\nbanned = {A}",
        f"count_optional = true\noptional = {A}\nallowed = {B}\n"
        f"max_networks = 2",
    ],
)
def test_what_looks_odd_but_is_a_rule_starts(over, text):
    nova = fakes.FakeNova()

    assert over(nova, text) is not nova


def test_both_pipelines_know_the_networks_by_one_look(over):
    beside = FakeNeutron(NAMED)
    apps = [over(_nova(), "banned = blue", beside) for _ in range(2)]
    for app in apps:
        fakes.send(app, body=_create({"uuid": A}))

    assert len(beside.asked) == 2


def test_a_neutron_that_says_nothing_holds_no_request_for_long(
    over, monkeypatch
):
    """All look-ups of a request share the time."""
    waits = []

    @contextlib.contextmanager
    def within(seconds):
        waits.append(seconds)
        yield

    monkeypatch.setattr(network_policy.deadline, "within", within)
    beside = FakeNeutron(ports={PORT: A})
    app = over(fakes.FakeNova(), f"banned = {B}\ntimeout = 3", beside)
    body = _create({"port": PORT}, {"port": PORT}, {"uuid": A})

    assert fakes.send(app, body=body).status_int == 202
    assert waits == [pytest.approx(3, abs=1)]
    assert len(beside.asked) == 2
    assert isinstance(app.neutron, neutron.Neutron)


@pytest.mark.parametrize(
    ("took", "status", "left"),
    [(2, 202, [1]), (3, 503, []), (9, 503, [])],
    ids=["in_time", "just_late", "late"],
)
def test_names_and_ports_share_the_time_of_a_request(
    over, monkeypatch, took, status, left
):
    now, waits = [100.0], []

    @contextlib.contextmanager
    def within(seconds):
        waits.append(seconds)
        yield

    monkeypatch.setattr(network_policy.deadline, "within", within)
    monkeypatch.setattr(network_policy.time, "monotonic", lambda: now[0])
    beside = FakeNeutron(ports={PORT: A})
    app = over(fakes.FakeNova(), f"banned = {B}\ntimeout = 3", beside)
    known = app.rule_of

    def slowly(project_id):
        now[0] += took
        return known(project_id)

    app.rule_of = slowly
    answer = fakes.send(app, body=_create({"port": PORT}))

    assert (answer.status_int, waits) == (status, left)
