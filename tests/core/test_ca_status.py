from __future__ import annotations

import msgspec
import pytest

from lictor_core.authority import DAY_S, RootLife
from lictor_core.ca_status import CALedger, CAStatus, ca_status
from lictor_core.records import CAConfiguration, CARoot, CARoots, JsonObject

BEGIN = 1_767_225_600.0  # 2026-01-01
END = 2_082_758_400.0  # 2036-01-01


def root(id: str = "aa", *, active: bool = True) -> CARoot:
    return CARoot(
        id=id,
        name="r",
        serial_number=1,
        signing_key_id="k",
        external_trust_domain="c",
        not_before="2026-01-01T00:00:00Z",
        not_after="2036-01-01T00:00:00Z",
        root_cert="pem",
        intermediate_certs=None,
        active=active,
        private_key_type="ec",
        private_key_bits=256,
        create_index=1,
        modify_index=1,
    )


def life(root_id: str = "aa", **more: object) -> RootLife:
    made = RootLife(root_id=root_id, signer_begins=BEGIN, signer_ends=END)
    return msgspec.structs.replace(made, **more)


def status(at: float, lives: list[RootLife], *roots: CARoot, config: JsonObject | None = None) -> CAStatus:
    configuration = CAConfiguration(
        provider="consul",
        config=config or {},
        state=None,
        force_without_cross_signing=False,
        create_index=1,
        modify_index=1,
    )
    trusted = CARoots(active_root_id="aa", trust_domain="c.consul", roots=list(roots) or [root()])
    return ca_status(CALedger(roots=trusted, lives=lives, configuration=configuration), at)


def test_days_that_are_left_are_told() -> None:
    found = status(END - 10 * DAY_S, [life()]).roots[0]
    assert (found.days_left, found.signer_days_left, found.signer) == (10, 10, "root")


def test_root_that_is_ours_is_replaced_the_rotation_period_before_its_end() -> None:
    assert status(BEGIN, [life()]).roots[0].replaced_at == "2035-10-03T00:00:00Z"
    rotating: JsonObject = {"RotateRoot": True, "RotationPeriod": "240h"}
    assert status(BEGIN, [life()], config=rotating).roots[0].replaced_at == "2026-01-11T00:00:00Z"
    assert status(BEGIN, [life(given=True)]).roots[0].replaced_at == ""


def test_intermediate_is_told_apart_from_its_root() -> None:
    found = status(BEGIN, [life(signer_ends=BEGIN + 100 * DAY_S)]).roots[0]
    assert (found.signer, found.signer_days_left) == ("intermediate", 100)
    assert found.signer_replaced_at == "2026-02-20T00:00:00Z"


def test_leaves_that_are_about_are_counted() -> None:
    day = int(BEGIN // DAY_S)
    one = life(leaves_issued=9, ending=[(day, 2), (day + 3, 4)])
    assert [status(BEGIN + days * DAY_S, [one]).roots[0].leaves_outstanding for days in (0, 1, 4)] == [6, 4, 0]


def test_old_root_is_forgotten_when_its_leaves_have_ended() -> None:
    old = life("bb", rotated_out_at=BEGIN, leaves_until=BEGIN + 3 * DAY_S)
    found = status(BEGIN, [life(), old], root("bb", active=False), root())
    assert [one.forgotten_at for one in found.roots] == ["2026-01-04T00:00:00Z", ""]
    assert found.problems == []


@pytest.mark.parametrize(
    ("at", "more", "problem"),
    [
        (END, {}, "has ended at 2036-01-01"),
        ((BEGIN + END) / 2, {"given": True}, "was given, is past half"),
        (END - 80 * DAY_S, {}, "should have been replaced at 2035-10-03"),
        (BEGIN + 100 * DAY_S, {"signer_ends": BEGIN + 100 * DAY_S}, "what signs leaves has ended"),
        (BEGIN + 60 * DAY_S, {"signer_ends": BEGIN + 100 * DAY_S}, "what signs leaves is past half"),
    ],
)
def test_what_needs_a_hand_is_told(at: float, more: dict[str, object], problem: str) -> None:
    found = status(at, [life("aa", **more)])
    assert problem in found.problems[0]
    assert status(BEGIN + DAY_S, [life("aa", **more)]).problems == []


def test_missing_root_is_a_problem() -> None:
    trusted = CARoots(active_root_id="", trust_domain="", roots=[])
    configuration = status(BEGIN, []).provider
    assert configuration == "consul"
    empty = CALedger(
        roots=trusted,
        lives=[],
        configuration=CAConfiguration(
            provider="vault",
            config={},
            state=None,
            force_without_cross_signing=False,
            create_index=1,
            modify_index=1,
        ),
    )
    assert "no root yet" in ca_status(empty, BEGIN).problems[0]


def test_settings_that_cannot_be_read_count_as_not_given() -> None:
    odd: JsonObject = {"RotationPeriod": "soon", "LeafCertTTL": None}
    assert status(BEGIN, [life()], config=odd).roots[0].replaced_at == "2035-10-03T00:00:00Z"
