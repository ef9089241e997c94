"""The steps in which a host dies, its servers come back, and the host."""

from pathlib import Path
from typing import Any

from waffles.demo import steps
from waffles.demo.pods import RED
from waffles.demo.steps import Step

HOST = RED.hosts[0]

#: What is said of recoveries.
RULES = """
[waffles_recovery]
connection = sqlite:///{folder}/recovery.db
local_disk = allow
poll_interval = 0.5
heartbeat_interval = 3
healthy_delay = 0
webhook_url = {url}/events
webhook_secret = demo
dashboard_auth = none
"""

#: Servers that are to come back, and what else there is on the host.
BACK = ("pay-prd-1", "api-prd-1")
TOLD, LEFT = "lbs-prd-1", "lab-prd-1"


def rules(url: str, folder: Path) -> str:
    """The configuration of recoveries.

    :param url: where the cloud is
    """
    return RULES.format(url=url, folder=folder)


def _server(sentence: str, name: str, *tags: str) -> Step:
    body = steps.server(name)
    body["server"] |= {"host": HOST, "tags": list(tags)}
    return Step(sentence, "POST", "/v2.1/servers", body, 202, user="admin")


def _power(sentence: str, power: str) -> Step:
    return Step(
        sentence, "PUT", f"/power/{HOST}", {"power": power}, 200, user="admin"
    )


def _down(sentence: str, says: str, status: int, **said: Any) -> Step:
    body = {"force_down": {"host": HOST, **said}}
    path = "/v2.1/os-waffles/force-down"
    return Step(sentence, "POST", path, body, status, says, user="admin")


def _look(sentence: str, path: str, says: str) -> Step:
    return Step(sentence, "GET", path, None, 200, says, user="admin")


FENCED = {
    "fenced": True,
    "fenced_by": "ipmi",
    "evidence": "Chassis Power is off",
}

SERVERS = (
    _server(
        f"Servers on {HOST}: this one is to come back, and first of all;",
        BACK[0],
        "automatic-recovery",
        "recovery-priority:900",
    ),
    _server(
        "this one is to come back as well;", BACK[1], "automatic-recovery"
    ),
    _server("of this one somebody is to be told;", TOLD, "custom-recovery"),
    _server("and of this one nobody has said anything.", LEFT),
)

BEFORE = (
    _down(
        f"What if {HOST} died? A dry run does nothing, and tells all.",
        f"gates are open\n{BACK[0]}  queued  its tag",
        200,
        dry_run=True,
    ),
)

DOWN = _down(
    "A fence agent declares it dead.",
    '"state": "received"',
    202,
    **FENCED,
)

DEATH = (
    _power(f"{HOST} loses its power (its switch is a stand-in).", "off"),
    DOWN,
)

AFTER = (
    _look(
        "What came of each server is on record, with the reason;",
        "/v2.1/os-waffles/recoveries/{recovery}/servers",
        f"{LEFT}  skipped  nobody asks for it",
    ),
    _look(
        "and where they are now says Nova.",
        "/v2.1/servers/detail?all_tenants=1&name=-prd-1",
        f"{BACK[1]}  ACTIVE  on ",
    ),
    _look(
        f"The notice of {TOLD} has reached its receiver (a stand-in).",
        "/events",
        f"server.custom  {TOLD}  its tag custom-recovery asks for it",
    ),
)

RETURN = (
    _look(
        f"May nova-compute start on {HOST} again? Not during evacuations.",
        f"/v2.1/os-waffles/hosts/{HOST}/may-start",
        '"may_start": true',
    ),
    _power("They have ended: its power is switched on.", "on"),
    Step(
        "An operator wants it back in service.",
        "POST",
        f"/v2.1/os-waffles/hosts/{HOST}/return",
        None,
        202,
        '"return_state": "waiting"',
        user="admin",
    ),
)

RETURNED = (
    _look(
        "Once it reports, the engine forces it up and enables it.",
        f"/v2.1/os-services?binary=nova-compute&host={HOST}",
        "enabled  up  not forced down",
    ),
)
