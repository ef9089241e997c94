"""Who is recovered, and how Nova is asked for it, on a real Nova.

What the fakes of the unit tests claim of Nova is checked here.
"""

import collections
import concurrent.futures
import contextlib
import time
import uuid

import pytest
import sqlalchemy
from nova import context, exception, objects
from nova.db.api import api as api_api
from nova.db.main import api as main_api
from nova.tests import fixtures as nova_fixtures
from oslo_config import cfg

from waffles import config, exceptions
from waffles.clients import compute, errors, glance, session
from waffles.demo import cloud as demo
from waffles.recovery.planning import policy, survey
from waffles.recovery.planning.wishes import Rules

#: A host that is forced down, with servers on it in each state.
GONE = "gone1"

#: Servers are on the image's disk, which is taken to be shared.
RULES = Rules(local_disk="allow")
AUTOMATIC = "automatic-recovery"
TAGGED = {"tags": [AUTOMATIC]}

#: What names a server in Nova's tables.
KEYS = ("uuid", "instance_uuid", "resource_id")


class Site:
    """The cloud, as an administrator has it."""

    def __init__(self, cloud, nova):
        self.cloud, self.nova = cloud, nova
        self.made = collections.defaultdict(list)

    def call(self, method, path, body=None, microversion="2.94"):
        answer = self.nova.call(
            method,
            f"/v2.1{path}",
            body,
            user=demo.ADMIN,
            microversion=microversion,
        )
        assert answer.status_int < 300, answer.text
        return answer.json if answer.body else {}

    def act(self, server_id, action, body=None):
        self.call("POST", f"/servers/{server_id}/action", {action: body})

    def servers(self, host, wanted):
        """New servers on a host, ACTIVE: name -> id.

        :param wanted: name -> fields
        """
        ids = {name: self.make(host, name, **wanted[name]) for name in wanted}
        self.made[host] += ids.values()
        for server_id in ids.values():
            self.nova.wait(server_id)
        return ids

    def make(self, host, name, hints=None, **fields):
        wanted = {
            "name": name,
            "imageRef": demo.IMAGE,
            "flavorRef": "1",
            "networks": "none",
            "host": host,
        } | fields
        body = {"server": wanted, "os:scheduler_hints": hints or {}}
        return self.call("POST", "/servers", body)["server"]["id"]

    def delete(self, host):
        """Delete the servers that were made on a host."""
        for one in self.made.pop(host, ()):
            with contextlib.suppress(exception.InstanceNotFound):
                self.edit(one, task_state=None, vm_state="active")
            self.nova.delete(one, user=demo.ADMIN)

    def cell(self):
        """The database of the cell of the hosts."""
        admin = context.get_admin_context()
        mapping = self.cloud.cell_mappings["cell1"]
        return context.target_cell(admin, mapping)

    @contextlib.contextmanager
    def copies(self, server_id, names):
        """Servers that are one in all but their names, in Nova's databases
        only; each third is tagged.
        """
        new = {name: str(uuid.uuid4()) for name in names}
        tags = [{"resource_id": new[name], "tag": AUTOMATIC} for name in names]
        with self.cell() as targeted, contextlib.ExitStack() as stack:
            cell = main_api.get_engine(context=targeted)
            for engine, table, key in (
                (api_api.get_engine(), "instance_mappings", "instance_uuid"),
                (cell, "instances", "uuid"),
                (cell, "instance_extra", "instance_uuid"),
                (cell, "instance_info_caches", "instance_uuid"),
            ):
                made = _copied(engine, table, key, server_id, new)
                stack.enter_context(made)
            stack.enter_context(_inserted(cell, "tags", tags[::3]))
            yield

    def edit(self, server_id, **fields):
        """Set a server to a state in Nova's database."""
        with self.cell() as targeted:
            instance = objects.Instance.get_by_uuid(targeted, server_id)
            instance.update(fields)
            instance.save()

    def flavor(self, value):
        """The id of a flavor whose extra spec has a value."""
        body = {"name": value, "ram": 64, "vcpus": 1, "disk": 0}
        made = self.call("POST", "/flavors", {"flavor": body})["flavor"]
        body = {"extra_specs": {"waffles:recovery": value}}
        self.call("POST", f"/flavors/{made['id']}/os-extra_specs", body)
        return made["id"]

    def service(self, host, **changes):
        path = f"/os-services?binary=nova-compute&host={host}"
        (found,) = self.call("GET", path)["services"]
        self.call("PUT", f"/os-services/{found['id']}", changes)

    @contextlib.contextmanager
    def silent(self, host):
        """nova-compute of a host does not report of itself."""
        service = self.cloud.computes[host]
        report, service.service_ref.save = service.service_ref.save, _nothing
        try:
            yield
        finally:
            service.service_ref.save = report

    def report(self, host):
        """Report as nova-compute of a host does."""
        with self.cell() as targeted:
            service = objects.Service.get_by_compute_host(targeted, host)
            service.report_count += 1
            service.save()

    @contextlib.contextmanager
    def host(self, name):
        """One more compute host; it is gone at the end, with its servers."""
        self.cloud._start_compute(name)
        try:
            yield name
        finally:
            self.remove(name)

    def remove(self, host):
        computes = self.cloud.computes
        # A start cleans up what was evacuated: before it is not un-forced.
        computes[host] = self.cloud.restart_compute_service(computes[host])
        self.service(host, forced_down=False)
        self.delete(host)
        computes.pop(host).stop()
        path = f"/os-services?binary=nova-compute&host={host}"
        (found,) = self.call("GET", path)["services"]
        self.call("DELETE", f"/os-services/{found['id']}")

    @contextlib.contextmanager
    def aggregate(self, name, *hosts, **metadata):
        body = {"aggregate": {"name": name}}
        made = self.call("POST", "/os-aggregates", body)["aggregate"]
        path = f"/os-aggregates/{made['id']}"
        for host in hosts:
            body = {"add_host": {"host": host}}
            self.call("POST", f"{path}/action", body)
        body = {"set_metadata": {"metadata": metadata}}
        self.call("POST", f"{path}/action", body)
        try:
            yield
        finally:
            for host in hosts:
                body = {"remove_host": {"host": host}}
                self.call("POST", f"{path}/action", body)
            self.call("DELETE", path)


