"""An agent: a person who takes calls, with the phone they take them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from agents.occupancy import busy_share
from agents.presence import Presence, State

AgentId = NewType("AgentId", str)

ENDPOINT_PREFIX = "agent-"


class Line(StrEnum):
    """How an agent's phone takes calls."""

    ON_HOOK = "on_hook"  # it rings for each call
    OFF_HOOK = "off_hook"  # it stays connected (dialled *1), hears a tone and is bridged: no ringing


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One agent as of now. A changed agent is a new value."""

    id: AgentId
    name: str
    languages: tuple[str, ...]
    presence: Presence
    skills: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), hash=False)  # 1 to 9, 9 the best
    line: Line = Line.ON_HOOK
    auto_answer: bool = False  # the phone is told to pick up by itself
    phone_reachable: bool = False  # false until Asterisk said that the softphone is registered
    line_open: bool = False  # off-hook: the phone is connected now and waits for a tone

    @property
    def endpoint(self) -> str:
        """The name of the agent's phone in Asterisk: dialled as PJSIP/<endpoint>."""
        return f"{ENDPOINT_PREFIX}{self.id}"

    @property
    def state(self) -> State:
        return self.presence.state

    @property
    def since(self) -> datetime:
        return self.presence.since

    @property
    def reason(self) -> str:
        return self.presence.reason

    @property
    def call(self) -> str:
        return self.presence.call

    @property
    def ready_since(self) -> datetime | None:
        return self.presence.ready_since

    @property
    def busy_share(self) -> float:
        """The busy part of the shift, 0 to 1, as of `since`."""
        return busy_share(self.presence.shift, self.presence.since)

    @property
    def available(self) -> bool:
        """Whether a call may be offered: ready, and the phone is there to be rung, or off-hook and connected."""
        return self.state is State.READY and self.phone_reachable and (self.line is Line.ON_HOOK or self.line_open)


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """Told to the watchers after it was written down: what the agent was and what the agent is."""

    before: Agent
    after: Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """What Asterisk must know of an agent's softphone (digest authentication, realm credentials.REALM)."""

    endpoint: str
    md5_cred: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """An agent just made, with the two secrets that are shown once and kept nowhere in clear."""

    agent: Agent
    password: str  # the softphone's
    pin: str  # for signing in


def agent_of(endpoint: str) -> AgentId | None:
    """The agent whose phone that is; None for a trunk or any other endpoint."""
    return AgentId(endpoint.removeprefix(ENDPOINT_PREFIX)) if endpoint.startswith(ENDPOINT_PREFIX) else None


def agent_on(channel: str) -> AgentId | None:
    """The agent on whose phone that channel is: `PJSIP/agent-1001-0000002a`; None for any other channel."""
    return agent_of(channel.removeprefix("PJSIP/").rpartition("-")[0]) if channel.startswith("PJSIP/") else None
