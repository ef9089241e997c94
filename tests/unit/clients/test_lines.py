import os
import time

import pytest

from tests.unit.clients import peers
from waffles.clients import lines

#: Seconds in which a connection is made on a busy machine.
LONG = 10


@pytest.fixture
def peer():
    with peers.Peer(peers.silent) as peer:
        yield peer


@pytest.fixture
def known(peer):
    known = lines.Lines(peer.url, 1, 2, None)
    yield known
    known.close()


def new(known):
    return known.new(time.monotonic() + LONG)


def test_there_is_none_before_one_is_kept(known):
    assert known.kept() is None


def test_one_that_is_kept_is_used_by_one_at_a_time(known):
    line = new(known)
    known.keep(line)
    assert known.kept() is line
    assert known.kept() is None
    line.close()


def test_so_many_are_kept_and_the_rest_is_closed(known):
    made = [new(known) for _ in range(3)]
    for line in made:
        known.keep(line)
    assert [line.sock is None for line in made] == [False, False, True]


def test_one_that_the_peer_has_closed_is_not_used(known):
    with peers.Peer(lambda connection, stop: None) as other:
        short = lines.Lines(other.url, 1, 2, None)
        line = new(short)
        while line.is_idle():
            time.sleep(0.01)
        short.keep(line)
        assert short.kept() is None
    assert line.sock is None


def test_closing_closes_what_is_kept(known):
    line = new(known)
    known.keep(line)
    known.close()
    assert line.sock is None
    assert known.kept() is None


def test_a_forked_process_does_not_use_those_of_its_parent(known):
    line = new(known)
    known.keep(line)
    child = os.fork()
    if not child:
        os._exit(known.kept() is not None)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert known.kept() is line
    line.close()


def test_a_connection_that_is_not_made_in_time_is_none(known):
    with pytest.raises(lines.Unreached, match="no connection in time"):
        known.new(time.monotonic())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection ref"),
        (ValueError("what a peer has said"), "ValueError"),
    ],
    ids=["of the system", "another"],
)
def test_an_error_says_nothing_that_the_peer_has_said(error, said):
    assert lines.text(error).startswith(said)
    assert "peer" not in lines.text(error)
