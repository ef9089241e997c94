import contextlib
import http.client
import io
import json
import sys
import threading

import pytest
import webob.dec

from tests.unit.cells import hostile
from tests.unit.cells.hostile import Cell, Point


def asked(cell, method="GET", target="/flavors", body=None):
    """The status of an answer, and its body."""
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", cell.port, timeout=10)
    ) as line:
        line.request(method, target, body)
        answer = line.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize(
    ("point", "heard", "done"),
    [(Point.BEFORE, 0, 0), (Point.SENT, 1, 0), (Point.DONE, 1, 1)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_a_cell_has_done_when_it_goes_wrong(point, heard, done):
    with Cell() as cell:
        cell.fails("reset", point)
        with pytest.raises(ConnectionError):
            asked(cell)
        assert (len(cell.heard), len(cell.done)) == (heard, done)


def test_it_goes_wrong_as_often_as_it_is_told():
    with Cell() as cell:
        cell.fails("503", times=2)
        assert [asked(cell)[0] for _ in range(3)] == [503, 503, 200]


def test_it_goes_wrong_for_whom_it_is_told():
    with Cell() as cell:
        cell.fails("503", when=lambda heard: heard.method == "POST")
        assert asked(cell, "POST", body=b"{}")[0] == 503
        assert asked(cell)[0] == 200
        assert cell.done[0].json is None
        assert cell.heard[0].json == {}


def test_it_refuses_until_it_works():
    with Cell() as cell:
        for _ in range(2):
            cell.fails("refused")
            with pytest.raises(ConnectionRefusedError):
                asked(cell)
        cell.works()
        assert asked(cell)[0] == 200


def test_who_hangs_is_let_go_when_it_works():
    with Cell() as cell:
        cell.fails("hang")
        ended = threading.Event()

        def hang():
            with contextlib.suppress(OSError, http.client.HTTPException):
                asked(cell)
            ended.set()

        thread = threading.Thread(target=hang)
        thread.start()
        while not cell.heard:
            ended.wait(0.01)
        cell.works()
        assert ended.wait(5)
        thread.join()


def test_a_drip_has_an_end():
    with Cell(lambda heard: b"HTTP/1.1 204 No\r\n\r\n") as cell:
        cell.fails("drip", Point.DONE)
        assert asked(cell) == (204, b"")


def test_a_wsgi_application_may_answer():
    @webob.dec.wsgify
    def app(request):
        said = {"path": request.path_qs, "body": request.json}
        return webob.Response(json=said, status=201)

    with Cell(hostile.of_wsgi(app)) as cell:
        status, body = asked(cell, "PUT", "/a?b=c", b'{"d": 1}')
    assert status == 201
    assert json.loads(body) == {"path": "/a?b=c", "body": {"d": 1}}


class Input(io.StringIO):
    """Ends when somebody has asked the cell that says its port."""

    def read(self):
        port = int(sys.stdout.getvalue())
        self.seen = asked(type("", (), {"port": port}))
        return ""


def test_a_process_of_its_own_says_where_it_is(monkeypatch):
    given = Input()
    monkeypatch.setattr(sys, "stdin", given)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    hostile.main(0, 3)
    assert len(json.loads(given.seen[1])["flavors"]) == 3
