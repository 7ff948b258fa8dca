"""What a clerk types about officers: a file taken in, who answers, charge and leave, and where nobody does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.service

EXAMPLE = (Path(__file__).parents[3] / "docs" / "officers-file.md").read_text(encoding="utf-8")
CO = "HOM/162/circle-officer"
WHY = ("--why", "order 7")


@pytest.fixture
def file(shell: Shell, tmp_path: Path) -> str:
    """The example of the page, in a helpline that has a database."""
    shell.fine("complaint", "list")
    path = tmp_path / "officers.csv"
    path.write_text(EXAMPLE.split("<!-- example -->\n```\n")[1].split("```")[0], encoding="utf-8")
    return str(path)


def test_a_file_is_looked_into_taken_in_once_and_given_out_again(shell: Shell, file: str, tmp_path: Path) -> None:
    assert "3 postings new" in shell.fine("officers", "import", file, "--dry-run")
    assert "Nobody is on record" in shell.fine("officers", "show", CO)
    assert "Say why" in shell.refused("officers", "import", file)
    assert "2 officers new" in shell.fine("officers", "import", file, *WHY)
    assert "Nothing is new" in shell.fine("officers", "import", file, *WHY)
    (change,) = shell.json("officers", "changes")
    assert change["why"] == "order 7"
    assert "order 7" in shell.fine("officers", "changes")
    assert "3 postings" in shell.fine("officers", "export", str(tmp_path / "out.xlsx"))
    assert "Nothing is new" in shell.fine("officers", "import", str(tmp_path / "out.xlsx"), *WHY)


def test_a_wrong_file_is_told_line_by_line(shell: Shell, file: str) -> None:
    path = Path(file)
    path.write_text(path.read_text(encoding="utf-8").replace("Circle Officer", "Circle Oficer"), encoding="utf-8")
    assert "line 2, designation: HOM has no 'Circle Oficer'. Did you mean circle officer" in shell.refused(
        "officers", "import", file, *WHY
    )


def test_leave_charge_and_an_end_change_who_answers(shell: Shell, file: str) -> None:
    shell.fine("officers", "import", file, *WHY)
    everyday = ("--from", "01-01-2026", "--until", "31-12-2027")
    shell.fine("officers", "leave", "PNO10234", *everyday, *WHY)
    (hole,) = [one for one in shell.json("officers", "list", "--holes") if one["post"] == CO]
    assert hole["how"] == "on leave"
    shell.fine("officers", "charge", CO, "pno10042", *everyday, *WHY)
    (covered,) = [
        one for one in shell.json("officers", "list", "--department", "HOM", "--district", "162") if one["post"] == CO
    ]
    assert (covered["officer"], covered["how"]) == ("PNO10042 Sunita Singh", "on leave, charge")
    shell.fine("officers", "end", CO, "PNO10042", "--until", "02-01-2026", *WHY)
    assert "on leave" in shell.fine("officers", "list", "--holes")
    assert [one["as"] for one in shell.json("officers", "show", "PNO10234")] == ["holder", "charge", "leave"]
    assert "2026-01-02" in shell.fine("officers", "show", CO)


def test_a_complete_department_shows_its_holes_and_complaints_go_past_them(shell: Shell, file: str) -> None:
    shell.fine("officers", "import", file, *WHY)
    (home,) = [row for row in shell.json("officers", "coverage") if row["code"] == "HOM"]
    assert sum(len(level["holes"]) for level in home["levels"]) == 0
    shell.fine("officers", "complete", "HOM", *WHY)
    assert "374/375" in shell.fine("officers", "coverage")
    (agra,) = [row for row in shell.json("officers", "coverage", "--department", "HOM") if row["name"] == "Agra"]
    assert all(level["named"] == 0 and len(level["holes"]) == level["posts"] for level in agra["levels"])
    one = shell.json("complaint", "register", "-c", "HOM-01", "-d", "Agra", "-t", "no FIR")
    assert (one["post"], one["level"]) == ("leadership", 4)
    shell.fine("officers", "complete", "HOM", "--undo", *WHY)
    two = shell.json("complaint", "register", "-c", "HOM-01", "-d", "Agra", "-t", "no FIR again")
    assert two["level"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("list",), "Name a --department"),
        (("show", "HOM/162/king"), "There is no post"),
        (("show", "X99"), "No officer has the id"),
        (("leave", "X99", "--from", "soon", "--until", "01-01-2027", *WHY), "'soon' is no day"),
        (("import", "nowhere.csv", *WHY), "can't be read"),
    ],
)
def test_what_can_not_be_is_told_with_the_next_step(shell: Shell, file: str, words: tuple[str, ...], says: str) -> None:
    assert says in shell.refused("officers", *words)
