"""The demo's compute API, asked over HTTP."""

import time
from typing import Any

import requests

#: The microversion of all requests; ``/v2`` knows none.
MICROVERSION = "2.90"

#: How long a server may take to be made or rebuilt.
SECONDS = 20


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

    def wait(self, server_id: str) -> None:
        """Wait until a server is ACTIVE and nothing is being done with it.

        :raises Unexpected: it does not become so
        """
        for _ in range(SECONDS * 10):
            path = f"/v2.1/servers/{server_id}"
            server = self.send("GET", path).json()["server"]
            state = server["status"], server["OS-EXT-STS:task_state"]
            if state == ("ACTIVE", None):
                return
            time.sleep(0.1)
        raise Unexpected(f"The server is {state} after {SECONDS} s.")
