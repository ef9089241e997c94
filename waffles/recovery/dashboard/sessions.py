"""Who is logged in to the dashboard: a cookie that only we can have made.

It holds what Keystone said of somebody and until when that is true, with an
HMAC of it.  Nothing is kept here, so any process with the same secret reads
it; log-out and the end of Keystone's token end it, nothing else does.
"""

import base64
import dataclasses
import hashlib
import hmac
import json
import os
import secrets
import stat
from pathlib import Path

from waffles.caller import Caller

#: Bytes of a secret, at the least.
SHORTEST = 32

#: Characters of a cookie that browsers keep.
LONGEST = 4000

_PURPOSE = b"waffles dashboard session 1"
_LISTS = ("roles", "service_roles")


class Sessions:
    """Makes cookies, and reads them.

    :param secret: of :func:`secret`
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, _PURPOSE, hashlib.sha256)

    def sealed(self, caller: Caller, until: float) -> str:
        """The cookie of somebody, good until a time."""
        body = json.dumps(
            {"caller": dataclasses.asdict(caller), "until": until}
        )
        text = base64.urlsafe_b64encode(body.encode())
        return f"{text.decode()}.{self._mark(text)}"

    def opened(self, cookie: str, now: float) -> Caller | None:
        """Who has a cookie; None where it is not ours, or is over."""
        text, _, mark = cookie.encode("ascii", "replace").partition(b".")
        if not hmac.compare_digest(mark, self._mark(text).encode()):
            return None
        found = json.loads(base64.urlsafe_b64decode(text))
        if found["until"] <= now:
            return None
        lists = {name: tuple(found["caller"][name]) for name in _LISTS}
        return Caller(**{**found["caller"], **lists})

    def _mark(self, text: bytes) -> str:
        made = hmac.digest(self._key, text, hashlib.sha256)
        return base64.urlsafe_b64encode(made).decode()


def secret(file: str) -> bytes:
    """What cookies are signed with: a file's content.

    Without a file it is new each time, and good for one process.

    :raises OSError: the file cannot be read
    :raises ValueError: it is too short, or anybody may read it
    """
    if not file:
        return secrets.token_bytes(SHORTEST)
    if os.stat(file).st_mode & stat.S_IROTH:
        raise ValueError(f"{file} can be read by anybody")
    found = Path(file).read_bytes().strip()
    if len(found) < SHORTEST:
        raise ValueError(f"{file} has fewer than {SHORTEST} bytes")
    return found
