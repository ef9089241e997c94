"""Keystone, Nova and Neutron fail, and come back.

Whole waffles, as api-paste.ini has them, over a Nova that takes anything;
what they ask is on real sockets.
"""

import contextlib
import functools
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.functional import outages
from tests.functional.outages import BLUE, FAULTS, PORT, RED, SERVICES
from waffles.demo import cloud as demo
from waffles.demo import standins
from waffles.fabric import keeper
from waffles.filters import network_policy, networks

ROOT = Path(__file__).parents[2]

#: Seconds that requests wait, where that is tested and where not, and what a
#: busy machine may add.
TIMEOUT, ENOUGH, SLACK = 0.5, 10, 5

UNKNOWN = "The networks of this cloud cannot be looked up now."
UNSEEN = "The networks of this request cannot be looked up now."

#: What the log says of a fault.
WHY = {
    "500": "broken now",
    "503": "Service Unavailable|Unknown Error",
    "401": r"no: \[waffles\] needs an administrator",
    "403": r"no: \[waffles\] needs an administrator",
    "404": "Not [Ff]ound",
    "refused": "Connection refused",
    "reset": "Connection aborted",
    "cut answer": "Connection broken",
    **dict.fromkeys(
        outages.SLOW, rf"no answer within {TIMEOUT} s from {{host}}"
    ),
    **dict.fromkeys(
        ("HTML", "other JSON", "cut JSON"),
        "Invalid response|Neutron answers without|there are no aggregates",
    ),
}


@pytest.fixture(autouse=True)
def tries(monkeypatch):
    """Who waits for the next try waits less than TIMEOUT."""
    monkeypatch.setattr(keeper, "SPACING", 0.05)


@pytest.fixture
def site():
    with outages.Site() as site:
        yield site


@pytest.fixture
def whole(tmp_path):
    """Makes a waffle for a site."""
    made = {}

    def whole(
        site, text="", factory=networks.filter_factory, timeout=TIMEOUT, **how
    ):
        name = factory.__module__.rpartition(".")[2]
        text = f"{site.access}[waffles_{name}]\ntimeout = {timeout}\n{text}\n"
        file = made.setdefault(text, tmp_path / f"{len(made)}.conf")
        file.write_text(text)
        return outages.Whole(factory, file, **how)

    return whole


@pytest.fixture
def ruled(whole):
    return functools.partial(whole, factory=network_policy.filter_factory)


def eventually(true, seconds=20):
    """Wait until something is true, and give it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.05)
    return pytest.fail("it did not happen")


def _works(waffle, network=RED):
    answer = waffle.create()
    return answer.status == 202 and answer.networks == [{"uuid": network}]


def _in_time(answer):
    assert answer.seconds < TIMEOUT + SLACK


def _refused(answer, message=UNKNOWN):
    """Whether it is refused, with nothing of the cloud's insides."""
    _in_time(answer)
    return answer[:4] == (503, message, "5", None)


def _passed(answer):
    """Whether Nova got the request as it was."""
    _in_time(answer)
    return answer[:4] == (202, None, None, None)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_cold_waffle_answers_in_time_and_says_why(
    site, whole, service, fault, caplog
):
    timeout = TIMEOUT if fault in outages.SLOW else ENOUGH
    refusing = whole(site, timeout=timeout)
    passing = whole(site, "on_unavailable = pass", timeout=timeout)
    site[service].breaks(FAULTS[fault])
    refused, passed = outages.together(refusing.create, passing.create)

    assert _refused(refused)
    assert _passed(passed)
    asked = "Nova" if service == "nova" else "Neutron"
    why = WHY[fault].format(host=re.escape(site[service].url[7:]))
    line = rf"Could not fetch networks: (?=.*({why})){asked} "
    eventually(lambda: len(re.findall(line, caplog.text)) >= 2)
    assert "networks passed servers:create" in caplog.text

    site[service].mend()
    eventually(lambda: _works(refusing))
    eventually(lambda: _works(passing))


