"""Steps that write configuration entries, for the scenarios about them."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step

CONFIG = "/v1/config"
CHAIN = "/v1/discovery-chain"


def put(fact: str, kind: str, name: str = "web", *, differs: dict[str, str] | None = None, **fields: Json) -> Step:
    """Write an entry."""
    return Step(fact, "PUT", CONFIG, {"Kind": kind, "Name": name, **fields}, differs=differs or {})


def put_body(fact: str, body: "Json | bytes", *, query: str = "", differs: dict[str, str] | None = None) -> Step:
    """Write what may be no entry."""
    return Step(fact, "PUT", CONFIG + query, body, differs=differs or {})


def refused(reason: str) -> dict[str, str]:
    """Lictor refuses, where Consul says true."""
    return dict.fromkeys(("status", "headers.Content-Type", "content", "body"), reason)
