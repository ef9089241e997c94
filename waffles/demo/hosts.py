"""A host that dies and comes back: shown, and held against the plan."""

import time
from pathlib import Path

import requests

from waffles.demo import commands, recoveries
from waffles.demo.api import Api, Unexpected
from waffles.demo.recoveries import BACK, HOST
from waffles.demo.talk import Talk

#: Seconds that the host has to come back.
SECONDS = 30

_ON_HOST = f"/v2.1/servers/detail?all_tenants=1&host={HOST}"


def die(talk: Talk, config: Path) -> None:
    """Show what becomes of the servers of a host that dies.

    :raises Unexpected: something else does
    """
    talk.take(recoveries.SERVERS + recoveries.BEFORE)
    before = on_host(talk.api)
    talk.take(recoveries.DEATH)
    talk.begin("The engine brings back what asks for it, as one can watch.")
    watch(config)
    check(before, on_host(talk.api))
    talk.take(recoveries.AFTER)


def show(talk: Talk, dashboard: str) -> None:
    """Show where the dashboard is.

    :raises Unexpected: the host is not on it
    """
    talk.begin(f"The dashboard has all of it: {dashboard}")
    page = requests.get(dashboard, timeout=30)
    if page.status_code != 200 or HOST not in page.text:
        raise Unexpected(f"the dashboard has no {HOST}: {page.status_code}")


def come_back(talk: Talk) -> None:
    """Show how the host comes back.

    :raises Unexpected: it does not
    """
    talk.take(recoveries.RETURN)
    await_return(talk.api, talk.made["recovery"])
    talk.take(recoveries.RETURNED)


def words(config: Path, *asked: str) -> tuple[str, ...]:
    """What follows ``waffles`` where something is asked about the host."""
    return ("recovery", *asked, "--config-file", str(config), HOST)


def watch(config: Path) -> None:
    """Follow the recovery to its end, as an operator does.

    :raises Unexpected: it does not end well
    """
    code = commands.watch(*words(config, "show", "--watch"))
    if code:
        raise Unexpected(f"the recovery has not ended well: exit code {code}")


def on_host(api: Api) -> set[str]:
    """The names of the servers that Nova has on the host."""
    found = api.send("GET", _ON_HOST, user="admin").json()["servers"]
    return {one["name"] for one in found}


def check(before: set[str], after: set[str]) -> None:
    """Look whether those have left the host that should, and no others.

    :raises Unexpected: with those that were there, and those that are
    """
    if after != before - set(BACK) or not before.issuperset(BACK):
        raise Unexpected(
            f"{', '.join(BACK)} should have left {HOST}, and no others.\n"
            f"before: {', '.join(sorted(before))}\n"
            f"after:  {', '.join(sorted(after))}"
        )


def await_return(api: Api, recovery_id: str) -> None:
    """Wait until the host is back in service.

    :raises Unexpected: it takes too long
    """
    path = f"/v2.1/os-waffles/recoveries/{recovery_id}"
    for _ in range(SECONDS * 5):
        found = api.send("GET", path, user="admin").json()["recovery"]
        if found["return_state"] == "returned":
            return
        time.sleep(0.2)
    raise Unexpected(f"{HOST} has not returned: {found['note']}")
