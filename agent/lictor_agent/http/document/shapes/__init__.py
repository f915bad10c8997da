"""The shapes of JSON that no record has: what endpoints put together by hand, and what they read member by member.

A test holds every recorded answer against these, and every name that a body is read by. A shape is named by its class
or alias, which is unique over all modules here.
"""

from typing import Final

from lictor_agent.http.document.shapes import acl, agent, cluster, config, queries, registrations, transactions

__all__ = ["shape"]

_MODULES: Final = (acl, agent, registrations, cluster, config, queries, transactions)


def shape(name: str) -> object:
    """The type that has this name."""
    found: list[object] = [getattr(module, name) for module in _MODULES if name in module.__all__]
    assert found, f"no module of document/shapes has a shape {name}"
    return found[0]
