from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from asterisk_conf.commands import Ended
from asterisk_conf.errors import (
    DiskFull,
    FetchFailed,
    NoKeyring,
    NoMirror,
    NoNetwork,
    NotDebian,
    NotSigned,
    ProgramError,
)
from asterisk_conf.packages import PackageFetcher, archives_planned, default_cache, download_share
from asterisk_conf.platforms import AMD64
from asterisk_conf.progress import FetchProgress

pytestmark = pytest.mark.unit

PLAN = """\
Inst libc6 (2.43-7 Debian:testing [amd64])
Inst asterisk-config (1:22.10.1+dfsg-1 Debian:testing [all]) []
Inst asterisk (1:22.10.1+dfsg-1 Debian:testing [amd64])
Conf libc6 (2.43-7 Debian:testing [amd64])
"""
ARCHIVES = [
    "libc6_2.43-7_amd64.deb",
    "asterisk-config_1%3a22.10.1+dfsg-1_all.deb",
    "asterisk_1%3a22.10.1+dfsg-1_amd64.deb",
]


class FakeDebian:
    """apt-get and dpkg-deb that start nothing. `answers` replaces what a step says."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.answers: dict[str, Ended] = {}
        self.raises: dict[str, OSError] = {}

    def __call__(self, argv: Sequence[str], *, on_line: Callable[[str], None] | None = None) -> Ended:
        self.commands.append(tuple(argv))
        step = self.step(argv)
        if step in self.raises:
            raise self.raises[step]
        if step in self.answers:
            return self.answers[step]
        if step == "update" and on_line:
            on_line("dlstatus:1:50.0:Retrieving file 1 of 2")
        if step == "plan":
            return Ended(0, PLAN)
        if step == "download":
            archives = self.option(argv, "Dir::Cache") / "archives"
            for name in ARCHIVES:
                (archives / name).touch()
        if step == "unpack":
            (Path(argv[-1]) / "usr" / "sbin").mkdir(parents=True, exist_ok=True)
            (Path(argv[-1]) / "usr" / "sbin" / Path(argv[-2]).name.partition("_")[0]).touch()
        return Ended(0, "")

    @staticmethod
    def step(argv: Sequence[str]) -> str:
        if argv[0] == "dpkg-deb":
            return "unpack"
        if "--simulate" in argv:
            return "plan"
        return "download" if "install" in argv else "update"

    @staticmethod
    def option(argv: Sequence[str], name: str) -> Path:
        return next(Path(part.partition("=")[2]) for part in argv if part.startswith(f"{name}="))

    @property
    def steps(self) -> list[str]:
        return [self.step(argv) for argv in self.commands]


@pytest.fixture
def debian() -> FakeDebian:
    return FakeDebian()


@pytest.fixture
def apt_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "apt"
    (folder / "sources.list.d").mkdir(parents=True)
    keyring = tmp_path / "debian-archive-keyring.gpg"
    keyring.touch()
    (folder / "sources.list.d" / "debian.list").write_text(
        f"deb [signed-by={keyring}] http://mirror.invalid/debian bookworm main\n"
    )
    return folder


@pytest.fixture
def fetcher(tmp_path: Path, debian: FakeDebian, apt_folder: Path) -> PackageFetcher:
    return PackageFetcher(
        tmp_path / "cache",
        AMD64,
        runner=debian,
        which=lambda name: f"/usr/bin/{name}",
        apt_folder=apt_folder,
        free_bytes=lambda folder: 10**12,
    )


def fetch(fetcher: PackageFetcher, progress: Callable[[FetchProgress], None] = lambda step: None) -> Path:
    return fetcher.fetch("asterisk", ("asterisk",), needs_mb=500, progress=progress)


def test_a_prefix_holds_every_planned_package_unpacked(fetcher: PackageFetcher, debian: FakeDebian) -> None:
    prefix = fetch(fetcher)
    assert prefix == fetcher.prefix("asterisk")
    assert sorted(file.name for file in (prefix / "usr" / "sbin").iterdir()) == ["asterisk", "asterisk-config", "libc6"]
    assert debian.steps == ["update", "plan", "download", "unpack", "unpack", "unpack"]


def test_apt_is_kept_from_the_system_s_state_and_asks_the_machine_s_own_mirror(
    fetcher: PackageFetcher, debian: FakeDebian, tmp_path: Path
) -> None:
    fetch(fetcher)
    cache = tmp_path / "cache"
    for argv in (argv for argv in debian.commands if argv[0] == "apt-get"):
        for name in ("Dir::State", "Dir::State::status", "Dir::Cache", "Dir::Etc::sourcelist"):
            assert debian.option(argv, name).is_relative_to(cache)
        assert "Dir::Etc::sourceparts=/dev/null" in argv
    sources = debian.option(debian.commands[0], "Dir::Etc::sourcelist").read_text()
    assert re.fullmatch(r"deb \[signed-by=\S+\] http://mirror.invalid/debian testing main\n", sources)
    assert debian.option(debian.commands[0], "Dir::State::status").read_text() == ""


def test_what_is_there_is_not_fetched_again(fetcher: PackageFetcher, debian: FakeDebian) -> None:
    fetch(fetcher)
    debian.commands.clear()
    fetch(fetcher)
    assert debian.commands == []


def test_a_second_program_uses_the_index_just_read(fetcher: PackageFetcher, debian: FakeDebian) -> None:
    fetch(fetcher)
    debian.commands.clear()
    fetcher.fetch("sipp", ("sip-tester",), needs_mb=1)
    assert "update" not in debian.steps


def test_a_second_program_leaves_alone_what_apt_sorts_its_index_anew_for(
    fetcher: PackageFetcher, debian: FakeDebian
) -> None:
    fetch(fetcher)
    files = [debian.option(debian.commands[0], name) for name in ("Dir::State::status", "Dir::Etc::sourcelist")]
    for file in files:
        os.utime(file, (1, 1))
    fetcher.fetch("sipp", ("sip-tester",), needs_mb=1)
    assert [file.stat().st_mtime for file in files] == [1, 1]


def test_another_mirror_is_asked_as_soon_as_the_machine_names_one(
    fetcher: PackageFetcher, debian: FakeDebian, apt_folder: Path
) -> None:
    fetch(fetcher)
    listed = apt_folder / "sources.list.d" / "debian.list"
    listed.write_text(listed.read_text().replace("mirror.invalid", "nearer.invalid"))
    fetcher.fetch("sipp", ("sip-tester",), needs_mb=1)
    assert "http://nearer.invalid/debian" in debian.option(debian.commands[0], "Dir::Etc::sourcelist").read_text()


def test_after_forget_all_is_fetched_anew(fetcher: PackageFetcher, debian: FakeDebian, tmp_path: Path) -> None:
    fetch(fetcher)
    fetcher.forget()
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["lock"]
    debian.commands.clear()
    fetch(fetcher)
    assert debian.steps[:3] == ["update", "plan", "download"]


def test_forgetting_an_empty_cache_is_nothing(fetcher: PackageFetcher, tmp_path: Path) -> None:
    fetcher.forget()
    assert not (tmp_path / "cache").exists()


def test_progress_is_told_stage_by_stage_up_to_the_whole(fetcher: PackageFetcher) -> None:
    steps: list[FetchProgress] = []
    fetch(fetcher, steps.append)
    assert FetchProgress("asterisk", "index", 0.5) in steps
    assert [step.stage for step in steps if step.share == 1.0] == ["index", "download", "unpack"]


def test_an_unpacking_that_breaks_off_leaves_no_prefix_and_drops_the_damaged_archive(
    fetcher: PackageFetcher, debian: FakeDebian, tmp_path: Path
) -> None:
    debian.answers["unpack"] = Ended(2, "dpkg-deb: error: 'x.deb' is not a Debian format archive\n")
    with pytest.raises(FetchFailed, match=r"not a Debian format archive.*Run again"):
        fetch(fetcher)
    assert list((tmp_path / "cache" / "prefixes").iterdir()) == []
    left = {file.name for file in (tmp_path / "cache" / "apt" / "cache" / "archives").glob("*.deb")}
    assert left == set(ARCHIVES[1:])
    del debian.answers["unpack"]
    assert fetch(fetcher).is_dir()


@pytest.mark.parametrize("missing", ["apt-get", "dpkg-deb"])
def test_a_machine_without_apt_or_dpkg_is_told_to_use_its_own_packages(
    missing: str, tmp_path: Path, debian: FakeDebian
) -> None:
    fetcher = PackageFetcher(
        tmp_path, AMD64, runner=debian, which=lambda name: None if name == missing else f"/usr/bin/{name}"
    )
    with pytest.raises(NotDebian, match=f"without {missing} .* own package manager"):
        fetch(fetcher)
    assert debian.commands == []


def test_a_machine_without_a_debian_source_is_told_where_to_add_one(fetcher: PackageFetcher, apt_folder: Path) -> None:
    (apt_folder / "sources.list.d" / "debian.list").unlink()
    (apt_folder / "sources.list").write_text("deb http://mirror.invalid/ubuntu noble main\n")
    with pytest.raises(NoMirror, match=re.escape(str(apt_folder))):
        fetch(fetcher)


def test_without_the_keyring_nothing_is_fetched(fetcher: PackageFetcher, debian: FakeDebian, tmp_path: Path) -> None:
    (tmp_path / "debian-archive-keyring.gpg").unlink()
    with pytest.raises(NoKeyring, match="apt-get install debian-archive-keyring"):
        fetch(fetcher)
    assert debian.commands == []


def test_too_little_room_is_seen_before_anything_is_fetched(
    tmp_path: Path, debian: FakeDebian, apt_folder: Path
) -> None:
    fetcher = PackageFetcher(
        tmp_path / "cache",
        AMD64,
        runner=debian,
        which=lambda name: f"/usr/bin/{name}",
        apt_folder=apt_folder,
        free_bytes=lambda folder: 499_000_000,
    )
    with pytest.raises(DiskFull, match=r"500 MB are needed.*HELPLINE_CACHE"):
        fetch(fetcher)
    assert debian.commands == []


@pytest.mark.parametrize("step", ["update", "plan", "download", "unpack"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("E: You don't have enough free space in /x/archives/.", DiskFull, id="apt: no room"),
        pytest.param("Err: write - write (28: No space left on device)\nW: NO_PUBKEY 12", DiskFull, id="no room first"),
        pytest.param("W: GPG error: ... NO_PUBKEY 0E98404D386FA1D9", NotSigned, id="key unknown"),
        pytest.param("E: The repository 'x testing' is not signed.", NotSigned, id="unsigned"),
        pytest.param("Err:1 x\n  Could not resolve 'mirror.invalid'", NoNetwork, id="no name"),
        pytest.param("E: Failed to fetch x  Connection timed out", NoNetwork, id="time-out"),
        pytest.param("E: Unable to locate package asterisk", FetchFailed, id="not in the archive"),
        pytest.param("", FetchFailed, id="no word at all"),
    ],
)
def test_what_apt_says_becomes_an_error_with_a_next_step(
    step: str, words: str, expected: type[ProgramError], fetcher: PackageFetcher, debian: FakeDebian
) -> None:
    debian.answers[step] = Ended(100, f"dlstatus:1:3.0:x\n{words}\n")
    with pytest.raises(expected) as raised:
        fetch(fetcher)
    assert re.search(r"[Rr]un again", str(raised.value))
    assert "dlstatus" not in str(raised.value)
    assert not fetcher.prefix("asterisk").exists()


def test_a_full_disk_met_by_ourselves_is_told_like_one_met_by_apt(fetcher: PackageFetcher, debian: FakeDebian) -> None:
    debian.raises["unpack"] = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DiskFull, match="Make room"):
        fetch(fetcher)


def test_an_error_of_the_system_that_is_not_the_disk_is_not_renamed(
    fetcher: PackageFetcher, debian: FakeDebian
) -> None:
    debian.raises["update"] = PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(PermissionError):
        fetch(fetcher)


def test_epochs_are_written_as_apt_writes_them() -> None:
    assert archives_planned(PLAN) == ARCHIVES
    upgrade = "Inst a [1.0] (2:1.1 Debian:testing, Debian:unstable [amd64])\n"
    assert archives_planned(upgrade) == ["a_2%3a1.1_amd64.deb"]


@pytest.mark.parametrize(
    ("line", "share"),
    [("dlstatus:1:50:x", 0.5), ("dlstatus:9:100.0:x", 1.0), ("dlstatus:9:101.0:x", 1.0), ("Get:1 x", None), ("", None)],
)
def test_only_status_lines_tell_progress(line: str, share: float | None) -> None:
    assert download_share(line) == share


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_cache_is_the_user_s_and_can_be_moved(home: Path) -> None:
    assert default_cache({}) == home / ".cache" / "helpline-1076"
    assert default_cache({"XDG_CACHE_HOME": "/x"}) == Path("/x/helpline-1076")
    assert default_cache({"XDG_CACHE_HOME": "/x", "HELPLINE_CACHE": "/y"}) == Path("/y")
