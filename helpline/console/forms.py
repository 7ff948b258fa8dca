"""Reading the forms of the pages: what was typed, kept as it was for the case that it must be shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from grievance_core.catalogue import Catalogue
from grievance_core.complaint import Draft
from grievance_core.errors import DraftRefused
from telephony.numbers import national

if TYPE_CHECKING:  # the command line reads its options here too, and needs no web framework for it
    from starlette.requests import Request

Typed = Mapping[str, str]

COMPLAINT_FIELDS = ("kind", "language", "category", "district", "text", "name", "caller", "call_id")


async def typed(request: Request, *names: str) -> dict[str, str]:
    """The named fields of a form, "" for what was not sent; other fields and files are passed over."""
    form = await request.form(max_files=0, max_fields=50)
    values = {name: form.get(name, "") for name in names}
    return {name: value if isinstance(value, str) else "" for name, value in values.items()}


def draft_of(values: Typed, *, catalogue: Catalogue, agent: str | None, channel: str) -> Draft:
    """What the registration form says. Raises DraftRefused (or its kin), which names the field to mend."""
    category = values["category"].strip()
    if not category:
        raise DraftRefused(
            "The category is empty. Type a part of the department or the matter and choose from the list."
        )
    district = values["district"].strip()
    if not district:
        raise DraftRefused("The district is empty. Type its first letters and choose from the list.")
    return Draft(
        # A line of the list begins with the code: "HOM-01 FIR not registered …".
        category=catalogue.category(category.split()[0]).code,
        district=catalogue.find_district(district.split(" · ")[0]).code,
        text=values["text"],
        caller=caller_of(values["caller"]),
        name=values["name"],
        kind=values["kind"] or "complaint",  # type: ignore[arg-type]  # checked by the grievance core
        language=values["language"] or "hi",  # type: ignore[arg-type]
        channel=channel,
        call_id=values["call_id"] or None,
        agent=agent,
    )


def caller_of(text: str) -> str:
    """A typed phone number as national digits; "" when it was left empty. Raises DraftRefused."""
    bare = text.strip()
    if not bare:
        return ""
    # A foreign number keeps its + there; the grievance core keeps digits only.
    number = national(bare).removeprefix("+")
    if not number:
        raise DraftRefused("The caller's number can't be read. Type digits, or leave it empty if it is withheld.")
    return number
