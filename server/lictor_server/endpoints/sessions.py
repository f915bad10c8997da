"""What a session must be before it may enter the log. Texts are those of Consul 1.8.7."""

from __future__ import annotations

import uuid
from typing import Final

import msgspec

from lictor_core.durations import format_duration, parse_duration
from lictor_core.errors import RequestError
from lictor_core.limits import SESSION_TTL_MAX_S
from lictor_core.records import Session

__all__ = ["CHECKS_MAX", "check_session_id", "checked_session", "session_ttl_s"]

CHECKS_MAX: Final = 256
"""Checks that one session may depend on."""
_NAME_CHARS_MAX: Final = 512
_DELAY_NS_MAX: Final = 2**63 - 1


def check_session_id(session_id: str) -> None:
    """Raise `RequestError` unless it is a UUID."""
    try:
        uuid.UUID(session_id)
    except ValueError:
        raise RequestError(f"ID of the session is {session_id[:64]!r}, which is no UUID") from None


def session_ttl_s(session: Session) -> float:
    """The TTL in seconds; 0 for a session without one. Raises `RequestError` when it is no duration."""
    try:
        return parse_duration(session.ttl) if session.ttl else 0.0
    except RequestError:
        ttl = session.ttl[:64]
        raise RequestError(f"Session TTL '{ttl}' invalid: time: invalid duration \"{ttl}\"") from None


def checked_session(session: Session, *, ttl_min_s: float) -> Session:
    """`session` with its id in small letters. Raises `RequestError` for one that no server may keep."""
    check_session_id(session.id)
    if not session.node:
        raise RequestError("Must provide Node")
    ttl_s = session_ttl_s(session)
    if ttl_s and not ttl_min_s <= ttl_s <= SESSION_TTL_MAX_S:
        bounds = f"[{format_duration(ttl_min_s)}={format_duration(SESSION_TTL_MAX_S)}]"
        raise RequestError(f"Invalid Session TTL '{round(ttl_s * 1e9)}', must be between {bounds}")
    if len(session.name) > _NAME_CHARS_MAX:
        raise RequestError(f"Name of the session has more than {_NAME_CHARS_MAX} characters")
    if len(session.check_ids()) > CHECKS_MAX:
        raise RequestError(f"the session names {len(session.check_ids())} checks; at most {CHECKS_MAX} are taken")
    if abs(session.lock_delay_ns) > _DELAY_NS_MAX:
        raise RequestError("LockDelay is beyond 64 bits of nanoseconds")
    return msgspec.structs.replace(session, id=session.id.lower(), create_index=0, modify_index=0)
