"""Never two controllers at work, whatever stops, starts, hangs or is lost: the lease's rules against a random world."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from helpline.holding import Hold, Seen, Terms, Watch, next_fence

pytestmark = pytest.mark.unit

TERMS = Terms()
STEP = 0.02


@dataclass
class Redis:
    """As far as the lease goes: one key that runs out by Redis' own clock, and the highest fence."""

    run: int = 0
    way: Literal["up", "refusing", "hung"] = "up"
    holder: str = ""
    runs_out: float = 0.0
    fence: int = 0
    backlog: list[tuple[str, Process]] = field(default_factory=list)

    @property
    def mark(self) -> str:
        return f"{self.run}:{self.fence}"

    def present(self, now: float) -> bool:
        return bool(self.holder) and now < self.runs_out

    def _keep(self, process: Process, fence: int, now: float) -> None:
        self.holder, self.fence, self.runs_out = process.name, fence, now + TERMS.lasts

    def carry_out(self, what: str, process: Process, now: float) -> Seen | int | bool:
        if what == "look":
            return Seen(self.mark, self.runs_out - now if self.present(now) else None)
        if what == "take":
            if self.present(now) or self.mark != process.watch.mark:
                return False
            self._keep(process, next_fence(known=max(self.fence, process.filed), milliseconds=int(now * 1000)), now)
            return self.fence
        if self.present(now) and self.holder != process.name:
            return False
        if not self.present(now) and (what == "renew only" or self.fence > process.fence):
            return False
        self._keep(process, process.fence, now)
        return True


@dataclass
class Process:
    """A controller, as `helpline.lease` drives the rules. `filed`: the highest fence in the run folder's file."""

    name: str
    watch: Watch = field(default_factory=Watch)
    hold: Hold | None = None
    stopped: bool = False
    dead: bool = False
    next_at: float = 0.0
    asked: tuple[str, float] | None = None
    answer_at: float = 0.0
    answer: Seen | int | bool | None = None
    filed: int = 0

    @property
    def fence(self) -> int:
        return self.hold.fence if self.hold else 0

    def acts(self, now: float) -> bool:
        return not self.dead and self.hold is not None and self.hold.held(now, TERMS)

    def turn(self, redis: Redis, now: float, latency: float) -> None:
        if self.stopped or self.dead:
            return
        if self.asked is not None:
            if now >= self.answer_at:
                self._answered(now)
        elif now >= self.next_at:
            if self.hold is not None:
                self._ask("renew" if self.hold.held(now, TERMS) else "renew only", redis, now, latency)
            elif self.watch.may_take(now, TERMS):
                self._ask("take", redis, now, latency)
            else:
                self._ask("look", redis, now, latency)

    def _ask(self, what: str, redis: Redis, now: float, latency: float) -> None:
        self.asked = what, now
        if redis.way == "up":
            self.answer, self.answer_at = redis.carry_out(what, self, now), now + latency
        elif redis.way == "refusing":
            self.answer, self.answer_at = None, now
        else:
            redis.backlog.append((what, self))
            self.answer, self.answer_at = None, now + TERMS.answer_within

    def _answered(self, now: float) -> None:
        assert self.asked is not None
        what, asked = self.asked
        self.asked = None
        answer = self.answer if now - asked <= TERMS.answer_within else None
        if what == "look":
            assert answer is None or isinstance(answer, Seen)
            self.watch = self.watch.looked(answer, asked=asked, answered=now, terms=TERMS)
            self.next_at = now + (0 if self.watch.may_take(now, TERMS) else TERMS.look_every)
        elif what == "take":
            if answer:
                self.hold = Hold(int(answer), asked)  # type: ignore[arg-type]
                self.filed = int(answer)  # type: ignore[arg-type]
            else:
                self.watch = Watch()
            self.next_at = now + TERMS.look_every
        else:
            assert self.hold is not None
            if answer is None:
                self.hold = self.hold.unanswered(asked, now, TERMS)
            elif answer:
                self.hold = self.hold.renewed(asked)
            else:
                self.dead = True
            self.next_at = asked + TERMS.renew_every


