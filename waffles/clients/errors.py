"""The one table of what clients raise, and what it is to us.

The most specific class counts: what a client adds later below a class that is
here is mapped like it.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping

import requests
from keystoneauth1 import exceptions as keystone
from novaclient import exceptions as nova

from waffles import exceptions

Made = Callable[[str, Exception], exceptions.Unjudged]


#: What clients put behind a text; it makes repeats differ.
_NOISE = re.compile(r"( \(HTTP \d+\))?( \(Request-ID: [^)]*\))?$")


class Refused(exceptions.Unavailable):
    """Our own credentials are wrong, or do not suffice."""


class Busy(exceptions.Unavailable):
    """Nothing was done, as there is too much to do: ask later.

    :param retry_after: seconds to wait for; 0 where nobody says
    """

    def __init__(self, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def _unavailable(what: str, error: Exception) -> exceptions.Unjudged:
    return exceptions.Unavailable(f"{what}: {_text(error)}")


def _refused(what: str, error: Exception) -> exceptions.Unjudged:
    text = _text(error).rstrip(".")
    return Refused(f"{what}: {text}: [waffles] needs an administrator.")


def _busy(what: str, error: Exception) -> exceptions.Unjudged:
    wait = max(0, getattr(error, "retry_after", 0))
    return Busy(f"{what}: {_text(error)}", wait)


def _hidden(code: int) -> Made:
    def made(what: str, error: Exception) -> exceptions.Unjudged:
        return exceptions.Hidden(code, f"{what}: {_text(error)}")

    return made


#: That our own credentials are refused (401, 403) is nothing that a caller
#: could mend: it is unavailable to him.
FOREIGN: Mapping[type[Exception], Made] = {
    nova.ClientException: _unavailable,
    nova.BadRequest: _hidden(400),
    nova.Unauthorized: _refused,
    nova.Forbidden: _refused,
    nova.NotFound: _hidden(404),
    nova.MethodNotAllowed: _unavailable,
    nova.NotAcceptable: _unavailable,
    nova.Conflict: _hidden(409),
    nova.RetryAfterException: _unavailable,
    nova.OverLimit: _busy,
    nova.RateLimit: _busy,
    nova.HTTPNotImplemented: _unavailable,
    nova.UnsupportedVersion: _unavailable,
    nova.UnsupportedConsoleType: _unavailable,
    nova.UnsupportedAttribute: _unavailable,
    nova.VersionNotFoundForAPIMethod: _unavailable,
    nova.CommandError: _unavailable,
    nova.InvalidUsage: _unavailable,
    nova.NoUniqueMatch: _unavailable,
    nova.ResourceInErrorState: _unavailable,
    nova.InstanceInDeletedState: _hidden(404),
    nova.ResourceNotFound: _hidden(404),
    keystone.ClientException: _unavailable,
    keystone.BadRequest: _hidden(400),
    keystone.Unauthorized: _refused,
    keystone.Forbidden: _refused,
    keystone.NotFound: _hidden(404),
    keystone.Conflict: _hidden(409),
    keystone.RetriableConnectionFailure: _unavailable,
    keystone.ImpliedVersionMismatch: _unavailable,
    requests.RequestException: _unavailable,
}


@contextlib.contextmanager
def mapped(what: str) -> Iterator[None]:
    """Turn what clients raise into our own.

    :param what: the beginning of the sentence: "Nova could not be asked"
    :raises Hidden: what was asked for is not there, or not as asked for
    :raises Refused: our own credentials are
    :raises Busy: it is to be asked later
    :raises Unavailable: there is no useful answer
    """
    try:
        yield
    except tuple(FOREIGN) as error:
        raise maker(type(error))(what, error) from error


def maker(kind: type[Exception]) -> Made:
    """What makes ours of a foreign class; KeyError if nothing does."""
    for base in kind.__mro__:
        if base in FOREIGN:
            return FOREIGN[base]
    raise KeyError(kind)


def _text(error: Exception) -> str:
    text = str(error)
    # Others of novaclient's keep what they say from Exception.
    if not isinstance(error, nova.ClientException):
        text = str(getattr(error, "message", "")) or text or repr(error)
    return _NOISE.sub("", " ".join(text.split()))
