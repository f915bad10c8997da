"""Certificates of an agent that end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from lictor_agent.aging import CertificateAges
from lictor_agent.auto_encrypt import AgentCertificate
from lictor_config.presets import DEV
from lictor_config.tree import Configuration, DoorTls, Tls
from lictor_server import PemPair
from lictor_server.tls_certificates import CertificateKind, Wish, make_authority, make_certificate
from tests.agent.harness import quiet_log
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

DAY_S = 86_400.0


def shown(directory: Path, clock: ManualClock, *, days: int, name: str = "cert.pem") -> Configuration:
    """An agent that shows a certificate of so many days at its doors."""
    now = clock.now()
    authority = make_authority(days=1000, serial=1, now=now)
    wish = Wish(kind=CertificateKind.CLIENT, datacenter="dc1", domain="consul", days=days)
    made = make_certificate(wish, authority=authority.certificate, authority_key=authority.key, serial=2, now=now)
    (directory / name).write_text(made.certificate)
    door = DoorTls(cert_file=str(directory / name), key_file="k")
    return replace(DEV, tls=Tls(internal_rpc=door, https=door, grpc=DoorTls(cert_file="/nowhere", key_file="k")))


def given(valid_before: float) -> AgentCertificate:
    return AgentCertificate(pair=PemPair("", ""), roots="", root_id="", valid_after=0.0, valid_before=valid_before)


def test_the_one_that_ends_first_counts(tmp_path: Path) -> None:
    clock = ManualClock()
    ages = CertificateAges(clock, quiet_log()[0])
    assert ages.least_left_s() is None
    configuration = shown(tmp_path, clock, days=100)
    ages.note(configuration, None)
    assert ages.least_left_s() == 100 * DAY_S
    ages.note(configuration, given(clock.now() + 5.0))
    assert ages.least_left_s() == 5.0
    clock.advance(7.0)
    assert ages.least_left_s() == -2.0


def test_it_is_told_a_month_before_once_a_day_and_after_its_end(tmp_path: Path) -> None:
    clock = ManualClock()
    log, captured = quiet_log()
    ages = CertificateAges(clock, log)
    configuration = shown(tmp_path, clock, days=365)
    ages.note(configuration, None)
    ages.tell()
    clock.advance(334 * DAY_S)
    ages.tell()
    assert captured.entries == []
    clock.advance(1.5 * DAY_S)
    for _ in range(30):
        ages.tell()
        clock.advance(DAY_S / 10)
    assert [(one["event"], one["left_days"]) for one in captured.entries] == [
        ("agent.certificate.aging", left) for left in (29.5, 28.5, 27.5)
    ]
    clock.advance(30 * DAY_S)
    ages.tell()
    last = captured.entries[-1]
    ends = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes()).not_valid_after_utc
    assert (last["event"], last["log_level"]) == ("agent.certificate.expired", "error")
    assert datetime.fromisoformat(str(last["ended"])) == ends.astimezone(UTC)


def test_one_of_a_short_life_is_told_in_its_last_quarter_and_a_new_one_is_not(tmp_path: Path) -> None:
    clock = ManualClock()
    log, captured = quiet_log()
    ages = CertificateAges(clock, log)
    ages.note(shown(tmp_path, clock, days=8), None)
    clock.advance(5.9 * DAY_S)
    ages.tell()
    assert captured.entries == []
    clock.advance(0.2 * DAY_S)
    ages.tell()
    assert len(captured.entries) == 1
    ages.note(shown(tmp_path, clock, days=8), None)
    ages.tell()
    assert len(captured.entries) == 1


async def test_it_tells_by_itself(tmp_path: Path) -> None:
    clock = ManualClock()
    log, captured = quiet_log()
    ages = CertificateAges(clock, log)
    ages.note(shown(tmp_path, clock, days=1), None)
    clock.advance(0.9 * DAY_S)
    async with ages.telling():
        await eventually(lambda: bool(captured.entries), what="the warning")
