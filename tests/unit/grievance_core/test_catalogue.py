from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import timedelta
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grievance_core.catalogue import Catalogue
from grievance_core.errors import CatalogueError, UnknownCategory, UnknownDepartment, UnknownDistrict
from grievance_core.limits import Limit, limit_of
from grievance_core.officers import post_for

pytestmark = pytest.mark.unit

SHIPPED = Catalogue.shipped()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files that a test may spoil."""
    for file in ("districts.csv", "departments.csv", "categories.csv"):
        with resources.as_file(resources.files("grievance_core") / "data" / file) as source:
            shutil.copy(source, tmp_path / file)
    return tmp_path


def spoil(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(folder: Path) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as caught:
        Catalogue.load(folder)
    return caught.value.problems


def test_the_whole_state_ships() -> None:
    assert (len(SHIPPED.districts), len(SHIPPED.departments), len(SHIPPED.categories)) == (75, 58, 158)


def test_every_department_has_a_category() -> None:
    assert all(SHIPPED.categories_of(code) for code in SHIPPED.departments)


@pytest.mark.parametrize("name", ["162", "Lucknow", "LUCKNOW ", "लखनऊ"])
def test_a_district_is_found_by_code_and_by_name_in_both_languages(name: str) -> None:
    assert SHIPPED.find_district(name).code == "162"


@pytest.mark.parametrize(
    ("name", "code"),
    [("Allahabad", "120"), ("इलाहाबाद", "120"), ("Noida", "144"), ("आजमगढ", "123"), ("gautam-buddha nagar", "144")],
)
def test_old_names_missing_nuktas_and_dashes_find_the_district(name: str, code: str) -> None:
    assert SHIPPED.find_district(name).code == code


@pytest.mark.parametrize(
    ("std_code", "codes"), [("0522", ["162"]), ("522", ["162"]), ("0121", ["124", "169"]), ("011", []), ("", [])]
)
def test_an_std_code_gives_all_districts_that_share_it(std_code: str, codes: list[str]) -> None:
    assert [district.code for district in SHIPPED.districts_by_std(std_code)] == codes


@pytest.mark.parametrize(
    ("asked", "suggestion"),
    [("HOM-1", r"HOM-01 \(FIR not registered\)"), ("potholes in the road", "PWD-01"), ("ENE02", "ENE-02")],
)
def test_an_unknown_category_suggests_the_nearest(asked: str, suggestion: str) -> None:
    with pytest.raises(UnknownCategory, match=f"Did you mean {suggestion}"):
        SHIPPED.category(asked)


@pytest.mark.parametrize("asked", ["luckno", "Lucknow", "लखनउ"])
def test_an_unknown_district_suggests_the_nearest_by_name(asked: str) -> None:
    with pytest.raises(UnknownDistrict, match=r"Did you mean 162 \(Lucknow\)"):
        SHIPPED.district(asked)


def test_what_is_like_nothing_gets_no_suggestion() -> None:
    with pytest.raises(UnknownDistrict, match="Look it up"):
        SHIPPED.district("qqqqqqqqqq" * 100)
    with pytest.raises(UnknownDepartment, match="Look it up"):
        SHIPPED.department("")


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_no_text_breaks_the_lookups(text: str) -> None:
    for look_up in (SHIPPED.category, SHIPPED.find_district, SHIPPED.department):
        with suppress(UnknownCategory, UnknownDistrict, UnknownDepartment):
            look_up(text)
    SHIPPED.districts_by_std(text)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        pytest.param(
            "categories.csv",
            "होना,3,3,5,7,",
            "होना,3,three,5,7,",
            "categories.csv line 2: l2_days is 'three', expected working days",
            id="a limit in words",
        ),
        pytest.param(
            "categories.csv", "होना,3,3,5,7,", "होना,0,3,5,7,", "categories.csv line 2: l1_days is '0'", id="no days"
        ),
        pytest.param(
            "categories.csv", "HOM-02,HOM,", "HOM-02,HOX,", "categories.csv line 3: department_code 'HOX'", id="typo"
        ),
        pytest.param(
            "categories.csv", "HOM-03,HOM,", "HOM-02,HOM,", "line 4: code HOM-02 stands in line 3 already", id="twice"
        ),
        pytest.param(
            "categories.csv",
            "HOM-02,HOM,",
            "HOM-02,HOM,x,",
            "categories.csv line 3: 14 fields are expected",
            id="comma",
        ),
        pytest.param(
            "categories.csv",
            "Circle Officer,Additional Superintendent of Police,",
            "Circle Officer,Circle Officer,",
            "categories.csv line 2: the officers of levels 1 to 4 must be four different",
            id="rises to the same officer",
        ),
        pytest.param(
            "categories.csv", "code,", "kode,", "categories.csv line 1: the columns must be code,", id="header"
        ),
        pytest.param("departments.csv", "गृह (पुलिस)", "", "departments.csv line 2: name_hi is empty", id="no name"),
        pytest.param("districts.csv", ",0562,", ",562,", "districts.csv line 2: std_code is '562'", id="STD without 0"),
        pytest.param(
            "districts.csv", "Aligarh,", "Agra,", "the name 'agra' is given to 118 and 119", id="one name, two"
        ),
        pytest.param("districts.csv", "\n119,", '\n"119,', "districts.csv line 3", id="a quotation mark left open"),
    ],
)
def test_a_wrong_line_is_told_with_its_number_and_what_was_expected(
    folder: Path, file: str, old: str, new: str, told: str
) -> None:
    spoil(folder, file, old, new)
    assert any(told in problem for problem in problems(folder)), problems(folder)


def test_all_wrong_lines_are_told_at_once(folder: Path) -> None:
    spoil(folder, "districts.csv", ",0562,", ",,")
    spoil(folder, "departments.csv", "राजस्व", "")
    spoil(folder, "categories.csv", "होना,3,3,5,7,", "होना,3,3,5,-7,")
    assert len(problems(folder)) == 3


def test_lines_after_a_field_with_a_line_break_keep_their_numbers(folder: Path) -> None:
    spoil(folder, "districts.csv", "118,Agra,", '118,"Ag\nra",')
    spoil(folder, "districts.csv", ",0571,", ",571,")
    assert problems(folder) == (
        "districts.csv line 4: std_code is '571', expected an STD code with its leading 0, such as 0522.",
    )


def test_another_encoding_is_told_with_its_line(folder: Path) -> None:
    data = (folder / "districts.csv").read_bytes().replace("अलीगढ़".encode(), b"\xff\xfe", 1)
    (folder / "districts.csv").write_bytes(data)
    assert "districts.csv line 3: this is not UTF-8. Save the file as 'CSV UTF-8'." in problems(folder)


def test_the_mark_that_excel_puts_before_utf8_does_no_harm(folder: Path) -> None:
    path = folder / "categories.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(Catalogue.load(folder).categories) == 158


def test_a_missing_or_empty_file_is_told(folder: Path) -> None:
    (folder / "departments.csv").unlink()
    (folder / "districts.csv").write_text("")
    told = problems(folder)
    assert any(problem.startswith("departments.csv: it can't be read") for problem in told)
    assert any(problem.startswith("districts.csv") for problem in told)


def test_every_category_has_a_post_at_each_level_in_every_district() -> None:
    for category in SHIPPED.categories.values():
        for district in SHIPPED.districts.values():
            posts = [post_for(category, district, level).id for level in (1, 2, 3, 4)]
            assert len(set(posts)) == 4
            assert all(len(post) <= 120 for post in posts)


def test_a_post_is_an_office_with_one_list_for_all_its_categories() -> None:
    lucknow = SHIPPED.district("162")
    post = post_for(SHIPPED.category("HOM-01"), lucknow, 1)
    assert (post.id, post.title) == ("HOM/162/circle-officer", "Circle Officer, Lucknow")
    # A Circle Officer is second level for neighbours' disputes and first level for an unregistered FIR.
    assert post_for(SHIPPED.category("HOM-03"), lucknow, 2) == post
    assert post_for(SHIPPED.category("HOM-01"), SHIPPED.district("118"), 1) != post


@pytest.mark.parametrize("level", [0, 5])
def test_there_is_no_post_outside_the_four_levels(level: int) -> None:
    category = SHIPPED.category("HOM-01")
    with pytest.raises(ValueError, match="1 to 4"):
        post_for(category, SHIPPED.district("162"), level)


def test_a_limit_is_in_working_days_and_of_an_emergency_in_hours() -> None:
    assert [str(limit) for limit in SHIPPED.category("HOM-01").limits] == ["3", "3", "5", "7"]
    assert [str(limit) for limit in SHIPPED.category("ENE-02").limits] == ["24h", "24h", "2", "3"]
    assert SHIPPED.category("ENE-02").limits[0] == Limit(timedelta(hours=24), working=False)


@pytest.mark.parametrize("text", ["", "0", "0h", "h", "1.5", "-3", "३", "366", "9000h", "7d"])
def test_a_cell_that_is_no_limit_is_none(text: str) -> None:
    assert limit_of(text) is None
