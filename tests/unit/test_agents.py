"""The scripts in etc/, run as operators run them."""

import ast
import dataclasses
import datetime
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
import webob

from tests import fakes
from tests.unit import clouds
from tests.unit.clients import peers
from tests.unit.recovery import calling, certificates
from waffles import exceptions

ETC = Path(__file__).parents[2] / "etc"
FENCE, NAGIOS, MAY_START = (
    ETC / name
    for name in ("fence_waffles", "nagios_waffles", "waffles-may-start")
)

#: Seconds within which whatever hangs must have ended.
LONG = 60.0


@pytest.fixture
def waffles():
    return clouds.FakeWaffles("compute-1", "compute-10")


@pytest.fixture
def keystone(waffles):
    return clouds.FakeKeystone(waffles)


@pytest.fixture
def url(keystone):
    with clouds.served(keystone) as url:
        yield url


@pytest.fixture
def given(url):
    """Options, as Pacemaker has them in its configuration."""
    return {
        "auth_url": f"{url}/v3",
        "username": "fencer",
        "password": "s3cret=1",
    }


def run(script, *arguments, text="", path=os.environ["PATH"]):
    # Without the variables that tests are run with, as in a cluster.
    return subprocess.run(  # noqa: S603
        [script, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
        env={"PATH": f"{Path(sys.executable).parent}:{path}"},
    )


def lines(**options):
    return "".join(f"{name}={value}\n" for name, value in options.items())


def fence(action, given, **more):
    """What Pacemaker does: options on standard input."""
    return run(FENCE, text=lines(action=action, **{**given, **more}))


def off(given, **more):
    return fence("off", given, plug="compute-1", nodename="node-1", **more)


# ------------------------------------------------------------------- off


def test_off_declares_the_host_fenced(waffles, given):
    begun = time.time()

    done = off(given)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Success: Powered OFF, recovery recovery-1\n"
    ((said,),) = waffles.keys.values()
    at = datetime.datetime.fromisoformat(said.pop("fenced_at"))
    assert abs(at.timestamp() - begun) < LONG
    assert re.fullmatch(
        r"pacemaker: fence_waffles on \S+", said.pop("fenced_by")
    )
    assert said == {
        "host": "compute-1",
        "fenced": True,
        "evidence": "",
        "reason": "",
        "kdump": False,
    }


def test_what_is_for_the_record_is_passed_on(waffles, given):
    done = off(
        given, fenced_by="ann", evidence="a=b", reason="why", kdump="yes"
    )

    assert done.returncode == 0
    ((said,),) = waffles.keys.values()
    del said["fenced_at"]
    assert said == {
        "host": "compute-1",
        "fenced": True,
        "fenced_by": "ann",
        "evidence": "a=b",
        "reason": "why",
        "kdump": True,
    }


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("compute-1", {"port": "compute-1"}),
        ("compute-1", {"nodename": "compute-1"}),
        ("compute-1", {"plug": "compute-1", "nodename": "compute-10"}),
        ("compute-10", {"port": "compute-10", "nodename": "compute-1"}),
    ],
    ids=["port", "nodename", "plug before nodename", "port before nodename"],
)
def test_the_host_is_named_in_any_way_of_fence_agents(
    waffles, given, host, options
):
    assert fence("off", given, **options).returncode == 0
    assert [one["host"] for one in waffles.recoveries] == [host]


def test_options_come_as_arguments_too(waffles, url):
    done = run(
        FENCE, "-o", "off", "-n", "compute-1", "-k", url, "-l", "fencer",
        "--password", "s3cret=1", "--kdump", "--fenced-by=ann",
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    ((said,),) = waffles.keys.values()
    assert (said["fenced_by"], said["kdump"]) == ("ann", True)


def test_lines_are_read_as_fence_agents_read_them(waffles, given):
    text = (
        "# action=on\n\nagent=fence_waffles\nplug=wrong\n"
        + lines(**given)
        + "  action=OFF\nplug=compute-1\nunknown=1\nno sense\n"
    )

    assert run(FENCE, text=text).returncode == 0
    assert waffles.recoveries[0]["host"] == "compute-1"


def test_the_password_may_come_from_a_command(waffles, given, tmp_path):
    script = tmp_path / "password"
    script.write_text("#!/bin/sh\necho $1\n")
    script.chmod(0o755)
    del given["password"]

    done = off(given, password_script=f"{script} s3cret=1")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["false", "/no/such/command"])
