"""A process that has started is not walked as a whole for every few hundred objects."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from lictor_core.collector import THRESHOLDS, settle


@pytest.fixture(autouse=True)
def habits() -> Generator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
    gc.enable()


def test_what_was_made_before_is_set_aside_and_the_collector_runs() -> None:
    gc.disable()
    settle()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == THRESHOLDS


def test_everything_is_walked_about_as_seldom_as_python_does_it() -> None:
    walked = [first * (second + 1) * (third + 1) for first, second, third in (THRESHOLDS, (700, 10, 10))]
    assert 1 <= walked[0] / walked[1] <= 2
