"""The demo's cloud, kept up for a reader's own requests."""

import json
import shlex
import socket
import threading
from pathlib import Path
from typing import Any

from waffles.demo import (
    audit,
    commands,
    engine,
    hosts,
    listen,
    pods,
    recoveries,
    sample,
    steps,
)
from waffles.demo.api import MICROVERSION, Api
from waffles.demo.cloud import ADMIN, DEMO, IMAGE
from waffles.demo.site import Site
from waffles.demo.talk import Talk

CURL = """\
curl -sS --noproxy '*' -w '\\n' -X POST {url}{path} \\
    -H 'X-Auth-Token: {user}' \\
    -H 'Content-Type: application/json' \\
    -H 'OpenStack-API-Version: compute {version}' \\
    -d {body}"""

SETTINGS = """\
unset OS_CLOUD OS_TOKEN; export no_proxy=127.0.0.1
export OS_AUTH_TYPE=password OS_AUTH_URL={url}/identity/v3
export OS_USERNAME={user} OS_PASSWORD=any OS_PROJECT_NAME={project}
export OS_USER_DOMAIN_ID=default OS_PROJECT_DOMAIN_ID=default"""

CREATE = f"openstack server create --flavor m1.tiny --image {IMAGE}"

COMMANDS = f"""\
{CREATE} --nic none Web_1
{CREATE} --nic none --wait web-prd-1
openstack server list
openstack server set --name Web_1 web-prd-1
openstack server set --property owner=eve web-prd-1
openstack server set --property team=blue web-prd-1"""

_AS_ADMIN = f"--os-username {ADMIN.name} --os-project-name {ADMIN.project}"

PODS = f"""\
{CREATE} --wait web-prd-2
openstack {_AS_ADMIN} aggregate list --long
openstack {_AS_ADMIN} server list --all-projects --long \\
    -c Name -c Networks -c Host"""

POWER = """\
curl -sS --noproxy '*' -w '\\n' -X PUT {url}/power/{host} \\
    -d '{{"power": "{power}"}}'"""

#: Addresses of the network of each pod: enough to play with.
FREE = dict.fromkeys(pods.PODS, 20)


def serve(site: Site, sock: socket.socket) -> None:
    """Keep the cloud up, with rules of the sample and pods, until a signal.

    It has a server that is older than the rules, and some on the host that
    the reader is told to let die.
    """
    pods.networks(site.cloud.neutron, FREE)
    with listen.listening(site.cloud.application()) as url:
        _silent(url).take(steps.BEFORE + pods.AGGREGATES)
    text = sample.rules(*steps.GROUPS) + pods.RULES
    text += recoveries.rules(listen.url(sock), site.config.parent)
    with (
        site.served(text, sock) as url,
        engine.working(site.config),
        engine.showing(site.config) as dashboard,
    ):
        _silent(url).take(recoveries.SERVERS)
        introduce(url, dashboard, site.config)
        threading.Event().wait()


def introduce(url: str, dashboard: str, config: Path) -> None:
    """Print what can be done with the cloud, to be copied as it stands."""
    asks = {"url": url, "user": DEMO.name, "project": DEMO.project}
    host, down = recoveries.HOST, recoveries.DOWN
    print(f"Nova listens on {url}, until Ctrl-C. A token is a user's name.")
    _show(
        "A request that is refused:",
        _curl(url, DEMO.name, "/v2.1/servers", steps.server("Web_1")),
    )
    _show("Settings for the openstack client:", SETTINGS.format(**asks))
    _show("and what to try with it:", COMMANDS)
    _show("Without --nic a server gets a network that its host reaches:", PODS)
    _show(
        f"If host {host} died, what would become of its servers?",
        _recovery(config, "plan", "-c", "name", "-c", "state", "-c", "reason"),
    )
    _show("The dashboard, for a browser on this machine:", dashboard)
    _show(
        "It loses its power, is declared dead, and an engine sees to it:",
        POWER.format(url=url, host=host, power="off"),
        _curl(url, ADMIN.name, down.path, down.body),
        _recovery(config, "show", "--watch"),
    )
    _show(
        "Its power is back, and some seconds later it is in service:",
        POWER.format(url=url, host=host, power="on"),
        _recovery(config, "return", "-c", "host", "-c", "return_state"),
    )
    _show(
        "The servers that break the rules:",
        commands.typed(*audit.words(config)),
    )


def _curl(url: str, user: str, path: str, body: Any) -> str:
    return CURL.format(
        url=url,
        path=path,
        user=user,
        version=MICROVERSION,
        body=shlex.quote(json.dumps(body)),
    )


def _recovery(config: Path, *words: str) -> str:
    return commands.typed(*hosts.words(config, *words))


def _silent(url: str) -> Talk:
    return Talk(Api(url), say=lambda line: None)


def _show(about: str, *lines: str) -> None:
    print(f"\n{about}\n")
    print("\n".join(lines))
