"""The endpoint of recoveries in the pipeline of a real Nova."""

import concurrent.futures
import contextlib
import threading

import pytest
from nova.tests import fixtures
from oslo_config import cfg

from tests.functional.conftest import Api, Services
from tests.functional.engines import RULES, Engines
from tests.functional.hosts import FLAVORS, Hosts, until
from waffles.demo import cloud as demo
from waffles.demo import listen, site, standins
from waffles.recovery.model import Phase

FENCER = demo.User("fencer", "ops", ("fencer",))
AUTOMATIC = "automatic-recovery"
BASES = ("/v2.1", "/v2", f"/v2.1/{demo.ADMIN.project_id}")

#: The ways to force a service down or up: microversion -> path, body.
WAYS = {
    "2.11": lambda service: ("force-down", _named(service)),
    "2.52": lambda service: ("force-down", _named(service)),
    "2.53": lambda service: (service["id"], {}),
    "latest": lambda service: (service["id"], {}),
}


def _named(service):
    return {"host": service["host"], "binary": "nova-compute"}


class Pipeline:
    """Nova behind the waffle, both on a real socket.

    The waffle and the engines ask Nova there too, as in a real cloud.
    """

    def __init__(self, configured, cloud, folder, sock, **options):
        url = f"http://{listen.HOST}:{sock.getsockname()[1]}"
        self.services = Services(url, site.ACCESS.format(url=url))
        self.database = f"sqlite:///{folder}/recovery.db"
        said = {**RULES, "connection": self.database, **options}
        lines = "".join(f"{key} = {value}\n" for key, value in said.items())
        text = f"{self.services.access}[waffles_recovery]\n{lines}"
        self.configured, self.text = configured, text
        self.api = configured(text)
        self.beside = standins.beside(self.api.app, cloud)
        self.engines = Engines(self.services, folder, connection=self.database)

    def another(self, cloud):
        """The same on another API node."""
        return Api(cloud.application())

    def call(self, method, path, body=None, *, base="/v2.1", **how):
        how = {"user": demo.ADMIN, **how}
        path = f"{base}/os-waffles{path}"
        return self.api.call(method, path, body, **how)

    def declare(self, host, **said):
        """Somebody says that a host is dead; gives the answer."""
        how = {key: said.pop(key) for key in ("user", "base") if key in said}
        body = {"force_down": {"host": host, "fenced": True, **said}}
        return self.call("POST", "/force-down", body, **how)

    def force(self, service, forced, version="2.53", **how):
        """Force a service down or up by Nova's own call."""
        path, body = WAYS[version](service)
        return self.api.call(
            "PUT",
            f"/v2.1/os-services/{path}",
            {**body, "forced_down": forced},
            microversion=version,
            **{"user": demo.ADMIN, **how},
        )

    def may_start(self, host):
        return self.call("GET", f"/hosts/{host}/may-start").json["may_start"]


@pytest.fixture(scope="module")
def flavored(cloud, nova):
    """Nova, with the flavors of the tests."""
    for name, ram in FLAVORS.items():
        flavor = {"id": name, "name": name, "ram": ram, "vcpus": 1, "disk": 1}
        Hosts(cloud, nova).call("POST", "/flavors", {"flavor": flavor})
    demo._add(cloud.tokens, FENCER)
    return nova


@pytest.fixture
def hosts(cloud, flavored):
    """Hosts that are gone at the end, with their servers."""
    made = Hosts(cloud, flavored)
    yield made
    made.clear()


@contextlib.contextmanager
def _pipeline(configured, cloud, folder, **options):
    sock = listen.bound()
    made = Pipeline(configured, cloud, folder, sock, **options)
    with listen.listening(made.beside, sock):
        yield made


@pytest.fixture
def pipeline(configured, cloud, tmp_path, hosts):
    """Nova behind the waffle; the hosts are cleared after it."""
    with _pipeline(configured, cloud, tmp_path) as made:
        yield made


@pytest.fixture
def recovers(configured, cloud, tmp_path, hosts):
    """The same with native_force_down = recover."""
    how = {"native_force_down": "recover"}
    with _pipeline(configured, cloud, tmp_path, **how) as made:
        yield made


