"""One helpline to a run folder, its secrets for its owner only."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpline.errors import HelplineError, RunFolderInUse
from helpline.runfolder import RunFolder

pytestmark = pytest.mark.unit


def test_a_second_one_in_the_same_run_folder_is_refused_and_told_whose_it_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with (
        folder.locked("supervisor"),
        pytest.raises(RunFolderInUse, match=r"process \d+"),
        folder.locked("supervisor"),
    ):
        pass


def test_a_stale_lock_file_means_nothing(tmp_path: Path) -> None:
    (tmp_path / "supervisor.lock").write_text("999999")
    with RunFolder(tmp_path).locked("supervisor"):
        assert (tmp_path / "supervisor.lock").read_text() != "999999"


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.secret("api") == folder.secret("api")
    assert folder.secret("api") != folder.secret("redis")
    assert stat.S_IMODE((tmp_path / "api.secret").stat().st_mode) == 0o600


def test_a_full_disk_is_told_before_the_first_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=5 * 2**20))
    with pytest.raises(HelplineError, match=r"Only 5 MiB are free.*Free at least 200 MiB"):
        RunFolder(tmp_path / "run").prepare()


def test_a_run_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HelplineError, match="run_folder"):
        RunFolder(tmp_path / "file" / "run").prepare()