def _nothing():
    """What is done instead of a report."""


@contextlib.contextmanager
def _copied(engine, name, key, server_id, new):
    """A server's row of a table, for servers of other names and ids."""
    table = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=engine)
    query = table.select().where(table.c[key] == server_id)
    with engine.connect() as connection:
        row = dict(connection.execute(query).mappings().one())
    del row["id"]
    rows = [
        {**row, key: id_, **({"display_name": n} if key == "uuid" else {})}
        for n, id_ in new.items()
    ]
    with _inserted(engine, name, rows):
        yield


@contextlib.contextmanager
def _inserted(engine, name, rows):
    """Rows of a table; they are gone at the end."""
    table = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=engine)
    key = next(one for one in KEYS if one in rows[0])
    with engine.begin() as connection:
        connection.execute(table.insert(), rows)
    yield
    ids = [row[key] for row in rows]
    with engine.begin() as connection:
        connection.execute(table.delete().where(table.c[key].in_(ids)))


@pytest.fixture(scope="module")
def site(cloud, nova):
    return Site(cloud, nova)


@pytest.fixture(scope="module")
def access(services, tmp_path_factory):
    """The way into the cloud, as somebody."""
    file = tmp_path_factory.mktemp("access") / "waffles.conf"

    def access(user="admin"):
        text = services.access.replace(
            "username = admin", f"username = {user}"
        )
        file.write_text(text)
        return session.load(config.read([str(file)]))

    return access


