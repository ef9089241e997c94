import pytest

from tests.unit.recovery.planning import test_policy
from waffles import exceptions
from waffles.recovery.planning import survey
from waffles.recovery.planning.wishes import Rules

RULES = Rules(local_disk="allow")


def service(host, binary="nova-compute", **more):
    return {
        "id": f"id-of-{host}",
        "host": host,
        "binary": binary,
        "zone": "z1",
        "status": "enabled",
        "state": "up",
        "forced_down": False,
        "updated_at": "t1",
    } | more


def unseen(host):
    return {"host": host, "binary": "nova-compute", "status": "UNKNOWN"}


def server(server_id, *tags, host="h1", image="i1", **more):
    return test_policy.SHOWN | {
        "id": server_id,
        "name": server_id,
        "tags": list(tags),
        "image": {"id": image} if image else "",
        "OS-EXT-SRV-ATTR:host": host,
        **more,
    }


class FakeNova:
    """A Nova that shows what it is made with.

    :param again: what it shows of the host's service the second time
    :param pages: of servers
    """

    def __init__(self, *pages, services=None, again=None, aggregates=()):
        self.all = services or [
            service("h1"),
            service("h2"),
            service("ctl", "nova-scheduler"),
        ]
        self.pages, self.again = pages, again
        self.listed = list(aggregates)
        self.asked = []

    def services(self, host=None, binary=None):
        self.asked.append(("services", host, binary))
        if host and self.again is not None:
            return self.again
        return [
            one
            for one in self.all
            if host in (None, one["host"]) and binary in (None, one["binary"])
        ]

    def servers(self, host):
        for page in self.pages:
            self.asked.append(("servers", host))
            yield page

    def aggregates(self):
        self.asked.append("aggregates")
        return self.listed

    def server_groups(self):
        self.asked.append("server_groups")
        return [{"id": "g1", "policy": "affinity", "members": ["s2", "s9"]}]


class FakeGlance:
    """Images by their ids; an exception where it cannot be asked."""

    def __init__(self, **images):
        self.images, self.asked = images, []

    def properties(self, image_id):
        self.asked.append(image_id)
        found = self.images[image_id]
        if isinstance(found, Exception):
            raise found
        return found


def planned(nova, glance=None, rules=RULES, **how):
    return survey.plan(nova, glance or FakeGlance(), "h1", rules, **how)


def test_a_plan_has_every_server_of_the_host_in_their_order():
    nova = FakeNova(
        [server("s3"), server("s2", "automatic-recovery")],
        [server("s1", "automatic-recovery", "recovery-priority:900")],
    )
    made = planned(nova)

    assert [(one.server_id, one.state.value) for one in made.servers] == [
        ("s1", "queued"),
        ("s2", "queued"),
        ("s3", "skipped"),
    ]
    assert made.servers[1].server_group == "g1"
    assert (made.host, made.service_id, made.zone) == (
        "h1",
        "id-of-h1",
        "z1",
    )
    assert all(gate.passed for gate in made.gates)


def test_nova_is_asked_for_little():
    nova = FakeNova([server("s1", "automatic-recovery")], [server("s2")])
    planned(nova)

    assert nova.asked == [
        ("services", None, None),
        "aggregates",
        ("servers", "h1"),
        ("servers", "h1"),
        ("services", "h1", "nova-compute"),
        "server_groups",
    ]


def test_a_lease_can_be_renewed_between_pages():
    nova = FakeNova([], [])
    calls = []
    planned(nova, progress=lambda: calls.append(len(nova.asked)))

    assert calls == [3, 4]


@pytest.mark.parametrize(
    "services",
    [
        [unseen("h1"), service("h2")],
        [service("h2")],
        [service("h1", "nova-conductor"), service("H1"), service("h10")],
    ],
    ids=["UNKNOWN", "not there", "others only"],
)
def test_a_host_that_nova_does_not_see_is_not_listed(services):
    nova = FakeNova([], services=services)
    with pytest.raises(survey.Unseen, match="h1"):
        planned(nova)

    assert ("servers", "h1") not in nova.asked


@pytest.mark.parametrize(
    "again",
    [[unseen("h1")], [], [service("h10")]],
    ids=["UNKNOWN", "not there", "another"],
)
def test_an_empty_list_of_a_cell_that_went_down_is_not_none(again):
    with pytest.raises(survey.Unseen, match="h1"):
        planned(FakeNova([], again=again))


def test_a_server_whose_host_is_not_shown_is_not_left_out():
    shown = {"id": "s1", "status": "UNKNOWN"}
    with pytest.raises(survey.Unseen, match="s1"):
        planned(FakeNova([shown]))


