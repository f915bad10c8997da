"""Markers of the whole suite: what a machine lacks is skipped with the reason, and fails where CI promised it."""

import os
import shutil
import signal
from itertools import islice

import pytest
from hypothesis import settings

from lictor.cli.descriptors import allow_all_descriptors
from tests.support.requirements import REQUIRE_ALL

# How long one example takes says more about what else the machine does than about the code.
settings.register_profile("lictor", deadline=None)
settings.load_profile("lictor")


def pytest_configure() -> None:
    """Tests of bounds open more connections than the usual soft limit lets a process have, and some interrupt programs:
    a shell that starts the tests in its background has them, and so all programs, pass over that."""
    allow_all_descriptors()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests go first; those that lack programs or privileges are skipped, or fail under `LICTOR_REQUIRE_ALL=1`."""
    items[:] = _long_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    for item in items:
        lacking = _lacking(item)
        if not lacking:
            continue
        if os.environ.get(REQUIRE_ALL):
            item.add_marker(pytest.mark.usefixtures("_missing_requirement"))
            item.user_properties.append(("lacking", lacking))
        else:
            item.add_marker(pytest.mark.skip(reason=lacking))


def _long_ones_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The tests in an order that has long ones at the begin of what each worker gets: a stretch of the same length.

    One that is begun last keeps all other workers waiting.
    """
    long = [item for item in items if item.get_closest_marker("long") is not None]
    others = iter([item for item in items if item.get_closest_marker("long") is None])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        ordered += long[worker::workers]
        ordered += islice(others, len(items) * (worker + 1) // workers - len(ordered))
    return [*ordered, *others]


@pytest.fixture
def _missing_requirement(request: pytest.FixtureRequest) -> None:
    lacking = dict(request.node.user_properties)["lacking"]
    pytest.fail(f"{REQUIRE_ALL} is set but this machine lacks what the test needs: {lacking}")


def _lacking(item: pytest.Item) -> str:
    programs = [
        str(program) for mark in item.iter_markers("needs") for program in mark.args if not shutil.which(program)
    ]
    reasons = [f"needs the program {program!r} on PATH" for program in programs]
    if item.get_closest_marker("needs_root") is not None and os.geteuid() != 0:
        reasons.append("needs root")
    return "; ".join(reasons)
