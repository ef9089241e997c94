import contextlib
import doctest
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest
from waitress import wasyncore

from tests.unit.recovery import history
from waffles import exceptions
from waffles.cli import dashboard
from waffles.cli.dashboard import Address


class FakeServer:
    """Does not serve; records that it was to."""

    def __init__(self):
        self.where, self.ran = None, 0

    def run(self):
        self.ran += 1


@pytest.fixture
def server(monkeypatch):
    made = FakeServer()

    def listening(app, where):
        made.where = where
        return made

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(dashboard, "listening", listening)
    yield made
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def run(desk, server):
    """Run it with options; exit code, standard output, standard error."""

    def run(*options, words=()):
        desk.configure(*options)
        text = desk.conf.read_text().replace(
            "auth_type = none",
            "auth_type = password\nauth_url = http://127.0.0.1:1/v3\n"
            "password = x",
        )
        desk.conf.write_text(text.replace("endpoint =", "#"))
        return desk.type("dashboard", *words)

    return run


def test_it_listens_where_the_options_say(run, server):
    code, out, err = run("dashboard_address = 127.0.0.1:8799")

    assert (code, err) == (0, "")
    assert out == "The dashboard listens on http://127.0.0.1:8799/\n"
    assert server.where == Address("127.0.0.1", 8799)
    assert server.ran == 1


def test_it_listens_where_it_is_told(run, server):
    _, out, _ = run("dashboard_auth = none", words=["--listen", "[::1]:80"])

    assert out == "The dashboard listens on http://[::1]:80/\n"
    assert server.where == Address("::1", 80)


def test_that_passwords_come_over_a_network_is_told(run):
    _, _, err = run(words=["--listen", "0.0.0.0:8799"])

    assert err == "Passwords come over the network: put TLS before it.\n"


@pytest.mark.parametrize(
    "address", ["0.0.0.0:80", "192.0.2.1:80", "[::]:80", "example.com:80"]
)
@pytest.mark.parametrize("how", ["option", "word"])
def test_without_a_log_in_it_is_for_this_machine_only(
    run, server, address, how
):
    options, words = ["dashboard_auth = none"], []
    if how == "option":
        options.append(f"dashboard_address = {address}")
    else:
        words = ["--listen", address]
    code, out, err = run(*options, words=words)

    assert (code, out) == (2, "")
    assert "[waffles_recovery] dashboard_auth: " in err
    assert server.ran == 0


@pytest.mark.parametrize(
    "text", ["x", "127.0.0.1", ":80", "127.0.0.1:x", "127.0.0.1:99999",
             "127.0.0.1:0", "http://127.0.0.1:80", "127.0.0.1:80/x", "[::1:80"]
)  # fmt: skip
def test_what_is_no_address_is_refused(run, text):
    code, _, err = run(words=["--listen", text])

    assert (code, err) == (2, f"{text} is no ADDRESS:PORT.\n")


def test_a_wrong_option_stops_it(run, server):
    code, out, err = run("dashboard_secret_file = /none")

    assert (code, out) == (2, "")
    assert "[waffles_recovery] dashboard_secret_file: " in err
    assert server.ran == 0


def test_the_help_tells_the_exit_codes(desk):
    assert "exit codes: 0 " in desk.type("dashboard", "--help")[1]


def test_the_examples_are_true():
    assert doctest.testmod(dashboard) == doctest.TestResults(0, 1)


def test_a_port_that_is_in_use_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        why = f"It cannot listen on 127.0.0.1:{port}: .*in use"
        with pytest.raises(exceptions.WafflesError, match=why):
            dashboard.listening(FakeServer, Address("127.0.0.1", port))


@contextlib.contextmanager
def served(app, host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as free:
        where = Address(host, free.getsockname()[1])
    server = dashboard.listening(app, where)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://{where.netloc}"
    finally:
        sockets = server._map
        server.trigger.pull_trigger(lambda: wasyncore.close_all(sockets))
        thread.join()
        server.task_dispatcher.shutdown()


def test_what_a_proxy_says_comes_through():
    """The door refuses it, or knows by it that there is TLS."""
    seen = []

    def app(environ, start_response):
        seen.append(environ["HTTP_X_FORWARDED_FOR"])
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with served(app) as url:
        request = urllib.request.Request(  # noqa: S310
            url, headers={"X-Forwarded-For": "192.0.2.1"}
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            assert "Server" not in response.headers

    assert seen == ["192.0.2.1"]


def test_a_request_without_end_is_refused():
    body = b"x" * (dashboard.LONGEST + 1)
    with served(lambda environ, start_response: []) as url:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url, body)  # noqa: S310
        caught.value.close()

    assert caught.value.code == 413


def test_it_listens_by_ipv6_too():
    with served(lambda environ, start_response: [], "::1") as url:
        assert url.startswith("http://[::1]:")


def test_sigterm_ends_it():
    with pytest.raises(SystemExit) as caught:
        dashboard._end(signal.SIGTERM, None)
    assert caught.value.code == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(desk, sign):
    """As a process of its own, with a real browser's request."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    desk.configure(
        "dashboard_auth = none", f"dashboard_address = 127.0.0.1:{port}"
    )
    history.declared(desk.rows, "compute-1")
    process = subprocess.Popen(  # noqa: S603
        [
            sys.executable,
            "-c",
            "from waffles.cli import app; raise SystemExit(app.main())",
            "dashboard",
            f"--config-file={desk.conf}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    try:
        assert f"http://127.0.0.1:{port}/" in process.stdout.readline()
        url = f"http://127.0.0.1:{port}/"
        with urllib.request.urlopen(url) as response:  # noqa: S310
            assert b"compute-1" in response.read()
        process.send_signal(sign)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()

    assert (process.returncode, err) == (0, "")
