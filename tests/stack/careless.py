"""An engine as it must not be: those who look for such faults must see them.

It keeps no record, so it asks again for what an engine before it has asked
for; and what it cannot read has failed, so it asks again for that, too.  Told
to be hasty, it takes what is accepted for done.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import requests

T = TypeVar("T")

AT_ONCE = 20

#: Seconds that it waits for an answer, and between two looks.
TIMEOUT, PAUSE = 0.5, 0.1


class Careless:
    """Evacuates all servers of a host.

    :param url: of Nova
    :param hasty: asks for each once, and leaves
    """

    def __init__(self, url: str, host: str, hasty: bool) -> None:
        self._url, self._host, self._hasty = f"{url}/v2.1", host, hasty
        self._http = requests.Session()
        self._http.headers["OpenStack-API-Version"] = "compute 2.94"

    def run(self) -> None:
        """Go on until no server is left."""
        _insist(self._force_down)
        while ids := _insist(self._servers):
            for server_id in ids:
                self._evacuate(server_id)
            if self._hasty:
                return
            while ids := self._left(ids):
                time.sleep(PAUSE)

    def _left(self, ids: Sequence[str]) -> list[str]:
        """Those that have not ended; those that fail are asked for again."""
        left = []
        for server_id in ids:
            try:
                is_over = self._is_over(server_id)
            except (requests.RequestException, LookupError):
                self._evacuate(server_id)
                is_over = False
            if not is_over:
                left.append(server_id)
        return left

    def _is_over(self, server_id: str) -> bool:
        path = f"/os-migrations?instance_uuid={server_id}"
        newest, *_ = self._call("GET", path).json()["migrations"]
        if newest["status"] in ("error", "failed"):
            self._evacuate(server_id)
        return bool(newest["status"] == "done")

    def _evacuate(self, server_id: str) -> None:
        path = f"/servers/{server_id}/action"
        for _ in range(1 if self._hasty else 2):
            with contextlib.suppress(requests.RequestException):
                self._call("POST", path, {"evacuate": {}})
                return

    def _force_down(self) -> None:
        path = f"/os-services?host={self._host}"
        (service,) = self._call("GET", path).json()["services"]
        path = f"/os-services/{service['id']}"
        self._call("PUT", path, {"forced_down": True})

    def _servers(self) -> list[str]:
        path = f"/servers/detail?host={self._host}&limit={AT_ONCE}"
        found = self._call("GET", path).json()["servers"]
        return [one["id"] for one in found]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(
            method, self._url + path, json=body, timeout=TIMEOUT
        )
        answer.raise_for_status()
        return answer


def _insist(act: Callable[[], T]) -> T:
    while True:
        try:
            return act()
        except requests.RequestException:
            time.sleep(PAUSE)


def main(arguments: list[str]) -> int:
    url, host, *how = arguments
    Careless(url, host, "hasty" in how).run()
    return 0
