import pytest

from tests.unit.cells import novas
from waffles import config, exceptions
from waffles.cells import options
from waffles.cells.journal.alone import Alone
from waffles.cells.proxy import assembling
from waffles.clients import session


def ourselves(tmp_path, text):
    file = tmp_path / "waffles.conf"
    file.write_text(
        "[waffles]\nauth_type = http_basic\nusername = ann\npassword = x\n"
        f"endpoint = http://127.0.0.1:9\n{text}"
    )
    section = config.section(
        config.read([str(file)]), options.GROUP, options.OPTS
    )
    return assembling.ourselves(section, session.load(section.conf))


def cells(endpoint):
    return (
        "[waffles_cells]\nenabled_cells = c1\n[waffles_cell_c1]\n"
        f"number = 1\nhome = true\nendpoint = {endpoint}\n"
    )


@pytest.mark.parametrize(
    ("most", "version"), [("2.104", "2.75"), ("2.60", "2.60")]
)
def test_cells_are_asked_at_what_a_replay_needs_if_they_have_it(
    tmp_path, most, version
):
    nova = novas.Nova("a", most=most)
    with novas.served(nova) as url:
        ours = ourselves(tmp_path, cells(url))
        found = ours.call().ask("/flavors/a")["c1"]

    assert found.status == 200
    sent = nova.asked[-1].headers
    assert sent["OpenStack-API-Version"] == f"compute {version}"
    assert isinstance(ours.journal, Alone)


def test_our_own_rights_are_shown(tmp_path, monkeypatch):
    nova = novas.Nova("a")
    with novas.served(nova) as url:
        ours = ourselves(tmp_path, cells(url))
        monkeypatch.setattr(
            type(ours._access), "headers", lambda _: {"X-Auth-Token": "our"}
        )
        ours.call().ask("/flavors/a")

    assert nova.asked[-1].headers["X-Auth-Token"] == "our"


def test_a_local_cell_cannot_be_asked(tmp_path):
    with pytest.raises(exceptions.ConfigError, match="c1 is local"):
        ourselves(tmp_path, cells("local"))


def test_without_an_answer_there_is_no_call(tmp_path):
    ours = ourselves(tmp_path, cells("http://127.0.0.1:9/v2.1"))

    with pytest.raises(exceptions.Unavailable, match="No cell"):
        ours.call()
