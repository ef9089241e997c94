"""Questions to Nova of which the answers are not waited for one by one."""

from collections.abc import Callable
from concurrent import futures
from typing import NamedTuple

from waffles.recovery.model import Server


class _Asked(NamedTuple):
    answer: futures.Future[Server]
    unasked: Server


class Asking:
    """The servers of which Nova is asked something just now.

    One is asked of at a time: its row is nobody else's until the answer.
    """

    def __init__(self, pool: futures.Executor) -> None:
        self._pool = pool
        self._asked: dict[int, _Asked] = {}
        self._error: BaseException | None = None

    def __contains__(self, row: Server) -> bool:
        return row.key in self._asked

    def __len__(self) -> int:
        return len(self._asked)

    def ask(
        self, row: Server, call: Callable[[], Server], unasked: Server
    ) -> None:
        """Ask in another thread.

        :param call: gives the row as it is then
        :param unasked: the row where ``call`` has never begun
        """
        self._asked[row.key] = _Asked(self._pool.submit(call), unasked)

    def cancel(self) -> list[Server]:
        """Ask nothing that has not been begun; the rows of that."""
        keys = [key for key, one in self._asked.items() if one.answer.cancel()]
        return [self._asked.pop(key).unasked for key in keys]

    def heard(self, seconds: float | None = None) -> list[Server]:
        """The rows of which there are answers by now.

        :param seconds: to wait for the last of them at most
        """
        answers = [one.answer for one in self._asked.values()]
        done, _ = futures.wait(answers, seconds)
        keys = [key for key, one in self._asked.items() if one.answer in done]
        found = [self._asked.pop(key).answer for key in keys]
        errors = [one.exception() for one in found]
        self._error = next(filter(None, errors), self._error)
        return [one.result() for one in found if not one.exception()]

    def check(self) -> None:
        """Raise what a call has raised, of which the row is as it was."""
        error, self._error = self._error, None
        if error:
            raise error
