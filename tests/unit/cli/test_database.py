import json

import pytest

from waffles.cli import app, database
from waffles.database import upgrades
from waffles.recovery.store import store

HEAD = upgrades.head()


@pytest.fixture
def run(capsys, tmp_path):
    """Run a subcommand on a database; where its file is."""
    file = tmp_path / "waffles.conf"
    url = f"sqlite:///{tmp_path}/recovery.db"

    def run(kind, *argv, options=f"connection = {url}\n", **more):
        file.write_text(f"[waffles_recovery]\n{options}")
        made = app.App()
        above = more.get("above", [])
        made.options = made.parser.parse_args(above)
        command = kind(made, None)
        parser = command.get_parser("x")
        named = [] if above else ["--config-file", str(file)]
        code = command.run(parser.parse_args([*named, *argv]))
        return code, *capsys.readouterr()

    run.url, run.file = url, file
    return run


def test_tables_are_made_and_then_there_is_nothing_to_do(run):
    assert run(database.Upgrade) == (0, f"Schema {HEAD}: made.\n", "")
    assert run(database.Upgrade) == (0, f"Schema {HEAD}: nothing to do.\n", "")
    store.open(run.url).close()


def test_an_old_schema_is_brought_up_to_date(run, monkeypatch):
    monkeypatch.setattr(
        store, "upgrade", lambda url: ("000", HEAD) if url == run.url else 0
    )

    assert run(database.Upgrade) == (0, f"Schema {HEAD}: from 000.\n", "")


@pytest.mark.parametrize(("made", "code"), [(False, 1), (True, 0)])
def test_the_version_is_shown_in_each_format(run, made, code):
    if made:
        store.upgrade(run.url)
    found = {"revision": HEAD if made else "", "needed": HEAD}

    shown, out, _ = run(database.Version, "-f", "json")

    assert (shown, json.loads(out)) == (code, found)


def test_the_files_above_the_subcommand_count(run):
    run(database.Upgrade)

    above = ["--config-file", str(run.file)]
    assert run(database.Version, above=above)[0] == 0


@pytest.mark.parametrize("kind", [database.Upgrade, database.Version])
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("connection = sqlite:////no/such/recovery.db\n", "no folder"),
        ("connection = mysql://u:hunter2@/\n", "names no database"),
        ("connection = mysql://u:hunter2@127.0.0.1:1/d\n", "127.0.0.1:1/d: "),
        ("conection = x\n", "no such option"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, kind, options, why):
    code, out, err = run(kind, options=options)

    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1
    assert "hunter2" not in err


def test_the_help_tells_the_exit_codes():
    assert "exit codes: 0 " in database.Version(None, None).get_epilog()
