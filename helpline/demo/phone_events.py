"""What a softphone tells, as values, and waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from helpline.demo.errors import CallEnded, ExpectationFailed, NotRegistered, PhoneFailed

What = Literal[
    "registered",
    "not_registered",
    "outgoing",
    "incoming",
    "ringing",
    "progress",
    "answered",
    "established",
    "closed",
    "key",
    "transfer",
    "transfer_failed",
    "lost",
]

_EVENTS: dict[str, What] = {
    "REGISTER_OK": "registered",
    "REGISTER_FAIL": "not_registered",
    "CALL_OUTGOING": "outgoing",
    "CALL_INCOMING": "incoming",
    "CALL_RINGING": "ringing",
    "CALL_PROGRESS": "progress",
    "CALL_ANSWERED": "answered",
    "CALL_ESTABLISHED": "established",
    "CALL_CLOSED": "closed",
    "CALL_DTMF_START": "key",
    "TRANSFER": "transfer",
    "TRANSFER_FAILED": "transfer_failed",
}
# baresip's words with these say more than the peer's address again.
_TELLING: frozenset[What] = frozenset({"not_registered", "closed", "key", "transfer", "transfer_failed"})
# Any of these can be the first that is heard of a call.
_BEGINS: frozenset[What] = frozenset({"outgoing", "incoming", "ringing", "progress", "answered", "established"})
# Waiting for one of these is in vain once the call is closed.
_OF_A_CALL: frozenset[What] = frozenset({"ringing", "progress", "answered", "established", "key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One thing that a phone told: `at` is time.monotonic(), `peer` a SIP address, `detail` baresip's words.

    `detail` is the reason of a "closed" or "not_registered", the digit of a "key", the target of a "transfer".
    """

    what: What
    at: float
    call: str = ""
    account: str = ""
    peer: str = ""
    detail: str = ""


class PhoneEvents:
    """All that a phone told since its start, and a mark up to where it has been looked at."""

    def __init__(self, name: str, *, last_words: Callable[[], str]) -> None:
        self.happened: list[Happened] = []
        self.live_calls: list[str] = []
        self._name = name
        self._last_words = last_words
        self._seen = 0
        self._news = asyncio.Event()

    def take(self, message: Mapping[str, Any], *, at: float) -> None:
        """Note an event in the form of baresip's control connection; others than the known ones are left out."""
        what = _EVENTS.get(str(message.get("type")))
        if what is None:
            return
        happened = Happened(
            what=what,
            at=at,
            call=str(message.get("id", "")),
            account=str(message.get("accountaor", "")),
            peer=str(message.get("peeruri", "")),
            detail=str(message.get("param", "")) if what in _TELLING else "",
        )
        if what in _BEGINS and happened.call not in self.live_calls:
            self.live_calls.append(happened.call)
            if message.get("direction") == "incoming" and what != "incoming":
                # A phone that answers by itself does not tell that it was called.
                self.add(replace(happened, what="incoming"))
        if what == "closed":
            self.live_calls = [call for call in self.live_calls if call != happened.call]
        self.add(happened)

    def add(self, happened: Happened) -> None:
        """Note what happened and wake who waits."""
        self.happened.append(happened)
        self._news.set()

    def look_from_here(self) -> None:
        """What happened so far is not what the next `expect` is about."""
        self._seen = len(self.happened)

    async def expect(self, what: What, *, timeout: float, call: str = "") -> Happened:
        """The next of this kind that was not looked at; see Softphone.expect. Several may wait at once."""
        looked_at = self._seen
        try:
            async with asyncio.timeout(timeout):
                while True:
                    while looked_at < len(self.happened):
                        happened = self.happened[looked_at]
                        looked_at += 1
                        if happened.what == what and call in ("", happened.call):
                            self._seen = max(self._seen, looked_at)
                            return happened
                        self._give_up(happened, what, call, looked_at)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise ExpectationFailed(
                f'Phone {self._name}: no "{what}" within {timeout:g} s. It told: {self._story()}.\n{self._last_words()}'
            ) from None

    def _give_up(self, happened: Happened, wanted: What, call: str, looked_at: int) -> None:
        if happened.what == "closed" and wanted in _OF_A_CALL and call in ("", happened.call):
            self._seen = max(self._seen, looked_at)
            reason = happened.detail or "no reason"
            raise CallEnded(
                f'Phone {self._name}: the call ended ({reason}) while "{wanted}" was waited for.',
                reason=happened.detail,
            )
        if happened.what == "not_registered" and wanted == "registered":
            raise NotRegistered(
                f"Phone {self._name}: the exchange refused {happened.account} ({happened.detail}). "
                "Are user and password those of the agent's account there?"
            )
        if happened.what == "lost":
            # Not marked as seen: whoever waits now or later is to hear of it.
            raise PhoneFailed(f"Phone {self._name}: baresip ended by itself.\n{self._last_words()}")

    def _story(self) -> str:
        return ", ".join(f"{each.what} {each.detail}".strip() for each in self.happened[-8:]) or "nothing"
