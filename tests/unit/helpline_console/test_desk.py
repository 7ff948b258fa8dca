from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from acd.live.work import WorkItem
from agents.agent import Line
from agents.presence import State
from tests.unit.helpline_console.stand_ins import House

pytestmark = pytest.mark.unit

FORM = {
    "kind": "complaint",
    "language": "hi",
    "category": "ENE-02 Transformer burnt · ट्रांसफार्मर",
    "district": "Lucknow · लखनऊ",
    "text": "गाँव का <b>ट्रांसफार्मर</b> जला है",
    "name": "राम लाल",
    "caller": "+91 98765 43210",
    "call_id": "call-1",
}


async def test_the_desk_asks_for_number_and_pin_first(house: House) -> None:
    answer = await house.web.get("/", follow_redirects=True)
    assert answer.status_code == 200
    assert 'action="/desk/sign-in"' in answer.text


async def test_one_pin_signs_in_at_the_page_and_for_calls(house: House) -> None:
    await house.at_the_desk()
    assert house.agents.get("1001").state is State.READY
    page = await house.web.get("/desk")
    assert "1001 · Asha" in page.text
    assert 'id="do-ready" name="do" value="ready" disabled' in page.text


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    answer = await house.web.post("/desk/sign-in", data={"agent": "1001", "pin": house.asha.pin})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/desk" in cookie
    session = house.web.cookies["helpline_desk"]
    assert all(session not in key + value for key, value in house.redis.kept.items())


@pytest.mark.parametrize(
    ("agent", "pin", "status", "said"),
    [
        pytest.param("1001", "000000", 403, "agent 1001&#39;s PIN", id="a wrong PIN"),
        pytest.param("1999", "123456", 403, "do not belong together", id="an unknown number"),
        pytest.param("", "", 403, "do not belong together", id="nothing"),
    ],
)
async def test_a_wrong_pin_is_told_and_opens_nothing(
    house: House, agent: str, pin: str, status: int, said: str
) -> None:
    answer = await house.web.post("/desk/sign-in", data={"agent": agent, "pin": pin})
    assert answer.status_code == status
    assert said in answer.text
    assert "set-cookie" not in answer.headers


async def test_five_wrong_pins_lock_the_desk_for_a_while(house: House) -> None:
    for _ in range(5):
        answer = await house.web.post("/desk/sign-in", data={"agent": "1001", "pin": "000000"})
    assert answer.status_code == 429
    assert "Too many wrong PINs" in answer.text


async def test_ready_pause_and_writing_done(house: House) -> None:
    await house.at_the_desk()

    async def press(do: str, reason: str = "") -> State:
        answer = await house.web.post("/desk/presence", data={"do": do, "reason": reason})
        assert answer.status_code == 303
        return house.agents.get("1001").state

    assert await press("pause", "training") is State.PAUSED
    assert "(training)" in (await house.web.get("/desk")).text
    assert await press("ready") is State.READY
    await house.asha_talks()
    await house.agents.wrap_up("1001", seconds=30)
    assert 'value="end-wrap-up"' in (await house.web.get("/desk")).text
    assert await press("end-wrap-up") is State.READY


async def test_wrap_up_shows_what_is_left_of_it_and_gives_more_time_once(house: House) -> None:
    await house.at_the_desk()
    await house.asha_talks()
    await house.agents.wrap_up("1001", seconds=30)
    house.clock.move(minutes=0.25)
    page = (await house.web.get("/desk")).text
    assert 'data-left="15">0:15</b>' in page
    assert 'value="extend-wrap-up"' in page
    assert (await house.web.post("/desk/presence", data={"do": "extend-wrap-up"})).status_code == 303
    page = (await house.web.get("/desk")).text
    assert 'data-left="75">1:15</b>' in page
    assert 'value="extend-wrap-up"' not in page
    again = await house.web.post("/desk/presence", data={"do": "extend-wrap-up"})
    assert again.status_code == 409
    assert "already" in again.text


