"""What the queue believes against the channels that are really there. Pure: beliefs and channels in, repairs out.

Used whenever the link to Asterisk comes (back) up: what happened while nobody listened is worked out here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from acd.records import Conversation
from agents.agent import Agent, agent_on
from agents.presence import State
from telephony.events import LiveChannel


@dataclass(frozen=True, slots=True)
class CallerGone:
    """A caller who held a place is not there any more."""

    call_id: str


@dataclass(frozen=True, slots=True)
class StillTalking:
    """The conversation goes on, with that agent on that phone (its channel)."""

    call_id: str
    agent: str
    phone: str


@dataclass(frozen=True, slots=True)
class AgentLeft:
    """The agent's side of the conversation is over; the caller is still there and will come back to us."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ConversationOver:
    """Both are gone: the conversation ended while nobody listened."""

    call_id: str


@dataclass(frozen=True, slots=True)
class AgentFree:
    """An agent is thought to be rung or talking, but nothing is on their phone that we know of."""

    agent: str
    call_id: str


LINE_EXTENSION = "*1"
"""What an off-hook agent dials to open a line (asterisk_conf, [from-agents])."""


def is_line(channel: LiveChannel) -> bool:
    """Whether that is an off-hook agent's line: it is there all day, so by itself it says nothing about a talk."""
    return channel.extension == LINE_EXTENSION and agent_on(channel.channel) is not None


Repair = CallerGone | StillTalking | AgentLeft | ConversationOver | AgentFree


def compare(
    *,
    waiting: Iterable[str],
    conversations: Iterable[Conversation],
    attached: Collection[str],
    agents: Iterable[Agent],
    channels: Sequence[LiveChannel],
) -> list[Repair]:
    """What must be mended. Calls in `attached` have a session, which sees its own caller's end: left alone."""
    by_id: dict[str, LiveChannel] = {channel.call_id: channel for channel in channels}
    phones: defaultdict[str, list[LiveChannel]] = defaultdict(list)  # by agent
    for channel in channels:
        idle = is_line(channel) and not channel.bridge_id
        if (agent := agent_on(channel.channel)) is not None and not idle:
            phones[agent].append(channel)
    repairs: list[Repair] = []
    known = set()
    for conversation in conversations:
        call_id = conversation.entry.call_id
        known.add(call_id)
        if call_id in attached:
            continue
        caller = by_id.get(call_id)
        if caller is None:
            repairs.append(ConversationOver(call_id))
            continue
        theirs = [
            (agent, channel)
            for agent in conversation.ringing or (conversation.agent,)
            for channel in phones[agent]
            if channel.linked_id == caller.linked_id
        ]
        talks = [(agent, channel.channel) for agent, channel in theirs if _in_one_bridge(channel, caller)]
        if talks:
            repairs.append(StillTalking(call_id, *talks[0]))
        elif not theirs and not conversation.passed_on:
            repairs.append(AgentLeft(call_id))
    repairs += [
        CallerGone(call_id)
        for call_id in waiting
        if call_id not in by_id and call_id not in attached and call_id not in known
    ]
    accounted_for = known | set(attached)
    repairs += [
        AgentFree(agent.id, agent.call)
        for agent in agents
        if agent.state in (State.RINGING, State.TALKING) and agent.call not in accounted_for and not phones[agent.id]
    ]
    return repairs


def phone_in_talk(call_id: str, agent: str, channels: Sequence[LiveChannel]) -> str:
    """The agent's channel that is connected with that caller now; "" for none."""
    caller = next((channel for channel in channels if channel.call_id == call_id), None)
    phones = (channel for channel in channels if agent_on(channel.channel) == agent)
    return next((phone.channel for phone in phones if caller is not None and _in_one_bridge(phone, caller)), "")


def _in_one_bridge(phone: LiveChannel, caller: LiveChannel) -> bool:
    return bool(phone.bridge_id) and phone.bridge_id == caller.bridge_id
