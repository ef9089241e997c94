import contextlib
from functools import partial
from pathlib import Path

import pytest

from waffles import exceptions
from waffles.database import upgrades
from waffles.database.opened import Opened, ready


def test_it_is_opened_when_it_is_first_needed(url):
    opened = Opened(partial(ready, url))
    assert not Path(url.removeprefix("sqlite:///")).exists()

    with contextlib.closing(opened()) as found:
        assert upgrades.version(found) == upgrades.head()
        assert opened() is found


def test_one_that_is_of_a_newer_waffles_is_none_for_us(url):
    change = f"UPDATE {upgrades.VERSION_TABLE} SET version_num = 'newer'"  # noqa: S608
    with contextlib.closing(ready(url)) as database:
        database.write(lambda c: c.exec_driver_sql(change))

    with pytest.raises(exceptions.Unavailable, match="newer"):
        Opened(partial(ready, url))()
