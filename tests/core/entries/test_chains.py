"""Chains travel as JSON and come back the same."""

from __future__ import annotations

import msgspec

from lictor_core.codec import from_json, to_json
from lictor_core.entries.chains import Chain
from tests.core.entries.build import chain, entries, entry, http


def test_a_chain_in_json_is_the_chain() -> None:
    of = entries(
        *http("web", "db"),
        entry(
            "service-resolver", "web", {"Failover": {"*": {"Service": "db"}}, "Subsets": {"v": {"Filter": "a == b"}}}
        ),
        entry("service-router", "web", {"Routes": [{"Destination": {"ServiceSubset": "v", "RequestTimeout": "1s"}}]}),
    )
    found = chain(of, "web")
    assert from_json(to_json(found), Chain) == found
    assert msgspec.convert(msgspec.to_builtins(found), Chain) == found