@pytest.fixture(scope="module")
def client(access):
    return compute.Compute(access(), 60)


@pytest.fixture(scope="module")
def images(access):
    return glance.Glance(access(), 60)


def until(ask, is_right):
    """An answer, once it is as it is to be."""
    for _ in range(400):
        if is_right(answer := ask()):
            return answer
        time.sleep(0.05)
    raise AssertionError(answer)


def wait(client, server_id, host):
    """The server, once it is on another host and settled."""

    def has_moved(server):
        return (
            server[compute.HOST] != host
            and not server["OS-EXT-STS:task_state"]
        )

    return until(lambda: client.server(server_id), has_moved)


@contextlib.contextmanager
def max_limit(limit):
    """Nova gives no longer pages than that."""
    cfg.CONF.set_override("max_limit", limit, group="api")
    try:
        yield
    finally:
        cfg.CONF.clear_override("max_limit", group="api")


# What Nova evacuates: facts of its own code, each tried here.


def _edited(**fields):
    return lambda site, server_id: site.edit(server_id, **fields)


def _acted(action, body=None, status="ACTIVE"):
    def act(site, server_id):
        site.act(server_id, action, body)
        site.nova.wait(server_id, status)

    return act


#: State -> how a server comes to it, what becomes of it here, and whether Nova
#: takes the evacuation.
STATES = {
    "active": (_edited(), "queued", True),
    "stopped": (_acted("os-stop", None, "SHUTOFF"), "queued", True),
    "error": (
        _acted("os-resetState", {"state": "error"}, "ERROR"),
        "queued",
        True,
    ),
    "locked": (_acted("lock"), "queued", True),
    "powering-off": (_edited(task_state="powering-off"), "queued", True),
    "rebuilding": (_edited(task_state="rebuilding"), "queued", True),
    "deleting": (_edited(task_state="deleting"), "skipped", True),
    "migrating": (_edited(task_state="migrating"), "stuck", True),
    "resize_migrating": (
        _edited(task_state="resize_migrating"),
        "stuck",
        True,
    ),
    "paused": (_acted("pause", None, "PAUSED"), "failed", False),
    "suspended": (_acted("suspend", None, "SUSPENDED"), "failed", False),
    "rescued": (_acted("rescue", None, "RESCUE"), "failed", False),
    "resized": (_edited(vm_state="resized"), "failed", False),
    "shelved": (_edited(vm_state="shelved"), "failed", False),
    "building": (_edited(vm_state="building"), "failed", False),
    # Nova does not list it.
    "soft-delete": (_edited(vm_state="soft-delete"), None, False),
    "never launched": (
        _edited(vm_state="error", launched_at=None),
        "failed",
        False,
    ),
}


@pytest.fixture(scope="module")
def states(site, client, images):
    """The rows of servers in each state, on a host that is gone."""
    with site.host(GONE):
        ids = site.servers(GONE, dict.fromkeys(STATES, TAGGED))
        for name, (come, _, _) in STATES.items():
            come(site, ids[name])
        site.service(GONE, forced_down=True)
        made = survey.plan(client, images, GONE, RULES)
        yield ids, {row.server_id: row for row in made.servers}


def test_every_server_that_nova_lists_of_the_host_has_a_row(states):
    ids, rows = states

    assert rows.keys() == set(ids.values()) - {ids["soft-delete"]}
    assert {row.source for row in rows.values()} == {GONE}
    assert {row.tags for row in rows.values()} == {(AUTOMATIC,)}
    assert rows[ids["stopped"]].status == "stopped"


@pytest.mark.parametrize("name", STATES)
def test_a_state_is_judged_as_nova_judges_it(name, states, client):
    (ids, rows), (_, state, is_taken) = states, STATES[name]
    row = rows.get(ids[name])

    assert (row and row.state) == state, row
    if is_taken:
        assert client.evacuate(ids[name]).startswith("req-")
    else:
        with pytest.raises(exceptions.Hidden) as caught:
            client.evacuate(ids[name])
        assert caught.value.code == 409


