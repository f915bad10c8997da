"""Log lines."""

from __future__ import annotations

import asyncio
import io
import json
import re

import pytest
from structlog.typing import EventDict

from lictor_agent.log import LogOutput, make_log
from lictor_core.errors import ConfigurationError


def _logged(level: str = "debug", *, as_json: bool = False, **keys: object) -> str:
    stream = io.StringIO()
    make_log(level, as_json=as_json, node="judge", stream=stream).info("agent.thing.done", **keys)
    return stream.getvalue()


def test_a_line_for_people_is_time_level_name_and_keys() -> None:
    line = _logged(count=3, reason="no room")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[INFO \] agent\.thing\.done: count=3 reason='no room'\n", line), (
        line
    )


def test_a_line_for_people_shows_lists_item_by_item_and_short_numbers() -> None:
    listed = _logged(addresses=["192.0.2.1", "192.0.2.2"], reasons=("it's away",), none=[])
    assert listed.endswith('addresses=[192.0.2.1, 192.0.2.2] reasons=["it\'s away"] none=[]\n')
    assert _logged(a=10 / 3, b=2.0, c=0.0000123).endswith("a=3.3333 b=2 c=1.23e-05\n")


def test_a_long_list_is_cut() -> None:
    assert len(_logged(sent=["x" * 100] * 10_000)) < 1200


def test_json_is_one_object_a_line() -> None:
    event = json.loads(_logged(as_json=True, count=3, path=ValueError("x")))
    assert (event["event"], event["level"], event["node"], event["count"]) == ("agent.thing.done", "info", "judge", 3)


def test_what_others_sent_cannot_make_lines_of_its_own() -> None:
    line = _logged(sent="a\nb\x1b[31m")
    assert line.count("\n") == 1
    assert "\x1b" not in line


@pytest.mark.parametrize("value", ["a/b?c=d'~!#", "ä", "1", "True"])
def test_a_value_of_one_word_is_shown_as_it_is(value: str) -> None:
    assert _logged(sent=value).endswith(f" sent={value}\n")


@pytest.mark.parametrize("value", ["", "a b", 'a"b', "a\x7f", "a\n", "\xa0"])
def test_a_value_that_could_be_read_as_something_else_is_quoted(value: str) -> None:
    assert _logged(sent=value).endswith(f" sent={value!r}\n")


def test_a_long_value_is_cut() -> None:
    assert len(_logged(sent="x" * 100_000)) < 1200


def test_events_below_the_level_are_left_out() -> None:
    assert _logged("warn") == ""
    assert _logged("info") != ""
    assert _logged("ERROR") == _logged("Warning") == ""


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="use one of trace, debug, info, warn, err"):
        make_log("loud", as_json=False, node="judge")


def test_a_reader_that_went_away_ends_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    make_log("info", as_json=False, node="judge", stream=Broken()).info("agent.thing.done")


def test_colours_are_for_terminals_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    make_log("info", as_json=False, node="judge", stream=stream).error("agent.thing.failed")
    assert stream.getvalue().startswith("\x1b[31m")
    assert "\x1b" not in _logged()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_mistake_of_ours_is_told_with_its_traceback(as_json: bool) -> None:
    stream = io.StringIO()
    log = make_log("debug", as_json=as_json, node="judge", stream=stream)
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError:
        log.error("agent.thing.failed", exc_info=True)
    told = json.loads(stream.getvalue())["exception"] if as_json else stream.getvalue()
    assert "ZeroDivisionError: oops" in told
    assert "test_log.py" in told
    assert "exc_info" not in told


def test_the_level_can_change_while_the_process_runs() -> None:
    stream = io.StringIO()
    output = LogOutput("warn", as_json=False, node="judge", stream=stream)
    bound = output.logger.bind(room="x")
    bound.info("agent.thing.first")
    output.set_level("info")
    bound.info("agent.thing.second")
    output.set_level("err")
    bound.warning("agent.thing.third")
    assert re.findall(r"thing\.(\w+)", stream.getvalue()) == ["second"]


def test_who_listens_has_a_level_of_its_own_until_it_ends() -> None:
    stream = io.StringIO()
    output = LogOutput("warn", as_json=False, node="judge", stream=stream)
    heard: list[tuple[str, str]] = []
    end = output.listen("debug", lambda level, line: heard.append((level, line)), as_json=True)
    output.logger.debug("agent.thing.done", count=1)
    end()
    end()
    output.logger.debug("agent.thing.missed")
    assert [(level, json.loads(line)["event"]) for level, line in heard] == [("debug", "agent.thing.done")]
    assert stream.getvalue() == ""


def test_what_nobody_wants_is_not_made_into_a_line() -> None:
    class Strict(LogOutput):
        def debug(self, event: EventDict) -> None:
            raise AssertionError("nobody asked")

    output = Strict("info", as_json=False, node="judge", stream=io.StringIO())
    output.logger.debug("agent.thing.done")
    assert (output.logger.is_enabled_for(10), output.logger.is_enabled_for(20)) == (False, True)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_debug_line_has_the_form_of_all_others(as_json: bool) -> None:
    stream = io.StringIO()
    log = make_log("debug", as_json=as_json, node="judge", stream=stream).bind(room="http")
    log.debug("agent.thing.done", count=3)
    log.info("agent.thing.done", count=3)
    quiet, loud = (re.sub(r"[\d-]{10}T[\d:]{8}\.\d{6}Z", "now", line) for line in stream.getvalue().splitlines())
    assert "now" in quiet
    assert quiet.replace("DEBUG", "INFO ").replace("debug", "info") == loud


def test_a_debug_line_may_have_a_traceback() -> None:
    stream = io.StringIO()
    make_log("debug", as_json=False, node="judge", stream=stream).debug("agent.thing.failed", exc_info=ValueError("no"))
    assert "ValueError: no" in stream.getvalue()


async def test_debug_lines_of_a_pass_are_written_at_its_end_and_before_any_other_line() -> None:
    stream = io.StringIO()
    log = make_log("debug", as_json=False, node="judge", stream=stream)
    log.debug("agent.first.done")
    log.debug("agent.second.done")
    assert stream.getvalue() == ""
    log.info("agent.third.done")
    assert re.findall(r"agent\.(\w+)", stream.getvalue()) == ["first", "second", "third"]
    log.debug("agent.fourth.done")
    await asyncio.sleep(0)
    assert stream.getvalue().endswith("agent.fourth.done\n")


def test_what_a_closed_loop_did_not_write_does_not_hold_up_the_next_one() -> None:
    stream = io.StringIO()
    log = make_log("debug", as_json=False, node="judge", stream=stream)
    loop = asyncio.new_event_loop()
    loop.call_soon(log.debug, "agent.first.done")
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()

    async def later() -> None:
        log.debug("agent.second.done")
        await asyncio.sleep(0)

    asyncio.run(later())
    assert re.findall(r"agent\.(\w+)", stream.getvalue()) == ["first", "second"]


async def test_very_many_debug_lines_are_not_held() -> None:
    stream = io.StringIO()
    log = make_log("debug", as_json=False, node="judge", stream=stream)
    for _ in range(1000):
        log.debug("agent.thing.done")
    assert stream.getvalue().count("\n") >= 700
