"""Beliefs against the channels that are really there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.live.repairs import (
    LINE_EXTENSION,
    AgentFree,
    AgentLeft,
    CallerGone,
    ConversationOver,
    Repair,
    StillTalking,
    compare,
)
from acd.records import Conversation, Entry, Request
from agents.agent import Agent, AgentId
from agents.presence import Presence, State
from telephony.events import LiveChannel
from tests.unit.acd.world import NOON, channel

pytestmark = pytest.mark.unit

CALLER = channel("c1", bridge="b1")
AGENT = channel("leg", linked_id="c1", name="PJSIP/agent-1001-0000000a", bridge="b1")
RINGING = channel("leg", linked_id="c1", name="PJSIP/agent-1001-0000000a")
LINE = replace(channel("line", name="PJSIP/agent-1001-0000000c"), extension=LINE_EXTENSION)  # off-hook, waiting
PUT_THROUGH = channel("c1", linked_id="line", bridge="b1")  # the older channel's linked id is the pair's, for good
OTHERS = channel("x", linked_id="c9", name="PJSIP/agent-1001-0000000b", bridge="b9")


def conversation(id: str) -> Conversation:
    entry = Entry(
        call_id=id,
        channel=f"PJSIP/trunk-{id}",
        caller="",
        request=Request(language="hi", service="complaint"),
        joined_at=NOON,
        place=1,
    )
    return Conversation(entry=entry, agent="1001", since=NOON, recording="")


@pytest.mark.parametrize(
    ("channels", "repairs"),
    [
        ([CALLER, AGENT], [StillTalking("c1", "1001", AGENT.channel)]),
        ([channel("c1"), RINGING], []),
        ([channel("c1", bridge="b1"), channel("leg", linked_id="c1", name=AGENT.channel, bridge="b2")], []),
        ([channel("c1")], [AgentLeft("c1")]),
        ([channel("c1"), OTHERS], [AgentLeft("c1")]),
        ([AGENT], [ConversationOver("c1")]),
        ([], [ConversationOver("c1")]),
        ([PUT_THROUGH, replace(LINE, bridge_id="b1")], [StillTalking("c1", "1001", LINE.channel)]),
        ([replace(PUT_THROUGH, bridge_id=""), LINE], [AgentLeft("c1")]),
        ([LINE], [ConversationOver("c1")]),
    ],
    ids=[
        *("bridged", "rings", "not-together", "agent-gone", "agent-elsewhere", "caller-gone", "both-gone"),
        *("bridged-off-hook", "agent-s-line-waits", "caller-gone-and-agent-s-line-waits"),
    ],
)
def test_a_conversation_is_what_the_channels_say(channels: list[LiveChannel], repairs: list[Repair]) -> None:
    beliefs = {"waiting": [], "conversations": [conversation("c1")], "agents": []}
    assert compare(**beliefs, attached=[], channels=channels) == repairs  # type: ignore[arg-type]
    assert compare(**beliefs, attached=["c1"], channels=channels) == []  # type: ignore[arg-type]


def test_a_waiting_caller_without_a_channel_is_gone_unless_a_session_says_otherwise() -> None:
    found = compare(waiting=["c1", "c2", "c3"], conversations=[], attached=["c3"], agents=[], channels=[channel("c2")])
    assert found == [CallerGone("c1")]


@pytest.mark.parametrize("state", State)
def test_an_agent_busy_with_nothing_is_free(state: State) -> None:
    presence = Presence(state=state, since=NOON, call="c7")
    agent = Agent(id=AgentId("1001"), name="", languages=("hi",), presence=presence)
    busy = state in (State.RINGING, State.TALKING)

    def found(channels: list[LiveChannel], attached: list[str]) -> list[Repair]:
        return compare(waiting=[], conversations=[], attached=attached, agents=[agent], channels=channels)

    assert found([], []) == ([AgentFree("1001", "c7")] if busy else [])
    assert found([], ["c7"]) == []
    assert found([OTHERS], []) == []
    assert found([LINE], []) == found([], [])
    assert found([replace(LINE, bridge_id="b1")], []) == []
