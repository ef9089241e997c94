"""Who asks: the fields of Keystone's token."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request; None where the token has no such field."""

    user_id: str | None = None
    user_name: str | None = None
    user_domain_id: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    project_domain_id: str | None = None
    domain_id: str | None = None
    system_scope: str | None = None
    roles: tuple[str, ...] = ()
    service_roles: tuple[str, ...] = ()
    is_admin: bool = False

    def credentials(self) -> dict[str, Any]:
        """The caller as oslo.policy's checks want it."""
        found = {name: getattr(self, name) for name in _FIELDS}
        # They take a list for several values, and a tuple for one.
        found["roles"] = list(self.roles)
        found["service_roles"] = list(self.service_roles)
        return found


_FIELDS = tuple(field.name for field in dataclasses.fields(Caller))
_ATTRIBUTES = tuple(name for name in _FIELDS if not name.endswith("roles"))


def of_environ(environ: Mapping[str, Any]) -> Caller:
    """The caller from ``nova.context``, else from keystonemiddleware.

    With neither it is nobody, with no role: headers that no
    ``auth_token`` has confirmed may be anybody's.
    """
    context = environ.get("nova.context")
    if context is not None:
        return _of_context(context)
    if environ.get("HTTP_X_IDENTITY_STATUS") == "Confirmed":
        return _of_headers(environ)
    return Caller()


def _of_context(context: Any) -> Caller:
    fields: dict[str, Any] = {
        name: getattr(context, name, None) for name in _ATTRIBUTES
    }
    return Caller(
        **fields,
        roles=tuple(context.roles or ()),
        service_roles=tuple(context.service_roles or ()),
    )


def _of_headers(environ: Mapping[str, Any]) -> Caller:
    def header(name: str) -> str | None:
        # auth_token sets some headers to None, and UTF-8 text as WSGI has it.
        value = environ.get(f"HTTP_X_{name}")
        return value and value.encode("latin-1").decode()

    return Caller(
        user_id=header("USER_ID"),
        user_name=header("USER_NAME"),
        user_domain_id=header("USER_DOMAIN_ID"),
        project_id=header("PROJECT_ID"),
        project_name=header("PROJECT_NAME"),
        project_domain_id=header("PROJECT_DOMAIN_ID"),
        domain_id=header("DOMAIN_ID"),
        system_scope=environ.get("HTTP_OPENSTACK_SYSTEM_SCOPE"),
        roles=_listed(header("ROLES")),
        service_roles=_listed(header("SERVICE_ROLES")),
    )


def _listed(text: str | None) -> tuple[str, ...]:
    parts = (part.strip() for part in (text or "").split(","))
    return tuple(part for part in parts if part)
