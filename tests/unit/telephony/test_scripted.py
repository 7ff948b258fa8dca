"""What only the scripted call can do: keys by prompt, hang-ups at a numbered act, dials that are coroutines."""

from __future__ import annotations

import asyncio

import pytest

from telephony.call import Dialled, Heard
from telephony.errors import HungUp, LinkDown
from telephony.testing import Act, FakeWaker, ScriptedCall

pytestmark = pytest.mark.unit


async def test_keys_go_by_the_prompt_that_is_heard() -> None:
    call = ScriptedCall(keys={"menu": ["1", "2"], "helpline/hi/always": "9"})
    heard = [await call.play(f"helpline/en/{name}", keys="129") for name in ("menu", "other", "menu", "menu")]
    assert [each.key for each in heard] == ["1", "", "2", ""]
    assert [(await call.play("helpline/hi/always", keys="9")).key for _ in range(2)] == ["9", "9"]
    assert call.played[:2] == ["helpline/en/menu", "helpline/en/other"]


@pytest.mark.parametrize("step", [1, 2, 3])
async def test_the_caller_hangs_up_at_each_act_in_turn(step: int) -> None:
    call = ScriptedCall(hang_up_at=step)
    for _ in range(step - 1):
        await call.play("a")
    for _ in range(2):
        with pytest.raises(HungUp):
            await call.play("a")
    assert len(call.acts) == step
    assert call.gone


async def test_a_dial_can_be_played_by_a_coroutine() -> None:
    async def answers(target: str) -> Dialled:
        await asyncio.sleep(0)
        return Dialled("ANSWER", 16, 1.0, 2.0)

    call = ScriptedCall(dials=[Dialled("BUSY", 17), answers])
    assert [(await call.dial("PJSIP/x", ring_seconds=0)).status for _ in range(3)] == ["BUSY", "ANSWER", "NOANSWER"]
    assert call.acts == [Act("dial", ("PJSIP/x",))] * 3


async def test_a_transfer_leaves_the_talk_and_no_end_of_the_engine() -> None:
    async def talks(target: str) -> Dialled:
        call.caller_hangs_up(transferred=True)
        await asyncio.Event().wait()
        raise AssertionError

    call = ScriptedCall(dials=[talks])
    with pytest.raises(HungUp) as caught:
        await call.dial("PJSIP/x", ring_seconds=5)
    assert caught.value.transferred
    assert caught.value.dialled is not None
    assert caught.value.dialled.answered
    await call.done()
    assert not call.finished


@pytest.mark.looptime
async def test_prompts_and_waits_take_the_loops_time() -> None:
    call = ScriptedCall(prompt_seconds=4.0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await call.play("a", "b")
    assert await call.wait(600) == Heard()
    assert loop.time() - began == pytest.approx(608.0)


async def test_a_fake_waker_that_is_down_behaves_as_a_link_that_is() -> None:
    with pytest.raises(LinkDown):
        await FakeWaker(down=True).play_dtmf("PJSIP/x", "D")
