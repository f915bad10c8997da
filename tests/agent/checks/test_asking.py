"""Each kind of check is asked in its own way."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lictor_agent.checks.asking import ASKED
from lictor_config.checks import CheckKind
from lictor_config.definitions import parse_check
from lictor_core.records import CRITICAL
from tests.agent.checks.asking import asked


@pytest.mark.parametrize(
    ("body", "begin"),
    [
        ({"HTTP": "http://127.0.0.1:1/"}, 'Get "http://127.0.0.1:1/": '),
        ({"TCP": "127.0.0.1:1"}, "dial tcp "),
        ({"UDP": "127.0.0.1:1"}, "read udp "),
        ({"GRPC": "127.0.0.1:1"}, "rpc error: "),
        ({"H2PING": "127.0.0.1:1"}, "Failed to dial to "),
        ({"Args": ["/bin/sh", "-c", "echo script; exit 2"]}, "script"),
        ({"DockerContainerID": "c", "Args": ["true"]}, "Docker at unix:///nowhere cannot be asked"),
        ({"OSService": "no-such-unit"}, 'Service "no-such-unit" '),
    ],
)
async def test_every_kind_is_asked(body: dict[str, object], begin: str) -> None:
    definition = parse_check({"Name": "c", "Interval": "5s", **body})
    assert definition.kind in ASKED
    result = await asked(definition, environment={"DOCKER_HOST": "unix:///nowhere"})
    assert (result.status, result.output[: len(begin)]) == (CRITICAL, begin)


def test_only_what_waits_for_somebody_else_is_not_asked() -> None:
    assert set(CheckKind) - ASKED == {CheckKind.TTL, CheckKind.ALIAS}


def test_what_only_some_kinds_need_is_imported_for_them_only() -> None:
    program = "import sys, lictor_agent.checks.asking; sys.exit('h2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
