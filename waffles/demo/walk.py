"""The walk: what a cloud's users and its operator see of the waffles."""

from importlib import metadata

from waffles.demo import audit, sample, steps
from waffles.demo.api import MICROVERSION, Api
from waffles.demo.listen import listening
from waffles.demo.site import Site
from waffles.demo.talk import Talk

NOVA = metadata.version("nova")
INTRODUCTION = f"""\
A real Nova {NOVA} runs in this process, with the api-paste.ini of waffles.
Its users talk to it over HTTP, at microversion {MICROVERSION}; "..." in a body
stands for image, flavor and networks."""


def walk(site: Site) -> None:
    """Show all of it.

    :raises Unexpected: something is not as it should be
    """
    print(INTRODUCTION)
    with listening(site.cloud.application()) as url:
        Talk(Api(url)).take(steps.BEFORE)
    show_rules()
    with listening(site.configured(sample.rules())) as url:
        talk = Talk(Api(url), before=len(steps.BEFORE))
        talk.take(steps.RULES)
        talk.begin("The audit finds the server that is older than the rules.")
        audit.connect(site.config, url)
        audit.finds(steps.OLD, site.config)
    print("\nEvery answer was as expected.")


def show_rules() -> None:
    """Print what the configuration says from now on."""
    print("\nNow the examples in waffles.conf.sample come into force:")
    for line in sample.effective(sample.rules()):
        print(f"    {line}")
