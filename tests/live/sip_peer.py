"""A small SIP party for live tests: citizens who call, and numbers that can be rung. It speaks just enough SIP.

A number decides how it behaves: `486` (any final code) rings and refuses with it, `ring` rings for ever, anything else
answers after `answer_seconds`. Keys are sent by SIP INFO; `speak` sends a tone by RTP.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import struct
from dataclasses import dataclass, field

SILENT_A_LAW = b"\xd5"
TONE_A_LAW = bytes(0x55 ^ (0x80 if i % 20 < 10 else 0) ^ 0x30 for i in range(160))

_numbers = itertools.count(1)


def _header(text: str, name: str) -> str:
    found = re.search(rf"(?im)^{name}\s*:\s*(.*?)\r?$", text)
    return found[1] if found else ""


def _headers(text: str, name: str) -> str:
    return "".join(f"{name}: {value}\r\n" for value in re.findall(rf"(?im)^{name}\s*:\s*(.*?)\r?$", text))


@dataclass
class Leg:
    """One call, made or received."""

    peer: SipPeer
    call_id: str
    remote: tuple[str, int]
    invite: str = ""
    own: str = ""
    other: str = ""
    target: str = ""
    sequence: int = 1
    remote_rtp: tuple[str, int] | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    refused: int = 0

    def send(
        self, method: str, body: str = "", content: str = "", extra: str = "", sequence: int | None = None
    ) -> None:
        if sequence is None and method != "ACK":
            self.sequence += 1
        content = f"Content-Type: {content}\r\n" if content else ""
        self.peer.send(
            f"{method} {self.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.peer.address};branch=z9hG4bK{next(_numbers)}\r\n"
            f"From: {self.own}\r\nTo: {self.other}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {sequence or self.sequence} {method}\r\nContact: <sip:peer@{self.peer.address}>\r\n"
            f"Max-Forwards: 70\r\n{extra}{content}Content-Length: {len(body)}\r\n\r\n{body}",
            self.remote,
        )

    def hang_up(self) -> None:
        self.ended.set()
        self.send("BYE")

    def press(self, key: str) -> None:
        self.send("INFO", f"Signal={key}\r\nDuration=100\r\n", "application/dtmf-relay")

    def refer(self, number: str) -> None:
        """Transfer the other side blindly to `number`."""
        host = self.remote[0]
        self.send("REFER", extra=f"Refer-To: <sip:{number}@{host}:{self.remote[1]}>\r\nReferred-By: {self.own}\r\n")

    async def speak(self, seconds: float, payload: bytes = TONE_A_LAW) -> None:
        assert self.remote_rtp is not None
        for i in range(round(seconds * 50)):
            packet = struct.pack("!BBHII", 0x80, 8, i & 0xFFFF, i * 160, 1076) + payload[:160].ljust(160, SILENT_A_LAW)
            self.peer.send_rtp(packet, self.remote_rtp)
            await asyncio.sleep(0.02)


class SipPeer(asyncio.DatagramProtocol):
    """Listens at (host, port) as the other end of the trunk; `asterisk` is where Asterisk listens."""

    def __init__(self, asterisk: tuple[str, int]) -> None:
        self.asterisk = asterisk
        self.answer_seconds = 0.0
        self.legs: dict[str, Leg] = {}
        self.rung: list[Leg] = []
        self.ringing = asyncio.Event()
        self._handles: list[asyncio.TimerHandle] = []

    async def open(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        self.host = host
        self.address = f"{host}:{port}"
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._rtp, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(host, 0))
        self.rtp_port = self._rtp.get_extra_info("sockname")[1]

    def close(self) -> None:
        for handle in self._handles:
            handle.cancel()
        self._transport.close()
        self._rtp.close()

    def send(self, text: str, to: tuple[str, int]) -> None:
        self._transport.sendto(text.encode(), to)

    def send_rtp(self, packet: bytes, to: tuple[str, int]) -> None:
        self._rtp.sendto(packet, to)

    def sdp(self) -> str:
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
            f"m=audio {self.rtp_port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        )

    async def call(self, number: str, caller: str = "09876543210") -> Leg:
        """Ring Asterisk, and return when it answered."""
        leg = Leg(self, f"peer-{next(_numbers)}", self.asterisk)
        leg.own = f"<sip:{caller}@{self.address}>;tag={next(_numbers)}"
        leg.target = f"sip:{number}@{self.asterisk[0]}:{self.asterisk[1]}"
        leg.other = f"<{leg.target}>"
        self.legs[leg.call_id] = leg
        leg.send("INVITE", self.sdp(), "application/sdp", sequence=1)
        async with asyncio.timeout(5):
            await leg.answered.wait()
        return leg

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        if text.startswith("SIP/2.0 "):
            self._answer(text)
        else:
            self._request(text, addr)

    def _answer(self, text: str) -> None:
        leg = self.legs.get(_header(text, "Call-ID"))
        code = int(text.split()[1])
        if leg is None or code < 200 or not _header(text, "CSeq").endswith("INVITE"):
            return
        leg.other = _header(text, "To")
        if code < 300:
            leg.target = _header(text, "Contact").strip("<>")
            leg.remote_rtp = _rtp_of(text)
            leg.answered.set()
        else:
            leg.refused = code
            leg.ended.set()
        leg.send("ACK", sequence=leg.sequence)

    def _request(self, text: str, addr: tuple[str, int]) -> None:
        method = text.split()[0]
        call_id = _header(text, "Call-ID")
        leg = self.legs.get(call_id)
        if method == "INVITE" and leg is None:
            leg = self.legs[call_id] = Leg(self, call_id, addr, invite=text)
            leg.own = f"{_header(text, 'To')};tag={next(_numbers)}"
            leg.other = _header(text, "From")
            leg.target = _header(text, "Contact").strip("<>")
            leg.remote_rtp = _rtp_of(text)
            self.rung.append(leg)
            self.ringing.set()
            self._behave(leg, text)
        elif method == "INVITE" and leg is not None:
            self._reply(leg, text, 200, self.sdp())
        elif leg is not None and method in ("BYE", "CANCEL"):
            self._reply(leg, text, 200)
            if method == "CANCEL":
                self._reply(leg, leg.invite, 487)
            leg.ended.set()
        elif leg is not None and method != "ACK":
            self._reply(leg, text, 200)

    def _behave(self, leg: Leg, invite: str) -> None:
        found = re.match(r"INVITE sips?:([^@;> ]+)@", invite)
        number = found[1] if found else ""
        self._reply(leg, invite, 180)
        loop = asyncio.get_running_loop()
        if re.fullmatch(r"[3-6]\d\d", number):
            self._handles.append(loop.call_later(0.05, self._reply, leg, invite, int(number)))
        elif number != "ring":
            self._handles.append(loop.call_later(self.answer_seconds, self._accept, leg, invite))

    def _accept(self, leg: Leg, invite: str) -> None:
        if not leg.ended.is_set():
            leg.answered.set()
            self._reply(leg, invite, 200, self.sdp())

    def _reply(self, leg: Leg, request: str, code: int, body: str = "") -> None:
        to = leg.own if request is leg.invite else _header(request, "To")
        content = "Content-Type: application/sdp\r\n" if body else ""
        self.send(
            f"SIP/2.0 {code} As the test wants\r\n{_headers(request, 'Via')}From: {_header(request, 'From')}\r\n"
            f"To: {to}\r\nCall-ID: {leg.call_id}\r\nCSeq: {_header(request, 'CSeq')}\r\n"
            f"Contact: <sip:peer@{self.address}>\r\n{content}Content-Length: {len(body)}\r\n\r\n{body}",
            leg.remote,
        )


def _rtp_of(text: str) -> tuple[str, int] | None:
    host = re.search(r"(?m)^c=IN IP4 (\S+)", text)
    port = re.search(r"(?m)^m=audio (\d+)", text)
    return (host[1], int(port[1])) if host and port else None
