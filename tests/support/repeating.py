"""Something done again and again beside a test, in a thread of its own, while a block runs."""

from __future__ import annotations

import threading
from typing import Self

__all__ = ["Repeating"]


class Repeating:
    """Does `step` every `every_s` seconds until the block ends. What it keeps may be read at any time."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def step(self) -> None:
        """What is done each time."""
        raise NotImplementedError(type(self).__name__)  # abstract: whoever repeats says what

    def _run(self) -> None:
        while not self._ends.wait(self._every_s):
            self.step()
