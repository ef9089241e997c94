import doctest

import pytest
import webob

from waffles.recovery.dashboard import answers


def ask(path, **environ):
    return webob.Request.blank(path, environ)


def test_the_examples_are_true():
    assert doctest.testmod(answers) == doctest.TestResults(0, 1)


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("/", "/"),
        ("/?show=open&host=compute-1.example.com", None),
        ("/recoveries/a-1?state=failed&page=2", None),
        ("/?host=%C3%A9", None),
        ("", "/"),
        ("//evil.example.com", "/"),
        ("/\\evil.example.com", "/"),
        ("https://evil.example.com/", "/"),
        ("/recoveries/../x", "/"),
        ("/login", "/"),
        ("/?a=b\r\nSet-Cookie: x", "/"),
        ("/?a=b\n", "/"),
        ("/recoveries/a\n", "/"),
    ],
)
def test_only_pages_of_ours_come_next(text, page):
    assert answers.next_page(text) == (text if page is None else page)


@pytest.mark.parametrize(
    ("path", "more", "address"),
    [
        ("/", {}, "/"),
        ("/?show=open&refresh=off", {}, "/?show=open"),
        ("/?show=open", {"refresh": "off"}, "/?show=open&refresh=off"),
        ("/?again=1", {}, "/"),
        ("/x%20y?a=%26", {}, "/x%20y?a=%26"),
        ("/%ff?a=%ff", {}, "/%FF?a=%EF%BF%BD"),
    ],
)
def test_the_address_of_a_page_keeps_what_narrows_it(path, more, address):
    assert answers.here(ask(path), **more) == address


def test_an_address_begins_where_we_are_mounted():
    assert answers.here(ask("/x", SCRIPT_NAME="/ops")) == "/ops/x"


def test_of_a_parameter_that_is_there_twice_the_last_counts():
    assert answers.query(ask("/?a=1&a=2&b")) == {"a": "2"}


@pytest.mark.parametrize("status", [200, 403])
def test_a_page_is_of_unicode(status):
    found = answers.html("é", status)

    assert found.body == "é".encode()
    assert found.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert found.status_int == status


def test_a_form_is_followed_by_a_get():
    found = answers.redirect("/x")

    assert (found.status_int, found.location) == (303, "/x")


def test_what_is_everybodys_is_kept_for_a_day():
    found = answers.file(b"p {}", "text/css")

    assert "public" in found.headers["Cache-Control"]
    assert found.content_type == "text/css"
