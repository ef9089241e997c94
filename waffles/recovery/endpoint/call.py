"""One call to the endpoint, and what it has at hand."""

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib import parse

from waffles import body, exceptions
from waffles.caller import Caller
from waffles.recovery.endpoint import address, opening, schemas
from waffles.recovery.endpoint.means import Means
from waffles.recovery.store.errors import NoRecovery
from waffles.recovery.store.store import Store

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

#: What is looked for in the store: no database takes offence at these.
ID = re.compile("[0-9a-zA-Z-]{1,36}")
HOST = re.compile("[0-9a-zA-Z._-]{1,255}")
KEY = re.compile("[!-~]([ -~]{0,253}[!-~])?")


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A request for one of our paths.

    :param path: behind the first part, by parts
    :param ids: those in the path
    :param query: its parameters
    """

    means: Means
    environ: "WSGIEnvironment"
    caller: Caller
    path: tuple[str, ...] = ()
    ids: Mapping[str, str] = dataclasses.field(default_factory=dict)
    query: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The store.

        :raises Unavailable: it cannot be had
        """
        return self.means.store()

    @property
    def by(self) -> str:
        """Who asks, for people to read."""
        return opening.name(self.caller)

    @property
    def request_id(self) -> str:
        """The id that the client sees in ``x-openstack-request-id``."""
        return self.environ.get("openstack.request_id") or ""

    @property
    def key(self) -> str:
        """What tells a repeat from another request; empty without one.

        :raises Malformed: it is none that could be kept
        """
        key = self.environ.get("HTTP_IDEMPOTENCY_KEY")
        if key is not None and not KEY.fullmatch(key):
            raise exceptions.Malformed(
                "Invalid input for header Idempotency-Key: it must have 1 to"
                " 255 printable ASCII characters."
            )
        return key or ""

    @property
    def recovery_id(self) -> str:
        """The id of the recovery in the path.

        :raises NoRecovery: there can be none of that id
        """
        found = self.ids["recovery_id"]
        if not ID.fullmatch(found):
            raise NoRecovery(found[:99])
        return found

    @property
    def host(self) -> str:
        """The host in the path.

        :raises Hidden: there can be none of that name (404)
        """
        found = self.ids["host"]
        if not HOST.fullmatch(found):
            raise exceptions.Hidden(404, f"There is no host {found[:99]!r}.")
        return found

    def require(self, rule: str) -> None:
        """Let those go on only whom a rule lets.

        :raises Hidden: the caller is none of them (403)
        """
        self.means.guard.require(rule, self.caller)

    def scope(self, rule: str) -> str:
        """The project whose servers may be read; empty for all.

        :raises Hidden: there is none (403)
        """
        return self.means.guard.scope(rule, self.caller)

    def body(self, schema: str, *, optional: bool = True) -> dict[str, Any]:
        """What is in the body.

        :param optional: whether it may be empty
        :raises Hidden: it is too long (413)
        :raises Malformed: it is not as the schema says
        """
        if not _sent(self.environ):
            if optional:
                return {}
            raise exceptions.Malformed("This call needs a JSON body.")
        return schemas.checked(schema, body.parsed(self.environ))

    def link(self, *path: str, **query: str) -> str:
        """The address of something of ours."""
        parts = "/".join(parse.quote(part, safe="") for part in path)
        more = f"?{parse.urlencode(query)}" if query else ""
        base = address.base(self.environ, self.means.prefix)
        return f"{base}/{parts}{more}"


def _sent(environ: "WSGIEnvironment") -> bytes:
    """The bytes of the body.

    :raises Hidden: they are too many (413)
    :raises Malformed: they cannot be read
    """
    length = environ.get("CONTENT_LENGTH") or ""
    # Of more digits Python makes no number.
    if length.isdecimal() and (
        len(length) > 9 or int(length) > schemas.LARGEST
    ):
        raise _too_long()
    if environ["REQUEST_METHOD"] not in {"POST", "PUT"}:
        return b""  # Nova's controllers get no other either
    try:
        found = body.read(environ)
    except Exception as error:
        if getattr(error, "status_int", None) == 413:
            raise _too_long() from error  # oslo.middleware's limit
        raise exceptions.Malformed("Malformed request body") from error
    if len(found) > schemas.LARGEST:
        raise _too_long()
    return found


def _too_long() -> exceptions.Hidden:
    return exceptions.Hidden(
        413, f"The body has more than {schemas.LARGEST} bytes."
    )
