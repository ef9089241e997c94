"""``python -m tests.evacuations``: prints the port, and serves."""

import argparse
import asyncio
import dataclasses
import os
import random
import signal
import stat
import sys

from tests.evacuations import Plan, serving
from tests.evacuations.api import Api
from tests.evacuations.cloud import Cloud

#: Seconds between two reports of a service.
BEAT = 1.0


def plan() -> Plan:
    """What the command line asks for."""
    parser = argparse.ArgumentParser("tests.evacuations")
    for field in dataclasses.fields(Plan):
        default = field.default
        parser.add_argument(
            f"--{field.name}", type=type(default), default=default
        )
    return Plan(**vars(parser.parse_args()))


async def beat(api: Api) -> None:
    """Let services report, for ever."""
    while True:
        await asyncio.sleep(BEAT)
        api.cloud.beat()


async def main() -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, ended.set)
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        loop.add_reader(0, ended.set)
    wanted = plan()
    dice = random.Random(wanted.seed)  # noqa: S311
    api = Api(Cloud(wanted, dice, loop.call_later), dice)
    server = await serving.serve(api)
    beating = asyncio.create_task(beat(api))
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    beating.cancel()
    sys.stdout.close()
    # Answers that are under way are nobody's concern any more.
    os._exit(0)


asyncio.run(main())
