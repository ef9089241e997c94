import pytest

from waffles.cli.names import Names


def _server(server_id, name, project="red"):
    return {"id": server_id, "name": name, "tenant_id": project}


@pytest.fixture
def names():
    with Names() as names:
        names.fill(
            [
                _server("1", "web"),
                _server("2", "WEB"),
                _server("3", "web", "blue"),
                _server("4", "Grün"),
                _server("5", "GRÜN"),
                _server("6", "web-1"),
            ]
        )
        yield names


@pytest.mark.parametrize(
    ("server", "scope", "others"),
    [
        (_server("1", "web"), "project", ["WEB"]),
        (_server("2", "WEB"), "project", ["web"]),
        (_server("1", "web"), "cloud", ["WEB", "web"]),
        (_server("3", "web", "blue"), "project", []),
        (_server("4", "Grün"), "cloud", ["GRÜN"]),
        (_server("6", "web-1"), "cloud", []),
        (_server("7", "new"), "cloud", []),
    ],
)
def test_others_of_a_name_are_found_in_any_case(names, server, scope, others):
    assert list(names.others(server, scope, "a regex")) == others


def test_what_was_taken_down_before_an_error_is_kept():
    def servers():
        yield _server("1", "web")
        raise RuntimeError

    with Names() as names:
        with pytest.raises(RuntimeError):
            names.fill(servers())

        assert list(names.others(_server("2", "Web"), "cloud")) == ["web"]
