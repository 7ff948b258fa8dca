"""The real controller, with one more door for calls that go straight into the queue: no menus, no complaint.

    python -m bench.acd.controller SETTINGS.json DOOR_PORT

It does what it is told, a line at a time, and answers each with a line: `seat N` signs in the first N agents and
everybody else out; `line off_hook N` (or on_hook); `record on|off`; `repairs`; `profile on`, and `profile FILE`, which
writes what was measured since.
"""

from __future__ import annotations

import asyncio
import cProfile
import sys
import time
from pathlib import Path
from typing import Any

from acd.records import Request
from agents.agent import Line
from helpline import logs, wiring
from helpline.controller import run
from helpline.house import House
from helpline.runfolder import RunFolder
from helpline.settings import Settings
from telephony.call import Call
from telephony.errors import HungUp
from telephony.events import DialEnded
from telephony.server import FastAgiServer


class Door:
    """Answer and join the queue, as `ivr.service` does around its menus."""

    def __init__(self, house: House) -> None:
        self._acd = house.acd
        self.record = False

    async def __call__(self, call: Call) -> None:
        if not self.record:
            call.start_recording = call.stop_recording = _nothing  # type: ignore[method-assign,assignment]
        try:
            resumed = await self._acd.resume(call)
            if resumed is None or resumed.served is None:
                await call.answer()
                await self._acd.wait_for_agent(call, Request(language="hi", service="complaint"))
            await call.done()
        except HungUp:
            return


async def _nothing(*_: Any) -> None:
    return None


async def _obey(house: House, door: Door, reader: asyncio.StreamReader) -> None:
    profile = cProfile.Profile(time.thread_time)
    while words := (await reader.readline()).decode().split():
        match words:
            case ["seat", count]:
                for place, agent in enumerate(house.agents.list()):
                    change = house.agents.sign_in if place < int(count) else house.agents.sign_out
                    await change(agent.id, by="bench")
            case ["line", how, count]:
                for place, agent in enumerate(house.agents.list()):
                    line = Line.OFF_HOOK if how == "off_hook" and place < int(count) else Line.ON_HOOK
                    if agent.line is not line:
                        await house.agents.set_line(agent.id, line)
            case ["record", how]:
                door.record = how == "on"
            case ["profile", "on"]:
                profile = cProfile.Profile(time.thread_time)
                profile.enable()
            case ["profile", file]:
                profile.disable()
                profile.dump_stats(file)
            case ["repairs"]:
                sys.stdout.write(f"{dict(house.acd.snapshot().repairs)} ")
        sys.stdout.write("done\n")
        sys.stdout.flush()


async def serve(settings: Settings, port: int) -> None:
    stop = asyncio.Event()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with wiring.controller(settings) as house:
        door = Door(house)
        server = FastAgiServer("127.0.0.1", port, door, house.link)
        house.link.subscribe(DialEnded, server.dial_ended)
        serving = asyncio.create_task(house.serve(stop))
        await server.start()
        await _obey(house, door, reader)
        await server.stop()
        stop.set()
        await serving


def main() -> None:
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = RunFolder(settings.run_folder)
    folder.prepare()
    logs.to_file(folder.log / "controller.log")
    with folder.locked("controller"):
        run(serve(settings, int(sys.argv[2])))


if __name__ == "__main__":
    main()
