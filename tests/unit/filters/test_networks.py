import logging

import pytest
import webob

from tests import fakes
from waffles import config, exceptions, pins
from waffles.fabric import chooser, spread
from waffles.filters import networks
from waffles.filters.networks import Rule
from waffles.policy import Mode, Policy

RED = "11111111-0000-4000-8000-000000000001"
BLUE = "22222222-0000-4000-8000-000000000002"
HINT = "os:scheduler_hints"
PIN = {"waffles:network": ["networks", RED, "red"]}


def _network(network_id, name, free, **more):
    return {
        "id": network_id,
        "name": name,
        "project_id": "admin",
        "shared_with": ["*"],
        "external": False,
        "up": True,
        "free": free,
        "ipv4": True,
    } | more


FACTS = {
    "networks": [_network(RED, "red", 100), _network(BLUE, "blue", 50)],
    "aggregates": [
        {"zone": "az1", "hosts": ["h1"], "metadata": {"networks": "red"}},
        {
            "zone": None,
            "hosts": ["h2"],
            "metadata": {"networks": BLUE, "ssd": "true"},
        },
    ],
    "hosts": [
        {"name": "h1", "zone": "az1", "up": True},
        {"name": "h2", "zone": "nova", "up": True},
    ],
    "flavors": {
        "1": {},
        "2": {"aggregate_instance_extra_specs:ssd": "true"},
    },
}


def _policy(**more):
    records = more.setdefault("notify", lambda event, record: None)
    fields = {
        "name": "networks",
        "mode": Mode.ENFORCE,
        "when": None,
        "exempt": None,
        "help_url": None,
        "notify": records,
    }
    return Policy(**fields | more)


def _known(facts=FACTS):
    made = chooser.of_facts(facts, 0.0, None, "networks", spread.Spread())
    return lambda: made


def _away():
    raise exceptions.Unavailable("The networks cannot be looked up now.")


def _sent(server=None, *, rule=None, known=None, policy=None, **how):
    """The answer, and the body that came down to Nova, if one did."""
    nova = fakes.FakeNova(how.pop("answers", {}))
    app = networks.Networks(
        nova, rule or Rule(), policy or _policy(), known or _known()
    )
    body = {"server": {"flavorRef": "1", **(server or {})}}
    body |= how.pop("hints", {})
    answer = fakes.send(app, body=body, **how)
    return answer, (nova.writes or [None])[0]


NEW = {"HTTP_OPENSTACK_API_VERSION": "compute 2.74"}
AUTO = {"HTTP_OPENSTACK_API_VERSION": "compute 2.37"}
OLD = {"HTTP_OPENSTACK_API_VERSION": "compute 2.36"}
V2 = {"openstack.legacy_v2": True}


@pytest.mark.parametrize(
    "path", ["/servers", "/os-volumes_boot", "/a1/servers"]
)
@pytest.mark.parametrize(
    ("server", "environ"),
    [
        ({}, {}),
        ({}, AUTO),
        ({}, V2),
        ({"networks": []}, {}),
        ({"networks": []}, AUTO),
        ({"networks": "auto"}, AUTO),
        (
            {"networks": "auto"},
            {"HTTP_OPENSTACK_API_VERSION": "compute latest"},
        ),
    ],
    ids=[
        "omitted",
        "omitted_2.37",
        "omitted_v2",
        "empty",
        "empty_2.37",
        "auto",
        "auto_latest",
    ],
)
def test_a_create_without_networks_gets_one_and_is_pinned(
    path, server, environ
):
    answer, written = _sent(server, path=path, **environ)

    assert answer.status_int == 202
    assert written["server"]["networks"] == [{"uuid": RED}]
    assert written[HINT] == PIN


