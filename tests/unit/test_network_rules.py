import ipaddress

import pytest

from waffles import network_rules
from waffles.fabric.networks import Network, Networks
from waffles.network_rules import Rule, Wording
from waffles.nics import Nic

ALL = "/server/networks"
NET = "/server/networks/0/uuid"
A = "aaaaaaaa-5699-4588-a4b1-b87f96708bc6"
B = "bbbbbbbb-5699-4588-a4b1-b87f96708bc6"
C = "cccccccc-5699-4588-a4b1-b87f96708bc6"

#: Letters stand for networks, and nobody knows that of "?".
NETWORKS = {"A": A, "B": B, "C": C, "?": None}

MUST_A = Rule(required={"blue": frozenset({A})})
NOT_B = Rule(banned=frozenset({B}))
ONLY_A = Rule(allowed=("blue", "red"), permitted=frozenset({A, C}))
FREE_C = Rule(uncounted=frozenset({C}), least=1, most=2)


def _nics(letters, pointer=NET):
    return [Nic(NETWORKS[letter], pointer) for letter in letters]


def _told(found):
    return [str(violation) for violation in found]


@pytest.mark.parametrize(
    ("rule", "letters", "violations"),
    [
        (Rule(), "", []),
        (Rule(), "AB?", []),
        (MUST_A, "A", []),
        (MUST_A, "BA", []),
        (MUST_A, "", [f"{ALL} must have network blue"]),
        (MUST_A, "B?", [f"{ALL} must have network blue"]),
        (
            Rule(required={"blue": frozenset({A, C}), "x": frozenset()}),
            "C",
            [f"{ALL} must have network x"],
        ),
        (NOT_B, "A?", []),
        (NOT_B, "B", [f"{NET} is a banned network"]),
        (ONLY_A, "AC", []),
        (
            ONLY_A,
            "B",
            [f"{NET} is none of the allowed networks (blue, red)"],
        ),
        (
            ONLY_A,
            "?",
            [f"{NET} is none of the allowed networks (blue, red)"],
        ),
        (
            Rule(least=1),
            "",
            [f"{ALL} must have at least 1 network and has 0"],
        ),
        (
            Rule(least=2),
            "A",
            [f"{ALL} must have at least 2 networks and has 1"],
        ),
        (Rule(least=2), "AA", []),
        (Rule(most=0), "", []),
        (
            Rule(most=0),
            "A",
            [f"{ALL} must have at most 0 networks and has 1"],
        ),
        (Rule(most=1), "A", []),
        (
            Rule(most=1),
            "AAAAA",
            [f"{ALL} must have at most 1 network and has 5"],
        ),
        (FREE_C, "AACC", []),
        (FREE_C, "C", [f"{ALL} must have at least 1 network and has 0"]),
    ],
)  # fmt: skip
def test_a_new_server_is_judged_by_all_its_networks(rule, letters, violations):
    found = network_rules.of_new(ALL, _nics(letters), rule)

    assert _told(found) == violations


@pytest.mark.parametrize(
    ("pointer", "beginning"),
    [
        ("/server/networks/3/uuid", "is a"),
        ("/server/networks/3/port", "is on a"),
        ("/server/networks", "must name a network: Nova would take a"),
        ("/interfaceAttachment/net_id", "is a"),
        ("/interfaceAttachment/port_id", "is on a"),
        ("/interfaceAttachment", "must name a network: Nova would take a"),
        ("/addFixedIp/networkId", "is a"),
    ],
)
def test_what_asks_for_a_network_is_said(pointer, beginning):
    found = network_rules.of_network(Nic(B, pointer), NOT_B)

    assert _told(found) == [f"{pointer} {beginning} banned network"]


@pytest.mark.parametrize(
    ("rule", "present", "letter", "violations"),
    [
        (NOT_B, "B", "A", []),
        (NOT_B, "", "B", [f"{NET} is a banned network"]),
        (MUST_A, "", "B", []),
        (Rule(least=3), "", "A", []),
        (Rule(most=2), "A", "A", []),
        (
            Rule(most=2),
            "AA",
            "A",
            [
                f"{NET} would be network 3 of this server, which must have at"
                f" most 2 networks"
            ],
        ),
        (FREE_C, "AACC", "C", []),
        (FREE_C, "ACC", "A", []),
        (
            FREE_C,
            "AACC",
            "?",
            [
                f"{NET} would be network 3 of this server, which must have at"
                f" most 2 networks"
            ],
        ),
    ],
    ids=[
        "it was broken before",
        "banned",
        "what is required may come later",
        "so may the least",
        "the last",
        "one too many",
        "one that does not count",
        "one that counts",
        "one that nobody knows",
    ],
)
def test_one_more_network_is_judged_by_what_it_makes_worse(
    rule, present, letter, violations
):
    (nic,) = _nics(letter)
    found = network_rules.of_more(nic, _nics(present), rule)

    assert _told(found) == violations


