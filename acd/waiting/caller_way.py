"""A caller's way through the queue, as the caller hears it: from joining to the end of the conversation.

`CallerWay.walk` reads from top to bottom. It holds no rules: whom to ring and whom to send elsewhere is the engine's to
decide, and how long the wait will be is the forecast's.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from acd.engine.decisions import SendAway, Suggest
from acd.engine.queues import When
from acd.engine.seeking import OVERFLOW_REASONS
from acd.live.hall import Clock, Hall
from acd.live.link import Link
from acd.live.offers import Offers
from acd.live.orders import StandingOrders
from acd.records import CallbackOwed, NotServed, Outcome, Served, WantsMessage
from acd.settings import CALLBACK_KEY, MESSAGE_KEY, WaitingWords
from acd.waiting.announcements import Position, Rhythm
from acd.waiting.callbacks import Callbacks
from acd.waiting.session import Session
from telephony.errors import HungUp
from telephony.session import CLOSED

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0  # a caller is woken for every decision; look all the same, should the link break unnoticed
TYPED_AHEAD = timedelta(seconds=2)
"""A key pressed so soon after joining was meant for the menu before: an impatient 1-1-1 must not end the wait."""
POLL_SECONDS = 0.5  # with the link down nobody can wake a caller: look this often instead

End = Served | NotServed | CallbackOwed | WantsMessage


class CallerWay:
    """Made once; `walk` is run by each caller's coroutine."""

    def __init__(
        self,
        *,
        hall: Hall,
        offers: Offers,
        callbacks: Callbacks,
        orders: StandingOrders,
        link: Link,
        words: WaitingWords,
        rhythm: Rhythm,
        max_wait_seconds: float | None,
        clock: Clock,
    ) -> None:
        self._hall = hall
        self._offers = offers
        self._callbacks = callbacks
        self._orders = orders
        self._link = link
        self._words = words
        self._rhythm = rhythm
        self._max_wait_seconds = max_wait_seconds
        self._clock = clock

    async def walk(self, session: Session) -> End:
        """Raises HungUp when the caller leaves before an agent answered."""
        call_id = session.call.id
        session.typed_ahead_until = self._clock() + TYPED_AHEAD
        self._hall.attach(session)
        try:
            return await self._wait(session)
        except HungUp as left:
            # Asterisk tells a hang-up before it closes the session. When it did not, it may be Asterisk that is gone:
            # the place is held until the link tells whether the caller is.
            if left.reason != CLOSED:
                await self._hall.leave(call_id, Outcome.ABANDONED)
            raise
        finally:
            self._hall.detach(call_id)

    async def _wait(self, session: Session) -> End:
        # Who is offered to an agent at once hears music from the ring itself: before it, it would only cost time.
        if self._hall.engine.offer_to(session.call.id) is None:
            await session.call.music(True)
        while True:
            if self._hall.engine.offer_to(session.call.id) is not None:
                served = await self._offers.ring(session)
                if served is not None:
                    return served
                await session.call.music(True)
                continue
            end = await self._obey(session)
            if end is None and self._waited_too_long(session):
                end = await self._let_go(session, "nobody was free in time")
            if end is None:
                end = await self._choose(session, await self._listen(session))
            if end is not None:
                return end

    # -- what they hear

    async def _listen(self, session: Session) -> str:
        """Music, or what is due to be said; a key that is on offer cuts in and is returned. "" when there was none."""
        keys, now = self._keys(session), self._clock()
        if session.notice_heard != self._orders.notice_number:
            return await self._say_notice(session, keys)
        seconds = session.told.seconds_left(now)
        if seconds <= 0:
            return await self._announce(session, keys)
        look_in = LOOK_SECONDS if self._link.connected else POLL_SECONDS
        if self._max_wait_seconds is not None:
            look_in = min(look_in, max(0.0, self._max_wait_seconds - self._waited(session)))
        return (await session.call.wait(min(seconds, look_in), keys=keys)).key

    async def _say_notice(self, session: Session, keys: str) -> str:
        number, notice = self._orders.notice_number, self._orders.notice
        if notice is None:
            session.notice_heard = number
            return ""
        prompts = self._words.notice(notice, session.entry.request.language)
        key = (await session.call.play(*prompts, keys=keys, wakeable=True)).key
        if not (key and self._typed_ahead(session)):
            session.notice_heard = number
        return key

    async def _announce(self, session: Session, keys: str) -> str:
        """Position; how long it will be and what can be done instead, or a word of comfort, in turns."""
        language, words = session.entry.request.language, self._words
        session.told, told = session.told.next(self._hall.engine.position(session.call.id) or 1)
        prompts = list(
            words.position(told.position, language) if isinstance(told, Position) else words.patience(language)
        )
        times = session.told.times
        if times % 2 == 0:
            if (quoted := self._hall.expected.quote(session.call.id, self._clock())) is not None:
                prompts += words.expected(quoted.low, quoted.high, language)
            prompts += words.choices(frozenset(keys), language)
        else:
            prompts += words.comfort(times // 2, language)
        heard = await session.call.play(*prompts, keys=keys, wakeable=True)
        session.told = session.told.said(self._clock(), self._rhythm)
        return heard.key

    # -- what they choose

    def _keys(self, session: Session) -> str:
        """The keys on offer. Who withholds their number can't be called back."""
        own = CALLBACK_KEY if session.call.caller else ""
        return own + MESSAGE_KEY + "".join(key for key in session.asides if key not in (CALLBACK_KEY, MESSAGE_KEY))

    def _typed_ahead(self, session: Session) -> bool:
        return self._clock() < session.typed_ahead_until

    async def _choose(self, session: Session, key: str) -> End | None:
        if not key or self._typed_ahead(session):
            return None
        if self._hall.engine.offer_to(session.call.id) is not None:
            return None  # an agent is there for them: better than anything they could choose
        if key == CALLBACK_KEY:
            return await self._call_back_later(session)
        if key == MESSAGE_KEY:
            await self._hall.leave(session.call.id, Outcome.MESSAGE)
            return WantsMessage(session.entry.request)
        await self._aside(session, key)
        return None

    async def _call_back_later(self, session: Session) -> End:
        """Their place goes on without them. Told once it is written down; who hangs up on hearing it is owed it too."""
        entry = self._hall.take_out(session.call.id)
        if entry is None:
            return NotServed("the place was gone")
        await self._callbacks.owe(entry)
        await session.call.play(*self._words.callback_taken(entry.request.language))
        return CallbackOwed(entry.request)

    async def _aside(self, session: Session, key: str) -> None:
        """Something else for a while: the place moves up, and nobody is rung for a caller who does not listen."""
        call_id = session.call.id
        self._hall.step_aside(call_id)
        await session.call.music(False)
        await session.asides[key](session.call)
        self._hall.step_back(call_id)
        await session.call.music(True)

    # -- what is decided for them

    async def _obey(self, session: Session) -> End | None:
        while session.orders:
            match session.orders.popleft():
                case SendAway(_, why):
                    return await self._let_go(session, why)
                case Suggest():
                    session.told = session.told.at_once(self._clock())
        return None

    async def _let_go(self, session: Session, why: str) -> NotServed:
        """Out of the queue; who came to a closed one is told so first."""
        entry = session.entry
        await self._hall.leave(session.call.id, Outcome.NOT_SERVED)
        closure, language = self._orders.closure(entry.queue), entry.request.language
        if closure is not None and closure.sounds:
            await session.call.play(*self._words.notice(closure, language))
        elif closure is not None or why == OVERFLOW_REASONS[When.CLOSED]:  # by a person without words, or by its hours
            await session.call.play(*self._words.closed(entry.queue, language))
        return NotServed(why)

    def _waited(self, session: Session) -> float:
        return (self._clock() - session.entry.joined_at).total_seconds()

    def _waited_too_long(self, session: Session) -> bool:
        return self._max_wait_seconds is not None and self._waited(session) >= self._max_wait_seconds