@pytest.mark.parametrize(
    ("given", "environ"),
    [
        ([{"uuid": BLUE}], {}),
        ([{"port": BLUE}], AUTO),
        ("none", AUTO),
        ("auto", OLD),
        ("auto", V2),
        (None, {}),
        ({}, {}),
    ],
    ids=["network", "port", "none", "auto_2.36", "auto_v2", "null", "object"],
)
class TestOfWhatACreateNames:
    def test_it_is_kept_by_default(self, given, environ):
        answer, written = _sent({"networks": given}, **environ)

        assert answer.status_int == 202
        assert written["server"]["networks"] == given
        assert HINT not in written

    def test_it_can_be_refused(self, given, environ):
        rule = Rule(user_networks="refuse")
        answer, written = _sent({"networks": given}, rule=rule, **environ)

        assert written is None
        assert answer.json["forbidden"]["message"] == (
            "This server breaks this cloud's networks policy:"
            " /server/networks must be left out: this cloud chooses the"
            " network"
        )

    def test_it_can_be_replaced(self, given, environ):
        rule = Rule(user_networks="replace")
        answer, written = _sent({"networks": given}, rule=rule, **environ)

        assert written["server"]["networks"] == [{"uuid": RED}]
        assert written[HINT] == PIN


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({}, RED),
        ({"availability_zone": "az1"}, RED),
        ({"availability_zone": "nova"}, BLUE),
        ({"availability_zone": "nova:h2"}, BLUE),
        ({"availability_zone": ":h2"}, BLUE),
        ({"availability_zone": "::n2"}, BLUE),
        ({"host": "h2"}, BLUE),
        ({"hypervisor_hostname": "n2"}, BLUE),
        ({"flavorRef": "2"}, BLUE),
        ({"flavorRef": "http://nova/flavors/2"}, BLUE),
        ({"flavorRef": "new"}, BLUE),
        ({"flavorRef": "none"}, RED),
        ({"max_count": 100}, RED),
        ({"min_count": "60"}, RED),
    ],
    ids=repr,
)
def test_the_network_is_of_hosts_that_can_take_the_server(server, expected):
    specs = {"aggregate_instance_extra_specs:ssd": "true"}
    nodes = [
        {"hypervisor_hostname": name, "service": {"host": host}}
        for name, host in (("n2", "h2"), ("n22", "h1"))
    ]
    answers = {
        "/flavors/new": {"flavor": {"id": "new", "extra_specs": specs}},
        "/os-hypervisors/detail": {"hypervisors": nodes},
    }
    _, written = _sent(server, answers=answers, **NEW)

    assert written["server"]["networks"] == [{"uuid": expected}]


def test_the_zone_that_nova_gives_by_itself_counts():
    _, written = _sent(rule=Rule(zone="nova"))

    assert written["server"]["networks"] == [{"uuid": BLUE}]


@pytest.mark.parametrize(
    ("server", "zone"),
    [
        ({}, "az1"),
        ({"availability_zone": "nova"}, "nova"),
        ({"availability_zone": "nova:h2"}, "nova:h2"),
    ],
    ids=["any", "zone", "host"],
)
def test_a_server_can_be_pinned_by_its_zone(server, zone):
    _, written = _sent(server, rule=Rule(pin="availability_zone"))

    assert written["server"]["availability_zone"] == zone
    assert HINT not in written


def test_a_server_can_be_left_unpinned():
    _, written = _sent(rule=Rule(pin="off"))

    assert written == {
        "server": {"flavorRef": "1", "networks": [{"uuid": RED}]}
    }


@pytest.mark.parametrize("key", [HINT, "OS-SCH-HNT:scheduler_hints"])
def test_the_hints_of_a_client_are_kept(key):
    _, written = _sent(hints={key: {"group": "g"}})

    assert written[key] == {"group": "g", **PIN}
    assert len(written) == 2


@pytest.mark.parametrize("key", [HINT, "OS-SCH-HNT:scheduler_hints"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"server": {"networks": [{"uuid": BLUE}]}},
        {"policy": _policy(exempt=lambda caller, target: True)},
        {"hints": {HINT: {}}},
    ],
    ids=["without", "with_networks", "exempt", "with_other_hints"],
)
def test_a_client_cannot_set_our_hint(key, how):
    hints = {**how.pop("hints", {}), key: {pins.HINT: ["networks", BLUE]}}
    answer, written = _sent(hints=hints, **how)

    assert written is None
    assert answer.json["forbidden"]["message"] == (
        f"This server breaks this cloud's networks policy:"
        f" /{key}/waffles:network is set by this cloud only"
    )


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.AUDIT])
def test_no_mode_lets_our_hint_pass(mode):
    hints = {HINT: {pins.HINT: ["networks", BLUE]}}
    answer, written = _sent(hints=hints, policy=_policy(mode=mode))

    assert (answer.status_int, written) == (403, None)


def test_an_administrator_is_told_about_hosts():
    admin = fakes.FakeContext(is_admin=True)
    answer, _ = _sent({"host": "h9"}, context=admin, **NEW)

    assert answer.status_int == 409
    assert "host h9 is in no host aggregate" in answer.text


