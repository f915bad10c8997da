"""Requests that nobody wrote, made of the OpenAPI document, right and wrong ones: none of them finds a mistake of ours.

Invariants: every answer is one that the document describes; nothing is answered with an internal error, a traceback, or
nothing at all. `LICTOR_FUZZ_EXAMPLES` asks for more of each endpoint than CI does, other ones each time;
`LICTOR_FUZZ_SEED` asks for the ones of that number.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode

from lictor_config.load import load_configuration
from lictor_config.tree import Origin
from tests.support.agents import dev_agent
from tests.support.contract import Contract, document
from tests.support.gateway import gateway
from tests.support.recorder.http_runner import Reply
from tests.support.recorder.json_types import Json

_MORE: Final = int(os.environ.get("LICTOR_FUZZ_EXAMPLES", "0"))
_SEED: Final = os.environ.get("LICTOR_FUZZ_SEED", "")
_EXAMPLES: Final = _MORE or 6
_ANSWER_S_MAX: Final = 20.0
_OWN_DATACENTER: Final = "dc1"
_UNREADABLE_QUERY: Final = 500
"""What Consul says to a query part that cannot be read, without a word. So it does to a path that cannot be printed."""
_LEFT_OUT: Final = {
    "PUT /v1/agent/leave": "it ends the agent",
    "PUT /v1/agent/force-leave/{node}": "it may find a name that is there",
    "PUT /v1/agent/join/{address}": "it dials whatever address is made up",
    "PUT /v1/agent/reload": "it reads the configuration again, which takes a while each time",
    "GET /v1/agent/monitor": "its answer has no end",
    "GET /v1/snapshot": "its answer is a file, and the state of the other requests",
    "PUT /v1/snapshot": "it would put another state in place of this one",
    "PUT /v1/connect/ca/configuration": "it makes keys, which takes a while each time",
    "DELETE /v1/operator/raft/peer": "it may take the only server out",
    "POST /v1/operator/raft/transfer-leader": "it may leave the cluster without a leader for a while",
    "PUT /v1/operator/raft/transfer-leader": "the same",
}
_CONFIG: Final[dict[str, Json]] = {"default_query_time": "20ms", "max_query_time": "50ms"}
"""So that reads which wait do not wait long."""

_NAMES: Final = ("web", "judge", "ttl", "key", "passing", "00000000-0000-0000-0000-000000000000", "a%20b")
"""Half of the requests are about these, some of which are there."""
_THERE: Final[tuple[tuple[str, Json], ...]] = (
    ("/v1/agent/service/register", {"Name": "web", "Port": 80, "Connect": {"SidecarService": {}}}),
    ("/v1/agent/check/register", {"Name": "ttl", "TTL": "1h"}),
    ("/v1/kv/key", "value"),
    ("/v1/session/create", {"Name": "one"}),
)

_SCHEMA: Final = schemathesis.openapi.from_dict(document())
_OPERATIONS: Final = {one.label: one for one in (result.ok() for result in _SCHEMA.get_all_operations())}
_CONTRACT: Final = Contract()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, str]]:
    """The addresses of a server, and of an agent that is none and asks it."""
    directory = tmp_path_factory.mktemp("fuzz")
    with dev_agent("lictor", directory, _CONFIG) as agent:
        configuration = load_configuration(Origin(dev=True, files=(str(directory / "agent.json"),)))
        with gateway(agent.ports["server"], configuration) as port:
            for path, body in _THERE:
                requests.put(f"http://{agent.http_address}{path}", json=body, timeout=_ANSWER_S_MAX).raise_for_status()
            yield f"http://{agent.http_address}", f"http://127.0.0.1:{port}"


def test_what_is_left_out_is_there() -> None:
    assert set(_LEFT_OUT) <= set(_OPERATIONS)


@pytest.mark.slow
@pytest.mark.timeout(120 if not _MORE else 0)
@pytest.mark.parametrize("label", sorted(set(_OPERATIONS) - set(_LEFT_OUT)))
def test_no_request_finds_a_mistake_of_ours(label: str, server: tuple[str, str]) -> None:
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        _send_some(label, mode, server)


def _send_some(label: str, mode: GenerationMode, addresses: tuple[str, str]) -> None:
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        derandomize=not (_MORE or _SEED),
        database=None,
        phases=(Phase.generate, Phase.shrink) if _MORE else (Phase.generate,),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
    )
    @given(case=_OPERATIONS[label].as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        for name, value in case.path_parameters.items():
            at = len(str(value)) % (2 * len(_NAMES))
            case.path_parameters[name] = _NAMES[at] if at < len(_NAMES) else value
        if case.query and "dc" in case.query and len(str(case.query["dc"])) % 2 == 0:
            case.query["dc"] = _OWN_DATACENTER  # else no request with one gets any further
        for address in addresses:
            _judge(case, address)

    if _SEED:
        seed(int(_SEED))(send)()
    else:
        send()


def _judge(case: Case, address: str) -> None:
    try:
        response = case.call(base_url=address, timeout=_ANSWER_S_MAX, allow_redirects=False)
    except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
        return  # no client sends this
    headers = {name.title(): values[0] for name, values in response.headers.items()}
    body = response.content
    asked = f"{case.method} {response.request.url} {response.request.body!r:.500}"
    assert b"Traceback" not in body, asked
    assert b"internal error" not in body, asked
    target = response.request.path_url
    may_be_silent = response.status_code in (404, _UNREADABLE_QUERY) or not unquote(urlsplit(target).path).isprintable()
    assert body or may_be_silent or response.status_code < 400, f"{asked}: {response.status_code} without a word"
    flaws = _CONTRACT.flaws(case.method, target, Reply(response.status_code, headers, body, response.elapsed))
    assert flaws == [], asked
