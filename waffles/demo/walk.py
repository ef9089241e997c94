"""The walk: what a cloud's users and its operator see of the waffles."""

from importlib import metadata

from waffles.demo import (
    audit,
    engine,
    hosts,
    listen,
    pods,
    recoveries,
    sample,
    steps,
)
from waffles.demo.api import MICROVERSION, Api
from waffles.demo.site import Site
from waffles.demo.talk import Talk

NOVA = metadata.version("nova")
INTRODUCTION = f"""\
A real Nova {NOVA} runs in this process, with the api-paste.ini of waffles.
Its users talk to it over HTTP, at microversion {MICROVERSION}; "..." in a body
stands for image and flavor. Of long answers a part is shown."""

NAMES = "Now the examples in waffles.conf.sample come into force:"
NETWORKS = """\
Now the networks. Hosts red-1 and red-2 reach network red only, which has three
addresses, and blue-1 and blue-2 network blue, which has one. The scheduler has
AggregateNetworkFilter; the API is told how to ask Nova and Neutron:"""
RECOVERIES = """\
Now a host dies. This is added for the API, an engine (waffles recovery run)
and a dashboard:"""


def walk(site: Site) -> None:
    """Show all of it.

    :raises Unexpected: something is not as it should be
    """
    print(INTRODUCTION)
    taken = networks(site, before=rules(site))
    recovery(site, before=taken)
    print("\nEvery answer was as expected.")


def rules(site: Site) -> int:
    """Show the rules for names and metadata, and the audit.

    Gives the number of steps that were taken, like those below.
    """
    with listen.listening(site.cloud.application()) as url:
        Talk(Api(url)).take(steps.BEFORE)
    text = sample.rules(*steps.GROUPS)
    show(NAMES, text)
    with listen.listening(site.configured(text)) as url:
        talk = Talk(Api(url), before=len(steps.BEFORE))
        talk.take(steps.RULES)
        talk.begin("The audit finds the server that is older than the rules.")
        audit.connect(site.config, url)
        audit.finds(steps.OLD, site.config)
    return talk.number


def networks(site: Site, before: int) -> int:
    """Show how servers get the network of the hosts that they land on.

    :param before: the number of steps that were taken already
    """
    pods.networks(site.cloud.neutron, pods.FREE)
    with listen.bound() as sock, site.served(pods.RULES, sock) as url:
        show(NETWORKS, site.config.read_text())
        talk = Talk(Api(url), before)
        talk.take(pods.AGGREGATES)
        for some in (pods.SEVERAL, pods.FULL, pods.REFUSED):
            talk.take(some)
            pods.check(talk.api)
    return talk.number


def recovery(site: Site, before: int) -> None:
    """Show how the servers of a host that dies come back, and the host.

    :param before: the number of steps that were taken already
    """
    with listen.bound() as sock:
        text = recoveries.rules(listen.url(sock), site.config.parent)
        show(RECOVERIES, text)
        with (
            site.served(pods.RULES + text, sock) as url,
            engine.working(site.config),
            engine.showing(site.config) as dashboard,
        ):
            talk = Talk(Api(url), before)
            hosts.die(talk, site.config)
            hosts.show(talk, dashboard)
            hosts.come_back(talk)


def show(about: str, text: str) -> None:
    """Print what the configuration says from now on."""
    print(f"\n{about}")
    for line in sample.effective(text):
        print(f"    {line}")
