import json

import pytest
import webob

from waffles.cells.proxy import documents
from waffles.cells.versions import Versions

DOCUMENT = {
    "version": {
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.104",
        "min_version": "2.1",
        "media-types": [{"base": "application/json"}],
        "links": [
            {"rel": "self", "href": "http://c1/v2.1/"},
            {"rel": "describedby", "href": "http://docs/"},
        ],
    }
}


def answered(url):
    versions = Versions(["c1"], lambda names, _: {"c1": DOCUMENT}, float)
    prefix = "/v2.1" if url.endswith("/v2.1/") else ""
    request = webob.Request.blank(url.removesuffix("v2.1/") or "/")
    request.script_name = prefix
    found = documents.answer(request.environ, versions)
    return json.loads(found.body)


def test_the_document_has_our_own_address():
    found = answered("http://top:8784/v2.1/")["version"]

    assert found["links"] == [
        {"rel": "self", "href": "http://top:8784/v2.1/"},
        {"rel": "describedby", "href": "http://docs/"},
    ]
    assert (found["min_version"], found["version"]) == ("2.1", "2.104")
    assert found["media-types"]


def test_at_the_root_it_is_a_list():
    (found,) = answered("http://top:8784/")["versions"]

    assert found["links"][0]["href"] == "http://top:8784/v2.1/"
    assert "media-types" not in found


def test_links_that_are_none_do_no_harm():
    document = {"version": DOCUMENT["version"] | {"links": [1, None]}}
    versions = Versions(["c1"], lambda names, _: {"c1": document}, float)
    found = documents.answer(webob.Request.blank("/").environ, versions)

    assert len(json.loads(found.body)["versions"][0]["links"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "is_one"),
    [
        ("GET", "/", True),
        ("GET", "", True),
        ("POST", "/", False),
        ("GET", "/x", False),
    ],
)
def test_only_reads_of_the_root_are_for_one(method, path, is_one):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path}

    assert documents.is_one(environ) is is_one