def test_what_may_be_reset_is_evacuated_then(site, client):
    rules = Rules(local_disk="allow", nonevacuable="reset")
    with site.host("gone2") as host:
        ids = site.servers(host, dict.fromkeys(policy.RESET, TAGGED))
        for name, server_id in ids.items():
            STATES[name][0](site, server_id)
        site.service(host, forced_down=True)
        for server_id in ids.values():
            row = policy.judge(policy.facts(client.server(server_id)), rules)
            assert row.state == "queued", row.reason
            client.reset(server_id)
            client.evacuate(server_id)
        for server_id in ids.values():
            server = wait(client, server_id, host)
            assert server["status"] == "ACTIVE"


# Who asks.


TAGS = {
    "exact": ([AUTOMATIC], "automatic"),
    "not-automatic-recovery": (["not-automatic-recovery"], "none"),
    "Automatic-Recovery": (["Automatic-Recovery"], "none"),
    "none": ([], "none"),
    "custom": (["custom-recovery", AUTOMATIC], "custom"),
    "no": (["custom-recovery", AUTOMATIC, "no-recovery"], "none"),
}
FLAVORS = {
    "automatic": ([], "automatic"),
    "custom": ([AUTOMATIC], "automatic"),
    "off": (["custom-recovery"], "custom"),
    "yes": ([], "none"),
}


@pytest.fixture(scope="module")
def asking(site):
    """A host, and servers on it whose tags or flavors ask."""
    flavors = {value: site.flavor(value) for value in FLAVORS}
    wanted = {
        f"tag {name}": {"tags": tags} for name, (tags, _) in TAGS.items()
    }
    for value, (tags, _) in FLAVORS.items():
        fields = {"flavorRef": flavors[value], "tags": tags}
        wanted[f"flavor {value}"] = fields
    with site.host("gone3") as host:
        site.servers(host, wanted)
        # Nothing is evacuated to it meanwhile.
        site.service(host, status="disabled")
        # The flavor counts as it was when the server got it.
        for flavor in flavors.values():
            site.call("DELETE", f"/flavors/{flavor}")
        yield host


@pytest.fixture
def decisions(asking, client, images):
    """What is decided for each server, by its name."""

    def decisions(rules=RULES):
        made = survey.plan(client, images, asking, rules)
        return {row.name: row.decision.value for row in made.servers}

    return decisions


def test_tags_and_flavors_ask(decisions):
    assert decisions() == {
        **{f"tag {name}": wish for name, (_, wish) in TAGS.items()},
        **{f"flavor {name}": wish for name, (_, wish) in FLAVORS.items()},
    }


@pytest.mark.parametrize(
    ("said", "decision"),
    [
        ({"a": "automatic"}, "automatic"),
        ({"a": "automatic", "b": "custom"}, "custom"),
        ({"a": "automatic", "b": "custom", "c": "off"}, "none"),
        ({"a": "automatic", "b": "AUTOMATIC"}, "none"),
    ],
    ids=str,
)
def test_aggregates_ask_for_those_for_whom_nobody_else_does(
    site, asking, decisions, said, decision
):
    before = decisions()
    with contextlib.ExitStack() as stack:
        for name, value in said.items():
            metadata = {"waffles:recovery": value}
            stack.enter_context(site.aggregate(name, asking, **metadata))
        stack.enter_context(
            site.aggregate("other", "host1", **{"waffles:recovery": "off"})
        )
        found = decisions()
    changed = {"tag none", "tag not-automatic-recovery"} | {
        "tag Automatic-Recovery"
    }

    assert found == before | dict.fromkeys(changed, decision)


