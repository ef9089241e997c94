import pytest

from tests.unit.recovery.calling import Office
from tests.unit.recovery.stores import blank, made, store, url

__all__ = ["blank", "made", "office", "store", "url"]


@pytest.fixture
def office(tmp_path):
    """The endpoint, as an administrator finds it."""
    made = Office(tmp_path)
    yield made
    made.close()
