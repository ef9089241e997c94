import base64
import json
import os

import pytest

from waffles.caller import Caller
from waffles.recovery.dashboard import sessions

SECRET = b"s" * 32
ANN = Caller(
    user_id="ann-id",
    user_name="änn",
    project_id="red-id",
    roles=("admin", "reader"),
)


def test_who_has_a_cookie_is_who_it_was_made_for():
    cookie = sessions.Sessions(SECRET).sealed(ANN, 100.0)

    assert sessions.Sessions(SECRET).opened(cookie, 99.0) == ANN
    assert cookie.isascii()


@pytest.mark.parametrize("now", [100.0, 101.0])
def test_a_cookie_ends(now):
    kept = sessions.Sessions(SECRET)

    assert kept.opened(kept.sealed(ANN, 100.0), now) is None


def _forged(cookie):
    """The same mark below somebody else's name."""
    text, _, mark = cookie.partition(".")
    found = json.loads(base64.urlsafe_b64decode(text))
    found["caller"]["roles"] = ["god"]
    body = base64.urlsafe_b64encode(json.dumps(found).encode()).decode()
    return f"{body}.{mark}"


@pytest.mark.parametrize(
    "change",
    [
        lambda cookie: "",
        lambda cookie: ".",
        lambda cookie: cookie[:-1],
        lambda cookie: "A" + cookie,
        lambda cookie: cookie.partition(".")[0],
        lambda cookie: cookie.partition(".")[0] + ".",
        lambda cookie: "." + cookie.partition(".")[2],
        lambda cookie: cookie + "é",
        _forged,
    ],
    ids=[
        "nothing",
        "a dot",
        "cut",
        "longer",
        "no mark and no dot",
        "no mark",
        "no text",
        "not ascii",
        "forged",
    ],
)
def test_a_cookie_that_is_not_ours_is_nobodys(change):
    kept = sessions.Sessions(SECRET)

    assert kept.opened(change(kept.sealed(ANN, 100.0)), 0.0) is None


def test_a_cookie_of_another_secret_is_nobodys():
    cookie = sessions.Sessions(b"t" * 32).sealed(ANN, 100.0)

    assert sessions.Sessions(SECRET).opened(cookie, 0.0) is None


def test_the_secret_itself_signs_nothing_else():
    """What is signed with the bare secret elsewhere is no session."""
    import hashlib
    import hmac

    text = sessions.Sessions(SECRET).sealed(ANN, 100.0).partition(".")[0]
    mark = hmac.digest(SECRET, text.encode(), hashlib.sha256)
    forged = f"{text}.{base64.urlsafe_b64encode(mark).decode()}"

    assert sessions.Sessions(SECRET).opened(forged, 0.0) is None


def test_without_a_file_each_process_has_a_secret_of_its_own():
    assert sessions.secret("") != sessions.secret("")
    assert len(sessions.secret("")) >= sessions.SHORTEST


def test_with_a_file_all_have_the_same(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(SECRET + b"\n")
    os.chmod(file, 0o640)

    assert sessions.secret(str(file)) == SECRET


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        (b"short\n", 0o600, "has fewer than 32 bytes"),
        (SECRET, 0o644, "can be read by anybody"),
    ],
    ids=["short", "readable"],
)
def test_a_secret_that_is_none_is_refused(tmp_path, content, mode, why):
    file = tmp_path / "secret"
    file.write_bytes(content)
    os.chmod(file, mode)

    with pytest.raises(ValueError, match=why):
        sessions.secret(str(file))


def test_a_secret_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        sessions.secret(str(tmp_path / "none"))
