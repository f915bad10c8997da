"""`python -m tests.support.recorder record|check|beside|count [kind/area ...]`: scenarios played at the real Consul.

`record` writes the cassettes anew, `check` compares the real Consul with what was recorded of it, `beside` plays each
scenario at the real Consul and at Lictor at once, and compares the two: no cassette is looked at.
`count` says how many exchanges are recorded in each area.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TypeAlias

from tests.compat.scenarios import cli, dns, http
from tests.support.agents import Product, dev_agent, program_of
from tests.support.recorder.cassette import Cassette, cassette_path, load, save
from tests.support.recorder.cli_runner import CliRunner
from tests.support.recorder.cli_scenario import CliScenario
from tests.support.recorder.comparison import Allowance, compare, report
from tests.support.recorder.dns_runner import DnsRunner
from tests.support.recorder.dns_scenario import DnsScenario
from tests.support.recorder.http_runner import HttpRunner
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario
from tests.support.recorder.targets import checked_targets
from tests.support.recorder.verdict import allowances_for, cli_allowances_for, dns_allowances_for

PEER = "Consul 1.8.7"


AnyScenario: TypeAlias = Scenario | DnsScenario | CliScenario


def main() -> int:
    """Run the command line; 1 when a check finds differences."""
    arguments = argparse.ArgumentParser(prog="python -m tests.support.recorder", description=__doc__)
    arguments.add_argument("action", choices=["record", "check", "beside", "count"])
    arguments.add_argument("areas", nargs="*", help="such as http/kv or dns; all when none is given")
    chosen = arguments.parse_args()
    scenarios: dict[str, Sequence[AnyScenario]] = {
        "http": http.SCENARIOS,
        "dns": dns.SCENARIOS,
        "cli": cli.SCENARIOS,
    }
    failed = False
    for kind, scenario in ((kind, scenario) for kind, several in scenarios.items() for scenario in several):
        if not chosen.areas or kind in chosen.areas or f"{kind}/{scenario.area}" in chosen.areas:
            failed |= not _one(kind, scenario, chosen.action)
    return int(failed)


def _one(kind: str, scenario: AnyScenario, action: str) -> bool:
    name = f"{kind}/{scenario.area}"
    if action == "beside":
        return _beside(name, scenario)
    path = cassette_path(kind, scenario.area)
    if action == "count":
        print(f"{name}: {len(load(path).exchanges)}")
        return True
    exchanges, laws = _run(scenario, "consul")
    for law in laws:
        print(f"{name}: law: {law}", file=sys.stderr)
    if action == "record":
        save(path, Cassette(scenario.area, PEER, tuple(exchanges)))
        print(f"{name}: {len(exchanges)} exchanges, {path.stat().st_size} bytes")
        return True
    recorded = load(path).exchanges
    text = report(name, compare(recorded, exchanges, _allowances(scenario, recorded)))
    print(text or f"{name}: as recorded")
    return not text


def _beside(name: str, scenario: AnyScenario) -> bool:
    """Whether both give the same to one scenario, but for what it declares."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = [pool.submit(_run, scenario, product) for product in ("consul", "lictor")]
        (expected, _), (found, laws) = (run.result() for run in runs)
    text = report(name, compare(expected, found, _allowances(scenario, expected, same_product=False)), laws)
    print(text or f"{name}: {len(found)} exchanges, both the same")
    return not text


def _allowances(
    scenario: AnyScenario, recorded: Sequence[Json], *, same_product: bool = True
) -> Mapping[str, Allowance]:
    if isinstance(scenario, Scenario):
        return allowances_for(scenario, recorded, same_product=same_product)
    if isinstance(scenario, DnsScenario):
        return dns_allowances_for(scenario, recorded, same_product=same_product)
    return cli_allowances_for(scenario, same_product=same_product)


def _run(scenario: AnyScenario, product: Product) -> tuple[list[Json], list[str]]:
    with (
        tempfile.TemporaryDirectory() as name,
        scenario.configured() if isinstance(scenario, DnsScenario) else nullcontext(scenario.config) as config,
        dev_agent(product, Path(name), config) as agent,
    ):
        if isinstance(scenario, Scenario):
            with checked_targets(Path(name)) if scenario.targets else nullcontext(dict[str, int]()) as targets:
                http_runner = HttpRunner({**agent.ports, **targets})
                return http_runner.run(scenario), http_runner.broken_laws
        if isinstance(scenario, DnsScenario):
            dns_runner = DnsRunner(agent.ports)
            return dns_runner.run(scenario), dns_runner.broken_laws
        directory = Path(name) / "commands"
        directory.mkdir()
        return CliRunner(program_of(product), agent.ports, directory).run(scenario), []


if __name__ == "__main__":
    sys.exit(main())