@pytest.mark.parametrize(
    ("said", "decision"),
    [("automatic", "automatic"), ("off", "none"), ("any", "none")],
)
def test_an_image_asks_before_aggregates_do(
    cloud, site, asking, decisions, said, decision
):
    image = cloud.glance.images[demo.IMAGE]
    before, image["name"] = image["name"], said
    rules = Rules(local_disk="allow", image_property="name")
    metadata = {"waffles:recovery": "custom"}
    try:
        with site.aggregate("a", asking, **metadata):
            found = decisions(rules)
    finally:
        image["name"] = before

    assert found["tag none"] == decision
    assert found["tag exact"] == "automatic"
    assert found["flavor yes"] == "none"


def test_an_image_that_cannot_be_asked_is_heard_of(
    cloud, asking, client, images
):
    image = cloud.glance.images.pop(demo.IMAGE)
    rules = Rules(local_disk="allow", image_property="name")
    try:
        made = survey.plan(client, images, asking, rules)
    finally:
        cloud.glance.images[demo.IMAGE] = image
    rows = {row.name: row for row in made.servers}

    assert rows["tag none"].state == "failed"
    assert "its image could not be asked" in rows["tag none"].reason
    assert rows["tag exact"].state == "queued"


def test_an_image_has_the_properties_that_glance_shows(images):
    assert images.properties(demo.IMAGE)["id"] == demo.IMAGE
    # The stand-in gives no id to a request, so this is not surely Glance.
    with pytest.raises(exceptions.Unavailable, match="404"):
        images.properties("nope")


def test_a_disk_of_the_host_is_refused_unless_it_is_allowed(
    asking, client, images
):
    made = survey.plan(client, images, asking, Rules())
    (row,) = (row for row in made.servers if row.name == "tag exact")

    assert row.state == "failed"
    assert "local_disk" in row.reason


# What the client says of Nova.


def test_it_asks_at_the_newest_that_leaves_servers_running(client):
    assert client.microversion == "2.94"


def test_services_are_of_the_form_that_is_read(client):
    found = client.services()
    (compute1,) = client.services("host1", "nova-compute")

    assert {one["binary"] for one in found} >= {
        "nova-compute",
        "nova-scheduler",
    }
    assert [one["id"] for one in found].count(compute1["id"]) == 1
    assert compute1.keys() == {
        "id", "host", "binary", "zone", "status", "state", "forced_down",
        "updated_at", "disabled_reason",
    }  # fmt: skip
    assert client.services("host", "nova-compute") == []


def test_a_host_is_forced_down_and_disabled_and_back(site, client):
    with site.host("gone4"):
        (before,) = client.services("gone4", "nova-compute")
        down = client.force_down(before["id"], True)
        disabled = client.disable(before["id"], "waffles: recovery 1")

        assert (down["forced_down"], down["state"]) == (True, "down")
        assert disabled["status"] == "disabled"
        assert disabled["disabled_reason"] == "waffles: recovery 1"
        assert disabled["forced_down"]

        assert client.enable(before["id"])["disabled_reason"] is None
        assert client.force_down(before["id"], False)["state"] == "up"


def test_a_host_that_reports_is_seen_although_it_is_forced_down(site, client):
    with site.host("gone8") as host, site.silent(host):
        (service,) = client.services(host, "nova-compute")
        client.force_down(service["id"], True)
        baseline = client.disable(service["id"], "any")["updated_at"]
        gates = [_alive(client, host, baseline)]
        site.report(host)
        gates.append(_alive(client, host, baseline))

    assert [gate.passed for gate in gates] == [True, False], gates


def _alive(client, host, baseline):
    made = survey.plan(client, None, host, RULES, baseline=baseline)
    (found,) = (gate for gate in made.gates if gate.name == "alive")
    return found


