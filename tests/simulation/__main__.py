"""`python -m tests.simulation --seed 7 --steps 3000`: replay one seed, or run many; exit status 1 on a violation."""

from __future__ import annotations

import argparse
import logging
import sys

from tests.simulation.sim import run
from tests.simulation.voters import production, stock


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="tests.simulation", description="Raft under faults, replayable by seed.")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many, counting up")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--voters", type=int, default=None, help="3 or 5 by the seed when not given")
    parser.add_argument("--stock", action="store_true", help="pysyncobj as it comes instead of Lictor's core")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    bad = acknowledged = reads = lease_reads = stale_reads = changes = transfers = installs = 0
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        report = run(
            seed,
            steps=chosen.steps,
            voters=chosen.voters,
            make=stock if chosen.stock else production,
            write_through=chosen.stock,
            fixed=chosen.stock,
        )
        acknowledged += report.acknowledged
        reads += report.reads
        lease_reads += report.lease_reads
        stale_reads += report.stale_reads
        changes += report.changes
        transfers += report.transfers
        installs += report.installs
        bad += bool(report.violations)
        for kind, detail in report.violations.items():
            print(f"seed {seed}: {kind}: {detail}", flush=True)
    print(f"{chosen.seeds} seeds, {bad} bad; {acknowledged} acknowledged writes, {reads} reads, {lease_reads} by lease")
    print(f"{stale_reads} stale reads whose age was judged")
    print(f"{changes} changes of the peers, {transfers} transfers of leadership, {installs} snapshots installed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
