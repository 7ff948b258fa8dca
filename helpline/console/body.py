"""The JSON body of a request to the API, asked for field by field."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request


class Body:
    """A JSON object of the request; each field is asked for by name and kind."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    @classmethod
    async def of(cls, request: Request, *known: str) -> Body:
        """Raises HTTPException 400 for what is no JSON object, 422 for a field that is not known here."""
        raw = await request.body()
        if not raw.strip():
            return cls({})
        try:
            fields = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, f"The body is not JSON ({error}). Send an object such as {{}}.") from None
        if not isinstance(fields, dict):
            raise HTTPException(400, "The body must be a JSON object, such as {}.")
        for name in fields:
            if name not in known:
                raise HTTPException(422, f"{name[:40]!r} is not known here. Expected: {', '.join(known) or 'nothing'}.")
        return cls(fields)

    def text(self, name: str, default: str = "") -> str:
        value = self._fields.get(name, default)
        if not isinstance(value, str):
            raise HTTPException(422, f"{name} must be text.")
        return value

    def texts(self, name: str, default: list[str]) -> list[str]:
        value = self._fields.get(name, default)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise HTTPException(422, f"{name} must be a list of texts.")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self._fields.get(name, default)
        if not isinstance(value, bool):
            raise HTTPException(422, f"{name} must be true or false.")
        return value

    def number(self, name: str, default: int, *, most: int) -> int:
        value = self._fields.get(name, default)
        if type(value) is not int or not 0 <= value <= most:
            raise HTTPException(422, f"{name} must be a whole number from 0 to {most}.")
        return value

    def levels(self, name: str) -> dict[str, int]:
        """A skill and its level each, at least one."""
        value = self._fields.get(name)
        if not isinstance(value, dict) or not value or not all(type(level) is int for level in value.values()):
            raise HTTPException(422, f'{name} must be skills with levels, such as {{"service:complaint": 7}}.')
        return value

    def words(self, name: str) -> dict[str, str]:
        """Text by language, at least one."""
        value = self._fields.get(name)
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise HTTPException(422, f'{name} must be text by language, such as {{"hi": "…", "en": "…"}}.')
        words = {language: text.strip() for language, text in value.items() if text.strip()}
        if not words:
            raise HTTPException(422, f"{name} is empty: say what callers are to hear.")
        return words
