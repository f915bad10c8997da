"""The page of all keys of the configuration, docs/CONFIGURATION.md, made from the table of keys.

`python -m tests.support.settings` writes it; `make check` compares it with the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lictor_config.flags import AGENT_FLAGS
from lictor_config.keys import KeyKind, KeySpec, keys
from lictor_config.reloadable import RELOADABLE
from lictor_config.unused import is_used
from tests.support.documents import ROOT

PAGE: Final = ROOT / "docs" / "CONFIGURATION.md"
_HEAD: Final = """\
# Keys of the configuration

Every key of Consul 1.8's agent configuration and Lictor's own, what it takes and where it acts. A key that acts
nowhere is taken all the same, its type is checked, and one warning names it at the start. Lists append and sections
merge when several files speak; of single values the later holds. What a key means is said in Consul's document
`docs/agent/options`. Made from the table in `lictor_config.keys` by `python -m tests.support.settings`.

A reload (`lictor reload`, SIGHUP, `PUT /v1/agent/reload`) takes over the keys marked so; of the others it says that
they wait for a restart. Flags stand in the environment in capitals with `LICTOR_AGENT_` in front.

| key | takes | flag | reload | where it acts |
| --- | --- | --- | --- | --- |
"""
_TAKES: Final = {
    KeyKind.TEXT: "text",
    KeyKind.BOOLEAN: "true, false",
    KeyKind.WHOLE: "whole number",
    KeyKind.NUMBER: "number",
    KeyKind.DURATION: "duration",
    KeyKind.TEXTS: "list of texts",
    KeyKind.TEXT_MAP: "texts by name",
    KeyKind.DURATION_MAP: "durations by name",
    KeyKind.FREE: "mapping",
    KeyKind.BLOCKS: "list of mappings",
    KeyKind.DEFINITION: "definition",
}


def page() -> str:
    """The whole page."""
    flags = {spec.key: f"`-{name}`" for name, spec in AGENT_FLAGS.items()}
    rows = [_row(spec, flags.get(spec.path, "")) for spec in keys().values() if spec.kind is not KeyKind.SECTION]
    return _HEAD + "".join(rows)


def _row(spec: KeySpec, flag: str) -> str:
    path = spec.newer or spec.path
    is_reloaded = is_used(spec) and any(f"{path}.".startswith(f"{one}.") for one in RELOADABLE)
    where = f"as `{spec.newer}`" if spec.newer else spec.where or "nowhere"
    return f"| `{spec.path}` | {_TAKES[spec.kind]} | {flag} | {'yes' if is_reloaded else ''} | {where} |\n"


def main() -> None:
    """Write the page."""
    Path(PAGE).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
