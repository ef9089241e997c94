import pytest

from waffles import exceptions
from waffles.clients import errors
from waffles.recovery.model import Server, State
from waffles.recovery.planning import groups


class FakeNova:
    """Server groups, and the servers that are in them.

    :param fault: what a list of groups raises instead
    :param own: server -> what Nova shows of it, or an exception
    """

    def __init__(self, listed=(), fault=None, own=None):
        self.listed, self.fault, self.own = listed, fault, own or {}
        self.asked = []

    def server_groups(self):
        self.asked.append("groups")
        if self.fault:
            raise self.fault
        return list(self.listed)

    def server(self, server_id):
        self.asked.append(server_id)
        found = self.own[server_id]
        if isinstance(found, Exception):
            raise found
        return found


def group(name, policy, *members):
    return {"id": name, "policy": policy, "members": list(members)}


def grouped(nova, *servers):
    progress = lambda: nova.asked.append("progress")  # noqa: E731
    found = groups.grouped(nova, servers, progress)
    return [one.server_group for one in found]


def queued(server_id):
    return Server(server_id, state=State.QUEUED)


@pytest.mark.parametrize(
    ("policy", "is_serial"),
    [
        ("affinity", True),
        ("anti-affinity", True),
        ("soft-affinity", False),
        ("soft-anti-affinity", False),
    ],
)
def test_groups_that_bind_are_moved_one_after_another(policy, is_serial):
    nova = FakeNova([group("g", policy, "x", "b", "y"), group("h", policy)])

    assert grouped(nova, queued("a"), queued("b")) == [
        "",
        "g" if is_serial else "",
    ]


def test_groups_are_asked_for_where_a_server_is_moved():
    nova = FakeNova()
    others = [Server("a"), Server("b", state=State.NOTIFYING)]

    assert grouped(nova, *others) == ["", ""]
    assert nova.asked == []
    grouped(nova, *others, queued("c"))
    assert nova.asked == ["groups"]


def test_servers_are_asked_for_their_own_where_groups_cannot_be():
    nova = FakeNova(
        fault=exceptions.Unavailable("a cell is down"),
        own={
            "a": {"server_groups": ["g"]},
            "b": {"server_groups": []},
            "c": {},
            "d": exceptions.Hidden(404, "gone"),
        },
    )
    servers = [queued(one) for one in "abcd"]

    assert grouped(nova, Server("x"), *servers) == ["", "g", "", "", ""]
    assert nova.asked == [
        "groups", "progress", "a", "progress", "b", "progress", "c",
        "progress", "d",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fault", [errors.Busy("later", 5), errors.Refused("not you")]
)
def test_who_is_refused_does_not_ask_for_more(fault):
    nova = FakeNova(fault=fault)
    with pytest.raises(type(fault)):
        grouped(nova, queued("a"))

    assert nova.asked == ["groups"]


def test_a_server_that_cannot_be_asked_is_no_plan():
    away = exceptions.Unavailable("away")
    nova = FakeNova(fault=away, own={"a": away})

    with pytest.raises(exceptions.Unavailable):
        grouped(nova, queued("a"))
