"""One AMI connection, by panoramisk's protocol and message classes: the only module that knows panoramisk.

What is not taken over from panoramisk 1.4, and why: its Manager sends unanswered actions again after a reconnect (a
citizen would be rung twice), puts each event into a task of its own (order is lost), has no time-outs, and cuts a
character in two where a packet ends. Its protocol, `Message` and `Action` are used; events, several a call,
are read here, at a sixth of the cost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from telephony.errors import ActionRefused, ActionTimedOut, LinkDown

log = logging.getLogger(__name__)
raw_log = logging.getLogger(f"{__name__}.raw")
raw_log.setLevel(logging.WARNING)  # panoramisk would write every message, with callers' numbers, at DEBUG

END_OF_MESSAGE: Final = b"\r\n\r\n"
EVENT: Final = b"Event: "
MOST_MESSAGE_BYTES: Final = 4_000_000

Fields = Mapping[str, str | Sequence[str]]
Row = dict[str, str]


@dataclass(slots=True)
class _Asked:
    name: str
    future: asyncio.Future[list[Row]]
    listing: bool
    rows: list[Row] = field(default_factory=list)


class Wire(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """Sends actions and matches their answers; hands on every event, in order, as plain headers."""

    def __init__(self, on_event: Callable[[Row], None]) -> None:
        self._on_event = on_event
        self._asked: dict[str, _Asked] = {}
        self._buffer = bytearray()
        self._searched = 0
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.encoding = "utf-8"
        self.log = raw_log

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        start = 0
        while (end := self._buffer.find(END_OF_MESSAGE, max(start, self._searched))) >= 0:
            message = bytes(self._buffer[start:end])
            start = end + len(END_OF_MESSAGE)
            try:
                if message.startswith(EVENT):
                    self._take(_event(message))
                else:
                    super().data_received(message + END_OF_MESSAGE)
            except Exception:
                log.exception("An AMI message could not be read", extra={"action": "ami_malformed"})
        del self._buffer[:start]
        self._searched = max(0, len(self._buffer) - len(END_OF_MESSAGE))
        if len(self._buffer) > MOST_MESSAGE_BYTES:
            log.error("An AMI message does not end; the link is made anew", extra={"action": "ami_endless"})
            self.close()

    def handle_message(self, message: Message) -> None:
        self._take(_plain(message))

    def _take(self, row: Row) -> None:
        asked = self._asked.get(row.get("ActionID", ""))
        if "Event" not in row:
            if asked is not None:
                self._answer(asked, row)
        elif asked is not None and asked.listing:
            if row.get("EventList", "").lower() == "complete":
                self._finish(asked)
            else:
                asked.rows.append(row)
        else:
            self._on_event(row)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        for asked in self._asked.values():
            if not asked.future.done():
                asked.future.set_exception(LinkDown(f"it broke during the action {asked.name}"))

    def close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    async def ask(self, name: str, fields: Fields, *, seconds: float, listing: bool = False) -> list[Row]:
        """Send one action, once. Returns its answer, or with `listing` the events that make up its list."""
        if self.lost.is_set() or self.transport.is_closing():
            raise LinkDown
        action = Action({"Action": name, **_checked(fields)})
        asked = _Asked(name, asyncio.get_running_loop().create_future(), listing)
        self._asked[action.id] = asked
        self.transport.write(str(action).encode())
        try:
            async with asyncio.timeout(seconds):
                return await asked.future
        except TimeoutError:
            raise ActionTimedOut(name, seconds) from None
        finally:
            del self._asked[action.id]

    def _answer(self, asked: _Asked, row: Row) -> None:
        if asked.future.done():
            return
        if row.get("Response") not in ("Success", "Goodbye"):
            asked.future.set_exception(ActionRefused(asked.name, row.get("Message", "no reason was told")))
        elif not asked.listing:
            asked.future.set_result([row])

    def _finish(self, asked: _Asked) -> None:
        if not asked.future.done():
            asked.future.set_result(asked.rows)


def _event(message: bytes) -> Row:
    """An event's headers as a plain mapping; one that comes several times is joined by line ends."""
    row: Row = {}
    for line in message.decode("utf-8", "ignore").split("\r\n"):
        key, colon, value = line.partition(": ")
        if colon:
            row[key] = f"{row[key]}\n{value}" if key in row else value
    return row


def _plain(message: Message) -> Row:
    """As `_event`, of a message that panoramisk read."""
    items: list[tuple[str, Any]] = list(message.items())
    return {key: value if isinstance(value, str) else "\n".join(value) for key, value in items}


def _checked(fields: Fields) -> Fields:
    """Refuse what would be read as a header of its own."""
    for key, value in fields.items():
        for text in (key, value) if isinstance(value, str) else (key, *value):
            if any(sign in text for sign in "\r\n\0"):
                raise ValueError(f"a line end in the AMI header {key!r}")
    return fields
