"""A recovery, carried out step by step, without an engine's thread."""

from waffles.recovery.engine import evacuating, forcing
from waffles.recovery.model import Phase


def forced(one, **more):
    """An engine's hold on a recovery whose host was forced down."""
    one.declare(**more)
    work = one.claim()
    forcing.received(work, work.lease.recovery())
    forcing.forcing(work, work.lease.recovery())
    return work


def planned(one):
    """… with a plan; its gates may hold it."""
    work = forced(one)
    plan(work)
    return work


def plan(work):
    forcing.planning(work, work.lease.recovery())
    return work.lease.recovery()


def begun(one):
    """… whose gates are open."""
    work = planned(one)
    assert work.lease.recovery().phase is Phase.RUNNING
    return work


def rounds(work, many=20):
    """Rounds, until the phase changes."""
    evacuation = evacuating.Evacuation(work)
    for _ in range(many):
        evacuation.pace.quiet_until = 0.0
        evacuation.round(work.lease.recovery())
        if work.lease.recovery().phase is not Phase.RUNNING:
            break
    return work.lease.recovery()


def closed(recovery):
    """The names of the gates that are not passed."""
    return [gate.name for gate in recovery.gates if not gate.passed]
