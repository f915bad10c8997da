"""`lictor connect ca status`, asked of a double of the agent."""

from __future__ import annotations

import json

import pytest

from lictor.cli.program import run
from tests.client.fake_agent import Reply, fake_agent

ROOT = {
    "ID": "08:9f:df:aa:8b:df:99",
    "Name": "Consul CA Root Cert",
    "Active": True,
    "Given": False,
    "PrivateKeyType": "ec",
    "PrivateKeyBits": 256,
    "NotBefore": "2026-01-01T00:00:00Z",
    "NotAfter": "2036-01-01T00:00:00Z",
    "DaysLeft": 3650.5,
    "Signer": "intermediate",
    "SignerNotAfter": "2027-01-01T00:00:00Z",
    "SignerDaysLeft": 365.25,
    "ReplacedAt": "2035-10-03T00:00:00Z",
    "SignerReplacedAt": "2026-07-02T12:00:00Z",
    "RotatedOutAt": "",
    "ForgottenAt": "",
    "LeavesIssued": 9,
    "LeavesOutstanding": 7,
}


def shown(problems: list[str], capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str, str]:
    body = {
        "Provider": "consul",
        "TrustDomain": "c.consul",
        "ActiveRootID": "08",
        "Roots": [ROOT],
        "Problems": problems,
    }
    with fake_agent(lambda _: Reply(body=json.dumps(body).encode())) as fake:
        code = run(["connect", "ca", "status", f"-http-addr={fake.address}", *flags])
    assert [one.target for one in fake.seen] == ["/v1/connect/ca/status"]
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_roots_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = shown([], capsys)
    assert (code, err) == (0, "")
    cells = out.splitlines()[-1].split()
    assert cells == [
        "08:9f:df:aa", "yes", "ec", "256", "3650.5", "intermediate", "365.25", "2026-07-02", "7", "2036-01-01",
    ]  # fmt: skip


def test_what_needs_a_hand_is_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = shown(["the active root has ended"], capsys)
    assert (code, "the active root has ended" in err) == (1, True)


def test_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = shown([], capsys, "-format=json")
    assert code == 0
    assert json.loads(out)["Roots"][0]["LeavesOutstanding"] == 7