def test_a_password_command_that_fails_is_named(given, command):
    del given["password"]

    done = off(given, password_script=command)

    assert done.returncode == 1
    assert re.match(f"Failed: password_script: .*{command}", done.stderr)


@pytest.fixture
def proof(tmp_path):
    """A command that says whether a host's power is off."""
    file = tmp_path / "is-off"
    file.write_text(
        f"#!/bin/sh\necho $* >>{tmp_path}/asked\necho it is $1\n[ $1 = off ]\n"
    )
    file.chmod(0o755)
    return file


def test_a_proof_is_asked_for_where_there_is_one(waffles, given, proof):
    done = off(given, proof_script=f"{proof} off")

    assert (done.returncode, done.stderr) == (0, "")
    assert proof.with_name("asked").read_text() == "off compute-1\n"
    ((said,),) = waffles.keys.values()
    assert said["evidence"] == "it is off"


@pytest.mark.parametrize("command", ["{} on", "/no/such/command"])
def test_a_host_that_is_not_proved_off_is_not_declared_dead(
    waffles, given, proof, command
):
    """As where the agent stands in a level of its own."""
    done = off(given, proof_script=command.format(proof))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Failed: proof_script: ")
    assert waffles.recoveries == []


# -------------------------------------------- it is safe to do it again


def test_a_host_that_has_a_recovery_gets_no_other(waffles, given):
    assert off(given).returncode == 0
    done = off(given)

    assert done.returncode == 0
    assert done.stdout == "Success: Already OFF, recovery recovery-1\n"
    assert len(waffles.recoveries) == 1


def test_two_fencers_at_once_make_one_recovery(waffles, given):
    """Neither sees the other's before it asks."""
    first = webob.Response(json_body={"recoveries": []})
    fresh = iter([first])
    ours = waffles._list
    waffles._list = lambda request: next(fresh, None) or ours(request)
    waffles.add("compute-1")

    done = off(given)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Success: Already OFF\n"
    assert ("POST", "/os-waffles/force-down") in waffles.requests
    assert len(waffles.recoveries) == 1


def test_a_lost_answer_is_a_failure_that_may_be_tried_again(waffles, given):
    waffles.instead["/force-down"] = None
    lost = off(given)
    del waffles.instead["/force-down"]
    again = off(given)

    assert (lost.returncode, lost.stdout) == (1, "")
    assert lost.stderr.startswith("Connection lost: ")
    assert again.returncode == 0
    assert len(waffles.recoveries) == 1


def test_a_lost_answer_is_no_second_recovery_behind_a_quick_first(
    waffles, given
):
    waffles.add("compute-1", state="done", age=60)

    done = off(given)

    assert done.returncode == 0
    assert done.stdout == "Success: Already OFF, recovery recovery-1\n"
    assert waffles.keys == {}


@pytest.mark.parametrize(
    "before",
    [
        {"state": "done", "back": "returned", "age": 60},
        {"state": "partial", "back": "waiting", "age": 60},
        {"state": "partial", "back": "down", "age": 3600},
        {"state": "done", "back": "down", "age": -3600},
        {"state": "failed", "back": "down", "age": 60},
    ],
    ids=[
        "returned",
        "on its way back",
        "long ago",
        "by a wrong clock",
        "abandoned",
    ],
)
def test_a_host_that_dies_again_is_declared_again(waffles, given, before):
    waffles.add("compute-1", **before)

    done = off(given)

    assert done.stdout == "Success: Powered OFF, recovery recovery-2\n"


