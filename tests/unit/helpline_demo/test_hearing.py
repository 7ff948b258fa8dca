"""Hearing tells a speech from other speech, music and silence."""

from __future__ import annotations

import audioop

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpline.demo.hearing import heard, loudness, share_heard
from helpline.demo.sound import Pcm, silence
from tests.unit.helpline_demo.voices import music, pcm, samples, speech

pytestmark = pytest.mark.unit

SPEECH = speech(1)


def alaw(sound: Pcm) -> Pcm:
    return audioop.alaw2lin(audioop.lin2alaw(sound, 2), 2)


def ulaw(sound: Pcm) -> Pcm:
    return audioop.ulaw2lin(audioop.lin2ulaw(sound, 2), 2)


def with_losses(sound: Pcm, share: float) -> Pcm:
    packets = [sound[start : start + 320] for start in range(0, len(sound), 320)]
    random = np.random.default_rng(5)
    return b"".join(packet for packet in packets if random.random() > share)


@pytest.mark.parametrize(
    "recording",
    [
        pytest.param(SPEECH, id="as it is"),
        pytest.param(alaw(SPEECH), id="A-law"),
        pytest.param(ulaw(alaw(SPEECH)), id="A-law and then µ-law"),
        pytest.param(silence(3) + alaw(SPEECH) + silence(1), id="after 3 s of silence"),
        pytest.param(music(2) + alaw(SPEECH), id="after music"),
        pytest.param(alaw(with_losses(SPEECH, 0.02)), id="2 % of the packets lost"),
        pytest.param(alaw(pcm(samples(SPEECH) / 8)), id="an eighth as loud"),
        pytest.param(alaw(SPEECH[8000:] + SPEECH[:8000]), id="begun in the middle and said again"),
    ],
)
def test_the_same_speech_is_heard(recording: Pcm) -> None:
    assert share_heard(recording, SPEECH) > 0.8
    assert heard(recording, SPEECH).heard


@pytest.mark.parametrize(
    "recording",
    [
        pytest.param(speech(2), id="other words of the same voice"),
        pytest.param(speech(4, pitch=210), id="another voice"),
        pytest.param(music(), id="music"),
        pytest.param(silence(6), id="silence"),
        pytest.param(pcm(np.random.default_rng(3).normal(0, 3000, 48000)), id="noise"),
        pytest.param(pcm(6000 * np.sin(np.arange(48000) * 0.35)), id="a tone"),
        pytest.param(b"", id="nothing"),
        pytest.param(SPEECH[:1000], id="a tenth of a second of it"),
    ],
)
def test_what_is_not_the_speech_is_not_heard(recording: Pcm) -> None:
    assert share_heard(recording, SPEECH) < 0.4
    assert not heard(recording, SPEECH).heard


def test_half_of_the_speech_is_told_as_about_half() -> None:
    assert share_heard(alaw(SPEECH[: len(SPEECH) // 2]), SPEECH) == pytest.approx(0.5, abs=0.1)


def test_speech_is_heard_while_another_talks_just_as_loud() -> None:
    both = pcm(samples(SPEECH) + samples(speech(9, pitch=200)))
    assert heard(both, SPEECH).heard


def test_the_verdict_tells_where_the_speech_begins() -> None:
    verdict = heard(silence(2.5) + alaw(SPEECH), SPEECH)
    assert verdict.at == pytest.approx(2.5, abs=0.01)
    assert str(verdict) == "100% of the speech from 2.5 s on, in 6.5 s of sound"


def test_the_verdict_of_silence_and_of_nothing_says_so() -> None:
    assert str(heard(silence(2), SPEECH)) == "2.0 s of silence"
    assert str(heard(b"", SPEECH)) == "nothing was recorded"


def test_a_prompt_of_half_a_second_is_heard() -> None:
    prompt = SPEECH[:8000]
    assert heard(alaw(silence(1) + prompt + speech(4)), prompt).heard


def test_loudness_is_one_for_the_loudest_square_and_nil_for_silence() -> None:
    assert loudness(pcm(np.full(800, 32767.0))) == pytest.approx(1.0, abs=0.001)
    assert loudness(silence(1)) == 0.0
    assert loudness(b"") == 0.0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 2))
def test_any_speech_is_heard_in_itself_and_not_in_another(one: int, other: int, before: float) -> None:
    first, second = speech(one, 2.0), speech(other + 20_000, 2.0)
    assert share_heard(silence(before) + alaw(first), first) > 0.8
    assert share_heard(silence(before) + alaw(second), first) < 0.4