def test_servers_of_a_host_that_the_database_finds_equal_are_not_its():
    page = [server("s1", host="H1"), server("s2"), server("s3", host=None)]

    assert [one.server_id for one in planned(FakeNova(page)).servers] == ["s2"]


def test_a_server_that_is_on_two_pages_is_one():
    nova = FakeNova([server("s1"), server("s2")], [server("s2")])

    assert len(planned(nova).servers) == 2


def test_gates_are_of_the_host_as_it_was_behind_the_list():
    again = [service("h1", updated_at="t2", state="down")]
    made = planned(FakeNova([], again=again), baseline="t1")
    gates = {gate.name: gate for gate in made.gates}

    assert not gates["alive"].passed
    assert gates["threshold:cloud"].reason.startswith("1 of 2 hosts")


def test_a_pause_is_a_gate():
    class Pause:
        by, reason = "ann", "no"

    assert not planned(FakeNova([]), pause=Pause()).gates[0].passed


def test_aggregates_of_the_host_are_asked():
    def aggregate(name, *hosts, **metadata):
        return {"name": name, "hosts": list(hosts), "metadata": metadata}

    nova = FakeNova(
        [server("s1")],
        aggregates=[
            aggregate("a", "h1", "h2", **{"waffles:recovery": "custom"}),
            aggregate("b", "h2", **{"waffles:recovery": "off"}),
        ],
    )
    (row,) = planned(nova).servers

    assert (row.decision.value, row.state.value) == ("custom", "notifying")


IMAGES = FakeGlance(
    i1={"id": "i1", "recover": "automatic"},
    i2={"id": "i2"},
    i3=exceptions.Hidden(404, "gone"),
    i4=exceptions.Unavailable("Glance is away"),
)
DEFINED = Rules(local_disk="allow", image_property="recover")


def test_images_are_asked_for_once_and_where_they_decide():
    IMAGES.asked.clear()
    page = [
        server("s1"),
        server("s2"),
        server("s3", "no-recovery", image="i9"),
        server("s4", image=""),
        server("s5", image="i2"),
    ]
    planned(FakeNova(page), IMAGES, DEFINED)
    assert IMAGES.asked == ["i1", "i2"]

    IMAGES.asked.clear()
    planned(FakeNova(page), IMAGES, RULES)
    assert IMAGES.asked == []


@pytest.mark.parametrize(
    ("image", "state", "reason"),
    [
        ("i1", "queued", "its image asks for it (recover=automatic)"),
        ("i2", "skipped", "nobody asks for it"),
        ("i3", "skipped", "nobody asks for it"),
        ("i4", "failed", "its image could not be asked: Glance is away"),
        ("", "skipped", "nobody asks for it"),
    ],
    ids=["asks", "says nothing", "gone", "away", "a volume"],
)
def test_an_image_has_a_say(image, state, reason):
    page = [server("s1", image=image)]
    (row,) = planned(FakeNova(page), IMAGES, DEFINED).servers

    assert (row.state.value, row.reason) == (state, reason)


def test_a_host_is_found_by_its_exact_name():
    nova = FakeNova()

    assert survey.host(nova, "h2")["id"] == "id-of-h2"
    assert nova.asked == [("services", None, "nova-compute")]


def test_a_host_that_is_not_there_is_answered_with_those_that_are_near():
    with pytest.raises(survey.NoHost) as caught:
        survey.host(FakeNova(), "H1.example.com")

    assert caught.value.code == 404
    assert caught.value.near == ["h1"]
    assert str(caught.value) == (
        "There is no compute host H1.example.com; there is h1."
    )


def test_there_may_be_none_near():
    with pytest.raises(survey.NoHost, match=r"no compute host elsewhere\.$"):
        survey.host(FakeNova(), "elsewhere")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("web1", ["web1.a.org", "web1.b.org"]),
        ("WEB1.A.ORG", ["web1.a.org", "web1.b.org"]),
        ("db-node-07.x", ["db-node-07", "db-node-08"]),
        ("db-node-7", ["db-node-07", "db-node-08"]),
        ("", []),
        ("db", []),
    ],
)
def test_what_is_near_is_of_another_case_domain_or_a_slip(name, near):
    hosts = ["web1.a.org", "db-node-07", "web1.b.org", "db-node-08", "cmp"]

    assert survey.near(name, hosts) == near


def test_of_many_that_are_near_some_are_named():
    assert len(survey.near("h", [f"h.{n}" for n in range(99)])) == survey.NEAR
