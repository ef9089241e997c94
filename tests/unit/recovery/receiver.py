"""A receiver of webhooks on a real socket: it behaves and records."""

import http.server
import threading
import time
from typing import Any, NamedTuple


class Post(NamedTuple):
    """What was received."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers one status after another, the last again and again.

    :param answers: status codes; one that is negative comes after as many
        seconds as it says, as 200
    :param headers: of each answer
    """

    def __init__(self, *answers: float, **headers: str) -> None:
        self.posts: list[Post] = []
        self._answers, self._headers = list(answers) or [204], headers
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,)
        )
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def header(self, name: str) -> list[str]:
        """A header of each post."""
        return [post.headers[name] for post in self.posts]

    def _answer(self, post: Post) -> float:
        with self._lock:
            self.posts.append(post)
            several = len(self._answers) > 1
            return self._answers.pop(0) if several else self._answers[0]

    def _handler(self) -> Any:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                post = Post(
                    self.path, dict(self.headers), self.rfile.read(length)
                )
                status = receiver._answer(post)
                if status < 0:
                    time.sleep(-status)
                self.send_response(200 if status < 0 else int(status))
                for name, value in receiver._headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
