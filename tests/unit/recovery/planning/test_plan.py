import itertools

import pytest

from waffles.recovery import views
from waffles.recovery.model import Gate, Server, State
from waffles.recovery.planning import plan


def server(name, priority=500, group="", server_group="", **more):
    return Server(
        f"id-of-{name}",
        name=name,
        priority=priority,
        group=group,
        server_group=server_group,
        **more,
    )


def names(servers):
    return " ".join(one.name for one in plan.order(servers))


def test_servers_come_by_priority_then_group_then_name():
    servers = [
        server("f", 1),
        server("e", 500, "b"),
        server("d", 500, "b"),
        server("c", 500, "a"),
        server("b", 500),
        server("a", 1000, "z"),
    ]

    assert names(servers) == "a b c d e f"


def test_an_order_is_the_same_from_any_other():
    servers = [
        server(name, priority, group, server_group)
        for (priority, group, server_group), name in zip(
            itertools.product((1, 2), ("", "g"), ("", "x", "y")),
            "abcdefghijkl",
            strict=True,
        )
    ]
    servers += [
        Server(f"{n}", name="same", server_group="x") for n in range(9)
    ]
    expected = plan.order(servers)

    for n in range(len(servers)):
        turned = servers[n:] + servers[:n]
        assert plan.order(turned) == expected
        assert plan.order(turned[::-1]) == expected
    assert len(expected) == len(servers)


def test_members_of_a_server_group_are_spread_among_the_others():
    alone = [server(f"a{n}") for n in range(6)]
    members = [server(f"x{n}", server_group="x") for n in range(3)]

    assert names(members + alone) == "a0 x0 a1 a2 x1 a3 a4 x2 a5"


def test_members_of_several_groups_take_turns():
    members = [
        server(f"{group}{n}", server_group=group)
        for group in "xy"
        for n in range(3)
    ]

    assert names(members) == "x0 y0 x1 y1 x2 y2"


def test_a_group_of_nova_does_not_count_before_a_priority():
    members = [server(f"x{n}", 500 - n, server_group="x") for n in range(3)]

    assert names([*members, server("a", 499)]) == "x0 a x1 x2"


def test_a_gate_that_somebody_has_let_go_keeps_nothing():
    gates = [
        Gate("a", True, "well"),
        Gate("b", False, "badly"),
        Gate("c", False, "badly"),
    ]

    assert plan.closed(gates) == gates[1:]
    assert plan.closed(gates, {"b"}) == gates[2:]
    assert plan.closed(gates, ["b", "c"]) == []


def test_nobody_lets_a_host_go_that_nova_does_not_see():
    gates = [Gate("cell", False, "badly")]

    assert plan.closed(gates, {"cell"}) == gates


@pytest.mark.parametrize(
    ("states", "summary"),
    [
        ([], "0 servers"),
        (["queued"], "1 server: 1 queued"),
        (
            ["queued", "skipped", "queued"],
            "3 servers: 2 queued, 1 skipped",
        ),
    ],
)
def test_a_summary_says_what_becomes_of_how_many(states, summary):
    servers = tuple(
        server(str(n), state=State(state)) for n, state in enumerate(states)
    )

    assert plan.Plan("h1", "1", "z1", (), servers).summary == summary


def test_a_plan_has_the_form_of_the_api():
    gate, one = Gate("a", False, "badly"), server("x")
    shown = plan.Plan("h1", "1", "z1", (gate,), (one,)).as_dict()

    assert shown == {
        "host": "h1",
        "service_id": "1",
        "availability_zone": "z1",
        "summary": "1 server: 1 skipped",
        "gates": [views.gate(gate)],
        "servers": [views.server(one)],
    }
