"""Which settings, and which bounds of the client's, made an answer shorter than it could be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lictor_core.durations import format_duration
from lictor_core.explanations import DnsSetting
from lictor_dns.answer import Answer, Result
from lictor_dns.asked import Asked
from lictor_dns.render import Limits
from lictor_dns.settings import DnsSettings

__all__ = ["Shaped", "left_out_by", "shaping"]

_SIZE: Final = "message size"
_CUTTING: Final = ("dns_config.udp_answer_limit", "dns_config.a_record_limit", _SIZE)


class Shaped(NamedTuple):
    """One answer at several sizes.

    `answer` is what was rendered, `within` what the settings let be of any number of answers, `whole` what there would
    be without `a_record_limit` and `only_passing`. `answers` and `additional` are how many records were sent.
    """

    answer: Answer
    whole: Answer
    within: Answer
    answers: int
    additional: int
    is_truncated: bool


def shaping(shaped: Shaped, asked: Asked, settings: DnsSettings, limits: Limits, age_s: float) -> list[DnsSetting]:
    """What shaped an answer, in the order in which it does."""
    if age_s > settings.age_s_max:
        return [_too_old(settings)]
    return [
        *_health(shaped, settings),
        *_limits(shaped, settings, limits),
        *_size(shaped, asked, limits),
        *_flag(shaped, settings),
        *_time(shaped),
    ]


def left_out_by(found: Sequence[DnsSetting]) -> str:
    """The names of those that leave out answers whatever their instances are like."""
    return ", ".join(one.name for one in found if one.name in _CUTTING)


def _too_old(settings: DnsSettings) -> DnsSetting:
    if settings.use_cache and 0 < settings.cache_max_age_s < settings.max_stale_s:
        return _setting("cache_max_age", _seconds(settings.cache_max_age_s), "what is older is not answered from")
    if settings.use_cache or settings.allow_stale:
        return _setting("max_stale", _seconds(settings.max_stale_s), "what is older is not answered from")
    return _setting("allow_stale", "false", "only what is current is answered from")


def _health(shaped: Shaped, settings: DnsSettings) -> Iterator[DnsSetting]:
    if settings.only_passing:
        effect = "instances with a warning are left out as critical ones are"
        yield _setting("only_passing", "true", effect)


def _limits(shaped: Shaped, settings: DnsSettings, limits: Limits) -> Iterator[DnsSetting]:
    within = len(shaped.within.answers)
    if settings.a_record_limit and within == settings.a_record_limit < len(shaped.whole.answers):
        yield _setting("a_record_limit", str(settings.a_record_limit), f"no answer has more than {within} addresses")
    if shaped.within.interchangeable and limits.answers_max < within:
        effect = f"{limits.answers_max} of {within} answers for clients that take {limits.bytes_max} bytes over UDP"
        yield _setting("udp_answer_limit", str(settings.udp_answer_limit), effect)


def _size(shaped: Shaped, asked: Asked, limits: Limits) -> Iterator[DnsSetting]:
    answers = len(shaped.within.answers)
    wanted = min(answers, limits.answers_max) if shaped.within.interchangeable else answers
    attached = itertools.chain(shaped.answer.additional, *shaped.answer.attached[: shaped.answers])
    lost = len(dict.fromkeys(attached)) - shaped.additional
    if shaped.answers >= wanted and lost <= 0:
        return
    effects: list[str] = []
    if shaped.answers < wanted:
        effects.append(f"{shaped.answers} of {wanted} answers fit")
    if lost > 0:
        effects.append(f"{lost} additional records do not fit")
    larger = "; with EDNS or over TCP the client takes more" if asked.is_udp else ""
    yield DnsSetting(name=_SIZE, value=str(limits.bytes_max), effect=" and ".join(effects) + larger)


def _flag(shaped: Shaped, settings: DnsSettings) -> Iterator[DnsSetting]:
    if shaped.answers >= len(shaped.within.answers):
        return
    if shaped.is_truncated:
        effect = "TC tells the client to ask again over TCP"
    else:
        effect = "the client is not told that there are more answers"
    yield _setting("enable_truncate", str(settings.enable_truncate).lower(), effect)


def _time(shaped: Shaped) -> Iterator[DnsSetting]:
    if shaped.answer.result is not Result.FOUND or not shaped.answer.answers:
        return
    ttl = shaped.answer.answers[0].ttl
    if ttl:
        key = "service_ttl" if shaped.answer.interchangeable else "node_ttl"
        yield _setting(key, f"{ttl}s", "so long the client may keep the answer, whatever happens")


def _setting(key: str, value: str, effect: str) -> DnsSetting:
    return DnsSetting(name=f"dns_config.{key}", value=value, effect=effect)


def _seconds(seconds: float) -> str:
    return format_duration(seconds)
