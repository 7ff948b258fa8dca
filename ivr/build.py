"""Makes the prompts' sound files from the manifest: spoken, trimmed, levelled, in Asterisk's formats.

Only what changed is made anew: a small index in the folder holds what each file was made of.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from asterisk_conf.programs import Program, ProgramName
from grievance_core.catalogue import Catalogue
from ivr.errors import SpeakerFailed
from ivr.files import SUFFIXES, WIDTH, write_file, write_sound
from ivr.manifest import Manifest, Prompt
from ivr.music import write_music
from ivr.recordings import RecordedSpeaker
from ivr.speakers import EspeakSpeaker, Sound, Speaker
from ivr.speaking import LANGUAGES, Language

with warnings.catch_warnings():
    # pydub looks for ffmpeg on import and warns without it; raw samples need none. audioop: audioop-lts from 3.13 on.
    warnings.simplefilter("ignore")
    import audioop

    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

log = logging.getLogger(__name__)

RATE = 8000
RECIPE = "1"  # change it when sound is processed differently, so that all is made anew
INDEX = "index.json"

LOUDNESS_DBFS = -20.0  # RMS of the trimmed prompt, against full scale
PEAK_DBFS = -2.0  # never above, so a prompt of few loud peaks stays softer
SILENT_DBFS = -45.0  # below it is silence to be trimmed
# Milliseconds of silence left before and after: parts of a sentence join, sentences breathe.
FRAGMENT_EDGES = (10, 40)
SENTENCE_EDGES = (20, 200)
CUTOFF_HZ = 3400.0  # above it nothing may be left when 8 kHz are sampled
TAPS = 23

Progress = Callable[[int, int], None]
"""Told of each file made: how many are done, how many there are to make."""


class Finder(Protocol):
    """Finds a program; `asterisk_conf.programs.Programs` is one."""

    def find(self, name: ProgramName) -> Program: ...


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did, in prompts times languages."""

    made: int
    kept: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Job:
    prompt: Prompt
    language: Language
    made_of: str

    @property
    def name(self) -> str:
        return f"{self.language}/{self.prompt.id}"


