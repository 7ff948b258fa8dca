"""A controller's process as its supervisor has it: started, listened to, ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from helpline.heartbeat import Pulse

STOP_SECONDS = 15.0


class ControllerProcess:
    """One controller that runs, or has ended. `limit`: so many seconds of silence of its event loop mean that it hangs.

    A plain child, looked at now and then: it must outlive any event loop of the supervisor's that is closed meanwhile.
    """

    def __init__(
        self,
        settings_file: Path,
        *,
        words: Path,
        standby: bool,
        limit: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        ours, theirs = os.pipe()
        try:
            self._pulse = Pulse(ours, limit=limit, began=clock())
            with words.open("ab") as output:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        *("-m", "helpline.controller", str(settings_file), "--heartbeat", str(theirs)),
                        *(["--standby"] if standby else []),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=settings_file.parent,
                    pass_fds=(theirs,),
                )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._clock = clock

    @property
    def pid(self) -> int:
        return self._process.pid

    def lives(self) -> bool:
        """Whether the process is there, be it hung. One that has ended is listened to no more."""
        if self._process.poll() is None:
            return True
        self._pulse.close()
        return False

    def hangs(self) -> bool:
        """Whether it is there, but its event loop does not turn. To be asked several times a second."""
        return self.lives() and self._pulse.silent(self._clock())

    def stop(self) -> None:
        """End it politely, and in the end by force."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pulse.close()

    def kill(self) -> None:
        """kill -9, as a crash does it; also for one that is stopped."""
        self._process.kill()
        self._process.wait()
        self._pulse.close()
