"""The CA of the mesh: leaves chain to roots that are trusted, and a change of the root breaks nothing. Pure.

A root that was followed by another one stays trusted until the last leaf that it signed has ended. So whoever reads the
roots after a leaf was presented must find one that it chains to, for as long as the leaf lives, which is longer than a
run. Times of certificates are told by the wall clock of the harness: what was seen after clocks jumped is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from lictor_jepsen.checker.lives import Deed, deeds, text
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.op import NEMESIS, Kind, Op, Value
from lictor_jepsen.outage import hits

__all__ = ["check_ca", "hits_servers_alone", "roots_of"]

BEFORE_MS: Final = 2_000.0
"""How long before the line that tells of a fault it may have hit: the line is written when all of it was done."""
AFTER_MS: Final = 5_000.0
"""How long after a fault of agents, proxies or their links a connection may still break because of it."""
_ENOUGH: Final = 3
_OF_SERVERS: Final = ("kill", "pause", "restart", "hammer", "partition", "disk", "fsync", "read", "corrupt", "power")
_NOT_OF_SERVERS: Final = ("agent", "program")
_NEVER: Final = float("inf")


class _Leaf(NamedTuple):
    """A leaf, and who presented it first."""

    chain: Sequence[x509.Certificate]
    """Itself, then what came along with it."""
    deed: Deed


def check_ca(history: Sequence[Op]) -> dict[str, Finding]:
    """The findings, by what they are about.

    `trusted`: every leaf is valid, and chains to a root that is trusted from then on; `serials`: no serial twice;
    `active`: the root that signs is never again one that was followed, neither at the servers nor at any agent;
    `unbroken`: no connection between two proxies breaks, and none is refused, but for faults of agents, proxies or
    links; `rotated`: the root changed.
    """
    found = deeds(history)
    clocks_ms = min((op.time_ms for op in history if op.process == NEMESIS and "clock" in op.f), default=_NEVER)
    known = {name: _certificate(pem) for deed in found if deed.is_ok for name, pem in _told_roots(deed)}
    leaves = dict(_leaves(found))
    return {
        "trusted": _trusted([deed for deed in found if deed.ended_ms < clocks_ms], leaves, known),
        "serials": _serials(leaves.values()),
        "active": _active(found),
        "unbroken": _unbroken(history, found),
        "rotated": finding(
            len({text(deed.call.value, 0) for deed in found if deed.f == "roots" and deed.is_ok}), [], enough=2
        ),
    }


def _certificate(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def _parts(value: Value, place: int) -> tuple[Value, ...]:
    found = value[place] if isinstance(value, tuple) and place < len(value) else ()
    return found if isinstance(found, tuple) else ()


def _told_roots(deed: Deed) -> Iterator[tuple[str, str]]:
    if deed.f in ("roots", "known"):
        for one in _parts(deed.call.value, 2):
            yield text(one, 0), text(one, 1)


def _leaves(found: Iterable[Deed]) -> Iterator[tuple[str, _Leaf]]:
    """By fingerprint, as they were told first."""
    seen: set[str] = set()
    first: dict[str, Deed] = {}
    for deed in sorted((deed for deed in found if deed.f == "leaf" and deed.is_ok), key=lambda deed: deed.ended_ms):
        name, pem = text(deed.call.value, 0), text(deed.call.value, 1)
        first.setdefault(name, deed)
        if pem and name not in seen:
            seen.add(name)
            yield name, _Leaf(x509.load_pem_x509_certificates(pem.encode()), first[name])


def roots_of(chain: Sequence[x509.Certificate], known: Mapping[str, x509.Certificate]) -> set[str]:
    """The roots that the first certificate chains to, by itself or by those that came along."""
    reached = {0}
    waiting = [0]
    while waiting:
        certificate = chain[waiting.pop()]
        for place, other in enumerate(chain):
            if place not in reached and _is_issued_by(certificate, other):
                reached.add(place)
                waiting.append(place)
    return {name for name, root in known.items() if any(_is_issued_by(chain[place], root) for place in reached)}


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _trusted(found: Sequence[Deed], leaves: Mapping[str, _Leaf], known: Mapping[str, x509.Certificate]) -> Finding:
    problems: list[Problem] = []
    judged = 0
    reads = [deed for deed in found if deed.f == "roots" and deed.is_ok]
    for deed in (deed for deed in found if deed.f == "leaf" and deed.is_ok):
        value = deed.call.value
        since_s, left_s = value[2:4] if isinstance(value, tuple) else (0.0, 0.0)
        if not (isinstance(since_s, float | int) and isinstance(left_s, float | int) and min(since_s, left_s) >= 0):
            words = (
                f"{text(value, 0)} at {deed.call.time_ms / 1000:.3f} s, valid for {since_s} s, and for {left_s} s more"
            )
            problems.append(told(f"not valid at that time: {words}", deed.call))
    for leaf in (leaf for leaf in leaves.values() if leaf.deed in found):
        trusted = roots_of(leaf.chain, known)
        later = [read for read in reads if read.begun_ms > leaf.deed.ended_ms]
        judged += bool(later)
        wrong = next((read for read in later if trusted.isdisjoint(_parts(read.call.value, 1))), None)
        if wrong is not None:
            words = f"it chains to {sorted(trusted) or 'none that was ever told'}, and {_words(wrong)}"
            problems.append(told(f"not trusted: {_named(leaf)}; {words}", leaf.deed.call, wrong.call))
    return finding(judged, problems, enough=_ENOUGH)


def _words(read: Deed) -> str:
    """A read of roots, without their certificates."""
    call, trusted = read.call, _parts(read.call.value, 1)
    where = f"line {call.invoked + 1}, {call.time_ms / 1000:.3f} s, at {call.node or '?'}"
    return f"{where}: {text(call.value, 0)} signs, one of {len(trusted)} that are trusted"


def _named(leaf: _Leaf) -> str:
    call = leaf.deed.call
    serial = leaf.chain[0].serial_number
    return f"serial {serial}, presented at line {call.invoked + 1}, {call.time_ms / 1000:.3f} s, by {call.node or '?'}"


def _serials(leaves: Iterable[_Leaf]) -> Finding:
    problems: list[Problem] = []
    first: dict[int, _Leaf] = {}
    certificates: dict[bytes, _Leaf] = {leaf.chain[0].tbs_certificate_bytes: leaf for leaf in leaves}
    for leaf in certificates.values():
        other = first.setdefault(leaf.chain[0].serial_number, leaf)
        if other is not leaf:
            problems.append(
                told(f"two leaves with one serial: {_named(other)}; {_named(leaf)}", other.deed.call, leaf.deed.call)
            )
    return finding(len(certificates), problems, enough=_ENOUGH)


def _active(found: Sequence[Deed]) -> Finding:
    """Of all servers together, and of each agent: what it told once it must not take back."""
    streams: dict[str, list[Deed]] = {}
    for deed in found:
        if deed.is_ok and deed.f in ("roots", "known"):
            streams.setdefault("" if deed.f == "roots" else deed.call.node, []).append(deed)
    problems = [problem for stream in streams.values() for problem in _back(stream)]
    return finding(sum(map(len, streams.values())), problems, enough=_ENOUGH)


def _back(stream: Sequence[Deed]) -> Iterator[Problem]:
    """Pairs of roots each of which was seen, all of it before the other one was seen again."""
    first: dict[str, Deed] = {}
    last: dict[str, Deed] = {}
    for deed in sorted(stream, key=lambda deed: deed.ended_ms):
        first.setdefault(text(deed.call.value, 0), deed)
    for deed in sorted(stream, key=lambda deed: deed.begun_ms):
        last[text(deed.call.value, 0)] = deed
    for one, other in combinations(first, 2):
        if first[one].ended_ms < last[other].begun_ms and first[other].ended_ms < last[one].begun_ms:
            seen = sorted({first[one], last[one], first[other], last[other]}, key=lambda deed: deed.begun_ms)
            words = "; ".join(map(_words, seen))
            yield told(f"a former root signs again: {words}", *(deed.call for deed in seen))


def _unbroken(history: Sequence[Op], found: Sequence[Deed]) -> Finding:
    """Connections that ended or were refused while nothing but servers had faults; a time-out blames nobody."""
    harmful = [hit for hit in hits(history) if not hits_servers_alone(hit.begun.f)]
    spells = [
        (hit.began_ms - BEFORE_MS, _NEVER if hit.ended is None else hit.ended.time_ms + AFTER_MS) for hit in harmful
    ]
    judged = 0
    problems: list[Problem] = []
    for deed in (deed for deed in found if deed.f in ("connect", "send") and deed.call.ended is not None):
        ended = history[deed.call.ended or 0]
        if any(begins <= ended.time_ms and deed.begun_ms <= ends for begins, ends in spells):
            continue
        judged += 1
        if deed.call.kind is Kind.FAIL and ended.error.startswith("broken"):
            problems.append(told(f"{describe(deed.call)}: {ended.error}", deed.call))
    return finding(judged, problems, enough=_ENOUGH)


def hits_servers_alone(fault: str) -> bool:
    """Whether no agent, proxy or link of theirs is hit by it, as its name tells."""
    return fault.startswith(_OF_SERVERS) and not fault.rpartition("-")[2].startswith(_NOT_OF_SERVERS)
