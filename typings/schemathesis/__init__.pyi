# What the tests use of schemathesis 4, whose own types leave open what a schema makes of them.
import enum
from collections.abc import Iterator, Mapping

from hypothesis.strategies import SearchStrategy
from schemathesis import openapi as openapi

class GenerationMode(enum.Enum):
    POSITIVE = "positive"
    NEGATIVE = "negative"

class PreparedRequest:
    url: str
    path_url: str
    body: bytes | str | None

class Response:
    status_code: int
    headers: Mapping[str, list[str]]
    content: bytes
    elapsed: float
    request: PreparedRequest

class Case:
    method: str
    path_parameters: dict[str, object]
    query: dict[str, object]
    def call(self, base_url: str, *, timeout: float, allow_redirects: bool) -> Response: ...

class APIOperation:
    label: str
    def as_strategy(self, *, generation_mode: GenerationMode) -> SearchStrategy[Case]: ...

class Result:
    def ok(self) -> APIOperation: ...

class Schema:
    def get_all_operations(self) -> Iterator[Result]: ...
