"""The running controller: one process that answers 1076, queues, dials back and serves the desk.

    python -m helpline.controller SETTINGS.json [--standby] [--heartbeat PIPE]

It is started and watched by `helpline.stack`. Of several in one run folder one is at work, by the lease; one started
with `--standby` has everything loaded, binds no port, and takes over within moments of the other's end. At SIGTERM it
lets go of its calls, which Asterisk holds until another controller serves them; what must survive was written before.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop

from helpline import logs, wiring
from helpline.errors import HelplineError
from helpline.heartbeat import beat
from helpline.house import House
from helpline.lease import Lease, LeaseLost
from helpline.runfolder import RunFolder
from helpline.settings import Settings

log = logging.getLogger(__name__)

LOG, SPARE_LOG = "controller.log", "spare.log"
COLLECT_AFTER = (20_000, 20, 20)
"""A call makes some thousands of objects, hardly any in cycles."""
LOST = 75
"""The exit code of one whose lease another has: not a failure, it was replaced (EX_TEMPFAIL)."""


async def serve(settings: Settings, *, standby: bool = False, heartbeat: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT; with `standby`, once nobody else does.

    `heartbeat` is a pipe to whoever watches. One that stands by ends when nobody listens there any more; one at work
    goes on.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with wiring.lease(settings) as lease, wiring.controller(settings, lease.held) as house:
        beating = None
        if heartbeat is not None:
            beating = asyncio.create_task(beat(heartbeat), name="heartbeat")
        try:
            if not standby:
                await lease.take()
            elif not await _stood_by(lease, house, stop, beating):
                return
            else:
                logs.to_file(RunFolder(settings.run_folder).log / LOG)
                log.info("The one that stood by takes over", extra={"action": "takes_over", "fence": lease.fence})
            await _at_work(lease, house, stop)
        finally:
            if beating is not None:
                beating.cancel()
            await lease.let_go()


async def _stood_by(lease: Lease, house: House, stop: asyncio.Event, watched: asyncio.Task[None] | None) -> bool:
    """Stand by until it is ours to work: True; False when we are to end before."""
    house.warm_up()
    log.info("A controller stands by", extra={"action": "standing_by", "pid": os.getpid()})
    taking = asyncio.create_task(lease.stand_by(), name="stand by")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({taking, stopped, *([watched] if watched else [])}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        taking.cancel()
        await asyncio.wait({taking})
    if taking.cancelled():
        return False
    taking.result()
    return not stop.is_set()


async def _at_work(lease: Lease, house: House, stop: asyncio.Event) -> None:
    keeping = asyncio.create_task(_keep_or_end(lease), name="lease")
    try:
        await house.serve(stop)
    finally:
        keeping.cancel()


async def _keep_or_end(lease: Lease) -> None:
    """Keep the lease; when it is lost this process ends at once, without the tidying that another has begun already."""
    try:
        await lease.keep()
    except LeaseLost as lost:
        log.error("The lease is lost", extra={"action": "lease_lost", "reason": str(lost)})
    except Exception:
        log.exception("The lease can't be kept", extra={"action": "lease_failed"})
    logging.shutdown()
    os._exit(LOST)


def run(serving: Coroutine[Any, Any, None]) -> None:
    """On uvloop, which takes half the CPU for sockets and timers, and with fewer searches for dead cycles."""
    gc.set_threshold(*COLLECT_AFTER)
    uvloop.run(serving)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m helpline.controller")
    parser.add_argument("settings", type=Path)
    parser.add_argument("--standby", action="store_true")
    parser.add_argument("--heartbeat", type=int)
    asked = parser.parse_args(words)
    settings = Settings.model_validate_json(asked.settings.read_text(encoding="utf-8"))
    folder = RunFolder(settings.run_folder)
    folder.prepare()
    # Two processes can't turn one log over: one that stands by has its own until it is at work.
    logs.to_file(folder.log / (SPARE_LOG if asked.standby else LOG))
    try:
        run(serve(settings, standby=asked.standby, heartbeat=asked.heartbeat))
    except HelplineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
