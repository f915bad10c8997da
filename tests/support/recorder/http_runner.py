"""Runs a scenario over HTTP against an agent and returns the exchanges in their normal form."""

import base64
import contextlib
import gzip
import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Template
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from tests.support.recorder.json_types import Json, as_object, at, parse
from tests.support.recorder.normal_form import NormalForm
from tests.support.recorder.scenario import Scenario, Step

ANSWER_S_MAX = 30.0
SETTLE_S_MAX = 20.0
_AGAIN_S = 0.05
NO_ANSWER = 0
"""The status of a request whose connection was closed without an answer."""

_ERROR_FROM = 400
_PARK_S = 0.15
_LONG_BODY_BYTES = 2_000
_LAYOUT = re.compile(r"\n *")
_SPACED = ('": ', '":')
_UNKEPT_HEADERS = frozenset({"Date", "Content-Length", "Connection", "Transfer-Encoding", "Server", "Keep-Alive"})


@dataclass(frozen=True)
class Reply:
    """An answer as it came: status, headers under canonical names, body, and the time it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_s: float


_NO_LOG_INDEX: Final = "/v1/event/list"
"""Its index is made of the newest event's id, and so neither rises nor falls."""


_OWN_AFFAIRS: Final = ("/v1/agent/", "/v1/event/")
"""What an agent answers from what it holds itself."""


Judge: TypeAlias = Callable[[str, str, Reply], list[str]]
"""Method, target and answer to what is wrong with the answer, whatever a cassette says."""


