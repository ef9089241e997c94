"""The command waffles-demo, as its user runs it."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import openstack
import pytest
from openstack import exceptions

from waffles.demo import app, listen, sample, steps
from waffles.demo.api import Api, Unexpected
from waffles.demo.talk import Talk

SCRIPTS = Path(sysconfig.get_path("scripts"))
DEMO = SCRIPTS / "waffles-demo"


@contextlib.contextmanager
def running(folder, *command):
    """A command, which leaves nothing behind when it is stopped."""
    process = subprocess.Popen(  # noqa: S603  our own command
        command,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)
    assert list(folder.iterdir()) == []


def introduction(process):
    """All that a demo that is kept up prints."""
    lines = []
    while not lines or "waffles audit " not in lines[-1]:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        lines.append(line)
    return "".join(lines)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """What a demo has printed that is kept up for some tests."""
    folder = tmp_path_factory.mktemp("served")
    with running(folder, DEMO, "--serve", "--port", "0") as process:
        yield introduction(process)


def _url(served):
    """The URL that the first line of the demo names."""
    return served.split()[3].rstrip(",")


def test_the_walk_shows_every_step(tmp_path):
    began = time.monotonic()
    with running(tmp_path, DEMO) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, ""), out
    taken = (*steps.BEFORE, *steps.RULES)
    for number, step in enumerate(taken, 1):
        assert f"\n{number:2}. {step.sentence}\n" in out
    *_, audit = out.partition(f"\n{len(taken) + 1}. The audit ")
    assert f"    $ {SCRIPTS / 'waffles'} audit --config-file " in audit
    assert steps.OLD in audit
    assert "exit code 1\n" in audit
    assert time.monotonic() - began < 60


def test_the_rules_are_the_examples_of_the_sample():
    lines = sample.effective(sample.rules())

    assert "pattern = [a-z]{3}-(prd|dev)-[a-z0-9-]+" in lines
    assert [line for line in lines if line.startswith("[")] == [
        "[waffles_metadata]",
        "[waffles_naming]",
    ]
    assert not any(
        line.startswith(("exempt", "schema_file")) for line in lines
    )


def test_files_of_an_installation_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "_CHECKOUT", tmp_path / "none")
    monkeypatch.setattr(sample, "_INSTALLED", tmp_path)
    (tmp_path / "api-paste.ini").touch()

    assert sample.shipped("api-paste.ini") == tmp_path / "api-paste.ini"
    with pytest.raises(FileNotFoundError, match="waffles.conf.sample is not"):
        sample.shipped("waffles.conf.sample")


def test_a_wrong_status_is_not_expected(nova):
    step = steps.NAMES[0]._replace(body=steps.server("Demo_1"))
    with listen.listening(nova.app) as url:
        talk = Talk(Api(url))
        with pytest.raises(
            Unexpected, match="(?s)step 1 .*expected: 403.*202"
        ):
            talk.take([step])


def test_a_wrong_text_is_not_expected(nova):
    (step,) = steps.BEFORE
    with listen.listening(nova.app) as url:
        talk = Talk(Api(url))
        with pytest.raises(Unexpected, match="expected: 202 must match"):
            talk.take([step._replace(says="must match")])


def test_the_command_fails_when_an_answer_is_not_expected(tmp_path):
    without_rules = (
        "import sys; from waffles.demo import app, sample;"
        "sample.rules = lambda: '[waffles_naming]\\nmode = off\\n';"
        "sys.exit(app.main([]))"
    )
    command = sys.executable, "-c", without_rules
    with running(tmp_path, *command) as process:
        _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "step 2 is not as expected" in err
    assert "expected: 403 /server/name must match" in err
    assert "came:     202" in err
    assert '"POST /v2.1/servers" status: 202' in err  # of Nova's log


def test_a_walk_can_be_left(tmp_path):
    with running(tmp_path, DEMO) as process:
        for line in process.stdout:
            if "GET" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (130, "")
    assert out.endswith("\nStopped.\n")


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_the_curl_line_works_as_printed(served):
    (line,) = (
        part for part in served.split("\n\n") if part.startswith("curl")
    )
    answer = subprocess.run(  # noqa: S602  as a shell takes it
        line, shell=True, capture_output=True, text=True, check=True
    )

    assert "breaks this cloud's naming policy" in answer.stdout


def test_the_settings_work_as_printed(served, monkeypatch):
    for line in served.splitlines():
        if line.startswith("export "):
            for setting in shlex.split(line)[1:]:
                monkeypatch.setenv(*setting.split("=", 1))
    with openstack.connect(load_yaml_config=False) as cloud:
        image = cloud.image.find_image(steps.IMAGE)
        flavor = cloud.compute.find_flavor("m1.tiny")
        about = {"image_id": image.id, "flavor_id": flavor.id}
        (old,) = cloud.compute.servers()
        with pytest.raises(exceptions.ForbiddenException, match="must match"):
            cloud.compute.create_server(name="Web_1", **about, networks="none")
        made = cloud.compute.create_server(
            name="web-prd-1", **about, networks="none"
        )
        cloud.compute.wait_for_server(made)

    assert old.name == steps.OLD


def test_the_audit_works_as_printed(served):
    answer = subprocess.run(  # noqa: S602  as a shell takes it
        served.splitlines()[-1],
        shell=True,
        env={"PATH": os.defpath},  # as if no venv was activated
        capture_output=True,
        text=True,
    )

    assert answer.returncode == 1, answer.stderr
    assert steps.OLD in answer.stdout


def test_the_images_are_listed_and_found_by_name(served):
    url = _url(served)
    api = Api(url)
    images = api.send("GET", "/image/v2/images").json()["images"]
    (found,) = api.send("GET", "/image/v2/images?name=fakeimage6").json()[
        "images"
    ]

    assert steps.IMAGE in {image["id"] for image in images}
    assert found["name"] == "fakeimage6"
    assert api.send("GET", "/image/v2/images/none").status_code == 404
    assert api.send("GET", "/image/v3").status_code == 404


def test_nobody_else_gets_a_token(served):
    identity = {"methods": ["password"], "password": {"user": {"name": "eve"}}}
    answer = Api(_url(served)).send(
        "POST",
        "/identity/v3/auth/tokens",
        {"auth": {"identity": identity}},
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_frees_the_port(tmp_path, number):
    with running(tmp_path, DEMO, "--serve", "--port", "0") as process:
        port = int(_url(introduction(process)).rpartition(":")[2])
        process.send_signal(number)
        _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (0, "")
    listen.bound(port).close()


def test_a_port_in_use_is_said_in_one_line(tmp_path):
    with listen.bound() as sock:
        port = str(sock.getsockname()[1])
        with running(tmp_path, DEMO, "--serve", "--port", port) as process:
            out, err = process.communicate(timeout=30)

    assert (process.returncode, out) == (1, "")
    assert "Address already in use" in err
    assert err.count("\n") == 2


@contextlib.contextmanager
def _starting(left):
    """A context in which a signal comes, on the way in and on the way out."""
    signal.raise_signal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.raise_signal(signal.SIGINT)
        left.append("left")


def test_a_signal_waits_while_nova_is_started():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        signals = app.Signals()
        left = []
        with (
            pytest.raises(KeyboardInterrupt),
            signals.only_within(_starting(left)),
        ):
            raise AssertionError("entered")
        assert left == ["left"]
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
