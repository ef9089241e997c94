"""The one table that knows the compute API.

:func:`classify` names what a request would do, as Nova's own router would:
``servers:create``, ``server-metadata:update_all``.  A name is the collection
and the method of Nova's controller or, for ``POST /servers/{id}/action``,
the key of the action in the body (``servers:rebuild``).  Waffles speak of
operations; only this module looks at a path.

Sources: ``nova/api/openstack/compute/routes.py`` (``ROUTE_LIST``) for the
routes, ``routes/middleware.py`` for the method, ``routes/route.py`` for the
path; ``tests/functional/test_operations.py`` holds the table against them.

What Nova's router does that a reader would not guess:

* ``?_method=PUT`` replaces the method of any request.  The last one counts,
  in any case; what triggers it is the raw text ``_method`` anywhere in the
  query string.
* The project id is optional: ``/servers`` and ``/{project_id}/servers`` are
  two routes to one controller.
* One newline at the end of the path is ignored.
* ``/os-volumes_boot`` is ``/servers`` once more.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import webob

from waffles import exceptions

#: Path template -> method -> operation.  Literals stand at even places and
#: ids at odd ones in every route of Nova, but for literals such as ``detail``.
ROUTES: Mapping[str, Mapping[str, str]] = {
    "/servers": {"POST": "servers:create"},
    "/servers/{server_id}": {
        "PUT": "servers:update",
        "DELETE": "servers:delete",
    },
    "/servers/{server_id}/action": {"POST": "servers:action"},
    "/os-volumes_boot": {"POST": "servers:create"},
    "/os-volumes_boot/{server_id}": {
        "PUT": "servers:update",
        "DELETE": "servers:delete",
    },
    "/os-volumes_boot/{server_id}/action": {"POST": "servers:action"},
    "/servers/{server_id}/metadata": {
        "POST": "server-metadata:create",
        "PUT": "server-metadata:update_all",
    },
    "/servers/{server_id}/metadata/{key}": {
        "PUT": "server-metadata:update",
        "DELETE": "server-metadata:delete",
    },
    "/servers/{server_id}/tags": {
        "PUT": "server-tags:update_all",
        "DELETE": "server-tags:delete_all",
    },
    "/servers/{server_id}/tags/{tag}": {
        "PUT": "server-tags:update",
        "DELETE": "server-tags:delete",
    },
    "/servers/{server_id}/os-interface": {"POST": "os-interface:create"},
    "/servers/{server_id}/os-interface/{port_id}": {
        "DELETE": "os-interface:delete",
    },
    "/servers/{server_id}/os-volume_attachments": {
        "POST": "os-volume_attachments:create",
    },
    "/servers/{server_id}/os-volume_attachments/{volume_id}": {
        "PUT": "os-volume_attachments:update",
        "DELETE": "os-volume_attachments:delete",
    },
    "/servers/{server_id}/shares": {"POST": "server-shares:create"},
    "/servers/{server_id}/shares/{share_id}": {
        "DELETE": "server-shares:delete",
    },
    "/servers/{server_id}/consoles": {"POST": "consoles:create"},
    "/servers/{server_id}/consoles/{console_id}": {
        "DELETE": "consoles:delete",
    },
    "/servers/{server_id}/remote-consoles": {
        "POST": "remote-consoles:create",
    },
    "/servers/{server_id}/migrations/{migration_id}": {
        "DELETE": "server-migrations:delete",
    },
    "/servers/{server_id}/migrations/{migration_id}/action": {
        "POST": "server-migrations:action",
    },
    "/servers/{server_id}/os-server-password": {
        "DELETE": "os-server-password:clear",
    },
    "/os-services/{service_id}": {
        "PUT": "os-services:update",
        "DELETE": "os-services:delete",
    },
}

#: Body keys of ``POST /servers/{id}/action`` that Nova 34 knows.  A key that
#: is not here is refused: a newer Nova may do anything with it.
ACTIONS = frozenset(
    """
    addFixedIp addFloatingIp addSecurityGroup changePassword confirmResize
    createBackup createImage evacuate forceDelete injectNetworkInfo lock
    migrate os-getConsoleOutput os-getRDPConsole os-getSPICEConsole
    os-getSerialConsole os-getVNCConsole os-migrateLive os-resetState os-start
    os-stop pause reboot rebuild removeFixedIp removeFloatingIp
    removeSecurityGroup rescue resetNetwork resize restore resume revertResize
    shelve shelveOffload suspend trigger_crash_dump unlock unpause unrescue
    unshelve
    """.split()
)

#: The last microversion whose servers show the id of their flavor.
SHOWS_FLAVOR_ID = "2.46"

ACTION = "servers:action"

#: A write below a guarded collection that no row names.
UNKNOWN = "unknown"

#: Every operation that :func:`classify` and :func:`of_action` can name.
NAMES = frozenset(
    {name for methods in ROUTES.values() for name in methods.values()}
    | {f"servers:{key}" for key in ACTIONS}
) - {ACTION}

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROJECT_ID = re.compile("[0-9a-f-]+")


class Match(NamedTuple):
    """What a path and a method ask for.

    ``operation`` is a value of :data:`ROUTES` or :data:`UNKNOWN`; ``ids``
    holds the path's ids as Nova sees them: latin-1 text, as in PATH_INFO.
    """

    operation: str
    ids: Mapping[str, str]


class _Route(NamedTuple):
    names: tuple[str, ...]
    methods: Mapping[str, str]


def _compiled(
    routes: Mapping[str, Mapping[str, str]],
) -> dict[tuple[int, tuple[str, ...]], _Route]:
    table = {}
    for template, methods in routes.items():
        parts = template.split("/")[1:]
        names = tuple(part.strip("{}") for part in parts[1::2])
        table[len(parts), tuple(parts[::2])] = _Route(names, methods)
    return table


_TABLE = _compiled(ROUTES)
_COLLECTIONS = frozenset(literals[0] for _, literals in _TABLE)


def may_write(environ: Mapping[str, Any]) -> bool:
    """Whether the request could be anything but a read.

    >>> may_write({"REQUEST_METHOD": "GET"})
    False
    >>> may_write({"REQUEST_METHOD": "GET", "QUERY_STRING": "_method=PUT"})
    True
    """
    return environ["REQUEST_METHOD"] not in _READS or "_method" in environ.get(
        "QUERY_STRING", ""
    )


def method(environ: Mapping[str, Any]) -> str:
    """The method that Nova's router routes by."""
    query = environ.get("QUERY_STRING", "")
    if "_method" in query:
        try:
            override = webob.Request({"QUERY_STRING": query}).GET.get(
                "_method"
            )
        except UnicodeDecodeError:
            override = None
        if override:
            return str(override).upper()
    return str(environ["REQUEST_METHOD"])


