"""`python -m tests.support.recorder record|check [area ...]`: cassettes from the real Consul, anew or compared."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.peers.scenarios.http import SCENARIOS
from tests.support.agents import consul_dev
from tests.support.recorder.cassette import Cassette, cassette_path, load, save
from tests.support.recorder.comparison import compare, report
from tests.support.recorder.http_runner import HttpRunner
from tests.support.recorder.scenario import Scenario
from tests.support.recorder.verdict import allowances_of

PEER = "Consul 1.8.7"


def main() -> int:
    """Run the command line; 1 when a check finds differences."""
    arguments = argparse.ArgumentParser(prog="python -m tests.support.recorder", description=__doc__)
    arguments.add_argument("action", choices=["record", "check"])
    arguments.add_argument("areas", nargs="*", help="names of scenarios; all when none is given")
    chosen = arguments.parse_args()
    failed = False
    for scenario in SCENARIOS:
        if not chosen.areas or scenario.area in chosen.areas:
            failed |= not _one(scenario, chosen.action)
    return int(failed)


def _one(scenario: Scenario, action: str) -> bool:
    with tempfile.TemporaryDirectory() as name, consul_dev(Path(name), scenario.config) as agent:
        runner = HttpRunner(agent.ports)
        exchanges = runner.run(scenario)
    path = cassette_path("http", scenario.area)
    for law in runner.broken_laws:
        print(f"{scenario.area}: law: {law}", file=sys.stderr)
    if action == "record":
        save(path, Cassette(scenario.area, PEER, tuple(exchanges)))
        print(f"{scenario.area}: {len(exchanges)} exchanges, {path.stat().st_size} bytes")
        return True
    recorded = load(path).exchanges
    allowances = allowances_of(scenario, recorded, same_product=True)
    text = report(scenario.area, compare(recorded, exchanges, allowances))
    print(text or f"{scenario.area}: as recorded")
    return not text


if __name__ == "__main__":
    sys.exit(main())
