"""What looks like a figure, a date, a duration or a count in a sentence, and is read as none.

Guarantees: what any of the readers of figures reads is none of it (whether that agrees with what decides is told by
those who compare), nor is what only names something: sections, levels, models, ordinals, years of history.
"""

from __future__ import annotations

import re
from fractions import Fraction

from scalegate.policy.dates_in_text import read_dates
from scalegate.policy.document import Clause, ExceptionTerms, Policy, ResidualRisk
from scalegate.policy.durations_in_text import durations, lasting
from scalegate.policy.figures_in_text import (
    ILLION,
    SI,
    amounts,
    chances,
    everybody,
    grown,
    leasts,
    levels,
    portions,
    quorums,
    series,
)
from scalegate.policy.numerals import SEVERAL, count
from scalegate.policy.quotes import decides, roles_of

__all__ = ["ambiguous", "how_to_write", "unread"]

_UNIT = r"(?:second|minute|hour|day|week|month|quarter|year|fortnight|decade|century)"
_MONTHS = "January|February|April|June|July|August|September|October|November|December"
_YEAR = "(?:19|20)[0-9]{2}"
_NUMBER = r"(?<![\w.])(?>[0-9]+(?:[.,:/-][0-9]+)*)(?:[eE^][+-]?[0-9]+)?(?: ?%|x\b)?(?![A-Z])"
_WORD = (
    rf"(?i:{SEVERAL}|(?:an? |one )?(?:{ILLION}|hundred|thousand)s?|(?:a )?dozens?|scores of|(?:a )?couple"
    rf"|(?:an?|one) (?!second){_UNIT}(?!ly| that\b| when\b| on which\b)|fortnights?|decades?|centur(?:y|ies)"
    rf"|(?:within|in|over|during) the (?:last|past|previous|preceding) {_UNIT}\b(?!-)|double(?!-)|treble|quadruple|trio"
    r"|(?:one|two) and a half|half(?!-(?!year|month|week|day|hour))|halves"
    r"|(?:an?|one|the) (?:third|quarter|fifth|tenth)(?= of\b)"
    r"|thirds|quarters|fifths|tenths|twice|thrice|majority"
    r"|(?:a few|several|some|many) (?:hours|days|weeks|months|years)|bi-?(?:weekly|monthly|annual(?:ly)?|yearly))"
)
_DATE = (
    rf"(?:{_MONTHS})|(?i:in|until|till|by|before|after|of|from|since) (?:May|March)\b(?! not\b)|[QH][1-4]"
    rf"|(?i:mid|early|late)(?:[- ]| in ){_YEAR}|(?i:{_YEAR}'s)"
    r"|(?i:(?:this|next|the (?:coming|current|following)) (?:year|quarter|month|week|spring|summer|autumn|fall|winter))"
    r"|(?i:(?:in|until|by|before|after) (?:the )?(?:spring|summer|autumn|winter))"
    r"|Christmas|Easter|Thanksgiving|New Year(?:'s)?(?: Eve| Day)?"
)
_FLOP = rf"(?i:(?:{SI})[- ]?(?:FLOPs?|operations))"
_FIGURE = re.compile(rf"(?:{_NUMBER}|\b(?:{_WORD}|{_DATE}|{_FLOP})\b)")
_JOINED = re.compile(r"(?:,? (?:and|or|of|to|in|a) | |-|/|, )?")
"""What stands between parts of one figure."""
_AFTER = re.compile(
    r"(?: (?:effective )?(?!(?:of|the|and|or|is|are|was|were|has|have|had|in|an?|by|for|to|from|who|that|which|it|on|at"
    r"|as|with|not?|nothing|nobody|we|our|if|unless|when|must|will|may|shall|whatever)\b)[A-Za-z-]+"
    r"| of (?:the |our |all )?[a-z]+)"
)
"""What it counts."""
_NO_FIGURE = re.compile(
    r"(?i:\b(?:levels?|asl|sections?|sec\.|chapters?|articles?|appendix|annex(?:es)?|versions?|steps?|phases?|stages?"
    r"|tiers?|parts?|figures?|tables?|items?|points?|paragraphs?|pages?|clauses?|numbers?|no\.|nos\.|footnotes?|class"
    r"|classes|categor(?:y|ies)|generations?|decisions?|grades?|schedules?|rules?|principles?|groups?|types?|rooms?"
    r"|lines?|case|model)|\u00a7+)[ -]?\(?[0-9]+(?:[.()][\w]+)*\)?(?:(?:,| and| or| to|-|\u2013) ?[0-9]+(?:[.()]\w+)*)*"
    r"|(?i:\b(?:levels?|steps?|phases?|stages?|tiers?|parts?|points?|sections?|cases?) (?:one|two|three|four|five))\b"
    r"|\b(?!(?i:mid|early|late|pre|post)-|[QH][1-4]\b)[A-Za-z][A-Za-z&]*-?[0-9][\w.-]*"
    r"|\b(?i:between (?:any )?two [a-z]+|(?:two|2) or more (?:runs|models|lineages|developers|of them))\b"
    rf"|\b(?:{_MONTHS}|March|May)(?:(?:, | and |, and )(?:{_MONTHS}|March|May))+\b(?! [0-9])"
    r"|\b(?i:as|see|cf\.) [0-9]+(?:\.[0-9]+)+\b(?! ?(?:%|x\b))"
    r"|\(EU\) [0-9]+/[0-9]+|(?<=~) (?:of )?an? (?:day|week|year)\b"
    rf"|\b(?i:{SEVERAL} (?:actions|cases|clauses|conditions|kinds|limits|parts|reasons|sentences|sides|ways))\b"
    rf"|\b[0-9]+(?: ?(?:to|or|-|\u2013) ?(?=~))"
    rf"|(?i:\b(?:in|within|over) any (?:one |single )?(?:calendar )?{_UNIT}\b)"
    r"|\b[0-9]+(?:st|nd|rd|th)\b|\b24/7\b|\[[0-9]+\]|\([0-9ivx]+\)"
    rf"|(?<![.!?] )(?<!^)\b(?!(?:{_MONTHS}|May|March|Q|H)\b)[A-Z][A-Za-z]+ (?!{_YEAR}\b)[0-9]{{1,5}}(?:[.:/-][0-9]+)*\b"
    rf"(?! ?(?:%|x\b|[a-z]+s\b)|,? {_YEAR})"
    r"|(?i:\b(?:two|three|four)-(?:factor|sided|way|tailed|letter|digit|eyes)\b|\bfour[- ]eyes\b)"
    r"|(?i:\bthird[- ]part(?:y|ies)\b)"
    rf"|(?<!mid-)(?<!mid )(?<!early )(?<!late )(?<![\w./-]){_YEAR}(?![\w/%'\u2019]|[.-][0-9]|,[0-9])"
)
_EVEN = re.compile(
    r"(?i:\b(?:(?:not )?even(?: (?:if|when|where|with))?|no matter|regardless of|whether or not)\b[^,.;:]*)"
)
"""What is said to change nothing."""
_MEASURED = re.compile(
    r"(?i:scor|succe|correct|right|tasks?\b|answer|alarm|threshold|sample|question|problem|errors?\b|chance|miss|elicit"
    r"|fine-tun|evaluations\b)"
)
"""Where a sentence speaks of what is measured, and so may say a figure of a domain."""
_SLASHED = re.compile(rf"\b[0-9]{{1,2}}([./-])[0-9]{{1,2}}\1{_YEAR}\b")
_KINDS = (
    (re.compile(rf"{_DATE}|{_SLASHED.pattern}|\b{_YEAR}\b"), "a date as `YYYY-MM-DD`"),
    (re.compile(r"(?i:FLOP|operation|illion)"), "compute as `1e... FLOP`"),
    (re.compile(rf"(?i:\b{_UNIT}s?\b|{_UNIT}ly|annual)"), "a time as a whole number and its unit, `... days`"),
    (re.compile(r"(?i:%|\bpercent\b|\dx\b|\border|magnitude|\btimes\b|growth)"), "growth as a factor, `...x`"),
    (re.compile(r"(?i:officer|signat|member|majority|people)"), "how many sign as `... of ...` with their role"),
    (re.compile(""), "a figure in digits, with its unit"),
)
"""How a figure is written that is read; the first that fits."""


