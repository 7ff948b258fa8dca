"""A telephone in the test's own hands, by SIP and RTP: an agent's (it signs on by digest) or a citizen's.

It sends a tone of its own pitch all the time and notes of each packet when it came and which pitches it held, so that
who heard whom, and from when on, is read off to the packet.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import time
from collections import Counter
from dataclasses import dataclass

from tests.live.sip_peer import Leg, SipPeer
from tests.live.tones import pitches, tone

MUSIC, CITIZEN, AGENT, AGENT_2, BEEP = 450, 700, 1200, 1600, 1000
"""Pitches of Asterisk's music in tests (440 Hz, near enough), of the parties, and of Asterisk's own tones."""
HEARD = (MUSIC, CITIZEN, AGENT, AGENT_2, BEEP)


_calls = itertools.count(time.time_ns())


@dataclass(frozen=True, slots=True)
class Packet:
    at: float
    payload: bytes

    @property
    def pitches(self) -> frozenset[int]:
        return pitches(self.payload, HEARD)


class _Rtp(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.packets: list[Packet] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) == 172:
            self.packets.append(Packet(asyncio.get_running_loop().time(), data[12:]))


class LinePeer(SipPeer):
    """One phone with one line. `user` and `password`: it answers Asterisk's challenges."""

    def __init__(self, asterisk: tuple[str, int], *, pitch: int, user: str = "", password: str = "") -> None:
        super().__init__(asterisk)
        self.pitch = pitch
        self.user = user
        self._password = password
        self._talking: asyncio.Task[None] | None = None
        self._registered: asyncio.Future[None] | None = None
        self._gone = False
        self.declines = 0
        """A final code with which calls are refused; 0: they are answered."""

    async def open(self, host: str, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self.host = host
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self.address = "{}:{}".format(*self._transport.get_extra_info("sockname"))
        self._rtp, self.ear = await loop.create_datagram_endpoint(_Rtp, local_addr=(host, 0))
        self.rtp_port = self._rtp.get_extra_info("sockname")[1]

    def close(self) -> None:
        self.silent()
        super().close()

    # -- calls

    async def register(self) -> None:
        """Be reachable as `user`."""
        self._registered = asyncio.get_running_loop().create_future()
        leg = self._leg(f"sip:{self.asterisk[0]}:{self.asterisk[1]}", f"sip:{self.user}@{self.asterisk[0]}")
        leg.send("REGISTER", extra="Expires: 60\r\n", sequence=1)
        async with asyncio.timeout(5):
            await self._registered

    async def call(self, number: str, caller: str = "") -> Leg:
        """Ring Asterisk, and speak from its answer on."""
        target = f"sip:{number}@{self.asterisk[0]}:{self.asterisk[1]}"
        leg = self._leg(target, target, caller)
        leg.send("INVITE", self.sdp(), "application/sdp", sequence=1)
        async with asyncio.timeout(5):
            await leg.answered.wait()
        self.speak_on(leg)
        return leg

    def speak_on(self, leg: Leg) -> None:
        self.silent()
        self._talking = asyncio.create_task(leg.speak(900, tone(self.pitch)), name=f"tone {self.pitch}")

    async def hold(self, leg: Leg) -> None:
        """Put the other side on hold; speak no more to it."""
        self.silent()
        leg.send("INVITE", f"{self.sdp()}a=sendonly\r\n", "application/sdp")
        await asyncio.sleep(0.1)

    def hand_over(self, leg: Leg, consulted: Leg, number: str) -> None:
        """Connect both of one's parties with each other (attended transfer, REFER with Replaces)."""
        tags = f"to-tag%3D{_tag(consulted.other)}%3Bfrom-tag%3D{_tag(consulted.own)}"
        host = f"{self.asterisk[0]}:{self.asterisk[1]}"
        refer_to = f"<sip:{number}@{host}?Replaces={consulted.call_id}%3B{tags}>"
        leg.send("REFER", extra=f"Refer-To: {refer_to}\r\nReferred-By: {leg.own}\r\n")

    def vanish(self) -> None:
        """As a phone whose power goes: it says nothing more and answers nothing."""
        self.silent()
        self._gone = True  # the address is there still: nothing comes back to tell Asterisk, as from a dead phone
        for leg in self.legs.values():
            leg.ended.set()

    def silent(self) -> None:
        if self._talking is not None:
            self._talking.cancel()
            self._talking = None

    def _leg(self, target: str, other: str, caller: str = "") -> Leg:
        leg = Leg(self, f"line-{next(_calls)}-{self.pitch}", self.asterisk)
        leg.own = f"<sip:{caller or self.user or '09876543210'}@{self.address}>;tag={len(self.legs) + 1}"
        leg.target, leg.other = target, f"<{other}>"
        self.legs[leg.call_id] = leg
        return leg

    def _accept(self, leg: Leg, invite: str) -> None:
        if self.declines:
            self._reply(leg, invite, self.declines)
            return
        super()._accept(leg, invite)
        if leg.answered.is_set():
            self.speak_on(leg)

    # -- what was heard

    def heard_since(self, at: float) -> Counter[frozenset[int]]:
        """How many packets of which pitches came since then."""
        return Counter(packet.pitches for packet in self.ear.packets if packet.at >= at)

    def first_heard(self, pitch: int, *, since: float) -> float:
        """When that pitch was first heard, in seconds after `since`. Raises LookupError when it was not."""
        for packet in self.ear.packets:
            if packet.at >= since and pitch in packet.pitches:
                return packet.at - since
        raise LookupError(f"{pitch} Hz was not heard")

    async def until_heard(self, pitch: int, *, since: float, seconds: float = 5.0) -> float:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return self.first_heard(pitch, since=since)
                except LookupError:
                    await asyncio.sleep(0.02)

    def longest_gap(self, *, since: float) -> float:
        times = [packet.at for packet in self.ear.packets if packet.at >= since]
        return max((b - a for a, b in itertools.pairwise(times)), default=0.0)

    # -- SIP

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._gone:
            return
        text = data.decode()
        if text.startswith("OPTIONS "):  # is the phone still there?
            self._reply(Leg(self, _header(text, "Call-ID"), addr), text, 200)
            return
        if not text.startswith("SIP/2.0 "):
            super().datagram_received(data, addr)
            return
        leg = self.legs.get(_header(text, "Call-ID"))
        code, method = int(text.split()[1]), _header(text, "CSeq").split()[1]
        if leg is not None and code in (401, 407):
            if method == "INVITE":
                leg.send("ACK", sequence=leg.sequence)
            self._again(leg, method, text)
        elif method == "REGISTER" and self._registered is not None and not self._registered.done() and code >= 200:
            if code == 200:
                self._registered.set_result(None)
            else:
                self._registered.set_exception(AssertionError(text))
        else:
            super().datagram_received(data, addr)

    def _again(self, leg: Leg, method: str, challenge: str) -> None:
        values = dict(re.findall(r'(\w+)="?([^",\r]+)"?', _header(challenge, "WWW-Authenticate")))
        nonce, realm = values["nonce"], values["realm"]

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        secret = f"{md5(f'{self.user}:{realm}:{self._password}')}:{nonce}"
        if "qop" in values:
            secret += ":00000001:hl:auth"
        response = md5(f"{secret}:{md5(f'{method}:{leg.target}')}")
        line = (
            f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{leg.target}", '
            f'response="{response}", algorithm=MD5'
        )
        line += ', qop=auth, cnonce="hl", nc=00000001' if "qop" in values else ""
        line += f', opaque="{values["opaque"]}"' if "opaque" in values else ""
        body = (self.sdp(), "application/sdp") if method == "INVITE" else ("", "")
        extra = line + "\r\n" + ("Expires: 60\r\n" if method == "REGISTER" else "")
        leg.sequence += 1
        leg.send(method, *body, extra=extra, sequence=leg.sequence)


def _tag(address: str) -> str:
    return address.partition(";tag=")[2].partition(";")[0]


def _header(text: str, name: str) -> str:
    found = re.search(rf"(?im)^{name}\s*:\s*(.*?)\r?$", text)
    return found[1] if found else ""
