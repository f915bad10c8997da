"""The runner sends what a step says, waits as it says, and notices indexes that break their law."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Generator

import pytest

from tests.support.recorder import http_runner
from tests.support.recorder.http_runner import NO_ANSWER, HttpRunner
from tests.support.recorder.json_types import Json, at
from tests.support.recorder.scenario import Scenario, Step
from tests.support.web import Page, web_server


@contextlib.contextmanager
def _peer(answer: Callable[[str, str, bytes], Page]) -> Generator[HttpRunner]:
    """A runner for a server that answers (method, path, body) as `answer` does; status 0 closes the connection."""

    with web_server(answer) as port:
        yield HttpRunner({"http": port})


def _json(value: Json, **headers: str) -> Page:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Page(200, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


def _run(runner: HttpRunner, *steps: Step) -> list[Json]:
    return runner.run(Scenario("area", "about", steps))


def test_a_saved_value_is_sent_in_a_later_step() -> None:
    seen: list[tuple[str, bytes]] = []

    def answer(method: str, path: str, body: bytes) -> Page:
        seen.append((path, body))
        return _json({"ID": "abc"}, X_Mark="7")

    with _peer(answer) as runner:
        _run(
            runner,
            Step("one", "PUT", "/a", save={"id": "body:ID", "mark": "header:X-Mark"}),
            Step("two", "PUT", "/b/$id?m=$mark", {"Name": "$id", "Port": "$http_port"}),
        )
    path, body = seen[1]
    assert path == "/b/abc?m=7"
    assert json.loads(body)["Name"] == "abc"
    assert isinstance(json.loads(body)["Port"], int)


def test_a_condition_holds_in_every_layout_and_one_that_never_does_is_a_broken_law(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_runner, "SETTLE_S_MAX", 0.1)
    with _peer(lambda method, path, body: _json({"Status": "passing"})) as runner:
        _run(
            runner,
            Step("s", "GET", "/", until='"Status": "passing"'),
            Step("t", "GET", "/", until='"Status":"passing"'),
        )
        assert runner.broken_laws == []
        _run(runner, Step("never", "GET", "/", until="critical"))
        assert runner.broken_laws == ["never: not settled within 0.1 s"]


def test_a_step_is_asked_until_its_condition_holds() -> None:
    count = 0

    def answer(method: str, path: str, body: bytes) -> Page:
        nonlocal count
        count += 1
        return _json({"Status": "passing" if count == 3 else "critical"})

    with _peer(answer) as runner:
        (exchange,) = _run(runner, Step("s", "GET", "/", until='"Status":"passing"'))
    assert at(exchange, "response.body.Status") == "passing"


def test_only_the_named_members_are_kept() -> None:
    with _peer(lambda method, path, body: _json({"a": 1, "b": 2, "c": 3})) as runner:
        (exchange,) = _run(runner, Step("s", "GET", "/", only=("b", "none")))
    assert at(exchange, "response.body") == {"b": 2}


def test_omitted_places_are_left_out() -> None:
    with _peer(lambda method, path, body: _json([{"a": 1, "b": 2}, {"a": 3}])) as runner:
        (exchange,) = _run(runner, Step("s", "GET", "/", omit={"body.0.a": "why"}))
    assert at(exchange, "response.body") == [{"a": "<omitted>", "b": 2}, {"a": 3}]


def test_layouts_of_json_are_told_apart() -> None:
    bodies = {"/flat": b'{"a":1}', "/line": b'{"a":1}\n', "/pretty": b'{\n    "a": 1\n}\n'}
    with _peer(lambda method, path, body: Page(200, bodies[path], {"Content-Type": "application/json"})) as runner:
        contents = [at(one, "response.content") for one in _run(runner, *(Step(p, "GET", p) for p in bodies))]
    assert contents == ["json, one line", "json, one line, newline at end", "json, indented by 4, newline at end"]


def test_bytes_that_are_no_text_are_kept_in_base64() -> None:
    with _peer(lambda method, path, body: Page(200, b"\xff\x00")) as runner:
        (exchange,) = _run(runner, Step("s", "GET", "/"))
    assert at(exchange, "response.body") == {"base64": "/wA="}


def test_a_connection_that_is_closed_without_an_answer_is_an_answer() -> None:
    with _peer(lambda method, path, body: Page(NO_ANSWER)) as runner:
        (exchange,) = _run(runner, Step("s", "GET", "/"))
    assert at(exchange, "response.status") == NO_ANSWER


def test_a_request_held_open_is_seen_to_be_answered_after_the_change() -> None:
    changed = threading.Event()

    def answer(method: str, path: str, body: bytes) -> Page:
        if method == "PUT":
            changed.set()
        elif path == "/held":
            changed.wait(10)
        return _json(None)

    with _peer(answer) as runner:
        change = Step("change", "PUT", "/change")
        held, inner = _run(runner, Step("held", "GET", "/held", during=(change,)))
        (early, _) = _run(runner, Step("early", "GET", "/early", during=(change,)))
    assert at(held, "response.answered") == "after the change"
    assert at(inner, "step") == "change"
    assert at(early, "response.answered") == "before the change"


def test_an_answer_that_comes_too_soon_is_seen() -> None:
    def answer(method: str, path: str, body: bytes) -> Page:
        if path == "/late":
            time.sleep(0.06)
        return _json(None)

    with _peer(answer) as runner:
        late, soon = _run(runner, Step("late", "GET", "/late", waits_ms=50), Step("soon", "GET", "/soon", waits_ms=50))
    assert at(late, "response.answered") == "after 50 ms"
    assert at(soon, "response.answered") == "before 50 ms"


def _laws_broken_by(*answers: tuple[str, Json]) -> list[str]:
    rest = list(answers)

    def answer(method: str, path: str, body: bytes) -> Page:
        index, value = rest.pop(0)
        return _json(value, X_Consul_Index=index)

    with _peer(answer) as runner:
        _run(runner, *(Step(f"s{number}", "GET", f"/k?index={number}") for number in range(len(answers))))
        return runner.broken_laws


def test_an_index_that_grows_with_its_answer_breaks_no_law() -> None:
    assert _laws_broken_by(("5", 1), ("5", 1), ("6", 2), ("9", 2)) == []


def test_an_index_that_falls_breaks_the_law() -> None:
    assert _laws_broken_by(("5", 1), ("4", 1)) == ["s1: X-Consul-Index fell from 5 to 4"]


def test_an_answer_that_changes_under_one_index_breaks_the_law() -> None:
    assert _laws_broken_by(("5", 1), ("5", 2)) == ["s1: the answer changed but X-Consul-Index stayed 5"]