def test_attempts_that_have_not_arrived_have_one_key(waffles, given):
    """It does not depend on the process or the node that makes them."""
    busy = clouds.fault(503, "serviceUnavailable", "The database is away")
    keys = []
    answer = waffles._force_down

    def busy_once(request):
        keys.append(request.headers["Idempotency-Key"])
        return busy if len(keys) < 3 else answer(request)

    waffles._force_down = busy_once
    codes = [off(given).returncode for _ in range(3)]
    waffles.recoveries[0].update(state="done", return_state="returned")
    off(given)

    assert codes == [1, 1, 0]
    assert keys[0] == keys[1] == keys[2] != keys[3]


# --------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (503, "Failed: 503 The database is away"),
        (400, "Failed: 400 "),
        (403, "Failed: 403 "),
        (409, "Failed: 409 "),
        (500, "Failed: 500 "),
    ],
    ids=str,
)  # fmt: skip
def test_whatever_is_not_done_fails(waffles, given, answer, words):
    """503 too: Pacemaker tries again."""
    waffles.instead["/force-down"] = clouds.fault(
        answer, "fault", "The database is away"
    )

    done = off(given)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(words)
    assert waffles.recoveries == []


def test_a_near_miss_of_a_name_fails_and_says_which_are_near(waffles, given):
    done = fence("off", given, plug="compute-2")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Failed: 404 There is no compute-2; near: compute-1, compute-10\n"
    )


@pytest.mark.parametrize(
    "answer",
    [
        webob.Response(status=202, body=b"<html>"),
        webob.Response(status=202, json_body=[]),
        webob.Response(
            status=202, json_body={"recovery": {"host": "compute-10"}}
        ),
        webob.Response(status=200, json_body={}),
        webob.Response(status=302, location="/elsewhere"),
    ],
    ids=["no json", "no object", "another host", "another status", "moved"],
)
def test_only_a_recovery_of_the_host_is_success(waffles, given, answer):
    waffles.instead["/force-down"] = answer

    done = off(given)

    assert (done.returncode, done.stdout) == (1, "")
    assert ("GET", "/elsewhere") not in waffles.requests


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "guess"}, "Keystone says 401 The request requires"),
        ({"username": "nobody"}, "Keystone says 401"),
        ({"user_domain": "other"}, "Keystone says 401"),
        ({"auth_url": "{url}/nothing"}, "Keystone says 401"),
        ({"interface": "admin"}, "no admin endpoint of compute"),
        ({"region_name": "north"}, "no public endpoint of compute"),
    ],
    ids=lambda one: "-".join(one) if isinstance(one, dict) else "",
)
def test_who_is_not_let_in_says_so(waffles, given, url, wrong, words):
    wrong = {key: text.format(url=url) for key, text in wrong.items()}

    done = off({**given, **wrong})

    assert (done.returncode, done.stdout) == (1, "")
    begin = "Unable to connect/login to fencing device: "
    assert done.stderr.startswith(begin)
    assert words in done.stderr
    assert waffles.recoveries == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"action": "reboot"}, "action must be one of on, off,"),
        ({"action": ""}, "action must be one of on, off,"),
        ({"plug": ""}, "plug is required"),
        ({"auth_url": ""}, "auth_url is required"),
        ({"username": ""}, "username is required"),
        ({"password": ""}, "password or password_script is required"),
        ({"timeout": "soon"}, "timeout is not a number of seconds"),
        ({"timeout": "0"}, "timeout must be above 0"),
        ({"timeout": "nan"}, "timeout must be above 0"),
    ],
    ids=lambda one: "-".join(one) if isinstance(one, dict) else "",
)
def test_wrong_options_are_named_and_nothing_is_asked(
    waffles, keystone, given, options, words
):
    given.update(action="off", plug="compute-1")

    done = run(FENCE, text=lines(**{**given, **options}))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Failed: {words}")
    assert keystone.logins == []


# ------------------------------------------------------------------- time


