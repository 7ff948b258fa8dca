"""`make demo`: one citizen's complaint from the first ring to its end, over real calls with real sound."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from asterisk_conf.programs import ProgramName, Programs
from grievance_core.catalogue import Catalogue
from grievance_core.complaint import Complaint
from grievance_core.lifecycle import State
from grievance_core.numbers import parse, spoken_groups
from helpline.demo import hearing
from helpline.demo.desk import Desk
from helpline.demo.errors import ExpectationFailed
from helpline.demo.lab import Lab
from helpline.demo.softphone import Softphone
from helpline.demo.sound import Pcm, read_wav, seconds
from helpline.demo.speech import speak_lines
from helpline.demo.timeline import Timeline
from helpline.errors import HelplineError
from helpline.rules import rules_of
from ivr.speaking import digits

CITIZEN: Final = "9876543210"
MATTER: Final = "PRD-04"  # hand pump repair
DISTRICT: Final = "Barabanki"
NEEDED: Final[tuple[ProgramName, ...]] = ("asterisk", "redis-server", "espeak-ng", "baresip")
WAITS_SECONDS: Final = 3.0  # long enough to hear music and the position
KEY_SECONDS: Final = 0.5  # between two presses of the same key by somebody who was not understood yet
NUMBER_SECONDS: Final = 40.0  # until the number of the complaint was said once
WHOLE: Final = 0.95  # of a speech, as far as hearing can tell
LISTEN_SECONDS: Final = 1.0  # between two looks at what was heard so far
LETTERS_SECONDS: Final = 20.0  # until the last letters are with other systems
LANGUAGES: Final = {"hi": "Hindi", "en": "English"}
STATES: Final = {
    State.UNDER_REVIEW: "back to the same officer for review",
    State.ESCALATED: "to the next level",
    State.CLOSED_SATISFIED: "closed, the citizen is satisfied",
}


def play(*, fresh: bool, keep: Path | None) -> int:
    """Play the story; 0 when every step held. `fresh` fetches the programs anew, `keep` names the folder to use."""
    programs = Programs()
    if fresh:
        programs.forget()
    # A short path, because Asterisk's control socket lies below it.
    folder = (keep or Path(tempfile.mkdtemp(prefix="hl-"))).absolute()
    timeline = Timeline()
    try:
        asyncio.run(_play(folder, programs, timeline))
    except HelplineError as error:
        timeline.close(f"The story did not go as told: {error}\nRecordings and logs are in {folder}.")
        return 1
    timeline.close(f"Recordings and logs are in {folder}. Nothing is left running.")
    return 0


async def _play(folder: Path, programs: Programs, timeline: Timeline) -> None:
    timeline.tell("machine", "looking for Asterisk, Redis, espeak-ng and baresip; what is missing is fetched")
    for name in NEEDED:
        program = await asyncio.to_thread(programs.find, name)
        timeline.tell("machine", f"{name} {program.version} ({program.origin})")
    lines = await speak_lines(programs.find("espeak-ng"), folder / "speech")
    async with Lab(folder, programs, say=lambda what: timeline.tell("helpline", f"starting: {what}")) as lab:
        timeline.tell("helpline", f"answers 1076 at {lab.exchange}; the desk is at {lab.settings.api_url}/desk")
        await Story(lab, timeline, lines).tell()
    timeline.tell("helpline", "stopped: controller, Asterisk, Redis and phones are gone")


class Story:
    """The scenes, in order. Each raises ExpectationFailed when it does not go as told."""

    def __init__(self, lab: Lab, timeline: Timeline, lines: dict[str, Path]) -> None:
        self._lab = lab
        self._say = timeline.tell
        self._lines = lines
        self._recording = Path()

    async def tell(self) -> None:
        """All of it."""
        lab, asha = self._lab, self._lab.agents[0]
        async with lab.citizen(CITIZEN, speech=self._lines["citizen"]) as citizen:
            async with lab.agent(asha, speech=self._lines["agent"]) as agent, lab.desk(asha) as desk:
                await desk.pause("training")
                self._say("agent", f"{asha.agent.name} signs in at the desk; the softphone is registered")
                await self.citizen_calls(citizen)
                number = await self.conversation(citizen, agent, desk)
                self.prove_who_heard_whom(citizen, agent, number)
            await self.resolve(citizen, number, "The handle of the pump was changed.", key="2")
            await self.resolve(citizen, number, "Looked at it again: the pump works.", key="2")
            await self.resolve(citizen, number, "A new pump was set and tried out.", key="1", in_igrs=True)
        await self.history(number)
        await self.prove_others_know(number)

    async def citizen_calls(self, citizen: Softphone) -> None:
        """1076, a language, a complaint; then music and the position."""
        await citizen.dial("1076")
        await citizen.expect("established")
        self._say("citizen", f"{CITIZEN} dials 1076 and is answered: greeting, language, menu")
        while not (waiting := (await self._lab.get("/api/queue"))["waiting"]):
            await citizen.press("1")
            await asyncio.sleep(KEY_SECONDS)
        self._say(
            "citizen", f"pressed 1 for {LANGUAGES[waiting[0]['language']]} and 1 for a complaint: waits with music"
        )
        await asyncio.sleep(WAITS_SECONDS)
        self._say("citizen", f"hears that they are number {waiting[0]['position']} in line")

    async def conversation(self, citizen: Softphone, agent: Softphone, desk: Desk) -> str:
        """The agent is ready, is rung, talks and registers the complaint; its number."""
        await desk.ready()
        self._say("agent", "presses Ready: the longest-idle agent, so the softphone rings")
        await agent.expect("incoming")
        await agent.accept()
        await agent.expect("established")
        queue = await self._lab.until("/api/queue", lambda queue: queue["talking"], what="the conversation")
        began, talk = time.monotonic(), queue["talking"][0]
        self._say("agent", "answers: they talk, both are recorded")
        number = await desk.register(
            call=talk["call"],
            caller=talk["caller"],
            category=MATTER,
            district=DISTRICT,
            text="गाँव का हैंडपंप तीन हफ़्ते से ख़राब है।",
            name="रामलाल",
        )
        complaint = await self._complaint(number)
        self._say("agent", f"registers complaint {_grouped(number)}; it is with the {await self._officer(complaint)}")
        spoken = max(seconds(read_wav(self._lines[who])) for who in ("citizen", "agent"))
        await asyncio.sleep(max(0.0, spoken + 0.5 - (time.monotonic() - began)))
        await agent.hang_up()
        self._say("agent", "hangs up")
        async with asyncio.timeout(NUMBER_SECONDS):
            while hearing.share_heard(citizen.heard(), self._spoken(number)) < WHOLE:
                await asyncio.sleep(LISTEN_SECONDS)
        await citizen.hang_up()
        self._say("citizen", "hears the number of the complaint, slowly, writes it down and hangs up")
        self._recording = Path(talk["recording"])
        return number

    def prove_who_heard_whom(self, citizen: Softphone, agent: Softphone, number: str) -> None:
        """What each end received is the other's speech, the recording holds both, and the number was said."""
        said = {who: read_wav(self._lines[who]) for who in ("citizen", "agent")}
        proofs = [
            ("the agent heard the citizen", hearing.heard(agent.heard(), said["citizen"])),
            ("the citizen heard the agent", hearing.heard(citizen.heard(), said["agent"])),
            ("the recording holds the citizen", hearing.heard(read_wav(self._recording), said["citizen"])),
            ("the recording holds the agent", hearing.heard(read_wav(self._recording), said["agent"])),
            ("the citizen heard the number", hearing.heard(citizen.heard(), self._spoken(number))),
        ]
        for claim, verdict in proofs:
            if not verdict.heard:
                raise ExpectationFailed(f"It is not so that {claim}: {verdict}")
            self._say("proof", f"{claim}: {verdict}")
        self._say("recording", f"{self._recording} ({seconds(read_wav(self._recording)):.1f} s)")

    async def resolve(self, citizen: Softphone, number: str, report: str, *, key: str, in_igrs: bool = False) -> None:
        """The officer reports, the citizen is rung and answers with a key, and the complaint goes its way.

        `in_igrs`: the officer works in the state's own system, from which the helpline fetches the report.
        """
        before = await self._complaint(number)
        officer = await self._officer(before)
        if in_igrs:
            await asyncio.to_thread(self._lab.neighbours.report, number, by=officer, text=report)
        else:
            ran = await self._lab.command("complaint", "report", number, "--by", officer, "--text", report)
            if ran.code:
                raise ExpectationFailed(f"helpline complaint report failed: {ran.complained or ran.said}")
        self._say("officer", f"{officer} (L{before.level}) reports{' in IGRS' if in_igrs else ''}: {report}")
        await citizen.expect("incoming", timeout=20)
        await citizen.accept()
        await citizen.expect("established")
        self._say("helpline", "rings the citizen back: are you satisfied?")
        async with asyncio.timeout(30):
            while (complaint := await self._complaint(number)).version <= before.version + 1:
                await citizen.press(key)
                await asyncio.sleep(KEY_SECONDS)
        await citizen.hang_up()
        words = {"1": "1: satisfied", "2": "2: not satisfied"}[key]
        self._say("citizen", f"presses {words}; {STATES[complaint.state]}, level {complaint.level}")

    async def history(self, number: str) -> None:
        """The complaint's whole life, and that it went as the mission says."""
        async with self._lab.grievances() as grievances:
            complaint, events = await grievances.get(number), await grievances.history(number)
        for event in events:
            self._say("history", f"{event.at:%H:%M:%S} {event.kind.value.replace('_', ' ')}, level {event.level}")
        if (complaint.state, complaint.level, complaint.dissatisfied) != (State.CLOSED_SATISFIED, 2, 2):
            raise ExpectationFailed(f"The complaint ended as {complaint.state.value} at level {complaint.level}.")

    async def prove_others_know(self, number: str) -> None:
        """IGRS was told of every change in order, and the citizen was sent each message; everything once."""
        async with self._lab.grievances() as grievances:
            complaint, events = await grievances.get(number), await grievances.history(number)
        due: dict[str, list[str]] = {"igrs": [], "sms": []}
        for letter in rules_of(self._lab.settings, Catalogue.shipped()).letters(complaint, events):
            due[letter.to].append(letter.key)
        deadline = time.monotonic() + LETTERS_SECONDS
        while True:
            came = {system: self._lab.neighbours.told(system, number) for system in due}
            keys = {system: [one["key"] for one in came[system]] for system in due}
            if keys == due:
                break
            if time.monotonic() > deadline:
                raise ExpectationFailed(f"Letters that were due: {due}; that came: {keys}")
            await asyncio.sleep(LISTEN_SECONDS)
        for one in came["sms"]:
            self._say("message", f"to {one['body']['to']}: {one['body']['text']}")
        kinds = ", ".join(one["body"]["kind"].replace("_", " ") for one in came["igrs"])
        self._say("IGRS", f"was told of {len(came['igrs'])} changes, each once and in order: {kinds}")

    def _spoken(self, number: str) -> Pcm:
        """The number as the helpline's voice says it, digit by digit."""
        prompts = self._lab.stack.folder.prompts / "hi"
        return b"".join((prompts / f"{id}.sln").read_bytes() for id in digits(number) if id.startswith("number"))

    async def _complaint(self, number: str) -> Complaint:
        async with self._lab.grievances() as grievances:
            return await grievances.get(number)

    async def _officer(self, complaint: Complaint) -> str:
        async with self._lab.grievances() as grievances:
            return grievances.post_of(complaint).title


def _grouped(number: str) -> str:
    return " ".join(spoken_groups(parse(number)))
