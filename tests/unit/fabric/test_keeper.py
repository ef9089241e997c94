import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from waffles import exceptions
from waffles.fabric import keeper as keepers

#: Seconds that a test waits for something that happens at once.
LONG = 20
REFUSED = "The networks of this cloud cannot be looked up now."


class Gone(BaseException):
    """What ends a thread."""


class Time:
    """Time that passes when a test says so, but for those who wait."""

    def __init__(self):
        self.now, self.over = 1000.0, False
        self.sleepers = 0

    def __call__(self):
        return self.now

    def sleep(self, event, seconds):
        until = self.now + seconds
        self.sleepers += 1
        while self.now < until and not event.is_set():
            if self.over:
                raise Gone
            time.sleep(0.001)
        self.sleepers -= 1

    def forward(self, seconds):
        """Let time pass once the thread has nothing to do."""
        eventually(lambda: self.sleepers)
        self.now += seconds


class Cloud:
    """What is fetched: a number that grows, or what makes an error."""

    def __init__(self):
        self.fetched, self.error = 0, None
        self.go = threading.Event()
        self.go.set()

    def __call__(self):
        self.fetched += 1
        number, error = self.fetched, self.error
        self.go.wait(LONG)
        if error:
            raise error()
        return {"number": number}


class Shared:
    """Facts that another worker may have written, or be about to."""

    def __init__(self):
        self.found, self.free, self.claims = None, True, []

    def read(self):
        return self.found

    def write(self, taken, facts):
        self.found = taken, facts

    def claim(self, seconds):
        self.claims.append(seconds)
        return self.free


def unavailable():
    return exceptions.Unavailable("Nova: no answer within 5 s")


def build(facts, taken, previous):
    return facts["number"], taken, previous and previous[0]


@pytest.fixture
def cloud():
    return Cloud()


@pytest.fixture
def clock(cloud, monkeypatch):
    """The time of a test, with which its threads end."""
    theirs = threading.excepthook

    def hook(args):
        if args.exc_type is not Gone:
            theirs(args)

    monkeypatch.setattr(threading, "excepthook", hook)
    clock = Time()
    yield clock
    clock.over = True
    cloud.go.set()
    for thread in threads():
        thread.join()


@pytest.fixture
def keeper(clock, cloud):
    """Makes one: every 60 s, for 300 s, requests wait 5 s."""

    def keeper(**how):
        settings = {
            "build": build,
            "interval": 60,
            "stale_after": 300,
            "timeout": 5,
            "wall": clock,
            "clock": clock,
            "sleep": clock.sleep,
            "jitter": lambda: 0.0,
        }
        return keepers.Keeper("networks", cloud, **{**settings, **how})

    return keeper


def eventually(true):
    for _ in range(LONG * 100):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen")


def threads():
    """Those of keepers."""
    return [
        thread
        for thread in threading.enumerate()
        if thread.name == "waffles-networks"
    ]


def waiting(kept):
    """How many requests wait."""
    here = kept._processes.get(os.getpid())
    return len(here.changed._waiters) if here else 0


def refused(kept):
    with pytest.raises(exceptions.Unavailable) as caught:
        kept.get()
    return str(caught.value) == REFUSED


def test_a_value_is_built_of_facts_and_the_value_before(keeper, clock):
    kept = keeper()
    assert kept.get() == (1, 1000.0, None)
    clock.forward(60)

    eventually(lambda: kept.get() == (2, 1060.0, 1))


def test_a_value_is_fetched_once_an_interval(keeper, clock, cloud):
    kept = keeper()
    for number in range(1, 5):
        eventually(lambda number=number: kept.get()[0] == number)
        clock.forward(59.0)
        time.sleep(0.02)
        assert cloud.fetched == number
        clock.forward(1.0)


def test_workers_do_not_fetch_in_step(keeper, clock, cloud):
    kept = keeper(jitter=lambda: 1.0)
    kept.get()
    clock.forward(65.9)
    time.sleep(0.02)
    assert cloud.fetched == 1
    clock.forward(0.2)

    eventually(lambda: cloud.fetched == 2)


