import logging

import pytest

from waffles.cli import app


@pytest.fixture
def run(capsys):
    def run(*argv):
        try:
            code = app.main([str(arg) for arg in argv])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("argv", [[], ["--help"], ["help"], ["-v"]])
def test_without_a_subcommand_there_is_help(run, argv):
    _, out, _ = run(*argv)

    assert "audit" in out
    assert "check" in out


@pytest.mark.parametrize("command", ["check", "audit"])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_help_tells_the_exit_codes(run, command, flag):
    code, out, _ = run(command, flag)

    assert code == 0
    assert "exit codes: 0 " in out


def test_a_strange_subcommand_is_an_error(run):
    assert run("xyzzy")[0] == 2


def test_a_strange_option_is_an_error(run):
    code, _, err = run("check", "--xyzzy")

    assert code == 2
    assert "--xyzzy" in err


def test_logging_is_left_as_it_was(run):
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    run("help")

    assert (root.level, root.handlers) == before


@pytest.mark.parametrize(
    ("name", "level", "shown"),
    [
        ("waffles.policy", logging.WARNING, False),
        ("waffles.policy", logging.ERROR, True),
        ("stevedore.extension", logging.ERROR, False),
        ("oslo_policy._parser", logging.ERROR, False),
        ("waffles.cli", logging.WARNING, True),
    ],
)
def test_what_the_listing_says_is_not_logged(name, level, shown):
    record = logging.LogRecord(name, level, "", 0, "x", (), None)

    assert app._is_news(record) is shown