@pytest.mark.parametrize("state", ["ready", "ringing", "talking"])
async def test_where_nothing_runs_out_by_the_agents_doing_no_clock_is_shown(house: House, state: str) -> None:
    await house.at_the_desk()
    house.agents.phone_state("agent-1001", True)
    if state == "ringing":
        await house.agents.ringing("1001", "call-1", seconds=15)
    if state == "talking":
        await house.asha_talks()
    page = (await house.web.get("/desk")).text
    assert "data-left" not in page
    assert "extend-wrap-up" not in page


async def test_an_agent_says_that_a_caller_is_senior_or_disabled_and_takes_it_back(house: House) -> None:
    await house.at_the_desk()
    await house.asha_talks()
    assert 'value="vulnerable"' in (await house.web.get("/desk")).text
    said = {"do": "vulnerable", "call_id": "call-1"}
    assert (await house.web.post("/desk/caller", data=said)).status_code == 303
    assert house.callers.said == {"9876543210": "1001"}
    assert 'value="not-vulnerable"' in (await house.web.get("/desk")).text
    assert (await house.web.post("/desk/caller", data=said | {"do": "not-vulnerable"})).status_code == 303
    assert house.callers.said == {}


async def test_what_is_said_of_another_caller_or_can_not_be_kept_is_told(house: House) -> None:
    said = {"do": "vulnerable", "call_id": "call-1"}
    assert (await house.web.post("/desk/caller", data=said)).status_code == 403
    await house.at_the_desk()
    await house.asha_talks("call-2")
    assert (await house.web.post("/desk/caller", data=said)).status_code == 409
    house.callers.refuses = "The database does not answer."
    answer = await house.web.post("/desk/caller", data=said | {"call_id": "call-2"})
    assert answer.status_code == 503
    assert "The database does not answer." in answer.text
    assert house.callers.said == {}


async def test_a_work_item_is_shown_with_what_it_is_about_and_is_no_call(house: House) -> None:
    await house.at_the_desk()
    due = house.clock() + timedelta(hours=2)
    house.queue.work = (
        WorkItem(
            id="voice-7",
            queue="complaint",
            added_at=house.clock(),
            due_at=due,
            about="<i>voice message 7</i>",
            seconds=600,
        ),
    )
    await house.agents.working("1001", "voice-7", seconds=600)
    page = (await house.web.get("/desk")).text
    assert "&lt;i&gt;voice message 7&lt;/i&gt;" in page
    assert 'data-left="600">10:00</b>' in page
    assert 'data-call=""' in page
    assert 'name="call_id" value=""' in page
    assert (await house.web.post("/desk/presence", data={"do": "work-done"})).status_code == 303
    assert house.queue.done == ["voice-7"]


async def test_a_spoken_message_is_heard_typed_up_under_its_own_number_and_done(house: House, tmp_path: Path) -> None:
    sound = tmp_path / "m.wav"
    sound.write_bytes(b"RIFF....WAVE")
    house.queue.work = (
        WorkItem(
            id="voice-m",
            queue="complaint",
            added_at=house.clock(),
            due_at=house.clock(),
            about="listen",
            sound=str(sound),
            caller="9876500001",
            language="en",
        ),
    )
    assert (await house.web.get("/desk/work/sound")).status_code == 404  # nobody is signed in
    await house.at_the_desk()
    assert (await house.web.get("/desk/work/sound")).status_code == 404  # it is not theirs
    await house.agents.working("1001", "voice-m", seconds=600)
    page = (await house.web.get("/desk")).text
    assert 'src="/desk/work/sound?voice-m"' in page
    assert 'name="caller" value="9876500001"' in page
    assert 'data-call="voice-m" data-caller="9876500001" data-language="en"' in page
    heard = await house.web.get("/desk/work/sound")
    assert (heard.content, heard.headers["content-type"]) == (sound.read_bytes(), "audio/wav")
    assert "media-src 'self'" in heard.headers["content-security-policy"]
    answer = await house.web.post("/desk/complaints", data=FORM | {"call_id": "voice-m", "caller": "9876500001"})
    assert answer.status_code == 303
    [complaint] = await house.grievances.find(caller="9876500001")
    assert (complaint.channel, complaint.call_id, complaint.agent) == ("message", "voice-m", "1001")
    assert (await house.web.post("/desk/presence", data={"do": "work-done"})).status_code == 303
    assert house.queue.done == ["voice-m"]