def test_what_is_there_is_given_while_the_next_is_fetched(
    keeper, clock, cloud
):
    kept = keeper()
    kept.get()
    cloud.go.clear()
    clock.forward(60)
    eventually(lambda: cloud.fetched == 2)

    assert kept.get()[0] == 1
    cloud.go.set()
    eventually(lambda: kept.get()[0] == 2)


def test_many_requests_at_once_fetch_once(keeper, cloud):
    kept = keeper()
    cloud.go.clear()
    got = []
    requests = [
        threading.Thread(target=lambda: got.append(kept.get()))
        for _ in range(50)
    ]
    for thread in requests:
        thread.start()
    eventually(lambda: cloud.fetched and waiting(kept) == 50)
    cloud.go.set()
    for thread in requests:
        thread.join()

    assert len(set(got)) == 1
    assert len(got) == 50
    assert cloud.fetched == 1


def test_a_failure_keeps_the_last_value_and_says_so(
    keeper, clock, cloud, caplog
):
    kept = keeper()
    kept.get()
    cloud.error = unavailable
    clock.forward(60)
    eventually(lambda: caplog.records)

    assert kept.get()[0] == 1
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "Could not fetch networks: Nova: no answer within 5 s; the last are"
        " 60 s old, and used for 240 s more; next try in 60 s, or when a"
        " request needs it"
    )
    assert not record.exc_info


def test_a_value_that_is_too_old_is_not_given(keeper, clock, cloud, caplog):
    kept = keeper()
    kept.get()
    cloud.error = unavailable
    clock.forward(299.9)
    assert kept.get()[0] == 1
    eventually(lambda: caplog.records)
    clock.now += 1

    assert refused(kept)
    assert "and who needs them is refused" in caplog.text


def test_a_value_that_took_long_is_old_already(keeper, clock):
    def slow(facts, taken, previous):
        clock.now += 299
        return facts

    kept = keeper(build=slow)
    kept.get()
    clock.now += 2
    assert clock.now > kept._kept.until


def test_it_works_again_after_ten_minutes_of_failures(
    keeper, clock, cloud, caplog
):
    caplog.set_level("INFO")
    kept = keeper()
    cloud.error = ZeroDivisionError
    assert refused(kept)
    for _ in range(10):
        done = cloud.fetched
        clock.forward(60)
        eventually(lambda done=done: cloud.fetched > done)
    failures = len(caplog.records)
    cloud.error = None
    clock.forward(60)
    eventually(lambda: len(caplog.records) > failures)

    assert kept.get()[0] == cloud.fetched
    assert 10 <= failures <= 11
    assert {one.levelname for one in caplog.records[:failures]} == {"WARNING"}
    assert "there are none yet" in caplog.text
    assert "ZeroDivisionError" in caplog.records[0].exc_text
    assert caplog.messages[failures:] == ["Fetched networks again after 660 s"]


@pytest.mark.parametrize("where", ["fetch", "build"])
def test_whatever_is_raised_the_thread_lives(keeper, clock, cloud, where):
    wrong = [True]

    def faulty(facts, taken, previous):
        if wrong and where == "build":
            raise RecursionError
        return facts["number"]

    cloud.error = RecursionError if where == "fetch" else None
    kept = keeper(build=faulty)
    assert refused(kept)
    (thread,) = threads()
    wrong.clear()
    cloud.error = None
    clock.forward(60)

    eventually(lambda: kept._kept)
    assert kept.get() == 2
    assert threads() == [thread]


def test_a_thread_that_is_gone_is_replaced(keeper, clock, cloud):
    kept = keeper()
    kept.get()
    cloud.error = Gone
    clock.forward(60)
    eventually(lambda: not kept._processes[os.getpid()].running)
    assert kept.get()[0] == 1
    cloud.error = None
    clock.now += 300

    assert kept.get()[0] == 3


def test_requests_are_refused_if_no_thread_can_be_started(
    keeper, monkeypatch, caplog
):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    assert refused(keeper())
    assert "can't start new thread" in caplog.text


def test_requests_that_wait_do_not_hammer(keeper, clock, cloud):
    kept = keeper()
    cloud.error = unavailable
    assert refused(kept)
    refusals = []

    def ask():
        refusals.append(refused(kept))

    requests = [threading.Thread(target=ask) for _ in range(10)]
    for thread in requests:
        thread.start()
    eventually(lambda: waiting(kept) == 10)
    assert cloud.fetched == 1
    clock.forward(keepers.SPACING)
    for thread in requests:
        thread.join()

    assert cloud.fetched == 2
    assert refusals == [True] * 10


