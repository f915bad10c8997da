"""What the scenarios of access control share: the agent's configuration, and who asks."""

from collections.abc import Mapping
from typing import Final

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step

MANAGEMENT: Final = "3d1b2f6e-8a4c-4e0b-9a57-6f0c5e7d1a20"
"""The secret of the token that the configuration makes."""

CONFIG: Final[Mapping[str, Json]] = {
    "primary_datacenter": "dc1",
    "acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": MANAGEMENT, "agent": MANAGEMENT}},
}

NEVER: Final = "ffffffff-0000-4000-8000-00000000dead"
"""An id that nothing has."""


def step(
    name: str,
    method: str,
    path: str,
    body: "Json | bytes" = None,
    *,
    token: str = MANAGEMENT,
    save: Mapping[str, str] | None = None,
    unordered: tuple[str, ...] = (),
    differs: Mapping[str, str] | None = None,
    own_words: tuple[str, ...] = (),
    omit: Mapping[str, str] | None = None,
    exact_text: bool = False,
    until_not: str = "",
) -> Step:
    """A step below `/v1` as the bearer of `token`, of none when it is empty."""
    return Step(
        name,
        method,
        f"/v1/{path}",
        body,
        {"X-Consul-Token": token} if token else {},
        save=save or {},
        unordered=unordered,
        differs=differs or {},
        own_words=own_words,
        omit=omit or {},
        exact_text=exact_text,
        until_not=until_not,
    )


def fixed(number: int) -> str:
    """A UUID that a scenario chooses itself, so that lists come in one order."""
    return f"{number:08x}-1111-4111-8111-111111111111"
