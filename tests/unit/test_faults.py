import pytest
import webob

from waffles import exceptions, faults


def _answer(app):
    return webob.Request.blank("/").get_response(app)


@pytest.mark.parametrize(
    ("code", "name"),
    [(400, "badRequest"), (403, "forbidden"), (409, "conflictingRequest")]
    + [(500, "computeFault"), (406, "computeFault")],
)
def test_a_fault_has_the_native_name_and_no_other(code, name):
    answer = _answer(faults.fault(code, 'of "ä"'))

    assert answer.status_int == code
    assert answer.json == {name: {"code": code, "message": 'of "ä"'}}
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert "Vary" not in answer.headers


def test_a_fault_has_the_version_headers_of_nova():
    answer = _answer(faults.fault(403, "no", "2.90"))

    assert answer.headers["OpenStack-API-Version"] == "compute 2.90"
    assert answer.headers["X-OpenStack-Nova-API-Version"] == "2.90"
    assert answer.headers.getall("Vary") == [
        "OpenStack-API-Version",
        "X-OpenStack-Nova-API-Version",
    ]


def test_an_answer_that_may_come_later_says_when():
    answer = _answer(faults.fault(503, "later"))

    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (exceptions.Malformed("what?"), 400, "what?"),
        (exceptions.Unavailable("gone"), 503, "gone"),
        (exceptions.Hidden(404, "where?"), 404, "where?"),
        (KeyError("secret"), 500, "This request could not be judged."),
    ],
)
def test_an_exception_is_a_refusal(error, code, text):
    answer = _answer(faults.of_exception(error))
    (fault,) = answer.json.values()

    assert fault == {"code": code, "message": text}


def test_a_warning_is_one_line_of_ascii():
    answer = _answer(faults.warned(webob.Response("ok"), 'a "b"\r\nc: ä'))

    assert answer.text == "ok"
    assert answer.headers["Warning"] == (
        '299 waffles "a \\"b\\"\\r\\nc: \\u00e4"'
    )
