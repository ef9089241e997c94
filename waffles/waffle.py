"""The one base class of all waffles."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from waffles import faults, operations
from waffles.request import ComputeRequest

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Waffle:
    """A filter: :attr:`operations` says for what, :meth:`handle` what.

    Anything else goes to the application below untouched, and reads go there
    before anything is looked at.  Nothing about a request is kept on ``self``:
    one waffle serves all threads.
    """

    operations: ClassVar[frozenset[str]]

    def __init__(self, app: "WSGIApplication") -> None:
        self.app = app
        # A body that several waffles change is written once, by the last.
        self._flushes = not isinstance(app, Waffle)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if not operations.may_write(environ):
            return self.app(environ, start_response)
        return self._answer(environ)(environ, start_response)

    def handle(self, request: ComputeRequest) -> "WSGIApplication | None":
        """What is to answer the request; None for the application below.

        Also called for :data:`waffles.operations.UNKNOWN`.
        """
        raise NotImplementedError

    def _answer(self, environ: "WSGIEnvironment") -> "WSGIApplication":
        answer = None
        try:
            request = ComputeRequest.of(environ)
            if request.operation in self.operations or request.unjudged:
                answer = self.handle(request)
            if self._flushes:
                request.flush()
        except Exception as error:
            return faults.of_exception(error)
        return answer or self.app
