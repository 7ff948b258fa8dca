"""A line of people in order: who is first, who stands where, join and leave, each in a time that hardly grows.

Pure. A sorted list with binary search: at 5,000 entries an insertion moves 40 kB of pointers at most, some 2 µs.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=tuple[object, ...])


class Line(Generic[Key]):
    """Keys sort as tuples; no key stands in it twice."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: list[Key] = []

    def add(self, key: Key) -> None:
        """Take the place that the key says. A key that is there already stays."""
        if key not in self:
            insort(self._keys, key)

    def remove(self, key: Key) -> None:
        """Leave the line. A key that is not there is passed over."""
        index = bisect_left(self._keys, key)
        if index < len(self._keys) and self._keys[index] == key:
            del self._keys[index]

    def first(self) -> Key | None:
        return self._keys[0] if self._keys else None

    def before(self, key: Key) -> int:
        """How many stand before that key."""
        return bisect_left(self._keys, key)

    def __contains__(self, key: Key) -> bool:
        index = bisect_left(self._keys, key)
        return index < len(self._keys) and self._keys[index] == key

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)