class HttpRunner:
    """One run of one scenario. `broken_laws` names what no cassette shows: indexes that stood still or went back."""

    def __init__(self, ports: Mapping[str, int], *, through: int | None = None, judge: Judge | None = None) -> None:
        """With `through`, the port of another agent, only what concerns the agent itself is asked of the first one.

        What `judge` says against an answer becomes a broken law.
        """
        self._judge = judge
        self._port = ports["http"]
        self._through = through
        self._variables: dict[str, str] = {f"{name}_port": str(port) for name, port in ports.items()}
        self._normal_form = NormalForm(ports)
        # What is said of errors is each product's own, also which ids it names: those must not count for the others.
        self._errors = NormalForm(ports)
        self._indexes: dict[str, tuple[int, bytes]] = {}
        self.broken_laws: list[str] = []

    def run(self, scenario: Scenario) -> list[Json]:
        """Every step's exchange, in the form a cassette keeps. Raises `OSError` when the agent goes away."""
        return [exchange for step in scenario.steps for exchange in self.step(step)]

    def step(self, step: Step) -> list[Json]:
        """The exchange of one step, and those of the steps done during it."""
        inner: list[Json] = []
        if step.during:
            reply, timing, inner = self._held_open(step)
        else:
            reply = self._until_settled(step)
            timing = ""
            if step.waits_ms:
                waited = reply.elapsed_s * 1000 >= step.waits_ms
                timing = f"{'after' if waited else 'before'} {step.waits_ms} ms"
        self._check_index(step, reply)
        if self._judge is not None and not step.only:
            flaws = self._judge(step.method, self.filled(step.path), reply)
            self.broken_laws += [f"{step.name}: {flaw}" for flaw in flaws]
        exchange = self._exchange(step, reply, timing)
        self._save(step, reply)
        return [exchange, *inner]

    def _held_open(self, step: Step) -> tuple[Reply, str, list[Json]]:
        replies: list[Reply] = []
        thread = threading.Thread(target=lambda: replies.append(self._ask(step)), daemon=True)
        thread.start()
        # Time for the query to be parked. An index makes the answer the same when it comes late: only the statement
        # that the change woke it needs the query to be there first.
        thread.join(_PARK_S)
        early = bool(replies)
        inner = [exchange for other in step.during for exchange in self.step(other)]
        thread.join(ANSWER_S_MAX)
        if not replies:
            raise TimeoutError(f"step {step.name!r} was not answered within {ANSWER_S_MAX} s")
        return replies[0], "before the change" if early else "after the change", inner

    def _until_settled(self, step: Step) -> Reply:
        deadline = time.monotonic() + SETTLE_S_MAX
        awaited, gone = (self.filled(one).replace(*_SPACED) for one in (step.until, step.until_not))
        while True:
            reply = self._ask(step)
            text = _on_one_line(reply.body)
            if awaited in text and not (gone and gone in text):
                return reply
            if time.monotonic() > deadline:
                self.broken_laws.append(f"{step.name}: not settled within {SETTLE_S_MAX} s")
                return reply
            time.sleep(_AGAIN_S)

    def _ask(self, step: Step) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self._port_for(step.path), timeout=ANSWER_S_MAX)
        body = self._body(step)
        started = time.monotonic()
        try:
            connection.putrequest(step.method, self.filled(step.path), skip_accept_encoding=True)
            for name, value in step.headers.items():
                connection.putheader(name, self.filled(value))
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            # A server may answer and close before it has read a body that is too long.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        except http.client.RemoteDisconnected:
            return Reply(NO_ANSWER, {}, b"", time.monotonic() - started)
        finally:
            connection.close()
        headers = {name.title(): value for name, value in answer.getheaders()}
        if headers.get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        if step.only:
            content = _only(content, step.only)
        return Reply(answer.status, headers, content, time.monotonic() - started)

    def _port_for(self, path: str) -> int:
        return self._port if self._through is None or path.startswith(_OWN_AFFAIRS) else self._through

    def _body(self, step: Step) -> bytes | None:
        if step.body is None or isinstance(step.body, bytes):
            return step.body
        return json.dumps(self._filled_json(step.body)).encode()

    def filled(self, text: str) -> str:
        """`text` with saved values and ports in place of `$name`."""
        return Template(text).safe_substitute(self._variables)

    def _filled_json(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {name: self._filled_json(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled_json(inner) for inner in value]
        if isinstance(value, str):
            if value.startswith("$") and value.endswith("_port") and value[1:] in self._variables:
                return int(self._variables[value[1:]])
            return self.filled(value)
        return value

    def _save(self, step: Step, reply: Reply) -> None:
        for name, place in step.save.items():
            kind, _, path = place.partition(":")
            if kind == "header":
                self._variables[name] = reply.headers.get(path.title(), "")
            else:
                self._variables[name] = _found(reply.body, path)
            self._variables[name.upper()] = self._variables[name].upper()

    def _check_index(self, step: Step, reply: Reply) -> None:
        """X-Consul-Index never falls for the same question, and rises when the answer is another one."""
        header = reply.headers.get("X-Consul-Index")
        if header is None or reply.status != 200:
            return
        parts = urlsplit(self.filled(step.path))
        question = (
            parts.path
            + "?"
            + "&".join(
                f"{name}={value}" for name, value in parse_qsl(parts.query, True) if name not in {"index", "wait"}
            )
        )
        if step.body is not None:
            question += f" {step.body!r}"
        if question.startswith(_NO_LOG_INDEX):
            return
        index = int(header)
        before = self._indexes.get(question)
        if before is not None and index < before[0]:
            self.broken_laws.append(f"{step.name}: X-Consul-Index fell from {before[0]} to {index}")
        if before is not None and index == before[0] and reply.body != before[1]:
            self.broken_laws.append(f"{step.name}: the answer changed but X-Consul-Index stayed {index}")
        self._indexes[question] = (index, reply.body)

    def _exchange(self, step: Step, reply: Reply, timing: str) -> Json:
        request: dict[str, Json] = {"method": step.method, "path": step.path}
        if step.headers:
            request["headers"] = dict(step.headers)
        if step.body is not None:
            request["body"] = _kept(step.body) if isinstance(step.body, bytes) else step.body
        headers: dict[str, Json] = {
            name: self._normal_form.header(name, value)
            for name, value in sorted(reply.headers.items())
            if name not in _UNKEPT_HEADERS
        }
        response: dict[str, Json] = {"status": reply.status, "headers": headers, **self._content(reply)}
        if timing:
            response["answered"] = timing
        for path in step.omit:
            _omit(response, path.split("."))
        return {"step": step.name, "request": request, "response": response}

    def _content(self, reply: Reply) -> dict[str, Json]:
        if not reply.body:
            return {"content": "empty"}
        try:
            parsed = parse(reply.body)
        except ValueError:
            text = _kept(reply.body)
            form = self._errors if reply.status >= _ERROR_FROM else self._normal_form
            return {"content": "text", "body": form.text(text) if isinstance(text, str) else text}
        if not reply.headers.get("Content-Type", "").startswith("application/json"):
            return {"content": "text", "body": self._normal_form.text(reply.body.decode())}
        return {"content": f"json, {_layout(reply.body)}", "body": self._normal_form.json(parsed)}


def _only(body: bytes, names: tuple[str, ...]) -> bytes:
    """The JSON object in `body` with these members alone; anything else as it is."""
    try:
        members = as_object(parse(body))
    except (ValueError, AssertionError):
        return body
    return json.dumps({name: members[name] for name in names if name in members}, indent=4).encode() + b"\n"


def _found(body: bytes, path: str) -> str:
    """What stands at `path`, or a word that shows that it is missing: the step itself reports that as a difference."""
    try:
        return str(at(parse(body), path))
    except (ValueError, LookupError, AssertionError):
        return "missing"


def _on_one_line(body: bytes) -> str:
    """The body without the layout of JSON, so that a condition holds for every layout."""
    return _LAYOUT.sub("", body.decode(errors="replace")).replace(*_SPACED)


def _layout(body: bytes) -> str:
    lines = body.decode().split("\n")
    ending = ", newline at end" if lines[-1] == "" else ""
    inner = lines[1:-1] if ending else lines[1:]
    if not inner:
        return f"one line{ending}"
    return f"indented by {min(len(line) - len(line.lstrip(' ')) for line in inner[:-1] or inner)}{ending}"


def _kept(body: bytes) -> Json:
    """Bytes in a form JSON can hold and a reader can read."""
    if len(body) > _LONG_BODY_BYTES:
        return {
            "length": len(body),
            "first": body[:20].decode(errors="replace"),
            "last": body[-20:].decode(errors="replace"),
        }
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _omit(value: Json, path: list[str]) -> None:
    if isinstance(value, dict):
        for name in [name for name in value if path[0] in ("*", name)]:
            if len(path) == 1:
                value[name] = "<omitted>"
            else:
                _omit(value[name], path[1:])
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            if path[0] in ("*", str(position)) and len(path) > 1:
                _omit(inner, path[1:])
