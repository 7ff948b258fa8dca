"""Matters that the helpline does not handle, and where their citizens are sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ExcludedMatter(StrEnum):
    """The caller is told where to go and the refusal is counted; a supervisor may take one in all the same."""

    RTI = "rti"
    COURT = "court"
    OTHER_STATE = "other_state"
    CENTRE = "centre"
    SERVICE_MATTER = "service_matter"


WHERE_TO_GO: Final[Mapping[ExcludedMatter, tuple[str, str]]] = MappingProxyType(
    {
        ExcludedMatter.RTI: (
            "Right to information: apply to the department's public information officer.",
            "सूचना का अधिकार: उस विभाग के जन सूचना अधिकारी को आवेदन दें।",
        ),
        ExcludedMatter.COURT: (
            "A matter in court: free advice is given by the District Legal Services Authority.",
            "अदालत में चल रहा मामला: मुफ़्त सलाह ज़िला विधिक सेवा प्राधिकरण से मिलती है।",
        ),
        ExcludedMatter.OTHER_STATE: (
            "Another state: call the helpline of that state.",
            "दूसरा राज्य: उस राज्य की हेल्पलाइन पर कॉल करें।",
        ),
        ExcludedMatter.CENTRE: (
            "The central government: use its public grievance portal, CPGRAMS.",
            "केंद्र सरकार: उसके जन शिकायत पोर्टल (सीपीग्राम्स) पर शिकायत करें।",
        ),
        ExcludedMatter.SERVICE_MATTER: (
            "An employee's service: apply to the head of your office.",
            "कर्मचारी की सेवा: अपने विभाग के कार्यालय प्रमुख को आवेदन दें।",
        ),
    }
)
"""What the caller is told, in English and in Hindi."""
