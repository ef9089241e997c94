"""The application below a proxy that stands alone: it finds nothing."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from waffles import faults

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def app_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "WSGIApplication":
    """For api-paste.ini: ``use = egg:waffles#nothing``."""
    return not_found


def not_found(
    environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    """404, as Nova has it."""
    found = faults.fault(404, "The resource could not be found.")
    return found(environ, start_response)
