"""A recovery is written down: what a host was said to be, and by whom."""

import logging
from collections.abc import Mapping
from typing import Any

from waffles import texts
from waffles.caller import Caller
from waffles.recovery.model import Assertion, Line, Phase, Recovery
from waffles.recovery.store.store import Store

LOG = logging.getLogger(__name__)


def opened(
    store: Store,
    service: Mapping[str, Any],
    assertion: Assertion,
    caller: Caller,
    request_id: str,
    key: str = "",
    digest: str = "",
) -> Recovery:
    """Open a recovery of a host.

    :param service: its nova-compute, as Nova shows it; of a cell that is down
        it has no id
    :param key: of the request: the same again gives the same recovery
    :param digest: what tells another request with that key
    :raises AlreadyOpen: the host has one
    :raises KeyReused: the key was given with another digest
    :raises Unavailable: it could not be stored, or nobody knows whether it
        was
    """
    recovery = Recovery(
        id="",
        host=assertion.host,
        phase=Phase.RECEIVED,
        assertion=assertion,
        service_id=str(service.get("id", "")),
        zone=service.get("zone", ""),
        asserted_by=name(caller),
        project_id=caller.project_id or "",
        request_id=request_id,
    )
    line = Line("received", said(recovery), request_id=request_id)
    by = caller.user_id or ""
    made, is_new = store.create(
        recovery, key=key, digest=digest, by=by, line=line
    )
    if is_new:
        LOG.warning(
            "Recovery %s of host %s is open: %s [%s]",
            made.id,
            made.host,
            texts.one_line(line.message),
            request_id or "-",
        )
    return made


def name(caller: Caller) -> str:
    """Who it is, for people to read."""
    return (caller.user_name or caller.user_id or "somebody")[:255]


def said(recovery: Recovery) -> str:
    """What somebody says of a host, as a sentence."""
    found = recovery.assertion
    fenced = f"fenced by {found.fenced_by}" if found.fenced_by else "fenced"
    parts = (
        fenced if found.fenced else "not fenced",
        f"evidence: {found.evidence}" if found.evidence else "",
        f"reason: {found.reason}" if found.reason else "",
        "it may be writing a dump of its memory" if found.kdump else "",
    )
    more = "; ".join(filter(None, parts))
    return f"{recovery.asserted_by} says that {found.host} is gone: {more}"
