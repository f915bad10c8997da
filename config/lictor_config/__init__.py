"""Agent configuration: files (HCL, JSON), environment and flags into one frozen, checked tree; service definitions.

What may enter: the shape of configuration and definitions, the rules between their values, and reading them. What may
not: what the settings do. `load` alone reads files, `addresses` alone asks the machine; the rest is pure. Each name is
imported when it is asked for: a command that needs one section brings nothing of the rest.
"""

from typing import TYPE_CHECKING

from lictor_core.lazy import lazily

if TYPE_CHECKING:
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
else:
    __getattr__ = lazily(
        __name__,
        {
            "CheckDefinition": "lictor_config.definitions",
            "CheckKind": "lictor_config.definitions",
            "Configuration": "lictor_config.tree",
            "ConfigurationProblems": "lictor_config.load",
            "DefinitionError": "lictor_config.definitions",
            "Dialect": "lictor_config.definitions",
            "Origin": "lictor_config.tree",
            "ServiceDefinition": "lictor_config.definitions",
            "dns_warnings": "lictor_config.definitions",
            "load_configuration": "lictor_config.load",
            "parse_check": "lictor_config.definitions",
            "parse_service": "lictor_config.definitions",
        },
    )

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
