"""The rules of the grievance core as the settings have them."""

from __future__ import annotations

from datetime import timedelta

from grievance_core.catalogue import Catalogue
from grievance_core.igrs.wire import letters as igrs_letters
from grievance_core.messages.letters import sms_letters
from grievance_core.messages.texts import shipped as shipped_messages
from grievance_core.outbox.letters import Letters, all_of, no_letters
from grievance_core.rules import Owners, Policy, Rules, mapped_owners
from grievance_core.working_days import WorkingCalendar
from helpline.runfolder import RunFolder
from helpline.settings import Settings


def rules_of(settings: Settings, catalogue: Catalogue, owners: Owners | None = None) -> Rules:
    """The rules; `owners` says who answers, by default the designations of the catalogue."""
    of, folder = settings.complaints, RunFolder(settings.run_folder)
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Rules(
        catalogue=catalogue,
        calendar=WorkingCalendar(
            extra=of.days_off,
            worked=of.days_worked,
            second_saturday_off=of.second_saturday_off,
            zone=settings.zone,
        ),
        owners=owners or mapped_owners(catalogue),
        policy=Policy(
            cap_per_month=of.cap_per_month,
            ask_within=timedelta(hours=of.ask_within_hours),
            ask_again_after=timedelta(days=of.ask_again_days),
            feedback_span=timedelta(days=of.feedback_days),
            most_transfers=of.most_transfers,
            most_extension_days=of.most_extension_days,
            second_calls=of.second_calls_percent / 100,
            wrong_pins=of.wrong_pins,
        ),
        letters=_letters(settings, catalogue),
        draw_key=folder.secret("draw").encode(),
    )


def _letters(settings: Settings, catalogue: Catalogue) -> Letters:
    """To the systems that have an address in the settings."""
    writers: list[Letters] = []
    if settings.igrs.url:
        writers.append(igrs_letters)
    if settings.sms.url:
        writers.append(sms_letters(shipped_messages(), catalogue))
    return all_of(writers) if writers else no_letters
