"""A settings file is either right or told apart line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpline.errors import SettingsError
from helpline.settings import load, parse

pytestmark = pytest.mark.unit


def parsed(text: str) -> object:
    return parse(text, source="helpline.toml", base=Path("/srv"))


def test_every_setting_has_a_default() -> None:
    settings = parse("", source="none", base=Path("/srv"))
    assert settings.telephony.number == "1076"
    assert settings.run_folder == Path("/srv/run")
    assert settings.telephony.bind == settings.console.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "[telephony]\nnumber = '1076'\nsip_prt = 5060\n",
            ["helpline.toml, line 3: telephony.sip_prt is not a setting", "sip_port"],
            id="a misspelt key",
        ),
        pytest.param(
            "[queue]\n\nring_seconds = 'long'\n",
            ["line 3: queue.ring_seconds = 'long'", "integer"],
            id="a word for a number",
        ),
        pytest.param("[quue]\n", ["line 1: quue is not a setting", "queue"], id="a misspelt table"),
        pytest.param(
            "[telephony.trunk]\nhost = 'x'\nport = 70000\n",
            ["line 3: telephony.trunk.port", "65535"],
            id="a port out of range in a nested table",
        ),
        pytest.param("time_zone = 'Asia/Kolkatta'\n", ["line 1: time_zone", "Asia/Kolkata"], id="no such time zone"),
        pytest.param("run_folder\n", ["helpline.toml:", "line 1"], id="no TOML at all"),
    ],
)
def test_a_typo_is_told_with_its_line_and_what_was_expected(text: str, expected: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        parsed(text)
    for part in expected:
        assert part in str(error.value)


def test_every_fault_of_a_file_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        parsed("[queue]\nring_seconds = 1\nwrap = 2\n")
    assert "line 2" in str(error.value)
    assert "line 3" in str(error.value)


def test_a_file_that_is_missing_or_no_text_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Name another with --settings"):
        load(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"\xff\xfe[")
    with pytest.raises(SettingsError, match="UTF-8"):
        load(broken)


def test_the_file_is_found_by_the_environment_and_its_run_folder_counts_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("run_folder = 'calls'\n")
    monkeypatch.setenv("HELPLINE_SETTINGS", str(file))
    assert load().run_folder == tmp_path / "calls"
