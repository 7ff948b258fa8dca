"""Campaigns and their lists, on the command line."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from helpline.contact_files import ContactFile
from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.service

NOW = datetime(2026, 11, 25, 6, tzinfo=UTC)

GOOD = "number,complaint,due\n98765 43210,123456789012,2026-12-31\n+91 9876543211,123456789013,2026-12-30 17:30\n"
BAD = GOOD + "12,123456789014,\n9876543213,,\n9876543214,123456789015,soon\n9876543215,123456789012,\n"


@pytest.fixture
def water(shell: Shell) -> Shell:
    shell.fine("complaint", "list")  # makes the database
    shell.fine("campaign", "create", "water-2", "--caller-id", "1600221077", "--by", "supervisor")
    return shell


def written(folder: Path, text: str) -> str:
    file = folder / "list.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_list_is_imported_once_shown_and_exported(water: Shell, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    assert "2 contacts are new, 0 were there already" in water.fine("campaign", "import", "water-2", file)
    assert "0 contacts are new, 2 were there already" in water.fine("campaign", "import", "water-2", file)
    (one,) = water.json("campaign", "list")
    assert (one["state"], one["contacts"], one["waiting"], one["made_by"]) == ("draft", 2, 2, "supervisor")
    out = tmp_path / "out.csv"
    assert "2 contacts" in water.fine("campaign", "export", "water-2", str(out))
    assert out.stat().st_mode & 0o077 == 0  # it is personal data
    with out.open(newline="") as read:
        rows = list(csv.DictReader(read))
    assert [(row["number"], row["key"], row["due"][:10]) for row in rows] == [
        ("9876543210", "123456789012", "2026-12-30"),  # midnight in India is the evening before in UTC
        ("9876543211", "123456789013", "2026-12-30"),
    ]
    assert "there already" in water.refused("campaign", "export", "water-2", str(out))


def test_with_a_bad_line_nothing_is_imported_and_each_is_told_with_why(water: Shell, tmp_path: Path) -> None:
    file, faults = written(tmp_path, BAD), tmp_path / "bad.csv"
    said = water.refused("campaign", "import", "water-2", file, "--faults", str(faults))
    for words in (
        "4 of 6 lines are wrong, so nothing was imported",
        "line 4, number: it is no telephone number",
        "line 5, complaint: there is none",
        "line 6, due: a time such as",
        "line 7, complaint: it stands on an earlier line",
    ):
        assert words in said
    assert [row["line"] for row in csv.DictReader(faults.read_text().splitlines())] == ["4", "5", "6", "7"]
    assert water.json("campaign", "show", "water-2")["contacts"] == 0
    assert "4 bad lines were left out" in water.fine("campaign", "import", "water-2", file, "--skip-bad")
    assert water.json("campaign", "show", "water-2")["contacts"] == 2


def test_a_sheet_is_read_like_a_csv(water: Shell, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("number", "complaint"), (9876543210, 123456789012.0), ("098765 43211", "123456789013")):
        book.active.append(row)
    book.save(tmp_path / "list.xlsx")
    assert "2 contacts are new" in water.fine("campaign", "import", "water-2", str(tmp_path / "list.xlsx"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_list_is_read_in_the_encodings_and_marks_of_excel(tmp_path: Path, encoding: str, mark: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(GOOD.replace(",", mark).replace("98765 43210", "९८७६५ ४३२१०").encode(encoding))
    lines = ContactFile(file, zone=ZoneInfo("Asia/Kolkata"), now=NOW, asks=True)
    assert lines.check() == (2, [])
    assert [one.number for one in lines.right()] == ["9876543210", "9876543211"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("phone,complaint\n1,2\n", "must name the columns"), ("", "must name the columns")],
    ids=["other columns", "empty"],
)
def test_a_file_that_is_no_list_is_refused(water: Shell, tmp_path: Path, text: str, says: str) -> None:
    assert says in water.refused("campaign", "import", "water-2", written(tmp_path, text))


def test_what_can_not_be_is_told_with_the_next_step(water: Shell, tmp_path: Path) -> None:
    assert "already" in water.refused("campaign", "create", "water-2")
    assert "1600 series" in water.refused("campaign", "create", "roads", "--caller-id", "9876543210")
    assert "is no mode" in water.refused("campaign", "create", "roads", "--mode", "loud")
    assert "campaign list" in water.refused("campaign", "show", "roads")
    water.fine("campaign", "finish", "water-2")
    assert "is finished" in water.refused("campaign", "import", "water-2", written(tmp_path, GOOD))
