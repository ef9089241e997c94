"""A host dies in a whole cloud, and those of its servers come back that are
to.

Thirty servers are on it, of which twenty have the tag; the store is in the
MariaDB of the cloud, and two engines share the work.
"""

import collections
import re
import signal
import time

import pytest

from tests.stack.site import BIN
from tests.stack.waiting import until

DEAD = "c1"
TAG = "automatic-recovery"

RULES = """\
[waffles_recovery]
connection = {connection}
local_disk = allow
healthy_delay = 4
heartbeat_interval = 5
poll_interval = 2
"""

#: A line of Nova's log of requests: who asked, and for what.
REQUEST = re.compile(
    r'requestlog \[None req-\S+ (\S+) .*\] \S+ "(\w+) /v2\.1(\S*)" status:'
)

#: What differs from one request to the next of a kind.
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\?.*")

#: How many calls a server may cost, beside pages of lists.
CALLS = 2.5

#: Calls that give such pages.
PAGES = {
    "GET /os-aggregates",
    "GET /os-migrations",
    "GET /os-server-groups",
    "GET /os-services",
    "GET /servers/detail",
}


class Site:
    """The recovery of a test, as its operator sees it."""

    def __init__(self, cloud):
        self.cloud, self.nova = cloud, cloud.admin.compute
        self.engines = []

    def call(self, method, path, body=None):
        answer = self.nova.request(
            path, method, json=body, microversion="2.90"
        )
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else {}

    def configure(self):
        """Have nova-api and our commands know the database, which is made."""
        place = self.cloud.site
        rules = RULES.format(connection=place.database("waffles"))
        access = f"[waffles]\n{place.auth('waffles')}"
        self.file = place.write("waffles.conf", rules + access)
        done = self.cloud.run(f"waffles db upgrade --config-file {self.file}")
        assert done.returncode == 0, done.stderr
        self.cloud.configure(rules)

    def create(self, many, tags):
        """Servers on the host that is going to die; at the end of that."""
        image = self.cloud.admin.image.find_image("cirros")
        flavor = self.nova.find_flavor("m1.tiny")
        server = {
            "name": "web" if tags else "left",
            "imageRef": image.id,
            "flavorRef": flavor.id,
            "networks": "none",
            "host": DEAD,
            "tags": tags,
            "min_count": many,
        }
        before = self.servers().keys()
        self.call("POST", "/servers", {"server": server})

        def new():
            found = self.servers()
            return {one: found[one] for one in found.keys() - before}

        assert until(
            lambda: {status for _, status in new().values()} == {"ACTIVE"}
        )
        assert len(new()) == many
        return set(new())

    def servers(self):
        """Where each server is, and its status, by id."""
        path = "/servers/detail?all_tenants=1"
        return {
            one["id"]: (one["OS-EXT-SRV-ATTR:host"], one["status"])
            for one in self.call("GET", path)["servers"]
        }

    def run(self, name):
        """Start an engine."""
        command = ["recovery", "run", "--config-file", self.file]
        made = self.cloud.processes.start(name, [BIN / "waffles", *command])
        self.engines.append(made)

    def service(self):
        path = f"/os-services?binary=nova-compute&host={DEAD}"
        (found,) = self.call("GET", path)["services"]
        return found

    def may_start(self):
        path = f"/os-waffles/hosts/{DEAD}/may-start"
        return self.call("GET", path)["may_start"]

    def migrations(self):
        """The status of the evacuation of each server; each has one."""
        path = f"/os-migrations?source_compute={DEAD}"
        found = self.call("GET", path)["migrations"]
        ids = [one["instance_uuid"] for one in found]
        assert len(ids) == len(set(ids))
        return {one["instance_uuid"]: one["status"] for one in found}

    def calls(self):
        """What [waffles] has asked Nova for, by kind."""
        user = self.cloud.admin.identity.find_user("waffles").id
        found = REQUEST.findall(self.cloud.log("nova-api"))
        return collections.Counter(
            f"{method} {IDS.sub('', path)}"
            for asker, method, path in found
            if asker == user
        )

    def clear(self):
        for engine in self.engines:
            engine.end()
        for server in self.servers():
            self.nova.delete_server(server)
        assert until(lambda: not self.servers())


@pytest.fixture
def site(cloud):
    made = Site(cloud)
    made.clear()  # other tests have left servers on the host that dies
    yield made
    made.clear()


def test_a_host_dies_and_returns(cloud, site, capsys):
    site.configure()
    tagged, left = site.create(20, [TAG]), site.create(10, [])
    for name in ("engine-1", "engine-2"):
        site.run(name)
    assert site.may_start()
    cloud.kill(DEAD)

    before, began = site.calls(), time.monotonic()
    body = {"host": DEAD, "fenced": True, "fenced_by": "a test"}
    answer = site.call("POST", "/os-waffles/force-down", {"force_down": body})
    path = f"/os-waffles/recoveries/{answer['recovery']['id']}"
    assert not site.may_start()
    assert until(lambda: has_ended(site.call("GET", path)))
    took = time.monotonic() - began
    calls = site.calls() - before
    pages = sum(calls[kind] for kind in PAGES)
    seen = site.call("GET", path)
    rows = {one["server_id"]: one for one in seen["servers"]}
    after = site.servers()

    assert seen["recovery"]["state"] == "done"
    assert rows.keys() == tagged | left
    for server in tagged:
        host, status = after[server]
        assert status == "ACTIVE"
        assert host != DEAD
        assert rows[server]["state"] == "recovered"
        assert rows[server]["destination"] == host
        assert rows[server]["source"] == DEAD
    for server in left:
        assert after[server][0] == DEAD
        assert rows[server]["state"] == "skipped"
        assert rows[server]["reason"] == "nobody asks for it"
    assert site.migrations() == dict.fromkeys(tagged, "done")
    with capsys.disabled():
        print(f"\n{calls.total()} calls in {took:.0f} s: {dict(calls)}")
    assert calls["POST /servers//action"] == len(tagged)
    assert calls.total() <= CALLS * len(tagged) + pages
    # The plan is made of some; the others are for a look every so often.
    assert pages <= 12 + took / 2 + took / 5
    assert site.service()["forced_down"]

    assert site.may_start()
    cloud.start(DEAD)
    site.call("POST", f"/os-waffles/hosts/{DEAD}/return")
    assert until(lambda: has_returned(site.call("GET", path)))
    service = site.service()
    assert not service["forced_down"]
    assert (service["state"], service["status"]) == ("up", "enabled")
    assert site.migrations() == dict.fromkeys(tagged, "completed")
    assert {one: after[one] for one in tagged} == {
        one: site.servers()[one] for one in tagged
    }
    for engine in site.engines:
        assert engine.end(signal.SIGTERM) == 0


def has_ended(seen):
    return seen["recovery"]["state"] in {"done", "partial", "failed"}


def has_returned(seen):
    return seen["recovery"]["return_state"] == "returned"
