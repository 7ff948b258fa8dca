"""The FastAGI server: Asterisk connects for each call, and one coroutine, the handler, is that call.

A handler that fails, or whose caller leaves, costs its own connection only; Asterisk's dialplan brings a living caller
back (ENGINE_DONE is not set then). A peer that is not Asterisk costs one log line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from telephony.agi import Limits
from telephony.agi_call import AgiCall
from telephony.call import Call, CallId, Waker
from telephony.errors import HungUp, PeerFault, TelephonyError
from telephony.events import DialEnded
from telephony.session import Session

log = logging.getLogger(__name__)

Handler = Callable[[Call], Awaitable[None]]


class FastAgiServer:
    """Serves AGI on `host`:`port` (0: any free one; see `.port` after `start`)."""

    def __init__(self, host: str, port: int, handler: Handler, waker: Waker, *, limits: Limits | None = None) -> None:
        self.host = host
        self.port = port
        self._handler = handler
        self._waker = waker
        self._limits = limits or Limits()
        self._missing: set[str] = set()
        self._calls: dict[CallId, AgiCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._stopping = False

    @property
    def calls(self) -> Mapping[CallId, Call]:
        """The calls that are with us now."""
        return MappingProxyType(self._calls)

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._stopping = False
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Session(self._limits, self._connected), self.host, self.port, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self, *, grace_seconds: float = 0.0) -> None:
        """Take no more calls, give those that are here `grace_seconds` to end, then end the sessions.

        The callers stay: the dialplan holds them until a server listens again.
        """
        self._stopping = True
        if self._server is not None:
            self._server.close()
        if self._tasks and grace_seconds > 0:
            await asyncio.wait(self._tasks, timeout=grace_seconds)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def dial_ended(self, event: DialEnded) -> None:
        """Tell the call concerned that the one it dials answered: subscribe it to the AMI link's `DialEnded`."""
        call = self._calls.get(event.call_id)
        if call is not None and event.answered:
            call.note_answer()

    def _connected(self, session: Session) -> None:
        if self._stopping or len(self._tasks) >= self._limits.sessions:
            log.warning("An AGI connection is turned away", extra={"action": "agi_full", "sessions": len(self._tasks)})
            session.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(session), name="agi session")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, session: Session) -> None:
        try:
            environment = await session.environment()
            call = AgiCall(session, environment, waker=self._waker, limits=self._limits, missing=self._missing)
            self._calls[call.id] = call
            try:
                await self._handle(call)
            finally:
                # The same channel may be back on a new connection already.
                if self._calls.get(call.id) is call:
                    del self._calls[call.id]
        except PeerFault as fault:
            log.warning("An AGI connection was no call", extra={"action": "agi_peer", "reason": fault.what})
        finally:
            await session.close()

    async def _handle(self, call: AgiCall) -> None:
        about = {"call_id": call.id, "channel": call.channel, "path": call.path}
        try:
            await call.attached()
            await self._handler(call)
        except HungUp as end:
            log.debug("A caller left", extra={"action": "call_left", "transferred": end.transferred, **about})
        except TelephonyError as error:
            log.error("A call's session failed", extra={"action": "call_failed", "pii_reason": str(error), **about})
        except Exception:
            log.exception(
                "A call's flow failed; the dialplan brings the caller back", extra={"action": "flow_failed", **about}
            )