FAULTS = {
    "accepts and hangs": peers.silent,
    "drips a header": peers.dripping(b"HTTP/1.1 200 OK\r\nX-Long: "),
    "drips a body": peers.dripping(b"HTTP/1.0 200 OK\r\n\r\n"),
    "drips an error": peers.dripping(b"HTTP/1.0 503 No\r\n\r\n"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("which", ["auth_url", "endpoint"])
def test_the_agent_ends_in_time_whatever_the_peer_does(given, fault, which):
    with peers.Peer(FAULTS[fault]) as peer:
        done = off(given, timeout="0.7", **{which: peer.url})

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Connection timed out\n"


def test_a_port_where_nobody_listens_is_a_lost_connection(given):
    with peers.Peer(peers.silent) as peer:
        pass

    done = off({**given, "auth_url": peer.url})

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Connection lost: ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "Connection lost: .*certificate verify failed"),
        ({"cafile": "{file}"}, ".*Keystone says 401"),
        ({"ssl_insecure": "1"}, ".*Keystone says 401"),
        ({"ssl_insecure": "0"}, "Connection lost: "),
        ({"cafile": "/no/such/file"}, "Connection lost: .*No such file"),
    ],
    ids=["by default", "cafile", "insecure", "not insecure", "no file"],
)
def test_a_certificate_must_be_good(given, tmp_path, options, words):
    file = certificates.made(tmp_path, "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    no = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
    options = {key: text.format(file=file) for key, text in options.items()}

    with peers.Peer(peers.answering(no), tls) as peer:
        done = off({**given, "auth_url": peer.url, **options})

    assert done.returncode == 1
    assert re.match(words, done.stderr)


# ------------------------------------------------------------ other actions


@pytest.mark.parametrize(
    ("before", "text", "asked"),
    [
        ({"state": "done"}, "Success: Powered ON", True),
        ({"state": "done", "back": "waiting"}, "Success: Already ON", False),
        ({"state": "done", "back": "returned"}, "Success: Already ON", False),
        (None, "Success: Already ON", False),
    ],
    ids=["down", "waiting", "returned", "never declared dead"],
)
def test_on_asks_for_the_return(waffles, given, before, text, asked):
    if before:
        waffles.add("compute-1", **before)

    done = fence("on", given, plug="compute-1")

    assert (done.returncode, done.stdout.strip()) == (0, text)
    path = ("POST", "/os-waffles/hosts/compute-1/return")
    assert (path in waffles.requests) is asked


def test_on_fails_while_the_recovery_is_open(waffles, given):
    waffles.add("compute-1")
    path = "/hosts/compute-1/return"
    waffles.instead[path] = clouds.fault(409, "conflict", "It is open")

    done = fence("on", given, plug="compute-1")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Failed: 409 It is open\n"


@pytest.mark.parametrize(
    ("before", "text", "code"),
    [
        ({}, "Status: OFF", 2),
        ({"state": "done"}, "Status: OFF", 2),
        ({"state": "done", "back": "waiting"}, "Status: OFF", 2),
        ({"state": "done", "back": "returned"}, "Status: ON", 0),
        (None, "Status: ON", 0),
    ],
    ids=["open", "over", "on its way back", "returned", "never dead"],
)
def test_status_is_off_until_the_host_has_returned(
    waffles, given, before, text, code
):
    if before is not None:
        waffles.add("compute-1", **before)

    done = fence("status", given, plug="compute-1")

    assert (done.returncode, done.stdout.strip()) == (code, text)


@pytest.mark.parametrize("action", ["monitor", "status"])
def test_a_monitor_needs_an_answer_and_nothing_else(waffles, given, action):
    well = fence(action, given)
    waffles.instead["/recoveries"] = clouds.fault(403, "forbidden", "No")
    badly = fence(action, given)

    assert (well.returncode, well.stdout, well.stderr) == (0, "", "")
    assert badly.returncode == 1
    assert badly.stderr.startswith("Failed: 403 No (does waffles:recovery:li")
    assert {method for method, _ in waffles.requests} == {"GET"}


def test_a_monitor_fails_where_there_is_no_such_waffle(waffles, given):
    """Nova alone would say 404; a page of anything else is no list."""
    waffles.instead["/recoveries"] = webob.Response(json_body={})

    assert fence("monitor", given).returncode == 1


def test_list_has_the_hosts_as_pacemaker_reads_them(given):
    done = fence("list", given)

    assert (done.returncode, done.stdout) == (0, "compute-1,\ncompute-10,\n")


def test_validate_all_looks_at_options_and_asks_nobody(keystone, given):
    well = fence("validate-all", given)
    badly = fence("validate-all", {**given, "auth_url": ""})

    assert (well.returncode, badly.returncode) == (0, 2)
    assert keystone.logins == []


def test_the_catalog_is_asked_for_region_and_interface(
    waffles, keystone, given
):
    given.update(region_name="east", interface="internal", project_name="ops")

    assert fence("monitor", given).returncode == 0
    project = {"name": "ops", "domain": {"name": "Default"}}
    assert keystone.logins == [("fencer", project)]


def test_metadata_are_what_pacemaker_reads():
    root = ElementTree.fromstring(run(FENCE, text="action=metadata").stdout)  # noqa: S314

    assert root.tag == "resource-agent"
    assert root.get("name") == "fence_waffles"
    assert root.get("shortdesc")
    assert "503" in root.findtext("longdesc")
    names = [one.get("name") for one in root.iter("parameter")]
    assert {
        "action", "auth_url", "username", "password", "password_script",
        "project_name", "user_domain", "project_domain", "region_name",
        "endpoint", "plug", "ssl_insecure", "timeout",
    } <= set(names)  # fmt: skip
    for one in root.iter("parameter"):
        assert one.findtext("shortdesc")
        assert one.get("required") in ("0", "1")
        assert one.find("getopt").get("mixed").startswith("-")
        kind = one.find("content").get("type")
        assert kind in ("string", "boolean", "second")
    actions = {one.get("name") for one in root.iter("action")}
    assert {"on", "off", "status", "monitor", "list", "metadata",
            "validate-all"} <= actions  # fmt: skip
    # A device of a fabric is not rebooted: Pacemaker asks for off then.
    assert "reboot" not in actions


def test_every_parameter_of_the_metadata_is_an_argument():
    root = ElementTree.fromstring(run(FENCE, "-o", "metadata").stdout)  # noqa: S314
    shown = run(FENCE, "--help").stdout

    for one in root.iter("getopt"):
        long = one.get("mixed").split(", ")[-1].partition("=")[0]
        assert long in shown


# -------------------------------------------------------------- may start


@pytest.fixture
def config(given, tmp_path):
    """A file of options, without an end of line."""
    file = tmp_path / "fence.conf"
    file.write_text("# ours\n" + lines(**given).rstrip("\n"))
    return file


def test_nova_compute_may_start_where_waffles_says_so(waffles, config):
    done = run(MAY_START, "compute-1", "0", config)

    assert done.returncode == 0
    paths = [path for _, path in waffles.requests]
    assert paths == ["/os-waffles/hosts/compute-1/may-start"]


@pytest.mark.parametrize(
    "answer",
    [
        clouds.fault(503, "serviceUnavailable", "No"),
        clouds.fault(404, "itemNotFound", "No"),
        webob.Response(json_body={"may_start": False, "reason": "2 left"}),
        webob.Response(json_body={"may_start": "yes"}),
        webob.Response(body=b"yes"),
    ],
    ids=["unavailable", "not found", "no", "not said", "no json"],
)
def test_nova_compute_may_not_start_without_a_clear_yes(
    waffles, config, answer
):
    waffles.instead["/hosts/compute-1/may-start"] = answer

    assert run(MAY_START, "compute-1", "0", config).returncode == 1


#: Text of nova.conf, and the host's name in it; that of the machine without.
NOVA_CONF = {
    "named": ("[DEFAULT]\nhost = c1.example.com \n", "c1.example.com"),
    "named twice": ("[DEFAULT]\nhost=a\nhost:b\n", "b"),
    "not in this section": ("[vnc]\nhost = a\n", None),
    "before other sections": ("[DEFAULT]\nhost=a\n[vnc]\nhost=b\n", "a"),
    "not named": ("[DEFAULT]\n#host = a\nhost_x = b\nmy_host = c\n", None),
    "there is none": (None, None),
    "without an end of line": ("[DEFAULT]\nhost = a", "a"),
}


@pytest.mark.parametrize(
    ("text", "host"), NOVA_CONF.values(), ids=NOVA_CONF.keys()
)
def test_the_host_is_that_of_nova_conf(waffles, config, tmp_path, text, host):
    file = tmp_path / "nova.conf"
    if text is not None:
        file.write_text(text)

    done = run(MAY_START, "", "0", config, file)

    assert done.returncode == 0
    name = host or socket.gethostname()
    paths = [path for _, path in waffles.requests]
    assert paths == [f"/os-waffles/hosts/{name}/may-start"]


def test_of_several_files_the_last_that_names_the_host_counts(
    waffles, config, tmp_path
):
    files = [tmp_path / name for name in ("nova.conf", "nova-compute.conf")]
    for file in files:
        file.write_text(f"[DEFAULT]\nhost = {file.stem}\n[x]\n")
    files[0].write_text("[DEFAULT]\nhost = nova")
    (tmp_path / "empty.conf").write_text("host = nobody\n")

    run(MAY_START, "", "0", config, *files, tmp_path / "empty.conf")

    ((_, path),) = waffles.requests
    assert path == "/os-waffles/hosts/nova-compute/may-start"


@pytest.mark.parametrize("first", ["", "first_start=1\n"])
def test_a_host_is_new_where_the_options_say_so(waffles, config, first):
    config.write_text(config.read_text() + "\n" + first)

    assert run(MAY_START, "new", "0", config).returncode == 0
    ((_, path),) = waffles.requests
    query = "?first_start=true" if first else ""
    assert path == f"/os-waffles/hosts/new/may-start{query}"


def test_nova_compute_may_not_start_under_a_name_nova_does_not_know(
    endpoint, given
):
    endpoint.office.open("c3")

    done = fence("may-start", given, plug="node7")
    first = fence("may-start", {**given, "first_start": "1"}, plug="node7")

    assert (done.returncode, first.returncode) == (1, 0)
    assert done.stderr.startswith("Failed: 404 There is no compute service")


def test_nova_compute_may_not_start_without_options(tmp_path):
    done = run(MAY_START, "compute-1", "0", tmp_path / "none")

    assert done.returncode == 1


@pytest.mark.slow
def test_it_is_asked_again_until_the_time_is_over(waffles, config):
    waffles.may_start = {"may_start": False, "reason": "1 evacuation"}

    done = run(MAY_START, "compute-1", "4", config)

    assert done.returncode == 1
    assert len(waffles.requests) == 2


# ------------------------------------------------------------------ nagios


@pytest.fixture
def power_off(tmp_path):
    """A site's command to cut the power; it keeps what it was called with."""
    file = tmp_path / "power-off"
    file.write_text(
        f"#!/bin/sh\necho $* >>{tmp_path}/cut\n"
        "echo 'Chassis Power\n is off'\nexit ${CODE:-0}\n"
    )
    file.chmod(0o755)
    return file


@pytest.fixture
def nagios(config, power_off, tmp_path):
    """Runs the handler in a state; gives how it ended, and the power cuts."""

    def handle(*more, state="DOWN", kind="HARD", attempt=3, command=power_off):
        done = run(
            NAGIOS, "--host", "compute-1", "--state", state,
            "--state-type", kind, "--attempt", str(attempt),
            "--config", config, "--pause", "0.1", "--patience", "0.3",
            "--fenced-by-command", command, *more,
        )  # fmt: skip
        cut = tmp_path / "cut"
        return done, cut.read_text().splitlines() if cut.exists() else []

    return handle


def test_a_host_that_is_hard_down_is_fenced_and_then_declared(
    waffles, nagios, power_off
):
    done, cuts = nagios(command=f"{power_off} --hard")

    assert (done.returncode, done.stderr) == (0, "")
    assert cuts == ["--hard compute-1"]
    ((said,),) = waffles.keys.values()
    assert said.pop("fenced_at")
    assert said == {
        "host": "compute-1",
        "fenced": True,
        "fenced_by": "nagios: power-off",
        "evidence": "power-off ended with 0: Chassis Power is off",
        "reason": "HARD DOWN",
        "kdump": False,
    }


@pytest.mark.parametrize(
    "state",
    [
        {"kind": "SOFT"},
        {"state": "UP"},
        {"state": "UNREACHABLE"},
        {"attempt": 2},
    ],
    ids=["soft", "up", "unreachable", "too few checks"],
)
def test_nothing_is_done_in_any_other_state(waffles, nagios, state):
    done, cuts = nagios(**state)

    assert (done.returncode, done.stderr, cuts) == (0, "", [])
    assert waffles.requests == []


def test_a_monitor_that_does_not_count_is_believed(waffles, config, power_off):
    """In Icinga 2 the attempt is 1 again as a state becomes HARD."""
    done = run(
        NAGIOS, "--host", "compute-1", "--state", "DOWN", "--state-type",
        "HARD", "--config", config, "--fenced-by-command", power_off,
    )  # fmt: skip

    assert (done.returncode, len(waffles.recoveries)) == (0, 1)


def test_a_monitor_alone_is_refused(waffles, nagios):
    done, _ = nagios(command="")

    assert done.returncode == 2
    assert "a monitor does not know that a host is off" in done.stderr
    assert waffles.requests == []


@pytest.mark.parametrize(
    "command", ["false", "/no/such/command", "sleep 60 #"]
)
def test_a_fencing_that_fails_declares_nothing(waffles, nagios, command):
    done, _ = nagios("--fence-timeout", "0.5", command=command)

    assert done.returncode == 1
    assert "compute-1 is NOT fenced" in done.stderr
    assert waffles.requests == []


def test_no_power_is_cut_where_waffles_could_not_be_told(nagios, config):
    config.unlink()

    done, cuts = nagios()

    assert (done.returncode, cuts) == (2, [])


def test_waffles_is_told_again_until_it_understands(waffles, nagios):
    busy = clouds.fault(503, "serviceUnavailable", "No")
    ours, answers = waffles._force_down, [busy, busy]
    waffles._force_down = lambda request: (
        answers.pop() if answers else ours(request)
    )

    done, cuts = nagios("--patience", "15")

    assert (done.returncode, len(cuts)) == (0, 1)
    assert len(waffles.recoveries) == 1


def test_a_fenced_host_that_waffles_does_not_know_of_is_named(waffles, nagios):
    waffles.instead["/force-down"] = clouds.fault(503, "fault", "No")

    done, cuts = nagios()

    assert (done.returncode, len(cuts)) == (1, 1)
    assert done.stderr.endswith(
        "compute-1 is fenced, but waffles does not know it yet\n"
    )


# ------------------------------------------------------------ the endpoint

#: The rules that the manual has for users of clusters and compute hosts.
RULES = re.search(
    r"code-block:: yaml\n\n((?:    .+\n)+)",
    (ETC.parent / "docs/recovery.rst").read_text(),
)[1]

FENCER = fakes.FakeContext("f-id", "fencer", "service", "service", ["fencer"])


class Endpoint:
    """The endpoint itself, for whoever has logged in."""

    def __init__(self, folder, context=FENCER):
        rules = textwrap.dedent(RULES)
        self.office = calling.Office(folder, rules=rules)
        self.store, self._context = self.office.store, context

    def __call__(self, environ, start_response):
        environ["nova.context"] = self._context
        environ["openstack.request_id"] = "req-1"
        return self.office(environ, start_response)

    @property
    def recoveries(self):
        return self.store.recoveries(limit=9)


@pytest.fixture
def endpoint(tmp_path, keystone):
    keystone.compute = made = Endpoint(tmp_path)
    yield made
    made.store.close()


def test_a_host_goes_and_comes_back_through_the_endpoint(endpoint, given):
    def say(action):
        done = fence(action, given, plug="c2")
        return done.returncode, (done.stdout + done.stderr).partition(",")[0]

    assert say("monitor") == (0, "")
    assert say("status") == (0, "Status: ON\n")
    assert say("off") == (0, "Success: Powered OFF")
    assert say("off") == (0, "Success: Already OFF")
    assert say("status") == (2, "Status: OFF\n")
    assert say("may-start")[0] == 2
    assert say("on")[0] == 1

    (found,) = endpoint.recoveries
    endpoint.store.abandon(found.id, "ann", "a test", 0.0)

    assert say("may-start")[0] == 0
    assert say("off") == (0, "Success: Powered OFF")
    endpoint.store.abandon(endpoint.recoveries[0].id, "ann", "a test", 0.0)
    assert say("on") == (0, "Success: Powered ON\n")
    assert say("on") == (0, "Success: Already ON\n")
    assert say("status") == (2, "Status: OFF\n")
    found, _ = endpoint.recoveries
    assert (found.asserted_by, found.returning) == ("fencer", "waiting")
    assert found.assertion.fenced
    assert found.assertion.fenced_by.startswith("pacemaker: ")


def test_the_endpoint_knows_near_names_only(endpoint, given):
    done = fence("off", given, plug="C2")

    assert done.returncode == 1
    assert done.stderr.startswith("Failed: 404 ")
    assert "c2" in done.stderr
    assert endpoint.recoveries == []


def test_the_same_key_at_the_endpoint_is_the_same_recovery(endpoint, given):
    """Two fencers, of whom the second has looked before the first asked."""
    assert fence("off", given, plug="c2").returncode == 0
    (found,) = endpoint.recoveries
    ours, blind = endpoint.store.recoveries, [[]]
    endpoint.store.recoveries = lambda **how: (
        blind.pop() if blind else ours(**how)
    )

    done = fence("off", given, plug="c2", evidence="another's")

    assert (done.returncode, done.stdout) == (0, "Success: Already OFF\n")
    assert endpoint.recoveries == [found]


@pytest.mark.parametrize("action", ["monitor", "off", "status"])
def test_who_sees_his_own_servers_only_cannot_fence(
    tmp_path, keystone, given, action
):
    """Such a user would not see that a host has been declared dead."""
    keystone.compute = Endpoint(tmp_path, calling.MEMBER)

    done = fence(action, given, plug="c2")

    assert done.returncode == 1
    assert "does waffles:recovery:list let the user see" in done.stderr
    assert keystone.compute.recoveries == []
    keystone.compute.store.close()


def test_a_compute_host_may_ask_and_declare_nobody_dead(
    tmp_path, keystone, given
):
    context = dataclasses.replace(FENCER, roles=["compute-host"])
    keystone.compute = Endpoint(tmp_path, context)

    assert fence("may-start", given, plug="c2").returncode == 0
    assert fence("off", given, plug="c2").returncode == 1
    assert fence("on", given, plug="c2").returncode == 1
    assert keystone.compute.recoveries == []
    keystone.compute.store.close()


def test_a_database_that_is_away_is_a_failure(endpoint, given):
    def away():
        raise exceptions.Unavailable("The database gives no answer.")

    office = endpoint.office
    office.means = dataclasses.replace(office.means, store=away)

    for action, code in {"off": 1, "monitor": 1, "may-start": 1}.items():
        done = fence(action, given, plug="c2")
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith("Failed: 503 ")


# -------------------------------------------------------------------- files


@pytest.mark.parametrize("script", [FENCE, NAGIOS], ids=lambda p: p.name)
def test_a_script_needs_nothing_that_has_to_be_installed(script):
    """And no newer words than those of Python 3.7."""
    tree = ast.parse(script.read_text(), feature_version=(3, 7))
    used = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }

    assert used <= sys.stdlib_module_names


def test_a_handler_and_its_agent_may_be_copied_elsewhere(
    waffles, config, tmp_path
):
    for script in (FENCE, MAY_START):
        shutil.copy(script, tmp_path)
    away = tmp_path / MAY_START.name

    assert run(away, "compute-1", "0", config).returncode == 0
