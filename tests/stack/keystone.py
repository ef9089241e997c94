"""Keystone, with the users and the catalogue of the cloud."""

from cryptography import fernet
from openstack.connection import Connection

from tests.stack import uwsgi
from tests.stack.site import BIN, REGION, SERVICES, USERS, Site

CONF = """\
[database]
connection = {database}
[fernet_tokens]
key_repository = {keys}
[fernet_receipts]
key_repository = {keys}
[credential]
key_repository = {keys}
[identity]
# Services give their password often; it is no secret.
password_hash_rounds = 4
"""


def start(site: Site) -> None:
    """Start it with all users and services."""
    keys = site.folder / "keystone" / "keys"
    for name in "01":
        site.write(
            f"keystone/keys/{name}", fernet.Fernet.generate_key().decode()
        )
    conf = site.write(
        "keystone/keystone.conf",
        CONF.format(database=site.database("keystone"), keys=keys),
    )
    manage = [BIN / "keystone-manage", "--config-file", conf]
    site.processes.run("keystone-manage", [*manage, "db_sync"])
    site.processes.run(
        "keystone-manage",
        [
            *manage,
            "bootstrap",
            f"--bootstrap-password={USERS['admin'].password}",
            f"--bootstrap-region-id={REGION}",
            f"--bootstrap-public-url={site.url('keystone')}",
            f"--bootstrap-internal-url={site.url('keystone')}",
        ],
    )
    uwsgi.start(
        site,
        "keystone",
        log="keystone",
        OS_KEYSTONE_CONFIG_DIR=str(conf.parent),
    )
    admin = connection(site, "admin")
    make_users(admin)
    make_catalogue(site, admin)


def make_users(admin: Connection) -> None:
    """All but the administrator, whom Keystone has made itself."""
    identity = admin.identity
    projects = {project.name: project for project in identity.projects()}
    roles = {role.name: role for role in identity.roles()}
    for name, user in USERS.items():
        if name == "admin":
            continue
        if user.project not in projects:
            projects[user.project] = identity.create_project(
                name=user.project, domain_id="default"
            )
        made = identity.create_user(
            name=name, password=user.password, domain_id="default"
        )
        for role in user.roles:
            identity.assign_project_role_to_user(
                projects[user.project], made, roles[role]
            )


def make_catalogue(site: Site, admin: Connection) -> None:
    """All services but Keystone."""
    identity = admin.identity
    for name in SERVICES.keys() - {"keystone"}:
        service = identity.create_service(name=name, type=SERVICES[name].type)
        identity.create_endpoint(
            service_id=service.id,
            interface="public",
            url=site.url(name),
            region_id=REGION,
        )


def connection(site: Site, user: str) -> Connection:
    """The SDK as a user, with nothing from our environment."""
    return Connection(
        auth=site.credentials(user),
        region_name=REGION,
        identity_api_version="3",
    )
