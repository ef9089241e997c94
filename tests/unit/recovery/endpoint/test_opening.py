import pytest

from tests.unit.recovery.calling import Office
from waffles.caller import Caller
from waffles.recovery.endpoint import opening
from waffles.recovery.model import Assertion, Phase
from waffles.recovery.store.errors import AlreadyOpen, KeyReused

ANN = Caller(user_id="ann-id", user_name="ann", project_id="red")
SERVICE = {"id": 7, "zone": "az1"}


@pytest.fixture
def store(tmp_path):
    office = Office(tmp_path)
    yield office.store
    office.close()


def _opened(store, caller=ANN, service=SERVICE, **how):
    said = Assertion("c1", fenced=True)
    return opening.opened(store, service, said, caller, "req-1", **how)


def test_what_was_said_is_kept(store, caplog):
    made = _opened(store)

    assert store.recovery(made.id) == made
    assert made.phase is Phase.RECEIVED
    assert (made.service_id, made.zone) == ("7", "az1")
    assert (made.asserted_by, made.project_id) == ("ann", "red")
    assert f"Recovery {made.id} of host c1 is open: ann says" in caplog.text
    assert "[req-1]" in caplog.text


def test_a_service_that_nova_cannot_see_has_no_id(store):
    assert _opened(store, service={"status": "UNKNOWN"}).service_id == ""


def test_a_repeat_is_not_logged_again(store, caplog):
    made = _opened(store, key="k", digest="d")
    caplog.clear()

    assert _opened(store, key="k", digest="d") == made
    assert caplog.text == ""


def test_a_key_is_for_one_request(store):
    _opened(store, key="k", digest="d")

    with pytest.raises(KeyReused):
        _opened(store, key="k", digest="e")


def test_a_host_has_one_open_recovery(store):
    made = _opened(store)
    with pytest.raises(AlreadyOpen) as error:
        _opened(store, Caller())

    assert error.value.recovery == made


@pytest.mark.parametrize(
    ("assertion", "text"),
    [
        (Assertion("c1"), "not fenced"),
        (Assertion("c1", fenced=True), "fenced"),
        (Assertion("c1", fenced=True, fenced_by="ipmi"), "fenced by ipmi"),
        (
            Assertion("c1", True, evidence="off", reason="no ping"),
            "fenced; evidence: off; reason: no ping",
        ),
        (
            Assertion("c1", kdump=True),
            "not fenced; it may be writing a dump of its memory",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_record_says_who_said_what(store, assertion, text):
    made = opening.opened(store, SERVICE, assertion, ANN, "")
    (line,) = store.lines(made.id)

    assert line.message == f"ann says that c1 is gone: {text}"


def test_a_line_break_of_a_stranger_makes_no_line_of_the_log(store, caplog):
    said = Assertion("c1", fenced=True, evidence="a\nERROR b")
    opening.opened(store, SERVICE, said, ANN, "")

    assert "evidence: a\\nERROR b" in caplog.text
