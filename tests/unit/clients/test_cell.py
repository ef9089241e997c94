import json
import os
import socket
import ssl
import threading
import time

import pytest

from tests.unit.cells import hostile
from tests.unit.cells.hostile import Cell, Point
from tests.unit.clients import peers, test_deadline
from waffles import exceptions
from waffles.clients.cell import Client, End, Outcome, Peer, Question

#: Seconds that a call may have, and that it may take on a busy machine.
TIME, LONG = 0.4, 10

TOKEN = {"X-Auth-Token": "secret"}
GET = Question("GET", "/flavors", headers=TOKEN)
POST = Question("POST", "/flavors", headers=TOKEN, body=b'{"flavor": {}}')

ENDS = {
    "hang": End.LATE,
    "drip": End.LATE,
    "endless 100": End.LATE,
    "endless trailer": End.LATE,
    "500": End.ANSWERED,
    "503": End.ANSWERED,
    "401": End.ANSWERED,
    "406": End.ANSWERED,
}


@pytest.fixture
def made():
    """What makes clients, which are closed at the end."""
    clients = []

    def make(url, **options):
        options = {"timeout": LONG, **options}
        clients.append(Client(Peer("c1", url, **options)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def cell():
    with Cell() as cell:
        yield cell


@pytest.mark.parametrize("question", [GET, POST], ids=["read", "write"])
@pytest.mark.parametrize("fault", hostile.FAULTS)
def test_a_hostile_cell_ends_in_an_outcome(cell, made, fault, question):
    end = ENDS.get(fault, End.BROKEN)
    cell.fails(fault)
    if (fault, question) == ("nothing", POST):
        end = End.ANSWERED
    client = made(
        cell.url, timeout=TIME if end is End.LATE else LONG, most_bytes=2**22
    )
    began = time.monotonic()
    outcome = client.ask(question)

    assert outcome.end is end, outcome
    assert outcome.sent
    assert outcome.seconds <= time.monotonic() - began < LONG
    assert len(outcome.why) < 100
    assert outcome.why.startswith("Cell c1 ") == (end is not End.ANSWERED)
    assert len(cell.heard) == 1


@pytest.mark.parametrize("fault", ["reset", "closed", "hang"])
def test_what_ends_before_it_is_read_may_have_been_heard(cell, made, fault):
    cell.fails(fault, Point.BEFORE)
    outcome = made(cell.url, timeout=TIME).ask(POST)

    assert outcome.end is (End.LATE if fault == "hang" else End.BROKEN)
    assert not cell.heard


def test_a_cell_is_well_again_after_each_fault(cell, made):
    client = made(cell.url, timeout=LONG, most_bytes=2**22)
    for fault in hostile.FAULTS:
        if ENDS.get(fault) is not End.LATE:
            cell.fails(fault, times=1)
            client.ask(GET)
            assert client.ask(GET).json == {"flavors": []}, fault


def test_an_answer_is_whole(made):
    flavors = {"flavors": [{"id": "1", "name": "ü"}]}
    body = json.dumps(flavors).encode()
    answer = (
        b"HTTP/1.1 203 OK\r\nContent-Type: Application/JSON; charset=UTF-8\r\n"
        b"Vary: A\r\nVary: B\r\nSet-Cookie: a=b\r\nX-Odd: a\r\n  b\r\n"
        b"X-Null: a\x00b\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    with Cell(lambda heard: answer) as cell:
        outcome = made(cell.url).ask(GET)

    assert outcome.end is End.ANSWERED
    assert outcome.status == 203
    assert outcome.json == flavors
    assert outcome.body == body
    assert outcome.headers == {
        "content-type": "Application/JSON; charset=UTF-8",
        "vary": "A, B",
        "x-odd": "a b",
        "content-length": str(len(body)),
    }
    assert not outcome.why


@pytest.mark.parametrize(
    "tail",
    [
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"Connection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"Connection: close\r\n\r\n{}",
    ],
    ids=["chunked", "last of its connection", "without a length"],
)
def test_a_body_may_come_in_any_way_that_http_has(made, tail):
    with Cell(lambda heard: hostile.HEAD + tail) as cell:
        client = made(cell.url)
        outcomes = [client.ask(GET) for _ in range(2)]
        assert [one.json for one in outcomes] == [{}, {}]
        assert cell.connections == (2 if b"close" in tail else 1)


@pytest.mark.parametrize("status", [202, 204])
def test_an_answer_may_have_no_body(made, status):
    with Cell(lambda heard: hostile.answered(status)) as cell:
        outcome = made(cell.url).ask(Question("DELETE", "/flavors/1"))
    assert (outcome.end, outcome.status) == (End.ANSWERED, status)
    assert outcome.json is None


def test_a_404_of_novas_is_an_answer(made):
    gone = hostile.fault(404, "itemNotFound")
    with Cell(lambda heard: gone) as cell:
        outcome = made(cell.url).ask(GET)
    assert (outcome.end, outcome.status) == (End.ANSWERED, 404)
    assert outcome.json["itemNotFound"]["message"] == "no"


def test_a_question_is_sent_as_it_is(made):
    question = Question(
        "PUT",
        "/flavors/a%20b",
        (("name", "ü&x"), ("name", "")),
        {
            **TOKEN,
            "Host": "elsewhere",
            "Transfer-Encoding": "chunked",
            "Accept-Encoding": "gzip",
            "Cookie": "a=b",
        },
        b'{"flavor": 1}',
    )
    with Cell() as cell:
        made(f"{cell.url}/compute/v2.1/").ask(question)
        (heard,) = cell.heard

    assert heard.method == "PUT"
    assert heard.target == (
        "/compute/v2.1/flavors/a%20b?name=%C3%BC%26x&name="
    )
    assert heard.json == {"flavor": 1}
    assert heard.headers == {
        "host": f"127.0.0.1:{cell.port}",
        "accept-encoding": "identity",
        "content-length": "13",
        "x-auth-token": "secret",
    }


@pytest.mark.parametrize(
    "path",
    [
        "flavors",
        "",
        "@evil.example.com/",
        "http://evil.example.com/",
        "/../identity/v3",
        "/flavors/..",
        "/flavors/./1",
        "/flavors/%2e%2E/1",
        "/flavors/..%2f1",
        "/flavors/..%5c1",
        "/flavors?limit=1",
        "/flavors#1",
        "/flavors/a b",
        "/flavors/ü",
        "/flavors HTTP/1.1\r\nHost: evil.example.com\r\n\r\n",
    ],
)
def test_no_question_leads_away_from_the_endpoint(path):
    with pytest.raises(exceptions.Malformed):
        Question("GET", path)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "b\r\nX-C: d"},
        {"X-A": "b\n"},
        {"X-A": "\x00"},
        {"X-A": "€"},
        {"X-A: b\r\nX-C": "d"},
        {"": "a"},
    ],
    ids=repr,
)
def test_no_question_has_headers_that_are_none(headers):
    with pytest.raises(exceptions.Malformed):
        Question("GET", "/", headers=headers)