async def test_a_work_item_that_is_no_longer_theirs_can_not_be_done(house: House) -> None:
    await house.at_the_desk()
    answer = await house.web.post("/desk/presence", data={"do": "work-done"})
    assert (answer.status_code, house.queue.done) == (409, [])
    assert "no work item now" in answer.text


async def test_an_off_hook_agent_is_told_to_dial_and_then_that_the_line_is_open(house: House) -> None:
    await house.at_the_desk()
    house.agents.phone_state("agent-1001", True)
    assert "dial *1" not in (await house.web.get("/desk")).text
    await house.agents.set_line("1001", Line.OFF_HOOK)
    assert "dial *1" in (await house.web.get("/desk")).text
    house.agents.line_state("1001", True)
    page = (await house.web.get("/desk")).text
    assert "dial *1" not in page
    assert "Your line is open" in page
    house.agents.phone_state("agent-1001", False)
    assert "start the softphone" in (await house.web.get("/desk")).text


@pytest.mark.parametrize(("do", "said"), [("pause", "needs a reason"), ("dance", "Press one of the buttons")])
async def test_what_presence_forbids_is_told_on_the_page(house: House, do: str, said: str) -> None:
    await house.at_the_desk()
    answer = await house.web.post("/desk/presence", data={"do": do})
    assert answer.status_code == 409
    assert said in answer.text


async def test_signing_out_ends_session_and_presence(house: House) -> None:
    await house.at_the_desk()
    answer = await house.web.post("/desk/sign-out")
    assert answer.headers["clear-site-data"] == '"storage"'
    assert house.agents.get("1001").state is State.SIGNED_OUT
    assert house.redis.kept == {}
    assert "/desk/sign-in" in (await house.web.get("/desk")).text


async def test_signing_out_in_a_call_waits_for_its_end_and_keeps_the_page(house: House) -> None:
    await house.at_the_desk()
    await house.asha_talks()
    await house.web.post("/desk/sign-out")
    page = await house.web.get("/desk")
    assert "after this call" in page.text
    assert "9876543210" in page.text
    await house.agents.wrap_up("1001", seconds=30)
    await house.agents.finish_wrap_up("1001")
    assert 'href="/desk?again=1"' in (await house.web.get("/desk")).text
    assert 'action="/desk/sign-in"' in (await house.web.get("/desk?again=1")).text


async def test_the_page_shows_the_caller_and_their_earlier_complaints(house: House) -> None:
    await house.at_the_desk()
    await house.asha_talks("call-0")
    await house.web.post("/desk/complaints", data=FORM | {"call_id": "call-0"})
    await house.asha_talks("call-1")
    page = (await house.web.get("/desk")).text
    [complaint] = await house.grievances.for_call("call-0")
    assert f'href="/desk/complaints/{complaint.number}"' in page
    assert 'name="call_id" value="call-1"' in page
    assert 'name="caller" value="9876543210"' in page


async def test_the_caller_stays_on_the_page_in_wrap_up_although_the_queue_forgot_the_call(house: House) -> None:
    await house.at_the_desk()
    await house.asha_talks("call-1")
    house.queue.calls.clear()
    await house.agents.wrap_up("1001", seconds=30)
    assert "9876543210" in (await house.web.get("/desk")).text


async def test_registering_shows_the_number_big_and_ties_it_to_call_and_agent(house: House) -> None:
    await house.at_the_desk()
    answer = await house.web.post("/desk/complaints", data=FORM)
    assert answer.status_code == 303
    [complaint] = await house.grievances.for_call("call-1")
    assert (complaint.agent, complaint.caller, complaint.category) == ("1001", "9876543210", "ENE-02")
    assert complaint.district == "162"
    page = (await house.web.get(answer.headers["location"])).text
    groups = " ".join(complaint.number[start : start + 3] for start in range(0, 12, 3))
    assert f'<p class="big"><output>{groups}</output></p>' in page
    assert 'data-registered="call-1"' in page


