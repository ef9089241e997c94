"""The endpoint on a store of its own, above a Nova of a few hosts."""

from pathlib import Path
from typing import Any

import webob

from tests import fakes
from tests.unit.recovery import cloud
from tests.unit.recovery.settings import settings
from waffles import config
from waffles.recovery.endpoint import dispatch
from waffles.recovery.endpoint.means import Means
from waffles.recovery.model import Line, Server
from waffles.recovery.rules import guard
from waffles.recovery.store import store

LINE = Line("test", "by a test")

ADMIN = fakes.FakeContext(
    "root-id", "root", "infra", "infra", ["admin"], is_admin=True
)
MEMBER = fakes.FakeContext("ann-id", "ann", "red", "red", ["member"])

FENCED = {"host": "c2", "fenced": True}


class NoGlance:
    """Nobody asks for images."""


class Office:
    """The endpoint, and what it works with.

    :param folder: for its files
    :param rules: the policy file
    :param url: of the store, where it is not to be its own
    """

    def __init__(
        self,
        folder: Path,
        rules: str = "",
        most: int = 1000,
        url: str = "",
        **options: Any,
    ) -> None:
        self.url = url or f"sqlite:///{folder}/recovery.db"
        self.store = store.open(self.url)
        self.nova = cloud.Nova()
        (folder / "policy.yaml").write_text(rules)
        conf = folder / "nova.conf"
        conf.write_text("[oslo_policy]\npolicy_file = policy.yaml\n")
        self.means = Means(
            settings=settings(folder, connection=self.url, **options),
            store=lambda: self.store,
            compute=self.nova,  # type: ignore[arg-type]
            glance=NoGlance(),  # type: ignore[arg-type]
            guard=guard(config.read([str(conf)])),
            most=most,
        )

    def __call__(self, environ: Any, start_response: Any) -> Any:
        found = dispatch.answer(self.means, environ)
        return found(environ, start_response)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        context: fakes.FakeContext = ADMIN,
        **more: Any,
    ) -> webob.Response:
        """The answer to a call; the path is below /os-waffles."""
        return fakes.send(
            self, method, f"/os-waffles{path}", body, context, **more
        )

    def open(self, host: str = "c2", **said: Any) -> Any:
        """The recovery of a host that is declared dead."""
        body = {"force_down": {"host": host, "fenced": True, **said}}
        answer = self.call("POST", "/force-down", body)
        assert answer.status_int == 202, answer.text
        return answer.json["recovery"]

    def planned(
        self, recovery_id: str, *servers: Server, **columns: Any
    ) -> None:
        """Have an engine plan a recovery."""
        lease = self.store.claim("engine", 60.0)
        assert lease is not None
        assert lease.recovery_id == recovery_id
        lease.add(servers, lines=[LINE])
        lease.save(lines=[LINE], **columns)
        lease.release()

    def close(self) -> None:
        self.store.close()
