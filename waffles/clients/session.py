"""How we reach the cloud as ourselves: the group ``[waffles]``.

These are keystoneauth's own options, as other services have them::

    [waffles]
    auth_type = password
    auth_url = https://keystone.example.com/v3
    username = waffles
    user_domain_name = Default
    password = secret
    project_name = service
    project_domain_name = Default
    region_name = RegionOne
"""

import dataclasses
from typing import Any

from keystoneauth1 import exceptions as keystone
from keystoneauth1 import loading, session
from oslo_config import cfg

from waffles import config, exceptions
from waffles.clients import deadline, errors

GROUP = "waffles"

#: Seconds after which a request to the cloud is given up.
TIMEOUT = 60.0

#: Those of keystoneauth's adapter options that hold for any service.
_ADAPTER = (
    "valid_interfaces",
    "region_name",
    "connect_retries",
    "connect_retry_delay",
    "status_code_retries",
    "status_code_retry_delay",
    "retriable_status_codes",
)

_RETRIES = ("connect_retries", "status_code_retries")

_INTERFACES = {"public", "internal", "admin"}


def _options() -> tuple[cfg.Opt, ...]:
    ours = loading.get_session_conf_options() + [
        opt
        for opt in loading.get_adapter_conf_options(include_deprecated=False)
        if opt.dest in _ADAPTER
    ]
    cfg.set_defaults(ours, timeout=TIMEOUT, valid_interfaces=["public"])
    return (*loading.get_auth_common_conf_options(), *ours)


OPTS = _options()


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """A way into the cloud.

    :param options: for an adapter of keystoneauth: region_name, …
    """

    session: session.Session
    options: dict[str, Any]

    def headers(self) -> dict[str, str]:
        """What shows who we are; a token that is no longer good is renewed.

        :raises Unavailable: Keystone gives none
        """
        with errors.mapped("Keystone"), deadline.within(TIMEOUT):
            return dict(self.session.get_auth_headers() or {})

    def at_once(self) -> "Access":
        """The same, without repeats: they would outlast a deadline."""
        options = {**self.options, **dict.fromkeys(_RETRIES, 0)}
        return dataclasses.replace(self, options=options)


def cloud(conf: cfg.ConfigOpts) -> str:
    """What tells the cloud of a configuration that was loaded from others."""
    group = conf[conf[GROUP].auth_section or GROUP]
    where = (getattr(group, name, None) for name in ("auth_url", "endpoint"))
    return " ".join(map(str, (*where, conf[GROUP].region_name)))


def sample_opts() -> list[cfg.Opt]:
    """The options as the sample shows them: with those of a password."""
    return [*OPTS, *loading.get_auth_plugin_conf_options("password")]


def load(conf: cfg.ConfigOpts) -> Access:
    """The access that a configuration describes; nothing is asked yet.

    :raises ConfigError: an option is missing or wrong
    """
    plugin = _plugin_opts(conf)
    section = config.section(conf, GROUP, [*OPTS, *plugin])
    for interface in set(section["valid_interfaces"]) - _INTERFACES:
        known = ", ".join(sorted(_INTERFACES))
        why = f"{interface!r} is none of {known}"
        raise section.error("valid_interfaces", why)
    http = loading.load_session_from_conf_options(
        conf, GROUP, auth=_auth(conf, section["auth_section"] or GROUP)
    )
    deadline.mount(http)
    return Access(http, {name: section[name] for name in _ADAPTER})


def _auth(conf: cfg.ConfigOpts, group: str) -> Any:
    """The plugin, with its options from a group."""
    try:
        auth = loading.load_auth_from_conf_options(conf, GROUP)
    except keystone.MissingRequiredOptions as error:
        option = error.options[0].dest
        raise _error(conf, group, option, "is required") from None
    except keystone.ClientException as error:
        raise _error(conf, group, "auth_type", error) from None
    # keystoneauth finds out when it asks for a token.
    takes = conf[group].auth_type.endswith("password")
    if takes and getattr(conf[group], "password", "") is None:
        raise _error(conf, group, "password", "is required")
    return auth


def _plugin_opts(conf: cfg.ConfigOpts) -> list[cfg.Opt]:
    """The options of the plugin that ``auth_type`` names.

    They stand in our group, unless ``auth_section`` names another.
    """
    conf.register_opts(loading.get_auth_common_conf_options(), group=GROUP)
    own = conf[GROUP].auth_section
    if own:
        conf.register_opts(loading.get_auth_common_conf_options(), group=own)
    group = own or GROUP
    if not conf[group].auth_type:
        why = "is required to reach the cloud"
        raise _error(conf, group, "auth_type", why)
    try:
        found = loading.get_auth_plugin_conf_options(conf[group].auth_type)
    except keystone.NoMatchingPlugin as error:
        raise _error(conf, group, "auth_type", error) from None
    return [] if own else found


def _error(
    conf: cfg.ConfigOpts, group: str, option: str, why: object
) -> exceptions.ConfigError:
    files = ", ".join(config.files_of(conf))
    return config.Section(conf, group, files, {}).error(option, why)