@pytest.fixture
def opened(configured, cloud, tmp_path, hosts):
    """The same with a rule in the file that Nova has its own rules in."""
    file = tmp_path / "policy.yaml"
    file.write_text(
        '"waffles:recovery:create": "role:fencer"\n'
        '"os_compute_api:os-services:list": "role:admin"\n'
    )
    before = cfg.CONF.oslo_policy.policy_file
    cfg.CONF.set_override("policy_file", str(file), "oslo_policy")
    with _pipeline(configured, cloud, tmp_path) as made:
        yield made
    cfg.CONF.set_override("policy_file", before, "oslo_policy")


@pytest.mark.parametrize("base", BASES)
def test_a_host_is_declared_dead(pipeline, hosts, base):
    host = hosts.start()
    answer = pipeline.declare(host, base=base, evidence="seen")
    shown = answer.json["recovery"]
    path = answer.location.removeprefix("http://localhost:80")

    assert answer.status_int == 202, answer.text
    assert path == f"{base}/os-waffles/recoveries/{shown['id']}"
    assert shown["service_id"] == hosts.service(host)["id"]
    assert shown["request_id"] == answer.headers["x-openstack-request-id"]
    assert shown["asserted_by"] == "admin"
    found = pipeline.api.call("GET", path, user=demo.ADMIN)
    assert found.json == {"recovery": shown, "servers": []}
    assert hosts.service(host)["forced_down"] is False  # an engine does that


def test_a_second_time_is_told_of_the_first(pipeline, hosts):
    host = hosts.start()
    first, second = pipeline.declare(host), pipeline.declare(host)

    assert (first.status_int, second.status_int) == (202, 409)
    assert second.location == first.location
    assert first.location in second.json["conflictingRequest"]["message"]


def test_the_same_request_has_the_same_answer(pipeline, hosts):
    host = hosts.start()
    body = {"force_down": {"host": host, "fenced": True}}
    first, second = (
        pipeline.call("POST", "/force-down", body, HTTP_IDEMPOTENCY_KEY="k")
        for _ in "ab"
    )

    assert second.status_int == 202
    assert second.json == first.json


def test_a_near_miss_is_told_what_may_be_meant(pipeline, hosts):
    host = hosts.start()
    answer = pipeline.declare(host.upper())

    assert answer.status_int == 404
    assert host in answer.json["itemNotFound"]["message"]


def test_a_dry_run_tells_all_and_does_nothing(pipeline, hosts):
    host = hosts.start()
    tagged = hosts.server(host, AUTOMATIC, name="b", flavor="small")
    first = hosts.server(host, AUTOMATIC, "recovery-priority:900", name="a")
    plain = hosts.server(host, name="c")
    before = hosts.service(host)["forced_down"], hosts.service(host)["status"]
    plan = pipeline.declare(host, dry_run=True).json["plan"]
    protection = pipeline.call("GET", f"/hosts/{host}/protection")

    assert [one["server_id"] for one in plan["servers"]] == [
        first,
        tagged,
        plain,
    ]
    assert [one["state"] for one in plan["servers"]] == [
        "queued",
        "queued",
        "skipped",
    ]
    assert all(one["reason"] for one in plan["servers"])
    assert plan["gates"]
    assert protection.json["protection"]["servers"] == plan["servers"]
    assert pipeline.engines.store.recoveries(limit=9) == []
    after = hosts.service(host)
    assert (after["forced_down"], after["status"]) == before
    assert hosts.evacuations(tagged) == []


class TestOfWhoMay:
    @pytest.mark.parametrize("user", [demo.DEMO, demo.READER, FENCER])
    def test_others_declare_nothing(self, pipeline, hosts, user):
        host = hosts.start()
        answer = pipeline.declare(host, user=user)

        assert answer.status_int == 403
        assert answer.json["forbidden"]["message"] == (
            "Policy doesn't allow waffles:recovery:create to be performed."
        )
        assert pipeline.engines.store.recoveries(limit=9) == []

    def test_a_rule_in_novas_policy_file_counts(self, opened, hosts):
        host = hosts.start()
        listed = opened.call("GET", "/recoveries", user=FENCER)

        assert opened.declare(host, user=demo.ADMIN).status_int == 403
        assert opened.declare(host, user=FENCER).status_int == 202
        assert listed.status_int == 403

    def test_a_project_sees_its_own_rows(self, pipeline, hosts):
        host = hosts.start()
        mine = hosts.server_of(demo.DEMO, host, AUTOMATIC)
        hosts.server(host, AUTOMATIC)
        hosts.die(host)
        recovery_id = pipeline.declare(host).json["recovery"]["id"]
        with pipeline.engines.running():
            pipeline.engines.until(recovery_id, Phase.DONE)
        path = f"/recoveries/{recovery_id}"
        seen = pipeline.call("GET", path, user=demo.READER)
        listed = pipeline.call("GET", "/recoveries", user=demo.DEMO)

        (row,) = seen.json["servers"]
        assert row["server_id"] == mine
        assert row["state"] == "recovered"
        assert seen.json["recovery"]["servers"] == {"recovered": 1}
        assert listed.json["recoveries"] == [seen.json["recovery"]]
        assert host not in seen.text
        for user, status in ((demo.OTHER, 404), (demo.ADMIN, 200)):
            found = pipeline.call("GET", path, user=user)
            assert found.status_int == status


