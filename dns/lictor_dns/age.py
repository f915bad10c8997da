"""How old the picture is that an answer was made from, told in the answer itself, for who looks for a fault.

age.lictor.<domain>. 0 IN TXT "age_s=12" "age_s_max=315360000" "index=42"
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from lictor_core.registry import CatalogView
from lictor_dns.answer import Answer, Record, RecordType, Result, Text
from lictor_dns.settings import DnsSettings

__all__ = ["with_age"]

_OWNER: Final = (b"age", b"lictor")


def with_age(answer: Answer, view: CatalogView, settings: DnsSettings) -> Answer:
    """`answer` with one more TXT in its additional section: the age, the greatest one allowed, the index.

    Seconds are whole; an age that is not known is `unknown`. What is not ours to answer stays as it is.
    """
    if answer.result is Result.REFUSED:
        return answer
    told = (
        f"age_s={_seconds(view.age_s)}",
        f"age_s_max={_seconds(settings.age_s_max)}",
        f"index={view.wake_index(answer.topics) if answer.topics else view.version}",
    )
    owner = (*_OWNER, *settings.zone().domain)
    record = Record(owner, RecordType.TXT, 0, Text(tuple(one.encode() for one in told)))
    return msgspec.structs.replace(answer, additional=(*answer.additional, record), this_second=True)


def _seconds(seconds: float) -> str:
    return "unknown" if math.isinf(seconds) else f"{seconds:.0f}"