@pytest.mark.parametrize(
    ("rule", "letter", "kept", "broken"),
    [
        (MUST_A, "B", "", False),
        (MUST_A, "A", "BC", True),
        (MUST_A, "A", "BA", False),
        (Rule(required={"blue": frozenset({A, C})}), "A", "C", False),
        (Rule(required={"blue": frozenset({A, C})}), "A", "B", True),
        (NOT_B, "B", "", False),
        (Rule(most=1), "A", "AAAA", False),
        (Rule(least=2), "A", "AA", False),
        (Rule(least=2), "A", "A", True),
        (Rule(least=2), "A", "", True),
        (FREE_C, "C", "", False),
        (FREE_C, "A", "C", True),
    ],
    ids=[
        "it lacks one anyway",
        "the last",
        "not the last",
        "another of the name",
        "the last of the name",
        "banned",
        "too many still",
        "enough",
        "too few",
        "too few before",
        "one that does not count",
        "the last that counts",
    ],
)
def test_one_less_network_is_judged_by_what_it_makes_worse(
    rule, letter, kept, broken
):
    (gone,) = _nics(letter)
    found = _told(network_rules.of_less(gone, _nics(kept), rule))

    assert bool(found) is broken
    assert all(f"{NET} cannot be taken away" in text for text in found)


ONE, TWO = (frozenset({ipaddress.ip_address(f"10.0.0.{n}")}) for n in (1, 2))


@pytest.mark.parametrize(
    ("gone", "kept", "lost"),
    [
        (ONE, [TWO], False),
        (ONE, [frozenset()], True),
        (ONE, [frozenset(), TWO], False),
        (frozenset(), [frozenset()], False),
        (frozenset(), [], True),
    ],
    ids=["another", "one without", "both", "none has one", "the last"],
)
def test_a_nic_without_an_address_is_no_way_where_another_has_one(
    gone, kept, lost
):
    found = network_rules.of_lost(
        Nic(A, NET, addresses=gone),
        [Nic(A, addresses=addresses) for addresses in kept],
        MUST_A,
    )

    assert (
        _told(found)
        == [f"{NET} cannot be taken away: it is the last on network blue"]
        * lost
    )


KNOWN = Networks(
    [
        Network(A, "blue", "op", frozenset("*")),
        Network(B, "blue", "red", frozenset()),
        Network(C, "own", "red", frozenset()),
    ]
)


@pytest.mark.parametrize(
    ("wording", "rule"),
    [
        (Wording(), Rule()),
        (
            Wording(required=("blue",), least=1, most=2),
            Rule(
                required={"blue": frozenset({A})},
                permitted=frozenset({A}),
                least=1,
                most=2,
            ),
        ),
        (Wording(banned=("blue",)), Rule(banned=frozenset({A, B}))),
        (
            Wording(required=("nil",)),
            Rule(required={"nil": frozenset()}),
        ),
        (
            Wording(allowed=("own",), optional=("blue",)),
            Rule(
                allowed=("own",),
                permitted=frozenset({A, C}),
                uncounted=frozenset({A}),
            ),
        ),
        (
            Wording(optional=("blue",), count_optional=True),
            Rule(permitted=frozenset({A})),
        ),
        (
            Wording(
                required=(A.upper(),),
                banned=(A.replace("a", "d").upper(),),
                allowed=(f"{{{B}}}",),
                optional=(C,),
            ),
            Rule(
                required={A.upper(): frozenset({A})},
                banned=frozenset({A.replace("a", "d")}),
                allowed=(f"{{{B}}}",),
                permitted=frozenset({A, B, C}),
                uncounted=frozenset({C}),
            ),
        ),
    ],
    ids=[
        "nothing",
        "a shared network counts before others of its name",
        "all of a name are banned",
        "no network of the name",
        "the project's own",
        "counted",
        "ids",
    ],
)
def test_a_wording_means_ids(wording, rule):
    known = Networks(())
    found = wording.rule(KNOWN if wording.has_names else known, "red")

    assert found == rule


def test_an_id_is_a_rule_whatever_is_known():
    wording = Wording(required=(A,), banned=(B,))

    assert wording.rule(Networks(()), "x") == wording.rule(KNOWN, "red")


@pytest.mark.parametrize(
    ("wording", "names"),
    [
        (Wording(required=(A,), banned=(B,), least=1), False),
        (Wording(), False),
        (Wording(required=(A, "blue")), True),
        (Wording(banned=("blue",)), True),
        (Wording(allowed=("blue",)), True),
        (Wording(optional=("blue",)), True),
    ],
)
def test_names_have_to_be_known(wording, names):
    assert wording.has_names is names


@pytest.mark.parametrize(
    ("rule", "only"),
    [
        (Rule(least=1, most=2), True),
        (MUST_A, False),
        (NOT_B, False),
        (Rule(allowed=("nil",)), False),
        (FREE_C, False),
    ],
)
def test_which_network_it_is_matters_to_some_rules(rule, only):
    assert rule.only_counts is only
