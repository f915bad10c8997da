"""Log lines in syslog."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lictor_agent.log import LogOutput
from lictor_agent.log_syslog import Syslog
from lictor_core.errors import ConfigurationError


def test_syslog_gets_a_line_with_facility_and_priority(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(10)
        output = LogOutput("warn", as_json=False, node="judge")
        syslog = Syslog("LOCAL3", device=str(tmp_path / "log"))
        output.add(syslog)
        output.logger.info("agent.thing.left_out")
        output.logger.warning("agent.thing.done", count=1)
        message = daemon.recv(1000).decode()
        syslog.close()
    assert message.startswith(f"<{19 * 8 + 4}>lictor: ")  # RFC 5424, 6.2.1: local3 is 19, warning is 4
    assert "agent.thing.done: count=1" in message


def test_a_syslog_daemon_that_went_away_ends_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        syslog = Syslog("USER", device=str(tmp_path / "log"))
    syslog("info", "lost")
    syslog.close()


def test_syslog_without_a_daemon_or_a_facility_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"enable_syslog: nobody listens at"):
        Syslog("LOCAL0", device=str(tmp_path / "log"))
    with pytest.raises(ConfigurationError, match=r"syslog_facility: 'LOCAL9' is none of .*LOCAL0"):
        Syslog("LOCAL9", device=str(tmp_path / "log"))
