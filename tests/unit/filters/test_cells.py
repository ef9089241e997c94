import webtest

from tests.unit.cells import novas
from waffles.filters import cells


def below(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"below"]


def test_without_an_option_the_waffle_does_nothing(tmp_path):
    file = tmp_path / "waffles.conf"
    file.write_text("")

    assert cells.filter_factory({}, config_file=str(file))(below) is below


def test_what_is_of_the_cells_is_answered_and_nothing_else(tmp_path):
    file = tmp_path / "waffles.conf"
    with novas.served(novas.Nova()) as url:
        file.write_text(
            "[waffles_cells]\nenabled_cells = c1\n[waffles_cell_c1]\n"
            f"number = 1\nhome = true\nendpoint = {url}\n"
        )
        made = cells.filter_factory({}, config_file=str(file))(below)
        app = webtest.TestApp(made)

        assert app.get("/servers").text == "below"
        assert app.post("/servers/1/action", "{}").text == "below"
        assert app.get("/flavors", status=401)


def test_no_operation_that_others_judge_is_its_own():
    assert cells.Cells(below, None).handle(None) is None
