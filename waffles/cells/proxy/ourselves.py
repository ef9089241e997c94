"""Cells asked with our own rights, when there is no request.

The token is that of ``[waffles]``.  The Nova below the proxy has no address,
so it cannot be asked like this.
"""

import dataclasses

from waffles.caller import Caller
from waffles.cells.asking.call import Call, Cloud
from waffles.cells.drift import replay
from waffles.cells.journal.entries import Writes
from waffles.cells.model import Version
from waffles.cells.versions import Versions
from waffles.clients.session import Access


class Ourselves:
    """Makes calls of our own.

    :param access: where tokens come from
    """

    def __init__(
        self, cloud: Cloud, versions: Versions, access: Access
    ) -> None:
        self._cloud = dataclasses.replace(cloud, on_cell_down="skip")
        self._versions, self._access = versions, access

    @property
    def journal(self) -> Writes:
        """What keeps the writes of flavors.

        :raises Unavailable: its database gives no answer
        """
        return self._cloud.journal()

    def call(self) -> Call:
        """One call; with it any number of cells can be asked.

        :raises Unavailable: no cell answers, or there is no token
        """
        known = self._versions.common({})
        version = min(max(replay.VERSION, known.least), known.most)
        environ = {
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": "",
            **{
                f"HTTP_{name.upper().replace('-', '_')}": value
                for name, value in self._access.headers().items()
            },
        }
        who = Caller(user_name="waffles", roles=("admin",))
        return Call(self._cloud, environ, who, {}, Version(*version), "")