@pytest.mark.parametrize("service", SERVICES)
def test_a_warm_waffle_goes_on_until_it_is_stale(whole, service):
    """Each fault at a site of its own, all at once."""

    def row(fault, site):
        text = "refresh_interval = 1\nstale_after = 3\n"
        refusing = whole(site, text)
        passing = whole(site, f"{text}on_unavailable = pass")
        eventually(lambda: _works(refusing))
        eventually(lambda: _works(passing))
        site[service].breaks(FAULTS[fault])
        if service == "keystone":  # which is not missed otherwise
            site.revoke()
        fresh = [refusing.create(), passing.create()]
        assert [one.networks for one in fresh] == [[{"uuid": RED}]] * 2
        refused = eventually(lambda: _refused(refusing.create()))
        passed = eventually(lambda: _passed(passing.create()))
        site[service].mend()
        eventually(lambda: _works(refusing))
        eventually(lambda: _works(passing))
        return refused and passed

    with contextlib.ExitStack() as stack:
        calls = [
            functools.partial(row, fault, stack.enter_context(outages.Site()))
            for fault in FAULTS
        ]
        assert all(outages.together(*calls))


def test_a_request_in_steady_state_makes_no_http_call(site, whole):
    waffle = whole(site, timeout=ENOUGH)
    assert _works(waffle)
    before = site.requests
    answers = [waffle.create() for _ in range(50)]

    assert {one.networks[0]["uuid"] for one in answers} <= {RED, BLUE}
    assert site.requests == before


def test_requests_do_not_wait_for_a_refresh_that_hangs(site, whole, caplog):
    waffle = whole(
        site, "refresh_interval = 1\nstale_after = 60", timeout=ENOUGH
    )
    assert _works(waffle)
    site["neutron"].breaks(FAULTS["hang"])
    before = site["neutron"].requests
    eventually(lambda: site["neutron"].requests > before)
    answers = outages.together(*[waffle.create] * 40)

    assert site["neutron"].requests == before + 1
    assert max(one.seconds for one in answers) < 5
    assert {one.status for one in answers} == {202}
    site["neutron"].mend()


def test_many_requests_at_once_make_one_survey(site, whole):
    """In both of Nova's pipelines, /v2 and /v2.1."""
    pipelines = [whole(site, timeout=ENOUGH) for _ in range(2)]
    site["neutron"].slows(0.2)
    calls = [pipelines[number % 2].create for number in range(40)]
    answers = outages.together(*calls)

    assert [one.networks for one in answers] == [[{"uuid": RED}]] * 40
    assert site.surveys == 1


#: What the table of a network_policy has: option, and fields of a create.
RULES = {
    "name": ("banned = red", {"networks": [{"uuid": BLUE}]}, UNKNOWN),
    "port": (f"banned = {RED}", {"networks": [{"port": PORT}]}, UNSEEN),
}


#: What Neutron says to the caller about his port.
HIDDEN = dict.fromkeys(
    ("401", "403", "404"),
    f"Neutron does not show the caller /v2.0/ports/{PORT}.",
)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("service", ["keystone", "neutron"])
def test_networks_that_cannot_be_judged_are_refused_in_time(
    site, ruled, service, fault
):
    timeout = TIMEOUT if fault in outages.SLOW else ENOUGH
    made = [
        (ruled(site, f"{option}\nmode = {mode}", timeout=timeout), fields)
        for option, fields, _ in RULES.values()
        for mode in ("enforce", "audit")
    ]
    calls = [
        functools.partial(waffle.create, **fields) for waffle, fields in made
    ]
    site[service].breaks(FAULTS[fault])
    name, name_passed, port, port_passed = outages.together(*calls)

    assert _refused(name, UNKNOWN)
    if service == "neutron" and fault in HIDDEN:
        assert (port.status, port.message) == (int(fault), HIDDEN[fault])
    else:
        assert _refused(port, UNSEEN)
    for passed, (_, fields) in (
        (name_passed, made[1]),
        (port_passed, made[3]),
    ):
        assert passed.networks == fields["networks"]
        _in_time(passed)

    site[service].mend()
    for call in calls:
        eventually(lambda call=call: call().status == 202)


