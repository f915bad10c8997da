"""Scenarios: what is asked, in order, of a fresh agent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.recorder.json_types import Json


@dataclass(frozen=True)
class Step:
    """One HTTP request, and what is known about its answer.

    `$name` in path, headers and body is replaced by a saved value or by a port (`$http_port`, `$dns_port`, ...),
    `$NAME` by the saved value in capitals.
    """

    name: str
    """A sentence that states the fact this step shows; unique within its scenario."""
    method: str
    path: str
    body: "Json | bytes" = None
    """Sent as JSON, or as it is when bytes. None sends no body."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    save: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variable name to where its value stands in the answer: `header:X-Consul-Index`, `body:0.ID`, `body:` for all."""
    until: str = ""
    """Ask again until the body, put on one line, contains this text: for what another loop brings about."""
    until_not: str = ""
    """Ask again until the body, put on one line, no longer contains this text."""
    only: tuple[str, ...] = ()
    """Keep these members of the body alone; conditions look at them alone, too."""
    unordered: tuple[str, ...] = ()
    """Paths of lists whose order the peer leaves open, such as `body.*.Tags`."""
    differs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path of a deliberate difference of Lictor to its reason. `body.Config.*` covers everything below."""
    own_words: tuple[str, ...] = ()
    """Paths of texts that each product words itself, such as `body.*.Output`: only their presence is compared."""
    exact_text: bool = False
    """Whether the text of an error answer is part of the protocol; else it is compared like `own_words`."""
    omit: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path of what is not kept in the cassette and not compared, to its reason."""
    waits_ms: int = 0
    """The answer must take at least this long (a blocking query that nothing wakes)."""
    during: tuple["Step", ...] = ()
    """Done while this request is held open: the answer must come after these."""


@dataclass(frozen=True)
class Scenario:
    """Steps for one fresh agent, in order. `config` is given to the agent as a configuration file."""

    area: str
    about: str
    steps: tuple[Step, ...]
    config: Mapping[str, Json] = field(default_factory=dict[str, Json])
    targets: bool = False
    """Whether checks of it ask the servers of `targets`, whose ports are variables, too."""
    later: str = ""
    """Why Lictor does not answer like this yet; the test expects it to fail then, and fails when it does not."""

    def all_steps(self) -> tuple[Step, ...]:
        """The steps with those done during others, in the order of a cassette."""
        return tuple(inner for step in self.steps for inner in (step, *step.during))
