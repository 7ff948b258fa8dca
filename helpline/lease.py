"""The lease: which one controller is at work, and how another takes its place.

Three things together make it that there are never two:

- the lease in Redis, which runs out (`helpline.holding` has its rules) and carries a fence, a number that only rises;
- the kernel's lock on the run folder, which a controller holds as long as its process lives: whoever has it knows that
  no other of this run folder lives, and need not wait for the lease to run out;
- the end of the old process by its pid, where the lease has run out although the process is there: it has hung.

A controller that was stopped and goes on finds by its own clock that its lease is not proven (`held`), before it acts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from helpline.errors import HelplineError, RunFolderInUse, ServiceFailed
from helpline.holding import Hold, Seen, Terms, Watch, next_fence
from helpline.runfolder import Lock, RunFolder

log = logging.getLogger(__name__)

LEASE_KEY = "helpline:lease"
FENCE_KEY = "helpline:fence"
"""The highest fence ever given out; it does not run out."""
KEYS = (LEASE_KEY, FENCE_KEY)
ROLE = "controller"
LOCK_SECONDS = 5.0
"""How long the kernel may take to end a process that was killed."""

MARK = """
local mark = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') .. ':' .. (redis.call('GET', KEYS[2]) or '')
"""
LOOK = MARK + "return {mark, redis.call('GET', KEYS[1]) or '', redis.call('PTTL', KEYS[1])}"
TAKE = (
    MARK
    + """