def test_keystone_is_not_missed_while_the_token_is_good(site, whole):
    waffle = whole(
        site, "refresh_interval = 1\nstale_after = 1.5", timeout=ENOUGH
    )
    assert _works(waffle)
    site["keystone"].breaks(FAULTS["hang"])
    surveys = site.surveys
    eventually(lambda: site.surveys > surveys + 1)

    assert _works(waffle)


#: What a script has: the waffle of a file, which creates servers.
SCRIPT = """
    import sys
    sys.path[:0] = [{root!r}]
    {first}
    import os, threading, time
    from tests.functional import outages
    from waffles.filters import networks
    {before}
    waffle = outages.Whole(networks.filter_factory, sys.argv[1])
    def chosen():
        answer = waffle.create()
        if answer.status != 202:
            return answer.message
        (network,) = answer.networks
        return {{outages.RED: "red", outages.BLUE: "blue"}}[network["uuid"]]
    def until(network):
        end = time.monotonic() + 60
        while chosen() != network:
            assert time.monotonic() < end
            time.sleep(0.05)
    def say(*words):
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""


class Script:
    """A process of its own with a waffle."""

    def __init__(self, file, script, first="", before=""):
        root = str(ROOT)
        common = SCRIPT.format(root=root, first=first, before=before)
        text = textwrap.dedent(common) + textwrap.dedent(script)
        self._process = subprocess.Popen(  # noqa: S603  our own script
            [sys.executable, "-W", "ignore", "-c", text, str(file), UNKNOWN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        if error[0]:
            self._process.kill()
        with self._process.stdout:
            code = self._process.wait(60)
        assert error[0] or code == 0

    def line(self):
        """The next line of its output."""
        return self._process.stdout.readline().strip()

    def go(self):
        """Let it read a line of its input."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()


@pytest.fixture
def file(tmp_path, site):
    """Makes the file of a waffle in another process."""

    def file(text):
        found = tmp_path / "script.conf"
        found.write_text(
            f"{site.access}[waffles_networks]\nmode = enforce\n{text}\n"
        )
        return found

    return file


FORK = """
    say({warm})
    child = os.fork()
    name = "parent" if child else "child"
    say(name, chosen())
    until("blue")
    say(name, "blue")
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize("warm", ["chosen()", "'cold'"])
def test_a_waffle_works_on_both_sides_of_a_fork(site, file, warm):
    """As uWSGI makes its workers, unless it is told lazy-apps."""
    text = "refresh_interval = 1\nstale_after = 30"
    with Script(file(text), FORK.format(warm=warm)) as script:
        first = [script.line() for _ in range(3)]
        site.free = {RED: 1, BLUE: 90_000}
        then = [script.line() for _ in range(2)]

    assert first[0] == ("cold" if warm == "'cold'" else "red")
    assert sorted(first[1:]) == ["child red", "parent red"]
    assert sorted(then) == ["child blue", "parent blue"]


GREEN = """
    ticks = []
    def tick():
        while True:
            ticks.append(1)
            eventlet.sleep(0.01)
    eventlet.spawn(tick)
    threads = [eventlet.spawn(chosen) for _ in range(40)]
    say(*{thread.wait() for thread in threads})
    sys.stdin.readline()
    until(sys.argv[2])
    del ticks[:]
    threads = [eventlet.spawn(waffle.create) for _ in range(10)]
    answers = [thread.wait() for thread in threads]
    say(*{one.status for one in answers})
    say(max(one.seconds for one in answers))
    say(len(ticks))
    sys.stdin.readline()
    until("red")
    say("red")
