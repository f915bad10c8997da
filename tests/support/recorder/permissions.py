"""Plays the table of permissions: every request with every token, and what came of it.

`python -m tests.support.recorder.permissions` asks the real Consul and writes what it answers to
`tests/compat/recorded/permissions.json`; with `show` it asks Lictor, and tells where that differs.
"""

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Final, TypeAlias

from tests.compat.scenarios.http.acl import MANAGEMENT
from tests.compat.scenarios.permissions import CONFIG, DIFFERS, HOLDERS, PREPARATION, READS, WRITES, Ask, Holder
from tests.support.agents import NODE, dev_agent
from tests.support.recorder.json_types import Json, as_object, parse

__all__ = ["Verdicts", "asked", "differences", "play", "recorded"]

Verdicts: TypeAlias = dict[str, dict[str, str]]
"""By request, then by token: the status, and the names that the answer has."""

_PATH: Final = Path(__file__).parents[2] / "compat" / "recorded" / "permissions.json"

_ANSWER_S_MAX: Final = 30.0
_SETTLE_S_MAX: Final = 20.0
_AGAIN_S: Final = 0.1
_OWN_AFFAIRS: Final = ("agent/", "event/")


def asked(ask: Ask) -> str:
    """A request in a line: the key of its verdicts."""
    body = "" if ask.body is None else f" {ask.body.decode() if isinstance(ask.body, bytes) else json.dumps(ask.body)}"
    return f"{ask.method} {ask.path}{body}"


def play(port: int, *, through: int | None = None) -> Verdicts:
    """All requests, at the agent on `port`; with `through` what is not the agent's own affair at that one."""
    return _Session(port, through).play()


def recorded() -> Verdicts:
    """What the real Consul gave."""
    kept: dict[str, dict[str, list[str]]] = json.loads(_PATH.read_text())
    return {
        request: {who: verdict for verdict, several in row.items() for who in several} for request, row in kept.items()
    }


def differences(expected: Verdicts, found: Verdicts) -> list[str]:
    """Where Lictor's run differs from Consul's, but for what is declared, in a line each."""
    lines: list[str] = []
    for request, row in expected.items():
        declared = DIFFERS.get(request, {})
        for who, verdict in row.items():
            wanted = declared[who][0] if who in declared else verdict
            got = found.get(request, {}).get(who, "not asked")
            if got != wanted:
                lines.append(f"{request} | {who}: {wanted} | {got}")
    return lines


def _save(verdicts: Verdicts) -> None:
    """By request and verdict, who got it: most get the same."""
    kept: dict[str, dict[str, list[str]]] = {}
    for request, row in verdicts.items():
        for who, verdict in row.items():
            kept.setdefault(request, {}).setdefault(verdict, []).append(who)
    _PATH.write_text(json.dumps(kept, indent=1) + "\n")


class _Session:
    def __init__(self, port: int, through: int | None) -> None:
        self._port = port
        self._through = port if through is None else through
        self._saved: dict[str, str] = {}

    def play(self) -> Verdicts:
        self._prepare()
        secrets = {holder.name: self._secret(holder) for holder in HOLDERS}
        verdicts: Verdicts = {}
        for ask in (*READS, *WRITES):
            row = {name: self._verdict(ask, name, secret) for name, secret in secrets.items()}
            assert asked(ask) not in verdicts, f"{asked(ask)} stands twice in the table"
            verdicts[asked(ask)] = row
        return verdicts

    def _prepare(self) -> None:
        for one in PREPARATION:
            body = (
                b"v"
                if one.path.startswith("kv/")
                else Template(json.dumps(one.body)).safe_substitute(self._saved).encode()
            )
            status, answer = self._ask(self._port, one.method, one.path, body, MANAGEMENT)
            assert status == 200, f"{one.method} {one.path}: {status} {answer[:200]!r}"
            if one.save:
                self._saved[one.save] = str(as_object(parse(answer))[one.at])
        deadline = time.monotonic() + _SETTLE_S_MAX
        for path, text in (
            (f"health/node/{NODE}", b"disk"),
            ("health/service/web", b"web-up"),
            ("catalog/service/db", b"db1"),
            ("event/list", b"reboot"),
            ("operator/autopilot/health", b'"Healthy": true'),
        ):
            port = self._port if path.startswith(_OWN_AFFAIRS) else self._through
            while text not in self._ask(port, "GET", path, None, MANAGEMENT)[1]:
                assert time.monotonic() < deadline, f"{path} never shows {text!r}"
                time.sleep(_AGAIN_S)

    def _secret(self, holder: Holder) -> str:
        if holder.secret is not None:
            return holder.secret
        body: dict[str, Json] = {"Description": holder.name, **holder.body}
        if holder.rules:
            name = _plain(holder.name)
            policy = json.dumps({"Name": name, "Rules": holder.rules}).encode()
            status, answer = self._ask(self._port, "PUT", "acl/policy", policy, MANAGEMENT)
            assert status == 200, answer
            body["Policies"] = [{"Name": name}]
        status, answer = self._ask(self._port, "PUT", "acl/token", json.dumps(body).encode(), MANAGEMENT)
        assert status == 200, answer
        return str(as_object(parse(answer))["SecretID"])

    def _verdict(self, ask: Ask, who: str, secret: str) -> str:
        names = {**self._saved, "who": _plain(who)}
        body = ask.body if ask.body is None or isinstance(ask.body, bytes) else json.dumps(ask.body).encode()
        sent = None if body is None else Template(body.decode()).safe_substitute(names).encode()
        path = Template(ask.path).safe_substitute(names)
        port = self._port if ask.path.startswith(_OWN_AFFAIRS) else self._through
        status, answer = self._ask(port, ask.method, path, sent, secret)
        if status != 200 or not ask.shows:
            return str(status)
        found = sorted({_without(text, self._saved) for text in _names(parse(answer), ask.shows.split("."))})
        return f"200 {' '.join(found)}".strip()

    def _ask(self, port: int, method: str, path: str, body: bytes | None, secret: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S_MAX)
        headers = {"X-Consul-Token": secret} if secret else {}
        try:
            connection.request(method, f"/v1/{path}", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _plain(name: str) -> str:
    return name.replace(" ", "-")


def _without(text: str, saved: Mapping[str, str]) -> str:
    """`text` with what differs between two runs under the name it was saved by."""
    for name, value in saved.items():
        text = text.replace(value, f"${name}")
    return text


def _names(value: Json, path: Sequence[str]) -> list[str]:
    if not path:
        return [json.dumps(value) if not isinstance(value, str) else value]
    first, rest = path[0], path[1:]
    if first == "value":
        return [json.dumps(value)]
    if first == "*":
        return [name for inner in value for name in _names(inner, rest)] if isinstance(value, list) else []
    if not isinstance(value, dict):
        return []
    if first == "keys":
        return list(value)
    return _names(value[first], rest) if first in value else []


def main() -> int:
    """Run the command line."""
    is_shown = sys.argv[1:] == ["show"]
    with (
        tempfile.TemporaryDirectory() as name,
        dev_agent("lictor" if is_shown else "consul", Path(name), CONFIG) as agent,
    ):
        found = play(agent.ports["http"])
    if not is_shown:
        _save(found)
        return 0
    lines = differences(recorded(), found)
    print("\n".join(lines))
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