local now = redis.call('GET', KEYS[1])
if mark ~= ARGV[5] or now and now ~= ARGV[1] then return 0 end
local known = tonumber(redis.call('GET', KEYS[2]) or '0')
local fence = string.format('%.0f', math.max(known + 1, tonumber(ARGV[3])))
redis.call('SET', KEYS[2], fence)
redis.call('SET', KEYS[1], fence .. ' ' .. ARGV[2], 'PX', ARGV[4])
return fence
"""
)
RENEW = """
local now = redis.call('GET', KEYS[1])
if now and now ~= ARGV[1] then return 0 end
if not now and (ARGV[4] == '0' or tonumber(redis.call('GET', KEYS[2]) or '0') > tonumber(ARGV[2])) then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
"""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"


class LeaseLost(HelplineError):
    """Another controller has the lease: this one must do nothing more."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lease, as it is written in Redis: `<fence> <id> <place> <pid>`.

    `place` names the run folder and with it the machine: the kernel's lock and the pid mean something there only.
    """

    id: str
    place: str
    pid: int

    def __str__(self) -> str:
        return f"{self.id} {self.place} {self.pid}"

    @classmethod
    def read(cls, written: str) -> Holder | None:
        """The holder of a lease as written; None for none, or for what nobody of us wrote."""
        words = written.split()
        if len(words) != 4 or not words[3].isdecimal():
            return None
        return cls(words[1], words[2], int(words[3]))


class Lease:
    """One controller's way to be the one at work: `take` or `stand_by`, then `keep` beside the work, then `let_go`.

    `own_redis`: no other run folder uses this Redis, so that the kernel's lock alone proves that nobody is at work.
    """

    def __init__(
        self,
        redis: Redis,
        folder: RunFolder,
        *,
        own_redis: bool,
        terms: Terms | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._own_redis = own_redis
        self._terms = terms or Terms()
        self._clock = clock
        self._wall = wall
        self._me = Holder(os.urandom(8).hex(), folder.secret("place"), os.getpid())
        self._look, self._take, self._renew, self._release = (
            redis.register_script(script) for script in (LOOK, TAKE, RENEW, RELEASE)
        )
        self._hold: Hold | None = None
        self._watch = Watch()
        self._lock: Lock | None = None

    @property
    def fence(self) -> int:
        """This holder's number, above every earlier holder's; 0 for one that holds nothing."""
        return self._hold.fence if self._hold else 0

    def held(self) -> bool:
        """Whether this process may act now. Costs a look at the clock."""
        return self._hold is not None and self._hold.held(self._clock(), self._terms)

    # -- coming to it

    async def take(self) -> None:
        """Be the one at work, as soon as it is sure that nobody else is.

        Raises RunFolderInUse when a controller lives in this run folder, or one of another run folder has the lease of
        this Redis; ServiceFailed when Redis does not answer.
        """
        self._lock = self._folder.try_lock(ROLE)
        if self._lock is None:
            raise RunFolderInUse(
                f"A controller (process {self._folder.lock_holder(ROLE) or 'unknown'}) already runs in "
                f"{self._folder.root}. Stop it, or give this one another run_folder in its settings file."
            )
        until = self._clock() + self._terms.grace + self._terms.lasts
        try:
            while (written := await self._seen()) is None or not await self._taken(written):
                if written is None and self._watch.looked_at is None:
                    raise ServiceFailed(
                        "Redis does not answer, so it is not known whether another controller is at work. "
                        "Start it, or mend redis_url, and try again."
                    )
                if self._clock() > until:
                    raise RunFolderInUse(
                        f"A controller of another run folder works with this Redis ({written}). "
                        "Stop it, or name another redis_url in the settings file."
                    )
                await asyncio.sleep(self._terms.look_every)
        except BaseException:
            self._unlock()
            raise

    async def stand_by(self) -> None:
        """Wait until nobody is at work any more, and be the one from then on.

        The holder's process, if it is of this run folder and still there when its lease has run out, is killed first.
        """
        while True:
            if self._lock is None:
                self._lock = self._folder.try_lock(ROLE)
            written = await self._seen()
            if written is not None and await self._may_be_asked_for() and await self._taken(written):
                return
            await asyncio.sleep(self._terms.look_every)

    async def _may_be_asked_for(self) -> bool:
        """Whether the lease may be asked for; ends a holder of this run folder that hangs."""
        if self._lock is not None:
            return True
        if not self._watch.may_take(self._clock(), self._terms):
            return False
        pid = self._folder.lock_holder(ROLE)
        if pid is not None and self._folder.is_controller(pid):
            log.error("The controller at work has hung and is ended", extra={"action": "hung_ended", "pid": pid})
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until = self._clock() + LOCK_SECONDS
        while (lock := self._folder.try_lock(ROLE)) is None and self._clock() < until:
            await asyncio.sleep(0.01)
        self._lock = lock
        return lock is not None

    async def _seen(self) -> str | None:
        """Look at the lease: what it says, "" when there is none, None when Redis does not answer."""
        asked = self._clock()
        answer = await self._ask(self._look(keys=KEYS))
        seen, written = None, None
        if answer is not None:
            mark, written, milliseconds = answer
            seen = Seen(str(mark), int(milliseconds) / 1000 if written else None)
        self._watch = self._watch.looked(seen, asked=asked, answered=self._clock(), terms=self._terms)
        return written

    async def _taken(self, written: str) -> bool:
        """Ask for the lease, with the lock held; `written` is the one that was seen there."""
        before = Holder.read(written)
        # With the lock in our hands, whoever of this run folder wrote it is dead; so is our own, of a lost answer.
        dead = written if before is not None and before.place == self._me.place else ""
        certain = bool(dead) or (self._own_redis and not written)
        if not certain and not self._watch.may_take(self._clock(), self._terms):
            return False
        asked = self._clock()
        floor = next_fence(known=self._filed_fence(), milliseconds=int(self._wall() * 1000))
        fence = await self._ask(
            self._take(keys=KEYS, args=[dead, str(self._me), floor, self._milliseconds, self._watch.mark])
        )
        if not fence or int(fence) == 0:
            return False
        self._hold = Hold(int(fence), asked)
        self._file_fence(int(fence))
        log.info("The lease is taken", extra={"action": "lease_taken", "fence": self.fence, "before": written})
        return True

    # -- having it

    async def keep(self) -> None:
        """Renew it for ever; Redis may go away and come back empty.

        Raises LeaseLost when somebody else has it, or may have had it since this process was stopped.
        """
        hold, away = self._hold, False
        if hold is None:
            raise LeaseLost("The lease was never taken.")
        while True:
            asked = self._clock()
            again = int(hold.held(asked, self._terms))
            args: list[str | int] = [f"{hold.fence} {self._me}", hold.fence, self._milliseconds, again]
            answer = await self._ask(self._renew(keys=KEYS, args=args))
            if answer is None:
                hold = hold.unanswered(asked, self._clock(), self._terms)
            elif int(answer):
                hold = hold.renewed(asked)
            else:
                self._hold = None
                raise LeaseLost("Another controller is at work. This one ends without a further act.")
            self._hold = hold
            if away != (answer is None):
                away = not away
                log.warning(
                    "Redis is away, the lease is kept without it" if away else "The lease is in Redis again",
                    extra={"action": "lease_away" if away else "lease_back", "fence": hold.fence},
                )
            await asyncio.sleep(max(0.0, asked + self._terms.renew_every - self._clock()))

    async def let_go(self) -> None:
        """Leave it to whoever stands by, at once. Idempotent."""
        hold, self._hold = self._hold, None
        if hold is not None:
            await self._ask(self._release(keys=[LEASE_KEY], args=[f"{hold.fence} {self._me}"]))
        self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    async def _ask(self, question: Any) -> Any:
        """Redis' answer, or None."""
        try:
            async with asyncio.timeout(self._terms.answer_within):
                return await question
        except (RedisError, OSError, TimeoutError):
            return None

    @property
    def _milliseconds(self) -> int:
        return round(self._terms.lasts * 1000)

    # -- the fence, kept where Redis' loss does not reach it

    @property
    def _fence_file(self) -> Path:
        return self._folder.root / "fence"

    def _filed_fence(self) -> int:
        try:
            return int(self._fence_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def _file_fence(self, fence: int) -> None:
        fresh = self._fence_file.with_suffix(".new")
        try:
            fresh.write_text(f"{fence}\n", encoding="ascii")
            fresh.replace(self._fence_file)
        except OSError as error:  # a full disk: the time of day makes it rise all the same
            log.error("The fence can't be kept", extra={"action": "fence_unkept", "error": str(error)})
