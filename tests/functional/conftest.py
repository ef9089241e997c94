"""A real Nova for all functional tests of a session, and ways to ask it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import webob

from waffles.demo import cloud as demo
from waffles.demo import listen, site, standins

ETC = Path(__file__).parents[2] / "etc"
OFF = "".join(
    f"[waffles_{name}]\nmode = off\n"
    for name in ("naming", "metadata", "networks", "network_policy")
)


class Services(NamedTuple):
    """The cloud's services over HTTP, each waffle off.

    :param url: of all of them, without a path
    :param access: the group of a configuration by which we reach them
    """

    url: str
    access: str


class Api:
    """The compute API behind a pipeline, asked without sockets."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: demo.User = demo.DEMO,
        microversion: str | None = None,
        **environ: Any,
    ) -> webob.Response:
        """Send a request; the path begins with ``/v2.1`` or ``/v2``.

        :param body: to be sent as JSON, or bytes as they are
        :param environ: to be set in the environ, last
        """
        request = webob.Request.blank(path, method=method)
        request.headers["X-Auth-Token"] = user.name
        if microversion:
            request.headers["OpenStack-API-Version"] = (
                f"compute {microversion}"
            )
        if isinstance(body, bytes):
            request.body = body
        elif body is not None:
            request.json_body = body
            request.content_type = "application/json"
        request.environ.update(environ)
        return request.get_response(self.app)

    def server(self, **fields: Any) -> dict[str, Any]:
        """Make a server and wait until it is ACTIVE."""
        wanted = {
            "name": "any",
            "imageRef": demo.IMAGE,
            "flavorRef": "1",
            "networks": "none",
        } | fields
        made = self.call(
            "POST", "/v2.1/servers", {"server": wanted}, microversion="2.90"
        )
        assert made.status_int == 202, made.text
        return self.wait(made.json["server"]["id"])

    def wait(self, server_id: str, status: str = "ACTIVE") -> dict[str, Any]:
        """The server, once it has a status and nothing is being done."""
        for _ in range(200):
            server = self.show(server_id)
            if (
                server["status"] == status
                and not server["OS-EXT-STS:task_state"]
            ):
                return server
            time.sleep(0.05)
        raise AssertionError(f"still {server['status']}: {server}")

    def delete(self, server_id: str, user: demo.User = demo.DEMO) -> None:
        """Delete a server and wait until it is gone."""
        path = f"/v2.1/servers/{server_id}"
        for _ in range(200):
            if self.call("DELETE", path, user=user).status_int == 404:
                return
            time.sleep(0.05)
        raise AssertionError(f"still there: {self.show(server_id)}")

    def show(self, server_id: str) -> dict[str, Any]:
        """The server as Nova shows it to an administrator at 2.46."""
        answer = self.call(
            "GET",
            f"/v2.1/servers/{server_id}",
            user=demo.ADMIN,
            microversion="2.46",
        )
        assert answer.status_int == 200, answer.text
        server: dict[str, Any] = answer.json["server"]
        return server


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the waffles of the running cloud are configured in."""
    return tmp_path_factory.mktemp("etc") / "waffles.conf"


@pytest.fixture(scope="session")
def cloud(settings: Path) -> Iterator[demo.Cloud]:
    """Nova, with the shipped api-paste.ini."""
    settings.write_text(OFF)
    with demo.running(ETC / "api-paste.ini", [settings]) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def configured(cloud: demo.Cloud, settings: Path) -> Callable[[str], Api]:
    """An Api whose waffles have a configuration: the text of a file.

    A waffle that the text does not configure is off.
    """
    made: dict[str, Api] = {}

    def configured(text: str) -> Api:
        if text not in made:
            groups = OFF.splitlines()
            off = [
                f"{group}\n{mode}\n"
                for group, mode in zip(groups[::2], groups[1::2], strict=True)
                if group not in text
            ]
            settings.write_text("".join(off) + text)
            made[text] = Api(cloud.application())
        return made[text]

    return configured


@pytest.fixture(scope="session")
def nova(configured: Callable[[str], Api]) -> Api:
    """Nova with every waffle off."""
    return configured("")


@pytest.fixture(scope="session")
def services(cloud: demo.Cloud, nova: Api) -> Iterator[Services]:
    """Nova, and the stand-ins for Keystone, Glance and Neutron."""
    with listen.listening(standins.beside(nova.app, cloud)) as url:
        yield Services(url, site.ACCESS.format(url=url))
