"""Debian's own packages, unpacked into a private prefix: nothing is installed and no root is needed.

apt gets its own state, cache and source list below the cache folder, an empty list of installed packages, and Debian's
keyring; so it resolves the whole closure down to the C library, verifies and downloads it, and never touches the
system's. The mirror is the one that the machine's own apt sources name, with the suite replaced by `testing`, the only
one that ships Asterisk.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from asterisk_conf import commands
from asterisk_conf.commands import Ended, Runner
from asterisk_conf.errors import DiskFull, FetchFailed, NoKeyring, NoMirror, NoNetwork, NotDebian, NotSigned
from asterisk_conf.mirrors import Mirror, mirror_in
from asterisk_conf.platforms import Platform
from asterisk_conf.progress import FetchProgress, Progress, Stage, silent

log = logging.getLogger(__name__)

SUITE = "testing"
INDEX_FRESH_SECONDS = 6 * 3600
"""An index this young is used again; the archives it names are still on the mirror."""


class PackageFetcher:
    """Fetches Debian packages with all they depend on into prefixes below one cache folder.

    The cache may be shared by several checkouts and processes: a file lock lets one fetch at a time, and a prefix
    appears whole or not at all. What has been downloaded when a fetch breaks off is used by the next one.
    """

    def __init__(
        self,
        cache: Path,
        platform: Platform,
        *,
        runner: Runner = commands.run,
        which: Callable[[str], str | None] = shutil.which,
        apt_folder: Path = Path("/etc/apt"),
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._cache = cache
        self._platform = platform
        self._run = runner
        self._which = which
        self._apt_folder = apt_folder
        self._free_bytes = free_bytes

    def prefix(self, program: str) -> Path:
        """Where a program's packages are unpacked, whether they are there yet or not."""
        return self._cache / "prefixes" / f"{program}-{self._platform.debian}"

    def fetch(self, program: str, packages: Sequence[str], *, needs_mb: int, progress: Progress = silent) -> Path:
        """The prefix with these packages and all they depend on, fetched if it is not there.

        `needs_mb` is the room for the download and the unpacked files together. Raises ProgramError.
        """
        prefix = self.prefix(program)
        if prefix.is_dir():
            return prefix
        with self._disk_errors(), self._locked():
            if prefix.is_dir():
                return prefix
            mirror = self._mirror(program)
            if self._free_bytes(self._cache) < needs_mb * 1_000_000:
                raise DiskFull(self._cache, needs_mb)
            log.info("packages are fetched", extra={"action": "fetch", "program": program, "packages": list(packages)})
            apt = _Apt(self._cache / "apt", self._platform, mirror, self._run, program, progress)
            apt.update()
            archives = apt.download(packages)
            self._unpack(program, archives, prefix, progress)
        return prefix

    def forget(self) -> None:
        """Remove every prefix, archive and index of the cache, so that the next fetch starts from nothing."""
        if self._cache.is_dir():
            with self._locked():
                for folder in ("prefixes", "apt"):
                    shutil.rmtree(self._cache / folder, ignore_errors=True)

    def _mirror(self, program: str) -> Mirror:
        for tool in ("apt-get", "dpkg-deb"):
            if self._which(tool) is None:
                raise NotDebian(program, tool)
        files = [self._apt_folder / "sources.list", *sorted((self._apt_folder / "sources.list.d").glob("*"))]
        texts = [
            (file.name, file.read_text(encoding="utf-8", errors="replace"))
            for file in files
            if file.suffix in {".list", ".sources"} and file.is_file()
        ]
        mirror = mirror_in(texts)
        if mirror is None:
            raise NoMirror(self._apt_folder)
        if not mirror.keyring.is_file():
            raise NoKeyring(mirror.keyring)
        return mirror

    def _unpack(self, program: str, archives: Sequence[Path], prefix: Path, progress: Progress) -> None:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{program}-", dir=prefix.parent) as folder:
            fresh = Path(folder) / "prefix"
            fresh.mkdir()
            for number, archive in enumerate(archives, start=1):
                ended = self._run(("dpkg-deb", "--extract", str(archive), str(fresh)))
                if ended.code != 0:
                    # A damaged archive would fail every later run too: let apt bring it again.
                    archive.unlink(missing_ok=True)
                    raise _told(ended, program, self._cache, keyring=Path())
                progress(FetchProgress(program, "unpack", number / len(archives)))
            fresh.chmod(0o755)
            fresh.rename(prefix)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._cache.mkdir(parents=True, exist_ok=True)
        with (self._cache / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DiskFull(self._cache) from error
            raise


class _Apt:
    """apt-get with a state of its own."""

    def __init__(
        self, home: Path, platform: Platform, mirror: Mirror, runner: Runner, program: str, progress: Progress
    ) -> None:
        self._home = home
        self._mirror = mirror
        self._run = runner
        self._program = program
        self._progress = progress
        self._archives = home / "cache" / "archives"
        self._index_stamp = home / "state" / "index-read"
        for folder in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        sources = home / "etc" / "sources.list"
        # Only when they change: apt sorts its whole index anew, a second of work, when one of these files is younger.
        for file, text in (
            (home / "state" / "status", ""),
            (sources, f"deb [signed-by={mirror.keyring}] {mirror.uri} {SUITE} main\n"),
        ):
            if not file.is_file() or file.read_text(encoding="utf-8") != text:
                file.write_text(text, encoding="utf-8")
        options = {
            "Dir::State": home / "state",
            "Dir::State::status": home / "state" / "status",
            "Dir::Cache": home / "cache",
            "Dir::Etc::sourcelist": sources,
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": home / "etc" / "preferences.d",
            "APT::Architecture": platform.debian,
            "APT::Architectures": platform.debian,
            "APT::Install-Recommends": "false",
            # The cache may lie where the user _apt can't write; the archives are verified by whoever reads them.
            "APT::Sandbox::User": "root",
            "APT::Update::Error-Mode": "any",
            # A mirror can be some weeks behind; what it has is still signed.
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "APT::Status-Fd": "1",
        }
        self._options = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]

    def update(self) -> None:
        if self._index_stamp.is_file() and time.time() - self._index_stamp.stat().st_mtime < INDEX_FRESH_SECONDS:
            return
        self._apt("index", "update")
        self._index_stamp.touch()

    def download(self, packages: Sequence[str]) -> list[Path]:
        plan = self._apt(None, "install", "--simulate", "--yes", *packages)
        self._apt("download", "install", "--download-only", "--yes", *packages)
        return [self._archives / name for name in archives_planned(plan.output)]

    def _apt(self, stage: Stage | None, *arguments: str) -> Ended:
        def on_line(line: str) -> None:
            share = download_share(line)
            if stage and share is not None:
                self._progress(FetchProgress(self._program, stage, share))

        ended = self._run(("apt-get", "-q", *self._options, *arguments), on_line=on_line)
        if ended.code != 0:
            raise _told(ended, self._program, self._home, keyring=self._mirror.keyring)
        if stage:
            self._progress(FetchProgress(self._program, stage, 1.0))
        return ended


