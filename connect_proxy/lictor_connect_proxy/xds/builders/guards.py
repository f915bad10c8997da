"""The guard before a service: whom its certificates admit, and what rules say of connections or requests.

A sidecar has one, a terminating gateway one for each service that it speaks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from lictor_connect_proxy.snapshot import Policy, ProxySnapshot, TrustRoots
from lictor_connect_proxy.xds.builders.draft import Draft
from lictor_connect_proxy.xds.builders.http import Managed, inbound_http
from lictor_connect_proxy.xds.builders.listeners import connection_filters, source_check
from lictor_connect_proxy.xds.builders.logs import access_logs
from lictor_connect_proxy.xds.builders.routes import route_table, virtual_host
from lictor_connect_proxy.xds.builders.tls import downstream_tls, validation_secret
from lictor_connect_proxy.xds.builders.tokens import key_clusters, token_filter
from lictor_connect_proxy.xds.builders.tracing import tracing
from lictor_connect_proxy.xds.intentions import Admission, Sources, admission, allowed_names, principals, sources_of
from lictor_connect_proxy.xds.naming import LEAF, intentions_of
from lictor_connect_proxy.xds.requests import route_rules
from lictor_core.records import JsonObject

__all__ = ["Guard"]


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Of one service. `sees_requests`: connections are let in if some of their requests may pass, and those are judged.

    `policy` None lets nobody in.
    """

    service: str
    policy: Policy | None
    default_allow: bool
    roots: TrustRoots
    sees_requests: bool
    providers: Mapping[str, JsonObject] = {}

    def add_names(self, draft: Draft) -> None:
        """Add the secret with the list of those who get in at all."""
        names = allowed_names(self._admitted(), self.roots.trust_domain)
        draft.secret(validation_secret(intentions_of(self.service), self.roots, names))

    def tls(self, certificate: str = LEAF) -> JsonObject:
        """The TLS of a filter chain: shows `certificate`, and admits who is on the list."""
        return downstream_tls(intentions_of(self.service), certificate)

    def add_source_check(self, draft: Draft, stat_prefix: str) -> JsonObject:
        """Add the rules about connections; the filter that asks them."""
        name = intentions_of(self.service)
        who = principals(self._admitted(), self.roots.trust_domain)
        draft.extension(connection_filters(name, stat_prefix, who))
        return source_check(name)

    def add_http(
        self,
        draft: Draft,
        snapshot: ProxySnapshot,
        named: tuple[str, str],
        protocol: str,
        routes: Sequence[JsonObject],
        per_filter: Mapping[str, object] | None = None,
    ) -> JsonObject:
        """Add the rules about requests and `routes`; the filter for HTTP. `named`: its figures, and its routes."""
        stat_prefix, name = named
        rules = () if self.policy is None else self.policy.rules
        tokens = f"tokens:{self.service}"
        draft.extension(token_filter(tokens, rules, self.providers))
        for cluster in key_clusters(rules, self.providers):
            draft.cluster(cluster)
        said = route_rules(self._sources(), self.roots.trust_domain, default_allow=self.default_allow)
        host = virtual_host(name, ["*"], routes, typed_per_filter_config={**said, **(per_filter or {})})
        draft.routes(route_table(name, [host]))
        managed = Managed(
            stat_prefix=stat_prefix,
            routes=name,
            protocol=protocol,
            access_log=access_logs(snapshot.config),
            tracing=tracing(snapshot.config, self.service, inbound=True),
        )
        return inbound_http(managed, tokens)

    def _sources(self) -> Sources | None:
        if self.policy is None:
            return None
        return sources_of(self.service, self.policy.rules, default_allow=self.default_allow)

    def _admitted(self) -> Admission | None:
        sources = self._sources()
        return None if sources is None else admission(sources, sees_requests=self.sees_requests)
