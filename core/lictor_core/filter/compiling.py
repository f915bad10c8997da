"""Tree to predicate: every selector, operator and value is checked once, before the first record is looked at.

A selector that goes through a list is true for a record when it is true for one item of the list; so `Checks.Status !=
passing` finds what has a check that does not pass. Of a key that a mapping lacks nothing is true but what is negative.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import Final, cast

from lictor_core.errors import FilterError
from lictor_core.filter.fields import OPERATORS, Fields, Kind, known_selectors
from lictor_core.filter.literals import parse_bool, parse_int
from lictor_core.filter.tree import All, Either, Expression, Match, Not, Operator, Selector, Value
from lictor_core.limits import FILTER_PATTERNS_MAX

__all__ = ["Predicate", "compile_filter"]

Predicate = Callable[[object], bool]

_PATTERN_BYTES_MAX: Final = 256 * 1024
"""Memory that one regular expression may take, compiled and while it runs."""
_NEGATIVE: Final = frozenset({Operator.NOT_EQUAL, Operator.NOT_IN, Operator.IS_EMPTY, Operator.NOT_MATCHES})


def compile_filter(expression: Expression, fields: Fields) -> Predicate:
    """Whether a record with these `fields` is wanted. Raises `FilterError` for what cannot be judged."""
    return _Compiler(fields).expression(expression)


class _Compiler:
    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._patterns = 0

    def expression(self, expression: Expression) -> Predicate:
        match expression:
            case Match():
                return self._match(expression)
            case Not(term):
                return _negated(self.expression(term))
            case All(terms):
                return _all_of(tuple(self.expression(term) for term in terms))
            case Either(terms):
                return self._either(terms)

    def _either(self, terms: tuple[Expression, ...]) -> Predicate:
        """Long filters say `ID == a or ID == b or ...`: equalities of one selector are one look into a set."""
        same: dict[tuple[str, ...], list[Match]] = {}
        others: list[Predicate] = []
        for term in terms:
            if isinstance(term, Match) and term.operator is Operator.EQUAL:
                same.setdefault(term.selector.names, []).append(term)
            else:
                others.append(self.expression(term))
        made = [self._step(group[0].selector, _one_of_values(group), absent=False) for group in same.values()]
        return _one_of((*made, *others)) if len(made) + len(others) > 1 else made[0]

    def _match(self, match: Match) -> Predicate:
        if match.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
            self._patterns += 1
            if self._patterns > FILTER_PATTERNS_MAX:
                raise _flaw(
                    match.at, f"more than {FILTER_PATTERNS_MAX} regular expressions are in this filter: join some by |"
                )
        return self._step(match.selector, lambda kind: _test(match, kind), absent=match.operator in _NEGATIVE)

    def _step(
        self,
        selector: Selector,
        test: Callable[[Kind], Predicate],
        *,
        absent: bool,
        fields: Fields | None = None,
        depth: int = 0,
        before: str = "",
    ) -> Predicate:
        """The predicate for a record with `fields`, whose attributes stand below `before`.

        `test` makes the judgement of what is found, by its kind; `absent` is that of a key that is not there.
        """
        names = selector.names
        field = (fields or self._fields).get(names[depth])
        if field is None:
            raise _unknown(selector, self._fields)
        path, depth = f"{before}{field.attribute}", depth + 1
        left = len(names) - depth
        if not left:
            return _through(path, test(field.kind))
        if field.kind is Kind.TEXT_BY_KEY and left == 1:
            return _by_key(path, names[depth], test(Kind.TEXT), absent=absent)
        if field.inner is None:
            raise _unknown(selector, self._fields)
        if field.kind is Kind.RECORD:
            return self._step(selector, test, absent=absent, fields=field.inner, depth=depth, before=f"{path}.")
        if field.kind is Kind.RECORDS:
            return _any_item(path, self._step(selector, test, absent=absent, fields=field.inner, depth=depth))
        if left == 1:
            return test(Kind.RECORD)  # which nothing can judge: it raises
        inner = self._step(selector, test, absent=absent, fields=field.inner, depth=depth + 1)
        return _by_key(path, names[depth], inner, absent=absent)


def _negated(term: Predicate) -> Predicate:
    return lambda record: not term(record)


def _all_of(terms: tuple[Predicate, ...]) -> Predicate:
    def judge(record: object) -> bool:
        for term in terms:  # noqa: SIM110 - a loop takes half the time of a generator
            if not term(record):
                return False
        return True

    return judge


def _one_of(terms: tuple[Predicate, ...]) -> Predicate:
    def judge(record: object) -> bool:
        for term in terms:  # noqa: SIM110 - as above
            if term(record):
                return True
        return False

    return judge


def _through(path: str, test: Predicate) -> Predicate:
    get = cast("Callable[[object], object]", attrgetter(path))
    return lambda record: test(get(record))


def _any_item(path: str, test: Predicate) -> Predicate:
    get = cast("Callable[[object], list[object]]", attrgetter(path))

    def judge(record: object) -> bool:
        for item in get(record):  # noqa: SIM110 - as above
            if test(item):
                return True
        return False

    return judge


def _by_key(path: str, key: str, test: Predicate, *, absent: bool) -> Predicate:
    get = cast("Callable[[object], Mapping[str, object] | None]", attrgetter(path))

    def judge(record: object) -> bool:
        mapping = get(record)
        if mapping is None or key not in mapping:
            return absent
        return test(mapping[key])

    return judge


def _one_of_values(matches: list[Match]) -> Callable[[Kind], Predicate]:
    """The judgement that one of several equalities holds."""

    def test(kind: Kind) -> Predicate:
        for match in matches:
            _check_fit(match, kind)
        values = frozenset(_valued(match.value, match.selector, kind) for match in matches if match.value is not None)
        return lambda found: found in values

    return test


def _check_fit(match: Match, kind: Kind) -> None:
    if match.operator not in OPERATORS[kind]:
        raise _unfit(match, kind)


def _test(match: Match, kind: Kind) -> Predicate:
    """The judgement of what a selector found."""
    _check_fit(match, kind)
    operator = match.operator
    if match.value is None:
        return _is_empty if operator is Operator.IS_EMPTY else _is_not_empty
    if operator in (Operator.MATCHES, Operator.NOT_MATCHES):
        return _pattern(match.value, wanted=operator is Operator.MATCHES)
    value = _valued(match.value, match.selector, kind)
    match operator:
        case Operator.EQUAL:
            return lambda found: found == value
        case Operator.NOT_EQUAL:
            return lambda found: found != value
        case Operator.IN:
            return lambda found: found is not None and value in cast("Collection[object]", found)
        case _:
            return lambda found: found is None or value not in cast("Collection[object]", found)


def _is_empty(found: object) -> bool:
    return not found


def _is_not_empty(found: object) -> bool:
    return bool(found)


def _valued(value: Value, selector: Selector, kind: Kind) -> object:
    read: object = value.text
    if kind is Kind.NUMBER:
        read = parse_int(value.text)
    elif kind is Kind.TRUTH:
        read = parse_bool(value.text)
    if read is None:
        wanted = "a whole number of 64 bits" if kind is Kind.NUMBER else "true or false"
        raise _flaw(value.at, f'"{selector}" is compared with {wanted}, not with "{value.text}"')
    return read


def _pattern(value: Value, *, wanted: bool) -> Predicate:
    import re2  # loaded when the first filter with a regular expression comes: most agents never see one

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES_MAX
    options.never_capture = True
    try:
        # Bytes: given text, re2 counts characters up to each match, which takes three times as long as the search.
        search = re2.compile(value.text.encode(), options).search
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise _flaw(value.at, f'"{value.text}" is no regular expression of RE2: {said}') from None
    except UnicodeEncodeError:
        raise _flaw(value.at, "a regular expression is UTF-8 text, and this one is not") from None
    return lambda found: (search(cast(str, found).encode()) is not None) is wanted


def _unfit(match: Match, kind: Kind) -> FilterError:
    fitting = ", ".join(f'"{operator}"' for operator in OPERATORS[kind])
    known = f"these are: {fitting}" if fitting else "select one of its fields"
    return _flaw(match.at, f'"{match.operator}" is not for "{match.selector}", which is {kind.value}; {known}')


def _unknown(selector: Selector, fields: Fields) -> FilterError:
    known = known_selectors(fields)
    near = difflib.get_close_matches(str(selector), known, n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(fields)}"
    return _flaw(selector.at, f'there is no selector "{selector}" here; {hint}')


def _flaw(at: int, what: str) -> FilterError:
    return FilterError(f"filter, character {at + 1}: {what}", at)