def test_a_request_waits_no_longer_than_it_may(keeper, cloud, caplog):
    kept = keeper(clock=time.monotonic, timeout=0.1)
    cloud.go.clear()
    start = time.monotonic()

    assert refused(kept)
    assert time.monotonic() - start < LONG / 2
    assert "No networks came in the 0.1 s" in caplog.text
    cloud.go.set()
    eventually(lambda: kept._kept)


def test_a_try_that_stood_still_refuses_nobody(keeper, clock, cloud):
    kept = keeper()
    cloud.error = unavailable
    cloud.go.clear()
    thread = threading.Thread(target=refused, args=(kept,))
    thread.start()
    eventually(lambda: cloud.fetched and waiting(kept))
    clock.now += 100
    cloud.error = None
    got = []
    late = threading.Thread(target=lambda: got.append(kept.get()))
    late.start()
    eventually(lambda: waiting(kept) == 2)
    cloud.go.set()
    for one in (thread, late):
        one.join()

    assert [value for value, *_ in got] == [2]


def test_the_thread_ends_with_its_keeper(keeper, clock):
    kept = keeper()
    kept.get()
    here = kept._processes[os.getpid()]
    del kept
    clock.forward(61)

    eventually(lambda: not here.running)


def test_the_first_request_of_a_process_starts_its_thread(
    keeper, monkeypatch, cloud
):
    kept = keeper()
    kept.get()
    monkeypatch.setattr(keepers.os, "getpid", lambda: -1)

    assert kept.get()[0] == 1
    eventually(lambda: cloud.fetched == 2)


def test_facts_of_another_worker_are_used(keeper, clock, cloud):
    shared = Shared()
    shared.found = 990.0, {"number": 70}
    kept = keeper(shared=shared)

    assert kept.get() == (70, 990.0, None)
    clock.forward(49.9)
    time.sleep(0.02)
    shared.write(1049.0, {"number": 71})
    clock.forward(0.1)
    eventually(lambda: kept.get() == (71, 1049.0, 70))
    assert cloud.fetched == 0


@pytest.mark.parametrize(
    "found",
    [
        None,
        (940.0, {"number": 70}),
        (1060.0, {"number": 70}),
        (float("nan"), {"number": 70}),
        (990.0, {"other": 70}),
    ],
    ids=["none", "old", "of the future", "no time", "of another kind"],
)
def test_who_finds_no_facts_of_use_fetches_for_all(keeper, cloud, found):
    shared = Shared()
    shared.found = found
    kept = keeper(shared=shared)

    assert kept.get()[0] == 1
    eventually(lambda: shared.found == (1000.0, {"number": 1}))
    assert shared.claims == [5]


def test_facts_that_nothing_can_be_built_of_are_not_shared(keeper):
    shared = Shared()
    kept = keeper(shared=shared, build=lambda *args: 1 / 0)

    assert refused(kept)
    assert shared.found is None


def test_who_gets_no_claim_waits_for_the_facts(keeper, clock, cloud):
    shared = Shared()
    shared.free = False
    kept = keeper(shared=shared)
    got = []
    thread = threading.Thread(target=lambda: got.append(kept.get()))
    thread.start()
    eventually(lambda: waiting(kept) and shared.claims)
    shared.write(1000.0, {"number": 70})
    clock.forward(keepers.POLL)
    thread.join()

    assert got == [(70, 1000.0, None)]
    assert cloud.fetched == 0


def test_who_gets_the_claim_of_one_that_has_gone_fetches(keeper, clock, cloud):
    shared = Shared()
    shared.free = False
    kept = keeper(shared=shared)
    got = []
    thread = threading.Thread(target=lambda: got.append(kept.get()))
    thread.start()
    eventually(lambda: waiting(kept) and shared.claims)
    shared.free = True
    clock.forward(keepers.POLL)
    thread.join()

    assert got[0][0] == cloud.fetched == 1


