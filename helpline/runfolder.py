"""The run folder: everything one helpline keeps on disk, and the lock that makes it the only one there."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from helpline.errors import HelplineError, RunFolderInUse

LEAST_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Lock:
    """The kernel's lock on one role of a run folder."""

    file: IO[str]

    def close(self) -> None:
        """Let go of it."""
        self.file.close()


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where each thing lies. `prepare()` makes the folders, readable by their owner only."""

    root: Path

    @property
    def asterisk(self) -> Path:
        return self.root / "asterisk"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def prompts(self) -> Path:
        return self.root / "prompts"

    @property
    def music(self) -> Path:
        return self.root / "music"

    @property
    def recordings(self) -> Path:
        return self.root / "recordings"

    @property
    def lifeline(self) -> Path:
        return self.root / "lifeline"

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    @property
    def log(self) -> Path:
        return self.root / "log"

    def prepare(self) -> None:
        """Make the folders. Raises HelplineError where the disk is full or the folder is not ours to write."""
        try:
            for folder in (self.root, self.asterisk, self.redis, self.prompts, self.music):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.recordings, self.lifeline, self.log):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HelplineError(
                f"The run folder {self.root} can't be made ({error.strerror}). "
                "Choose another with run_folder in the settings file."
            ) from error
        free = shutil.disk_usage(self.root).free
        if free < LEAST_FREE_BYTES:
            raise HelplineError(
                f"Only {free // 2**20} MiB are free under {self.root}; calls could not be recorded. "
                f"Free at least {LEAST_FREE_BYTES // 2**20} MiB or choose another run_folder."
            )

    def secret(self, name: str) -> str:
        """A secret of this run folder, made at its first use, in a file that only its owner can read."""
        path = self.root / f"{name}.secret"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii").strip()
        with os.fdopen(descriptor, "w") as file:
            value = secrets.token_hex(24)
            file.write(value)
        return value

    @contextmanager
    def locked(self, role: str) -> Iterator[None]:
        """Hold this run folder as its one `role` (supervisor, controller). Raises RunFolderInUse.

        The lock is the kernel's: it goes with the process, so a stale file means nothing.
        """
        lock = self.try_lock(role)
        if lock is None:
            raise RunFolderInUse(
                f"A {role} (process {self.lock_holder(role) or 'unknown'}) already runs in {self.root}. "
                "Stop it, or give this one another run_folder in its settings file."
            )
        with closing(lock):
            yield

    def try_lock(self, role: str) -> Lock | None:
        """The lock of a role, held until it is closed or the process ends; None while another process has it."""
        file = self._lock_file(role).open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return Lock(file)

    def lock_holder(self, role: str) -> int | None:
        """The process that has the role's lock, by what it wrote there; None when that can't be read."""
        try:
            return int(self._lock_file(role).read_text())
        except (OSError, ValueError):
            return None

    def is_controller(self, pid: int) -> bool:
        """Whether this process is a controller of this run folder: a number in a file proves nothing."""
        process = Path("/proc") / str(pid)
        try:
            return (process / "cwd").readlink() == self.root.resolve() and b"helpline.controller" in (
                process / "cmdline"
            ).read_bytes().split(b"\0")
        except OSError:
            return False

    def _lock_file(self, role: str) -> Path:
        return self.root / f"{role}.lock"
