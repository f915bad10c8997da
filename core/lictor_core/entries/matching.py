"""Which requests a rule speaks of: their path and headers, alike for the routes of a router and for permissions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lictor_core.entries.base import Flaw, Part, place

__all__ = ["HeaderMatch", "RequestMatch", "match_flaws", "one_form", "repeated_methods", "upper_methods"]


class HeaderMatch(Part, frozen=True, kw_only=True):
    """A header that a request has, or with `invert` has not."""

    name: str
    present: bool = False
    exact: str = ""
    prefix: str = ""
    suffix: str = ""
    regex: str = ""
    invert: bool = False


class RequestMatch(Part, frozen=True, kw_only=True):
    """What a request must be like: all of this must hold, and at most one of the paths is given."""

    path_exact: str = ""
    path_prefix: str = ""
    path_regex: str = ""
    header: tuple[HeaderMatch, ...] = ()


def upper_methods(methods: tuple[str, ...]) -> tuple[str, ...]:
    """Methods as they are kept."""
    return tuple(one.upper() for one in methods)


def match_flaws(match: RequestMatch, where: str) -> Iterator[Flaw]:
    """What is wrong with path and headers."""
    if sum(map(bool, (match.path_exact, match.path_prefix, match.path_regex))) > 1:
        yield Flaw(where, "has more than one of PathExact, PathPrefix and PathRegex: keep one")
    for name, path in (("PathExact", match.path_exact), ("PathPrefix", match.path_prefix)):
        if path and not path.startswith("/"):
            yield Flaw(f"{where}.{name}", f"is {path!r}, and must begin with '/'")
    for number, header in enumerate(match.header):
        forms = (header.present, header.exact, header.prefix, header.suffix, header.regex)
        known = "Present, Exact, Prefix, Suffix and Regex"
        yield from one_form(header.name, forms, known, place(f"{where}.Header", number))


def one_form(name: str, forms: tuple[bool | str, ...], known: str, where: str) -> Iterator[Flaw]:
    """What is wrong with a header or parameter that is matched in one of the forms `known`."""
    if not name:
        yield Flaw(f"{where}.Name", "is required")
    if sum(map(bool, forms)) != 1:
        yield Flaw(where, f"must have exactly one of {known}")


def repeated_methods(methods: tuple[str, ...], where: str) -> Iterator[Flaw]:
    """The methods that are named more than once."""
    for method in sorted(one for one, times in Counter(methods).items() if times > 1):
        yield Flaw(f"{where}.Methods", f"names {method!r} more than once")