def unread(policy: Policy, text: str, part: Clause | ExceptionTerms | None = None) -> tuple[str, ...]:
    """The words of each, in order. `part`: what decides by a chance, or by how many sign, if anything does."""
    left = _without_what_is_read(policy, text, part)
    own = decides(policy, part) if part is not None and not isinstance(part, ExceptionTerms) else set()
    known = own | (_scores(policy) if _MEASURED.search(text) else set())
    found: list[tuple[int, int]] = []
    for figure in _FIGURE.finditer(left):
        if _value(left, figure) in known or _counts_domains(policy, left[figure.start() :]):
            continue
        if found and _JOINED.fullmatch(left, found[-1][1], figure.start()):
            found[-1] = found[-1][0], figure.end()
        else:
            found.append((figure.start(), figure.end()))
    words = dict.fromkeys(text[start : _end(left, end)] for start, end in found)
    # Who judges, signs that text: the figure in it is theirs to compare.
    return tuple(it for it in words if not any(it in judged.text for judged in policy.determinations))


def ambiguous(said: str) -> bool:
    """Whether it is a date that may be two days."""
    return _SLASHED.fullmatch(said.split(" ", maxsplit=1)[0]) is not None


def how_to_write(said: tuple[str, ...]) -> str:
    ways = [next(way for kind, way in _KINDS if kind.search(it)) for it in said]
    return ", ".join(dict.fromkeys(ways))


