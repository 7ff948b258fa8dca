"""Use cases in which somebody decides: special closure, objection, extension, transfer, withdrawal, overrides."""

from __future__ import annotations

from grievance_core.catalogue import LEVELS
from grievance_core.complaint import Complaint, SpecialReason, words
from grievance_core.errors import DraftRefused
from grievance_core.lifecycle import (
    LEADERSHIP_LEVEL,
    EventKind,
    State,
    decision_event,
    extension_event,
    objection_event,
    proposal_event,
    question_event,
    reply_event,
    transfer_event,
    withdrawal_event,
)
from grievance_core.writing import Writing

WHO_DECIDES = range(LEVELS[0], LEADERSHIP_LEVEL + 1)


def same_person(one: str, other: str) -> bool:
    """Whether two names on record are one person's; case and spaces do not count."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


class Deciding(Writing):
    """All of them raise NotAllowed when the life cycle forbids it now, and DraftRefused when a paper is missing."""

    # Special closure, by two people

    async def propose_closure(
        self, number: str, *, by: str, level: int, reason: str, text: str, report: str, channel: str = "desk"
    ) -> Complaint:
        """An officer of `level` 2 to 4 would close although the citizen is not satisfied; a second person decides.

        `reason` is one of SpecialReason, `text` explains it to the citizen, `report` says what was found. That the
        citizen was never reached is a reason only where the superior decides about just that.
        """
        if level not in LEVELS:
            raise DraftRefused("The officer's level must be 1, 2, 3 or 4.")
        if reason not in set(SpecialReason):
            raise DraftRefused(f"The reason must be one of {', '.join(SpecialReason)}.")
        papers = (words(text, "explanation"), words(report, "report"))
        deed = self._deed(by=by, channel=channel, text=papers[0], report=papers[1], reason=reason, by_level=level)
        if not deed.by:
            raise DraftRefused("Who proposes it is missing. Give name and post.")

        def kind_of(complaint: Complaint) -> EventKind:
            if reason == SpecialReason.NEVER_REACHED and complaint.state is not State.WITH_SUPERIOR:
                raise DraftRefused("Never reached is a reason only once it is with the superior for that.")
            return proposal_event(level=complaint.level, by_level=level)

        return await self._change(number, deed, kind_of)

    async def approve_closure(
        self, number: str, *, by: str, level: int, text: str = "", channel: str = "desk"
    ) -> Complaint:
        """The second person agrees: closed specially. `level` 5 is the leadership."""
        return await self._decide_closure(number, by=by, level=level, text=text, channel=channel, approve=True)

    async def decline_closure(self, number: str, *, by: str, level: int, text: str, channel: str = "desk") -> Complaint:
        """The second person does not agree: back to the officer, with the reason in `text`."""
        return await self._decide_closure(
            number, by=by, level=level, text=words(text, "reason"), channel=channel, approve=False
        )

    async def _decide_closure(
        self, number: str, *, by: str, level: int, text: str, channel: str, approve: bool
    ) -> Complaint:
        deed = self._deed(
            by=by, channel=channel, text=words(text, "text") if text else "", by_level=checked_level(level)
        )
        return await self._change(
            number,
            deed,
            lambda complaint: decision_event(
                approve=approve,
                proposed_level=complaint.proposed_level,
                by_level=level,
                same_person=same_person(deed.by, complaint.proposed_by),
            ),
        )

    async def object(
        self, number: str, *, text: str, channel: str, by: str = "citizen", attempt: str | None = None
    ) -> Complaint:
        """The citizen objects to a special closure, or to the answer to a demand; once: it goes to the next level.

        A supporter's objection is made to the complaint that theirs is part of.
        """
        deed = self._deed(by=by, channel=channel, text=words(text, "objection"), attempt=attempt)

        def kind_of(complaint: Complaint) -> EventKind:
            if complaint.kind == "information":
                raise DraftRefused("Information was given and nothing was decided. Register a complaint instead.")
            return objection_event(level=complaint.level, objections_before=complaint.objections)

        return await self._change(await self._whole(number), deed, kind_of)

    # Time and place

    async def extend(
        self, number: str, *, by: str, level: int, days: int, text: str, channel: str = "desk"
    ) -> Complaint:
        """Move the due time by working days, once per level, with the reason on record. `level` is of who grants it."""
        most = self._rules.policy.most_extension_days
        if not 1 <= days <= most:
            raise DraftRefused(f"An extension has 1 to {most} days.")
        deed = self._deed(
            by=by, channel=channel, text=words(text, "reason"), by_level=checked_level(level), amount=days
        )
        return await self._change(
            number,
            deed,
            lambda complaint: extension_event(
                level=complaint.level, by_level=level, extended_before=complaint.extended
            ),
        )

    async def transfer(
        self, number: str, *, category: str, by: str, text: str, supervisor: bool = False, channel: str = "desk"
    ) -> Complaint:
        """Give it to the department it belongs to, by the category that says so; the due time stays.

        After as many transfers as the policy allows only a `supervisor` decides. Raises UnknownCategory.
        """
        code = self.catalogue.category(category).code
        deed = self._deed(by=by, channel=channel, text=words(text, "reason"), about=code)

        def kind_of(complaint: Complaint) -> EventKind:
            if complaint.category == code:
                raise DraftRefused("It has this category already. Choose the one of the right department.")
            return transfer_event(
                transfers_before=complaint.transfers, most=self._rules.policy.most_transfers, by_supervisor=supervisor
            )

        return await self._change(number, deed, kind_of)

    async def ask_again(self, number: str, *, by: str, text: str, channel: str = "desk") -> Complaint:
        """The superior of an officer whose citizen was never reached has them rung once more."""
        deed = self._deed(by=by, channel=channel, text=words(text, "reason"))
        return await self._change(number, deed, lambda _: EventKind.ASKED_AGAIN)

    # The citizen's wishes

    async def withdraw(self, number: str, *, by: str, text: str, channel: str) -> Complaint:
        """The citizen takes it back. Who was pressed to do so says so with `pressed`."""
        deed = self._deed(by=by, channel=channel, text=words(text, "reason"))
        return await self._change(number, deed, lambda complaint: withdrawal_event(complaint.supporters))

    async def pressed(
        self, number: str, *, channel: str, text: str = "", by: str = "citizen", attempt: str | None = None
    ) -> Complaint:
        """The citizen says that an officer pressed them: on record for the leadership, changes nothing else."""
        deed = self._deed(by=by, channel=channel, text=words(text, "statement") if text else "", attempt=attempt)
        return await self._change(number, deed, lambda _: EventKind.PRESSED)

    async def second_feedback(
        self, number: str, *, satisfied: bool, attempt: str, by: str = "citizen", channel: str = "second_call"
    ) -> Complaint:
        """The answer to a blind second call, kept beside the first; the complaint stays as it is."""
        answer = "satisfied" if satisfied else "dissatisfied"
        deed = self._deed(by=by, channel=channel, reason=answer, attempt=attempt)
        return await self._change(number, deed, lambda _: EventKind.SECOND_FEEDBACK)

    async def second_call_missed(self, number: str, *, attempt: str, channel: str = "second_call") -> Complaint:
        """The citizen was not reached for a blind second call: on record, and counted as neither answer."""
        deed = self._deed(by="dialer", channel=channel, attempt=attempt)
        return await self._change(number, deed, lambda _: EventKind.SECOND_CALL_MISSED)

    # What officers need to know, and what is noted

    async def ask_citizen(self, number: str, *, by: str, text: str, channel: str = "desk") -> Complaint:
        """An officer's question to the citizen, who is rung with it. One at a time; the clock runs on."""
        deed = self._deed(by=by, channel=channel, text=words(text, "question"))
        return await self._change(
            number, deed, lambda complaint: question_event(is_open=complaint.question_at is not None)
        )

    async def reply_to_officer(
        self, number: str, *, text: str, channel: str, by: str = "citizen", attempt: str | None = None
    ) -> Complaint:
        """The citizen's answer to an officer's question."""
        deed = self._deed(by=by, channel=channel, text=words(text, "answer"), attempt=attempt)
        return await self._change(
            number, deed, lambda complaint: reply_event(is_open=complaint.question_at is not None)
        )

    async def comment(self, number: str, *, by: str, text: str, channel: str = "desk") -> Complaint:
        """Something worth knowing, which moves nothing."""
        deed = self._deed(by=by, channel=channel, text=words(text, "comment"))
        return await self._change(number, deed, lambda _: EventKind.COMMENTED)

    async def attach(self, number: str, *, by: str, path: str, text: str = "", channel: str = "desk") -> Complaint:
        """A file of an officer: where it lies, and what it shows."""
        deed = self._deed(
            by=by, channel=channel, report=words(path, "file's path"), text=words(text, "text") if text else ""
        )
        return await self._change(number, deed, lambda _: EventKind.ATTACHED)

    # At the door

    async def override_refusal(self, number: str, *, by: str, text: str, channel: str = "desk") -> Complaint:
        """A supervisor takes an excluded matter in all the same, with the reason on record."""
        deed = self._deed(by=by, channel=channel, text=words(text, "reason"))
        return await self._change(number, deed, lambda _: EventKind.OVERRIDDEN)


def checked_level(level: int) -> int:
    """The level of who decides. Raises DraftRefused."""
    if level not in WHO_DECIDES:
        raise DraftRefused(f"The level of who decides must be 1 to 4, or {LEADERSHIP_LEVEL} for the leadership.")
    return level
