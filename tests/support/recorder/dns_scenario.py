"""Scenarios of DNS: what is registered, and what is asked then."""

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step
from tests.support.upstream import upstreams


@dataclass(frozen=True)
class Question:
    """One question and what is known about its answer."""

    name: str
    """A sentence that states the fact this question shows; unique within its scenario."""
    domain_name: str = ""
    kind: str = "A"
    transport: str = "udp"
    payload: int | None = None
    """The UDP payload size to announce by EDNS; None asks without EDNS."""
    recursion_desired: bool = True
    domain_class: str = "IN"
    wire: bytes = b""
    """Sent as it is instead of a question built from the other fields."""
    any_of: tuple[str, ...] = ()
    """Texts of which a random choice may come: each is kept as `<one of many>`, and they must be different."""
    any_like: str = ""
    """A regular expression of such texts, where they are too many for `any_of`."""
    differs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path of a deliberate difference of Lictor to its reason."""


@dataclass(frozen=True)
class DnsScenario:
    """Steps over HTTP that fill a fresh agent, then questions to it."""

    area: str
    about: str
    setup: tuple[Step, ...]
    questions: tuple[Question, ...]
    config: Mapping[str, Json] = field(default_factory=dict[str, Json])
    has_recursors: bool = False
    """Whether the agent has the two servers of `tests.support.upstream` as recursors."""

    @contextlib.contextmanager
    def configured(self) -> Generator[Mapping[str, Json]]:
        """The agent's configuration, while its recursors run."""
        if not self.has_recursors:
            yield self.config
            return
        with upstreams() as (first, second):
            yield {**self.config, "recursors": [first.address, second.address]}