def test_who_waits_for_nothing_says_so(keeper, clock, caplog):
    shared = Shared()
    shared.free = False
    kept = keeper(shared=shared)
    thread = threading.Thread(target=refused, args=(kept,))
    thread.start()
    eventually(lambda: waiting(kept) and shared.claims)
    clock.forward(5)
    thread.join()

    assert "another worker fetches, and nothing came of it in 5 s" in (
        caplog.text
    )


def test_a_fetch_is_under_a_deadline(keeper, monkeypatch):
    left = []

    def fetch():
        left.append(keepers.deadline._ACTIVE.get().left())
        return {"number": 1}

    kept = keeper()
    kept._fetch = fetch
    kept.get()

    assert 0 < left[0] <= 5


def _run(script, *args):
    """Run a script in a process of its own; its output."""
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script), *args],
        capture_output=True,
        timeout=120,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


FORK = """
    import os, sys, threading, time
    from waffles.fabric import keeper
    keeper.SPACING = 0.01
    hold = threading.Event()
    parent = os.getpid()
    def fetch():
        if hold.is_set() and os.getpid() == parent:
            time.sleep(3600)
        return os.getpid()
    kept = keeper.Keeper(
        "networks", fetch, lambda facts, *_: facts,
        interval=0.05, stale_after=float(sys.argv[1]), timeout=30,
    )
    assert kept.get() == parent
    hold.set()
    time.sleep(0.2)
    with kept._processes[parent].changed:
        child = os.fork()
        if not child:
            first = kept.get()
            while kept.get() == parent:
                time.sleep(0.01)
            print("parent" if first == parent else "child", flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize(
    ("stale_after", "first"), [("3600", "parent"), ("0.1", "child")]
)
def test_a_forked_process_refreshes_whatever_its_parent_held(
    stale_after, first
):
    assert _run(FORK, stale_after) == [first]


GREEN = """
    import os
    from waffles.fabric import keeper
    import eventlet
    eventlet.monkey_patch()
    keeper.SPACING = 0.01
    fetched = []
    def fetch():
        fetched.append(1)
        eventlet.sleep(0.2)
        return len(fetched)
    kept = keeper.Keeper(
        "networks", fetch, lambda facts, *_: facts,
        interval=1, stale_after=60, timeout=30,
    )
    threads = [eventlet.spawn(kept.get) for _ in range(50)]
    print(*{thread.wait() for thread in threads}, flush=True)
    while kept.get() < 3:
        eventlet.sleep(0.01)
    print(kept.get(), flush=True)
    child = os.fork()
    if not child:
        while kept.get() < 4:
            eventlet.sleep(0.01)
        print("child", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_it_works_in_green_threads():
    pytest.importorskip("eventlet")

    assert _run(GREEN) == ["1", "3", "child"]


WORKERS = """
    import os, sys, time
    from waffles import config
    from waffles.clients import cache
    from waffles.fabric import keeper
    cache.PAUSE = 0.5
    folder = sys.argv[1]
    shared = cache.shared(config.read([f"{folder}/waffles.conf"]), "networks")
    def fetch():
        with open(f"{folder}/fetched", "a") as file:
            file.write(f"{time.time()}\\n")
        return time.time()
    kept = keeper.Keeper(
        "networks", fetch, lambda facts, *_: facts,
        interval=3, stale_after=60, timeout=20, shared=shared,
    )
    for _ in range(5):
        if not os.fork():
            break
    seen = set()
    while len(seen) < 3:
        seen.add(kept.get())
        time.sleep(0.05)
    os.write(1, " ".join([*map(str, seen), "\\n"]).encode())
    try:
        while True:
            os.wait()
    except ChildProcessError:
        os._exit(0)
"""


def test_many_workers_fetch_once_an_interval(tmp_path):
    (tmp_path / "waffles.conf").write_text(
        "[cache]\nenabled = true\nbackend = dogpile.cache.dbm\n"
        f"backend_argument = filename:{tmp_path}/cache.dbm\n"
    )
    seen = _run(WORKERS, str(tmp_path))
    times = [*map(float, (tmp_path / "fetched").read_text().split())]
    gaps = [later - one for one, later in zip(times, times[1:], strict=False)]

    assert len(seen) == 6 * 3
    assert len(set(seen)) <= len(times)
    assert min(gaps) > 2
