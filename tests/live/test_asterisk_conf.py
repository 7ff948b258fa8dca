"""A private Asterisk as a controller sees it: started, found again, stopped, and alone with a caller."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
import socket
import struct
import sys
import wave
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asterisk_conf import messages
from asterisk_conf.errors import AlreadyRunning, OtherSettings, PortTaken
from asterisk_conf.instance import Instance
from asterisk_conf.modules import MODULES, not_running
from asterisk_conf.processes import refuse_taken_port
from asterisk_conf.programs import Program, Programs
from asterisk_conf.settings import AsteriskSettings, PhoneAccount
from asterisk_conf.testing import free_port, private_instance, private_settings

pytestmark = pytest.mark.live

HEAD = """\
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Call-ID: [call_id]
Max-Forwards: 70
"""

CALL = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<scenario name="A citizen calls, speaks, and hangs up">
<send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
{HEAD}From: <sip:09876543210@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
CSeq: 1 INVITE
Contact: <sip:citizen@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send>
<recv response="100" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
{HEAD}[last_From:]
[last_To:]
CSeq: 1 ACK
Content-Length: 0
]]></send>
<nop><action><exec rtp_stream="speech.alaw,-1,8,PCMA/8000"/></action></nop>
<pause milliseconds="3500"/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
{HEAD}[last_From:]
[last_To:]
CSeq: 2 BYE
Content-Length: 0
]]></send>
<recv response="200"/>
</scenario>
"""

REFUSED_CALL = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<scenario name="A number that is not the helpline's">
<send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
{HEAD}From: <sip:09876543210@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
CSeq: 1 INVITE
Contact: <sip:citizen@[local_ip]:[local_port]>
Content-Length: 0
]]></send>
<recv response="100" optional="true"/>
<recv response="404"/>
<send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
{HEAD}[last_From:]
[last_To:]
CSeq: 1 ACK
Content-Length: 0
]]></send>
</scenario>
"""

REGISTER = """\
REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
{head}From: <sip:agent-1001@[remote_ip]>;tag=[call_number]
To: <sip:agent-1001@[remote_ip]>
CSeq: {count} REGISTER
Contact: <sip:agent-1001@[local_ip]:[local_port]>
Expires: 60
{proof}Content-Length: 0
"""
FIRST_REGISTER = REGISTER.format(head=HEAD, count=1, proof="")
PROVEN_REGISTER = REGISTER.format(head=HEAD, count=2, proof="[authentication username=agent-1001 password=kabootar]\n")
REGISTRATION = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<scenario name="A softphone registers with its password">
<send retrans="500"><![CDATA[
{FIRST_REGISTER}]]></send>
<recv response="401" auth="true"/>
<send retrans="500"><![CDATA[
{PROVEN_REGISTER}]]></send>
<recv response="100" optional="true"/>
<recv response="200"/>
</scenario>
"""

# Half a second of a 500 Hz square wave in A-law: the two bytes differ in nothing but the sign.
SPEECH = (b"\x25" * 8 + b"\xa5" * 8) * 250


@pytest.fixture(scope="module")
def programs() -> Programs:
    return Programs()


@pytest.fixture
def settings(tmp_path: Path) -> AsteriskSettings:
    return private_settings(tmp_path, away_seconds=1)


def phone(password: str = "kabootar") -> PhoneAccount:
    cred = hashlib.md5(f"agent-1001:helpline:{password}".encode()).hexdigest()
    return PhoneAccount("agent-1001", cred, "आशा Sharma")


async def sipp(
    program: Program, instance: Instance, folder: Path, scenario: str, *, host: str, port: int = 0, to: str = "1076"
) -> int:
    """SIPp's exit code after one call by this scenario: 0 if all went as written there. "" is one who answers."""
    if scenario:  # written by nobody else: one SIPp may read them while another is started
        (folder / "scenario.xml").write_text(scenario, encoding="utf-8")
        (folder / "speech.alaw").write_bytes(SPEECH)
    process = await asyncio.create_subprocess_exec(
        *(*program.argv, *(("-sf", "scenario.xml", "-s", to) if scenario else ("-sn", "uas", "-aa"))),
        *("-m", "1", "-nostdin", "-timeout", "12s", "-timeout_error"),
        *("-i", host, "-p", str(port or free_port(host)), "-mi", host),
        f"{instance.settings.bind}:{instance.settings.sip_port}",
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.05)


