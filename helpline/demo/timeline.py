"""What the demo prints: who did what, when, and how long it took."""

from __future__ import annotations

import time

from rich.console import Console


class Timeline:
    """Each line: seconds since the start, seconds since the line before, who, what."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._began = self._last = time.monotonic()

    def tell(self, who: str, what: str) -> None:
        now = time.monotonic()
        self._console.print(
            f"[dim]{now - self._began:6.1f} s {f'+{now - self._last:.1f}':>6}[/dim]  [bold]{who:<9}[/bold] {what}"
        )
        self._last = now

    def close(self, text: str) -> None:
        self._console.print(f"\n{text}")
