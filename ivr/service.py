"""Which flow a call gets. `Ivr` is the handler of the FastAGI server."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from ivr.callback import callback
from ivr.citizen import citizen
from ivr.feedback import feedback
from ivr.flows import Flows
from telephony.call import Call
from telephony.errors import HungUp, TelephonyError

log = logging.getLogger(__name__)

Flow = Callable[[Call, Flows], Awaitable[object]]

PATHS: Final[Mapping[str, Flow]] = MappingProxyType({"citizen": citizen, "feedback": feedback, "callback": callback})
"""The paths of the dialplan's AGI addresses on which a citizen speaks with us."""

Line = Callable[[Call], Awaitable[object]]
"""A call that is no citizen's, from its attach to its end, which is its own affair: an off-hook agent's phone."""

FAILURES_VARIABLE: Final = "HELPLINE_FAILURES"
MOST_FAILURES: Final = 2  # of one call's flow; then the dialplan helps the caller itself
ALONE: Final = "9999"  # as `tries`: more than any number of tries the dialplan allows


class Ivr:
    """Runs the flow of a call's path from its first word to its end."""

    def __init__(self, flows: Flows, *, lines: Mapping[str, Line] = MappingProxyType({})) -> None:
        """`lines`: what runs on paths that are no citizen's, by path."""
        self._flows = flows
        self._lines = lines

    async def __call__(self, call: Call) -> None:
        """The whole of one call. Whatever ends it, one line of the log says how."""
        if (line := self._lines.get(call.path)) is not None:
            await line(call)
            return
        flow = PATHS.get(call.path)
        if flow is None:
            await self._refuse(call)
            return
        ended = "broken_off"
        try:
            await call.set("tries", "0")
            await flow(call, self._flows)
            await call.done()
            ended = "finished"
        except HungUp as end:
            ended = "transferred" if end.transferred else "hung_up"
            raise
        except Exception:
            ended = "failed"
            await _note_failure(call)
            raise
        finally:
            log.info(
                "A call is over",
                extra={"action": "call_over", "call_id": call.id, "path": call.path, "ended": ended},
            )

    async def _refuse(self, call: Call) -> None:
        """A path that only a wrong dialplan can ask for."""
        known = sorted({*PATHS, *self._lines})
        log.error(
            "There is no such flow: the dialplan and the engine do not belong together",
            extra={"action": "unknown_path", "call_id": call.id, "path": call.path[:40], "known": known},
        )
        await call.done()
        await call.hang_up()


async def _note_failure(call: Call) -> None:
    """The dialplan brings the caller back to a flow that failed; after a second failure it goes on without us."""
    try:
        failures = int(await call.get(FAILURES_VARIABLE) or 0) + 1
        await call.set(FAILURES_VARIABLE, str(failures))
        if failures >= MOST_FAILURES:
            await call.set("tries", ALONE)
    except (TelephonyError, ValueError) as error:
        log.warning(
            "A failed call can't be marked",
            extra={"action": "failure_not_marked", "call_id": call.id, "error": str(error)},
        )
