"""`python -m tests.support.recorder record|check [kind/area ...]`: cassettes from the real Consul, anew or compared."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.peers.scenarios import dns, http
from tests.support.agents import consul_dev
from tests.support.recorder.cassette import Cassette, cassette_path, load, save
from tests.support.recorder.comparison import compare, report
from tests.support.recorder.dns_runner import DnsRunner
from tests.support.recorder.dns_scenario import DnsScenario
from tests.support.recorder.http_runner import HttpRunner
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario
from tests.support.recorder.verdict import allowances_for, dns_allowances_for

PEER = "Consul 1.8.7"


def main() -> int:
    """Run the command line; 1 when a check finds differences."""
    arguments = argparse.ArgumentParser(prog="python -m tests.support.recorder", description=__doc__)
    arguments.add_argument("action", choices=["record", "check"])
    arguments.add_argument("areas", nargs="*", help="such as http/kv or dns; all when none is given")
    chosen = arguments.parse_args()
    scenarios: Sequence[Scenario | DnsScenario] = (*http.SCENARIOS, *dns.SCENARIOS)
    failed = False
    for scenario in scenarios:
        name = f"{_kind(scenario)}/{scenario.area}"
        if not chosen.areas or any(name == area or name.startswith(f"{area}/") for area in chosen.areas):
            failed |= not _one(name, scenario, chosen.action)
    return int(failed)


def _kind(scenario: Scenario | DnsScenario) -> str:
    return "http" if isinstance(scenario, Scenario) else "dns"


def _one(name: str, scenario: Scenario | DnsScenario, action: str) -> bool:
    exchanges, laws = _run(scenario)
    path = cassette_path(*name.split("/"))
    for law in laws:
        print(f"{name}: law: {law}", file=sys.stderr)
    if action == "record":
        save(path, Cassette(scenario.area, PEER, tuple(exchanges)))
        print(f"{name}: {len(exchanges)} exchanges, {path.stat().st_size} bytes")
        return True
    recorded = load(path).exchanges
    if isinstance(scenario, Scenario):
        allowances = allowances_for(scenario, recorded, same_product=True)
    else:
        allowances = dns_allowances_for(scenario, same_product=True)
    text = report(name, compare(recorded, exchanges, allowances))
    print(text or f"{name}: as recorded")
    return not text


def _run(scenario: Scenario | DnsScenario) -> tuple[list[Json], list[str]]:
    with tempfile.TemporaryDirectory() as directory, consul_dev(Path(directory), scenario.config) as agent:
        if isinstance(scenario, Scenario):
            http_runner = HttpRunner(agent.ports)
            return http_runner.run(scenario), http_runner.broken_laws
        dns_runner = DnsRunner(agent.ports)
        return dns_runner.run(scenario), dns_runner.broken_laws


if __name__ == "__main__":
    sys.exit(main())
