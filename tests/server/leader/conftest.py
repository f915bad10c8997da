"""A clock for the leader's duties that no test's machine disturbs."""

from __future__ import annotations

import functools

import pytest

from lictor_server import vouching
from lictor_server.leader import loop, sessions
from lictor_server.leader.pauses import PauseWatch
from tests.support.clock import ManualClock

_NEVER_S = 3600.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """A clock of the test. Pauses are not noticed.

    They are the machine's, and give leases more time, which here would never pass.
    """
    for module in (loop, sessions, vouching):
        monkeypatch.setattr(module, "PauseWatch", functools.partial(PauseWatch, pause_s_min=_NEVER_S))
    return ManualClock()