def build_prompts(
    folder: Path,
    music_folder: Path,
    *,
    programs: Finder,
    cache: Path | None = None,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Built:
    """Bring the shipped prompts and the music up to date. Blocks for some seconds the first time.

    `cache`: a folder, shared with other helplines of this machine, in which what was spoken once is found again.
    Raises SpeakerFailed, PromptsNotWritten, WordsError, or ProgramError when espeak-ng can't be had.
    """
    manifest = Manifest.shipped(Catalogue.shipped())
    speaker = RecordedSpeaker(EspeakSpeaker(programs.find("espeak-ng")))
    write_music(music_folder)
    return build(manifest, folder, speaker, cache=cache, jobs=jobs, progress=progress)


def build(
    manifest: Manifest,
    folder: Path,
    speaker: Speaker,
    *,
    cache: Path | None = None,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Built:
    """Bring a folder of prompts up to date with the manifest: FOLDER/hi/ID.sln, FOLDER/hi/ID.alaw, and so on.

    What was finished before a failure is kept. Raises SpeakerFailed or PromptsNotWritten.
    """
    wanted = [
        _Job(prompt, language, made_of(prompt, language, speaker.version))
        for prompt in manifest
        for language in LANGUAGES
    ]
    index = _read_index(folder / INDEX)
    to_make = [job for job in wanted if index.get(job.name) != job.made_of or not is_there(folder / job.name)]
    removed = _remove(folder, set(index) - {job.name for job in wanted}, index)
    try:
        _make_all(to_make, folder, speaker, index, cache=cache, jobs=jobs, progress=progress)
    finally:
        if to_make or removed:
            write_file(folder / INDEX, json.dumps(dict(sorted(index.items())), indent=0).encode())
    built = Built(made=len(to_make), kept=len(wanted) - len(to_make), removed=removed)
    log.info(
        "Prompts are built",
        extra={"action": "prompts_built", "made": built.made, "kept": built.kept, "removed": built.removed},
    )
    return built


def _make_all(
    to_make: list[_Job],
    folder: Path,
    speaker: Speaker,
    index: dict[str, str],
    *,
    cache: Path | None,
    jobs: int,
    progress: Progress | None,
) -> None:
    told = threading.Lock()
    done = 0

    def make(job: _Job) -> None:
        nonlocal done
        write_sound(folder / job.name, _samples_once(job, speaker, cache))
        with told:
            done += 1
            index[job.name] = job.made_of
            if progress is not None:
                progress(done, len(to_make))

    with ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="prompts") as pool:
        futures = [pool.submit(make, job) for job in to_make]
        wait(futures, return_when=FIRST_EXCEPTION)
        failed = next((future for future in futures if future.done() and future.exception()), None)
        if failed is not None:
            pool.shutdown(wait=True, cancel_futures=True)
            failed.result()


def _samples_once(job: _Job, speaker: Speaker, cache: Path | None) -> bytes:
    """The sound from the cache, where it lies under the name of all that it was made of; else made and laid there."""
    if cache is None:
        return spoken(job.prompt, job.language, speaker)
    kept = cache / f"{job.made_of}.sln"
    try:
        samples = kept.read_bytes()
    except OSError:
        samples = b""
    if not samples:
        samples = spoken(job.prompt, job.language, speaker)
        write_file(kept, samples)
    return samples


def spoken(prompt: Prompt, language: Language, speaker: Speaker) -> bytes:
    """One prompt's samples as callers hear them. Raises SpeakerFailed."""
    if prompt.silence_seconds:
        return bytes(round(prompt.silence_seconds * RATE) * WIDTH)
    sound = processed(speaker.speak(prompt.texts[language], language), fragment=prompt.fragment)
    if not sound:
        raise SpeakerFailed(f"{language}/{prompt.id}", "it is silent")
    return sound


def processed(sound: Sound, *, fragment: bool) -> bytes:
    """A spoken text at 8 kHz, trimmed and levelled; empty if there is nothing but silence in it."""
    samples = _low_passed(sound.samples, sound.rate) if sound.rate > RATE else sound.samples
    segment = AudioSegment(samples, sample_width=WIDTH, frame_rate=sound.rate, channels=1).set_frame_rate(RATE)
    start = detect_leading_silence(segment, silence_threshold=SILENT_DBFS, chunk_size=5)
    if start >= len(segment):
        return b""
    end = len(segment) - detect_leading_silence(segment.reverse(), silence_threshold=SILENT_DBFS, chunk_size=5)
    speech = segment[start:end].fade_in(3).fade_out(8)
    gain = min(LOUDNESS_DBFS - speech.dBFS, PEAK_DBFS - speech.max_dBFS)
    before, after = FRAGMENT_EDGES if fragment else SENTENCE_EDGES
    edges = [AudioSegment.silent(duration=edge, frame_rate=RATE) for edge in (before, after)]
    return bytes((edges[0] + speech.apply_gain(gain) + edges[1]).raw_data)


def _low_passed(samples: bytes, rate: int) -> bytes:
    """Without what lies above the cut-off, which sampling at 8 kHz would fold into the speech.

    A windowed-sinc filter as sums of shifted copies, because audioop does each of them at the speed of C. Its weights
    are symmetric, so the two copies of each weight are added first; half as loud, so that their sum has room.
    """
    middle = TAPS // 2
    padding = bytes(middle * WIDTH)
    padded = padding + audioop.mul(samples, WIDTH, 0.5) + padding

    def shifted(by: int) -> bytes:
        return padded[(middle + by) * WIDTH : (middle + by) * WIDTH + len(samples)]

    weights = _weights(rate)
    total = audioop.mul(samples, WIDTH, weights[0])
    for distance, weight in enumerate(weights[1:], start=1):
        pair = audioop.add(shifted(-distance), shifted(distance), WIDTH)
        total = audioop.add(total, audioop.mul(pair, WIDTH, 2 * weight), WIDTH)
    return total


@lru_cache(maxsize=4)
def _weights(rate: int) -> tuple[float, ...]:
    """The filter's middle weight and those to one side of it."""
    cutoff = CUTOFF_HZ / rate
    middle = TAPS // 2
    weights = [2 * cutoff]
    for n in range(1, middle + 1):
        sinc = math.sin(2 * math.pi * cutoff * n) / (math.pi * n)
        weights.append(sinc * (0.54 + 0.46 * math.cos(math.pi * n / middle)))
    whole = weights[0] + 2 * sum(weights[1:])
    return tuple(weight / whole for weight in weights)


def made_of(prompt: Prompt, language: Language, version: str) -> str:
    """A name for all that a prompt's sound depends on: as long as it is the same, so is the sound."""
    parts = (RECIPE, version, language, prompt.texts.get(language), prompt.fragment, prompt.silence_seconds)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def is_there(path: Path) -> bool:
    """Whether a sound lies in all of our formats."""
    return all(file.is_file() and file.stat().st_size > 0 for file in map(path.with_suffix, SUFFIXES))


def _remove(folder: Path, names: set[str], index: dict[str, str]) -> int:
    for name in names:
        for suffix in SUFFIXES:
            (folder / name).with_suffix(suffix).unlink(missing_ok=True)
        del index[name]
    return len(names)


def _read_index(file: Path) -> dict[str, str]:
    """What the files were made of. An index that can't be read is no harm: all is made anew."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(name): str(made_of) for name, made_of in content.items()}
