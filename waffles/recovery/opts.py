"""The options of recoveries: the group ``[waffles_recovery]``.

The endpoint, the engines, the dashboard and the command read the same group;
:mod:`waffles.recovery.options` has what becomes of it.
"""

from oslo_config import cfg

_STORE = (
    cfg.StrOpt(
        "connection",
        default="sqlite:////var/lib/waffles/recovery.db",
        secret=True,
        help=(
            "The database of recoveries, as a URL of SQLAlchemy's: one of "
            "SQLite, which is made where it is not there, if all that is of "
            "recoveries runs on one node, else mysql+pymysql://... (MySQL, "
            "MariaDB, Galera) or postgresql+psycopg://..., and "
            '"waffles db upgrade" makes its tables.'
        ),
    ),
)

_CALLS = (
    cfg.BoolOpt(
        "require_fencing",
        default=True,
        help=(
            "Refuse to take a host for dead unless the caller says that it "
            "has been fenced: a server that is evacuated while it still runs "
            "loses its data."
        ),
    ),
    cfg.StrOpt(
        "native_force_down",
        choices=[
            ("ignore", "it is Nova's matter alone"),
            ("recover", "it opens a recovery of the host"),
        ],
        default="ignore",
        help=(
            "What a force-down means that somebody asks Nova itself for and "
            "Nova has done, as fence agents do."
        ),
    ),
)

_NAMES = (
    cfg.StrOpt(
        "automatic_tag",
        default="automatic-recovery",
        help="The tag of servers that are brought back.",
    ),
    cfg.StrOpt(
        "custom_tag",
        default="custom-recovery",
        help=(
            "The tag of servers that somebody else brings back, who gets a "
            "notice."
        ),
    ),
    cfg.StrOpt(
        "no_tag",
        default="no-recovery",
        help="The tag of servers that are left alone, whatever else is said.",
    ),
    cfg.StrOpt(
        "priority_tag",
        default="recovery-priority",
        help=(
            "The tag that says, followed by a colon and a number from 1 to "
            "1000, which servers are brought back first: those with the "
            "highest. Without it a server has 500."
        ),
    ),
    cfg.StrOpt(
        "group_tag",
        default="recovery-group",
        help=(
            "The tag that says, followed by a colon and a name, which servers "
            "of one priority are brought back next to each other."
        ),
    ),
    cfg.StrOpt(
        "flavor_key",
        default="waffles:recovery",
        help=(
            "The extra spec of flavors (automatic, custom, off) for servers "
            "without such a tag; empty for none."
        ),
    ),
    cfg.StrOpt(
        "image_property",
        default="",
        sample_default="waffles_recovery",
        help=(
            "The property of images (automatic, custom, off) for servers "
            "without such a tag or extra spec; empty for none. Glance is "
            "asked for it."
        ),
    ),
    cfg.StrOpt(
        "aggregate_key",
        default="waffles:recovery",
        help=(
            "The metadata of host aggregates (automatic, custom, off) for "
            "servers of which nothing else says anything; empty for none."
        ),
    ),
)

_KINDS = (
    cfg.StrOpt(
        "local_disk",
        choices=[
            ("refuse", "it fails, with that reason"),
            ("allow", "it is evacuated: the storage is shared"),
        ],
        default="refuse",
        help=(
            "What is done about a server with a disk that is not a volume. "
            "On storage that is not shared the disk is made anew of the "
            "image, and what was on it is lost."
        ),
    ),
    cfg.StrOpt(
        "config_drive",
        choices=[
            ("custom", "as if it had the custom tag"),
            ("allow", "it is evacuated"),
        ],
        default="custom",
        help=(
            "What is done about a server with a config drive. It is made "
            "anew without the files that the server was created with."
        ),
    ),
    cfg.StrOpt(
        "nonevacuable",
        choices=[
            ("report", "it fails, with that reason"),
            ("reset", "its state is set to ERROR, and it is evacuated"),
        ],
        default="report",
        help=(
            "What is done about a server that is paused, suspended or in "
            "rescue mode: Nova evacuates none of these. What its memory held "
            "is lost either way."
        ),
    ),
)


def _percent(name: str, default: int, of: str) -> cfg.Opt:
    return cfg.IntOpt(
        name,
        default=default,
        min=1,
        max=100,
        help=(
            f"Percent of the compute hosts {of} that may be down, with the "
            f"one in question. Beyond it a recovery is held until somebody "
            f"releases it. 100 is no limit; one host alone is never too many."
        ),
    )


_GATES = (
    _percent("threshold_cloud", 30, "of the cloud"),
    _percent("threshold_zone", 50, "of its availability zone"),
    _percent("threshold_aggregate", 50, "of any of its host aggregates"),
)

