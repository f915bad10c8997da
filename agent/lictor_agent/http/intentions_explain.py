"""`/v1/internal/intentions/explain`: why a connection or a request may pass or not. Consul has no such thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from lictor_agent.http.blocking import Manner, meta_headers, read
from lictor_agent.http.bodies import decode_json
from lictor_agent.http.described import BLOCKING, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Parameters, Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.errors import RequestError
from lictor_core.intention_explanations import IntentionExplanation, explain
from lictor_core.intentions import WILDCARD, rule_of
from lictor_core.names import NAMESPACE, ServiceId
from lictor_core.queries import ConfigEntryQuery, IntentionMatchQuery
from lictor_core.records import JsonObject
from lictor_core.registry import ReadOptions
from lictor_core.request_judging import RequestFacts, request_facts

__all__ = ["ROUTES"]

_SOURCE: Final = Parameter("source", "Who connects.", required=True)
_DESTINATION: Final = Parameter("destination", "To whom.", required=True)
_METHOD: Final = Parameter("method", "The method of a request, `GET` unless said.")
_PATH: Final = Parameter("path", "The path of a request, `/` unless said.")
_HEADER: Final = Parameter("header", "A header of the request; several are taken.", Kind.PAIR, repeats=True)
_JWT: Final = Parameter(
    "jwt",
    "A valid token of a provider: its name, and after `=` its claims as a JSON object; several are taken.",
    repeats=True,
)
_PLAIN: Final = Manner()
_VALUES_MAX: Final = 100
_SHOWN_CHARS_MAX: Final = 40


@described(IntentionExplanation, _SOURCE, _DESTINATION, _METHOD, _PATH, _HEADER, _JWT, *BLOCKING)
async def explained(site: Site, request: Request) -> Answer:
    """Every intention of the destination: which speak of the source, which decides, which default holds. With a
    method, path, header or token it is about such a request, else about a connection.
    """
    source = _service(request.parameters, "source")
    destination = _service(request.parameters, "destination")
    facts = _facts(request.parameters)
    query = IntentionMatchQuery(by="destination", name=destination)
    reading, mode, _ = await read(site, request, query, _PLAIN)
    roots = (await site.agent.roots()).reading.value
    rules = [rule_of(one) for one in reading.value]
    asks_protocol = any(rule.looks_at_requests for rule in rules)
    identity = ServiceId(roots.trust_domain, NAMESPACE, site.datacenter, source)
    found = explain(
        source,
        destination,
        rules,
        default_allow=site.agent.settings.default_allow,
        request=facts,
        certificate=identity.uri() if roots.trust_domain else "",
        policy_index=reading.index,
        protocol=await _protocol(site, request, destination) if asks_protocol else "",
        takes_entries=site.agent.configuration.enable_central_service_config,
    )
    return site.answer_json(request, found, headers=meta_headers(reading, mode, _PLAIN))


async def _protocol(site: Site, request: Request, service: str) -> str:
    """What the entries say that a service speaks."""
    from lictor_core.entries.defaults import TCP, protocol_in  # kinds of entries are loaded by who needs them

    options = ReadOptions(token=request.token)
    for kind, name in (("service-defaults", service), ("proxy-defaults", "global")):
        found = (await site.registry.read(ConfigEntryQuery(kind=kind, name=name), options)).value
        body = {} if found is None else found.body
        protocol = body.get("Protocol") or protocol_in(cast("JsonObject | None", body.get("Config")))
        if isinstance(protocol, str) and protocol:
            return protocol
    return TCP


def _service(parameters: Parameters, side: str) -> str:
    name = parameters.get(side).rpartition("/")[2]
    if not name or name == WILDCARD:
        raise Refusal(f"name the {side}: one service, as in ?source=web&destination=db")
    return name


def _facts(parameters: Parameters) -> RequestFacts | None:
    """The request that is asked about; None when it is a connection."""
    headers, tokens = parameters.all("header"), parameters.all("jwt")
    if not ("method" in parameters or "path" in parameters or headers or tokens):
        return None
    if len(headers) + len(tokens) > _VALUES_MAX:
        raise Refusal(f"at most {_VALUES_MAX} headers and tokens are taken")
    path = parameters.get("path") or "/"
    if not path.startswith("/"):
        raise Refusal(f"path is {path[:_SHOWN_CHARS_MAX]!r}, and must begin with '/'")
    return request_facts(
        (parameters.get("method") or "GET").upper(), path, [_header(one) for one in headers], _claims(tokens)
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name:
        raise Refusal(f"header is {text[:_SHOWN_CHARS_MAX]!r}, and must be name:value")
    return name, value.strip()


def _claims(tokens: Sequence[str]) -> Mapping[str, Mapping[str, object]]:
    found: dict[str, Mapping[str, object]] = {}
    for one in tokens:
        provider, _, text = one.partition("=")
        try:
            claims = decode_json(text.encode() if text else b"{}")
        except RequestError as error:
            raise Refusal(f"jwt of {provider[:_SHOWN_CHARS_MAX]!r}: its claims are no JSON: {error}") from error
        if not provider or not isinstance(claims, Mapping):
            raise Refusal(f"jwt is {one[:_SHOWN_CHARS_MAX]!r}, and must be provider or provider={{claims}}")
        found[provider] = cast("Mapping[str, object]", claims)
    return found


ROUTES: Final = (Route("/v1/internal/intentions/explain", {"GET": explained}),)
