"""The running controller: one process that answers 1076, queues, dials back and serves the desk.

    python -m helpline.controller SETTINGS.json

It is started and watched by `helpline.stack`. At SIGTERM it lets go of its calls, which Asterisk holds until another
controller serves them; what must survive was written before.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from helpline import logs, wiring
from helpline.errors import HelplineError
from helpline.runfolder import RunFolder
from helpline.settings import Settings


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with wiring.controller(settings) as house:
        await house.serve(stop)


def main() -> int:
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = RunFolder(settings.run_folder)
    folder.prepare()
    logs.to_file(folder.log / "controller.log")
    try:
        with folder.locked("controller"):
            asyncio.run(serve(settings))
    except HelplineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
