import pytest

from tests.unit.recovery.stores import recovery
from waffles import exceptions
from waffles.recovery.store import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NoMarker("x"), 400),
        (errors.NoRecovery("x"), 404),
        (errors.AlreadyOpen(recovery()), 409),
        (errors.KeyReused("x"), 409),
        (errors.NotNow("x"), 409),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_refusal_has_a_code(error, code):
    assert isinstance(error, exceptions.Unjudged)
    assert error.code == code


def test_a_lost_lease_is_no_answer_to_a_request():
    assert not issubclass(errors.Lost, exceptions.Unjudged)
