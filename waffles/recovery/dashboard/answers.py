"""What the dashboard reads of a request, and what answers are made of."""

import re
from urllib import parse

import webob

#: Where somebody may be sent to behind the log-in: pages of ours.
_NEXT = re.compile(r"/(recoveries/[\w-]+)?(\?[\w=&%.-]*)?")

#: What the address of a page is told apart by, and is not passed on.
_PASSING = ("refresh", "again")


def path(request: webob.Request) -> str:
    """The path below the one where we are mounted."""
    return str(request.environ.get("PATH_INFO", ""))


def query(request: webob.Request) -> dict[str, str]:
    """The parameters; the last of those with one name."""
    text = request.environ.get("QUERY_STRING", "")
    return dict(parse.parse_qsl(text, errors="replace"))


def here(request: webob.Request, **more: str) -> str:
    """The address of this page, refreshed unless it says otherwise."""
    kept = {
        name: value
        for name, value in query(request).items()
        if name not in _PASSING
    }
    text = parse.urlencode(kept | more)
    place = request.script_name + path(request)
    where = parse.quote(place, encoding="latin-1", errors="replace")
    return f"{where}?{text}" if text else where


def next_page(text: str) -> str:
    """Where to go behind the log-in: a page of ours, whatever is asked for.

    >>> next_page("/recoveries/1?state=failed"), next_page("//example.com")
    ('/recoveries/1?state=failed', '/')
    """
    return text if _NEXT.fullmatch(text) else "/"


def html(page: str, status: int = 200) -> webob.Response:
    """A page."""
    return webob.Response(
        page, status=status, content_type="text/html", charset="UTF-8"
    )


def file(content: bytes, kind: str) -> webob.Response:
    """What is the same for everybody, for a day."""
    return webob.Response(
        content,
        content_type=kind,
        charset="UTF-8",
        cache_control="public, max-age=86400",
    )


def redirect(to: str) -> webob.Response:
    """Send the browser to a page, which it GETs."""
    return webob.Response(status=303, location=to, content_type="text/plain")
