"""What is given to SIPp is well formed, and what it tells is read right."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from helpline.demo import sipp
from helpline.demo.errors import ScenarioFailed
from helpline.demo.sipp import Results, parse_statistics

pytestmark = pytest.mark.unit

HEAD = "StartTime;TotalCallCreated;SuccessfulCall(P);SuccessfulCall(C);FailedCall(P);FailedCall(C)"
REASONS = ";FailedUnexpectedMessage(C);FailedTimeoutOnRecv(C);FailedMaxUDPRetrans(C);FailedCallRejected(C);\n"
NOW = "2026-11-24\t23:00:00.000000\t1795561200.000000;"


def test_the_last_row_of_the_statistics_counts() -> None:
    text = HEAD + REASONS + f"{NOW}4;4;4;0;0;0;0;0;0;\n" + f"{NOW}9;1;6;1;3;2;1;0;0;\n"
    assert parse_statistics(text) == Results(
        begun=9, well=6, badly=3, reasons={"UnexpectedMessage": 2, "TimeoutOnRecv": 1}
    )


@pytest.mark.parametrize("text", ["", HEAD, HEAD + REASONS, HEAD + REASONS + "2026"], ids=range(4))
def test_statistics_that_have_just_begun_tell_of_no_calls(text: str) -> None:
    assert parse_statistics(text) == Results()


def test_results_are_told_in_a_sentence() -> None:
    results = Results(begun=3, well=2, badly=1, reasons={"UnexpectedMessage": 1}, words=("404 came",))
    assert str(results) == "3 calls: 2 well, 1 badly; 404 came"


def test_each_key_is_one_info_with_its_own_number_and_a_comma_a_pause() -> None:
    text = sipp._key_presses("1,#")
    scenario = ElementTree.fromstring(f"<scenario>{text}</scenario>")
    assert [label.get("id") for label in scenario.iter("label")] == ["key_2", "key_3"]
    assert [wait.get("timeout") for wait in scenario.iter("recv") if wait.get("timeout")] == ["500", "1250"]
    assert [send.text.split("Signal=")[1][0] for send in scenario.iter("send") if send.text] == ["1", "#"]


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ScenarioFailed, match="'x' is no key of a telephone"):
        sipp._key_presses("1x")


@pytest.mark.parametrize("name", ["calls.xml", "answers.xml", "refuses.xml"])
def test_scenarios_are_well_formed_and_have_a_story(name: str) -> None:
    text = sipp._scenario(name)
    assert ElementTree.fromstring(text.encode()).tag == "scenario"
    assert "<!--" in text.partition("<scenario")[0]


def test_what_is_put_in_leaves_the_words_for_readers_alone() -> None:
    text = sipp._put_in(sipp._scenario("answers.xml"), {"RING": "5", "STAY": "6", "<!--VOICE-->": ""})
    head, _, body = text.partition("<scenario")
    assert "RING, STAY and VOICE are put in" in head
    assert 'timeout="5" ontimeout="answer"' in body
    assert not {"RING", "STAY", "VOICE"} & set(body.split('"'))
