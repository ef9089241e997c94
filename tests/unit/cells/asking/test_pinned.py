import types

import pytest

from waffles import exceptions
from waffles.cells.asking import pinned
from waffles.clients.cell import End, Outcome

#: Where a call ends that no cell has surely heard.
UNSENT = (End.REFUSED, End.BUSY, End.OPEN)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("end", [*End][1:])
def test_the_client_is_told_where_nobody_knows_what_was_done(method, end):
    call = types.SimpleNamespace(method=method)
    with pytest.raises(exceptions.Unavailable) as caught:
        pinned.told(call, Outcome("c2", end, why="Why."))

    unknown = method != "GET" and end not in UNSENT
    assert ("may have done it" in str(caught.value)) == unknown
    assert str(caught.value).endswith("Why.")


@pytest.mark.parametrize("status", [200, 204, 404, 500])
def test_an_answer_is_passed_on(status):
    call = types.SimpleNamespace(method="POST")
    reply = pinned.told(call, Outcome("c2", End.ANSWERED, status, json={}))

    assert (reply.status, reply.data) == (status, {})