@pytest.mark.parametrize("environ", [V2, AUTO], ids=["v2", "before_2.74"])
def test_a_host_that_nova_does_not_read_is_not_read(environ):
    _, written = _sent({"host": "h2"}, **environ)

    assert written["server"]["networks"] == [{"uuid": RED}]


def test_an_id_of_a_flavor_is_taken_as_it_is():
    """One that looks like a UUID in another spelling is not that UUID."""
    flavor_id = "ABCDEF01234567890123456789ABCDEF"
    specs = {"aggregate_instance_extra_specs:ssd": "true"}
    facts = FACTS | {"flavors": {flavor_id: specs}}
    _, written = _sent({"flavorRef": flavor_id}, known=_known(facts))

    assert written["server"]["networks"] == [{"uuid": BLUE}]


def _stacked(below, known, **upper):
    app = networks.Networks(below, Rule(), _policy(), known)
    return networks.Networks(app, Rule(**upper), _policy(), known)


@pytest.mark.parametrize("upper", ["scheduler_hint", "off"])
def test_two_of_them_in_a_pipeline_choose_once(upper):
    nova, known = fakes.FakeNova(), _known()
    app = _stacked(nova, known, pin=upper)
    answer = fakes.send(app, body={"server": {"flavorRef": "1"}})

    assert answer.status_int == 202
    assert len(known().spread._choices) == 1


class _Refusing(fakes.FakeNova):
    def _answer(self, request):
        return webob.Response(status=400, json_body={})


def test_what_nova_refuses_takes_no_addresses():
    known = _known()
    app = networks.Networks(_Refusing(), Rule(), _policy(), known)
    body = {"server": {"flavorRef": "1", "max_count": 100}}
    for _ in range(5):
        assert fakes.send(app, body=body).status_int == 400

    assert _sent({"max_count": 100}, known=known)[0].status_int == 202
    assert _sent({"max_count": 100}, known=known)[0].status_int == 409


@pytest.mark.parametrize("hints", [None, [], "x"])
def test_what_is_malformed_takes_no_addresses(hints):
    known = _known()
    _sent(hints={HINT: hints}, known=known)

    assert known().spread._choices == []


def test_audit_takes_no_addresses(caplog):
    known = _known()
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            _sent({"max_count": 100}, known=known,
                  policy=_policy(mode=Mode.AUDIT))  # fmt: skip

    assert known().spread._choices == []
    assert "would choose" in caplog.text
    assert "no network" not in caplog.text


def test_who_is_exempt_is_left_alone():
    exempt = _policy(exempt=lambda caller, target: True)
    _, written = _sent(policy=exempt)

    assert written == {"server": {"flavorRef": "1"}}


def test_audit_changes_nothing():
    answer, written = _sent(policy=_policy(mode=Mode.AUDIT))

    assert written == {"server": {"flavorRef": "1"}}
    assert "Warning" not in answer.headers


@pytest.mark.parametrize(
    ("server", "code", "message"),
    [
        (
            {"availability_zone": "az9"},
            409,
            "There is no network for this server: no host aggregate with"
            " networks is in availability zone az9.",
        ),
        (
            {"max_count": 101},
            409,
            "There is no network for this server: no network of its hosts"
            " has 101 free addresses.",
        ),
        (
            {"max_count": "x"},
            400,
            "min_count and max_count must be numbers above 0.",
        ),
        ({"availability_zone": 1}, 400, "This is no place for a server."),
        ({"hypervisor_hostname": "n"}, 404, "Not seen."),
        (
            {"host": "h9"},
            403,
            "Policy doesn't allow compute:servers:create:requested_destination"
            " to be performed.",
        ),
        (
            {"availability_zone": "nova:h9"},
            403,
            "Policy doesn't allow os_compute_api:servers:create:forced_host"
            " to be performed.",
        ),
    ],
    ids=[
        "no_aggregate",
        "no_addresses",
        "count",
        "zone",
        "hypervisor",
        "host",
        "forced_host",
    ],
)
def test_what_gets_no_network_is_refused_with_the_reason(
    server, code, message
):
    answer, written = _sent(server, **NEW)

    assert written is None
    assert answer.status_int == code
    (fault,) = answer.json.values()
    assert fault["message"] == message


def test_a_body_without_a_server_is_malformed():
    app = networks.Networks(fakes.FakeNova(), Rule(), _policy(), _known())

    assert fakes.send(app, body={"server": []}).status_int == 400
    assert fakes.send(app, body=[]).status_int == 400


