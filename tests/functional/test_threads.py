"""One pipeline, many threads: nothing crosses from one request to another.

Each thread sends requests of a caller of its own, with bodies of their own,
and knows what must come back: the defaults filled in for this caller, the
refusal of this name, the metadata of this server.
"""

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import webob
from nova import context

from waffles import config
from waffles.filters import metadata, naming

THREADS = 32
ROUNDS = 50

CONF = """
[waffles_naming]
pattern = [a-z]+-[0-9]+

[waffles_metadata]
required_keys = owner, request
defaults = owner={user_name}
defaults = request={request_id}
immutable_keys = home
"""


class Caller(NamedTuple):
    """Whom a thread speaks for, in one of its requests."""

    thread: int
    number: int

    @property
    def user(self) -> str:
        return f"user{self.thread}"

    @property
    def id(self) -> str:
        return f"req-{self.thread}-{self.number}"

    @property
    def server(self) -> str:
        return f"server-{self.thread}-{self.number}"

    @property
    def version(self) -> str:
        return f"2.{self.thread + 10}"


def nova(environ: Any, start_response: Any) -> Any:
    """Tells a read of metadata whose it is, and a write what it got."""
    request = webob.Request(environ)
    if request.method == "GET":
        home = f"home of {request.path_info.split('/')[2]}"
        answer = {"metadata": {"owner": "any", "request": "1", "home": home}}
    else:
        answer = {
            "by": environ["nova.context"].user_name,
            "path": request.path_info,
            "body": request.json_body,
        }
    return webob.Response(json_body=answer)(environ, start_response)


@pytest.fixture
def pipeline(tmp_path: Any) -> Any:
    """The waffles as they ship, metadata above naming, over :func:`nova`."""
    file = tmp_path / "waffles.conf"
    file.write_text(CONF)
    conf = config.read([str(file)])
    app: Any = nova
    for name, module in (("naming", naming), ("metadata", metadata)):
        section = config.section(conf, f"waffles_{name}", module.OPTS)
        app = module.configured(section)(app)
    return app


def send(
    app: Any, caller: Caller, method: str, path: str, body: Any
) -> webob.Response:
    request = webob.Request.blank(path, method=method)
    request.body = json.dumps(body).encode()
    request.headers["OpenStack-API-Version"] = f"compute {caller.version}"
    request.environ["openstack.request_id"] = caller.id
    request.environ["nova.context"] = context.RequestContext(
        user_id=caller.user, user_name=caller.user, is_admin=False
    )
    return request.get_response(app)


def create(app: Any, caller: Caller) -> None:
    name = f"web-{caller.thread}{caller.number}"
    body = {"server": {"name": name, "metadata": {"for": caller.server}}}
    answer = send(app, caller, "POST", "/servers", body)
    filled = {
        "for": caller.server,
        "owner": caller.user,
        "request": caller.id,
    }
    seen = {"server": {"name": name, "metadata": filled}}
    expect(answer, 200, {"by": caller.user, "path": "/servers", "body": seen})


def misname(app: Any, caller: Caller) -> None:
    body = {"server": {"name": f"BAD {caller.id}"}}
    path = f"/servers/{caller.server}"
    answer = send(app, caller, "PUT", path, body)
    refused(
        answer,
        caller,
        f'Server name "BAD {caller.id}" breaks this cloud\'s naming policy:'
        f" /server/name must match [a-z]+-[0-9]+",
    )


def misname_with_defaults(app: Any, caller: Caller) -> None:
    body = {"server": {"name": f"BAD {caller.id}", "metadata": {}}}
    answer = send(app, caller, "POST", "/servers", body)
    refused(
        answer,
        caller,
        f'Server name "BAD {caller.id}" breaks this cloud\'s naming policy:'
        f" /server/name must match [a-z]+-[0-9]+",
    )


def move(app: Any, caller: Caller) -> None:
    body = {"metadata": {"home": f"away {caller.id}"}}
    path = f"/servers/{caller.server}/metadata"
    answer = send(app, caller, "POST", path, body)
    refused(
        answer,
        caller,
        f"Server metadata breaks this cloud's metadata policy:"
        f" /metadata/home is immutable and may not be changed from"
        f' "home of {caller.server}" to "away {caller.id}"',
    )


def stay(app: Any, caller: Caller) -> None:
    body = {"metadata": {"home": f"home of {caller.server}"}}
    path = f"/servers/{caller.server}/metadata"
    answer = send(app, caller, "POST", path, body)
    expect(answer, 200, {"by": caller.user, "path": path, "body": body})


def refused(answer: webob.Response, caller: Caller, message: str) -> None:
    expect(answer, 403, {"forbidden": {"code": 403, "message": message}})
    shown = answer.headers["OpenStack-API-Version"]
    assert shown == f"compute {caller.version}"


def expect(answer: webob.Response, status: int, body: Any) -> None:
    assert (answer.status_int, answer.json) == (status, body)


REQUESTS: tuple[Callable[[Any, Caller], None], ...] = (
    create,
    misname,
    misname_with_defaults,
    move,
    stay,
)


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Threads take turns a thousand times as often as they usually do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def hammer(app: Any) -> list[AssertionError]:
    """What went wrong in all the threads."""
    start = threading.Barrier(THREADS)
    wrong: list[Any] = []

    def run(thread: int) -> None:
        order = itertools.islice(itertools.cycle(REQUESTS), thread, None)
        start.wait()
        try:
            for number in range(ROUNDS * len(REQUESTS)):
                next(order)(app, Caller(thread, number))
        except Exception as error:
            wrong.append(error)

    threads = [
        threading.Thread(target=run, args=(number,))
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


@pytest.mark.usefixtures("many_switches")
def test_no_verdict_default_or_message_crosses_between_threads(pipeline):
    assert hammer(pipeline) == []


class Careless(metadata.Metadata):
    """What no waffle may do: it keeps the request at hand on itself."""

    def handle(self, request: Any) -> Any:
        self.last = request
        time.sleep(0)
        return super().handle(self.last)


@pytest.mark.usefixtures("many_switches")
def test_a_waffle_that_keeps_its_request_would_be_found_out(pipeline):
    pipeline.__class__ = Careless
    assert hammer(pipeline) != []
