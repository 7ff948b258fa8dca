"""What tests and the demo need for a private Asterisk: free ports, a sound, and settings for a throw-away instance."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from asterisk_conf.instance import Instance
from asterisk_conf.programs import Programs
from asterisk_conf.settings import AsteriskSettings, PhoneAccount, TrunkSettings
from asterisk_conf.sounds import write_tone


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nothing listens now, neither by UDP nor by TCP."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """So many different free ports. They are held until all are found, then let go."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            tcp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            tcp.bind((host, 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            found.append(tcp.getsockname()[1])
    return found


def private_settings(folder: Path, **changes: object) -> AsteriskSettings:
    """Settings of an instance of its own below `folder`, with free ports and a tone for music.

    The trunks are on 127.0.0.2 and 127.0.0.3; `changes` replaces single values.
    """
    sip_port, ami_port, agi_port, trunk_port, emergency_port = free_ports(5)
    # Below the ports that the kernel hands out by itself (32768 and above).
    first = 10000 + sip_port % 20000 // 2 * 2
    values: dict[str, object] = {
        "run_folder": folder / "asterisk",
        "prompts_folder": folder / "prompts",
        "music_folder": folder / "music",
        "recordings_folder": folder / "recordings",
        "lifeline_folder": folder / "lifeline",
        "python": Path(sys.executable),
        "sip_port": sip_port,
        "ami_port": ami_port,
        "agi": ("127.0.0.1", agi_port),
        "rtp_first": first,
        "rtp_last": first + 999,
        "trunk": TrunkSettings("127.0.0.2", trunk_port),
        "emergency_trunk": TrunkSettings("127.0.0.3", emergency_port),
        **changes,
    }
    write_tone(folder / "music" / "music.wav", hertz=440, seconds=2)
    return AsteriskSettings(**values)  # type: ignore[arg-type]


@asynccontextmanager
async def private_instance(
    settings: AsteriskSettings, *, phones: Sequence[PhoneAccount] = (), programs: Programs | None = None
) -> AsyncIterator[Instance]:
    """A running Asterisk of these settings, gone again at the end."""
    instance = Instance(settings, (programs or Programs()).find("asterisk"))
    await instance.start(phones)
    try:
        yield instance
    finally:
        await instance.stop()
