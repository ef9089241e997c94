"""The demo's compute API, asked over HTTP."""

import time
from collections.abc import Mapping
from typing import Any

import requests

#: The microversion of all requests; ``/v2`` knows none.
MICROVERSION = "2.90"

#: How long a server may take to be made or rebuilt.
SECONDS = 20

_ALL = "/v2.1/servers/detail?all_tenants=1"


class Unexpected(Exception):
    """What came is not what was expected."""


class Api:
    """Where the compute API is.

    :param url: without ``/v2.1``
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def send(
        self, method: str, path: str, body: Any = None, user: str = "demo"
    ) -> requests.Response:
        """Send a request; a user's token is the name."""
        headers = {
            "X-Auth-Token": user,
            "OpenStack-API-Version": f"compute {MICROVERSION}",
        }
        return requests.request(
            method, self.url + path, json=body, headers=headers, timeout=30
        )

    def wait(self) -> None:
        """Wait until all servers are ACTIVE and left alone.

        :raises Unexpected: one does not become so
        """
        for _ in range(SECONDS * 10):
            found = self.send("GET", _ALL, user="admin").json()
            busy = list(filter(None, map(_state, found["servers"])))
            if not busy:
                return
            time.sleep(0.1)
        raise Unexpected("\n".join([f"after {SECONDS} s:", *busy]))


def _state(server: Mapping[str, Any]) -> str:
    """What a server is that is not at rest, or not well."""
    status, task = server["status"], server["OS-EXT-STS:task_state"]
    if (status, task) == ("ACTIVE", None):
        return ""
    fault = server.get("fault", {}).get("message")
    about = ["server", server["name"], "is", status, task, fault]
    return " ".join(filter(None, about))
