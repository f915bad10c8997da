"""What a policy grants: rules about resources. Source: Consul's document `docs/security/acl/acl-rules`."""

from __future__ import annotations

import enum

import msgspec

__all__ = ["Access", "Resource", "Rule"]


class Access(enum.IntEnum):
    """What a rule grants, or an action needs. Each grants what is below it, but for DENY, which grants nothing.

    LIST is of keys alone: to see many at once.
    """

    DENY = 0
    READ = 1
    LIST = 2
    WRITE = 3

    @property
    def word(self) -> str:
        """As policies write it."""
        return self.name.lower()


class Resource(enum.StrEnum):
    """What rules speak of."""

    ACL = "acl"
    AGENT = "agent"
    EVENT = "event"
    INTENTION = "intention"
    """The intentions of a destination: what a service rule grants by `intentions`."""
    KEY = "key"
    KEYRING = "keyring"
    MESH = "mesh"
    NODE = "node"
    OPERATOR = "operator"
    QUERY = "query"
    SERVICE = "service"
    SESSION = "session"

    @property
    def is_named(self) -> bool:
        """Whether its rules speak of names; the others of the cluster as a whole."""
        return self not in (Resource.ACL, Resource.KEYRING, Resource.MESH, Resource.OPERATOR)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One grant: of the thing of this name, or with `is_prefix` of all whose names begin so.

    A service rule also says what is granted of its intentions, None where it says nothing.
    """

    resource: Resource
    name: str = ""
    is_prefix: bool = False
    access: Access
    intentions: Access | None = None

    @property
    def shown(self) -> str:
        """As a policy would write it, in one line."""
        if not self.resource.is_named:
            return f'{self.resource} = "{self.access.word}"'
        kind = f"{self.resource}_prefix" if self.is_prefix else str(self.resource)
        said = f'policy = "{self.access.word}"'
        if self.intentions is not None:
            said += f', intentions = "{self.intentions.word}"'
        return f'{kind} "{self.name}" {{ {said} }}'