@pytest.mark.parametrize("hints", [None, []])
def test_hints_that_are_no_object_are_malformed(hints):
    answer, written = _sent(hints={HINT: hints})

    assert (answer.status_int, written) == (400, None)


def test_a_cloud_that_cannot_be_asked_refuses_with_503():
    answer, written = _sent(known=_away)

    assert written is None
    assert answer.status_int == 503
    assert answer.headers["Retry-After"]
    assert answer.json["serviceUnavailable"]["message"] == (
        "The networks cannot be looked up now."
    )


def test_a_create_can_pass_when_the_cloud_cannot_be_asked(caplog):
    rule, records = Rule(on_unavailable="pass"), []
    policy = _policy(notify=lambda event, record: records.append(record))
    answer, written = _sent(rule=rule, known=_away, policy=policy)

    assert answer.status_int == 202
    assert written == {"server": {"flavorRef": "1"}}
    (line,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "networks passed servers:create" in line.getMessage()
    assert [record["outcome"] for record in records] == ["passed"]
    assert "req-1" in line.getMessage()


@pytest.mark.parametrize("names", [[{"uuid": RED}], "none"], ids=repr)
def test_what_is_kept_needs_no_look_up(names):
    answer, _ = _sent({"networks": names}, known=_away, **AUTO)

    assert answer.status_int == 202


def test_own_choices_count_for_the_next_create():
    known = _known(
        FACTS
        | {"networks": [_network(RED, "red", 2), _network(BLUE, "blue", 1)]}
    )
    found = [_sent(known=known)[1] for _ in range(4)]

    chosen = [body and body["server"]["networks"][0]["uuid"] for body in found]
    assert sorted(chosen[:3]) == [RED, RED, BLUE]
    assert chosen[3] is None


ACCESS = """
[waffles]
auth_type = password
auth_url = http://127.0.0.1:1/v3
username = waffles
password = secret
project_name = service
user_domain_name = Default
project_domain_name = Default
"""


def _section(text, tmp_path):
    file = tmp_path / "waffles.conf"
    file.write_text(text + ACCESS)
    conf = config.read([str(file)])
    return config.section(conf, "waffles_networks", networks.OPTS)


@pytest.mark.parametrize(
    "text",
    ["", "[waffles_networks]\n", "[waffles_networks]\nmode = off\n"],
    ids=["no_group", "no_option", "off"],
)
def test_without_an_option_or_off_it_is_not_there(text, tmp_path):
    below = fakes.FakeNova()

    assert networks.configured(_section(text, tmp_path))(below) is below


def test_both_pipelines_share_what_is_known(tmp_path):
    section = _section("[waffles_networks]\npin = off\n", tmp_path)
    one = networks.configured(section)(fakes.FakeNova())
    other = networks.configured(section)(fakes.FakeNova())

    assert one.chooser == other.chooser


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("pin = hint", "pin"),
        ("user_networks = drop", "user_networks"),
        ("on_unavailable = wait", "on_unavailable"),
        ("refresh_interval = 0", "refresh_interval"),
        ("stale_after = 5", "stale_after: it is below refresh_interval"),
        ("aggregate_key =", "aggregate_key: it must have 1 to 255"),
        ("agregate_key = x", "agregate_key: there is no such option"),
    ],
)
def test_a_bad_option_is_an_error_at_start(line, said, tmp_path):
    with pytest.raises(exceptions.ConfigError) as caught:
        networks.configured(
            _section(f"[waffles_networks]\n{line}\n", tmp_path)
        )

    assert f"[waffles_networks] {said}" in str(caught.value)


def test_the_cloud_must_be_reachable_by_its_configuration(tmp_path):
    section = fakes.section(
        "waffles_networks", "pin = off", tmp_path, networks.OPTS
    )

    with pytest.raises(exceptions.ConfigError, match="auth_type"):
        networks.configured(section)


def test_the_rule_is_what_the_section_says(tmp_path):
    text = """[waffles_networks]
aggregate_key = nets
pin = off
user_networks = refuse
on_unavailable = pass
"""
    rule = networks.rule_of(_section(text, tmp_path))

    assert rule == Rule("nets", "off", "refuse", "pass", None)


def test_the_pipeline_finds_it(tmp_path):
    file = tmp_path / "waffles.conf"
    file.write_text("[waffles_networks]\npin = off\n" + ACCESS)
    made = networks.filter_factory({}, config_file=str(file))

    assert isinstance(made(fakes.FakeNova()), networks.Networks)