@pytest.mark.parametrize(
    "path", ["//evil.example.com/x", "/..a/...", "/a@b!c"]
)
def test_odd_paths_are_those_of_the_cell(cell, made, path):
    made(f"{cell.url}/v2.1").ask(Question("GET", path))
    assert [heard.target for heard in cell.heard] == [f"/v2.1{path}"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("question", [GET, POST], ids=["read", "write"])
def test_the_token_does_not_follow_a_redirect(cell, made, status, question):
    with Cell() as other:
        cell.fails(hostile.redirecting(f"{other.url}/flavors", status))
        outcome = made(cell.url).ask(question)
        assert outcome.end is End.BROKEN
        assert not other.connections


def test_the_token_goes_to_no_proxy_of_the_environment(
    cell, made, monkeypatch
):
    with Cell() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert made(cell.url).ask(GET).end is End.ANSWERED
        assert not proxy.connections


def test_no_password_of_a_netrc_is_sent(cell, made, monkeypatch, tmp_path):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    made(cell.url).ask(GET)
    assert "authorization" not in cell.heard[0].headers


def test_no_cookie_comes_back(made):
    answer = hostile.answered(200, {}, set_cookie="session=1; Path=/")
    with Cell(lambda heard: answer) as cell:
        client = made(cell.url)
        for _ in range(2):
            assert client.ask(GET).end is End.ANSWERED
        assert "cookie" not in cell.heard[1].headers


def test_a_refused_connection_has_done_nothing(cell, made):
    client = made(cell.url)
    for question in (GET, POST):
        client.ask(question)
    cell.fails("refused")
    for question in (GET, POST):
        outcome = client.ask(question)
        assert outcome.end is End.REFUSED
        assert not outcome.sent
        assert outcome.why == "Cell c1 cannot be reached: Connection refused."
    cell.works()
    assert client.ask(GET).end is End.ANSWERED


def test_a_host_that_has_no_address_has_done_nothing(made):
    outcome = made("http://c1.invalid:8774").ask(POST)
    assert outcome.end is End.REFUSED


def test_a_peer_that_accepts_nothing_is_given_up(made):
    with peers.full() as port:
        client = made(f"http://127.0.0.1:{port}", connect_timeout=TIME)
        outcome = client.ask(POST)
    assert outcome.end is End.REFUSED
    assert TIME <= outcome.seconds < LONG
    assert outcome.why == ("Cell c1 cannot be reached: no connection in time.")


@pytest.mark.parametrize("seconds", [0, -1])
def test_without_time_nothing_is_sent(cell, made, seconds):
    outcome = made(cell.url).ask(POST, seconds)
    assert outcome.end is End.REFUSED
    assert not cell.connections


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(TIME, None), (TIME, LONG), (LONG, TIME)]
)
def test_the_shorter_time_counts(cell, made, timeout, seconds):
    cell.fails("hang")
    outcome = made(cell.url, timeout=timeout).ask(GET, seconds)
    assert outcome.end is End.LATE
    assert TIME <= outcome.seconds < LONG


