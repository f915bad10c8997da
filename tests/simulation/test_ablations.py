"""Each guard prevents a harm that comes without it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.simulation.ablations import ABLATIONS
from tests.simulation.alone import Alone
from tests.simulation.clock import VirtualClock, virtual
from tests.simulation.harms import CONVERSATIONS, STAGED


@pytest.fixture
def alone() -> Iterator[Alone]:
    clock = VirtualClock()
    with virtual(clock, random.Random(1)):
        yield Alone(clock)


def test_every_guard_has_its_harm() -> None:
    assert CONVERSATIONS.keys() | STAGED.keys() == ABLATIONS.keys()


@pytest.mark.parametrize("guard", CONVERSATIONS)
def test_conversation_comes_to_no_harm(guard: str, alone: Alone) -> None:
    assert not CONVERSATIONS[guard](alone)


@pytest.mark.parametrize("guard", CONVERSATIONS)
def test_conversation_comes_to_harm_without_the_guard(guard: str, alone: Alone) -> None:
    with ABLATIONS[guard].applied():
        assert CONVERSATIONS[guard](alone)


@pytest.mark.parametrize("guard", STAGED)
def test_staged_run_comes_to_no_harm(guard: str) -> None:
    assert not STAGED[guard]()


@pytest.mark.parametrize("guard", STAGED)
def test_staged_run_comes_to_harm_without_the_guard(guard: str) -> None:
    with ABLATIONS[guard].applied():
        assert STAGED[guard]()
