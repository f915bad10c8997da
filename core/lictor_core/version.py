"""Which Lictor this is, and which Consul it behaves like."""

from typing import Final

__all__ = ["COMPATIBLE", "LICTOR", "member_build", "semantic_version"]

LICTOR: Final = "0.1.0"
"""This release; the same as `version` in pyproject.toml."""

COMPATIBLE: Final = "1.8.7"
"""The Consul whose protocols this release speaks. Clients decide by this what they may ask for."""


def semantic_version() -> str:
    """Both versions as one semantic version: ours stands in the build metadata, which comparisons leave out."""
    return f"{COMPATIBLE}+lictor.{LICTOR}"


def member_build() -> str:
    """Both versions in the form of the `build` tag of members, `<version>:<revision>`."""
    return f"{COMPATIBLE}:lictor.{LICTOR}"