@pytest.mark.parametrize("base", BASES[:2])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "", 404),
        ("GET", "/none", 404),
        ("PATCH", "/recoveries", 405),
        ("GET", "/recoveries?foo=1", 400),
        ("GET", "/recoveries?limit=x", 400),
        ("GET", "/recoveries?marker=x", 400),
        ("POST", "/recoveries?_method=GET", 200),
    ],
)
def test_what_it_does_not_have_it_refuses_as_nova_would(
    pipeline, base, method, path, status
):
    answer = pipeline.call(method, path, base=base, microversion="2.999")

    assert answer.status_int == status
    assert answer.content_type == "application/json"
    assert answer.headers["x-openstack-request-id"].startswith("req-")


def test_another_project_in_the_path_is_refused_word_by_word(pipeline, nova):
    path = f"/v2.1/{demo.DEMO.project_id}"
    ours = pipeline.call("GET", "/recoveries", base=path)
    novas = nova.call("GET", f"{path}/servers", user=demo.ADMIN)

    assert (ours.status_int, ours.json) == (400, novas.json)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 12_000, 400),
        (b" " * 70_000, 413),
        (b" " * 200_000, 413),
        (b'{"force_down": {"host": "\\ud800"}}', 400),
        (b'{"force_down": {"host": NaN}}', 400),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_body_that_is_none_is_refused(pipeline, body, status):
    answer = pipeline.call("POST", "/force-down", body)

    assert answer.status_int == status


