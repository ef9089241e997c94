import dataclasses
from functools import partial

import pytest
import sqlalchemy as sa

from tests.unit.recovery.stores import (
    HOST,
    LINE,
    created,
    events,
    had,
    recovery,
    together,
)
from waffles.recovery.model import Line, Phase, Return
from waffles.recovery.store import store as stores


def test_a_recovery_is_given_back_as_it_was_written(store):
    line = Line("received", "by a test", request_id="req-1")
    asked = recovery(zone="z1", asserted_by="admin", request_id="req-1")

    before = store.now()
    made, new = store.create(asked, line=line)

    assert new
    assert len(made.id) == 36
    assert before <= made.created_at == made.updated_at <= store.now()
    assert made == dataclasses.replace(
        asked,
        id=made.id,
        created_at=made.created_at,
        updated_at=made.updated_at,
    )
    assert store.recovery(made.id) == made
    (found,) = store.lines(made.id)
    assert (found.event, found.request_id, found.at) == (
        "received",
        "req-1",
        made.created_at,
    )


def test_nobody_has_a_new_recovery_whatever_it_says(store):
    asked = recovery(epoch=7, owner="me", returning=Return.DOWN)

    made, _ = store.create(asked, line=LINE)

    assert (made.epoch, made.owner) == (0, "")
    assert store.claim("one", 30).epoch == 1


def test_a_host_has_one_open_recovery(store):
    first = created(store)

    with pytest.raises(stores.AlreadyOpen, match=first.id) as caught:
        created(store)

    assert caught.value.code == 409
    assert caught.value.recovery == first
    assert events(store, first.id) == ["received"]


@pytest.mark.parametrize(
    "host", ["compute-10", "COMPUTE-1", "compute-1.example.com", "compute-ä"]
)
def test_another_host_is_another(store, host):
    first = created(store)

    assert created(store, host).host == host
    assert store.open_of(HOST) == first


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.PARTIAL, Phase.FAILED])
def test_a_host_can_fail_again_when_its_recovery_has_ended(store, phase):
    first = created(store)
    had(store, first.id).save(phase=phase)

    second = created(store)

    assert second.id != first.id
    assert store.latest(HOST) == store.open_of(HOST) == second


def test_the_same_request_gets_the_same_recovery(store):
    how = {"key": "k", "digest": "d", "by": "me", "line": LINE}
    first, new = store.create(recovery(), **how)
    again = store.create(recovery(), **how)
    had(store, first.id).save(phase=Phase.DONE)
    late, late_new = store.create(recovery(), **how)

    assert new
    assert again == (first, False)
    assert (late.id, late.phase, late_new) == (first.id, Phase.DONE, False)
    assert store.open_of(HOST) is None


def test_a_request_may_be_looked_for_before_it_is_made(store):
    assert store.repeated(HOST) is None
    assert store.repeated(HOST, "k", "d", "me") is None

    made, _ = store.create(recovery(), key="k", digest="d", by="me", line=LINE)

    assert store.repeated(HOST, "k", "d", "me") == made
    assert store.repeated("compute-2") is None
    with pytest.raises(stores.KeyReused):
        store.repeated("compute-2", "k", "e", "me")
    for request in [(), ("l", "d", "me"), ("k", "d", "you")]:
        with pytest.raises(stores.AlreadyOpen):
            store.repeated(HOST, *request)


def test_a_key_is_for_one_request(store):
    store.create(recovery(), key="k", digest="d", by="me", line=LINE)

    with pytest.raises(stores.KeyReused):
        store.create(
            recovery("compute-2"), key="k", digest="e", by="me", line=LINE
        )
    assert store.latest("compute-2") is None


@pytest.mark.parametrize(
    ("by", "key"),
    [("you", "k"), ("me", "K"), ("me", "l"), ("me", ""), ("", "k")],
)
def test_another_key_or_caller_is_another_request(store, by, key):
    store.create(recovery(), key="k", digest="d", by="me", line=LINE)

    other, new = store.create(
        recovery("compute-2"), key=key, digest="d", by=by, line=LINE
    )

    assert new
    assert other.host == "compute-2"


def test_a_key_does_not_open_what_is_open(store):
    first = created(store)

    with pytest.raises(stores.AlreadyOpen, match=first.id):
        store.create(recovery(), key="k", digest="d", by="me", line=LINE)


def test_requests_without_a_key_have_nothing_in_common(store):
    made = [created(store, f"compute-{number}") for number in range(3)]

    assert len({one.id for one in made}) == 3


def attempt(url, key, host):
    """What another API node answers."""
    opened = stores.open(url)
    try:
        found, new = opened.create(
            recovery(host), key=key, digest="d", by="me", line=LINE
        )
    except stores.AlreadyOpen as error:
        return error.recovery.id, False
    finally:
        opened.close()
    return found.id, new


@pytest.mark.parametrize("key", ["", "k"], ids=["no key", "a key"])
def test_two_requests_at_the_same_moment_make_one_recovery(store, url, key):
    for number in range(3):
        host = f"compute-{number}"
        asked = partial(attempt, url, key and f"k{number}", host)

        answers = together(*[asked] * 4)

        assert len({id for id, _ in answers}) == 1
        assert [new for _, new in answers].count(True) == 1
        assert attempt(url, "", host) == (answers[0][0], False)
    assert len(store.recoveries(limit=100)) == 3


class Ending(stores.Store):
    """A store where what is in the way ends before anybody looks."""

    def repeated(self, host, *request):
        had(self, self.open_of(host).id).save(phase=Phase.DONE)
        return super().repeated(host, *request)


def test_what_was_in_the_way_may_have_ended(store):
    first = created(store)

    second, new = Ending(store.database).create(recovery(), line=LINE)

    assert new
    assert store.open_of(HOST) == second
    assert store.recovery(first.id).phase is Phase.DONE


def test_what_no_constraint_of_ours_explains_is_an_error(store):
    first = created(store)
    same_id = dataclasses.replace(recovery("compute-2"), id=first.id)

    with pytest.raises(sa.exc.IntegrityError):
        store.create(same_id, line=LINE)


def test_what_a_database_does_not_take_is_replaced(store):
    asked = recovery()
    said = dataclasses.replace(
        asked.assertion, evidence="a\0b\ud800", reason="🔥" * 20_000
    )

    made, _ = store.create(
        dataclasses.replace(asked, assertion=said), line=LINE
    )

    assert made.assertion.evidence == "a\ufffdb?"
    assert made.assertion.reason == "🔥" * 16_000
