import webtest

from waffles.cells.proxy import nothing


def test_nothing_is_found():
    app = webtest.TestApp(nothing.app_factory({}))

    found = app.get("/servers", status=404)

    assert found.json["itemNotFound"]["code"] == 404
