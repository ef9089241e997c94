"""People, logged in to Keystone with what they type.

Keystone is the one of ``[waffles]``: its ``auth_url`` and how it is reached,
not who we are there.  Neither password nor token is kept; who somebody is, and
until when Keystone would have believed it, is all that comes of it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions as keystone
from keystoneauth1 import loading
from keystoneauth1.identity import v3
from oslo_config import cfg

from waffles import config, exceptions
from waffles.caller import Caller
from waffles.clients import deadline, errors, session

#: What Keystone answers to those whom it does not let in: a wrong password, a
#: user or project that is not there, no role in it, a text that is too long.
_DENIALS = (keystone.BadRequest, keystone.Unauthorized, keystone.Forbidden)

_WHAT = "Keystone could not be asked"


@dataclasses.dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody types.

    :param domain: the name of the one of user and project
    :param project: its name; empty for the user's default project
    """

    user: str
    password: str = dataclasses.field(repr=False)
    domain: str = "Default"
    project: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who has been let in.

    :param until: when Keystone's token would have ended, since 1970
    """

    caller: Caller
    until: float


class Denied(exceptions.WafflesError):
    """Keystone does not let them in.  It does not say why, nor does this."""

    def __init__(
        self, why: str = "Keystone does not let you in with these."
    ) -> None:
        super().__init__(why)


#: What logs people in; raises Denied or Unavailable.
Login = Callable[[Credentials], Visit]


def login(conf: cfg.ConfigOpts, timeout: float) -> Login:
    """What logs people in to the Keystone of a configuration.

    :param timeout: seconds for all that is asked of Keystone
    :raises ConfigError: there is none in it
    """
    session.load(conf)
    group = conf[session.GROUP].auth_section or session.GROUP
    url = getattr(conf[group], "auth_url", None)
    if not url:
        files = ", ".join(config.files_of(conf))
        why = "is required to log people in"
        raise exceptions.ConfigError(why, files, group, "auth_url")
    return lambda given: _asked(conf, url, given, timeout)


def _asked(
    conf: cfg.ConfigOpts, url: str, given: Credentials, timeout: float
) -> Visit:
    # One session each: what Keystone sets for one (a cookie) is not another's.
    http = loading.load_session_from_conf_options(conf, session.GROUP)
    deadline.mount(http)
    try:
        with errors.mapped(_WHAT), deadline.within(timeout):
            return _visit(_auth(url, given).get_access(http))
    except exceptions.Unjudged as error:
        raise _refusal(error) from error
    except (KeyError, TypeError, AttributeError, ValueError):
        raise exceptions.Unavailable(f"{_WHAT}: that is no token.") from None


def _refusal(error: exceptions.Unjudged) -> exceptions.WafflesError:
    if isinstance(error.__cause__, _DENIALS):
        return Denied()
    if isinstance(error.__cause__, keystone.MissingAuthMethods):
        return Denied("Keystone wants more than a password of you.")
    return exceptions.Unavailable(str(error))


def _auth(url: str, given: Credentials) -> v3.Password:
    project = given.project or None
    return v3.Password(
        url,
        password=given.password,
        username=given.user,
        user_domain_name=given.domain,
        project_name=project,
        project_domain_name=given.domain if project else None,
        include_catalog=False,
        reauthenticate=False,
    )


def _visit(access: Any) -> Visit:
    return Visit(
        Caller(
            user_id=access.user_id,
            user_name=access.username,
            user_domain_id=access.user_domain_id,
            project_id=access.project_id,
            project_name=access.project_name,
            project_domain_id=access.project_domain_id,
            roles=tuple(access.role_names),
        ),
        access.expires.timestamp(),
    )
