"""The parts of py-consul that the tests call."""

from typing import TypedDict

class _Check(TypedDict):
    CheckID: str
    Status: str
    Output: str

class _Service(TypedDict):
    Port: int

class _Node(TypedDict):
    Node: str

class _NodeWithServices(TypedDict):
    Node: _Node
    Services: dict[str, _Service]

class _CatalogService(TypedDict):
    ServicePort: int

class _Member(TypedDict):
    Name: str

class _Self(TypedDict):
    Member: _Member

class _Leaf(TypedDict):
    Service: str

class _Roots(TypedDict):
    Roots: list[dict[str, object]]

class Check:
    @classmethod
    def ttl(cls, ttl: str) -> dict[str, object]: ...
    @classmethod
    def tcp(cls, host: str, port: int, interval: str) -> dict[str, object]: ...

class KV:
    def get(
        self, key: str, index: str | None = None, recurse: bool = False, keys: bool = False, separator: str = ""
    ) -> tuple[str, object]: ...
    def put(self, key: str, value: str | bytes, cas: int | None = None, flags: int | None = None) -> bool: ...
    def delete(self, key: str, recurse: bool | None = None) -> bool: ...

class _AgentService:
    def register(
        self,
        name: str,
        service_id: str | None = None,
        port: int | None = None,
        tags: list[str] | None = None,
        check: dict[str, object] | None = None,
    ) -> bool: ...
    def deregister(self, service_id: str) -> bool: ...
    def maintenance(self, service_id: str, enable: str, reason: str | None = None) -> bool: ...

class _AgentCheck:
    def register(self, name: str, check: dict[str, object] | None = None) -> bool: ...
    def deregister(self, check_id: str) -> bool: ...
    def ttl_pass(self, check_id: str, notes: str | None = None) -> bool: ...
    def ttl_warn(self, check_id: str, notes: str | None = None) -> bool: ...
    def ttl_fail(self, check_id: str, notes: str | None = None) -> bool: ...

class _AgentCa:
    def leaf(self, service: str) -> _Leaf: ...

class _AgentConnect:
    ca: _AgentCa

class Agent:
    service: _AgentService
    check: _AgentCheck
    connect: _AgentConnect
    def self(self) -> _Self: ...
    def services(self) -> dict[str, _Service]: ...
    def checks(self) -> dict[str, _Check]: ...
    def members(self) -> list[_Member]: ...
    def maintenance(self, enable: str, reason: str | None = None) -> bool: ...

class Catalog:
    def register(self, node: str, address: str, service: dict[str, object] | None = None) -> bool: ...
    def deregister(self, node: str) -> bool: ...
    def datacenters(self) -> list[str]: ...
    def nodes(self) -> tuple[str, list[_Node]]: ...
    def services(self) -> tuple[str, dict[str, list[str]]]: ...
    def service(self, service: str, tag: str | None = None) -> tuple[str, list[_CatalogService]]: ...
    def node(self, node: str) -> tuple[str, _NodeWithServices | None]: ...

class Health:
    def service(self, service: str, passing: bool | None = None) -> tuple[str, list[dict[str, object]]]: ...
    def node(self, node: str) -> tuple[str, list[_Check]]: ...
    def checks(self, service: str) -> tuple[str, list[_Check]]: ...
    def state(self, name: str) -> tuple[str, list[_Check]]: ...

class Status:
    def leader(self) -> str: ...
    def peers(self) -> list[str]: ...

class _Ca:
    def roots(self) -> _Roots: ...

class Connect:
    ca: _Ca

class _Http:
    def close(self) -> None: ...

class Consul:
    http: _Http
    kv: KV
    agent: Agent
    catalog: Catalog
    health: Health
    status: Status
    connect: Connect
    def __init__(self, host: str = "127.0.0.1", port: int | None = None) -> None: ...

class ConsulException(Exception): ...
