"""The CA of a mesh, in short histories with real certificates, and roots against every order of their reigns."""

from __future__ import annotations

import datetime
from functools import cache
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.ca import check_ca, hits_servers_alone, roots_of
from lictor_jepsen.op import NEMESIS, Kind, Op
from tests.jepsen_like.spans import Span, told

BEGAN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    del name  # each has its own
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate(name: str, issuer: str, serial: int) -> x509.Certificate:
    """Of the key of `name`, signed by that of `issuer`."""
    named = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer)]
    builder = x509.CertificateBuilder(named[1], named[0], key(name).public_key(), serial)
    life = builder.not_valid_before(BEGAN).not_valid_after(BEGAN + datetime.timedelta(days=9_000))
    return life.sign(key(issuer), hashes.SHA256())


def pem(*certificates: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def root(name: str) -> x509.Certificate:
    return certificate(name, name, 1)


def roots(at: float, active: str, *others: str, f: str = "roots", node: str = "n1", begun: float | None = None) -> Span:
    names = (*others, active)
    value = (active, names, tuple((name, pem(root(name))) for name in names))
    return Span(at - 5 if begun is None else begun, at, f, "db", None, value, node=node)


def leaf(at: float, issuer: str, serial: int, *chain: x509.Certificate, left_s: float = 100.0) -> Span:
    found = certificate(f"leaf {serial} of {issuer}", issuer, serial)
    return Span(at - 5, at, "leaf", "db", None, (f"{issuer} {serial}", pem(found, *chain), 60.0, left_s))


def talked(at: float, kind: Kind = Kind.OK) -> Span:
    return Span(at - 5, at, "send", "db", None, ("db", "live"), kind)


CROSSED = certificate("B", "A", 50)
THREE = (leaf(10, "A", 2), leaf(20, "A", 3), leaf(30, "A", 4))
GOOD = {
    "one root": (*THREE, roots(40, "A")),
    "a root that was followed": (*THREE, roots(40, "A"), roots(60, "B", "A")),
    "a leaf that an older root vouches for": (leaf(10, "B", 2, CROSSED), roots(40, "A")),
    "two roots seen at once": (roots(40, "A", begun=10), roots(45, "B", "A", begun=12), roots(50, "A", begun=41)),
    "agents that learn late": (
        roots(10, "B", "A"),
        roots(20, "A", f="known", node="a1"),
        roots(30, "B", "A", f="known", node="a1"),
    ),
}
BAD = {
    "a root that was dropped": ("trusted", (*THREE, roots(60, "B"))),
    "a leaf of a root that nobody knows": ("trusted", (leaf(10, "C", 2), roots(40, "A"))),
    "a leaf whose chain leads nowhere": ("trusted", (leaf(10, "B", 2), roots(40, "A"))),
    "a leaf that has ended": ("trusted", (leaf(10, "A", 2, left_s=-1.0), roots(40, "A"))),
    "a serial twice": ("serials", (leaf(10, "A", 2), leaf(20, "B", 2, CROSSED), roots(40, "B", "A"))),
    "a former root signs again": ("active", (roots(10, "A"), roots(20, "B", "A"), roots(30, "A", "B"))),
    "an agent goes back": (
        "active",
        (*(roots(at, one, f="known", node="a1") for at, one in ((10, "A"), (20, "B"), (30, "A"))),),
    ),
}


def invalid(*spans: Span) -> list[str]:
    return [name for name, found in check_ca(told(*spans)).items() if found.verdict is Verdict.INVALID]


@pytest.mark.parametrize("name", GOOD)
def test_what_a_ca_may_do_is_not_blamed(name: str) -> None:
    assert invalid(*GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_what_a_ca_may_not_do_is_found(name: str) -> None:
    finding, spans = BAD[name]
    assert invalid(*spans) == [finding]


def broken(*faults: tuple[float, str]) -> list[str]:
    """What is found of a connection that broke at 20 s, with these lines of the nemesis."""
    history = told(*(talked(at) for at in (100, 200, 300)), talked(20_000, Kind.FAIL), faults=faults)
    history = [op._replace(error="broken live: the connection ended") if op.kind is Kind.FAIL else op for op in history]
    return [name for name, found in check_ca(history).items() if found.verdict is Verdict.INVALID]


def test_a_connection_breaks_only_by_faults_of_agents_proxies_and_links() -> None:
    assert broken() == ["unbroken"]
    assert broken((18_000, "kill-all"), (22_000, "kill-all")) == ["unbroken"]
    assert broken((18_000, "kill-program"), (22_000, "kill-program")) == []
    assert broken((10_000, "kill-agent"), (16_000, "kill-agent")) == []
    assert broken((2_000, "kill-agent"), (4_000, "kill-agent")) == ["unbroken"]
    assert broken((20_500, "kill-program"), (22_000, "kill-program")) == [], "its line comes after it"


@pytest.mark.parametrize(
    ("fault", "alone"),
    [("kill-leader", True), ("partition-ring", True), ("power-loss-all", True)]
    + [(name, False) for name in ("kill-agent", "pause-program", "cut-agents", "slow-links", "clock-jump")],
)
def test_faults_of_servers_are_told_by_their_names(fault: str, alone: bool) -> None:
    assert hits_servers_alone(fault) is alone


def test_leaves_that_were_seen_after_clocks_jumped_are_not_judged() -> None:
    spans = (*THREE, roots(60, "B"))
    found = check_ca([Op(0.0, NEMESIS, Kind.INFO, "clock-jump", value=""), *told(*spans)])
    assert found["trusted"].verdict is Verdict.UNKNOWN


def test_a_leaf_chains_to_all_roots_that_vouch_for_it() -> None:
    known = {name: root(name) for name in ("A", "B", "C")}
    chain = [certificate("leaf 2 of B", "B", 2)]
    assert roots_of(chain, known) == {"B"}
    assert roots_of([*chain, CROSSED], known) == {"A", "B"}


def test_what_was_not_seen_is_unknown() -> None:
    assert {found.verdict for found in check_ca([]).values()} == {Verdict.UNKNOWN}


def possible(spans: list[Span]) -> bool:
    """Whether some order of reigns explains what was read: each root signs once, and each read falls into its reign."""
    names = sorted({str(span.answer[0]) for span in spans if isinstance(span.answer, tuple)})
    return any(_explains(list(order), spans) for order in permutations(names))


def _explains(order: list[str], spans: list[Span]) -> bool:
    """A reign begins when the one before has ended: no read of a root may have ended before one of a former began."""
    place = {name: number for number, name in enumerate(order)}
    reigns = [(place[str(span.answer[0])], span) for span in spans if isinstance(span.answer, tuple)]
    return all(early <= late for early, one in reigns for late, other in reigns if one.ended_ms < other.begun_ms)


@st.composite
def readings(draw: st.DrawFn) -> list[Span]:
    """Up to five reads of who signs, of three roots, whose times overlap."""
    spans: list[Span] = []
    for _ in range(draw(st.integers(2, 5))):
        begun = draw(st.integers(0, 20)) * 10
        spans.append(roots(begun + draw(st.sampled_from((5, 35, 75))), draw(st.sampled_from("ABC")), begun=begun))
    return spans


@given(readings())
@settings(max_examples=200)
def test_reads_are_blamed_when_no_order_of_reigns_explains_them(spans: list[Span]) -> None:
    assert ("active" not in invalid(*spans)) is possible(spans)
