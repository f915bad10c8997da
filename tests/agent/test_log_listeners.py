"""Listeners to the log: bounded, each at its own level, and none that holds up the log."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import ExitStack

import pytest

from lictor_agent.log import LogOutput
from lictor_agent.log_listeners import LINES_MAX, LISTENERS_MAX, LogListeners
from lictor_core.errors import ConfigurationError, OverloadedError


def output_to(stream: io.StringIO, level: str = "info") -> LogOutput:
    return LogOutput(level, as_json=False, node="n", stream=stream)


async def test_a_listener_hears_what_comes_while_it_listens_at_its_level_and_in_its_form() -> None:
    out = io.StringIO()
    output = output_to(out, "warn")
    listeners = LogListeners(output)
    output.logger.info("agent.early.done")
    with listeners.listening("info", as_json=True) as listener:
        output.logger.debug("agent.small.done")
        output.logger.info("agent.thing.done", count=3)
        heard = [json.loads(line) for line in (await anext(listener.lines())).splitlines()]
    output.logger.info("agent.late.done")
    assert [(event["event"], event["count"]) for event in heard] == [("agent.thing.done", 3)]
    assert out.getvalue() == "", "the log's own level stays"


async def test_a_slow_reader_loses_lines_and_is_told_how_many() -> None:
    out = io.StringIO()
    output = output_to(out)
    with LogListeners(output).listening("info", as_json=False) as listener:
        for number in range(LINES_MAX + 7):
            output.logger.info("agent.thing.done", number=number)
        reading = listener.lines()
        heard = (await anext(reading)).decode().splitlines()
        assert len(heard) == LINES_MAX + 1
        assert heard[-1] == "[WARN ] 7 lines were dropped here, since they were not read fast enough"
        output.logger.info("agent.thing.done", number=-1)
        assert "number=-1" in (await anext(reading)).decode()
    assert len(out.getvalue().splitlines()) == LINES_MAX + 8, "the log itself loses nothing"


async def test_silence_is_told_too_so_that_who_went_away_is_noticed() -> None:
    with LogListeners(output_to(io.StringIO())).listening("info", as_json=False) as listener:
        async with asyncio.timeout(10):
            assert await anext(listener.lines()) == b""


def test_listeners_are_bounded() -> None:
    listeners = LogListeners(output_to(io.StringIO()))
    with ExitStack() as stack:
        for _ in range(LISTENERS_MAX):
            stack.enter_context(listeners.listening("info", as_json=False))
        with pytest.raises(OverloadedError, match="32 listen"):
            stack.enter_context(listeners.listening("info", as_json=False))
    assert len(listeners) == 0


def test_an_unknown_level_leaves_nobody_listening() -> None:
    listeners = LogListeners(output_to(io.StringIO()))
    with pytest.raises(ConfigurationError, match="loud"), listeners.listening("loud", as_json=False):
        pass
    assert len(listeners) == 0
