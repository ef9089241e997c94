import json
import queue
import threading
import time

import pytest

from waffles import config
from waffles.clients import notifications


def _conf(tmp_path, driver):
    file = tmp_path / "waffles.conf"
    file.write_text(
        "[oslo_messaging_notifications]\n"
        f"driver = {driver}\ntransport_url = fake:/\n"
    )
    return config.read([str(file)])


@pytest.mark.filterwarnings("ignore")  # of oslo.messaging's imports
def test_a_notification_reaches_the_driver(tmp_path, caplog):
    caplog.set_level("INFO")
    notify = notifications.notifier(_conf(tmp_path, "log"))
    notify("waffles.violation", {"policy": "naming"})

    for _ in range(200):
        for record in caplog.records:
            if record.name.startswith("oslo.messaging.notification"):
                sent = json.loads(record.getMessage())
                assert sent["event_type"] == "waffles.violation"
                assert sent["payload"] == {"policy": "naming"}
                return
        time.sleep(0.02)
    pytest.fail("nothing was sent")


def test_without_a_driver_nothing_is_sent(tmp_path):
    notify = notifications.notifier(_conf(tmp_path, ""))

    assert not isinstance(notify, notifications._Sender)
    notify("waffles.violation", {})


def test_a_bus_that_is_away_holds_up_nobody(caplog):
    class Away:
        def get_notification_transport(self, conf):
            threading.Event().wait()

    notify = notifications._Sender(Away(), None)
    for _ in range(notifications.WAITING + 20):
        notify("waffles.violation", {})

    assert any("Dropped" in r.getMessage() for r in caplog.records)
    assert isinstance(notify._queue, queue.Queue)


def test_a_forked_process_sends_by_itself(monkeypatch):
    class Bus:
        def get_notification_transport(self, conf):
            threading.Event().wait()

    notify = notifications._Sender(Bus(), None)
    notify("a", {})
    first = notify._queue
    monkeypatch.setattr(notifications.os, "getpid", lambda: -1)
    notify("a", {})

    assert notify._queue is not first
