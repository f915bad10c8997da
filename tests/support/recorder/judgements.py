"""Asks the real Consul of each token what it may do: `python -m tests.support.recorder.judgements`.

`tests/compat/recorded/judgements.json` has, by default policy and token, a digit for each question: 1 where it may.
"""

import http.client
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.compat.scenarios.http.acl import MANAGEMENT
from tests.compat.scenarios.judgements import DEFAULTS, QUESTIONS, TOKENS
from tests.support.agents import dev_agent
from tests.support.recorder.json_types import Json, as_object, parse

__all__ = ["recorded"]

_PATH: Final = Path(__file__).parents[2] / "compat" / "recorded" / "judgements.json"
_AT_ONCE: Final = 64
"""Questions that one request takes."""
_ANSWER_S_MAX: Final = 30.0
_SETTLE_S_MAX: Final = 20.0


def recorded() -> dict[str, list[str]]:
    """By default policy, the answers to each token."""
    return json.loads(_PATH.read_text())  # type: ignore[no-any-return]


class _Peer:
    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, method: str, path: str, body: object, token: str = MANAGEMENT) -> Json:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_S_MAX)
        try:
            connection.request(method, f"/v1/{path}", json.dumps(body), {"X-Consul-Token": token})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text}")
        return parse(text)

    def answers(self, number: int, policies: tuple[str, ...]) -> str:
        names = [f"p{number}-{at}" for at in range(len(policies))]
        for name, rules in zip(names, policies, strict=True):
            self.ask("PUT", "acl/policy", {"Name": name, "Rules": rules})
        made = as_object(self.ask("PUT", "acl/token", {"Policies": [{"Name": name} for name in names]}))
        questions = [
            {"Resource": resource, "Segment": name, "Access": access.word} for resource, name, access in QUESTIONS
        ]
        found: list[Json] = []
        for at in range(0, len(questions), _AT_ONCE):
            part = self.ask("POST", "internal/acl/authorize", questions[at : at + _AT_ONCE], str(made["SecretID"]))
            assert isinstance(part, list)
            found += part
        return "".join("1" if as_object(one)["Allow"] else "0" for one in found)

    def settle(self) -> None:
        """Wait until there is a leader who knows the tokens."""
        ends = time.monotonic() + _SETTLE_S_MAX
        while True:
            try:
                self.ask("GET", "acl/tokens", None)
                return
            except (RuntimeError, OSError):
                if time.monotonic() > ends:
                    raise
                time.sleep(0.1)


def main() -> int:
    """Run the command line."""
    found: dict[str, list[str]] = {}
    for default in DEFAULTS:
        acl = {"enabled": True, "default_policy": default, "tokens": {"master": MANAGEMENT, "agent": MANAGEMENT}}
        with tempfile.TemporaryDirectory() as name, dev_agent("consul", Path(name), {"acl": acl}) as agent:
            peer = _Peer(agent.ports["http"])
            peer.settle()
            found[default] = [peer.answers(number, policies) for number, policies in enumerate(TOKENS)]
    _PATH.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