def test_a_body_that_nobody_reads_ends_in_time(made):
    with peers.Peer(peers.silent) as peer:
        question = Question("POST", "/x", body=b"x" * 2**25)
        outcome = made(peer.url, timeout=TIME).ask(question)
    assert outcome.end is End.LATE


def test_reads_use_one_connection_and_writes_one_of_their_own(cell, made):
    client = made(cell.url)
    for _ in range(3):
        client.ask(GET)
    assert cell.connections == 1
    client.ask(POST)
    assert cell.connections == 2


def test_a_connection_that_was_closed_is_not_used_again(cell, made):
    client = made(cell.url)
    client.ask(GET)
    cell.works()
    time.sleep(0.1)
    assert client.ask(GET).end is End.ANSWERED
    assert len(cell.heard) == 2


@pytest.mark.parametrize("point", [Point.BEFORE, Point.SENT])
@pytest.mark.parametrize("fault", ["closed", "reset"])
def test_a_read_is_sent_again_when_its_connection_was_stale(
    cell, made, fault, point
):
    """The cell closes it at the moment at which it is used again."""
    client = made(cell.url)
    client.ask(GET)
    cell.fails(fault, point, times=1)
    assert client.ask(GET).end is End.ANSWERED
    assert cell.connections == 2


def test_a_read_is_sent_twice_at_most(cell, made):
    client = made(cell.url)
    client.ask(GET)
    cell.fails("closed")
    assert client.ask(GET).end is End.BROKEN
    assert len(cell.heard) == 3


def test_a_read_is_not_sent_again_after_an_answer_began(cell, made):
    client = made(cell.url)
    client.ask(GET)
    cell.fails("cut")
    assert client.ask(GET).end is End.BROKEN
    assert len(cell.heard) == 2


