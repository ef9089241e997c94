import pytest

from tests.unit.recovery.cloud import Nova
from tests.unit.recovery.working import Bench


@pytest.fixture
def bench(tmp_path):
    """Makes a store, a Nova and an engine's hold on a recovery of its host."""
    made = []

    def bench(servers=3, **settings):
        made.append(Bench(tmp_path, Nova(servers), **settings))
        return made[-1]

    yield bench
    for one in made:
        one.stop.set()
        one.close()