_PACE = (
    cfg.IntOpt(
        "in_flight_per_recovery",
        default=20,
        min=1,
        help="The most evacuations at the same time, of one host.",
    ),
    cfg.IntOpt(
        "in_flight",
        default=100,
        min=1,
        help="The most evacuations at the same time, in all.",
    ),
    cfg.FloatOpt(
        "stagger",
        default=0,
        min=0,
        help="Seconds between the starts of two evacuations of a host.",
    ),
    cfg.IntOpt(
        "max_attempts",
        default=3,
        min=1,
        help=(
            "How often a server is evacuated. It is tried again only after "
            "Nova has said that the evacuation failed."
        ),
    ),
    cfg.FloatOpt(
        "retry_delay",
        default=30,
        min=0,
        help=(
            "Seconds before a server is evacuated for the second time; twice "
            "as many before each further time."
        ),
    ),
    cfg.FloatOpt(
        "retry_delay_max",
        default=300,
        min=0,
        help="The most seconds before a server is evacuated again.",
    ),
    cfg.FloatOpt(
        "evacuation_timeout",
        default=1800,
        min=1,
        help=(
            "Seconds after which an evacuation that has not ended is for "
            "people to look at: the server is stuck."
        ),
    ),
    cfg.FloatOpt(
        "settle_time",
        default=120,
        min=1,
        help=(
            "Seconds after which Nova would show an evacuation, if it had "
            "been asked for it. Only then is one asked for again whose "
            "request was lost, so it must be more than timeout and 5 s."
        ),
    ),
    cfg.FloatOpt(
        "poll_interval",
        default=2,
        min=0.1,
        help="Seconds between two looks at the evacuations of a host.",
    ),
    cfg.FloatOpt(
        "timeout",
        default=10,
        min=0.1,
        help="Seconds that Nova has to answer one request.",
    ),
    cfg.FloatOpt(
        "lease_time",
        default=30,
        min=1,
        help=(
            "Seconds after which another engine takes up the work of one that "
            "was killed; at least twice timeout and 5 s."
        ),
    ),
    cfg.FloatOpt(
        "heartbeat_interval",
        default=10,
        min=1,
        help=(
            "Seconds between two reports of nova-compute: report_interval of "
            "its own configuration."
        ),
    ),
    cfg.FloatOpt(
        "healthy_delay",
        default=30,
        min=0,
        help=(
            "Seconds for which a host that is back must report before it gets "
            "new servers."
        ),
    ),
    cfg.FloatOpt(
        "kdump_time",
        default=0,
        min=0,
        help=(
            "Seconds for which a host may write a dump of its memory, where "
            "whoever declared it dead has said that it does (kdump): it does "
            "not return before."
        ),
    ),
)

_NOTICES = (
    cfg.StrOpt(
        "webhook_url",
        default="",
        secret=True,
        sample_default="https://events.example.com/waffles",
        help=(
            "Where notices are posted to, as JSON: recoveries that are held "
            "or have ended, servers that failed, are stuck, or are for "
            "somebody else to recover. https only, but for this node."
        ),
    ),
    cfg.StrOpt(
        "webhook_secret",
        default="",
        secret=True,
        help="What notices are signed with (HMAC-SHA256).",
    ),
    cfg.StrOpt(
        "webhook_secret_file",
        default="",
        sample_default="/etc/waffles/webhook.secret",
        help="A file with what notices are signed with, instead.",
    ),
    cfg.StrOpt(
        "webhook_cafile",
        default="",
        sample_default="/etc/ssl/certs/ca-certificates.crt",
        help="The certificates to trust; without it the usual ones.",
    ),
    cfg.FloatOpt(
        "webhook_timeout",
        default=10,
        min=0.1,
        help="Seconds that the receiver has to take a notice.",
    ),
    cfg.BoolOpt(
        "bus",
        default=False,
        help=(
            "Send the same notices by oslo.messaging, as notifications of "
            "other services are sent: see [oslo_messaging_notifications]."
        ),
    ),
    cfg.FloatOpt(
        "notice_retry",
        default=10,
        min=0.1,
        help=(
            "Seconds before a notice that did not arrive is sent again; "
            "twice as many before each further time, up to 300."
        ),
    ),
    cfg.FloatOpt(
        "notice_give_up",
        default=3600,
        min=0,
        help="Seconds after which a notice is not sent any more.",
    ),
    cfg.StrOpt(
        "help_url",
        default="",
        sample_default="https://wiki.example.com/recovery",
        help="Where people find more; part of each notice.",
    ),
)

_PAGES = (
    cfg.StrOpt(
        "metrics_address",
        default="",
        sample_default="127.0.0.1:9790",
        help=(
            "Address and port where an engine shows its metrics to "
            "Prometheus; empty for nowhere."
        ),
    ),
    cfg.StrOpt(
        "dashboard_address",
        default="127.0.0.1:8790",
        help='Address and port of "waffles dashboard".',
    ),
    cfg.StrOpt(
        "dashboard_auth",
        choices=[
            ("keystone", "who logs in with a user of Keystone's"),
            ("none", "whoever is on this node"),
        ],
        default="keystone",
        help="Who sees the dashboard.",
    ),
    cfg.StrOpt(
        "dashboard_secret_file",
        default="",
        sample_default="/etc/waffles/dashboard.secret",
        help=(
            "A file with what sessions of the dashboard are signed with. "
            "Without it a log-in ends with the process, and counts in one "
            "process only."
        ),
    ),
    cfg.FloatOpt(
        "dashboard_refresh",
        default=5,
        min=1,
        help="Seconds after which the dashboard shows the newest state.",
    ),
)

OPTS = (
    *_STORE,
    *_CALLS,
    *_NAMES,
    *_KINDS,
    *_GATES,
    *_PACE,
    *_NOTICES,
    *_PAGES,
)