def test_what_is_said_unasked_is_no_answer(made):
    twice = hostile.answered(200, {"n": 1}) + hostile.answered(200, {"n": 2})
    with Cell(lambda heard: twice) as cell:
        client = made(cell.url)
        for _ in range(3):
            assert client.ask(GET).json == {"n": 1}


def test_threads_get_their_own_answers(made):
    def echo(heard):
        time.sleep(0.01)
        return hostile.answered(200, {"path": heard.target})

    def ask(number):
        path = f"/{number}"
        for _ in range(10):
            wrong.extend(
                one
                for one in [client.ask(Question("GET", path))]
                if one.json != {"path": path}
            )

    wrong = []
    with Cell(echo) as cell:
        client = made(cell.url, connections=4)
        threads = [
            threading.Thread(target=ask, args=(number,)) for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert len(cell.heard) == 80


def test_no_more_connections_are_kept_than_may_be(made):
    gate = threading.Barrier(3)

    def together(heard):
        gate.wait(LONG)
        return hostile.empty(heard)

    with Cell(together) as cell:
        client = made(cell.url, connections=2)
        for _ in range(2):
            threads = [
                threading.Thread(target=client.ask, args=(GET,))
                for _ in range(3)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert cell.connections == 4


def test_a_forked_process_has_connections_of_its_own(cell, made):
    client = made(cell.url)
    client.ask(GET)
    child = os.fork()
    if not child:
        code = 0 if client.ask(GET).end is End.ANSWERED else 1
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cell.connections == 2
    assert client.ask(GET).end is End.ANSWERED
    assert cell.connections == 2


certificate = test_deadline.certificate


@pytest.fixture
def tls(certificate):
    """A cell behind TLS: its port, and the file that trusts it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    answer = hostile.answered(200, {"flavors": []})
    with peers.Peer(peers.answering(answer), context) as peer:
        yield peer, certificate


def test_a_cell_may_be_behind_tls(tls, made):
    peer, file = tls
    client = made(peer.url, cafile=file)
    for _ in range(2):
        assert client.ask(GET).json == {"flavors": []}
    assert peer.connections == 1


def test_a_cell_with_a_strange_certificate_hears_nothing(tls, made):
    outcome = made(tls[0].url).ask(POST)
    assert outcome.end is End.REFUSED
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.why


def test_tls_has_more_time_than_an_address(certificate, made):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    answer = peers.answering(hostile.answered(200, {}))

    def slow(connection, stop):
        stop.wait(TIME)
        with context.wrap_socket(connection, server_side=True) as secured:
            answer(secured, stop)

    with peers.Peer(slow) as peer:
        url = peer.url.replace("http:", "https:")
        client = made(url, cafile=certificate, connect_timeout=TIME / 2)
        assert client.ask(GET).end is End.ANSWERED
        client.close()


@pytest.mark.parametrize(
    "serve", [peers.silent, peers.deaf], ids=["silent", "dripping"]
)
def test_tls_that_does_not_begin_has_done_nothing(made, serve):
    with peers.Peer(serve) as peer:
        url = peer.url.replace("http:", "https:")
        outcome = made(url, timeout=TIME).ask(POST)
    assert outcome.end is End.REFUSED
    assert outcome.seconds < LONG


@pytest.mark.parametrize(
    ("url", "port"), [("http://127.0.0.1", 80), ("https://127.0.0.1/x", 443)]
)
def test_an_endpoint_has_the_port_of_its_scheme(made, monkeypatch, url, port):
    seen = []

    def refuse(address, timeout):
        seen.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert made(url).ask(GET).end is End.REFUSED
    assert seen == [("127.0.0.1", port)]


@pytest.mark.parametrize(
    ("end", "sent"),
    [
        (End.ANSWERED, True),
        (End.LATE, True),
        (End.BROKEN, True),
        (End.REFUSED, False),
        (End.BUSY, False),
        (End.OPEN, False),
    ],
)
def test_what_was_not_sent_was_surely_not_done(end, sent):
    assert Outcome("c1", end).sent is sent
