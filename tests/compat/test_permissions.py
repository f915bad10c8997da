"""Who may do what is the same as at the real Consul: each request with each token, at a server and beside one."""

from pathlib import Path

import pytest

from lictor_config.load import load_configuration
from lictor_config.tree import Origin
from tests.compat.scenarios.permissions import CONFIG, HOLDERS, READS, WRITES
from tests.support.agents import dev_agent
from tests.support.gateway import gateway
from tests.support.recorder.permissions import asked, differences, play, recorded


@pytest.mark.slow
@pytest.mark.timeout(300)  # some three thousand requests, beside other tests
def test_a_server_allows_what_consul_allows(tmp_path: Path) -> None:
    with dev_agent("lictor", tmp_path, CONFIG) as agent:
        lines = differences(recorded(), play(agent.ports["http"]))
    assert not lines, "\n".join(lines)


@pytest.mark.slow
@pytest.mark.timeout(300)  # some three thousand requests, beside other tests
def test_a_client_agent_allows_the_same(tmp_path: Path) -> None:
    with dev_agent("lictor", tmp_path, CONFIG) as agent:
        configuration = load_configuration(Origin(dev=True, files=(str(tmp_path / "agent.json"),)))
        with gateway(agent.ports["server"], configuration) as port:
            lines = differences(recorded(), play(agent.ports["http"], through=port))
    assert not lines, "\n".join(lines)


def test_every_request_is_recorded_with_every_token() -> None:
    known = recorded()
    assert list(known) == [asked(ask) for ask in (*READS, *WRITES)]
    assert {frozenset(row) for row in known.values()} == {frozenset(holder.name for holder in HOLDERS)}


def test_the_table_is_as_large_as_it_has_to_be() -> None:
    assert len(HOLDERS) >= 12
    assert len(READS) + len(WRITES) >= 200
    assert len(HOLDERS) * (len(READS) + len(WRITES)) >= 2800
