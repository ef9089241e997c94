"""An engine that naps behind each intent, so that it can be stopped there."""

import time
from typing import Any

from waffles.cli import app
from waffles.recovery.store.leases import Lease

#: Seconds between an intent on record and what follows.
NAP = 0.05


def main(arguments: list[str]) -> int:
    take = Lease.take

    def slowly(*args: Any, **how: Any) -> Any:
        taken = take(*args, **how)
        time.sleep(NAP)
        return taken

    Lease.take = slowly  # type: ignore[method-assign]
    return app.main(arguments)
