"""`lictor operator security`."""

from __future__ import annotations

import click
import pytest

from lictor.api.calls.operator import SecurityFinding, SecurityReport
from lictor.cli.commands.operator_security import report_lines


def finding(severity: str, *, long: bool = False) -> SecurityFinding:
    words = "word " * 40 if long else "words "
    return SecurityFinding(
        id="http.plain", severity=severity, title=f"title {words}", reason=f"reason {words}", setting=f"a = 1 {words}"
    )


def lines(*findings: SecurityFinding) -> list[str]:
    severe = sum(one.severity == "severe" for one in findings)
    report = SecurityReport(node="n1", datacenter="dc1", severe=severe, findings=list(findings))
    return [click.unstyle(line) for line in report_lines(report)]


def test_nothing_open_is_one_line() -> None:
    assert lines() == ["n1 (dc1): nothing is open that is looked at"]


def test_each_finding_has_its_reason_and_the_setting_that_closes_it() -> None:
    assert lines(finding("severe"), finding("note"), finding("note")) == [
        "n1 (dc1): 1 severe, 2 notes",
        "",
        "SEVERE     title words",
        "           reason words .",
        "           -> a = 1 words",
        "           [http.plain]",
        *[
            "",
            "NOTE       title words",
            "           reason words .",
            "           -> a = 1 words",
            "           [http.plain]",
        ]
        * 2,
    ]


@pytest.mark.parametrize("severity", ["severe", "warning", "note", "unheard-of"])
def test_no_line_is_wider_than_a_terminal(severity: str) -> None:
    assert max(len(line) for line in lines(finding(severity, long=True))) <= 80
