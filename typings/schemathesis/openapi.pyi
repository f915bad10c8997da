from collections.abc import Mapping

from schemathesis import Schema

def from_dict(schema: Mapping[str, object]) -> Schema: ...
