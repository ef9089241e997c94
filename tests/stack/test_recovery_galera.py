"""The store on a cluster whose nodes take back, at COMMIT, what came second.

Each node lets anybody change a row that another node is changing; who commits
later is told that there was a deadlock.
"""

import collections
import contextlib
from functools import partial

import pytest

from tests.stack import galera, site
from tests.unit.recovery.store import test_claims, test_creates, test_taking
from tests.unit.recovery.stores import (
    LINE,
    created,
    had,
    recovery,
    servers,
    together,
)
from waffles.recovery.model import State
from waffles.recovery.store import store as stores
from waffles.recovery.store import taking


@pytest.fixture(scope="module")
def cluster():
    with site.prepared() as place:
        found = galera.Cluster(place)
        found.start()
        yield found


@pytest.fixture
def urls(cluster, request):
    """One database, by both nodes."""
    found = cluster.make(f"test_{abs(hash(request.node.name))}")
    stores.upgrade(found[0])
    return found


@pytest.fixture
def nodes(urls):
    """Its stores."""
    opened = [stores.open(url) for url in urls]
    yield opened
    for one in opened:
        one.close()


def test_what_one_node_has_committed_the_other_reads(nodes):
    one, two = nodes
    for number in range(50):
        made = created(one, f"compute-{number}")
        assert two.recovery(made.id) == made


def test_a_transaction_that_came_second_is_run_again(nodes):
    one, two = (node.database for node in nodes)
    runs = []

    def slow(connection):
        taking.turn(connection)
        runs.append(1)
        if len(runs) == 1:
            two.write(taking.turn)

    one.write(slow)

    assert len(runs) == 2


@pytest.mark.parametrize("key", ["", "k"], ids=["no key", "a key"])
def test_two_requests_at_the_same_moment_make_one_recovery(nodes, urls, key):
    for number in range(5):
        key, host = key and f"k{number}", f"compute-{number}"
        asked = partial(test_creates.attempt, key=key, host=host)

        answers = together(*[partial(asked, url) for url in urls * 2])

        assert len({id for id, _ in answers}) == 1
        assert [new for _, new in answers].count(True) == 1
    assert len(nodes[1].recoveries(limit=100)) == 5


def test_engines_on_two_nodes_have_different_recoveries(nodes, urls):
    made = [created(nodes[0], f"compute-{n}").id for n in range(12)]

    found = together(
        *[
            partial(test_claims.claims, url, f"engine-{number}")
            for number, url in enumerate(urls * 2)
        ]
    )

    assert sorted(sum(found, [])) == sorted((id, 1) for id in made)


def test_limits_hold_when_engines_take_on_two_nodes(nodes, urls):
    hosts = [created(nodes[0], f"compute-{n}").id for n in range(4)]
    for id in hosts:
        lease = had(nodes[0], id)
        lease.add(servers(12))
        lease.release()

    found = together(
        *[
            partial(test_taking.engine, url, f"engine-{number}")
            for number, url in enumerate(urls * 3)
        ]
    )

    taken = collections.Counter(pair for pairs, _ in found for pair in pairs)
    assert sum(taken.values()) > 20
    assert max(most["all"] for _, most in found) <= test_taking.IN_ALL
    assert max(most["here"] for _, most in found) <= test_taking.PER_RECOVERY
    flying = [
        row.server_id
        for id in hosts
        for row in nodes[1].servers(id)
        if row.state is State.ISSUING
    ]
    assert len(set(flying)) == len(flying) <= test_taking.IN_ALL


def test_an_open_host_is_open_on_both_nodes(nodes):
    one, two = nodes
    made = created(one)

    with pytest.raises(stores.AlreadyOpen) as caught:
        two.create(recovery(), line=LINE)

    assert caught.value.recovery.id == made.id
    with contextlib.closing(two):
        assert two.claim("two", 60).recovery_id == made.id
    assert one.claim("one", 60) is None
