"""What legitimately differs between two runs becomes a named placeholder, the same one wherever the value returns.

`<uuid 2>` is the second UUID that the scenario showed, so an ID that an answer repeats must repeat in every run.
Numbers become text placeholders too: a cassette shows `"CreateIndex": "<index>"`.
"""

import re
from collections.abc import Callable, Mapping

from tests.support.recorder.certificates import describe_pem
from tests.support.recorder.json_types import Json

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_HEX_ID = re.compile(r"\b(?:[0-9a-f]{2}:){7,}[0-9a-f]{2}\b")
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----\n?", re.DOTALL)
_VERSION = re.compile(r"^v?\d+\.\d+\.\d+(?:[.+-]?\w+)*(?::[\w.]*)?$")
_ELAPSED = re.compile(r"\b\d+(?:\.\d+)?(?:ns|µs|ms)\b")

_SERIAL = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2})*")

_VERSION_KEYS = frozenset({"Version", "version", "build", "Revision"})
_HASH_KEYS = frozenset({"Hash", "ContentHash"})
_SERIAL_KEYS = frozenset({"SerialNumber"})


class NormalForm:
    """Replaces values by placeholders for the length of one scenario, so that names stay the same across its steps."""

    def __init__(self, ports: Mapping[str, int], directory: str = "") -> None:
        self._port_names = {str(port): name for name, port in ports.items()}
        self._ports = re.compile(r"(?<![\d.])(" + "|".join(self._port_names) + r")(?!\d)") if ports else None
        self._directory = directory
        self._seen: dict[str, dict[str, str]] = {}

    def text(self, value: str) -> str:
        """`value` with everything replaced that differs between runs."""
        value = _PEM.sub(lambda match: self.text(describe_pem(match.group())), value)
        if self._directory:
            value = value.replace(self._directory, "<directory>")
        value = _UUID.sub(self._numbered("uuid"), value)
        value = _HEX_ID.sub(self._numbered("hex id"), value)
        value = _TIME.sub("<time>", value)
        if self._ports is not None:
            value = self._ports.sub(lambda match: f"<port {self._port_names[match.group()]}>", value)
        return value

    def json(self, value: Json, key: str = "", parent: Mapping[str, Json] | None = None) -> Json:
        """The same for parsed JSON; `key` is the name of the member that holds `value`, `parent` its object."""
        if isinstance(value, dict):
            return {self.text(name): self.json(inner, name, value) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.json(inner, key) for inner in value]
        if isinstance(value, str):
            return self._string(value, key)
        if isinstance(value, bool) or not isinstance(value, int):
            return value
        return self._number(value, key, parent or {})

    def header(self, name: str, value: str) -> str:
        """The same for the value of a response header."""
        if name == "X-Consul-Index":
            return "<index>" if value.isdecimal() and int(value) > 0 else value
        if name == "X-Consul-Contenthash":
            return "<hash>"
        if name == "Age":
            return "<seconds>" if value.isdecimal() else value
        return self.text(value)

    def _string(self, value: str, key: str) -> str:
        if key in _VERSION_KEYS and _VERSION.match(value):
            return "<version>"
        if key in _SERIAL_KEYS and _SERIAL.fullmatch(value):
            return "<serial number>"
        if key in _HASH_KEYS and value:
            return "<hash>"
        return self.text(value)

    def _number(self, value: int, key: str, parent: Mapping[str, Json]) -> Json:
        if key == "CreateIndex":
            return "<index>" if value > 0 else value
        if key == "ModifyIndex":
            created = parent.get("CreateIndex")
            if value <= 0 or not isinstance(created, int):
                return "<index>" if value > 0 else value
            return "<index>" if value == created else "<later index>" if value > created else "<earlier index>"
        if key in _SERIAL_KEYS:
            return "<serial number>"
        name = self._port_names.get(str(value))
        return value if name is None else f"<port {name}>"

    def _numbered(self, kind: str) -> Callable[[re.Match[str]], str]:
        names = self._seen.setdefault(kind, {})
        return lambda match: names.setdefault(match.group(), f"<{kind} {len(names) + 1}>")


def without_elapsed_times(text: str) -> str:
    """`text` with durations shorter than a second replaced: what an operation took, not what it was asked to take."""
    return _ELAPSED.sub("<elapsed>", text)