@dataclass
class World:
    now: float = 1.0
    redis: Redis = field(default_factory=Redis)
    fences: list[int] = field(default_factory=list)
    born: int = 2

    def __post_init__(self) -> None:
        first = Process("c1")
        self.redis._keep(first, 1000, self.now)
        first.hold = Hold(1000, self.now)
        self.processes = [first, Process("c2")]
        self.fences = [1000]

    def run(self, seconds: float, latency: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            for process in self.processes:
                before = process.fence
                process.turn(self.redis, self.now, latency)
                if process.fence not in (0, before):
                    self.fences.append(process.fence)
            self._check()

    def _check(self) -> None:
        acting = [process.name for process in self.processes if process.acts(self.now)]
        assert len(acting) <= 1, f"two at work at {self.now:.2f}: {acting}"

    def do(self, what: str, who: int) -> None:
        process, redis = self.processes[who], self.redis
        if what in ("stop", "continue"):
            process.stopped = what == "stop"
        elif what == "kill":
            self.born += 1
            self.processes[who] = Process(f"c{self.born}", next_at=self.now, filed=max(self.fences))
        elif what in ("refusing", "hung"):
            redis.way = what  # type: ignore[assignment]
        elif what == "up":
            if redis.way == "refusing":
                redis.run += 1
            redis.way = "up"
            for asked, by in redis.backlog:
                redis.carry_out(asked, by, self.now)
            redis.backlog.clear()
        elif what == "empty":  # it ended and came back with nothing
            redis.run += 1
            redis.way, redis.holder, redis.fence = "up", "", 0
            redis.backlog.clear()
        elif what == "flush":
            redis.holder, redis.fence = "", 0


WHAT = st.sampled_from(["stop", "continue", "kill", "refusing", "hung", "up", "empty", "flush", "nothing"])
STORY = st.lists(
    st.tuples(WHAT, st.integers(0, 1), st.floats(0.02, 5.0), st.sampled_from([0.0, 0.02, 0.1, 0.3])), max_size=25
)


@settings(max_examples=150)
@given(STORY)
def test_never_two_hold_it_and_the_fence_always_rises(story: list[tuple[str, int, float, float]]) -> None:
    world = World()
    for what, who, seconds, latency in story:
        world.do(what, who)
        world.run(seconds, latency)
    event(f"held {len(world.fences)} times")
    assert world.fences == sorted(set(world.fences))


@settings(max_examples=30)
@given(st.floats(0.0, 3.0), st.sampled_from(["kill", "stop"]), st.sampled_from([0.0, 0.02, 0.1]))
def test_the_one_that_stands_by_has_it_within_three_seconds(before: float, how: str, latency: float) -> None:
    world = World()
    world.run(before, latency)
    if how == "stop":
        world.do("stop", 0)
    else:
        world.processes[0].dead = True
    world.run(3.0, latency)
    assert world.processes[1].acts(world.now)


@settings(max_examples=30)
@given(
    st.floats(0.02, 30.0),
    st.sampled_from(["refusing", "hung"]),
    st.sampled_from(["up", "empty"]),
    st.sampled_from([0.0, 0.02]),
)
def test_the_holder_keeps_it_while_redis_is_away_and_after_it_came_back_empty(
    away: float, how: str, back: str, latency: float
) -> None:
    world = World()
    world.run(1.0, latency)
    world.do(how, 0)
    for _ in range(10):
        world.run(away / 10, latency)
        assert world.processes[0].acts(world.now)
    world.do(back, 0)
    world.run(10.0, latency)
    assert world.processes[0].acts(world.now)
    assert world.fences == [1000]


def test_one_that_was_stopped_for_longer_than_the_lease_may_not_act_and_a_redis_that_is_away_does_not_help_it() -> None:
    hold = Hold(7, proven_at=10.0)
    assert hold.held(11.7, TERMS)
    assert not hold.held(11.8, TERMS)
    assert not hold.unanswered(13.0, 13.1, TERMS).held(13.1, TERMS)
    assert hold.renewed(13.0).held(13.1, TERMS)


def looks(*looks: tuple[float, Seen | None]) -> Watch:
    watch = Watch()
    for at, seen in looks:
        watch = watch.looked(seen, asked=at, answered=at + 0.001, terms=TERMS)
    return watch


def watched_until(runs_out: float) -> Watch:
    """A lease that was watched from 0.0 on until it ran out."""
    return looks(*((at / 10, Seen("a", max(0.0, runs_out - at / 10))) for at in range(round(runs_out * 10))))


def test_a_lease_that_was_seen_to_run_out_is_free_at_once() -> None:
    watch = watched_until(2.5).looked(Seen("a", None), asked=2.51, answered=2.51, terms=TERMS)
    assert watch.may_take(2.51, TERMS)


def test_a_lease_that_runs_out_soon_after_redis_came_back_is_left_alone_for_as_long_as_one_lasts() -> None:
    watch = watched_until(0.5).looked(Seen("a", None), asked=0.51, answered=0.51, terms=TERMS)
    assert not watch.may_take(0.51, TERMS)
    assert not watch.may_take(1.9, TERMS)
    assert watch.may_take(2.1, TERMS)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(Seen("a", 1.8), id="it vanished before its time: somebody emptied Redis"),
        pytest.param(Seen("b", 0.05), id="another Redis"),
        pytest.param(None, id="Redis was away"),
    ],
)
def test_a_lease_that_is_not_there_for_another_reason_is_left_alone_for_the_grace(before: Seen | None) -> None:
    watch = looks((0.0, before), (0.1, Seen("a", None)))
    at = 0.1
    while at < TERMS.grace:
        assert not watch.may_take(at, TERMS)
        at += 0.1
        watch = watch.looked(Seen("a", None), asked=at, answered=at, terms=TERMS)
    at += 0.2
    assert watch.looked(Seen("a", None), asked=at, answered=at, terms=TERMS).may_take(at, TERMS)


@pytest.mark.parametrize(
    ("asked", "answered"), [pytest.param(0.1, 0.35, id="slow"), pytest.param(0.5, 0.51, id="after a pause")]
)
def test_a_row_of_looks_with_a_gap_does_not_prove_that_redis_was_there_all_the_time(
    asked: float, answered: float
) -> None:
    watch = watched_until(2.5)
    watch = watch.looked(Seen("a", None), asked=2.4 + asked, answered=2.4 + answered, terms=TERMS)
    assert not watch.may_take(2.4 + answered, TERMS)


@pytest.mark.parametrize(("known", "milliseconds", "fence"), [(0, 5000, 5000), (7000, 5000, 7001), (5000, 5000, 5001)])
def test_a_fence_is_above_every_one_before_also_with_no_record_or_a_clock_set_back(
    known: int, milliseconds: int, fence: int
) -> None:
    assert next_fence(known=known, milliseconds=milliseconds) == fence
