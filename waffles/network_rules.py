"""What networks servers must have, may have, and may not have.

A :class:`Wording` is what an operator writes: ids and names.  A :class:`Rule`
is what that means for the servers of one project: ids.  The functions judge
NICs by a rule, and know of no request.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from waffles import ids
from waffles.fabric.networks import Networks
from waffles.nics import Nic
from waffles.policy import Violation

Ids = frozenset[str]

#: The last step of a pointer to what asks for a network -> what it does.
VERBS = {
    "uuid": "is",
    "net_id": "is",
    "networkId": "is",
    "port": "is on",
    "port_id": "is on",
    "networks": "must name a network: Nova would take",
    "interfaceAttachment": "must name a network: Nova would take",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """The rules for the servers of a project; what is empty is no rule.

    :param required: how a network is written -> ids, any of which will do
    :param allowed: how networks are written
    :param permitted: the ids of these, and of what else a server may have
    :param uncounted: what counts for neither ``least`` nor ``most``
    """

    required: Mapping[str, Ids] = dataclasses.field(default_factory=dict)
    banned: Ids = frozenset()
    allowed: tuple[str, ...] = ()
    permitted: Ids = frozenset()
    uncounted: Ids = frozenset()
    least: int = 0
    most: int | None = None

    @property
    def only_counts(self) -> bool:
        """Whether it makes no difference which networks a server has."""
        named = (self.required, self.banned, self.allowed, self.uncounted)
        return not any(named)


def of_new(
    pointer: str, nics: Sequence[Nic], rule: Rule
) -> Iterator[Violation]:
    """What is wrong with the networks of a new server.

    :param pointer: where the request has them all
    """
    for nic in nics:
        yield from of_network(nic, rule)
    have = {nic.network for nic in nics}
    for text, wanted in rule.required.items():
        if have.isdisjoint(wanted):
            yield Violation(pointer, f"must have network {text}")
    many = counted(nics, rule)
    if many < rule.least:
        least = networks(rule.least)
        yield Violation(pointer, f"must have at least {least} and has {many}")
    if rule.most is not None and many > rule.most:
        most = networks(rule.most)
        yield Violation(pointer, f"must have at most {most} and has {many}")


def of_network(nic: Nic, rule: Rule) -> Iterator[Violation]:
    """What is wrong with a network, whatever else a server has."""
    verb = VERBS[nic.pointer.rpartition("/")[2]]
    if nic.network in rule.banned:
        yield Violation(nic.pointer, f"{verb} a banned network")
    if rule.allowed and nic.network not in rule.permitted:
        texts = ", ".join(rule.allowed)
        reason = f"{verb} none of the allowed networks ({texts})"
        yield Violation(nic.pointer, reason)


def of_more(
    nic: Nic, present: Sequence[Nic], rule: Rule
) -> Iterator[Violation]:
    """What is wrong with one more network for a server."""
    yield from of_network(nic, rule)
    many = counted([*present, nic], rule)
    if rule.most is not None and counted([nic], rule) and many > rule.most:
        yield Violation(
            nic.pointer,
            f"would be network {many} of this server, which must have at most"
            f" {networks(rule.most)}",
        )


def of_less(gone: Nic, kept: Sequence[Nic], rule: Rule) -> Iterator[Violation]:
    """What is wrong with taking a network from a server."""
    yield from of_lost(gone, kept, rule)
    many = counted(kept, rule)
    if counted([gone], rule) and many < rule.least:
        yield Violation(
            gone.pointer,
            f"cannot be taken away: this server must have at least"
            f" {networks(rule.least)} and would have {many}",
        )


def of_lost(gone: Nic, kept: Sequence[Nic], rule: Rule) -> Iterator[Violation]:
    """Which required networks a server would not reach any more.

    A NIC without an address is no way to a network on which another has one.
    """
    ways = {nic.network for nic in kept if nic.addresses or not gone.addresses}
    for text, wanted in rule.required.items():
        if gone.network in wanted and ways.isdisjoint(wanted):
            reason = f"cannot be taken away: it is the last on network {text}"
            yield Violation(gone.pointer, reason)


def counted(nics: Iterable[Nic], rule: Rule) -> int:
    """How many networks count."""
    return sum(nic.network not in rule.uncounted for nic in nics)


def networks(number: int) -> str:
    """Some networks, in a sentence."""
    return "1 network" if number == 1 else f"{number} networks"


@dataclasses.dataclass(frozen=True, slots=True)
class Wording:
    """The rules as they are written: ids and names."""

    required: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    count_optional: bool = False

    @property
    def has_names(self) -> bool:
        """Whether anything is written by name."""
        texts = self.required + self.banned + self.allowed + self.optional
        return not all(map(ids.canonical, texts))

    def rule(self, known: Networks, project_id: str | None) -> Rule:
        """What they mean for the servers of a project.

        :param known: the networks that names are looked for in
        """

        def meant(text: str) -> Ids:
            found = (network.id for network in known.meant(text, project_id))
            return _itself(text) or frozenset(found)

        required = {text: meant(text) for text in self.required}
        optional = _union(map(meant, self.optional))
        allowed = _union(map(meant, self.allowed))
        return Rule(
            required=required,
            banned=_union(_every(text, known) for text in self.banned),
            allowed=self.allowed,
            permitted=_union([*required.values(), optional, allowed]),
            uncounted=Ids() if self.count_optional else optional,
            least=self.least,
            most=self.most,
        )


def _every(text: str, known: Networks) -> Ids:
    """Every network that a text may mean."""
    return _itself(text) or frozenset(one.id for one in known.of(text))


def _itself(text: str) -> Ids:
    """An id, known or not."""
    id_ = ids.canonical(text)
    return frozenset([id_] if id_ else [])


def _union(sets: Iterable[Ids]) -> Ids:
    return Ids().union(*sets)
