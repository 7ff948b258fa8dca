"""A line of people in order: who is first, who stands where, join and leave, each in a time that hardly grows.

Pure. Sorted keys in chunks: whoever comes or goes moves one chunk at the most, found by binary search.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=tuple[object, ...])

MOST_IN_A_CHUNK = 512


class Line(Generic[Key]):
    """Keys sort as tuples; no key stands in it twice."""

    __slots__ = ("_chunks", "_lasts")

    def __init__(self) -> None:
        self._chunks: list[list[Key]] = []  # none is empty
        self._lasts: list[Key] = []  # the last of each chunk

    def add(self, key: Key) -> None:
        """Take the place that the key says. A key that is there already stays."""
        chunks = self._chunks
        if not chunks:
            chunks.append([key])
            self._lasts.append(key)
            return
        index = bisect_left(self._lasts, key)
        if index == len(chunks):  # behind all: the usual place of one who comes
            index -= 1
            chunk = chunks[index]
            chunk.append(key)
            self._lasts[index] = key
        else:
            chunk = chunks[index]
            spot = bisect_left(chunk, key)
            if chunk[spot] == key:
                return
            chunk.insert(spot, key)
        if len(chunk) > MOST_IN_A_CHUNK:
            half = len(chunk) // 2
            chunks[index : index + 1] = chunk[:half], chunk[half:]
            self._lasts.insert(index, chunk[half - 1])

    def remove(self, key: Key) -> None:
        """Leave the line. A key that is not there is passed over."""
        index = bisect_left(self._lasts, key)
        if index == len(self._chunks):
            return
        chunk = self._chunks[index]
        spot = bisect_left(chunk, key)
        if chunk[spot] != key:
            return
        del chunk[spot]
        if chunk:
            self._lasts[index] = chunk[-1]
        else:
            del self._chunks[index]
            del self._lasts[index]

    def first(self) -> Key | None:
        return self._chunks[0][0] if self._chunks else None

    def before(self, key: Key) -> int:
        """How many stand before that key."""
        index = bisect_left(self._lasts, key)
        before = sum(map(len, self._chunks[:index]))
        return before if index == len(self._chunks) else before + bisect_left(self._chunks[index], key)

    def __contains__(self, key: Key) -> bool:
        index = bisect_left(self._lasts, key)
        if index == len(self._chunks):
            return False
        chunk = self._chunks[index]
        return chunk[bisect_left(chunk, key)] == key

    def __len__(self) -> int:
        return sum(map(len, self._chunks))

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def __iter__(self) -> Iterator[Key]:
        for chunk in self._chunks:
            yield from chunk