async def test_a_form_sent_twice_is_one_complaint(house: House) -> None:
    await house.at_the_desk()
    first = await house.web.post("/desk/complaints", data=FORM)
    second = await house.web.post("/desk/complaints", data=FORM)
    assert first.headers["location"] == second.headers["location"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param("category", "", "The category is empty", id="no category"),
        pytest.param("category", "   ", "The category is empty", id="a blank category"),
        pytest.param("category", "XYZ-99", "There is no category", id="an unknown category"),
        pytest.param("district", "", "The district is empty", id="no district"),
        pytest.param("district", "Luknow", "Did you mean 162 (Lucknow)?", id="a misspelt district"),
        pytest.param("text", " ", "The statement is empty", id="no text"),
        pytest.param("text", "क" * 4001, "Shorten it", id="too long a text"),
        pytest.param("caller", "call me", "number can&#39;t be read", id="a number of letters"),
        pytest.param("kind", "threat", "The kind must be one of", id="an unknown kind"),
        pytest.param("name", "x" * 121, "The name must be at most", id="too long a name"),
    ],
)
async def test_a_form_with_a_fault_comes_back_as_it_was_typed(house: House, field: str, value: str, said: str) -> None:
    await house.at_the_desk()
    answer = await house.web.post("/desk/complaints", data=FORM | {field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'data-typed="yes"' in answer.text
    for kept in {"name": "राम लाल", "text": "&lt;b&gt;ट्रांसफार्मर&lt;/b&gt;", "category": "ENE-02"}.items():
        if kept[0] != field:
            assert kept[1] in answer.text
    assert await house.grievances.find() == []


async def test_a_statement_is_never_taken_for_html(house: House) -> None:
    await house.at_the_desk()
    await house.web.post("/desk/complaints", data=FORM)
    [complaint] = await house.grievances.for_call("call-1")
    page = await house.web.get(f"/desk/complaints/{complaint.number}")
    assert "<b>" not in page.text
    assert "&lt;b&gt;ट्रांसफार्मर" in page.text


@pytest.mark.parametrize("path", ["/desk/complaints", "/desk/presence"])
async def test_forms_without_a_session_are_refused(house: House, path: str) -> None:
    answer = await house.web.post(path, data=FORM)
    assert answer.status_code == 403
    assert "Sign in first" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "http://127.0.0.1:8076"}, 303, id="this site"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="another site"),
        pytest.param({"Origin": "null"}, 403, id="a hidden origin"),
        pytest.param({"Origin": "http://127.0.0.1:80"}, 403, id="another port"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="said by the browser alone"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="a sister site"),
    ],
)
async def test_forms_from_other_sites_are_refused(house: House, headers: dict[str, str], status: int) -> None:
    await house.at_the_desk()
    answer = await house.web.post("/desk/presence", data={"do": "ready"}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/desk", "/office", "/desk/nothing", "/static/desk.js"])
async def test_every_answer_carries_the_safety_headers(house: House, path: str) -> None:
    answer = await house.web.get(path)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get("cache-control") == (None if path.startswith("/static") else "no-store")


async def test_pages_hold_no_inline_script_or_style(house: House) -> None:
    await house.at_the_desk()
    page = (await house.web.get("/desk")).text
    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in "".join(part for part in page.split("<") if part.startswith("button"))
    assert page.count("<script") == page.count('<script src="/static/desk.js"') == 1


async def test_every_field_has_a_label(house: House) -> None:
    await house.at_the_desk()
    page = (await house.web.get("/desk")).text
    for field in ("category", "district", "text", "name", "caller", "reason"):
        assert f'<label for="{field}">' in page
        assert f'id="{field}"' in page


async def test_a_redis_that_is_gone_is_told_on_a_page(house: House) -> None:
    await house.at_the_desk()
    house.redis.down = True
    answer = await house.web.get("/desk")
    assert answer.status_code == 503
    assert "Redis does not answer" in answer.text


async def test_an_unknown_complaint_is_told_on_a_page(house: House) -> None:
    await house.at_the_desk()
    answer = await house.web.get("/desk/complaints/123")
    assert answer.status_code == 422
    assert "12 digits" in answer.text
