"""The judges of a history. Pure: no I/O, no clock, no chance; what takes too long is `unknown`, never green."""

from lictor_jepsen.checker.judge import CHANGES, judge
from lictor_jepsen.checker.verdict import Finding, Problem, Verdict, combined

__all__ = ["CHANGES", "Finding", "Problem", "Verdict", "combined", "judge"]
