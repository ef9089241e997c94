"""The walk: what a cloud's users and its operator see of the waffles."""

from importlib import metadata

from waffles.demo import audit, listen, pods, sample, steps
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


def walk(site: Site) -> None:
    """Show all of it.

    :raises Unexpected: something is not as it should be
    """
    print(INTRODUCTION)
    rules(site)
    networks(site, before=len(steps.BEFORE + steps.RULES) + 1)
    print("\nEvery answer was as expected.")


def rules(site: Site) -> None:
    """Show the rules for names and metadata, and the audit."""
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


def networks(site: Site, before: int) -> None:
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


def show(about: str, text: str) -> None:
    """Print what the configuration says from now on."""
    print(f"\n{about}")
    for line in sample.effective(text):
        print(f"    {line}")
