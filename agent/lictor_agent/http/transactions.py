"""`/v1/txn`: operations on keys and the catalog, of which all happen or none. Source: Consul's `api-docs/txn`.

One that changes nothing is a read, with the freshness that the request asks for, and says so in its answer.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from lictor_agent.http.blocking import freshness_shown
from lictor_agent.http.described import DC, FRESHNESS, Body, Reply, described
from lictor_agent.http.encoding import JSON, Answer, long_json_object
from lictor_agent.http.kv import entry_shown
from lictor_agent.http.null_tags import with_null_tags
from lictor_agent.http.requests import Request, read_options
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.http.transaction_bodies import read_operations, why_not
from lictor_core.aside import ASIDE_ROWS_MIN, aside
from lictor_core.commands import Transaction
from lictor_core.keys import shown
from lictor_core.pace import Pace
from lictor_core.queries import TransactionQuery
from lictor_core.transactions import OperationResult, TransactionAnswer, changes_something

__all__ = ["ROUTES"]

_FAILED: Final = 409


@described(
    "TransactionOutcome",
    DC,
    *FRESHNESS,
    body=Body("TransactionToRun"),
    about="All of it was done.",
    also={
        409: Reply("Nothing of it was done.", "TransactionOutcome"),
        413: "There are too many operations, or too many bytes.",
    },
)
async def run(site: Site, request: Request) -> Answer:
    """Carry out all operations or none; 409 tells by operation why none was."""
    settings = site.settings
    operations = await read_operations(
        request,
        bytes_max=max(settings.txn_bytes_max, settings.kv_value_bytes_max),
        value_bytes_max=settings.kv_value_bytes_max,
    )
    options = msgspec.structs.replace(read_options(request), min_index=0)
    site.check_datacenter(request.parameters.get("dc"))
    flaws = why_not(operations, site.datacenter)
    if any(map(changes_something, operations)):
        if flaws:
            return await _answer(site, request, TransactionAnswer(errors=flaws), {})
        outcome = await site.registry.write(Transaction(operations=operations), token=request.token)
        assert isinstance(outcome.value, TransactionAnswer), "the state answers a transaction so"
        return await _answer(site, request, outcome.value, {})
    query = TransactionQuery(operations=() if flaws else tuple(operations))
    reading = await site.registry.read(query, options)
    found = TransactionAnswer(errors=flaws) if flaws else reading.value
    headers = (
        ("X-Consul-Knownleader", "true" if reading.known_leader else "false"),
        ("X-Consul-Lastcontact", str(reading.last_contact_ms)),
    )
    return await _answer(site, request, found, freshness_shown(reading), headers)


async def _answer(
    site: Site,
    request: Request,
    answer: TransactionAnswer,
    freshness: dict[str, object],
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    errors = [{"OpIndex": error.position, "What": shown(error.text)} for error in answer.errors] or None
    if len(answer.results) >= ASIDE_ROWS_MIN and not errors:
        body = await aside(partial(_long_body, answer.results, {"Errors": None, **freshness}, site.is_pretty(request)))
        return Answer(headers=(JSON, *headers), body=body)
    outcome = {"Results": None if errors else [_shown(one) for one in answer.results], "Errors": errors, **freshness}
    return site.answer_json(request, outcome, status=_FAILED if errors else 200, headers=headers)


def _long_body(results: list[OperationResult], rest: dict[str, object], is_pretty: bool) -> bytes:
    return long_json_object("Results", list(map(_shown, results)), rest, Pace(), pretty=is_pretty)


def _shown(result: OperationResult) -> dict[str, object]:
    if result.key is not None:
        return {"KV": entry_shown(result.key)}
    if result.node is not None:
        return {"Node": result.node}
    if result.service is not None:
        return {"Service": with_null_tags(result.service)}
    assert result.check is not None, "a result is one of the four"
    return {"Check": with_null_tags(result.check)}


ROUTES: Final = (Route("/v1/txn", {"PUT": run}),)
