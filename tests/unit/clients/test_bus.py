import subprocess
import sys
import threading

import pytest

from tests.unit.clients import peers
from waffles import config, exceptions
from waffles.clients import bus

#: Seconds that a notification may have, and that it may take at most.
TIME, LONG = 0.3, 10

pytestmark = pytest.mark.filterwarnings("ignore")  # oslo.messaging's imports


def _conf(tmp_path, text):
    file = tmp_path / "waffles.conf"
    file.write_text(text)
    return config.read([str(file)])


def _notifications(driver, url="fake:/"):
    return (
        "[oslo_messaging_notifications]\n"
        f"driver = {driver}\ntransport_url = {url}\n"
    )


@pytest.fixture
def listener(tmp_path):
    """What has come to a queue of oslo.messaging's own fake broker."""
    messaging = pytest.importorskip("oslo_messaging")
    conf = _conf(tmp_path, _notifications("messagingv2"))
    transport = messaging.get_notification_transport(conf)
    target = messaging.Target(topic="notifications.warn")
    exchanges = transport._driver._exchange_manager

    def heard():
        exchange = exchanges.get_exchange(target.exchange)
        return exchange.poll(target, None)[1]

    while heard():
        pass
    return heard


@pytest.mark.parametrize("driver", ["messaging", "messagingv2"])
def test_a_notification_is_with_the_broker_when_the_call_returns(
    tmp_path, listener, driver
):
    send = bus.load(_conf(tmp_path, _notifications(driver)), LONG)
    send("one-1", "waffles.server.custom", {"host": "c1"})

    heard = listener()
    assert heard["message_id"] == "one-1"
    assert heard["event_type"] == "waffles.server.custom"
    assert heard["payload"] == {"host": "c1"}
    assert heard["publisher_id"] == "waffles"
    assert heard["priority"] == "WARN"
    assert listener() is None


def test_each_driver_and_topic_gets_it(tmp_path, listener):
    text = _notifications("messaging") + "driver = messagingv2\n"
    text += "topics = notifications, elsewhere\n"
    send = bus.load(_conf(tmp_path, text), LONG)
    send("one-1", "e", {})

    assert [listener()["message_id"] for _ in range(2)] == ["one-1"] * 2
    assert listener() is None


URL = "rabbit://127.0.0.1/"
WRONG = {
    "nothing": ("", "driver"),
    "no driver": (_notifications(""), "driver"),
    "a driver without a broker": (_notifications("log"), "driver"),
    "none": (_notifications("noop"), "driver"),
    "Kafka": (
        _notifications("messagingv2", "kafka://127.0.0.1/"),
        "transport_url",
    ),
    "Kafka for all": (
        "[DEFAULT]\ntransport_url = kafka://127.0.0.1/\n"
        "[oslo_messaging_notifications]\ndriver = messagingv2\n",
        "transport_url",
    ),
}
RIGHT = {
    "one": _notifications("messagingv2"),
    "one of several": _notifications("log") + "driver = messaging\n",
    "Kafka for others": (
        "[DEFAULT]\ntransport_url = kafka://127.0.0.1/\n"
        + _notifications("messagingv2")
    ),
    "RabbitMQ for all": (
        f"[DEFAULT]\ntransport_url = {URL}\n"
        "[oslo_messaging_notifications]\ndriver = messagingv2\n"
    ),
    "no URL": "[oslo_messaging_notifications]\ndriver = messagingv2\n",
}


@pytest.mark.parametrize(("text", "option"), WRONG.values(), ids=WRONG.keys())
def test_a_bus_that_does_not_confirm_is_an_error(tmp_path, text, option):
    with pytest.raises(exceptions.ConfigError) as caught:
        bus.load(_conf(tmp_path, text), LONG)
    assert caught.value.option == option
    assert "confirm" in str(caught.value)


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())
def test_a_bus_that_confirms_is_taken(tmp_path, text):
    assert isinstance(bus.load(_conf(tmp_path, text), LONG), bus.Bus)


def test_that_oslo_messaging_is_not_there_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "oslo_messaging", None)

    with pytest.raises(exceptions.ConfigError, match="not installed"):
        bus.load(_conf(tmp_path, _notifications("messaging")), LONG)


def test_a_url_that_is_wrong_is_an_error_that_does_not_show_it(tmp_path):
    url = "nosuch://waffles:hidden@127.0.0.1/"
    conf = _conf(tmp_path, _notifications("messagingv2", url))

    with pytest.raises(exceptions.ConfigError) as caught:
        bus.load(conf, LONG)
    assert caught.value.option == "transport_url"
    assert "hidden" not in str(caught.value)


SCRIPT = """
import sys, time
from waffles import config, exceptions
from waffles.clients import bus
send = bus.load(config.read([sys.argv[1]]), 0.3)
begin = time.monotonic()
try:
    send("one-1", "e", {})
except exceptions.Unavailable as error:
    print(error, time.monotonic() - begin < 10)
"""


@pytest.mark.parametrize("is_there", [True, False])
def test_a_broker_without_an_answer_is_an_error_in_time(tmp_path, is_there):
    """In a process of its own: oslo.messaging's threads go on trying."""
    with peers.Peer(peers.silent) as peer:
        port = peer.port if is_there else 1
        url = f"rabbit://waffles:hidden@127.0.0.1:{port}/"
        _conf(tmp_path, _notifications("messagingv2", url))
        done = subprocess.run(  # noqa: S603 (the script is ours)
            [sys.executable, "-W", "ignore", "-c", SCRIPT]
            + [str(tmp_path / "waffles.conf")],
            capture_output=True,
            timeout=60,
            text=True,
        )
    why = "no answer from the message bus within 0.3 s"
    assert done.stdout == f"{why} True\n", done.stderr
    assert "hidden" not in done.stderr


def test_what_a_broker_refuses_is_an_error():
    def refuse(message):
        raise ValueError("at hidden@127.0.0.1")

    with pytest.raises(exceptions.Unavailable) as caught:
        bus.Bus(refuse, LONG)("one-1", "e", {})
    assert str(caught.value) == "the message bus has not taken it: ValueError"


def test_what_nobody_waits_for_any_more_is_not_sent():
    sent, free = [], threading.Event()

    def send(message):
        sent.append(message["message_id"])
        free.wait(LONG)

    slow = bus.Bus(send, TIME)
    for name in ("first", "second"):
        with pytest.raises(exceptions.Unavailable, match="within 0.3 s"):
            slow(name, "e", {})
    free.set()
    slow("third", "e", {})

    assert sent == ["first", "third"]


class Transport:
    """A transport of oslo.messaging that records."""

    def __init__(self):
        self.sent = []

    def _send_notification(self, target, context, message, version, retry):
        self.sent.append((target.topic, context, version, retry))
        # As the driver of RabbitMQ does.
        message["_unique_id"] = len(self.sent)


def test_a_driver_says_the_format_and_a_topic_the_place(tmp_path):
    messaging = pytest.importorskip("oslo_messaging")
    text = _notifications("messagingv2") + "driver = messaging\n"
    conf = _conf(tmp_path, text + "topics = one, two\n")
    messaging.get_notification_transport(conf)
    transport, message = Transport(), {"event_type": "e"}
    bus._sender(messaging, transport, conf)(message)

    assert transport.sent == [
        (topic, {}, version, bus.RETRIES)
        for topic in ("one.warn", "two.warn")
        for version in (1.0, 2.0)
    ]
    assert message == {"event_type": "e"}
