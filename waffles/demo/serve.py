"""The demo's cloud, kept up for a reader's own requests."""

import json
import shlex
import socket
import threading
from pathlib import Path

from waffles.demo import audit, sample, standins, steps
from waffles.demo.api import MICROVERSION, Api
from waffles.demo.cloud import DEMO, IMAGE
from waffles.demo.listen import listening
from waffles.demo.site import Site

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

CREATE = f"openstack server create --flavor m1.tiny --image {IMAGE} --nic none"

COMMANDS = f"""\
{CREATE} Web_1
{CREATE} --wait web-prd-1
openstack server list
openstack server set --name Web_1 web-prd-1
openstack server set --property owner=eve web-prd-1
openstack server set --property team=blue web-prd-1"""


def serve(site: Site, sock: socket.socket) -> None:
    """Keep the cloud up, with the rules of the sample, until a signal.

    It has a server that is older than the rules.
    """
    with listening(site.cloud.application()) as url:
        Api(url).send("POST", "/v2.1/servers", steps.server(steps.OLD))
    app = standins.beside(site.configured(sample.rules()), site.cloud)
    with listening(app, sock) as url:
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
    audit.connect(config, url)
    _show("The servers that break the rules:", audit.command(config))


def _show(about: str, lines: str) -> None:
    print(f"\n{about}\n")
    print(lines)