def download_share(line: str) -> float | None:
    """How far apt's download is, from a line of its status (`dlstatus:3:41.5:Retrieving file 3 of 160`)."""
    match = re.match(r"dlstatus:\d+:([\d.]+):", line)
    return min(float(match[1]) / 100, 1.0) if match else None


def archives_planned(simulation: str) -> list[str]:
    """The archives' file names from what `apt-get install --simulate` would do.

    apt names a file package_version_architecture.deb with the colon of an epoch written as %3a.
    """
    planned = re.findall(r"(?m)^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\w+)\]\)", simulation)
    return [f"{package}_{version.replace(':', '%3a')}_{architecture}.deb" for package, version, architecture in planned]


NO_ROOM = ("No space left on device", "enough free space", "Disk quota exceeded")
NO_SIGNATURE = ("NO_PUBKEY", "is not signed", "couldn't be verified", "BADSIG", "EXPKEYSIG")
NO_LINK = (
    "Could not resolve",
    "Temporary failure resolving",
    "Could not connect",
    "Unable to connect",
    "Connection failed",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Network is unreachable",
    "No route to host",
)


def _told(ended: Ended, program: str, folder: Path, *, keyring: Path) -> Exception:
    """The error for what apt or dpkg said. A full disk comes first: it also breaks signatures and connections."""
    told = re.sub(r"(?m)^(?:dl|pm)status:.*\n?", "", ended.output)
    faults = [line for line in told.splitlines() if re.match(r"(?:[EW]|Err|dpkg-deb):|\s+(?:Could|Unable|Temp)", line)]
    detail = "; ".join(line.strip() for line in faults[:2]) or Ended(ended.code, told).last_words()
    if any(sign in told for sign in NO_ROOM):
        return DiskFull(folder)
    if any(sign in told for sign in NO_SIGNATURE):
        return NotSigned(keyring, detail)
    if any(sign in told for sign in NO_LINK):
        return NoNetwork(detail)
    return FetchFailed(program, detail)


def default_cache(environment: Mapping[str, str]) -> Path:
    """The cache folder that all checkouts of this user share."""
    if environment.get("HELPLINE_CACHE"):
        return Path(environment["HELPLINE_CACHE"]).absolute()
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "helpline-1076"
