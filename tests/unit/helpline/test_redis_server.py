"""The private Redis: one for a run folder, behind a password, kept through a crash, and gone when it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_port
from helpline import redis_server
from helpline.errors import ServiceFailed
from helpline.redis_server import RedisServer

pytestmark = pytest.mark.service

END_SECONDS = 5.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """Not started; its folder has a space, as a home folder may."""
    program = Programs().find("redis-server")
    folder = tmp_path / "the run folder"
    folder.mkdir()
    made = RedisServer(argv=program.argv, env=program.env, folder=folder, port=free_port(), password="of-a-test-only")
    yield made
    await made.stop()


def pid_of(server: RedisServer) -> int:
    return int((server.folder / "redis.pid").read_text())


def lives(pid: int) -> bool:
    """Whether the process is there and not merely waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + END_SECONDS
    while lives(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


def kill(server: RedisServer) -> int:
    """kill -9: the pid file stays behind, stale."""
    pid = pid_of(server)
    os.kill(pid, signal.SIGKILL)
    until_gone(pid)
    assert pid_of(server) == pid
    return pid


async def write(server: RedisServer, key: str, value: str) -> None:
    async with Redis.from_url(server.url) as client:
        await client.set(key, value)


async def read(server: RedisServer, key: str) -> str | None:
    async with Redis.from_url(server.url, decode_responses=True) as client:
        value = await client.get(key)
        return None if value is None else str(value)


async def test_it_starts_and_answers_and_is_gone_when_it_is_stopped(server: RedisServer) -> None:
    assert not await server.answers()
    await server.start()
    assert await server.answers()
    pid = pid_of(server)
    await server.stop()
    until_gone(pid)  # the port is free a moment before the process is no more
    assert not await server.answers()
    with socket.create_server(("127.0.0.1", server.port)):
        pass


async def test_a_locale_that_this_machine_lacks_keeps_it_from_nothing(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    await server.start()
    assert await server.answers()


async def test_the_one_that_runs_is_taken_up_and_not_started_twice(server: RedisServer) -> None:
    await server.start()
    pid = pid_of(server)
    await write(server, "seat", "1001")
    await replace(server).start()
    assert pid_of(server) == pid
    assert await read(server, "seat") == "1001"


async def test_stop_is_safe_twice_and_before_any_start(server: RedisServer) -> None:
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()
    assert not await server.answers()


async def test_what_was_written_is_there_after_a_stop(server: RedisServer) -> None:
    await server.start()
    await write(server, "seat", "1001")
    await server.stop()
    await server.start()
    assert await read(server, "seat") == "1001"


async def test_after_a_kill_9_it_comes_up_again_over_the_stale_pid_file_with_its_data(server: RedisServer) -> None:
    await server.start()
    await write(server, "waits", "9876543210")
    dead = kill(server)
    await server.start()
    assert pid_of(server) != dead
    assert await read(server, "waits") == "9876543210"


async def test_a_stale_pid_file_never_ends_a_process_of_another(server: RedisServer) -> None:
    await server.start()
    kill(server)
    (server.folder / "redis.pid").write_text(str(os.getpid()))
    await server.stop()  # this test would be gone
    (server.folder / "redis.pid").write_text("no number")
    await server.stop()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for as long as it would be with a person looking on."""
    monkeypatch.setattr(redis_server, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(redis_server, "START_SECONDS", 0.5)
    monkeypatch.setattr(redis_server, "ANSWER_SECONDS", 0.1)


async def test_one_that_hangs_is_ended_too(server: RedisServer, hasty: None) -> None:
    await server.start()
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    await server.stop()
    assert not lives(pid)


async def test_one_that_hangs_is_replaced_with_its_data_kept(server: RedisServer, hasty: None) -> None:
    await server.start()
    await write(server, "waits", "9876543210")
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    await server.start()
    assert not lives(pid)
    assert await read(server, "waits") == "9876543210"


async def test_a_port_that_another_program_has_is_refused_by_the_settings_name(
    server: RedisServer, hasty: None
) -> None:
    with (
        socket.create_server(("127.0.0.1", server.port)),
        pytest.raises(ServiceFailed, match=rf"Port {server.port} .*Set redis_port in the settings file"),
    ):
        await server.start()
    await server.start()


async def test_the_redis_of_another_run_folder_is_not_taken_for_ours(server: RedisServer, tmp_path: Path) -> None:
    await server.start()
    other = replace(server, folder=tmp_path, password="of-another-run-folder")
    assert not await other.answers()
    with pytest.raises(ServiceFailed, match="redis_port"):
        await other.start()
    await other.stop()
    assert await server.answers()


async def test_nobody_gets_in_without_the_password_and_only_the_owner_can_read_it(server: RedisServer) -> None:
    await server.start()
    async with Redis.from_url(f"redis://127.0.0.1:{server.port}/0") as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.get("seat")
    assert stat.S_IMODE((server.folder / "redis.conf").stat().st_mode) == 0o600
    shown = Path(f"/proc/{pid_of(server)}/cmdline").read_bytes() + Path(f"/proc/{pid_of(server)}/environ").read_bytes()
    assert server.password.encode() not in shown


async def test_it_listens_on_loopback_only(server: RedisServer) -> None:
    await server.start()
    async with Redis.from_url(server.url, decode_responses=True) as client:
        assert await client.config_get("bind") == {"bind": "127.0.0.1"}
        assert (await client.config_get("unixsocket"))["unixsocket"] == ""


async def test_one_that_does_not_come_up_is_told_at_once_with_its_last_words(server: RedisServer) -> None:
    with pytest.raises(ServiceFailed, match="last words: none"):
        await replace(server, argv=["false"]).start()
    await server.start()
    await write(server, "seat", "1001")
    kill(server)
    for part in (server.folder / "appendonlydir").glob("*.incr.aof"):
        part.write_bytes(b"This is a letter.\n" * 5)
    with pytest.raises(ServiceFailed, match=r"Redis did not come up\. Its last words: .*[Bb]ad file format"):
        await server.start()


async def test_a_setting_that_redis_refuses_is_told_in_its_own_words(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "CONFIGURATION", redis_server.CONFIGURATION + "maxmemory plenty\n")
    with pytest.raises(ServiceFailed, match="maxmemory plenty"):
        await server.start()
