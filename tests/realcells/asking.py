"""How tests ask a compute API, be it a cell's or a proxy's."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import requests

#: Projects: of an administrator, of a user, of another user.  Nova wants them
#: hexadecimal in a path, and puts them into links where the URL has them
#: anywhere: "de" would be in "detail".
ADMINS, USERS, OTHERS = "ad" * 16, "de" * 16, "ff" * 16

#: Tokens of :mod:`tests.realcells.auth`.
ADMIN, USER, OTHER = f"admin:{ADMINS}", f"user:{USERS}", f"user:{OTHERS}"

#: Seconds after which a call has failed.
PATIENCE = 60.0


class Answer(NamedTuple):
    """What was answered.

    :param headers: whatever the case of their names
    """

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def data(self) -> Any:
        """The JSON; None where there is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


class Api:
    """A compute API.

    :param url: with ``/v2.1`` at its end
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        microversion: str | None = "2.96",
        token: str | None = ADMIN,
        **headers: str,
    ) -> Answer:
        """Ask once; the path goes as it is behind the URL.

        :param body: to be sent as JSON, or bytes as they are
        """
        sent = dict(headers)
        if token is not None:
            sent["X-Auth-Token"] = token
        if microversion is not None:
            sent["OpenStack-API-Version"] = f"compute {microversion}"
        if body is not None and not isinstance(body, bytes):
            sent["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        request = requests.Request(method, self.url, sent, data=body)
        prepared = request.prepare()
        # requests would quote some of it anew.
        prepared.url = self.url + path
        with requests.Session() as session:
            found = session.send(prepared, timeout=PATIENCE)
        return Answer(found.status_code, found.headers, found.text)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """Ask as an administrator, who gets what is asked for: the JSON."""
        answer = self.call(method, path, body)
        assert answer.status < 300, f"{method} {path}: {answer}"
        return answer.data

    def flavor(self, flavor_id: str, **fields: Any) -> dict[str, Any]:
        """Make a flavor, whose name is its id unless another is given."""
        default = {"name": flavor_id, "ram": 64, "vcpus": 1, "disk": 1}
        wanted = {"id": flavor_id, **default, **fields}
        made = self.done("POST", "/flavors", {"flavor": wanted})
        flavor: dict[str, Any] = made["flavor"]
        return flavor
