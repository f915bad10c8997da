"""The official Go client's own tests, unchanged: each starts a server of its own with the program `consul` on its PATH,
which is Lictor here, and asks it all that the client can ask. How fast it loads is not asked: it is a fork.

What they cannot be asked is named below, each with the reason.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.agents import Product, program_of
from tests.support.nursery import can_fork
from tests.support.nursery_door import stand_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("LICTOR_ALONE" not in os.environ, reason="wants the machine for itself: set LICTOR_ALONE=1"),
    pytest.mark.needs("consul-api-tests"),
    pytest.mark.timeout(600),
]

OUT_OF_PLACE: Final = {
    r"ACL|TestAPI_RulesTranslate|TestAPI_Snapshot_Options": "access control",
    r"TestAPI_ClientTLSOptions": "the certificates that they bring have expired",
    r"TestAPI_ConnectIntention": "they write namespaces, which belong to Consul Enterprise; Lictor refuses them",
    r"CARoots_empty": "Lictor's CA runs always",
    r"TestAPI_AgentUpdateToken": "access control",
    r"TestAPI_OperatorKeyring": "agents here speak no gossip, so they have no keyring",
    r"TestAPI_AgentMetrics": "it waits for a figure of Go's run time",
    r"TestAPI_DiscoveryChain_Get|TestAPI_AgentService$": "they compare a hash that Consul makes of Go's own structures",
    r"TestAPI_AgentJoin": "it joins an agent to itself, at its address for gossip, which is not spoken",
    r"TestAPI_AgentLeave": "an agent that leaves as soon as it joined was no member yet: leases come a moment later",
    r"TestAPI_AgentMonitor": "they wait for a line of the real Consul's log",
}
LACKING: Final = {
    r"TestAPI_ConnectCAConfig": "the CA takes no settings that it does not know",
    r"TestAPI_AgentMembersOpts": "it joins two datacenters",
}
PARALLEL: Final = (3, 2, 1, 1)
"""How many at a time, at first and again for those that failed: they give a server two seconds to start, which a busy
machine may not, and one that panics then takes the others with it."""
SECONDS_MAX: Final = 500
_PART: Final = r"^\s*--- (PASS|FAIL|SKIP): (\S+)"


def test_the_official_go_client_passes_its_own_tests(product: Product, tmp_path: Path) -> None:
    chosen = chosen_tests(product)
    assert len(chosen) > 110
    missed, log = chosen, ""
    for parallel in PARALLEL:
        results, log = run(missed, product, tmp_path, parallel)
        (tmp_path / f"parallel-{parallel}.log").write_text(log)
        missed = [name for name in missed if results.get(name) not in ("PASS", "SKIP")]
        if not missed:
            break
    assert missed == [], f"{' '.join(missed)}\n{log[-20_000:]}"


def chosen_tests(product: Product) -> list[str]:
    """The names of the tests that can be asked."""
    listed = subprocess.run(
        ["consul-api-tests", "-test.list", "."], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    left_out = OUT_OF_PLACE if product == "consul" else {**OUT_OF_PLACE, **LACKING}
    return [
        name for name in listed if re.match("Test", name) and not any(re.search(pattern, name) for pattern in left_out)
    ]


def run(names: list[str], product: Product, directory: Path, parallel: int) -> tuple[dict[str, str], str]:
    """How each of the tests ended, by name, and all that was printed."""
    programs = directory / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "consul").unlink(missing_ok=True)
    if can_fork([program_of(product)]):
        with stand_in(programs / "consul"):
            return _run(names, programs, directory, parallel)
    (programs / "consul").symlink_to(shutil.which(program_of(product)) or "")
    return _run(names, programs, directory, parallel)


def _run(names: list[str], programs: Path, directory: Path, parallel: int) -> tuple[dict[str, str], str]:
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(directory)}
    pattern = f"^({'|'.join(names)})$"
    # They end a server by SIGINT, which whoever runs us in the background may have turned off.
    argv = [
        "env",
        "--default-signal=INT",
        "consul-api-tests",
        "-test.v",
        "-test.run",
        pattern,
        "-test.parallel",
        str(parallel),
    ]
    argv += ["-test.timeout", f"{SECONDS_MAX}s"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, start_new_session=True
    ) as process:
        try:
            printed, _ = process.communicate(timeout=SECONDS_MAX + 20)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a test that panics leaves its server behind
    log = printed.decode(errors="replace")
    return {name: how for how, name in re.findall(_PART, log, re.MULTILINE)}, log
