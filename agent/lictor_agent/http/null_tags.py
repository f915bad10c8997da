"""Tags that nobody gave: a few of Consul's endpoints show null for them, all others an empty list."""

from __future__ import annotations

from typing import cast

import msgspec

from lictor_core.records import Check, Service

__all__ = ["with_null_tags"]


def with_null_tags(record: Service | Check) -> object:
    """What is shown of an instance or a check at such an endpoint."""
    name, tags = ("Tags", record.tags) if isinstance(record, Service) else ("ServiceTags", record.service_tags)
    return record if tags else {**cast("dict[str, object]", msgspec.to_builtins(record)), name: None}
