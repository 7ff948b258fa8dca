"""The agents as the running controller knows them.

One writer per agent: changes of one agent come one after the other, each is written to Redis before it is seen by
anyone, and the watchers are told in order.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from agents import credentials
from agents.agent import ENDPOINT_PREFIX, Agent, AgentId, Line, NewAgent, Phone, PresenceChanged, agent_of
from agents.errors import InvalidAgent, NotAvailable, NotPossible, PresenceUnreadable, UnknownAgent
from agents.mirror import Mirror
from agents.pins import Pins
from agents.presence import DID_NOT_ANSWER, WORK_NOT_DONE, Event, Kind, Presence, Refusal, State, signed_out, step
from agents.skills import changed, default_skills, languages_of
from agents.store import PRESENCE_KEY, AgentStore, AgentTable, Record, presence_from_text, presence_to_text

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Watcher = Callable[[PresenceChanged], None]

NUMBER = re.compile(r"1\d{3}")
TAKEN_NUMBERS = frozenset({"1076", "1090", "1098"})  # the helpline itself and emergency numbers, dialled as such
OF_A_CALL = frozenset({Kind.RING, Kind.RELEASE, Kind.ANSWER, Kind.END})
EXTENSION_SECONDS = 60.0
LONGEST_WRAP_UP_SECONDS = 180.0

__all__ = ["Agents", "NewAgent", "Phone", "PresenceChanged"]


class Agents:
    """Everyone who takes calls. `load()` before use; `start()` also watches over Redis until `stop()`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        redis: Redis,
        *,
        clock: Clock,
        choose: credentials.Choose = secrets.choice,
        extension_seconds: float = EXTENSION_SECONDS,
        longest_wrap_up_seconds: float = LONGEST_WRAP_UP_SECONDS,
    ) -> None:
        self._store: AgentTable = AgentStore(sessions)
        self._mirror = Mirror(redis, PRESENCE_KEY)
        self._clock = clock
        self._extension = timedelta(seconds=extension_seconds)
        self._longest_wrap_up = timedelta(seconds=longest_wrap_up_seconds)
        self._agents: dict[AgentId, Agent] = {}
        self._records: dict[AgentId, Record] = {}
        self._pins = Pins(self._records, self._store, clock=clock, choose=choose)
        self._writing: dict[AgentId, asyncio.Lock] = {}
        self._watchers: list[Watcher] = []
        self._deadlines: list[tuple[datetime, AgentId]] = []  # a heap; entries that are no longer true are skipped

    # -- coming up and going down

    async def load(self) -> None:
        """Take up who there is and what each was doing. Raises PresenceUnreadable when Redis does not answer."""
        try:
            kept = await self._mirror.read()
        except (RedisError, OSError, TimeoutError) as error:
            raise PresenceUnreadable(
                "Redis does not answer, so it is not known who sits where. Start it, or mend redis_url, and try again."
            ) from error
        now = self._clock()
        for record in await self._store.all():
            presence = presence_from_text(kept[record.id]) if record.id in kept else None
            self._take_up(record, presence or signed_out(now))
        for gone in kept.keys() - self._agents.keys():
            await self._mirror.put(gone, None)

    async def start(self) -> None:
        """`load()`, and from here on notice when Redis goes away or comes back empty."""
        await self.load()
        self._mirror.start()

    async def stop(self) -> None:
        """Leave nothing running; what every agent does stays in Redis for the next controller."""
        await self._mirror.stop()

    def _take_up(self, record: Record, presence: Presence) -> Agent:
        agent = Agent(
            id=record.id,
            name=record.name,
            languages=record.languages,
            skills=record.skills,
            line=record.line,
            auto_answer=record.auto_answer,
            presence=presence,
        )
        self._records[record.id] = record
        self._agents[record.id] = agent
        self._writing[record.id] = asyncio.Lock()
        self._note_deadline(agent)
        return agent

    # -- who there is

    async def add(self, *, id: str, name: str, languages: Sequence[str]) -> NewAgent:
        """Make an agent with a password for the softphone and a PIN, both told only here. Raises InvalidAgent.

        Asterisk knows the phone once it was given `phones()` anew.
        """
        if not NUMBER.fullmatch(id) or id in TAKEN_NUMBERS:
            raise InvalidAgent(
                f"{id!r} can't be an agent's number. "
                f"Choose one from 1000 to 1999, but not {', '.join(sorted(TAKEN_NUMBERS))}."
            )
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise InvalidAgent("An agent needs a name of 1 to 100 letters.")
        if not languages or not all(re.fullmatch(r"[a-z]{2,3}", language) for language in languages):
            raise InvalidAgent("An agent needs at least one language, such as hi or en.")
        secrets = await self._pins.new_secrets(f"{ENDPOINT_PREFIX}{id}")
        now = self._clock()
        languages = tuple(dict.fromkeys(languages))
        record = Record(
            id=AgentId(id),
            name=name.strip(),
            languages=languages,
            skills=default_skills(languages),
            md5_cred=secrets.md5_cred,
            pin_hash=secrets.pin_hash,
            created_at=now,
        )
        await self._store.add(record)
        return NewAgent(agent=self._take_up(record, signed_out(now)), password=secrets.password, pin=secrets.pin)

    async def new_password(self, id: str) -> NewAgent:
        """Give the agent another password and another PIN; the old ones are void once Asterisk has `phones()` anew."""
        agent = self.get(id)
        secrets = await self._pins.replace(agent.id, agent.endpoint)
        return NewAgent(agent=self.get(id), password=secrets.password, pin=secrets.pin)

    async def set_skills(self, id: str, levels: Mapping[str, int]) -> Agent:
        """Give those skills those levels (1 to 9); 0 takes one away, the others stay. Raises InvalidSkill.

        Holds from the next offer on. The agent's languages follow.
        """
        async with self._writing[self.get(id).id]:
            skills = changed(self.get(id).skills, levels)
            return await self._put(id, skills=skills, languages=languages_of(skills))

    async def set_line(self, id: str, line: Line) -> Agent:
        """On-hook: the phone rings for each call. Off-hook: it stays connected; from the next call on."""
        async with self._writing[self.get(id).id]:
            return await self._put(id, line=line)

    async def set_auto_answer(self, id: str, auto_answer: bool) -> Agent:
        """Whether the agent's phone is told to pick up by itself (on-hook only)."""
        async with self._writing[self.get(id).id]:
            return await self._put(id, auto_answer=auto_answer)

    async def _put(self, id: str, **fields: Any) -> Agent:
        """Keep those fields for good, then show them. Called with the agent's lock held."""
        record = replace(self._records[AgentId(id)], **fields)
        await self._store.put(record)
        # Secrets and the count of PINs may have changed meanwhile: only these fields are taken over.
        self._records[record.id] = replace(self._records[record.id], **fields)
        before = self._agents[record.id]
        log.info("An agent was changed", extra={"action": "agent_changed", "agent": id, "changed": sorted(fields)})
        self._announce(before, replace(before, **fields))
        return self._agents[record.id]

    def list(self) -> list[Agent]:
        """All agents, by number."""
        return [self._agents[id] for id in sorted(self._agents)]

    def get(self, id: str) -> Agent:
        """Raises UnknownAgent."""
        try:
            return self._agents[AgentId(id)]
        except KeyError:
            raise UnknownAgent(f"There is no agent {id}. `helpline agents list` shows who there is.") from None

    def phones(self) -> Sequence[Phone]:
        """What Asterisk must be told so that the agents' softphones can register."""
        return [
            Phone(endpoint=self._agents[id].endpoint, md5_cred=record.md5_cred, display_name=record.name)
            for id, record in sorted(self._records.items())
        ]

    def watch(self, handler: Watcher) -> None:
        """Be told of each change, in order, after it was written. The handler must not block."""
        self._watchers.append(handler)

    # -- what agents and supervisors ask for

    async def sign_in(self, id: str, *, pin: str = "", by: str = "") -> Agent:
        """Sign in with the agent's PIN, or by a supervisor's name. Signing in twice changes nothing.

        Raises WrongPin (with the tries left) and PinLocked.
        """
        agent = self.get(id)
        if not by:
            await self._pins.check(agent.id, pin)
        return await self._change(agent.id, Kind.SIGN_IN, by=by)

    async def sign_out(self, id: str, *, by: str = "") -> Agent:
        """Sign out; from within a call, when the call and its wrap-up are over."""
        return await self._change(self.get(id).id, Kind.SIGN_OUT, by=by)

    async def ready(self, id: str) -> Agent:
        """Take calls (again). Raises NotPossible for an agent who is signed out."""
        return await self._change(self.get(id).id, Kind.READY)

    async def pause(self, id: str, reason: str) -> Agent:
        """Take no calls for a reason; from within a call, when it is over. Raises NotPossible when signed out."""
        if not reason.strip():
            raise NotPossible("A pause needs a reason, such as break or training.")
        return await self._change(self.get(id).id, Kind.PAUSE, reason=reason.strip())

    # -- what calls do to agents

    async def ringing(self, id: str, call: str, *, seconds: float) -> Agent:
        """Their phone is about to ring, for at most `seconds`. Raises NotAvailable unless they are ready and there."""
        agent = self.get(id)
        if not agent.phone_reachable:
            raise NotAvailable(f"Agent {id}'s phone is not registered. Start the softphone.")
        if agent.line is Line.OFF_HOOK and not agent.line_open:
            raise NotAvailable(f"Agent {id}'s line is off-hook but not connected. Dial *1 on the softphone.")
        return await self._change(agent.id, Kind.RING, call=call, seconds=seconds)

    async def released(self, id: str, call: str) -> Agent:
        """The offer was taken back (the caller left): ready again, at the old place among the idle."""
        return await self._change(self.get(id).id, Kind.RELEASE, call=call)

    async def not_answered(self, id: str, call: str, reason: str = DID_NOT_ANSWER) -> Agent:
        """The offer failed by the agent or their phone: paused with that reason until they say ready."""
        return await self._change(self.get(id).id, Kind.NO_ANSWER, call=call, reason=reason)

    async def talking(self, id: str, call: str) -> Agent:
        """A conversation is on. True of the phone, so never refused."""
        return await self._change(self.get(id).id, Kind.ANSWER, call=call)

    async def wrap_up(self, id: str, *, seconds: float, call: str = "") -> Agent:
        """The conversation is over: time to finish writing, at most `seconds`."""
        return await self._change(self.get(id).id, Kind.END, call=call, seconds=seconds)

    async def finish_wrap_up(self, id: str) -> Agent:
        """Wrap-up is over: ready, or what was asked for during the call."""
        return await self._change(self.get(id).id, Kind.WRAPPED)

    async def extend_wrap_up(self, id: str) -> Agent:
        """More time to finish writing, once per wrap-up and up to the longest that the settings allow.

        Raises NotPossible when the agent is not in wrap-up or has had it.
        """
        return await self._change(self.get(id).id, Kind.EXTEND)

    async def working(self, id: str, item: str, *, seconds: float) -> Agent:
        """A work item that is no call is theirs, for at most `seconds`; its id is kept as the agent's `call`.

        Raises NotPossible unless they are ready. Their phone is not needed.
        """
        return await self._change(self.get(id).id, Kind.WORK, call=item, seconds=seconds)

    async def finish_work(self, id: str, item: str = "") -> Agent:
        """The work item is done or was taken back: ready, or what was asked for meanwhile."""
        return await self._change(self.get(id).id, Kind.WORKED, call=item)

    def line_state(self, id: str, is_open: bool) -> None:
        """The agent's off-hook connection came or went. Unknown agents are passed over."""
        before = self._agents.get(AgentId(id))
        if before is not None and before.line_open != is_open:
            self._announce(before, replace(before, line_open=is_open))

    def phone_state(self, endpoint: str, reachable: bool) -> None:
        """Asterisk says that a phone came or went. Endpoints that are no agent's are passed over."""
        id = agent_of(endpoint)
        if id is None or id not in self._agents or self._agents[id].phone_reachable == reachable:
            return
        before = self._agents[id]
        log.info(
            "An agent's phone came" if reachable else "An agent's phone went",
            extra={"action": "phone_state", "agent": id, "reachable": reachable},
        )
        self._announce(before, replace(before, phone_reachable=reachable))

    # -- deadlines of transient states

    def next_deadline(self) -> datetime | None:
        """When the next ringing, wrap-up or work item runs out; None if nobody is in one."""
        while self._deadlines and not self._is_true(*self._deadlines[0]):
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def overdue(self) -> Sequence[Agent]:
        """Whose transient state has run out by now."""
        now = self._clock()
        return [self._agents[id] for until, id in self._deadlines if until <= now and self._is_true(until, id)]

    def _is_true(self, until: datetime, id: AgentId) -> bool:
        return self._agents[id].presence.until == until

    async def expire(self) -> Sequence[Agent]:
        """End every transient state whose time ran out, all in one trip to Redis; the agents that were changed."""
        ids = []
        while (due := self.next_deadline()) is not None and due <= self._clock():
            ids.append(heapq.heappop(self._deadlines)[1])
        return await asyncio.gather(*(self._expired(id) for id in ids))

    async def _expired(self, id: AgentId) -> Agent:
        presence = self._agents[id].presence
        if presence.state is State.RINGING:
            log.warning("A phone rang past its deadline", extra={"action": "ringing_overdue", "agent": id})
            return await self.not_answered(id, presence.call)
        if presence.state is State.WORKING:
            log.warning("A work item was not finished in time", extra={"action": "work_overdue", "agent": id})
            return await self._change(id, Kind.UNWORKED, call=presence.call, reason=WORK_NOT_DONE)
        return await self.finish_wrap_up(id)

    # -- one change

    async def _change(
        self, id: AgentId, kind: Kind, *, call: str = "", reason: str = "", seconds: float | None = None, by: str = ""
    ) -> Agent:
        async with self._writing[id]:
            before = self._agents[id]
            now = self._clock()
            until = None if seconds is None else now + timedelta(seconds=seconds)
            if kind is Kind.EXTEND and before.presence.until is not None:
                until = min(before.presence.until + self._extension, before.since + self._longest_wrap_up)
            presence = step(before.presence, Event(kind=kind, at=now, call=call, reason=reason, until=until))
            if isinstance(presence, Refusal):
                error = NotAvailable if kind is Kind.RING else NotPossible
                raise error(f"Agent {id} {presence.why}.")
            if presence is before.presence:
                return before
            try:
                await self._mirror.put(id, presence_to_text(presence))
            finally:
                # Also when this task was cancelled at the write: the mirror writes it later, nobody sees half of it.
                before = self._agents[id]
                after = replace(before, presence=presence)
                log.log(
                    # What a call does to its agent is told by the call's own lines.
                    logging.DEBUG if kind in OF_A_CALL else logging.INFO,
                    "Presence changed",
                    extra={
                        "action": kind.value,
                        "agent": id,
                        "from": before.state.value,
                        "to": after.state.value,
                        "reason": after.reason,
                        "call_id": after.call,
                        "by": by,
                    },
                )
                self._note_deadline(after)
                self._announce(before, after)
            return after

    def _note_deadline(self, agent: Agent) -> None:
        if agent.presence.until is not None:
            heapq.heappush(self._deadlines, (agent.presence.until, agent.id))

    def _announce(self, before: Agent, after: Agent) -> None:
        self._agents[after.id] = after
        for watcher in self._watchers:
            try:
                watcher(PresenceChanged(before, after))
            except Exception:  # a watcher's fault must not stop the others, nor the call that caused the change
                log.exception("A watcher of presence failed", extra={"action": "watcher_failed", "agent": after.id})
