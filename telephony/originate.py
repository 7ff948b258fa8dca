"""An outgoing call as it is asked of Asterisk, and how it ended: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from telephony.call import CallId

ANSWERED = 4
RANG_TOO_LONG = 3
"""The reasons of OriginateResponse that say something; any other failure is 0, told by the hang-up's cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Originate:
    """Ring `channel` (`PJSIP/9876543210@trunk`) and, once answered, put it into the dialplan, or into `application`.

    `call_id` is chosen by who asks, and is the channel's Uniqueid from then on: with it an attempt is found again after
    a restart, and rung off before it is answered (`AmiLink.hang_up`). `caller_id`: the number shown to the called one.
    """

    channel: str
    call_id: CallId
    other_call_id: CallId | None = None
    context: str = ""
    extension: str = "s"
    priority: int = 1
    ring_seconds: float = 30.0
    caller_id: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    application: str = ""
    data: str = ""

    def headers(self) -> dict[str, str | list[str]]:
        """The AMI action. Raises ValueError for a variable that Asterisk would read as two."""
        if bad := [name for name, value in self.variables.items() if "," in name + value or "=" in name]:
            raise ValueError(f"a comma, or = in the name, of the variables {', '.join(sorted(bad))}")
        headers: dict[str, str | list[str]] = {
            "Channel": self.channel,
            "ChannelId": self.call_id,
            "Timeout": str(round(self.ring_seconds * 1000)),
            "Async": "true",
        }
        if self.application:
            headers |= {"Application": self.application, "Data": self.data}
        else:
            headers |= {"Context": self.context, "Exten": self.extension, "Priority": str(self.priority)}
        if self.other_call_id is not None:
            headers["OtherChannelId"] = self.other_call_id
        if self.caller_id:
            headers["CallerID"] = self.caller_id
        if self.variables:
            headers["Variable"] = [f"{name}={value}" for name, value in self.variables.items()]
        return headers


Listening = Literal["listen", "whisper", "barge"]
_SPY_OPTIONS: Final[Mapping[Listening, str]] = {"listen": "qS", "whisper": "qwS", "barge": "qBS"}


def spying(
    channel: str, *, supervisor: str, how: Listening, call_id: CallId, ring_seconds: float = 20.0, caller_id: str = ""
) -> Originate:
    """Ring a supervisor's phone (an endpoint, such as `agent-1009`) and let them hear an agent's channel: that of the
    talk, so that nothing else which is on the agent's phone is heard.

    listen: nobody hears the supervisor. whisper: the agent does, the caller does not. barge: both do. It ends when the
    supervisor hangs up, or with the channel; an off-hook agent's line stays.
    """
    return Originate(
        channel=f"PJSIP/{supervisor}",
        call_id=call_id,
        ring_seconds=ring_seconds,
        caller_id=caller_id,
        application="ChanSpy",
        data=f"{channel},{_SPY_OPTIONS[how]}",
    )


@dataclass(frozen=True, slots=True)
class Originated:
    """How an outgoing call's ringing ended. `cause` (Q.850) tells why it failed; None when Asterisk told none.

    17 busy or declined (486, 600), 1 no such number, 19 no answer (with reason 3: our own time-out), 18 no response,
    21 rejected, 34 no free circuit, 38 network out of order. After an answer the cause is not known yet: None.
    """

    answered: bool
    reason: int
    cause: int | None = None

    @property
    def rang_too_long(self) -> bool:
        return self.reason == RANG_TOO_LONG
