"""Figures as a sentence may write them: amounts of compute, factors, shares, chances, quorums and levels.

Only what is plainly written is read: amounts with an exponent, many digits or a unit, or as `ten trillion FLOP`;
factors as `4x`, `tenfold`, `every doubling` or `every 50% growth`; a chance as `0.1%`; a quorum as `two of three`,
`all three officers`, `an officer has signed` or `at least 2 officers`; and a level as `level 3`. Durations are in
`durations_in_text`, dates in `dates_in_text`; what none of these reads is in `unread`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from fractions import Fraction

from scalegate.policy.durations_in_text import durations
from scalegate.policy.numerals import COUNT, NTH, count, nth
from scalegate.units import parse_flop

__all__ = [
    "ILLION",
    "SI",
    "amounts",
    "bounding",
    "bounding_growth",
    "chances",
    "everybody",
    "figures",
    "grown",
    "leasts",
    "levels",
    "named_growth",
    "portions",
    "quorums",
    "series",
]


def figures(text: str) -> tuple[str, ...]:
    """What is read as a figure in a text, of any kind."""
    plain = (it for it, _ in (*amounts(text), *durations(text), *quorums(text), *grown(text)))
    return (*plain, *_SHARE.findall(text))


_QUORUM = re.compile(
    rf"\b{COUNT} (?:out )?of (?:the |our )?{COUNT}\b"
    r"(?! (?:alarms|attempts|clauses|days|domains|evaluations|levels|models|months|questions|runs|safeguards|samples"
    r"|tasks|tests|trials|weeks|years)\b)",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(?<![\w./-])([1-9][0-9]?) ?/ ?([1-9][0-9]?) (?:of (?:the |our )?)?([a-z]+)(?: ([a-z]+))?\b")
"""`2/3 officers`."""
_ALL = re.compile(rf"\ball (?:of )?(?:the |our )?{COUNT} ([a-z]+)(?: ([a-z]+))?\b", re.IGNORECASE)
_LEAST = re.compile(rf"\b(?:at least|by|from) {COUNT} (?:of (?:the|our) )?([a-z]+)\b", re.IGNORECASE)
_PLAIN = re.compile(
    rf"(?<!\bof )(?<!\bof the )(?<!\bof our )(?<!\ball )(?<!\ball the )(?<!\bthan )(?<![/.,-])"
    rf"\b{COUNT} ([a-z]+)(?: ([a-z]+))?\b",
    re.IGNORECASE,
)
"""`three officers`, `three board members`: no part of `two of three officers`."""
_ACT = re.compile(
    r"['\u2019]| (?:each |both |also |all )?(?:have|has|had|must|will|shall|may|let|need|are to|sign|agree|approve"
    r"|consent|authori[sz]e|decide|grant)",
    re.IGNORECASE,
)
"""That these people do something: of `a report on three officers` they are what it is about."""
_ONE = re.compile(
    r"\b(?:(?:an?|any) (?P<who>[a-z]+)(?: (?P<more>[a-z]+))?|(?:any )?one of (?:the|our) (?P<of>[a-z]+s))\b",
    re.IGNORECASE,
)
"""`an officer`, `one of the officers`."""
_SOME = re.compile(
    rf"(?:\b{COUNT} of (?:the |our )?|\b(?P<two>a (?:pair|couple) of|both(?: of)?)(?: the| our)? )"
    rf"(?!{COUNT}\b)(?P<who>[a-z]+)(?: (?P<more>[a-z]+))?\b(?P<named> \([^()]*\))?",
    re.IGNORECASE,
)
"""`two of the officers (Ada, Grace)`, `both officers`."""
_PART = re.compile(
    r"\b(?:(?P<majority>(?:an? |the )?(?:simple )?majority)|(?P<half>half)"
    r"|(?:(?P<one>an?|one)|(?P<two>two)|(?P<three>three)) (?P<of>third|quarter|fourth|fifth)s?)"
    r"(?: of)? (?:the |our |all )?(?P<who>[a-z]+)(?: (?P<more>[a-z]+))?\b",
    re.IGNORECASE,
)
_OF = {"third": 3, "quarter": 4, "fourth": 4, "fifth": 5}
_EVEN = re.compile(
    r"\b(?:(?:not )?even (?:if|when|where|with)|no matter (?:if|whether|how|what|who)"
    r"|regardless of (?:whether|what|how|who)|whether or not|not even)\b[^.;:]*$",
    re.IGNORECASE,
)
"""What is said to change nothing: `not even if all three officers agree` asks nobody to."""
_PARTIES = frozenset({"developer", "lab", "party", "company"})
_AGREED = re.compile(
    r" (?:(?:have|has|had|must|will|shall) )?(?:all |each |also )?"
    r"(?:sign|agree|approve|consent|authori[sz]e|adopt|join|ratif)(?:e?[ds]|ied|ies|y)?\b",
    re.IGNORECASE,
)
_BY = re.compile(
    r"\b(?:(?:signed|approved|agreed|adopted) by|(?:signatures?|approval|consent|agreement) (?:of|by|from)) $",
    re.IGNORECASE,
)
_EVERY = re.compile(
    r"\b(?:(?:every|each)(?: one)? of (?:the|our) (?P<many>[a-z]+s)|(?:every|each) (?P<one>[a-z]+))\b", re.IGNORECASE
)
"""`every officer`, `each of the officers`."""
_OF_A_KIND = frozenset({"signature", "signatory", "officer", "director"})
"""Who signs, where no word but the number says that it is about how many."""
_SIGNERS = frozenset({"people", "person", "them", "member", "signature", "signatory", "officer", "director"})
_TIMES = {"doubl": 2, "tripl": 3, "quadrupl": 4}
_GROWTH = re.compile(
    rf"\b(?:(?P<fold>{COUNT})-?fold\b|(?P<times>doubl|tripl|quadrupl)(?:ed|es|ing)\b"
    r"|(?P<magnitude>(?:every|each|per) order of magnitude)\b"
    r"|(?P<percent>[0-9]+(?:\.[0-9]+)?) ?(?:%|percent) (?:growth|increase|rise|more|beyond|further)\b"
    r"|\b(?:grow(?:s|n|ing)?|grew|increas(?:es?|ed|ing)|rises?|risen) by (?P<by>[0-9]+(?:\.[0-9]+)?) ?(?:%|percent\b)"
    rf"|(?P<doublings>{COUNT}) doublings\b|(?P<twice>twice) (?:the|its|as|what|that)\b"
    rf"|(?:(?P<thousand>(?:a|one) thousand)|{COUNT}) times(?: (?:the|its|as|that|more|what|of)\b|(?=[,.;)]|$))"
    rf"|a factor of {COUNT}\b(?!\.[0-9]))",
    re.IGNORECASE,
)
"""`tenfold`, `every doubling`, `twice the evidence`, `four times as much`, `every 50% growth`."""
_OF_WHAT = re.compile(r" (?:the|its|as|that|more|what|of)$")
"""What is read to see that it is one, and is no part of it."""
_LEVEL = re.compile(rf"\blevel {COUNT}\b(?!\.[0-9])", re.IGNORECASE)
_FACTOR = re.compile(r"(?<![\w.,])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?=x\b)")
_SERIES = re.compile(rf"{_FACTOR.pattern}x(?:,? (?:and |or )?{_FACTOR.pattern}x){{2,}}")
_NAMED = re.compile(
    rf"\b(?P<name>buffer|margin),?(?: (?:is|of|at))* \(?(?P<of>{_FACTOR.pattern})x"
    rf"|(?P<before>{_FACTOR.pattern})x (?:safety )?(?P<called>buffer|margin)\b",
    re.IGNORECASE,
)
"""`a buffer of 6x`, `the margin (1.5x)`, `a 6x buffer`."""
_SHARE = re.compile(r"(?<![\w.,])[0-9]+(?:\.[0-9]+)? ?(?:%|per ?cent\b)")
_ONE_IN = re.compile(
    r"\b(?:1|one) in (?P<many>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+|(?:a|one) (?:hundred|thousand|million|billion))\b",
    re.IGNORECASE,
)
_ROUND = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_ILLIONS = ("million", "billion", "trillion", "quadrillion", "quintillion", "sextillion", "septillion", "octillion")
_PREFIXES = ("kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta", "ronna", "quetta")
ILLION = "|".join(_ILLIONS)
SI = "|".join(_PREFIXES)
_RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
_NO_RATE = r"(?![-/][A-Za-z]| per second)"
"""FLOP-days and FLOP/s are no amounts of FLOP."""
_AMOUNT = re.compile(
    r"(?<![\w.^/])(?:"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?)[eE]\+?(?P<exponent>[0-9]{1,2})"
    r"|(?:(?P<times>[0-9]+(?:\.[0-9]+)?) ?[x*\u00d7\u00b7] ?)?10"
    rf"(?: ?(?:\^|\*\*) ?\{{?(?P<power>[0-9]{{1,2}})\}}?|(?P<raised>[{_RAISED}]{{1,2}}))"
    rf"|(?P<scaled>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[kMGTPEZY]FLOP)s?{_NO_RATE}"
    r"|(?P<plain>[0-9]{1,3}(?:[,_ ][0-9]{3}){2,}|[0-9]{7,})"
    r")(?![\w^])"
    rf"(?! ?(?:{ILLION}|thousand)\b| ?-?(?:{SI})-? ?FLOP)"
)
"""1e15, 10^15, 1.5 x 10^15, 1 PFLOP, 1,000,000: what a sentence may write for an amount of compute."""
_HUNDREDS = {"": 1, "hundred": 100, "thousand": 1000}
_WORDED = re.compile(
    rf"(?<![\w.,^])(?P<number>[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]+(?:\.[0-9]+)?(?:[eE]\+?[0-9]{{1,2}})?|{COUNT}|an?) "
    rf"?(?:(?P<hundred>hundred|thousand) )?(?P<illions>(?:(?:{ILLION}) )*)(?:effective )?(?:(?P<si>{SI})[- ]?)?"
    rf"(?:FLOPs?|operations)\b{_NO_RATE}",
    re.IGNORECASE,
)
"""`a hundred billion FLOP`, `a trillion trillion FLOP`, `1 yottaFLOP`."""
_TO_THE = re.compile(
    rf"\b(?:(?P<times>[0-9]+(?:\.[0-9]+)?|{COUNT}) (?:times|x|\u00d7) )?(?:ten|10) to the (?:power (?:of )?)?"
    rf"(?:(?P<digits>[0-9]{{1,2}})(?:th|st|nd|rd)?|(?P<nth>{NTH})|(?P<power>{COUNT}))\b",
    re.IGNORECASE,
)
"""`ten to the power of twenty-four`."""
_BOUND = re.compile(
    r"\b(?:past|above|over|beyond|under|below|within|exceed(?:s|ing)?|(?:more|less|further) than|up to|at most)"
    r" (?:the |our |a |an )?$",
    re.IGNORECASE,
)


def amounts(text: str) -> Iterator[tuple[str, Fraction]]:
    yield from ((said, value) for _, said, value in _amounts(text))


def bounding(text: str) -> Iterator[tuple[str, Fraction]]:
    """Those amounts that a sentence says something is to stay on one side of: `past 1e24 FLOP`."""
    yield from ((said, value) for start, said, value in _amounts(text) if _BOUND.search(text[:start]))


def _amounts(text: str) -> Iterator[tuple[int, str, Fraction]]:
    """Each with where it begins."""
    for found in _AMOUNT.finditer(text):
        yield found.start(), found[0], _amount(found)
    for found in _WORDED.finditer(text):
        if found["illions"] or found["si"] or found["hundred"]:
            yield found.start(), found[0], _worded(found)
    for found in _TO_THE.finditer(text):
        power = nth(found["nth"]) if found["nth"] else count(found["digits"] or found["power"])
        yield found.start(), found[0], _number(found["times"] or "1") * 10**power


def _worded(found: re.Match[str]) -> Fraction:
    illions = (found["illions"] or "").lower().split()
    power = sum(6 + 3 * _ILLIONS.index(it) for it in illions)
    power += 3 + 3 * _PREFIXES.index(found["si"].lower()) if found["si"] else 0
    return _number(found["number"]) * _HUNDREDS[(found["hundred"] or "").lower()] * Fraction(10) ** power


def _number(written: str) -> Fraction:
    if written[0].isdigit():
        return Fraction(written.replace(",", "").replace("+", ""))
    return Fraction(1 if written.lower() in ("a", "an") else count(written))


def _amount(found: re.Match[str]) -> Fraction:
    if found["plain"]:
        return Fraction(re.sub("[,_ ]", "", found["plain"]))
    if found["scaled"]:
        return Fraction(found["scaled"]) * parse_flop(f"1 {found['unit']}")
    if found["power"] or found["raised"]:
        power = found["power"] or "".join(str(_RAISED.index(it)) for it in found["raised"])
        return Fraction(found["times"] or 1) * Fraction(10) ** int(power)
    return Fraction(found["number"]) * Fraction(10) ** int(found["exponent"])


def grown(text: str) -> Iterator[tuple[str, Fraction]]:
    for found in _FACTOR.findall(_SERIES.sub(_first_of, text)):
        yield f"{found}x", Fraction(found.replace(",", ""))
    for worded in _GROWTH.finditer(text):
        yield _OF_WHAT.sub("", worded[0]), _times(worded)


def series(text: str) -> Iterator[str]:
    """Factors of which each is one more step of the first, and that are read as that one."""
    yield from (found[0] for found in _SERIES.finditer(text) if _first_of(found) != found[0])


def _first_of(listed: re.Match[str]) -> str:
    """Of `4x, 16x and 64x` the first: each is one more step of it."""
    factors = [Fraction(it.replace(",", "")) for it in _FACTOR.findall(listed[0])]
    steps = all(it == factors[0] ** (at + 1) for at, it in enumerate(factors))
    return f"{_FACTOR.findall(listed[0])[0]}x" if steps else listed[0]


def _times(found: re.Match[str]) -> Fraction:
    if found["fold"]:
        return Fraction(count(found["fold"]))
    if found["times"]:
        return Fraction(_TIMES[found["times"].lower()])
    if found["magnitude"]:
        return Fraction(10)
    if found["doublings"]:
        return Fraction(2 ** min(count(found["doublings"]), 100))
    if found["thousand"]:
        return Fraction(1000)
    if found["percent"] or found["by"]:
        return 1 + Fraction(found["percent"] or found["by"]) / 100
    return Fraction(2 if found["twice"] else count(next(it for it in reversed(found.groups()) if it)))


def named_growth(text: str) -> Iterator[tuple[str, str, Fraction]]:
    """Factors that a sentence calls a buffer or a margin, each with that name."""
    for found in _NAMED.finditer(text):
        yield (found["name"] or found["called"]).lower(), *next(grown(found[0]))


def bounding_growth(text: str) -> Iterator[tuple[str, Fraction]]:
    """Factors that a sentence says something stays within, and has no name for: `at most 4x`."""
    unnamed = _NAMED.sub(lambda found: "-" * len(found[0]), text)
    for found in _FACTOR.finditer(unnamed):
        if _BOUND.search(unnamed[: found.start()]):
            yield from grown(f"{found[0]}x")
    for worded in _GROWTH.finditer(text):
        if _BOUND.search(text[: worded.start()]):
            yield _OF_WHAT.sub("", worded[0]), _times(worded)


def chances(text: str) -> Iterator[tuple[str, Fraction]]:
    for share in _SHARE.findall(text):
        yield share, Fraction(share.rstrip(" %percnt")) / 100
    for found in _ONE_IN.finditer(text):
        worded = found["many"].lower().split(" ")[-1]
        many = _ROUND.get(worded) or int(found["many"].replace(",", ""))
        if many:
            yield found[0], Fraction(1, many)


def quorums(text: str, roles: Collection[str] = ()) -> Iterator[tuple[str, tuple[int, int]]]:
    for found in _QUORUM.finditer(text):
        if not _EVEN.search(text[: found.start()]):
            yield found[0], (count(found[1]), count(found[2]))
    for found in _SLASHED.finditer(text):
        people = _people(found[3], found[4], {*roles, "member"})
        if people:
            yield text[found.start() : found.start(3) + len(people)], (int(found[1]), int(found[2]))
    for found in _ALL.finditer(text):
        people = _people(found[2], found[3], {*roles, "member"}) or _parties(found[2], text[found.end(2) :])
        if people and not _EVEN.search(text[: found.start()]):
            said = found[0][: found[0].rindex(people) + len(people)]
            yield said, (count(found[1]), count(found[1]))


def leasts(text: str, roles: Collection[str]) -> Iterator[tuple[str, int]]:
    """How many are to sign, where it is not said of how many: `at least 3 officers`, `three officers`."""
    for found in _LEAST.finditer(text):
        if found[2].lower().removesuffix("s") in _SIGNERS | set(roles) or found[2].lower() in _SIGNERS:
            yield found[0], count(found[1])
    for found in _PLAIN.finditer(text):
        people = _people(found[2], found[3], roles)
        rest = text[found.start(2) + len(people) :]
        acts = people.lower().startswith("signat") or _ACT.match(rest)
        if people and acts and not _EVEN.search(text[: found.start()]):
            yield f"{found[1]} {people}", count(found[1])
    for found in _ONE.finditer(text):
        first = "of" if found["of"] else "who"
        people = _people(found[first], found["more"], roles)
        end = found.start(first) + len(people)
        signs = people and (_AGREED.match(text[end:]) or _BY.search(text[: found.start()]))
        if signs and not _EVEN.search(text[: found.start()]):
            yield text[found.start() : end], 1

    for found in _SOME.finditer(text):
        people = _people(found["who"], found["more"], roles)
        end = found.end() if people.endswith(found["more"] or found["who"]) else found.start("who") + len(people)
        signs = people and (_AGREED.match(text[end:]) or _BY.search(text[: found.start()]))
        if signs and not _EVEN.search(text[: found.start()]):
            said = text[found.start() : found.start("who") + len(people)]
            yield said, 2 if found["two"] else count(found[1])


def portions(text: str, roles: Collection[str]) -> Iterator[tuple[str, Fraction, bool]]:
    """Which part of them is to sign, and whether more than that: `a third of the officers`, `a majority`."""
    for found in _PART.finditer(text):
        people = _people(found["who"], found["more"], roles)
        if people and not _EVEN.search(text[: found.start()]):
            said = text[found.start() : found.start("who") + len(people)]
            if found["majority"] or found["half"]:
                yield said, Fraction(1, 2), bool(found["majority"])
            else:
                top = 1 if found["one"] else 2 if found["two"] else 3
                yield said, Fraction(top, _OF[found["of"].lower()]), False


def _people(noun: str, after: str | None, roles: Collection[str]) -> str:
    """Those who sign, as two words name them or the first alone; empty: they name something else."""
    if _singular(noun) in _OF_A_KIND | set(roles) and _singular(after or "") != "member":
        return noun
    named = after is not None and (_singular(after) in _OF_A_KIND or (_singular(after) == "member" and noun in roles))
    return f"{noun} {after}" if named else ""


def everybody(text: str, roles: Collection[str]) -> Iterator[str]:
    """Where all of them are to sign, and it is not said how many these are: `all officers`."""
    for found in re.finditer(
        rf"\ball (?:of )?(?:the |our )?(?!{COUNT}\b)(?P<one>[a-z]+)(?: (?P<more>[a-z]+))?\b", text, re.IGNORECASE
    ):
        people = _people(found["one"], found["more"], roles)
        people = people or _parties(found["one"], text[found.end("one") :])
        if people.endswith("s"):
            yield found[0][: found[0].rindex(people) + len(people)]
    for found in _EVERY.finditer(text):
        noun = _singular(found["one"] or found["many"])
        signs = _AGREED.match(text[found.end() :]) or _BY.search(text[: found.start()])
        if signs and noun in _OF_A_KIND | _PARTIES | set(roles):
            yield found[0]
    yield from (found[0] for found in re.finditer(r"\bunanimous(?:ly)?\b", text, re.IGNORECASE))


def _parties(noun: str, rest: str) -> str:
    """Developers who agree, as a tier counts them."""
    return noun if _singular(noun) in _PARTIES and _AGREED.match(rest) else ""


def levels(text: str) -> Iterator[tuple[str, int]]:
    for found in _LEVEL.finditer(text):
        yield found[0], count(found[1])


def _singular(word: str) -> str:
    lower = word.lower()
    return f"{lower[:-3]}y" if lower.endswith("ies") else lower.removesuffix("s")
