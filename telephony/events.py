"""What Asterisk tells over AMI, as typed values: pure.

`event_of` reads one AMI message. Names of headers are those of Asterisk 22; what Asterisk may leave out is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from telephony.call import CallId, DialStatus

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hungup:
    """A channel ended. `cause` is of Q.850: 16 normal, 17 busy, 19 no answer, 1 unassigned number, 21 rejected."""

    call_id: CallId
    linked_id: str
    channel: str
    cause: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DialEnded:
    """The ringing ended; status ANSWER: the conversation begins now."""

    call_id: CallId
    channel: str
    dest_id: CallId
    dest_channel: str
    status: DialStatus

    @property
    def answered(self) -> bool:
        return self.status == "ANSWER"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    """A phone registered, went away, or did or did not answer Asterisk's question whether it is there."""

    endpoint: str
    status: str

    @property
    def reachable(self) -> bool:
        return self.status in ("Reachable", "NonQualified")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChanged:
    """`device` such as `PJSIP/agent-1001`; `state` such as NOT_INUSE, INUSE, RINGING, UNAVAILABLE."""

    device: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindTransferred:
    """The transferer left; the transferee's channel goes on in the dialplan at context and extension."""

    succeeded: bool
    call_id: CallId
    channel: str
    transferer_id: CallId
    transferer_channel: str
    context: str
    extension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendedTransferred:
    """The transferer (two channels: to the transferee, to the target) left; transferee and target talk on."""

    succeeded: bool
    call_id: CallId
    channel: str
    transferer_id: CallId
    transferer_channel: str
    second_transferer_id: CallId
    target_id: CallId
    target_channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginateEnded:
    """The end of an Originate's ringing. `reason`: 4 answered, 3 time-out, 0 any failure (see the Hungup's cause)."""

    call_id: CallId
    answered: bool
    reason: int
    channel: str


Event = Hungup | DialEnded | ContactChanged | DeviceChanged | BlindTransferred | AttendedTransferred | OriginateEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChannel:
    """One channel that exists now. `application`, `data`: what it runs (`Dial`, `AGI`); `bridge_id`: "" when alone."""

    call_id: CallId
    linked_id: str
    channel: str
    state: str
    caller: str
    application: str
    data: str
    bridge_id: str
    context: str
    extension: str
    seconds: int


def _call_id(headers: Headers, key: str) -> CallId:
    return CallId(headers.get(key, ""))


def _hungup(h: Headers) -> Hungup:
    return Hungup(
        call_id=CallId(h["Uniqueid"]),
        linked_id=h.get("Linkedid", ""),
        channel=h["Channel"],
        cause=int(h.get("Cause") or 0),
    )


def dial_status(text: str) -> DialStatus:
    """Asterisk's word for how a dial ended; FAILED for one it should not have said."""
    known = ("ANSWER", "BUSY", "NOANSWER", "CANCEL", "CONGESTION", "CHANUNAVAIL", "INVALIDARGS")
    return cast(DialStatus, text) if text in known else "FAILED"


def _dial_ended(h: Headers) -> DialEnded:
    return DialEnded(
        call_id=_call_id(h, "Uniqueid"),
        channel=h.get("Channel", ""),
        dest_id=CallId(h["DestUniqueid"]),
        dest_channel=h["DestChannel"],
        status=dial_status(h["DialStatus"]),
    )


def _contact(h: Headers) -> ContactChanged:
    return ContactChanged(endpoint=h.get("EndpointName") or h["AOR"], status=h["ContactStatus"])


def _device(h: Headers) -> DeviceChanged:
    return DeviceChanged(device=h["Device"], state=h["State"])


def _blind_transfer(h: Headers) -> BlindTransferred:
    return BlindTransferred(
        succeeded=h["Result"] == "Success",
        call_id=_call_id(h, "TransfereeUniqueid"),
        channel=h.get("TransfereeChannel", ""),
        transferer_id=CallId(h["TransfererUniqueid"]),
        transferer_channel=h["TransfererChannel"],
        context=h.get("Context", ""),
        extension=h.get("Extension", ""),
    )


def _attended_transfer(h: Headers) -> AttendedTransferred:
    return AttendedTransferred(
        succeeded=h["Result"] == "Success",
        call_id=_call_id(h, "TransfereeUniqueid"),
        channel=h.get("TransfereeChannel", ""),
        transferer_id=CallId(h["OrigTransfererUniqueid"]),
        transferer_channel=h["OrigTransfererChannel"],
        second_transferer_id=_call_id(h, "SecondTransfererUniqueid"),
        target_id=_call_id(h, "TransferTargetUniqueid"),
        target_channel=h.get("TransferTargetChannel", ""),
    )


def _originate_ended(h: Headers) -> OriginateEnded:
    return OriginateEnded(
        call_id=_call_id(h, "Uniqueid"),
        answered=h["Response"] == "Success",
        reason=int(h.get("Reason") or 0),
        channel=h.get("Channel", ""),
    )


READERS: Final[Mapping[str, Callable[[Headers], Event]]] = {
    "Hangup": _hungup,
    "DialEnd": _dial_ended,
    "ContactStatus": _contact,
    "DeviceStateChange": _device,
    "BlindTransfer": _blind_transfer,
    "AttendedTransfer": _attended_transfer,
    "OriginateResponse": _originate_ended,
}


def event_of(headers: Headers) -> Event | None:
    """The event of an AMI message; None for a kind nobody here needs. Raises ValueError for one that makes no sense."""
    reader = READERS.get(headers.get("Event", ""))
    if reader is None:
        return None
    try:
        return reader(headers)
    except KeyError as missing:
        raise ValueError(f"an AMI event {headers['Event']} without {missing}") from missing


def live_channel_of(headers: Headers) -> LiveChannel:
    """One line of CoreShowChannels. Raises ValueError for one that makes no sense."""
    try:
        hours, minutes, seconds = headers.get("Duration", "0:0:0").split(":")
        return LiveChannel(
            call_id=CallId(headers["Uniqueid"]),
            linked_id=headers.get("Linkedid", ""),
            channel=headers["Channel"],
            state=headers.get("ChannelStateDesc", ""),
            caller=headers.get("CallerIDNum", ""),
            application=headers.get("Application", ""),
            data=headers.get("ApplicationData", ""),
            bridge_id=headers.get("BridgeId", ""),
            context=headers.get("Context", ""),
            extension=headers.get("Exten", ""),
            seconds=int(hours) * 3600 + int(minutes) * 60 + int(seconds),
        )
    except KeyError as missing:
        raise ValueError(f"a live channel without {missing}") from missing