def test_a_service_that_is_not_there_is_told(client):
    unknown = "11111111-2222-4333-8444-555555555555"
    with pytest.raises(exceptions.Hidden) as caught:
        client.force_down(unknown, True)

    assert caught.value.code == 404


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_servers_are_listed_to_the_last_page(client, asking, limit):
    everyone = [one["id"] for page in client.servers(asking) for one in page]
    with max_limit(limit):
        pages = list(client.servers(asking))
    found = [one["id"] for page in pages for one in page]

    assert found == everyone
    assert len(set(found)) == len(TAGS) + len(FLAVORS)
    assert max(map(len, pages)) <= limit


def test_a_plan_has_all_of_1001_servers(site, access, images):
    client, pages = compute.Compute(access(), 60), []
    names = [f"m{n:04}" for n in range(1000)]
    with site.host("gone7") as host:
        (first,) = site.servers(host, {"m": {}}).values()
        with site.copies(first, names):
            made = survey.plan(
                client, images, host, RULES, progress=lambda: pages.append(1)
            )
    queued = [row.name for row in made.servers if row.state == "queued"]

    assert len({row.server_id for row in made.servers}) == 1001
    assert len(pages) == client.calls["GET servers"] == 5
    assert queued == names[::3]


def test_a_host_is_no_pattern(client, asking):
    assert list(client.servers(asking[:-1])) == [[]]
    assert list(client.servers(asking.upper())) == [[]]


@pytest.fixture(scope="module")
def moved(site, client):
    """A host that is gone, and servers that were evacuated from it, with the
    ids of the requests.
    """
    with site.host("gone5") as host:
        made = site.servers(host, {f"s{n}": {} for n in range(4)})
        server_ids = made.values()
        assert client.migrations(host) == []
        site.service(host, forced_down=True)
        requests = {one: client.evacuate(one) for one in server_ids}
        for one in server_ids:
            wait(client, one, host)
        yield host, requests


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_migrations_are_listed_to_the_last_page(client, moved, limit):
    host, requests = moved
    with max_limit(limit):
        found = client.migrations(host)
    ids = [one["id"] for one in found]

    assert ids == sorted(ids, reverse=True)
    assert {one["instance_uuid"] for one in found} == requests.keys()
    assert {one["status"] for one in found} <= {"done", "completed"}
    assert {one["source_compute"] for one in found} == {host}


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_migrations_are_listed_down_to_one_that_is_known(client, moved, limit):
    host, _ = moved
    ids = [one["id"] for one in client.migrations(host)]
    with max_limit(limit):
        for place, known in enumerate(ids):
            found = client.migrations(host, above=known)
            assert [one["id"] for one in found] == ids[:place]


def test_migrations_of_a_server_are_its_own(client, moved):
    host, requests = moved
    for server_id in requests:
        (found,) = client.migrations_of(server_id, host)
        assert found["instance_uuid"] == server_id
        assert found["dest_compute"] not in {None, "", host}


def test_a_request_is_found_by_its_id(client, moved):
    _, requests = moved
    for server_id, request_id in requests.items():
        action = client.action(server_id, request_id)
        assert (action["action"], action["message"]) == ("evacuate", None)
        assert {one["event"] for one in action["events"]} == {
            "rebuild_server",
            "compute_rebuild_instance",
        }
        newest = client.actions(server_id)[0]
        assert newest["request_id"] == request_id
    assert client.action(server_id, "req-nope") is None


def test_a_host_that_is_up_refuses_evacuations(client, asking):
    (page,) = client.servers(asking)
    with pytest.raises(exceptions.Hidden, match="still in use") as caught:
        client.evacuate(page[0]["id"])

    assert caught.value.code == 400


