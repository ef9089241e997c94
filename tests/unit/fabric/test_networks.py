import pytest

from waffles.fabric.networks import EVERYONE, Network, Networks

A = "aaaaaaaa-5699-4588-a4b1-b87f96708bc6"
B = "bbbbbbbb-5699-4588-a4b1-b87f96708bc6"
C = "cccccccc-5699-4588-a4b1-b87f96708bc6"
SHARED = frozenset({EVERYONE})


def _network(id_, name="blue", project_id="op", **fields):
    return Network(id_, name, project_id, **fields)


@pytest.mark.parametrize(
    ("network", "projects"),
    [
        (_network(A, project_id="red"), {"red"}),
        (_network(A, shared_with=frozenset({"red"})), {"red"}),
        (_network(A, shared_with=SHARED), {"red", "green", None}),
        (_network(A, project_id="red", external=True), set()),
        (
            _network(A, external=True, shared_with=frozenset({"green"})),
            {"green"},
        ),
        (
            _network(A, external=True, shared_with=SHARED),
            {"red", "green", None},
        ),
    ],
    ids=[
        "own",
        "shared",
        "common",
        "own but external",
        "external and shared",
        "external and common",
    ],
)
def test_who_may_use_a_network(network, projects):
    found = {one for one in ("red", "green", None) if network.usable_by(one)}

    assert found == projects


@pytest.mark.parametrize("text", [A, A.upper(), A.replace("-", "")])
def test_an_id_means_its_network_in_any_spelling(text):
    known = Networks([_network(A), _network(B, name=A)])

    assert [network.id for network in known.of(text)] == [A]
    assert [network.id for network in known.meant(text, "op")] == [A]


@pytest.mark.parametrize("text", [C, "green", ""])
def test_what_nobody_knows_means_nothing(text):
    known = Networks([_network(A), _network(B)])

    assert known.of(text) == []
    assert known.meant(text, "op") == []


def test_a_name_may_mean_all_that_are_called_so():
    known = Networks([_network(A), _network(B), _network(C, name="Blue")])

    assert [network.id for network in known.of("blue")] == [A, B]


OWN = _network(A, project_id="red")
GIVEN = _network(B, shared_with=frozenset({"red"}))
HIDDEN = _network(B, project_id="green")
COMMON = _network(C, shared_with=SHARED)


@pytest.mark.parametrize(
    ("networks", "meant"),
    [
        ([OWN], [A]),
        ([GIVEN], [B]),
        ([HIDDEN], []),
        ([OWN, HIDDEN], [A]),
        ([OWN, GIVEN], []),
        ([OWN, GIVEN, COMMON], [C]),
        ([COMMON, _network(A, shared_with=SHARED)], [C, A]),
    ],
    ids=[
        "own",
        "shared",
        "of another project",
        "own beside that of another",
        "own beside one that somebody has shared",
        "common",
        "several that are common",
    ],
)
def test_a_name_means_what_nobody_else_can_fake(networks, meant):
    found = Networks(networks).meant("blue", "red")

    assert [network.id for network in found] == meant


def test_a_lookup_leaves_no_trace():
    known = Networks([])
    known.of("blue")

    assert known.by_name == {}
