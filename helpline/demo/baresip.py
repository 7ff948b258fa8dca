"""The program baresip 1.1 as it is driven here: its configuration file, and its control connection.

The connection (module ctrl_tcp) carries JSON in netstrings, both ways: `{"command", "params", "token"}` is answered
with `{"response", "ok", "data", "token"}`, and `{"event", "class", "type", …}` comes by itself. It takes one client.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from asterisk_conf.programs import Program
from helpline.demo.errors import PhoneFailed, PhoneRefused, ProgramMissing

log = logging.getLogger(__name__)

COMMAND_SECONDS = 5.0
CONNECT_EVERY_SECONDS = 0.02
# A message of ctrl_tcp is some hundred bytes; more is not its protocol.
MAX_MESSAGE = 1_000_000

# No account module: accounts are made over the control connection, so that no event of theirs is missed and no
# password stands in a file. All paths are relative to the phone's folder: baresip takes no spaces in them, and few
# letters. The player writes to /dev/null because something must drain what is received. Ring tones
# are looked for in audio_path, found missing, and so not played.
CONFIGURATION = """\
poll_method             epoll
sip_listen              {listen}
net_interface           {host}
dns_server              127.0.0.1:9
call_local_timeout      120
call_max_calls          {max_calls}
call_hold_other_calls   no
audio_path              .
audio_player            aufile,/dev/null
audio_source            aufile,silence.wav
audio_alert             aufile,/dev/null
ausrc_format            s16
auplay_format           s16
auenc_format            s16
audec_format            s16
audio_buffer            20-160
rtp_ports               {rtp_ports}
jitter_buffer_type      fixed
jitter_buffer_delay     1-10
module_path             modules
module                  g711.so
module                  sndfile.so
module                  aufile.so
module_app              ctrl_tcp.so
module_app              menu.so
ctrl_tcp_listen         127.0.0.1:{control_port}
snd_path                .
ringback_disabled       yes
statmode_default        off
"""

NEEDED_MODULES = ("g711.so", "sndfile.so", "aufile.so", "ctrl_tcp.so", "menu.so")


def module_folder(program: Program) -> Path:
    """Where this baresip's modules lie. Raises ProgramMissing."""
    folder = program.modules
    missing = NEEDED_MODULES if folder is None else [name for name in NEEDED_MODULES if not (folder / name).exists()]
    if folder is None or missing:
        raise ProgramMissing(
            f"baresip's modules {', '.join(missing)} are not in {folder or 'any known folder'}. "
            "Install Debian's package baresip-core, or remove the package cache and run `make demo` again."
        )
    return folder


async def launch(program: Program, folder: Path, *, trace: bool) -> asyncio.subprocess.Process:
    """Start baresip in its own folder, its words going to `baresip.log` there. Raises ProgramMissing."""
    modules = folder / "modules"
    modules.unlink(missing_ok=True)
    modules.symlink_to(module_folder(program))
    arguments = ["-4", "-f", ".", *(["-s"] if trace else [])]
    with (folder / "baresip.log").open("wb") as output:
        try:
            return await asyncio.create_subprocess_exec(
                *program.argv,
                *arguments,
                cwd=folder,
                env={**os.environ, **program.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            raise ProgramMissing(
                f"{program.argv[0]} can't be started ({error.strerror}). `helpline doctor` says how to mend it."
            ) from error


Message = Mapping[str, Any]


class ControlLink:
    """The control connection of one baresip: commands that are answered, and its events as they come."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        name: str,
        on_event: Callable[[Message], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._name = name
        self._on_event = on_event
        self._on_lost = on_lost
        self._tokens = itertools.count(1)
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._task = asyncio.create_task(self._read(), name=f"softphone {name}: events")

    async def command(self, name: str, params: str = "", *, timeout: float = COMMAND_SECONDS) -> str:
        """Let baresip do something; returns what it said. Raises PhoneRefused, PhoneFailed."""
        if self._task.done():
            raise PhoneFailed(f"Phone {self._name} is gone: `{name}` was not sent.")
        token = str(next(self._tokens))
        message = {"command": name, "token": token} | ({"params": params} if params else {})
        body = json.dumps(message, ensure_ascii=False).encode()
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[token] = answer
        try:
            self._writer.write(b"%d:%s," % (len(body), body))
            await self._writer.drain()
            said = await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            raise PhoneFailed(f"Phone {self._name} did not answer `{name}` within {timeout:g} s.") from None
        except ConnectionError as error:
            raise PhoneFailed(f"Phone {self._name} went away at `{name}` ({error}).") from error
        finally:
            self._answers.pop(token, None)
        data = str(said.get("data", "")).strip()
        if not said.get("ok"):
            raise PhoneRefused(f"Phone {self._name} refused `{name} {params}`: {data or 'no reason given'}")
        return data

    async def close(self) -> None:
        """End the connection and its reader."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        try:
            while True:
                length = (await self._reader.readuntil(b":"))[:-1]
                if not length.isdigit() or int(length) > MAX_MESSAGE:
                    log.warning("Not a message of baresip", extra={"action": "phone_garbage", "phone": self._name})
                    return
                body = (await self._reader.readexactly(int(length) + 1))[:-1]
                self._take(body)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(PhoneFailed(f"Phone {self._name} went away."))
            self._on_lost()

    def _take(self, body: bytes) -> None:
        # baresip copies what peers sent (display names) as it is: it need not be UTF-8.
        try:
            message = json.loads(body.decode("utf-8", errors="replace"), strict=False)
        except ValueError:
            log.warning("A message of baresip is no JSON", extra={"action": "phone_garbage", "phone": self._name})
            return
        if message.get("response"):
            answer = self._answers.get(str(message.get("token")))
            if answer and not answer.done():
                answer.set_result(message)
        elif message.get("event"):
            self._on_event(message)


async def connect(
    port: int,
    process: asyncio.subprocess.Process,
    *,
    name: str,
    timeout: float,
    on_event: Callable[[Message], None],
    on_lost: Callable[[], None],
) -> ControlLink:
    """Reach the baresip that was just launched. Raises PhoneFailed if it ends or does not listen in time."""
    try:
        async with asyncio.timeout(timeout):
            while True:
                if process.returncode is not None:
                    raise PhoneFailed(f"Phone {name}: baresip ended with {process.returncode} while starting.")
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except OSError:
                    await asyncio.sleep(CONNECT_EVERY_SECONDS)
    except TimeoutError:
        raise PhoneFailed(f"Phone {name}: baresip did not listen on port {port} within {timeout:g} s.") from None
    return ControlLink(reader, writer, name=name, on_event=on_event, on_lost=on_lost)