def test_that_no_host_is_left_is_told_by_the_action(site, client):
    with site.host("gone6") as host:
        (server_id,) = site.servers(host, {"lonely": {}}).values()
        site.service(host, forced_down=True)
        others = [
            one["host"]
            for one in client.services(binary="nova-compute")
            if one["status"] == "enabled" and one["host"] != host
        ]
        for other in others:
            site.service(other, status="disabled")
        try:
            request_id = client.evacuate(server_id)
            site.nova.wait(server_id, "ERROR")
        finally:
            for other in others:
                site.service(other, status="enabled")
        # It is written down a little later than the server is in ERROR.
        action = until(
            lambda: client.action(server_id, request_id),
            lambda action: action["message"],
        )
        (migration,) = client.migrations_of(server_id, host)

        assert action["message"] == "Error"
        details = [one["details"] for one in action["events"]]
        assert any("No valid host" in str(one) for one in details)
        assert migration["status"] == "error"
        assert client.server(server_id)[compute.HOST] == host


def test_a_server_is_stopped_and_started(site, client):
    (server_id,) = site.servers("host1", {"any": {}}).values()
    assert client.stop(server_id).startswith("req-")
    site.nova.wait(server_id, "SHUTOFF")
    assert client.start(server_id).startswith("req-")
    site.nova.wait(server_id)
    with pytest.raises(exceptions.Hidden) as caught:
        client.start(server_id)
    assert caught.value.code == 409
    site.delete("host1")


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, one: client.server(one),
        lambda client, one: client.evacuate(one),
        lambda client, one: client.stop(one),
        lambda client, one: client.actions(one),
    ],
    ids=["server", "evacuate", "stop", "actions"],
)
def test_a_server_that_is_not_there_is_told(client, ask):
    with pytest.raises(exceptions.Hidden) as caught:
        ask(client, "11111111-2222-4333-8444-555555555555")

    assert caught.value.code == 404


@pytest.fixture(scope="module")
def grouped(site):
    """Server groups of several projects, and a server in one."""
    ids = {}
    for policy_, user in (
        ("anti-affinity", demo.ADMIN),
        ("soft-affinity", demo.DEMO),
        ("affinity", demo.OTHER),
    ):
        body = {"server_group": {"name": policy_, "policy": policy_}}
        made = site.nova.call(
            "POST",
            "/v2.1/os-server-groups",
            body,
            user=user,
            microversion="2.90",
        )
        ids[policy_] = made.json["server_group"]["id"]
    hints = {"group": ids["anti-affinity"]}
    server_id = site.make("host1", "member", hints)
    site.nova.wait(server_id)
    yield ids, server_id
    site.nova.delete(server_id, user=demo.ADMIN)
    for group in ids.values():
        site.call("DELETE", f"/os-server-groups/{group}")


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_server_groups_of_all_projects_are_listed(client, grouped, limit):
    ids, server_id = grouped
    with max_limit(limit):
        found = client.server_groups()
    policies = {one["id"]: one["policy"] for one in found}
    members = {one["policy"]: one["members"] for one in found}

    assert policies == {id_: policy_ for policy_, id_ in ids.items()}
    assert members["anti-affinity"] == [server_id]
    assert client.server(server_id)["server_groups"] == [ids["anti-affinity"]]


def test_aggregates_are_of_the_form_that_is_read(site, client):
    with site.aggregate("a", "host1", key="value"):
        (found,) = client.aggregates()

    assert found["name"] == "a"
    assert found["hosts"] == ["host1"]
    assert found["metadata"] == {"key": "value"}


def test_calls_are_counted(access, asking):
    client = compute.Compute(access(), 60)
    images = glance.Glance(access(), 60)
    survey.plan(client, images, asking, RULES)
    calls = client.calls

    assert calls.pop("GET server_groups") in (1, 2)  # whether there are any
    assert calls == {
        "GET versions": 1,
        "GET services": 2,
        "GET aggregates": 1,
        "GET servers": 1,
    }


# What cannot be seen.


