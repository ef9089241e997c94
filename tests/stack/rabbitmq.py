"""RabbitMQ, and epmd, by which Erlang's nodes find each other."""

from tests.stack.debian import RABBITMQ
from tests.stack.site import Site
from tests.stack.waiting import listens

USER = "rabbitmq"

#: Nodes meet on the loopback only, and sleep while they wait.
ERLANG = (
    "-kernel inet_dist_use_interface {127,0,0,1}"
    " +sbwt none +sbwtdcpu none +sbwtdio none"
)


def start(site: Site) -> None:
    """Start both, and wait until clients can connect."""
    home = site.make_folder("rabbitmq", USER)
    port, names = site.ports["rabbitmq"], site.ports["epmd"]
    site.processes.serve(
        "epmd",
        ["epmd", "-port", str(names), "-address", "127.0.0.1"],
        lambda: listens(names),
        user=USER,
    )
    site.processes.serve(
        "rabbitmq",
        [RABBITMQ],
        lambda: listens(port),
        user=USER,
        HOME=str(home),
        ERL_EPMD_ADDRESS="127.0.0.1",
        ERL_EPMD_PORT=str(names),
        RABBITMQ_NODENAME="stack@localhost",
        RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
        RABBITMQ_NODE_PORT=str(port),
        RABBITMQ_DIST_PORT=str(site.ports["rabbitmq-nodes"]),
        RABBITMQ_MNESIA_BASE=str(home),
        RABBITMQ_LOG_BASE=str(home),
        RABBITMQ_LOGS="-",
        RABBITMQ_LOG="error",
        RABBITMQ_CONFIG_FILE=str(home / "rabbitmq"),
        RABBITMQ_CONF_ENV_FILE="/dev/null",
        RABBITMQ_ENABLED_PLUGINS_FILE=str(home / "plugins"),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=ERLANG,
    )