def processes_of(settings: AsteriskSettings) -> list[str]:
    """Every process that names this run folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(settings.run_folder) in command and int(folder.name) != os.getpid():
            found.append(command.replace(b"\0", b" ").decode())
    return found


def sockets_of(pid: int) -> set[tuple[str, str, int]]:
    """Every network socket that a process holds: protocol, local address, port."""
    inodes = set()
    for descriptor in (Path("/proc") / str(pid) / "fd").iterdir():
        try:
            inodes.add(os.readlink(descriptor))
        except OSError:
            continue
    found = set()
    for table in ("tcp", "udp", "tcp6", "udp6"):
        for line in (Path("/proc/net") / table).read_text().splitlines()[1:]:
            columns = line.split()
            if f"socket:[{columns[9]}]" in inodes:
                host, port = columns[1].split(":")
                address = bytes.fromhex(host)[::-1]
                found.add((table, socket.inet_ntoa(address) if len(address) == 4 else host, int(port, 16)))
    return found


def loudness(sound: Path) -> float:
    """Root mean square of a 16 bit WAV; silence is 0, full scale 32768."""
    with wave.open(str(sound), "rb") as file:
        count = file.getnframes()
        samples = struct.unpack(f"<{count}h", file.readframes(count))
    return float((sum(sample * sample for sample in samples) / count) ** 0.5)


async def test_two_instances_run_side_by_side_and_leave_nothing(tmp_path: Path, programs: Programs) -> None:
    both = [private_settings(tmp_path / name) for name in ("a", "b")]
    async with (
        private_instance(both[0], phones=[phone()], programs=programs) as first,
        private_instance(both[1], programs=programs) as second,
    ):
        for instance in (first, second):
            assert not_running(await instance.cli("module show"), MODULES) == []
        assert "agent-1001" in await first.cli("pjsip show endpoints")
        assert "agent-1001" not in await second.cli("pjsip show endpoints")
        assert first.ami_secret() != second.ami_secret()
    for settings in both:
        assert processes_of(settings) == []
        assert not settings.control_socket.exists()
        refuse_taken_port("sip_port", "UDP", settings.bind, settings.sip_port)
        refuse_taken_port("ami_port", "TCP", "127.0.0.1", settings.ami_port)


async def test_its_files_are_its_owners_and_its_log_is_clean(settings: AsteriskSettings, programs: Programs) -> None:
    async with private_instance(settings, phones=[phone()], programs=programs):
        assert {path.stat().st_mode & 0o077 for path in settings.config_folder.iterdir()} == {0}
        logged = settings.log_file.read_text(encoding="utf-8")
    assert "NOTICE" in logged
    assert [line for line in logged.splitlines() if "ERROR" in line or "WARNING" in line] == []


async def test_a_taken_port_is_named_and_nothing_is_left_running(
    settings: AsteriskSettings, programs: Programs
) -> None:
    instance = Instance(settings, programs.find("asterisk"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((settings.bind, settings.sip_port))
        with pytest.raises(PortTaken, match=f"UDP port {settings.sip_port} .*sip_port"):
            await instance.start([])
    assert processes_of(settings) == []


async def test_asterisk_outlives_its_controller_and_is_adopted(settings: AsteriskSettings, programs: Programs) -> None:
    asterisk = programs.find("asterisk")
    controller = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, os, pickle, sys\n"
        "from asterisk_conf.instance import Instance\n"
        "settings, program = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "asyncio.run(Instance(settings, program).start([]))\n"
        "os.kill(os.getpid(), 9)\n",
        pickle.dumps((settings, asterisk)).hex(),
    )
    assert await controller.wait() == -9
    instance = Instance(settings, asterisk)
    try:
        assert await instance.adopt()
        with pytest.raises(AlreadyRunning, match="is at work"):
            await Instance(settings, asterisk).start([])
        moved = private_settings(settings.run_folder.parent)
        with pytest.raises(OtherSettings, match=f"sip_port was {settings.sip_port}"):
            await Instance(moved, asterisk).adopt()
    finally:
        await instance.stop()
    assert not await instance.adopt()
    assert processes_of(settings) == []


async def test_a_stale_pid_file_does_not_stand_in_the_way(settings: AsteriskSettings, programs: Programs) -> None:
    settings.state_folder.mkdir(parents=True)
    settings.pid_file.write_text(f"{os.getpid()}\n")
    async with private_instance(settings, programs=programs) as instance:
        assert instance.running()


async def test_a_phone_registers_by_digest_once_it_is_made_known(
    settings: AsteriskSettings, programs: Programs, tmp_path: Path
) -> None:
    program = programs.find("sipp")
    async with private_instance(settings, programs=programs) as instance:
        await instance.reload_phones([phone("another password")])
        assert await sipp(program, instance, tmp_path, REGISTRATION, host="127.0.0.1") != 0
        await instance.reload_phones([phone()])
        assert await sipp(program, instance, tmp_path, REGISTRATION, host="127.0.0.1") == 0
        assert "agent-1001/sip:agent-1001@127.0.0.1" in await instance.cli("pjsip show contacts")
        assert "agent-1001" in await instance.cli("queue show fallback")


async def test_the_lifeline_takes_a_message_with_no_controller_and_nothing_listens_beyond_loopback(
    settings: AsteriskSettings, programs: Programs, tmp_path: Path
) -> None:
    program = programs.find("sipp")
    before = datetime.now(UTC)
    async with private_instance(settings, programs=programs) as instance:
        host = settings.trunk.host
        assert await sipp(program, instance, tmp_path, REFUSED_CALL, host=host, to="1077") == 0
        # The caller hangs up in mid-sentence: what was said is kept.
        call = asyncio.create_task(sipp(program, instance, tmp_path, CALL, host=host, to="+915221076"))
        pid = int(settings.pid_file.read_text())
        rtp = range(settings.rtp_first, settings.rtp_last + 1)
        await until(lambda: any(port in rtp for _, _, port in sockets_of(pid)))
        sockets = sockets_of(pid)
        beyond = [each for each in sockets if each[1] != "127.0.0.1"]
        # pjsip's DNS client holds one unnamed UDP socket per family; it listens to nobody but its name servers.
        assert [protocol for protocol, _, _ in sorted(beyond)] in ([], ["udp", "udp6"]), beyond
        assert not any(port in rtp for _, _, port in beyond)
        assert await call == 0
        await until(lambda: len(messages.waiting(settings.lifeline_folder)) == 1)
        for _ in range(100):
            if "0 active channels" in await instance.cli("core show channels"):
                break
        else:
            pytest.fail("a channel is left")
    [message] = messages.waiting(settings.lifeline_folder)
    assert message.caller == "09876543210"
    assert before <= message.taken_at <= datetime.now(UTC)
    assert message.seconds > 0.3
    assert loudness(message.sound) > 500
    assert list((settings.lifeline_folder / messages.TAKING).iterdir()) == []


async def test_without_a_controller_an_agent_s_phone_that_is_there_is_rung(
    settings: AsteriskSettings, programs: Programs, tmp_path: Path
) -> None:
    program = programs.find("sipp")
    async with private_instance(settings, phones=[phone()], programs=programs) as instance:
        port = free_port()
        assert await sipp(program, instance, tmp_path, REGISTRATION, host="127.0.0.1", port=port) == 0
        agent = asyncio.create_task(sipp(program, instance, tmp_path, "", host="127.0.0.1", port=port))
        assert await sipp(program, instance, tmp_path, CALL, host=settings.trunk.host, to="01076") == 0
        assert "has taken 1 calls" in await instance.cli("queue show fallback")
        agent.cancel()
        await asyncio.gather(agent, return_exceptions=True)
    assert messages.waiting(settings.lifeline_folder) == []
