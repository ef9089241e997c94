"""The demo's cloud, kept up for a reader's own requests."""

import json
import shlex
import socket
import threading
from pathlib import Path

from waffles.demo import audit, pods, sample, steps
from waffles.demo.api import MICROVERSION, Api
from waffles.demo.cloud import ADMIN, DEMO, IMAGE
from waffles.demo.listen import listening
from waffles.demo.site import Site
from waffles.demo.talk import Talk

CURL = """\
curl -sS --noproxy '*' -X POST {url}/v2.1/servers \\
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

#: Addresses of the network of each pod: enough to play with.
FREE = dict.fromkeys(pods.PODS, 20)


def serve(site: Site, sock: socket.socket) -> None:
    """Keep the cloud up, with rules of the sample and pods, until a signal.

    It has a server that is older than the rules.
    """
    pods.networks(site.cloud.neutron, FREE)
    with listening(site.cloud.application()) as url:
        silent = Talk(Api(url), say=lambda line: None)
        silent.take(steps.BEFORE + pods.AGGREGATES)
    rules = sample.rules(*steps.GROUPS) + pods.RULES
    with site.served(rules, sock) as url:
        introduce(url, site.config)
        threading.Event().wait()


def introduce(url: str, config: Path) -> None:
    """Print what can be done with the cloud, to be copied as it stands."""
    body = shlex.quote(json.dumps(steps.server("Web_1")))
    asks = {"url": url, "user": DEMO.name, "project": DEMO.project}
    print(f"Nova listens on {url}, until Ctrl-C. A token is a user's name.")
    _show(
        "A request that is refused:",
        CURL.format(**asks, version=MICROVERSION, body=body),
    )
    _show("Settings for the openstack client:", SETTINGS.format(**asks))
    _show("and what to try with it:", COMMANDS)
    _show("Without --nic a server gets a network that its host reaches:", PODS)
    _show("The servers that break the rules:", audit.command(config))


def _show(about: str, lines: str) -> None:
    print(f"\n{about}\n")
    print(lines)