def _end(left: str, end: int) -> int:
    after = _AFTER.match(left, end)
    return after.end() if after else end


def _without_what_is_read(policy: Policy, text: str, part: Clause | ExceptionTerms | None) -> str:
    roles = roles_of(policy)
    said = {it for it, _ in (*amounts(text), *durations(text), *grown(text), *levels(text))}
    said |= {it for it, _ in lasting(text)} if isinstance(part, ExceptionTerms) else set()
    said |= {it for it, _, _ in portions(text, roles)} | set(series(text))
    said |= {it for it, _ in (*quorums(text, roles), *leasts(text, roles))} | set(everybody(text, roles))
    said |= {it for it, _ in chances(text)} if isinstance(part, ResidualRisk) else set()
    left = text
    for it in sorted((*said, *read_dates(text)), key=len, reverse=True):
        left = left.replace(it, _blank(it))
    for pattern in (_EVEN, _NO_FIGURE):
        left = pattern.sub(lambda found: _blank(found[0]), left)
    return left


def _blank(words: str) -> str:
    """As long, and nothing that joins."""
    return "~" * len(words)


def _scores(policy: Policy) -> set[Fraction]:
    """What a sentence may say of evaluations, as it stands in the fields of the policy."""
    budget = policy.error_budget
    found = {Fraction(it) for it in (budget.alpha, budget.evaluations)} if budget is not None else set()
    for it in policy.domains:
        found |= {Fraction(value) for value in (it.threshold, it.alarm, it.samples)}
        found |= {Fraction(it.elicitation.share)} if it.of_capability else set()
        found |= {Fraction(it.clusters.at_least)} if it.clusters is not None else set()
    return found


def _value(left: str, figure: re.Match[str]) -> Fraction | None:
    said = figure[0].lower()
    if re.match(r" of (?:[0-9]|~)", left[figure.end() :]):
        return None  # a share of another figure
    if said == "half":
        return Fraction(1, 2) if left.startswith(" of ", figure.end()) else None
    if said == "one and a half":
        return Fraction(3, 2)
    if re.fullmatch(rf"(?:{SEVERAL})", said):
        return Fraction(count(said))
    number = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(%?)", said)
    return Fraction(number[1]) / (100 if number[2] else 1) if number else None


def _counts_domains(policy: Policy, rest: str) -> bool:
    """`all three domains`, of a policy that has as many."""
    found = re.match(rf"(?i:({SEVERAL}|[0-9]+) (?:domains|alarms|thresholds))\b", rest)
    return found is not None and count(found[1]) == len(policy.domains)