def classify(environ: Mapping[str, Any]) -> Match | None:
    """What Nova's router would call, or None where no row is concerned.

    >>> classify({"REQUEST_METHOD": "PUT", "PATH_INFO": "/servers/a"})
    Match(operation='servers:update', ids={'server_id': 'a'})
    """
    parts = environ.get("PATH_INFO", "").split("/")
    if parts.pop(0) or not parts:
        return None
    if parts[-1].endswith("\n") and parts[-1] != "\n":
        parts[-1] = parts[-1][:-1]
    if parts[0] not in _COLLECTIONS:
        if not _PROJECT_ID.fullmatch(parts.pop(0)):
            return None
        if not parts or parts[0] not in _COLLECTIONS:
            return None
    verb = method(environ)
    route = _TABLE.get((len(parts), tuple(parts[::2])))
    if route and verb in route.methods and all(parts):
        ids = dict(zip(route.names, parts[1::2], strict=True))
        return Match(route.methods[verb], ids)
    return None if verb in _READS else Match(UNKNOWN, {})


def of_action(body: object) -> str:
    """The operation that the body of ``POST /servers/{id}/action`` names.

    >>> of_action({"rebuild": {}})
    'servers:rebuild'

    :raises Malformed: not an object of one key, or a key that is not in
        :data:`ACTIONS`
    """
    if not isinstance(body, dict) or len(body) != 1:
        raise exceptions.Malformed(
            "The body of a server action must be a JSON object of one key."
        )
    (key,) = body
    if key not in ACTIONS:
        raise exceptions.Malformed(f"There is no such action: {key[:99]}")
    return f"servers:{key}"
