"""Conditions as text: what people write and read, and the one tree of `syntax` that it stands for.

    compute * 1.5 <= 6 * arithmetic.evidence.compute and now <= arithmetic.evidence.time + 90 days
    at least 2 of (now <= approval.2.ada.until, now <= approval.2.grace.until)
    compute <= 3.6e12 FLOP or undefined test.understanding
    compute <= parameter.growth * arithmetic.evidence.compute

`show_condition` is the inverse: what it shows reads back as the same tree. A condition is
checked as it is read: a fact that there is not, and a comparison of unlike things, are errors with their column.
There is no way to ask whether a fact is known, no division by a fact and no product of two.

A clause of the kind `condition` is written in it (`conditions` reads those); `policy explain` writes every clause so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile
from typing import NoReturn

from scalegate import meant, units
from scalegate.errors import InputError, Place
from scalegate.policy.instead import (
    SENTENCES,
    WORDS,
    alone_instead,
    as_condition,
    both_ways,
    name_instead,
    sign_instead,
    unit_instead,
)
from scalegate.policy.polarity import wrong_ways
from scalegate.policy.quantities import NoSuchFact, Quantity, of_fact, one_kind
from scalegate.policy.syntax import (
    MAX_DEPTH,
    PARAMETER,
    All,
    Any,
    AtLeast,
    Compare,
    Expr,
    Fact,
    Linear,
    Not,
    Undefined,
    parts,
)
from scalegate.policy.vocabulary import Kind, Vocabulary, kind_of

__all__ = ["parse_condition"]

MAX_LENGTH = 10_000
MAX_DIGITS = 1_000
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt][0-9:]+[Zz]?)?)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE]\+?[0-9]{1,3})?(?:/[0-9]+)?)"
    r"|(?P<flop>[kMGTPEZY]?FLOP\b)"
    r"|(?P<name>(?:(?:determination|tier|test|floor)\.[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*/(?=[A-Za-z]))?"
    r"[A-Za-z][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*)"
    r"|(?P<sign><=|>=|==|!=|<|>|=|[-+*/(),])"
)
_SIGNS = ("<", "<=", ">", ">=")
_OF_CONDITIONS = frozenset({*_SIGNS, "and", "or", "not", "undefined", "of", "always", "never"})
_TIMES = ("second", "minute", "hour", "day", "week", "month", "year")
_DATE_LIKE = r"[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}(?![0-9])|[0-9]{1,2}([/.])[0-9]{1,2}\2[0-9]{4}(?![0-9])"
_END = "the end"


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int
    """Its first character, from 0."""


def parse_condition(text: str, known: Vocabulary, *, place: Place | None = None) -> Expr:
    """The tree of a condition. `known` is what it may read; `place` is where the text begins.

    Raises InputError naming the column, and what to write instead.
    """
    return _Reader(text, known, place or Place()).whole()


class _Reader:
    """Recursive descent: `or` or `and`, `not`, then comparisons of sums."""

    def __init__(self, text: str, known: Vocabulary, place: Place) -> None:
        self._text, self._known, self._place = text, known, place
        self._depth = 0
        if len(text) > MAX_LENGTH:
            self._fail(0, "the condition is too long", f"write at most {MAX_LENGTH} characters")
        self._tokens = list(self._split())
        self._next = 0

    def _split(self) -> list[Token]:
        found, at = list[Token](), 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                if found and found[-1].kind == "number":
                    self._no_date(found[-1].at)
                self._fail(at, f"`{self._text[at]}` means nothing here", sign_instead(self._text, at))
            if match.lastgroup == "number" and len(match[0]) > MAX_DIGITS:
                self._fail(at, f"the number has more than {MAX_DIGITS} digits", "write it with an exponent, as `1e...`")
            if match.lastgroup != "space":
                found.append(Token(str(match.lastgroup), match[0], at))
            at = match.end()
        return [*found, Token("end", _END, len(self._text))]

    def _no_date(self, at: int) -> None:
        """Refuse a date that is written in another way than here."""
        day = re.match(_DATE_LIKE, self._text[at:])
        if day is not None:
            how = meant.fix("write year, month and day", meant.as_date(day[0]), "YYYY-MM-DD")
            self._fail(at, f"`{day[0]}` is not a date", how)

    def _fail(self, at: int, message: str, fix: str | None = None, error: type[InputError] = InputError) -> NoReturn:
        line, column = self._place.line, (self._place.column or 1) + at
        raise error(message, place=Place(self._place.file, line, column, snippet=self._text), fix=fix)

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> Token | None:
        """The next token, if it is one of these."""
        token = self._token
        if token.text in texts and token.kind in ("sign", "name"):
            self._next += 1
            return token
        return None

    def _need(self, text: str, after: str) -> None:
        if not self._take(text):
            self._fail(
                self._token.at, f"`{text}` is missing after {after}", f"write `{text}` before {_shown(self._token)}"
            )

    def whole(self) -> Expr:
        found = self._either()
        if self._token.kind != "end":
            self._stray()
        return found

    def _stray(self) -> NoReturn:
        token = self._token
        if token.text.lower() in SENTENCES:
            fix = self._unless(token) if token.text.lower() in ("unless", "except") else None
            fix = fix or SENTENCES[token.text.lower()]
            self._fail(token.at, f"{_shown(token)} is not part of a condition", fix)
        if token.text in _SIGNS:
            if not self._compared_before():
                what = "what stands before is so or not, and is compared with nothing"
                self._fail(token.at, what, f"leave out `{token.text}` and what it is compared with")
            self._fail(token.at, "a comparison of three is not read", "write two comparisons with `and` between them")
        small = token.text.lower() if token.text.lower() in ("and", "or", "not") else None
        fix = f"write `{small}`, in small letters" if small else "join conditions with `and` or `or`"
        self._fail(token.at, f"{_shown(token)} is not expected here", fix)

    def _unless(self, token: Token) -> str | None:
        """What to write for `A unless B`, by whether B speaks of danger; None: it does both, or is no condition."""
        one, other = (" ".join(it.split()) for it in (self._text[: token.at], self._text[token.at + len(token.text) :]))
        try:
            tree = parse_condition(other, self._known)
        except InputError:
            return None
        one, other = (f"({it})" if re.search(r"\b(?:and|or)\b", it) else it for it in (one, other))
        if not any(wrong_ways(tree)):
            return f"write `{one} or {other}` if `{other}` alone lets it pass, `{one} and {other}` if it takes both"
        if not any(wrong_ways(Not(tree))):
            return f"write `{one} and not {other}`: it takes both, and `{other}` holds it whatever else is so"
        return None

    def _compared_before(self) -> bool:
        """Whether what ends here is a comparison already."""
        depth = 0
        for token in reversed(self._tokens[: self._next]):
            depth += {")": 1, "(": -1}.get(token.text, 0)
            if depth < 0 or (not depth and token.text in ("and", "or", ",")):
                return False
            if not depth and token.text in _SIGNS:
                return True
        return False

    def _either(self) -> Expr:
        begun = self._token.at
        items, joins = [self._denied()], list[Token]()
        while join := self._take("and", "or"):
            joins.append(join)
            items.append(self._denied())
        words = [join.text for join in joins]
        if len(set(words)) > 1:
            # Which binds tighter few people know, and one of the readings is laxer.
            ends = zip(
                (begun, *(it.at + len(it.text) for it in joins)),
                (*(it.at for it in joins), self._token.at),
                strict=True,
            )
            parts = [" ".join(self._text[start:end].split()) for start, end in ends]
            one, other = both_ways(parts, words)
            at = next(join.at for join in joins if join.text != words[0])
            what = "`and` and `or` stand side by side without brackets, which can be read in two ways"
            self._fail(at, what, f"write the one that is meant: `{one}`, or `{other}`")
        return items[0] if not joins else (All if words[0] == "and" else Any)(tuple(items))

    def _denied(self) -> Expr:
        if not self._take("not"):
            return self._atom()
        return Not(self._deeper(self._denied))

    def _deeper(self, part: Callable[[], Expr]) -> Expr:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(self._token.at, f"conditions are nested more than {MAX_DEPTH} deep", "write a flatter one")
        found = part()
        self._depth -= 1
        return found

    def _atom(self) -> Expr:
        token = self._token
        if self._take("always"):
            return All(())
        if self._take("never"):
            return Any(())
        if self._take("undefined"):
            named = self._token
            if named.kind != "name" or named.text in WORDS:
                self._fail(named.at, "what is undefined has no name", "name it: `undefined test.understanding`")
            if named.text.startswith(PARAMETER):
                self._fail(named.at, f"`{named.text}` is a parameter, and not undefined", "compare with it")
            self._next += 1
            return Undefined(named.text)
        if token.text in ("all", "any") and token.kind == "name":
            self._next += 1
            items = self._list(token.text)
            return All(items) if token.text == "all" else Any(items)
        if self._take("at"):
            return self._at_least(token)
        if token.text == "(" and self._holds_condition():
            self._next += 1
            found = self._deeper(self._either)
            self._need(")", "the condition in brackets")
            return found
        return self._comparison()

    def _list(self, after: str) -> tuple[Expr, ...]:
        self._need("of", f"`{after}`")
        self._need("(", "`of`")
        items = [self._deeper(self._either)]
        while self._take(","):
            items.append(self._deeper(self._either))
        self._need(")", "the list")
        return tuple(items)

    def _at_least(self, token: Token) -> Expr:
        self._need("least", "`at`")
        number = self._token
        if number.kind != "number" or not number.text.isdecimal():
            self._fail(number.at, "how many are needed is no whole number", "write `at least 2 of (...)`")
        self._next += 1
        items, least = self._list(number.text), int(number.text)
        if not 1 <= least <= len(items):
            self._fail(token.at, f"at least {least} of {len(items)} says nothing", f"ask for 1 to {len(items)}")
        return AtLeast(least, items)

    def _holds_condition(self) -> bool:
        """Whether the bracket that opens here holds a condition, and not part of a sum."""
        depth, compared = 0, False
        for token in self._tokens[self._next :]:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            compared = compared or token.text in _OF_CONDITIONS
            compared = compared or (token.kind == "name" and self._known.get(token.text) is Kind.YES_NO)
            if depth == 0:
                return compared
        return True

    def _comparison(self) -> Expr:
        first = self._token
        if first.kind == "name" and self._known.get(first.text) is Kind.YES_NO:
            self._next += 1
            if self._token.text in ("=", "==", "!=", *_SIGNS):
                fix = self._meant_by_equal(first)
                self._fail(self._token.at, f"`{first.text}` is so or not, and is compared with nothing", fix)
            return Fact(first.text)
        left = self._sum()
        sign = self._token
        if sign.text in ("=", "==", "!="):
            self._fail(sign.at, f"`{sign.text}` is not read: amounts are at most or under others", "write `<=` or `<`")
        if sign.kind == "name" and sign.text.lower() not in WORDS | SENTENCES.keys():
            self._fail(sign.at, f"`{sign.text}` compares nothing", "write `<=` for at most, `<` for under")
        if not self._take(*_SIGNS):
            what = f"{_shown(first)} is an amount, not a condition"
            self._fail(first.at, what, f"compare it: `{self._compared(first)}`")
        right = self._sum()
        fault = one_kind(left, right)
        if fault is not None:
            self._fail(first.at, fault[0], fault[1])
        names = [name for _, name in (*left.linear.terms, *right.linear.terms)]
        if all(parts(name)[-1].startswith(PARAMETER) for name in names):
            self._fail(first.at, "the comparison reads no fact: it is so or not whatever happens", "name a fact in it")
        low, high = (left, right) if sign.text.startswith("<") else (right, left)
        return Compare("<=" if sign.text.endswith("=") else "<", low.linear, high.linear)

    def _meant_by_equal(self, fact: Token) -> str:
        """What to write for a fact that is compared with `yes` or `no`, and may stand after a `not`."""
        value = self._tokens[self._next + 1].text.lower() if self._token.kind != "end" else ""
        if value not in ("yes", "true", "no", "false"):
            return alone_instead(fact.text, self._known)
        before = self._tokens[: self._next - 1]
        denials = sum(1 for _ in takewhile(lambda it: it.text == "not", reversed(before)))
        denied = (denials + (value in ("no", "false")) + (self._token.text == "!=")) % 2
        alone = ", and no `not` before it" if denials and not denied else ""
        return f"write `{'not ' * denied}{fact.text}`{alone}"

    def _compared(self, amount: Token) -> str:
        """How an amount could be made a condition."""
        kind = self._known.get(amount.text)
        if kind is Kind.INSTANT:
            return "now <= YYYY-MM-DD" if amount.text == "now" else f"now <= {amount.text}"
        if kind in (Kind.FLOP, Kind.FACTOR) and amount.text.startswith(PARAMETER):
            evidence = next((name for name in self._known if name.endswith(".evidence.compute")), "lineage.compute")
            return f"compute <= {amount.text}" + f" * {evidence}" * (kind is Kind.FACTOR)
        return f"{amount.text} <= ... FLOP" if kind is Kind.FLOP else "compute <= ... FLOP"

    def _sum(self) -> Quantity:
        found = -self._product() if self._take("-") else self._product()
        while sign := self._take("+", "-"):
            found = found + (self._product() if sign.text == "+" else -self._product())
        return found

    def _product(self) -> Quantity:
        start = self._token
        found = self._amount()
        while self._take("*"):
            other = self._amount()
            if found.factor is None and other.factor is None:
                self._fail(start.at, "two amounts are multiplied", "multiply by a plain number: `4 * compute`")
            amount, by = (other, found) if found.factor is not None else (found, other)
            if by.by and any(kind_of(name, self._known) is Kind.INSTANT for _, name in amount.linear.terms):
                what = f"`{by.by[0]}` multiplies an instant"
                self._fail(start.at, what, "write the time that may pass as a parameter of the kind `duration`")
            found = amount.times(by)
        if self._token.text == "/":
            self._fail(self._token.at, "nothing is divided", "multiply the other side: `a <= 4 * b`")
        return found

    def _amount(self) -> Quantity:
        token = self._token
        if token.text == "(":
            self._next += 1
            self._depth += 1
            if self._depth > MAX_DEPTH:
                self._fail(token.at, f"conditions are nested more than {MAX_DEPTH} deep", "write a flatter one")
            found = self._sum()
            self._depth -= 1
            self._need(")", "the sum in brackets")
            return found
        if token.kind == "number":
            return self._number(token)
        if token.kind == "date":
            self._next += 1
            return Quantity.instant(self._read(units.parse_instant, token.text, token.at))
        if token.kind != "name" or token.text in WORDS:
            self._fail(token.at, f"{_shown(token)} is no amount", "write a fact, or a number with its unit")
        self._next += 1
        kind = self._known.get(token.text)
        if kind is None and token.text.lower() in SENTENCES:
            self._fail(token.at, f"{_shown(token)} is not part of a condition", name_instead(token.text, self._known))
        after = self._token
        written = after.kind == "name" and after.text not in WORDS and token.text.lower() not in WORDS
        if kind is None and "." not in token.text and written:
            self._fail(token.at, "this is a sentence, and no condition", as_condition(self._known))
        if kind is None:
            what = "parameter" if token.text.startswith(PARAMETER) else "fact"
            self._fail(
                token.at, f"there is no {what} `{token.text}`", name_instead(token.text, self._known), NoSuchFact
            )
        if kind is Kind.YES_NO:
            self._fail(token.at, f"`{token.text}` is so or not, and no amount", f"write it alone: `{token.text}`")
        return of_fact(token.text, kind)

    def _number(self, token: Token) -> Quantity:
        self._next += 1
        self._no_date(token.at)
        digits, _, under = token.text.replace("+", "").partition("/")
        if under and not int(under):
            self._fail(token.at, f"`{token.text}` is no number", "write what is under the line, more than 0")
        value = Fraction(digits) / int(under or 1)
        unit = self._token
        if unit.kind == "flop":
            self._next += 1
            flops = self._read(units.parse_flop, f"{token.text} {unit.text}", token.at)
            return Quantity(Linear(Fraction(flops)), Kind.FLOP)
        if unit.kind == "name" and unit.text.removesuffix("s") in _TIMES:
            self._next += 1
            if value.denominator != 1:
                self._fail(
                    token.at, f"`{token.text} {unit.text}` is not whole", "write a whole number of a smaller unit"
                )
            seconds = self._read(units.parse_duration, f"{int(value)} {unit.text}", token.at)
            return Quantity(Linear(Fraction(seconds)), Kind.DURATION)
        if unit.kind == "name" and self._known.get(unit.text) not in (None, Kind.YES_NO):
            self._fail(unit.at, f"`*` is missing before `{unit.text}`", f"write `{token.text} * {unit.text}`")
        if unit.kind == "name" and unit.text == "x":
            after = self._tokens[self._next + 1 :]
            after = after[1:] if after and after[0].text == "*" else after
            times = after[0].text if after and after[0].kind == "name" and after[0].text not in WORDS else "..."
            self._fail(unit.at, "`x` is no unit", f"a factor multiplies: write `{token.text} * {times}`")
        if unit.text == "of" and self._tokens[self._next + 1].text == "(":
            fix = f"write `at least {token.text} of (...)`, with what is one of them between commas"
            self._fail(token.at, f"`{token.text} of` is no list", fix)
        if unit.kind == "name" and unit.text not in WORDS and unit.text not in self._known:
            words = [it.text for it in self._tokens[self._next : self._next + 2]]
            self._fail(unit.at, f"`{unit.text}` is no unit", unit_instead(token.text, words))
        grouped = re.match(r"[0-9]{1,3}(,[0-9]{3})+", self._text[token.at :])
        if grouped is not None and self._text[token.at - 1 : token.at] != ",":
            fix = f"write `{grouped[0].replace(',', '')}`"
            fix += (
                f", or `{grouped[0].replace(',', '.')}` where the comma is a point"
                if grouped[0].count(",") == 1
                else ""
            )
            self._fail(token.at, f"`{grouped[0]}` is no number", fix)
        return Quantity(Linear(value), Kind.COUNT, factor=value)

    def _read(self, parse: Callable[[str], int], text: str, at: int) -> int:
        try:
            return parse(text)
        except InputError as error:
            self._fail(at, error.message, error.fix)


def _shown(token: Token) -> str:
    return token.text if token.kind == "end" else f"`{token.text}`"
