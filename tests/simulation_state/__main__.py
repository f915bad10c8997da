"""`python -m tests.simulation_state --seed 7`: replay one seed, or run many; exit status 1 on a violation."""

from __future__ import annotations

import argparse
import sys

from tests.simulation_state.world import run


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="tests.simulation_state", description="The state on servers, by seed.")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many, counting up")
    parser.add_argument("--steps", type=int, default=150)
    chosen = parser.parse_args()
    bad = applied = refused = restored = starts = moves = 0
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        report = run(seed, steps=chosen.steps)
        applied, refused = applied + report.applied, refused + report.refused
        restored, starts, moves = restored + report.restored, starts + report.starts, moves + report.moves
        bad += bool(report.violations)
        for kind, detail in report.violations.items():
            print(f"seed {seed}: {kind}: {detail}", flush=True)
    print(f"{chosen.seeds} seeds, {bad} bad; {applied} commands applied, {refused} refused, {restored} states restored")
    print(f"{starts} starts from snapshots, {moves} moves of views")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
