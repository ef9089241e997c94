"""Questions to Nova of which the answers are not waited for one by one."""

from collections.abc import Callable
from concurrent import futures

from waffles.recovery.model import Server


class Asking:
    """The servers of which Nova is asked something just now.

    One is asked of at a time: its row is nobody else's until the answer.
    """

    def __init__(self, pool: futures.Executor) -> None:
        self._pool = pool
        self._asked: dict[int, futures.Future[Server]] = {}

    def __contains__(self, row: Server) -> bool:
        return row.key in self._asked

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, row: Server, call: Callable[[], Server]) -> None:
        """Ask in another thread.

        :param call: gives the row as it is then; must raise nothing
        """
        self._asked[row.key] = self._pool.submit(call)

    def heard(self, seconds: float | None = None) -> list[Server]:
        """The rows of which there are answers by now.

        :param seconds: to wait for the last of them at most
        """
        done, _ = futures.wait(self._asked.values(), seconds)
        keys = [key for key, one in self._asked.items() if one in done]
        return [self._asked.pop(key).result() for key in keys]
