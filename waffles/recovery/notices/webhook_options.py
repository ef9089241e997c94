"""The options of the webhook: what is wrong with them is said at start.

No text here shows the URL or the secret: the path of the one may be a
password as well.
"""

import ipaddress
import os
import stat
import urllib.parse

from waffles import exceptions
from waffles.recovery.notices.webhook import Webhook
from waffles.recovery.options import GROUP, Settings


def load(settings: Settings) -> Webhook | None:
    """The webhook that is configured; None where there is none.

    :raises ConfigError: an option is wrong
    """
    if not settings.webhook_url:
        return None
    if why := wrong(settings.webhook_url):
        raise _error("webhook_url", why)
    cafile = settings.webhook_cafile
    if cafile and not os.access(cafile, os.R_OK):
        raise _error("webhook_cafile", f"{cafile} cannot be read")
    return Webhook(
        settings.webhook_url,
        _secret(settings),
        settings.webhook_timeout,
        cafile,
    )


def wrong(url: str) -> str:
    """What is wrong with a URL, without showing it; empty for nothing."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no URL"
    if not host or parts.scheme not in ("http", "https"):
        return "it is no https:// URL"
    if parts.scheme == "http" and not _is_local(host):
        return (
            "notices name servers and projects: use https://, or http:// to"
            " an address of this node (127.0.0.1, [::1], localhost)"
        )
    return ""


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(settings: Settings) -> bytes:
    file = settings.webhook_secret_file
    if file and settings.webhook_secret:
        why = "webhook_secret is set as well: only one of them can count"
        raise _error("webhook_secret_file", why)
    secret = _read(file) if file else settings.webhook_secret.encode()
    if not secret:
        option = "webhook_secret_file" if file else "webhook_secret"
        why = "is required with webhook_url: notices are signed with it"
        raise _error(option, f"{file} is empty" if file else why)
    return secret


def _read(file: str) -> bytes:
    """The secret of a file, without the end of its line."""
    try:
        with open(file, "rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            secret = opened.read().strip()
    except OSError as error:
        why = f"{file} cannot be read: {error.strerror}"
        raise _error("webhook_secret_file", why) from None
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        why = f"{file} is open to everybody: chmod o-rwx {file}"
        raise _error("webhook_secret_file", why)
    return secret


def _error(option: str, why: str) -> exceptions.ConfigError:
    return exceptions.ConfigError(why, group=GROUP, option=option)