"""


def test_a_waffle_works_in_green_threads(site, file):
    site["neutron"].slows(0.1)
    text = "refresh_interval = 1\nstale_after = 3\ntimeout = 2"
    first = "import eventlet; eventlet.monkey_patch()"
    with Script(file(text), GREEN, first) as script:
        assert script.line() == "red"
        assert site.surveys == 1
        site["neutron"].breaks(FAULTS["hang"])
        script.go()
        status, took, ticks = (script.line() for _ in range(3))
        site["neutron"].mend()
        script.go()
        assert script.line() == "red"

    assert status == "503"
    assert float(took) < 2 + SLACK
    assert int(ticks) > 10


CACHE = """
[cache]
enabled = true
backend = dogpile.cache.dbm
backend_argument = filename:{}/cache.dbm
"""

WORKER = """
    sys.stdin.readline()
    say(chosen())
    end = time.monotonic() + float({seconds})
    while time.monotonic() < end:
        chosen()
        time.sleep(0.02)
    say("end")
"""

#: Who claims to refresh looks twice, this long apart: machines are busy.
PAUSE = "from waffles.clients import cache; cache.PAUSE = 0.5"


def _workers(file, seconds):
    """Three processes that begin at once, until their end."""
    script = WORKER.format(seconds=seconds)
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(Script(file, script, before=PAUSE))
            for _ in range(3)
        ]
        for worker in workers:
            worker.go()
        said = [(worker.line(), worker.line()) for worker in workers]
    assert said == [("red", "end")] * 3


@pytest.mark.parametrize(
    ("cached", "surveys"), [("", 3), (CACHE, 1)], ids=["alone", "cache"]
)
def test_workers_make_one_survey_with_a_cache(
    site, file, tmp_path, cached, surveys
):
    _workers(file(cached.format(tmp_path)), seconds=0.1)

    assert site.surveys == surveys


def test_workers_with_a_cache_make_one_survey_an_interval(
    site, file, tmp_path
):
    text = "refresh_interval = 2\nstale_after = 60"
    start = time.monotonic()
    _workers(file(text + CACHE.format(tmp_path)), seconds=7)
    intervals = (time.monotonic() - start) / 2

    assert 3 <= site.surveys <= intervals + 1


@pytest.fixture
def real(cloud, nova):
    """A site whose Nova is real; a network is on one of its hosts."""
    beside = standins.beside(nova.app, cloud)
    network = cloud.neutron.add("outages", total=9)

    def admin(method, path, body=None):
        answer = nova.call(method, f"/v2.1{path}", body, user=demo.ADMIN)
        assert answer.status_int == 200, answer.text
        return answer

    body = {"aggregate": {"name": "outages"}}
    made = admin("POST", "/os-aggregates", body).json["aggregate"]
    path = f"/os-aggregates/{made['id']}"
    for name, change in {
        "add_host": {"host": "host2"},
        "set_metadata": {"metadata": {"networks": network}},
    }.items():
        admin("POST", f"{path}/action", {name: change})
    with outages.Site(nova.app, beside, beside, "/identity") as site:
        site.network = network
        yield site
    remove = {"remove_host": {"host": "host2"}}
    admin("POST", f"{path}/action", remove)
    admin("DELETE", path)
    cloud.neutron.remove(network)


def test_a_real_nova_makes_servers_once_the_cloud_is_back(
    real, configured, nova
):
    text = f"refresh_interval = 3600\nstale_after = 3600\ntimeout = {TIMEOUT}"
    api = configured(f"{real.access}[waffles_networks]\n{text}\n")
    server = {"name": "outages", "imageRef": demo.IMAGE, "flavorRef": "1"}

    def create():
        return api.call("POST", "/v2.1/servers", {"server": server})

    for service in SERVICES:
        real[service].breaks(FAULTS["hang"])
        start = time.monotonic()
        refused = create()
        assert time.monotonic() - start < TIMEOUT + SLACK
        assert refused.status_int == 503
        assert refused.json["serviceUnavailable"]["message"] == UNKNOWN
        real[service].mend()
    listed = nova.call("GET", "/v2.1/servers?name=outages").json["servers"]
    assert listed == []

    made = eventually(lambda: (one := create()).status_int == 202 and one)
    made_id = made.json["server"]["id"]
    try:
        found = api.wait(made_id)
        assert found["OS-EXT-SRV-ATTR:host"] == "host2"
        assert list(found["addresses"]) == ["outages"]
    finally:
        api.delete(made_id)
