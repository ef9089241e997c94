import pytest

from tests import fakes
from waffles import caller

CONFIRMED = {
    "HTTP_X_IDENTITY_STATUS": "Confirmed",
    "HTTP_X_USER_ID": "ann-id",
    "HTTP_X_USER_NAME": "\xc3\xa4nn",
    "HTTP_X_PROJECT_ID": "red-id",
    "HTTP_X_DOMAIN_ID": None,
    "HTTP_X_ROLES": "member, reader,",
    "HTTP_X_SERVICE_ROLES": "service",
}


def test_the_context_of_nova_comes_first():
    found = caller.of_environ(
        CONFIRMED | {"nova.context": fakes.FakeContext(user_id="bob-id")}
    )

    assert found.user_id == "bob-id"
    assert found.roles == ("member",)


def test_without_a_context_the_headers_of_auth_token_count():
    found = caller.of_environ(CONFIRMED)

    assert found == caller.Caller(
        user_id="ann-id",
        user_name="änn",
        project_id="red-id",
        roles=("member", "reader"),
        service_roles=("service",),
    )


@pytest.mark.parametrize("status", [None, "Invalid", "confirmed"])
def test_headers_that_nobody_confirmed_are_nobodys(status):
    environ = CONFIRMED | {"HTTP_X_IDENTITY_STATUS": status}

    assert caller.of_environ(environ) == caller.Caller()


def test_the_credentials_have_every_field():
    credentials = caller.Caller(user_id="a", roles=("member",)).credentials()

    assert credentials["user_id"] == "a"
    assert credentials["roles"] == ["member"]
    assert set(credentials) == set(caller.Caller.__slots__)