class TestOfNovasOwnCall:
    @pytest.mark.parametrize("version", WAYS)
    def test_it_opens_a_recovery_where_that_is_wanted(
        self, recovers, hosts, version
    ):
        host = hosts.start()
        answer = recovers.force(hosts.service(host), True, version)
        (found,) = recovers.engines.store.recoveries(limit=9)

        assert answer.status_int == 200
        assert answer.json["service"]["forced_down"] is True
        assert found.host == host
        assert found.service_id == hosts.service(host)["id"]
        assert found.asserted_by == "admin"
        assert found.request_id == answer.headers["x-openstack-request-id"]

    def test_it_opens_none_by_default(self, pipeline, hosts):
        host = hosts.start()

        assert pipeline.force(hosts.service(host), True).status_int == 200
        assert pipeline.engines.store.recoveries(limit=9) == []

    def test_what_nova_refuses_opens_none(self, recovers, hosts):
        service = hosts.service(hosts.start())

        assert recovers.force(service, True, user=demo.DEMO).status_int == 403
        assert recovers.force({"id": "x"}, True).status_int == 400
        assert recovers.engines.store.recoveries(limit=9) == []

    def test_a_fence_agent_recovers_a_host(self, recovers, hosts):
        """The engine's own force-down comes by the same pipeline."""
        host = hosts.start()
        server_id = hosts.server(host, AUTOMATIC)
        hosts.die(host)
        recovers.force(hosts.service(host), True, "2.11")
        (found,) = recovers.engines.store.recoveries(limit=9)
        with recovers.engines.running():
            done = recovers.engines.until(found.id, Phase.DONE)

        assert recovers.engines.row(done.id).server_id == server_id
        assert len(recovers.engines.store.recoveries(limit=9)) == 1
        assert hosts.evacuations(server_id) == ["done"]

    @pytest.mark.parametrize("version", WAYS)
    def test_a_host_stays_down_while_its_recovery_is_open(
        self, pipeline, hosts, version
    ):
        host = hosts.start()
        recovery_id = pipeline.declare(host).json["recovery"]["id"]
        hosts.update(host, forced_down=True)
        answer = pipeline.force(hosts.service(host), False, version)

        assert answer.status_int == 409
        assert recovery_id in answer.json["conflictingRequest"]["message"]
        assert hosts.service(host)["forced_down"] is True
        assert not pipeline.may_start(host)

    @pytest.mark.parametrize("version", ["2.52", "2.53"])
    def test_and_while_nova_evacuates_from_it(self, pipeline, hosts, version):
        """Nova by itself lets it go up; somebody else evacuates here."""
        host = hosts.start()
        server_id = hosts.server(host)
        hosts.die(host)
        hosts.update(host, forced_down=True)
        with hosts.scheduler_waits():
            hosts.act(server_id, "evacuate", {})
            until(lambda: hosts.evacuations(server_id) == ["accepted"])
            may_start = pipeline.may_start(host)
            answer = pipeline.force(hosts.service(host), False, version)
        until(lambda: hosts.evacuations(server_id) == ["done"])

        assert may_start is False
        assert answer.status_int == 409
        assert "(accepted)" in answer.text

    def test_who_may_not_gets_novas_own_refusal(self, pipeline, hosts, nova):
        host = hosts.start()
        pipeline.declare(host)
        service = hosts.service(host)
        answer = pipeline.force(service, False, user=demo.DEMO)
        novas = nova.call(
            "PUT",
            f"/v2.1/os-services/{service['id']}",
            {"forced_down": False},
            user=demo.DEMO,
            microversion="2.53",
        )

        assert (answer.status_int, answer.json) == (403, novas.json)

    def test_a_host_without_a_recovery_goes_up(self, pipeline, hosts):
        host = hosts.start()
        hosts.update(host, forced_down=True)

        assert pipeline.force(hosts.service(host), False).status_int == 200
        assert hosts.service(host)["forced_down"] is False

    def test_of_a_cell_that_is_down_nobody_says(self, pipeline, hosts, cloud):
        host = hosts.start()
        hosts.update(host, forced_down=True)
        service = hosts.service(host)
        with fixtures.DownCellFixture([cloud.cell_mappings["cell1"]]):
            asked = pipeline.call("GET", f"/hosts/{host}/may-start")
            answers = [
                pipeline.force(service, False, version) for version in WAYS
            ]

        assert asked.status_int == 503
        assert {answer.status_int for answer in answers} == {503}
        assert hosts.service(host)["forced_down"] is True


def test_a_host_dies_and_returns_by_one_pipeline(pipeline, hosts):
    """Whoever asks, the waffle, the engine, or people."""
    host = hosts.start()
    server_id, left = hosts.server(host, AUTOMATIC), hosts.server(host)
    hosts.die(host)
    path = f"/recoveries/{pipeline.declare(host).json['recovery']['id']}"
    with pipeline.engines.running():
        until(
            lambda: (
                pipeline.call("GET", path).json["recovery"]["state"] == "done"
            )
        )
        assert pipeline.may_start(host)
        asked = pipeline.call("POST", f"/hosts/{host}/return")
        hosts.restart(host)
        until(
            lambda: (
                hosts.report(host)
                or pipeline.call("GET", path).json["recovery"]["return_state"]
                == "returned"
            )
        )
    shown = pipeline.call("GET", path).json
    states = {one["server_id"]: one["state"] for one in shown["servers"]}
    log = pipeline.call("GET", f"{path}/log").json["log"]

    assert asked.status_int == 202
    assert states == {server_id: "recovered", left: "skipped"}
    assert {one["event"] for one in log} >= {"received", "un-forced"}
    service = hosts.service(host)
    assert service["forced_down"] is False
    assert (service["state"], service["status"]) == ("up", "enabled")


def test_two_api_nodes_open_one_recovery(pipeline, hosts, cloud):
    nodes = [pipeline.api, pipeline.another(cloud)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            host = hosts.start()
            body = {"force_down": {"host": host, "fenced": True}}
            barrier = threading.Barrier(8, timeout=60)

            def send(node, body=body, barrier=barrier):
                barrier.wait()
                return node.call(
                    "POST",
                    "/v2.1/os-waffles/force-down",
                    body,
                    user=demo.ADMIN,
                )

            answers = list(pool.map(send, nodes * 4))
            statuses = sorted(answer.status_int for answer in answers)
            assert statuses == [202, *[409] * 7]
            assert len({answer.location for answer in answers}) == 1
    assert len(pipeline.engines.store.recoveries(limit=9)) == 3
