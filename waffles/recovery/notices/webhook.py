"""Notices over HTTP: a signed POST to ``webhook_url``.

The body is JSON.  The same notice has the same body and the same
``X-Waffles-Delivery`` each time it is sent, and it may arrive more than once:
a receiver does nothing for an id that it has seen before::

    X-Waffles-Event: server.custom
    X-Waffles-Delivery: 0b4e3c1c-…-17
    X-Waffles-Signature: t=1795168800,v1=5f2b…

``v1`` is the HMAC-SHA256 of ``t``, a dot and the body, in hex, with the
secret of ``webhook_secret`` or ``webhook_secret_file``; ``t`` is when it was
sent, in seconds since 1970.

An answer of 2xx is a delivery, whatever its body says: that is not read.
Redirects are not followed, as they would take the notice to somebody else.
All of it, the connection too, has ``webhook_timeout`` seconds.

The URL must be https, and the certificate of the other side good for it
(``webhook_cafile``, else the environment's ``REQUESTS_CA_BUNDLE``, else those
of Python's certifi); http is taken for an address of this node only, where a
relay may listen.  A proxy is used where the environment names one
(``https_proxy``).  The URL is never shown: its path may be a password.
"""

import hashlib
import hmac
import json
import ssl
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests

from waffles import exceptions
from waffles.clients import deadline


class Gone(exceptions.Unavailable):
    """The receiver wants this notice no more (410)."""


class Webhook:
    """Where notices are posted to.

    :param secret: what they are signed with
    :param timeout: seconds for one notice
    :param cafile: certificates to trust; empty for the usual ones
    """

    def __init__(
        self,
        url: str,
        secret: bytes,
        timeout: float,
        cafile: str = "",
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._url, self._secret = url, secret
        self._is_tls = urllib.parse.urlsplit(url).scheme == "https"
        self._timeout, self._cafile, self._wall = timeout, cafile, wall

    def __call__(
        self, delivery: str, event: str, message: Mapping[str, Any]
    ) -> None:
        """Post a notice.

        :param delivery: is the same when it is sent again
        :raises Gone: it is not to be sent again
        :raises Unavailable: it was not delivered, as far as we know
        """
        body = json.dumps(message).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "waffles",
            "X-Waffles-Event": event,
            "X-Waffles-Delivery": delivery,
            "X-Waffles-Signature": signature(
                self._secret, int(self._wall()), body
            ),
        }
        status = self._post(body, headers)
        if status == 410:
            raise Gone("the webhook answers 410: it is not wanted")
        if 300 <= status < 400:
            raise exceptions.Unavailable(
                f"the webhook answers {status}: no redirect is followed"
            )
        if not 200 <= status < 300:
            raise exceptions.Unavailable(f"the webhook answers {status}")

    def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer."""
        # A session of its own: no cookies, nothing shared between threads.
        with requests.Session() as http:
            http.mount("https://", deadline.Adapter())
            http.mount("http://", deadline.Adapter())
            # No proxy for what must not leave this node.
            http.trust_env = self._is_tls
            try:
                with (
                    deadline.within(self._timeout),
                    http.post(
                        self._url,
                        data=body,
                        headers=dict(headers),
                        allow_redirects=False,
                        stream=True,
                        timeout=self._timeout,
                        verify=self._cafile or True,
                    ) as answer,
                ):
                    return answer.status_code
            except (deadline.Late, requests.Timeout):
                why = f"has not answered within {self._timeout:.3g} s"
            except (requests.RequestException, OSError) as error:
                why = f"cannot be reached: {reason(error)}"
        raise exceptions.Unavailable(f"the webhook {why}")


def signature(secret: bytes, at: int, body: bytes) -> str:
    """The header that proves who has sent a body.

    >>> signature(b"secret", 1795168800, b"{}")[:19]
    't=1795168800,v1=f05'
    """
    made = hmac.new(secret, b"%d.%s" % (at, body), hashlib.sha256)
    return f"t={at},v1={made.hexdigest()}"


def reason(error: BaseException) -> str:
    """Why a request failed, without the URL, which others would say."""
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not good: {one.verify_message}"
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    return type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
