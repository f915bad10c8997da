"""Rules about certificates and files, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lictor_agent.security import CertificateFact, Facts, FileFact, Severity, findings
from tests.agent.security.closed import CLOSED, found

DAY = 86_400.0


def ending(left_days: float, *, life_days: float = 365, renews_itself: bool = False) -> Facts:
    ends = CLOSED.now + left_days * DAY
    begins = ends - life_days * DAY
    one = CertificateFact(name="it", begins=begins, ends=ends, renewal="how", renews_itself=renews_itself)
    return replace(CLOSED, certificates=(one,))


@pytest.mark.parametrize(
    ("left_days", "severity", "title"),
    [
        (-1, Severity.SEVERE, "it has ended"),
        (1, Severity.SEVERE, "it ends in 24 hours"),
        (20, Severity.WARNING, "it ends in 20 days"),
    ],
)
def test_a_certificate_that_somebody_must_renew_is_told_of_in_time(
    left_days: float, severity: Severity, title: str
) -> None:
    [told] = findings(ending(left_days))
    assert (told.id, told.severity, told.title, told.setting) == ("certificate.expiring", severity, title, "how")
    assert findings(ending(31)) == []


def test_one_that_renews_itself_is_told_of_when_it_is_late() -> None:
    assert found(ending(1, life_days=3, renews_itself=True)) == {}
    assert found(ending(0.2, life_days=3, renews_itself=True)) == {"certificate.expiring": Severity.WARNING}
    assert found(ending(-0.1, life_days=3, renews_itself=True)) == {"certificate.expiring": Severity.SEVERE}


@pytest.mark.parametrize(
    ("mode", "is_directory", "severity"),
    [
        (0o600, False, None),
        (0o700, True, None),
        (0o640, False, Severity.WARNING),
        (0o644, False, Severity.SEVERE),
        (0o755, True, Severity.WARNING),
    ],
)
def test_secrets_that_others_read_are_told_of(*, mode: int, is_directory: bool, severity: Severity | None) -> None:
    file = FileFact(path="/x", mode=mode, holds="a key", is_directory=is_directory)
    told = findings(replace(CLOSED, files=(file,)))
    assert [one.severity for one in told] == ([] if severity is None else [severity])
    if told:
        assert told[0].reason == f"its mode is {mode:04o}, and it holds a key"
        assert told[0].setting == "chmod go= /x"
