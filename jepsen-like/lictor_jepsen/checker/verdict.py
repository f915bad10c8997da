"""A verdict, and what a checker hands back with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["PROBLEMS_SHOWN_MAX", "Finding", "Problem", "Verdict", "combined", "finding", "joined", "named"]

PROBLEMS_SHOWN_MAX: Final = 20
"""How many problems a finding tells; it counts them all."""


class Verdict(StrEnum):
    """`unknown` is never green: a judge that could not finish, or had too little to judge, says so."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Problem(NamedTuple):
    """What is wrong, or why nobody knows, in a sentence."""

    text: str
    lines: tuple[int, ...] = ()
    """The lines of `history.jsonl`, from 1, that show it; none when it is about no call."""


class Finding(NamedTuple):
    """What one checker found."""

    verdict: Verdict
    judged: int
    """How much was judged: calls, keys or reads."""
    problems: tuple[Problem, ...] = ()


def combined(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several together: invalid outranks unknown, which outranks valid; none at all is unknown."""
    found = set(verdicts)
    for verdict in (Verdict.INVALID, Verdict.UNKNOWN, Verdict.VALID):
        if verdict in found:
            return verdict
    return Verdict.UNKNOWN


def joined(findings: Iterable[Finding]) -> Finding:
    """Findings of several as one: the worst verdict, all that was judged, and the first problems."""
    found = list(findings)
    problems = [problem for one in found for problem in one.problems]
    return Finding(
        combined(one.verdict for one in found), sum(one.judged for one in found), tuple(problems[:PROBLEMS_SHOWN_MAX])
    )


def named(name: str, found: Finding) -> Finding:
    """The finding with what it is about before each problem."""
    return found._replace(problems=tuple(one._replace(text=f"{name}: {one.text}") for one in found.problems))


def finding(judged: int, problems: Sequence[Problem], *, enough: int = 1) -> Finding:
    """Invalid with problems, unknown when fewer than `enough` things were judged, else valid."""
    if problems:
        more = len(problems) - PROBLEMS_SHOWN_MAX
        shown = [*problems[:PROBLEMS_SHOWN_MAX], *([Problem(f"and {more} more")] if more > 0 else [])]
        return Finding(Verdict.INVALID, judged, tuple(shown))
    if judged < enough:
        return Finding(Verdict.UNKNOWN, judged, (Problem(f"only {judged} judged, where {enough} are needed"),))
    return Finding(Verdict.VALID, judged)
