"""The names agents, acd and ivr also exist on PyPI: an environment that mixes them is refused."""

from __future__ import annotations

import importlib.metadata

import pytest

from helpline.errors import NameTaken
from helpline.settings import refuse_taken_names

pytestmark = pytest.mark.unit


def test_this_environment_is_our_own() -> None:
    refuse_taken_names()


def test_another_owner_of_one_of_our_names_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        importlib.metadata, "packages_distributions", lambda: {"agents": ["helpline-1076", "tf-agents"], "ivr": []}
    )
    with pytest.raises(NameTaken, match=r"agents .* also belongs to tf-agents.*environment of its own"):
        refuse_taken_names()
