"""The wiring: every object of the running controller, made by hand in one place, in the order of need."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from acd.history.journal_file import JournalFile
from acd.service import Acd, AcdSettings
from acd.store import SqlCallLog
from acd.waiting.admission import Limits
from acd.waiting.callback import CallbackRules
from agents.service import Agents, Phone
from asterisk_conf.instance import Instance
from asterisk_conf.programs import Program, Programs
from asterisk_conf.settings import AsteriskSettings, PhoneAccount, TrunkSettings
from grievance_core.audit import Audit
from grievance_core.catalogue import Catalogue
from grievance_core.figures.rollups import Rollups
from grievance_core.outbox.box import Outbox
from grievance_core.posts.service import Posts
from grievance_core.service import Grievances
from helpline import storage
from helpline.console.app import build as build_console
from helpline.console.parts import Parts
from helpline.feedback import FeedbackCalls, FeedbackSurvey
from helpline.fencing import FencedLink, FencedPool, fenced_calls
from helpline.holding import Terms
from helpline.house import House
from helpline.lease import Lease
from helpline.outside import outside
from helpline.questions import Questions
from helpline.queue_rules import queue_rules
from helpline.redis_server import RedisServer
from helpline.rules import rules_of
from helpline.runfolder import RunFolder
from helpline.settings import Peer, Settings
from ivr.flows import Flows
from ivr.menu import shipped_menus
from ivr.notices import Notices
from ivr.service import Ivr
from ivr.store import Languages
from ivr.waiting_words import SpokenWaiting
from outbound_dialer.pacing import Pace
from outbound_dialer.rules import Rules, Window
from outbound_dialer.service import Dialer, DialerSettings
from telephony.ami import AmiSettings
from telephony.events import DialEnded
from telephony.server import FastAgiServer

REDIS_SECONDS = 2.0
REDIS_OPTIONS: Mapping[str, Any] = {
    "decode_responses": True,
    "socket_timeout": REDIS_SECONDS,
    "socket_connect_timeout": REDIS_SECONDS,
}


def utc_now() -> datetime:
    """The one real clock; every room is given it."""
    return datetime.now(UTC)


def private_redis(settings: Settings, program: Program) -> RedisServer:
    folder = RunFolder(settings.run_folder)
    return RedisServer(
        argv=program.argv,
        env=program.env,
        folder=folder.redis,
        port=settings.redis_port,
        password=folder.secret("redis"),
    )


def redis_client(settings: Settings) -> redis.asyncio.Redis:
    """A client of the Redis that was set, else of the private one of this run folder."""
    return redis.asyncio.Redis.from_url(_redis_url(settings), **REDIS_OPTIONS)


def _redis_url(settings: Settings) -> str:
    if settings.redis_url:
        return settings.redis_url
    password = RunFolder(settings.run_folder).secret("redis")
    return f"redis://:{password}@127.0.0.1:{settings.redis_port}/0"


@asynccontextmanager
async def lease(settings: Settings) -> AsyncIterator[Lease]:
    """The way to be the one controller at work; its connection to Redis is its own."""
    client = redis_client(settings)
    try:
        yield Lease(
            client,
            RunFolder(settings.run_folder),
            own_redis=not settings.redis_url,
            terms=Terms(lasts=settings.controller.lease_seconds),
        )
    finally:
        await client.aclose()


def asterisk(settings: Settings, program: Program) -> Instance:
    """The private Asterisk of this run folder, running or not."""
    folder, telephony = RunFolder(settings.run_folder), settings.telephony

    def trunk(peer: Peer) -> TrunkSettings:
        return TrunkSettings(host=peer.host, port=peer.port)

    return Instance(
        AsteriskSettings(
            run_folder=folder.asterisk,
            prompts_folder=folder.prompts,
            music_folder=folder.music,
            recordings_folder=folder.recordings,
            lifeline_folder=folder.lifeline,
            python=Path(sys.executable),
            bind=telephony.bind,
            sip_port=telephony.sip_port,
            ami_port=telephony.ami_port,
            agi=("127.0.0.1", telephony.agi_port),
            rtp_first=telephony.rtp_first,
            rtp_last=telephony.rtp_last,
            trunk=trunk(telephony.trunk),
            emergency_trunk=trunk(telephony.emergency_trunk),
            helpline_number=telephony.number,
            std_code=telephony.std_code,
            country_code=telephony.country_code,
            max_calls=telephony.max_calls,
        ),
        program,
    )


def accounts(phones: Sequence[Phone]) -> list[PhoneAccount]:
    """The agents' phones in Asterisk's terms."""
    return [
        PhoneAccount(endpoint=phone.endpoint, md5_cred=phone.md5_cred, display_name=phone.display_name)
        for phone in phones
    ]


@asynccontextmanager
async def controller(settings: Settings, held: Callable[[], bool] = lambda: True) -> AsyncIterator[House]:
    """Everything that one controller runs; the caller lets it serve. It acts on others only while the lease is `held`;
    by default there is no lease, as where no second one can be.

    Nothing is connected yet, so one that stands by is made as well.
    """
    folder = RunFolder(settings.run_folder)
    pool = FencedPool.from_url(_redis_url(settings), **REDIS_OPTIONS)
    pool.held = held
    engine, client = storage.open_engine(settings.database), redis.asyncio.Redis.from_pool(pool)
    now = utc_now()
    journal = JournalFile(folder.journal, zone=settings.zone, run=f"{now:%Y%m%dT%H%M%S}-{os.getpid()}")
    journal.start()
    try:
        house = _house(settings, folder, engine, client, held, journal)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        async with outside(settings, sessions, house.grievances, clock=utc_now) as lines:
            yield replace(house, outside=lines)
    finally:
        await journal.stop()
        await client.aclose()
        await engine.dispose()


def _house(
    settings: Settings,
    folder: RunFolder,
    engine: AsyncEngine,
    client: redis.asyncio.Redis,
    held: Callable[[], bool],
    journal: JournalFile,
) -> House:
    telephony = settings.telephony
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    instance = asterisk(settings, Programs().find("asterisk"))
    link = FencedLink(
        AmiSettings(
            host="127.0.0.1",
            port=telephony.ami_via or telephony.ami_port,
            user=instance.settings.ami_user,
            secret=instance.ami_secret(),
        ),
        rng=random.Random(),
        held=held,
    )
    catalogue = Catalogue.shipped()
    posts = Posts(sessions, catalogue=catalogue, clock=utc_now, zone=settings.zone)
    rules = rules_of(settings, catalogue, posts.owners)
    grievances = Grievances(sessions, catalogue=catalogue, clock=utc_now, rules=rules)
    audit = Audit(sessions, clock=utc_now)
    agents = Agents(
        sessions,
        client,
        clock=utc_now,
        extension_seconds=settings.queue.wrap_up_extension_seconds,
        longest_wrap_up_seconds=settings.queue.longest_wrap_up_seconds,
    )
    acd = Acd(
        agents=agents,
        redis=client,
        calls=SqlCallLog(sessions),
        link=link,
        clock=utc_now,
        words=SpokenWaiting(),
        settings=_acd_settings(settings, folder),
        journal=journal,
        build_notice=Notices(folder.prompts, Programs()).build_notice,
        calls_in_use=lambda: len(calls.calls),
    )
    feedback = FeedbackCalls(grievances)
    dialer = Dialer(
        sessions, link, feedback, clock=utc_now, settings=dialer_settings(settings), on_outcome=feedback.take
    )
    flows = Flows(
        desk=acd,
        complaints=grievances,
        survey=FeedbackSurvey(dialer, grievances),
        languages=Languages(sessions, clock=utc_now),
        menus=shipped_menus(),
        messages_folder=folder.lifeline,
        zone=settings.zone,
        clock=utc_now,
    )
    calls = FastAgiServer(
        "127.0.0.1",
        telephony.agi_port,
        fenced_calls(Ivr(flows, lines={"agent": acd.attend, "colleague": acd.put_through}), held),
        link,
    )
    link.subscribe(DialEnded, calls.dial_ended)

    async def teach_phones() -> None:
        await instance.reload_phones(accounts(agents.phones()))

    async def health() -> Mapping[str, bool]:
        return {
            "asterisk": link.connected,
            "redis": await _redis_answers(client),
            "database": await _database_answers(engine),
        }

    console = Parts(
        agents=agents,
        acd=acd,
        supervision=acd.supervision,
        callers=acd.callers,
        grievances=grievances,
        catalogue=catalogue,
        redis=client,
        api_token=folder.secret("api"),
        office_code=folder.secret("office"),
        zone=settings.zone,
        clock=utc_now,
        add_phone=teach_phones,
        health=health,
        kick_dialer=dialer.kick,
        piles=Outbox(sessions, clock=utc_now).piles,
    )
    return House(
        agents=agents,
        acd=acd,
        dialer=dialer,
        grievances=grievances,
        audit=audit,
        posts=posts,
        rollups=Rollups(sessions, zone=settings.zone),
        leave_days=settings.complaints.leave_days,
        questions=Questions(grievances, acd.add_work),
        link=link,
        calls=calls,
        console=build_console(console),
        console_address=(settings.console.host, settings.console.port),
        lifeline_folder=folder.lifeline,
        clock=utc_now,
    )


def _acd_settings(settings: Settings, folder: RunFolder) -> AcdSettings:
    queue = settings.queue
    return AcdSettings(
        recordings_folder=folder.recordings,
        ring_seconds=queue.ring_seconds,
        wrap_up_seconds=queue.wrap_up_seconds,
        announce_first_seconds=queue.announce_first_seconds,
        announce_every_seconds=queue.announce_every_seconds,
        queues=queue_rules(settings.queues, zone=settings.zone),
        callback=CallbackRules(
            attempts=queue.callback_attempts,
            pause_seconds=queue.callback_pause_seconds,
            ring_seconds=queue.callback_ring_seconds,
            caller_id=settings.dialer.caller_id,
        ),
        admission=Limits(share=queue.most_of_max_calls, max_waiting=queue.most_waiting),
        max_calls=settings.telephony.max_calls,
        zone=settings.zone,
        off_hook_tone=queue.off_hook_tone,
    )


def dialer_settings(settings: Settings) -> DialerSettings:
    """How feedback calls go out, by `[dialer]`."""
    dialer = settings.dialer
    return DialerSettings(
        rules=Rules(
            window=Window(
                zone=settings.zone,
                opens=dialer.opens,
                closes=dialer.closes,
                days=dialer.days,
                days_off=dialer.days_off,
            ),
            max_tries=dialer.max_tries,
            most_a_day=dialer.most_a_day,
        ),
        caller_id=dialer.caller_id,
        pace=Pace(lines=dialer.lines, calls_per_second=dialer.calls_per_second),
        ring_seconds=dialer.ring_seconds,
    )


async def _redis_answers(client: redis.asyncio.Redis) -> bool:
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False


async def _database_answers(engine: AsyncEngine) -> bool:
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError):
        return False
    return True
