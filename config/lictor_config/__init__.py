"""Agent configuration: files (HCL, JSON), environment and flags into one frozen, checked tree; service definitions.

What may enter: the shape of configuration and definitions, the rules between their values, and reading them. What may
not: what the settings do. `load` alone reads files, `addresses` alone asks the machine; the rest is pure.


"""

from __future__ import annotations

from lictor_config.definitions import (
    CheckDefinition,
    CheckKind,
    DefinitionError,
    Dialect,
    ServiceDefinition,
    dns_warnings,
    parse_check,
    parse_service,
)
from lictor_config.load import ConfigurationProblems, load_configuration
from lictor_config.tree import Configuration, Origin

__all__ = [
    "CheckDefinition",
    "CheckKind",
    "Configuration",
    "ConfigurationProblems",
    "DefinitionError",
    "Dialect",
    "Origin",
    "ServiceDefinition",
    "dns_warnings",
    "load_configuration",
    "parse_check",
    "parse_service",
]
