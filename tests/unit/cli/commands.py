"""The command, run in this process on a store of its own."""

import json

import pytest

from tests.unit.recovery import history
from waffles.cli import app


class Desk:
    """Where somebody types.

    :ivar rows: the store that the command finds
    """

    def __init__(self, folder, capsys):
        self.folder, self._capsys = folder, capsys
        self.file = folder / "recovery.db"
        self.rows = history.opened(self.file)
        self.conf = folder / "waffles.conf"
        self.configure()

    def configure(self, *lines):
        """Write the options; the access to a cloud is among them."""
        self.conf.write_text(
            "[waffles_recovery]\n"
            + "\n".join([f"connection = sqlite:///{self.file}", *lines])
            + "\n[waffles]\nauth_type = none\nendpoint = http://127.0.0.1:1\n"
        )

    def type(self, *words):
        """Exit code, standard output, standard error."""
        argv = [*words, "--config-file", str(self.conf)]
        try:
            code = app.main(argv)
        except SystemExit as error:
            code = error.code
        return code, *self._capsys.readouterr()

    def json(self, *words):
        """Exit code, what the output says, standard error."""
        code, out, err = self.type(*words, "-f", "json")
        return code, json.loads(out) if out else None, err


@pytest.fixture
def desk(tmp_path, capsys):
    made = Desk(tmp_path, capsys)
    yield made
    made.rows.close()
