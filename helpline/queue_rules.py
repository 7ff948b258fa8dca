"""The rules of the queues: those that are shipped, with what the settings say otherwise. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from acd.engine.queues import DEFAULT_QUEUES, Hours, Overflow, QueueRules, ServicePromise, Widening
from acd.engine.skills import Need
from helpline.settings import QueueOfItsOwn


def queue_rules(tables: Mapping[str, QueueOfItsOwn], *, zone: ZoneInfo) -> tuple[QueueRules, ...]:
    """The shipped queues, and after them those that only the settings name: each needs a service of its name."""
    shipped = {rules.name: rules for rules in DEFAULT_QUEUES}
    for name, table in tables.items():
        rules = shipped.get(name) or QueueRules(name=name, required=(Need(f"service:{name}"),))
        shipped[name] = _changed(rules, table, zone)
    return tuple(shipped.values())


def _changed(rules: QueueRules, table: QueueOfItsOwn, zone: ZoneInfo) -> QueueRules:
    said: dict[str, Any] = {}
    if table.requires is not None:
        said["required"] = tuple(_need(skill) for skill in table.requires)
    if table.widening is not None:
        said["widening"] = tuple(
            Widening(after_seconds=one.after_seconds, drop=one.drop, lower_to=one.lower_to) for one in table.widening
        )
    if table.overflow is not None:
        said["overflow"] = tuple(
            Overflow(when=one.when, limit=one.limit, to=one.to, queue=one.queue) for one in table.overflow
        )
    if table.known_agent_seconds is not None:
        said["known_agent_seconds"] = table.known_agent_seconds
    if table.race is not None:
        said["race"] = table.race
    if table.opens is not None and table.closes is not None:
        said["hours"] = Hours(opens=table.opens, closes=table.closes, utc_minutes=_minutes_before_utc(zone))
    return replace(rules, promise=_promise(rules.promise, table), **said)


def _promise(promise: ServicePromise, table: QueueOfItsOwn) -> ServicePromise:
    return ServicePromise(
        seconds=promise.seconds if table.promise_seconds is None else table.promise_seconds,
        share=promise.share if table.promise_share is None else table.promise_share,
        short_seconds=promise.short_seconds if table.short_seconds is None else table.short_seconds,
    )


def _need(text: str) -> Need:
    skill, _, level = text.partition("=")
    return Need(skill, int(level or 1))


def _minutes_before_utc(zone: ZoneInfo) -> int:
    """India keeps one time all year; so does what is set here."""
    offset = datetime(2026, 1, 1, tzinfo=UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)
