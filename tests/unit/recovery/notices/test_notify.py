import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent import futures

import pytest

from tests.unit.recovery.receiver import Receiver
from tests.unit.recovery.settings import settings
from waffles import config, exceptions
from waffles.recovery.model import (
    Assertion,
    Decision,
    Gate,
    Line,
    Notice,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.notices import notices, notify, webhook, webhook_options
from waffles.recovery.store import store

LONG = 10
SECRET = "a secret of some length"  # noqa: S105
GATE = Gate("scheduler", False, "no nova-scheduler is up")


class Site:
    """A database with a recovery in it, and what tells people of it."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / "recovery.db"
        self.store = store.open(f"sqlite:///{self.file}")
        self.recovery, _ = self.store.create(
            Recovery(
                id="",
                host="c1",
                phase=Phase.RECEIVED,
                assertion=Assertion("c1", fenced=True),
                service_id="s-1",
            ),
            line=Line("received", "c1 is gone"),
        )
        self.lease = self.store.claim("engine", 60)

    def settings(self, url="", **more):
        return settings(
            self.folder, webhook_url=url, webhook_secret=SECRET, **more
        )

    def custom(self, made, many=1):
        """Servers that are for somebody else, with their notices."""
        rows = [
            Server(
                server_id=f"{number:08}-2222-4333-8444-555555555555",
                decision=Decision.CUSTOM,
                state=State.NOTIFYING,
                source="c1",
            )
            for number in range(many)
        ]
        told = notices.of_servers(rows, self.recovery, made)
        return self.lease.add(rows, notices=told)

    def held(self, made):
        told = notices.held(self.recovery, [GATE], made)
        self.lease.save(phase=Phase.HELD, notices=told)

    def notifier(self, made, bus=None, **how):
        return notify.Notifier(
            self.store, webhook_options.load(made), bus, made, "engine", **how
        )

    @property
    def states(self):
        found = self.store.servers(self.recovery.id)
        return [row.state for row in found]

    @property
    def reason(self):
        return self.store.servers(self.recovery.id)[0].reason

    @property
    def outbox(self):
        return self.lease.notices()

    def hurry(self):
        """Have everything due now."""
        for one in self.outbox:
            self.store.failed(one.key, one.error, 0.0)


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.store.close()


class Ways:
    """Sends that end as they are told to, and are recorded."""

    def __init__(self, *errors):
        self.errors, self.sent = list(errors), []

    def __call__(self, delivery, event, message):
        self.sent.append((delivery, event, message))
        if self.errors:
            error = self.errors.pop(0)
            if error:
                raise error


def _no(text="the webhook answers 500"):
    return exceptions.Unavailable(text)


def test_a_custom_server_is_notified_once_its_notice_has_arrived(site):
    with Receiver() as receiver:
        made = site.settings(receiver.url)
        site.custom(made)
        assert site.states == [State.NOTIFYING]
        assert site.notifier(made).step() == 0.0

    (post,) = receiver.posts
    (notice,) = site.outbox
    assert site.states == [State.NOTIFIED]
    assert notice.delivered_at
    expected = f"{site.recovery.id}-{notice.key}"
    assert post.headers["X-Waffles-Delivery"] == expected
    assert post.headers["X-Waffles-Event"] == "server.custom"


def test_a_notice_is_sent_again_until_it_arrives(site):
    with Receiver(500, 503, 200) as receiver:
        made = site.settings(receiver.url)
        site.custom(made)
        notifier = site.notifier(made)
        for expected in (State.NOTIFYING, State.NOTIFYING, State.NOTIFIED):
            notifier.step()
            assert site.states == [expected]
            site.hurry()
        assert notifier.step() > 0

    assert len(receiver.posts) == 3
    assert len(set(receiver.header("X-Waffles-Delivery"))) == 1
    assert len({post.body for post in receiver.posts}) == 1


def test_why_a_notice_did_not_arrive_is_on_record(site):
    with Receiver(503) as receiver:
        made = site.settings(receiver.url)
        site.held(made)
        site.notifier(made).step()

    (notice,) = site.store.undelivered(10)
    assert notice.error == "the webhook answers 503"
    assert notice.attempts == 1


def test_a_notice_is_not_due_again_before_its_pause(site):
    made = site.settings("https://hooks.example.com", notice_retry=100)
    site.held(made)
    way = Ways(_no())
    drawn = iter([1.0, 0.5])
    notifier = notify.Notifier(
        site.store, way, None, made, "engine", draw=lambda: next(drawn)
    )
    before = site.store.now()
    notifier.step()

    (notice,) = site.outbox
    assert before + 100 <= notice.next_at <= site.store.now() + 100
    assert notifier.step() == notify.LOOK
    assert len(way.sent) == 1


@pytest.mark.parametrize(
    ("attempts", "drawn", "seconds"),
    [
        (1, 1.0, 10),
        (1, 0.0, 5),
        (2, 1.0, 20),
        (5, 1.0, 160),
        (6, 1.0, 300),
        (6, 0.0, 150),
        (5000, 1.0, 300),
    ],
)
def test_pauses_double_up_to_five_minutes(attempts, drawn, seconds):
    assert notify.pause(attempts, 10, drawn) == seconds


def test_a_custom_server_fails_when_its_notice_is_given_up(site):
    told = []
    with Receiver(500) as receiver:
        made = site.settings(receiver.url, notice_give_up=0)
        site.custom(made)
        notifier = site.notifier(made, told=lambda *what: told.append(what))
        for _ in range(notify.TRIES):
            assert site.states == [State.NOTIFYING]
            notifier.step()
            site.hurry()
        notifier.step()

    (notice,) = site.outbox
    assert site.states == [State.FAILED]
    assert site.reason.endswith("be delivered: the webhook answers 500")
    assert notice.gave_up_at
    assert len(receiver.posts) == notify.TRIES
    results = [result for _, result in told]
    assert results == ["failed", "failed", "given_up"]
    assert {one.key for one, _ in told} == {notice.key}


def test_a_notice_that_is_young_is_not_given_up(site):
    made = site.settings("https://hooks.example.com", notice_give_up=900)
    site.held(made)
    way = Ways(*[_no()] * 9)
    notifier = notify.Notifier(site.store, way, None, made, "engine")
    for _ in range(9):
        notifier.step()
        site.hurry()

    (notice,) = site.outbox
    assert notice.gave_up_at is None
    assert notice.attempts == 9


def test_410_gives_up_at_once(site):
    with Receiver(410) as receiver:
        made = site.settings(receiver.url)
        site.custom(made)
        site.notifier(made).step()

    (notice,) = site.outbox
    assert notice.gave_up_at
    assert site.states == [State.FAILED]


def test_an_error_that_nobody_thought_of_is_a_failure(site, caplog):
    made = site.settings("https://hooks.example.com")
    site.held(made)
    way = Ways(RuntimeError("what a surprise"))
    notify.Notifier(site.store, way, None, made, "engine").step()

    (notice,) = site.outbox
    assert notice.error == "RuntimeError"
    assert "what a surprise" in caplog.text


def test_a_target_that_is_no_longer_configured_is_a_failure(site):
    site.held(site.settings("https://hooks.example.com"))
    site.notifier(site.settings()).step()

    (notice,) = site.outbox
    assert notice.error == "no webhook is configured any more"


def test_the_bus_alone_decides_of_a_custom_server(site):
    made = site.settings(bus=True)
    site.custom(made)
    way = Ways(_no("the bus is away"))
    notifier = site.notifier(made, bus=notify.on_bus(way))
    notifier.step()
    assert site.states == [State.NOTIFYING]
    site.hurry()
    notifier.step()

    assert site.states == [State.NOTIFIED]
    (first, again) = way.sent
    assert first == again
    assert first[1] == "waffles.server.custom"


def test_with_a_webhook_the_copy_on_the_bus_decides_nothing(site):
    way = Ways()
    with Receiver(500, 200) as receiver:
        made = site.settings(receiver.url, bus=True)
        site.custom(made)
        notifier = site.notifier(made, bus=notify.on_bus(way))
        notifier.step()
        assert len(way.sent) == 1
        assert site.states == [State.NOTIFYING]
        site.hurry()
        notifier.step()

    assert site.states == [State.NOTIFIED]
    (_, event, message) = way.sent[0]
    assert event == "waffles.server.custom"
    assert message["event"] == "server.custom"


def test_a_copy_that_is_given_up_fails_no_server(site):
    way = Ways(webhook.Gone("no"))
    with Receiver(500) as receiver:
        made = site.settings(receiver.url, bus=True)
        site.custom(made)
        site.notifier(made, bus=way).step()

    assert site.states == [State.NOTIFYING]
    assert [bool(one.gave_up_at) for one in site.outbox] == [False, True]


def test_one_that_hangs_does_not_hold_up_the_others(site):
    go, way = threading.Event(), Ways()
    made = site.settings("https://hooks.example.com", bus=True)
    site.held(made)

    def hang(*what):
        assert go.wait(LONG)

    def free(*what):
        way(*what)
        go.set()

    notify.Notifier(site.store, hang, free, made, "engine").step()

    assert all(one.delivered_at for one in site.outbox)


def test_two_notifiers_deliver_each_notice_once(site):
    with Receiver() as receiver:
        made = site.settings(receiver.url)
        site.custom(made, 40)
        other = store.open(f"sqlite:///{site.file}")

        def all_of(rows, engine):
            hook = webhook_options.load(made)
            notifier = notify.Notifier(rows, hook, None, made, engine)
            while notifier.step() == 0:
                pass

        with futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(all_of, [site.store, other], ["one", "two"]))
        other.close()

    assert len(receiver.posts) == 40
    assert len(set(receiver.header("X-Waffles-Delivery"))) == 40
    assert set(site.states) == {State.NOTIFIED}


#: A notifier that is killed when the receiver has answered, before anything
#: is written down.
KILLED = """
import os, pathlib, signal, sys
from tests.unit.recovery.settings import settings
from waffles.recovery.notices import notify, webhook_options
from waffles.recovery.store import store
url, folder = sys.argv[1], pathlib.Path(sys.argv[2])
made = settings(folder, webhook_url=url, webhook_secret="secret")
rows = store.open(f"sqlite:///{folder}/recovery.db")
rows.delivered = lambda key: os.kill(os.getpid(), signal.SIGKILL)
notify.Notifier(rows, webhook_options.load(made), None, made, "killed").step()
"""


def test_a_notice_whose_sender_was_killed_is_sent_again_with_its_id(site):
    with Receiver() as receiver:
        # So that the lease of the one that is killed is over soon.
        made = site.settings(receiver.url, webhook_timeout=0.1)
        site.custom(made)
        done = subprocess.run(  # noqa: S603 (the script is ours)
            [sys.executable, "-W", "ignore", "-c", KILLED]
            + [receiver.url, str(site.folder)],
            cwd=os.getcwd(),
            timeout=60,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
        assert len(receiver.posts) == 1
        assert site.states == [State.NOTIFYING]
        notifier = site.notifier(made)
        assert notifier.step() > 0, "its lease is over too soon"
        site.hurry()  # what the end of the lease does
        notifier.step()

    assert site.states == [State.NOTIFIED]
    first, second = receiver.posts
    assert first.body == second.body
    assert len(set(receiver.header("X-Waffles-Delivery"))) == 1


def test_what_a_dead_sender_had_is_due_again_after_a_while(site):
    made = site.settings("https://hooks.example.com", webhook_timeout=7)
    site.held(made)
    asked = []

    class Watched(Ways):
        def __call__(self, *what):
            asked.extend(site.outbox)

    before = site.store.now()
    notify.Notifier(site.store, Watched(), None, made, "engine").step()

    # Twice the time that it may take to send, and some for the store.
    assert before + 24 <= asked[0].next_at <= site.store.now() + 24


class Broken:
    """An outbox that is away for what is named, and then is there."""

    def __init__(self, rows, **times):
        self._rows, self._times = rows, times

    def __getattr__(self, name):
        if self._times.get(name, 0):
            self._times[name] -= 1
            raise exceptions.Unavailable(f"{name}: the database is away")
        return getattr(self._rows, name)


@pytest.mark.parametrize("name", ["delivered", "failed", "now"])
def test_what_could_not_be_written_down_is_sent_again(site, name, caplog):
    made = site.settings("https://hooks.example.com")
    site.held(made)
    way = Ways(None if name == "delivered" else _no())
    rows, told = Broken(site.store, **{name: 1}), []
    notifier = notify.Notifier(
        rows, way, None, made, "engine", told=lambda *what: told.append(what)
    )
    notifier.step()
    assert "the database is away" in caplog.text
    assert told == []
    site.hurry()
    notifier.step()

    first, second = way.sent
    assert first == second
    assert all(one.delivered_at for one in site.outbox)


class Hurry(threading.Event):
    """Waits for a moment only, and remembers for how long it should have."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def wait(self, timeout=None):
        self.waits.append(timeout)
        return super().wait(0.001)


@pytest.mark.parametrize("error", [exceptions.Unavailable, RuntimeError])
def test_it_goes_on_when_the_store_is_back(site, error, caplog):
    made = site.settings("https://hooks.example.com")
    site.held(made)
    stop = Hurry()

    class Rows:
        """Away twice."""

        left = 2

        def __getattr__(self, name):
            if name == "due" and self.left:
                self.left -= 1
                raise error("the database is away")
            return getattr(site.store, name)

    def sent(*what):
        stop.set()

    notify.Notifier(Rows(), sent, None, made, "engine").run(stop)

    assert [one for one in stop.waits if one] == [notify.AGAIN] * 2
    assert caplog.text.count("Notices wait") == 2
    assert all(one.delivered_at for one in site.outbox)


def test_it_ends_soon_when_it_is_told_to(site):
    made = site.settings()
    stop = threading.Event()
    thread = threading.Thread(
        target=site.notifier(made).run, args=(stop,), daemon=True
    )
    thread.start()
    time.sleep(0.1)
    stop.set()
    thread.join(LONG)
    assert not thread.is_alive()


def test_what_is_under_way_is_finished_at_the_end(site):
    made = site.settings("https://hooks.example.com")
    site.held(made)
    stop = threading.Event()

    def slowly(*what):
        stop.set()
        time.sleep(0.1)

    notify.Notifier(site.store, slowly, None, made, "engine").run(stop)
    assert all(one.delivered_at for one in site.outbox)


def test_no_secret_and_no_url_is_logged(site, caplog):
    caplog.set_level("INFO")
    with Receiver(500) as receiver:
        made = site.settings(f"{receiver.url}/hidden")
        site.held(made)
        site.notifier(made).step()

    (notice,) = site.outbox
    shown = caplog.text + notice.error + repr(made)
    assert "the webhook answers 500" in caplog.text
    assert "hidden" not in shown
    assert SECRET not in shown


CONF = """
[waffles_recovery]
{0}
[oslo_messaging_notifications]
driver = messagingv2
transport_url = fake:/
"""


def _of_settings(site, made):
    file = site.folder / "all.conf"
    file.write_text(CONF.format(""))
    conf = config.read([str(file)])
    return notify.of_settings(site.store, made, conf, "engine")


@pytest.mark.filterwarnings("ignore")  # of oslo.messaging's imports
def test_settings_say_where_notices_go(site):
    with Receiver() as receiver:
        made = site.settings(receiver.url, bus=True)
        site.custom(made)
        _of_settings(site, made).step()

    assert len(receiver.posts) == 1
    assert all(one.delivered_at for one in site.outbox)


def test_a_bus_that_is_not_asked_for_is_not_used(site):
    site.held(site.settings(bus=True))
    _of_settings(site, site.settings()).step()

    (notice,) = site.outbox
    assert notice.error == "no bus is configured any more"


def test_a_bus_that_is_not_there_stops_the_start(site):
    conf = config.read([])
    with pytest.raises(exceptions.ConfigError, match="driver"):
        notify.of_settings(site.store, site.settings(bus=True), conf, "engine")


def test_a_name_in_the_log_tells_which_notice_it_is():
    notice = Notice("recovery.held", "bus", {}, key=5, recovery_id="r-1")
    found = notify._name(dataclasses.replace(notice, attempts=2))
    assert found == "Notice r-1-5 (recovery.held to the bus, sent 2 times)"
