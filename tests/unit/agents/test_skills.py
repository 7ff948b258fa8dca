"""Skills: what can be said of an agent, and what is left of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import InvalidSkill
from agents.skills import KINDS, SERVICES, changed, default_skills, languages_of, skills_from_text, skills_to_text

pytestmark = pytest.mark.unit

skills = st.dictionaries(
    st.builds("{}:{}".format, st.sampled_from(KINDS), st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)),
    st.integers(1, 9),
)


def test_a_new_agent_serves_everything_in_their_languages() -> None:
    assert default_skills(["hi", "en"]) == {
        **{f"service:{service}": 5 for service in SERVICES},
        "language:hi": 5,
        "language:en": 5,
    }


def test_levels_are_changed_one_by_one_and_zero_takes_a_skill_away() -> None:
    before = default_skills(["hi"])
    after = changed(before, {"service:complaint": 9, "service:emergency": 0, "speciality:land": 3})
    assert after["service:complaint"] == 9
    assert "service:emergency" not in after
    assert after["speciality:land"] == 3
    assert after["service:status"] == 5
    assert before == default_skills(["hi"])


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        pytest.param({"complaint": 5}, "no skill", id="without a kind"),
        pytest.param({"hobby:chess": 5}, "no skill", id="an unknown kind"),
        pytest.param({"service:": 5}, "no skill", id="without a name"),
        pytest.param({"service:Land Records": 5}, "no skill", id="a blank in it"),
        pytest.param({"speciality:land": 10}, "Levels are 1 to 9", id="too high"),
        pytest.param({"speciality:land": -1}, "Levels are 1 to 9", id="below nothing"),
        pytest.param({"language:hi": 0}, "Without any language", id="no language left"),
        pytest.param({f"service:{service}": 0 for service in SERVICES}, "Without any service", id="no service left"),
    ],
)
def test_what_can_not_be_a_skill_is_refused(levels: dict[str, int], said: str) -> None:
    with pytest.raises(InvalidSkill, match=said):
        changed(default_skills(["hi"]), levels)


def test_languages_follow_the_skills_the_best_first() -> None:
    assert languages_of(changed(default_skills(["hi", "en"]), {"language:ur": 9, "language:hi": 3})) == (
        "ur",
        "en",
        "hi",
    )


@given(skills)
def test_skills_are_kept_as_they_were(kept: dict[str, int]) -> None:
    assert skills_from_text(skills_to_text(kept)) == kept
