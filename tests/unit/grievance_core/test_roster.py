"""Who answers for a complaint: always somebody, never the accused, and on record why not the mapped officer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grievance_core.lifecycle import LEADERSHIP_LEVEL
from grievance_core.officers import LEADERSHIP, PostId, post_by_id, post_for, posts_of
from grievance_core.posts.coverage import by_department, by_district
from grievance_core.posts.lines import Line, day_of, read
from grievance_core.posts.owners import Owned, owner_for
from grievance_core.posts.plan import plan
from grievance_core.posts.roster import Hold, Leave, Officer, OfficerId, Posting, Roster
from grievance_core.rules import mapped_owners
from tests.unit.grievance_core.stories import CATALOGUE

pytestmark = pytest.mark.unit

LUCKNOW = CATALOGUE.find_district("Lucknow")
MATTER = CATALOGUE.category("HOM-01")
POSTS = [post_for(MATTER, LUCKNOW, level).id for level in (1, 2, 3, 4)]
DAY = date(2026, 11, 25)
PEOPLE = [OfficerId(f"P{n}") for n in range(5)]


def held(
    post: PostId, officer: str, *, hold: Hold = Hold.HOLDER, first: date = DAY, last: date | None = None
) -> Posting:
    return Posting(post=post, officer=OfficerId(officer), hold=hold, first=first, last=last)


def owner(roster: Roster, level: int = 1, *, accused: PostId | None = None, day: date = DAY) -> Owned:
    return owner_for(roster, CATALOGUE, category="HOM-01", district=LUCKNOW.code, level=level, day=day, accused=accused)


spans = st.tuples(st.integers(-3, 3), st.one_of(st.none(), st.integers(0, 4))).map(
    lambda span: (DAY + timedelta(days=span[0]), None if span[1] is None else DAY + timedelta(days=sum(span)))
)
rosters = st.builds(
    lambda postings, leaves, complete: Roster.of(
        (Officer(id=one, name=one) for one in PEOPLE), postings, leaves, complete=complete
    ),
    st.lists(
        st.builds(
            lambda post, who, hold, span: Posting(post=post, officer=who, hold=hold, first=span[0], last=span[1]),
            st.sampled_from(POSTS),
            st.sampled_from(PEOPLE),
            st.sampled_from(Hold),
            spans,
        ),
        max_size=8,
    ),
    st.lists(
        st.builds(lambda who, at: Leave(officer=who, first=at, last=at + timedelta(days=2)), st.sampled_from(PEOPLE),
                  st.sampled_from([DAY, DAY - timedelta(days=1), DAY - timedelta(days=3)])),
        max_size=4,
    ),
    st.sampled_from([(), ("HOM",)]),
)  # fmt: skip


@given(rosters, st.integers(1, 5), st.one_of(st.none(), st.sampled_from(POSTS)))
def test_there_is_always_an_owner_who_is_there_and_is_never_the_accused(
    roster: Roster, level: int, accused: PostId | None
) -> None:
    found = owner(roster, level, accused=accused)
    assert level <= found.level <= LEADERSHIP_LEVEL
    assert (found.post == LEADERSHIP) == (found.level == LEADERSHIP_LEVEL)
    assert found.post != accused
    if accused is not None:
        assert found.holder not in roster.persons_of(accused, DAY)
    if found.holder is not None:
        assert roster.leave_of(found.holder, DAY) is None
        assert any(one.covers(DAY) for one in roster.postings[found.post] if one.officer == found.holder)
    assert bool(found.flags) or found.level == level  # going up is never without a reason on record
    for below in range(level, found.level):
        seat = roster.seat(POSTS[below - 1], DAY)
        accused_sits = accused is not None and (
            POSTS[below - 1] == accused or seat.officer in roster.persons_of(accused, DAY)
        )
        assert accused_sits or not seat.answers  # nobody who could have had it was passed


@given(st.integers(1, 5), st.one_of(st.none(), st.sampled_from(POSTS)))
def test_with_an_empty_roster_all_is_as_the_designations_say(level: int, accused: PostId | None) -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    found = mapped_owners(CATALOGUE)("HOM-01", LUCKNOW.code, level, at, accused)
    passed = accused is not None and POSTS[level - 1 : level] == [accused]
    due = level + passed
    assert found.post == ([*POSTS, LEADERSHIP][due - 1])
    assert (found.level, found.flags) == (due, ("against_officer",) if passed else ())


def test_on_leave_it_goes_to_who_has_charge_else_up_and_the_first_day_back_it_is_the_holders() -> None:
    leave = Leave(officer=OfficerId("A"), first=DAY, last=DAY)
    people = (held(POSTS[0], "A"), held(POSTS[1], "B"))
    away = Roster.of((), people, (leave,))
    assert owner(away) == Owned(POSTS[1], OfficerId("B"), 2, ("on_leave",))
    covered = Roster.of((), (*people, held(POSTS[0], "C", hold=Hold.CHARGE)), (leave,))
    assert owner(covered) == Owned(POSTS[0], OfficerId("C"), 1, ("on_leave", "charge"))
    assert owner(covered, day=DAY + timedelta(days=1)) == Owned(POSTS[0], OfficerId("A"), 1)


def test_the_accused_is_passed_in_the_post_of_which_they_have_charge_too() -> None:
    roster = Roster.of((), (held(POSTS[0], "A"), held(POSTS[1], "A", hold=Hold.CHARGE), held(POSTS[2], "C")))
    assert owner(roster, accused=POSTS[0]) == Owned(POSTS[2], OfficerId("C"), 3, ("against_officer",))


def test_a_post_without_a_name_counts_as_nobodys_only_when_the_department_is_complete() -> None:
    named = (held(POSTS[2], "C"),)
    assert owner(Roster.of((), named)) == Owned(POSTS[0], None, 1)
    complete = Roster.of((), named, complete=("HOM",))
    assert owner(complete) == Owned(POSTS[2], OfficerId("C"), 3, ("unmapped",))
    assert owner(complete, level=4) == Owned(LEADERSHIP, None, LEADERSHIP_LEVEL, ("unmapped",))


def test_who_comes_later_or_has_charge_only_does_not_make_a_post_vacant_before() -> None:
    later = Roster.of((), (held(POSTS[0], "A", first=DAY + timedelta(days=1)),))
    assert owner(later) == Owned(POSTS[0], None, 1)
    assert owner(later, day=DAY + timedelta(days=1)) == Owned(POSTS[0], OfficerId("A"), 1)
    charge = Roster.of((), (held(POSTS[0], "B", hold=Hold.CHARGE, last=DAY),))
    assert owner(charge) == Owned(POSTS[0], OfficerId("B"), 1, ("charge",))
    assert owner(charge, day=DAY + timedelta(days=1)) == Owned(POSTS[0], None, 1)


def test_what_lies_with_a_post_is_to_move_when_it_is_vacant_or_the_leave_is_long() -> None:
    week = Leave(officer=OfficerId("A"), first=DAY, last=DAY + timedelta(days=6))
    vacant = held(POSTS[1], "B", first=DAY - timedelta(days=9), last=DAY - timedelta(days=1))
    roster = Roster.of((), (held(POSTS[0], "A"), vacant, held(POSTS[2], "C")), (week,))
    assert roster.gone(DAY, leave_days=7) == [POSTS[1]]
    assert roster.gone(DAY, leave_days=6) == [POSTS[1], POSTS[0]]


def test_coverage_counts_the_named_those_by_charge_and_the_holes() -> None:
    roster = Roster.of((), (held(POSTS[0], "A"), held(POSTS[2], "C", hold=Hold.CHARGE)), complete=("HOM",))
    (home,) = [row for row in by_department(roster, CATALOGUE, DAY) if row.code == "HOM"]
    assert [cell.named for cell in home.cells] == [1, 1, 1, 0]  # a circle officer is L2 for other matters
    assert [cell.by_charge for cell in home.cells] == [0, 0, 1, 0]
    assert all(cell.unnamed == 0 and len(cell.holes) == cell.posts - cell.named for cell in home.cells)
    (lucknow,) = [row for row in by_district(roster, CATALOGUE, DAY, "HOM") if row.code == LUCKNOW.code]
    assert POSTS[0] not in lucknow.cells[0].holes
    assert POSTS[1] in lucknow.cells[1].holes


def test_every_post_of_a_department_is_found_again_by_its_id() -> None:
    for post in posts_of(CATALOGUE, "HOM", LUCKNOW):
        assert post_by_id(CATALOGUE, post.id) == post
    assert post_by_id(CATALOGUE, PostId("HOM/162/no-longer-there")).title == "no longer there, Lucknow"
    assert post_by_id(CATALOGUE, PostId("nonsense")).title == "nonsense"


# Files


def line(number: int = 2, **cells: str) -> Line:
    right = {"department": "HOM", "district": "Lucknow", "designation": "circle officer", "officer_id": "p1"}
    return Line(number, right | {"name": "अनिल", "mobile": "", "as": "", "from": "01-04-2026", "until": ""} | cells)


def test_a_right_line_is_read_as_people_write_it() -> None:
    entries, faults = read([line(district="लखनऊ", mobile="+91 98765-00001", until="2026-12-31")], CATALOGUE)
    assert not faults
    assert entries[0].officer == Officer(id=OfficerId("P1"), name="अनिल", mobile="9876500001")
    assert entries[0].posting == held(POSTS[0], "P1", first=date(2026, 4, 1), last=date(2026, 12, 31))


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        ({"department": "Home"}, "department", "Did you mean HOM"),
        ({"district": "Luknow"}, "district", "Did you mean"),
        ({"designation": "Circle Oficer"}, "designation", "Did you mean circle officer"),
        ({"officer_id": "?"}, "officer_id", "own number"),
        ({"name": " "}, "name", "give the name"),
        ({"mobile": "12345"}, "mobile", "ten digits"),
        ({"as": "boss"}, "as", "holder, or charge"),
        ({"from": ""}, "from", "it is empty"),
        ({"from": "31-02-2026"}, "from", "is no day"),
        ({"from": "04/31/2026"}, "from", "is no day"),
        ({"until": "31-03-2026"}, "until", "is before"),
    ],
)
def test_a_wrong_cell_is_told_with_its_line_and_column(cells: dict[str, str], column: str, says: str) -> None:
    entries, faults = read([line(7, **cells)], CATALOGUE)
    assert not entries
    assert [(fault.line, fault.column) for fault in faults] == [(7, column)]
    assert says in faults[0].message


def test_every_fault_of_every_line_is_told() -> None:
    _, faults = read([line(2, name="", mobile="1"), line(3), line(4, district="")], CATALOGUE)
    assert [(fault.line, fault.column) for fault in faults] == [(2, "name"), (2, "mobile"), (4, "district")]


@given(st.text(max_size=12))
def test_any_text_is_a_day_or_is_none(text: str) -> None:
    assert day_of(text) is None or isinstance(day_of(text), date)


def planned(roster: Roster, *lines: Line) -> tuple[object, list[str]]:
    entries, faults = read(lines, CATALOGUE)
    assert not faults
    found, clashes = plan(roster, entries)
    return found, [str(clash) for clash in clashes]


def test_who_comes_ends_the_time_of_who_was_there_and_of_their_own_earlier_post() -> None:
    sho = post_for(CATALOGUE.category("HOM-03"), LUCKNOW, 1).id
    before = (held(POSTS[0], "OLD", first=date(2025, 1, 1)), held(sho, "P1", first=date(2025, 1, 1)))
    found, clashes = planned(Roster.of((), before), line())
    assert not clashes
    ended = {one.officer: one.last for one in found.changed}  # type: ignore[attr-defined]
    assert ended == {"OLD": date(2026, 3, 31), "P1": date(2026, 3, 31)}


@pytest.mark.parametrize(
    ("there", "more", "says"),
    [
        (held(POSTS[0], "X", first=DAY), {}, "the post has another officer"),
        (held(POSTS[1], "P1", first=date(2026, 1, 1), last=DAY), {}, "the officer is in"),
    ],
)
def test_what_overlaps_otherwise_is_refused(there: Posting, more: dict[str, str], says: str) -> None:
    _, clashes = planned(Roster.of((), (there,)), line(5, **more))
    assert len(clashes) == 1
    assert "line 5, from" in clashes[0]
    assert says in clashes[0]


def test_charge_of_a_second_post_is_no_clash() -> None:
    _, clashes = planned(Roster.of((), (held(POSTS[1], "P1", first=date(2026, 1, 1)),)), line(**{"as": "charge"}))
    assert not clashes


def test_the_same_line_twice_and_an_officer_with_two_names_are_faults() -> None:
    _, clashes = planned(Roster(), line(2), line(3), line(4, **{"as": "charge", "district": "Agra", "name": "B"}))
    assert [clash.split(":")[0] for clash in clashes] == ["line 3, from", "line 4, name"]
