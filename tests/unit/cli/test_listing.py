import types

import pytest

from waffles import exceptions
from waffles.cli import app, listing


class Fake(listing.Listing):
    """A listing."""

    rows: object = ()

    def take_action(self, parsed_args):
        if isinstance(self.rows, Exception):
            raise self.rows
        return ("a", "b"), self.rows


class FakeShow(listing.Showing):
    """One thing."""

    fields = (), ()

    def take_action(self, parsed_args):
        if not self.fields:
            raise exceptions.WafflesError("It is not there.")
        return self.fields

    def refused(self, error):
        return 7


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ((("a", "b"), (1, 2)), (0, '{\n  "a": 1,\n  "b": 2\n}\n', "")),
        (((), ()), (0, "", "")),
        (None, (7, "", "It is not there.\n")),
    ],
    ids=["shown", "nothing to show", "refused"],
)  # fmt: skip
def test_one_thing_is_shown(capsys, fields, found):
    made = app.App()
    made.options = made.parser.parse_args([])
    command = FakeShow(made, None)
    command.fields = fields
    code = command.run(command.get_parser("x").parse_args(["-f", "json"]))
    out, err = capsys.readouterr()

    assert (code, out, err) == found


@pytest.fixture
def run(capsys):
    def run(rows, *argv, exit_code=0):
        made = app.App()
        made.options = made.parser.parse_args(["--config-file", "above"])
        command = Fake(made, None)
        command.rows, command.exit_code = rows, exit_code
        code = command.run(command.get_parser("x").parse_args(argv))
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("form", "none", "one"),
    [
        (
            "table",
            "",
            "+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n+---+---+\n",
        ),
        ("json", "[]\n", '[\n  {\n    "a": 1,\n    "b": 2\n  }\n]\n'),
        ("yaml", "[]\n", "- a: 1\n  b: 2\n"),
        ("csv", '"a","b"\n', '"a","b"\n1,2\n'),
        ("value", "", "1 2\n"),
    ],
)
def test_rows_are_written_in_each_format(run, form, none, one):
    assert run([], "-f", form) == (0, none, "")
    assert run(iter([(1, 2)]), "-f", form, exit_code=1) == (1, one, "")


@pytest.mark.parametrize("form", ["csv", "value"])
def test_rows_are_written_as_they_come(run, capsys, form):
    seen = []

    def rows():
        yield 1, 2
        yield 3, 4
        seen.append(capsys.readouterr().out)

    run(rows(), "-f", form)

    assert len(seen[0].splitlines()) >= 2


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (exceptions.ConfigError("It is wrong."), "It is wrong.\n"),
        (KeyError("x"), "KeyError: 'x'\n"),
    ],
)
def test_an_error_is_one_sentence(run, error, sentence):
    assert run(error) == (2, "", sentence)


def test_a_closed_pipe_is_left_to_cliff(run):
    with pytest.raises(BrokenPipeError):
        run(BrokenPipeError())


def test_a_column_that_is_not_there_is_told(run):
    code, _, err = run([(1, 2)], "-c", "c")

    assert code == 2
    assert "No recognized column" in err


def test_files_are_named_before_the_subcommand_and_behind_it():
    above = types.SimpleNamespace(config_file=["a"])
    command = types.SimpleNamespace(app=types.SimpleNamespace(options=above))
    args = types.SimpleNamespace(config_file=["b"])

    assert listing.Listing.named(command, args) == ["a", "b"]


def test_the_files_named_come_first(tmp_path):
    assert listing.files(["a", "b"], str(tmp_path)) == ["a", "b"]


def test_the_own_file_comes_before_novas(tmp_path, monkeypatch):
    nova = lambda: ["nova.conf"]  # noqa: E731
    monkeypatch.setattr(listing, "nova_files", nova)
    own = tmp_path / "waffles.conf"

    assert listing.files([], str(own)) == ["nova.conf"]
    own.touch()
    assert listing.files([], str(own)) == [str(own)]


def test_no_file_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "nova_files", list)

    with pytest.raises(exceptions.ConfigError, match="say --config-file"):
        listing.files([], str(tmp_path / "none"))


def test_novas_files_are_those_that_its_api_reads(tmp_path, monkeypatch):
    home = tmp_path / ".nova"
    (home / "nova.conf.d").mkdir(parents=True)
    for name in ("nova.conf", "nova-api.conf", "nova.conf.d/x.conf"):
        (home / name).touch()
    monkeypatch.setenv("HOME", str(tmp_path))

    assert listing.nova_files()[:3] == [
        str(home / name)
        for name in ("nova.conf", "nova-api.conf", "nova.conf.d/x.conf")
    ]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(exceptions.WafflesError, match="No such file"):
        listing.readable([str(tmp_path / "none")])
