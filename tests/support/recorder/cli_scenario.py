"""Scenarios of the command line: what is typed, in order, beside a fresh agent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step


@dataclass(frozen=True)
class Command:
    """One command and what is known about its output. `$name` in arguments is a saved value or a port."""

    name: str
    """A sentence that states the fact this command shows; unique within its scenario."""
    arguments: tuple[str, ...]
    stdin: str = ""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Written below the command's directory before it runs: name to content."""
    reachable: bool = True
    """Whether the environment names the agent; else an address where nobody listens."""
    until: str = ""
    """Run again until standard output contains this text: for what another loop of the agent brings about."""
    own_words: bool = False
    """Whether each product words its standard output itself, as it does a usage text: it is not kept then."""
    sections_only: bool = False
    """Keep only the lines that are not indented: the names of sections."""
    unordered: bool = False
    """Whether the lines may come in any order."""
    differs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path of a deliberate difference of Lictor to its reason."""
    agent_differs: bool = False
    """Whether it is the agent that makes the difference, whichever product's command asks it."""


@dataclass(frozen=True)
class CliScenario:
    """Commands, and steps over HTTP between them, beside a fresh agent."""

    area: str
    about: str
    steps: tuple[Command | Step, ...]
    config: Mapping[str, Json] = field(default_factory=dict[str, Json])

    def commands(self) -> tuple[Command, ...]:
        """The commands alone, in order."""
        return tuple(step for step in self.steps if isinstance(step, Command))
