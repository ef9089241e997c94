import logging
import os
import signal
import socket
import threading
import time

import pytest

from waffles.cli import app
from waffles.recovery.engine import engine
from waffles.recovery.store import store

ACCESS = "[waffles]\nauth_type = none\nendpoint = http://127.0.0.1:1\n"


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    """A run sets signals, and the levels of loggers, for good."""
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    level = logging.getLogger("waffles").level
    monkeypatch.setattr(engine, "LOOK", 0.05)
    yield
    logging.getLogger("waffles").setLevel(level)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def file(tmp_path):
    def file(text="", access=ACCESS):
        made = tmp_path / "waffles.conf"
        url = f"sqlite:///{tmp_path}/recovery.db"
        made.write_text(
            f"{access}[waffles_recovery]\nconnection = {url}\n{text}\n"
        )
        return str(made), url

    return file


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_engine_runs_until_it_is_told_to_end(file, number, capfd):
    name, url = file()
    rows = store.open(url)

    def end():
        for _ in range(500):
            if rows.engines():
                break
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=end)
    thread.start()
    code = app.main(["--config-file", name, "recovery", "run"])
    thread.join()

    assert code == 0
    assert rows.engines() == []
    rows.close()
    said = capfd.readouterr().err
    assert "begins" in said
    assert "has ended" in said


@pytest.mark.parametrize(
    ("text", "access", "said"),
    [
        ("lease_time = 1", ACCESS, "[waffles_recovery] lease_time: "),
        ("in_flight = many", ACCESS, "[waffles_recovery] in_flight: "),
        ("", "", "[waffles] auth_type: is required"),
    ],
    ids=["too short", "no number", "no access"],
)
def test_what_is_wrong_is_one_sentence_and_no_engine_runs(
    file, text, access, said, capsys
):
    name, _ = file(text, access)

    code = app.main(["--config-file", name, "recovery", "run"])

    assert code == 2
    assert said in capsys.readouterr().err


def test_an_address_that_somebody_has_keeps_it_from_running(file, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        name, _ = file(f"metrics_address = 127.0.0.1:{port}")

        code = app.main(["--config-file", name, "recovery", "run"])

    assert code == 2
    assert "Address already in use" in capsys.readouterr().err
