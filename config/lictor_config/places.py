"""Where in the configuration each service and check was defined, for people who ask why it is there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lictor_config.reading import Path, as_list

__all__ = ["definition_paths"]


def definition_paths(values: Mapping[str, object], plural: str, singular: str) -> Iterator[Path]:
    """The paths of one document's definitions, in the order in which merging puts them: `services[1]`, `service`."""
    for key, value in values.items():
        if value is None:
            continue
        if key.lower() == plural:
            items = as_list(value)
            yield from [(key,)] if items is None else ((key, number) for number in range(len(items)))
        elif key.lower() == singular:
            yield (key,)