@pytest.fixture
def blind(cloud):
    """The cell of the hosts is down."""
    with nova_fixtures.DownCellFixture([cloud.cell_mappings["cell1"]]):
        yield


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, host, one: client.server(one),
        lambda client, host, one: client.evacuate(one),
        lambda client, host, one: client.actions(one),
        lambda client, host, one: client.action(one, "req-1"),
        lambda client, host, one: client.server_groups(),
        lambda client, host, one: client.migrations(host),
        lambda client, host, one: client.migrations_of(one, host),
    ],
    ids=[
        "server",
        "evacuate",
        "actions",
        "action",
        "server_groups",
        "migrations",
        "migrations_of",
    ],
)
def test_what_is_in_a_cell_that_is_down_is_not_seen(
    client, grouped, blind, ask
):
    _, server_id = grouped
    with pytest.raises(exceptions.Unavailable) as caught:
        ask(client, "host1", server_id)

    assert type(caught.value) is exceptions.Unavailable


def test_a_service_in_a_cell_that_is_down_is_unknown(client, blind):
    assert client.services("host1", "nova-compute") == [
        {"binary": "nova-compute", "host": "host1", "status": "UNKNOWN"}
    ]


def test_servers_in_a_cell_that_is_down_are_left_out(client, asking, blind):
    # Without a word: so a plan asks for the service, too.
    assert list(client.servers(asking)) == [[]]


def test_there_is_no_plan_of_a_host_in_a_cell_that_is_down(
    client, images, asking, blind
):
    with pytest.raises(survey.Unseen, match=asking):
        survey.plan(client, images, asking, RULES)


def test_there_is_no_plan_where_the_cell_goes_down_meanwhile(
    cloud, client, images, asking
):
    with contextlib.ExitStack() as stack:
        cells = [cloud.cell_mappings["cell1"]]
        asked = []

        def goes_down():
            asked.append(1)
            if len(asked) == 1:
                stack.enter_context(nova_fixtures.DownCellFixture(cells))

        with pytest.raises(survey.Unseen, match=asking):
            survey.plan(client, images, asking, RULES, progress=goes_down)
    assert asked


def test_groups_are_asked_of_each_server_where_a_cell_is_down(
    site, client, images, grouped, monkeypatch
):
    ids, server_id = grouped

    def down():
        raise exceptions.Unavailable("another cell is down")

    monkeypatch.setattr(client, "server_groups", down)
    tags = {"tags": [AUTOMATIC]}
    site.call("PUT", f"/servers/{server_id}/tags", tags)
    made = survey.plan(client, images, "host1", RULES)
    (row,) = (row for row in made.servers if row.server_id == server_id)

    assert row.server_group == ids["anti-affinity"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.services(),
        lambda client: client.aggregates(),
        lambda client: client.migrations("host1"),
        lambda client: list(client.servers("host1")),
        lambda client: client.force_down(
            "11111111-2222-4333-8444-555555555555", True
        ),
    ],
    ids=["services", "aggregates", "migrations", "servers", "force_down"],
)
def test_who_is_no_administrator_is_refused(access, ask):
    with pytest.raises(errors.Refused, match="needs an administrator"):
        ask(compute.Compute(access("demo"), 60))


def test_who_is_no_administrator_may_not_evacuate(access, grouped):
    _, server_id = grouped
    with pytest.raises((errors.Refused, exceptions.Hidden)):
        compute.Compute(access("other"), 60).evacuate(server_id)


def test_who_is_unknown_is_refused(access):
    with pytest.raises(errors.Refused, match="nobody"):
        compute.Compute(access("nobody"), 60).services()


def test_many_threads_ask_at_once(client, asking):
    (page,) = client.servers(asking)
    ids = [one["id"] for one in page] * 7
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        found = list(pool.map(client.server, ids))

    assert [one["id"] for one in found] == ids


def test_a_host_is_known_by_its_exact_name(client, asking):
    assert survey.host(client, asking)["host"] == asking
    for name in (asking.upper(), f"{asking}.example.com"):
        with pytest.raises(survey.NoHost) as caught:
            survey.host(client, name)
        assert asking in caught.value.near
