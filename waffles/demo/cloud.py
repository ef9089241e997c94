"""A real Nova in this process.

Nova's own functional fixtures: its API behind the real ``auth_token``, its
scheduler, conductor and computes (with a hypervisor that only pretends), its
databases in SQLite, Placement; Glance and Cinder are stand-ins of the
fixtures, Neutron is :mod:`waffles.demo.neutron`.  The scheduler has the filter
of :mod:`waffles.scheduler`.  Made for a demonstration and for tests: nothing
is kept.
"""

import contextlib
import functools
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

# isort: off
from waffles.demo import threads  # noqa: F401  before any other Nova

# isort: on
import fixtures
import sqlalchemy.exc
from keystonemiddleware import fixture as keystone_fixture
from nova import config as nova_config
from nova.api import wsgi
from nova.tests import fixtures as nova_fixtures
from nova.tests.functional import integrated_helpers
from oslo_config import cfg

from waffles.demo import neutron

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: An image that the stand-in for Glance has.
IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"

#: Variables that lead requests to the fixtures' services astray.
_PROXIES = ("all_proxy", "http_proxy", "https_proxy")


class User(NamedTuple):
    """Who can log in: the token is the name."""

    name: str
    project: str
    roles: tuple[str, ...]

    @property
    def project_id(self) -> str:
        return self.project.encode().hex().zfill(32)


ADMIN = User("admin", "admin", ("admin", "member", "reader"))
DEMO = User("demo", "demo", ("member", "reader"))
OTHER = User("other", "other", ("member", "reader"))
READER = User("reader", "demo", ("reader",))


class Cells(nova_fixtures.CellDatabases):  # type: ignore[misc]
    """The databases of the cells, without the locks around them.

    The fixture points code that targets no cell to the cell of whoever
    targeted one last, under locks for which threads can wait for each other
    for ever.  Here such code always gets the cell of the computes.
    """

    @contextlib.contextmanager
    def _wrap_target_cell(self, context: Any, cell: Any) -> Iterator[Any]:
        with self._real_target_cell(context, cell) as targeted:
            yield targeted

    def _wrap_get_context_manager(self, context: Any) -> Any:
        own = getattr(context, "db_connection", None)
        return own or self._default_ctxt_mgr


#: What stands for fixtures of Nova.
FIXTURES = {"CellDatabases": Cells, "NeutronFixture": neutron.Neutron}


class Cloud(integrated_helpers._IntegratedTestBase):  # type: ignore[misc]
    """The fixtures, started by :func:`running`."""

    REQUIRES_LOCKING = True
    STUB_KEYSTONE = False
    CAST_AS_CALL = False

    def __init__(
        self, paste: Path, configs: Sequence[Path], hosts: Sequence[str]
    ) -> None:
        super().__init__("runTest")
        self.paste, self.configs, self.hosts = paste, configs, hosts
        #: For :mod:`waffles.demo.outside`: hosts without power, one switch at
        #: a time, and the notices that came.
        self.off: set[str] = set()
        self.switches = threading.Lock()
        self.events: list[Any] = []

    def runTest(self) -> None:
        """For testtools, which wants a method of some name."""

    def setUp(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                "nova.config.parse_args",
                functools.partial(self._parse, nova_config.parse_args),
            )
        )
        for proxy in _PROXIES:
            self.useFixture(fixtures.EnvironmentVariable(proxy))
            self.useFixture(fixtures.EnvironmentVariable(proxy.upper()))
        self.tokens = self.useFixture(keystone_fixture.AuthTokenFixture())
        for user in (ADMIN, DEMO, OTHER, READER):
            _add(self.tokens, user)
        for name, ours in FIXTURES.items():
            self.useFixture(
                fixtures.MonkeyPatch(f"nova.tests.fixtures.{name}", ours)
            )
        super().setUp()
        # Nova's fixtures make an error of what SQLAlchemy 2.1 deprecates.
        warnings.filterwarnings(
            "ignore", category=sqlalchemy.exc.SADeprecationWarning
        )
        self.useFixture(nova_fixtures.AllServicesCurrent())

    def _parse(self, parse: Any, argv: Any, **how: Any) -> None:
        how["default_config_files"] = [str(path) for path in self.configs]
        parse(argv, **how)

    def _setup_services(self) -> None:
        self.flags(api_paste_config=str(self.paste), group="wsgi")
        self.flags(compute_driver="fake.FakeDriver")
        self.flags(instances=-1, cores=-1, ram=-1, group="quota")
        self.flags(
            available_filters=[
                "nova.scheduler.filters.all_filters",
                "waffles.scheduler.AggregateNetworkFilter",
            ],
            enabled_filters=[
                *cfg.CONF.filter_scheduler.enabled_filters,
                "AggregateNetworkFilter",
            ],
            group="filter_scheduler",
        )
        super()._setup_services()

    def _setup_compute_service(self) -> Any:
        return [self._start_compute(host) for host in self.hosts][-1]

    def application(self) -> "WSGIApplication":
        """The compute API, its pipeline built from the configuration anew."""
        cfg.CONF.reload_config_files()
        app: WSGIApplication = wsgi.Loader().load_app("osapi_compute")
        return app


def _add(tokens: Any, user: User) -> None:
    tokens.add_token_data(
        token_id=user.name,
        user_id=user.name,
        user_name=user.name,
        user_domain_id="default",
        user_domain_name="Default",
        project_id=user.project_id,
        project_name=user.project,
        project_domain_id="default",
        project_domain_name="Default",
        role_list=user.roles,
        # A token of the fixture lives for an hour otherwise.
        expires="2999-12-31T23:59:59Z",
    )


@contextlib.contextmanager
def running(
    paste: Path,
    configs: Sequence[Path] = (),
    hosts: Sequence[str] = ("host1", "host2"),
) -> Iterator[Cloud]:
    """A cloud that is stopped at the end.

    :param paste: the api-paste.ini, as in production
    :param configs: what Nova reads besides the settings of the fixtures
    """
    cloud = Cloud(paste, configs, hosts)
    try:
        cloud.setUp()
        yield cloud
    finally:
        cloud.doCleanups()
