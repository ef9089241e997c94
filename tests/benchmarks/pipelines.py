"""The pipelines that are compared, and the requests that go through them."""

import copy
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import webob
import webob.dec
from oslo_middleware import base

from waffles import config
from waffles.filters import metadata, naming, network_policy

NAMING = """
[waffles_naming]
pattern = [a-z]{3}-(prd|dev)-[a-z0-9-]+
pattern = [a-z]{3}-lab-[0-9]+
deny_pattern = .*-(test|tmp)
min_length = 8
max_length = 40
"""
METADATA = """
[waffles_metadata]
required_keys = owner, cost-center
defaults = owner={user_name}
defaults = request={request_id}
immutable_keys = owner
protected_keys = budget
"""
NETWORKS = """
[waffles_network_policy]
required = 3cb9bc59-5699-4588-a4b1-b87f96708bc6
banned = 1b70879f-fd00-411e-8ea9-143e7820e61d
allowed = 3cb9bc59-5699-4588-a4b1-b87f96708bc7
max_networks = 3
[waffles]
auth_type = none
endpoint = http://127.0.0.1:1
"""
OFF = "[waffles_naming]\nmode = off\n[waffles_metadata]\nmode = off\n"
SCHEMA = {
    "type": "object",
    "properties": {
        "cost-center": {"type": "string", "pattern": "^[0-9]{4}$"},
        "stage": {"enum": ["dev", "test", "prod"]},
        "owner": {"type": "string", "minLength": 1, "maxLength": 64},
        "team": {"type": "string", "pattern": "^[a-z-]+$"},
        "ticket": {"type": "string", "pattern": "^[A-Z]+-[0-9]+$"},
    },
    "required": ["cost-center", "stage"],
    "additionalProperties": {"type": "string"},
}
#: The metadata of a create as the schema sees it: with its defaults.
GIVEN = {
    "cost-center": "4711",
    "stage": "prod",
    "team": "web-shop",
    "ticket": "OPS-4242",
    "note": "made for the benchmark of the pipeline",
}
FILLED = GIVEN | {"owner": "ann", "request": "req-1"}

CREATE = {
    "server": {
        "name": "web-prd-frontend-0042",
        "imageRef": "155d900f-4e14-4e4c-a73d-069cbf4541e6",
        "flavorRef": "1",
        "availability_zone": "nova",
        "key_name": "ann",
        "networks": [
            {"uuid": "3cb9bc59-5699-4588-a4b1-b87f96708bc6"},
            {"uuid": "3cb9bc59-5699-4588-a4b1-b87f96708bc7"},
        ],
        "block_device_mapping_v2": [
            {
                "boot_index": 0,
                "uuid": "155d900f-4e14-4e4c-a73d-069cbf4541e6",
                "source_type": "image",
                "destination_type": "local",
                "delete_on_termination": True,
            }
        ],
        "metadata": GIVEN,
        "user_data": "IyEvYmluL3NoCg==" * 25,
    }
}
BODY = json.dumps(CREATE).encode()

CONTEXT = SimpleNamespace(
    user_id="ann",
    user_name="ann",
    user_domain_id="default",
    project_id="red",
    project_name="red",
    project_domain_id="default",
    domain_id=None,
    system_scope=None,
    roles=["member", "reader"],
    service_roles=[],
    is_admin=False,
)


def nova(environ: Any, start_response: Any) -> Any:
    """An application that costs next to nothing."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]


class Plain:
    """A WSGI filter that does nothing but pass a request on."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


class Wsgify:
    """A filter as many are written: ``webob.dec.wsgify``."""

    def __init__(self, app: Any) -> None:
        self.app = app

    @webob.dec.wsgify
    def __call__(self, request: Any) -> Any:
        return self.app


def times(many: int, *kinds: Callable[[Any], Any]) -> Any:
    """A pipeline of each kind of filter, many times over."""
    app: Any = nova
    for _ in range(many):
        for kind in kinds:
            app = kind(app)
    return app


def waffles(text: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The waffles naming and metadata of a configuration file."""
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder, "schema.json")
        schema.write_text(json.dumps(SCHEMA))
        file = Path(folder, "waffles.conf")
        file.write_text(text.format(schema=schema))
        conf = config.read([str(file)])
        names = config.section(conf, "waffles_naming", naming.OPTS)
        keys = config.section(conf, "waffles_metadata", metadata.OPTS)
        return naming.configured(names), metadata.configured(keys)


def network_policy_alone() -> Callable[[Any], Any]:
    """The waffle network_policy, with rules that need no look-up."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "waffles.conf")
        file.write_text(NETWORKS)
        conf = config.read([str(file)])
        opts = network_policy.OPTS
        return network_policy.configured(
            config.section(conf, "waffles_network_policy", opts)
        )


def plain_text(text: str) -> str:
    """A text whose braces are none of str.format's."""
    return text.replace("{", "{{").replace("}", "}}")


JUDGED = plain_text(NAMING + METADATA)


def peers() -> dict[str, Any]:
    """Six filters of each kind, over the same application."""
    return {
        "no filter": nova,
        "six plain WSGI filters": times(6, Plain),
        "six waffles": times(3, *waffles(JUDGED)),
        "six waffles, mode off": times(3, *waffles(OFF)),
        "six webob.dec.wsgify": times(6, Wsgify),
        "six ConfigurableMiddleware": times(6, base.ConfigurableMiddleware),
    }


def checked() -> dict[str, Any]:
    """Waffles that judge a create, without and with a schema."""
    with_schema = JUDGED + "schema_file = {schema}\n"
    return {
        "no filter": nova,
        "network_policy": times(1, network_policy_alone()),
        "naming and metadata": times(1, *waffles(JUDGED)),
        "naming and metadata, schema": times(1, *waffles(with_schema)),
    }


def environ(method: str, path: str, body: bytes = b"") -> Any:
    """What makes environs of a request, each of them new."""
    made = webob.Request.blank(path, method=method).environ
    made["CONTENT_TYPE"] = "application/json"
    made["CONTENT_LENGTH"] = str(len(body))
    made["HTTP_OPENSTACK_API_VERSION"] = "compute 2.90"
    made["nova.context"] = CONTEXT
    made["openstack.request_id"] = "req-1"

    def environ() -> Any:
        fresh = copy.copy(made)
        fresh["wsgi.input"] = io.BytesIO(body)
        return fresh

    return environ


def start(status: str, headers: Any, error: Any = None) -> Any:
    """A server's start_response; a refusal would be no fair row."""
    if not status.startswith("200"):
        raise AssertionError(status)
    return lambda text: None


def call(app: Any, environ: Callable[[], Any]) -> Callable[[], object]:
    """What sends one request down a pipeline."""
    return lambda: app(environ(), start)
