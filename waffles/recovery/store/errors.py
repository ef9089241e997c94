"""What the store refuses.

::

    WafflesError
    ├── Lost             the lease is another's: stop at once
    └── Unjudged
        ├── NoMarker     400: a page is to begin behind a row that is not there
        ├── NoRecovery   404
        └── Conflict     409
            ├── AlreadyOpen  the host has an open recovery
            ├── KeyReused    an idempotency key, with another request
            └── NotNow       not in the state that it is in

That the database gives no answer is :class:`waffles.exceptions.Unavailable`.
"""

from waffles import exceptions
from waffles.recovery.model import Recovery


class Lost(exceptions.WafflesError):
    """The lease has run out, or somebody has it now; nothing was written."""


class NoMarker(exceptions.Malformed):
    """There is no row for a page to begin behind."""


class NoRecovery(exceptions.Hidden):
    """There is no recovery of that id."""

    def __init__(self, recovery_id: str) -> None:
        super().__init__(404, f"There is no recovery {recovery_id}.")


class AlreadyOpen(exceptions.Conflict):
    """The host has an open recovery."""

    def __init__(self, recovery: Recovery) -> None:
        super().__init__(
            f"Recovery {recovery.id} of host {recovery.host} is open."
        )
        self.recovery = recovery


class KeyReused(exceptions.Conflict):
    """The key of an earlier request, with something else in it."""


class NotNow(exceptions.Conflict):
    """What is asked for cannot be done in the state that it is in."""
