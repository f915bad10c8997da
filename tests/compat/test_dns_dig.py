"""`dig`, which parses by another hand than ours and dnspython's, reads what Lictor answers to the whole corpus."""

import subprocess
from pathlib import Path

import pytest

from tests.compat.scenarios.dns.corpus_catalog import CATALOG
from tests.compat.scenarios.dns.variants import SCENARIOS
from tests.support.agents import dev_agent
from tests.support.recorder.dns_runner import DnsRunner
from tests.support.recorder.dns_scenario import DnsScenario, Question

_CORPUS = SCENARIOS[0]
# dig sends these as something else than one question.
_NO_QUESTIONS = ("AXFR", "IXFR", "OPT")


def _line(question: Question, port: int) -> str:
    """One line of dig's batch mode."""
    size = "+noedns" if question.payload is None else f"+bufsize={question.payload}"
    transport = "+tcp" if question.transport == "tcp" else "+notcp"
    shown = "+noall +comments +question +answer +additional"
    options = f"{size} {transport} {shown} +norecurse +ignore +tries=1 +time=5 +nocookie"
    return f"@127.0.0.1 -p {port} {options} -q {question.domain_name} -t {question.kind}"


@pytest.mark.slow
@pytest.mark.timeout(300)  # hundreds of questions, beside other tests
@pytest.mark.needs("dig")
def test_dig_reads_every_answer(tmp_path: Path) -> None:
    asked = [one for one in _CORPUS.questions if one.kind not in _NO_QUESTIONS]
    batch = tmp_path / "questions"
    with dev_agent("lictor", tmp_path, _CORPUS.config) as agent:
        DnsRunner(agent.ports).run(DnsScenario("dig", "The catalog alone.", CATALOG, ()))
        batch.write_text("".join(_line(one, agent.ports["dns"]) + "\n" for one in asked))
        done = subprocess.run(["dig", "-f", str(batch)], capture_output=True, text=True, check=False, timeout=200)
    complaints = [
        line for line in done.stdout.splitlines() if line.startswith((";; Warning", ";; Got bad", ";; WARNING"))
    ]
    assert complaints == []
    assert done.stdout.count("->>HEADER<<-") == len(asked), done.stdout[-2000:] + done.stderr
