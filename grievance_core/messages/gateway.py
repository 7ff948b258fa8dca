"""The line to the SMS gateway: one message a letter, with what the operator's rules ask for beside it."""

from __future__ import annotations

import httpx

from grievance_core.errors import NotDelivered
from grievance_core.messages.texts import Templates
from grievance_core.outbox.box import Kept
from grievance_core.outbox.http import KEY_HEADER, ask

PATH = "/v1/messages"


class Gateway:
    """`header` is the sender's registered name (up to 11 signs), `entity_id` the department's number on DLT."""

    def __init__(self, http: httpx.AsyncClient, templates: Templates, *, header: str, entity_id: str) -> None:
        self._http = http
        self._by_id = {template.template_id: template for template in templates.values()}
        self._header = header
        self._entity_id = entity_id

    async def send(self, letter: Kept) -> str:
        """Raises NotDelivered; for good when the words are no longer those of a registered template."""
        template, text = self._by_id.get(letter.body["template"]), letter.body["text"]
        if template is None or not template.fits(text):
            raise NotDelivered("the words are not those of a registered template: see messages.csv", retryable=False)
        body = {**letter.body, "header": self._header, "entity": self._entity_id, "language": template.language}
        answer = await ask(self._http, "POST", PATH, whom="The gateway", json=body, headers={KEY_HEADER: letter.key})
        return f"message {answer['id']}" if answer.get("id") else "taken"
