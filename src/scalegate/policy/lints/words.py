"""Words that leave open what is promised, and words that do not go with a clause's modality.

The lists are short on purpose: a word is here if what it leaves open could be said, and not because it is a soft word.
Only what gates is read, what is to be judged, and what safeguards say: what protects nothing may be worded as it likes,
unless it reads as a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalegate.policy.document import Clause, Policy
from scalegate.policy.figures_in_text import figures
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path

__all__ = ["lints"]

VAGUE = Rule(
    "vague-word",
    "weakness",
    "words that leave open what is promised",
    "Two people who read it can disagree on whether it was kept, and each be right.",
)
STATE_OF_THE_ART = Rule(
    "state-of-the-art",
    "weakness",
    "measured against what others do, not against what is needed",
    "The best that there is may fall short of what the danger asks for. What counts is whether it is enough.",
)
SOFTER = Rule(
    "words-under-modality",
    "weakness",
    "the clause gates, and its sentence does not commit",
    "Whoever reads the sentence alone may think that the clause can be set aside, and whoever reads the gate may not.",
)
HARDER = Rule(
    "words-over-modality",
    "weakness",
    "an aim that reads as a limit",
    "Readers take it for a limit. The gate does not: it protects nothing.",
)

_ESCAPES = (
    (r"(?:in)?appropriate(?:ly)?", "who finds what appropriate is not said"),
    (r"reasonabl[ey]|reasonable efforts?", "what is reasonable, and to whom, is not said"),
    (r"(?:as|when|where|if) (?:needed|necessary|warranted)|as required", "what makes it needed is not said"),
    (
        r"(?:where|when|if|as far as|to the extent|wherever) (?:feasible|possible|practical|practicable)",
        "whoever finds it hard need not do it",
    ),
)
"""Ways round a promise: a figure beside them does not close them."""
_DEGREES = (
    (r"significant(?:ly)?|substantial(?:ly)?|meaningful(?:ly)?", "from how much on is not said"),
    (r"sufficient(?:ly)?", "for what it suffices, and who shows it, is not said"),
    (
        r"prompt(?:ly)?|timely|in due course|as soon as (?:possible|practicable)|without undue delay",
        "by when is not said",
    ),
    (r"robust(?:ly)?|rigorous(?:ly)?", "against whom or what it holds is not said"),
    (
        r"regularly|at regular intervals|on a regular basis|periodic(?:ally)?|from time to time|frequently",
        "how often is not said",
    ),
)
"""Amounts without a figure: a figure in the same sentence says how much."""
_BEST = (
    r"(?:best|most advanced) (?:available|possible)|state[- ]of[- ]the[- ]art|(?:industry|best|leading)"
    r"[- ](?:standards?|practices?)|cutting[- ]edge"
)
_SOFT = (
    r"(?:aim|strive|intend|endeavou?r|seek|hope|try|tries|plan|expect)s? (?:not )?to"
    r"|(?:are|is) (?:aiming|striving|hoping|planning)|aspires? to|should|ideally|best efforts?"
    r"|goals? (?:is|are|of)|(?-i:may)(?! not\b)|(?:will|shall) consider"
)
# What a model will do is no promise.
_HARD = (
    r"(?:we|training|developers?|labs?) will|must|shall|never|cannot|may not|(?:is|are) not (?:allowed|permitted)"
    r"|no (?:run|model)\b.{0,40}\bpast|at most|no more than|limited to"
)
_NONE_MAY = re.compile(
    r"(?:^|[,;:(\u2013\u2014]\s*|\b(?:and|but|that|then)\s+)"
    r"(?:no(?! (?:matter|doubt)\b)|nor|neither|nothing|nobody|none)\b"
    r"(?:(?!\b(?:and (?!no\b)|but|so|then|because|if|where|when|while)\b|, (?!nor\b|or\b|no\b|$))[^;:])*$",
    re.IGNORECASE,
)
"""What a `may` forbids that comes after it: "No run ...", "Neither a run nor a sum of runs ...", "nor ..."."""
_NO_MORE = re.compile(
    r"(?: \w+){0,3}? (?:never|only|at most|no (?:further|farther)|no (?:\w+er|more|less) than)\b", re.IGNORECASE
)
"""What a `may` bounds that comes before it: "may go no longer than ..."."""
_LIMITING = re.compile(
    r"\b(?:only|no more|at most|unless|until|at the (?:earliest|latest|most)|no (?:earlier|later|sooner) than"
    r"|(?:and|but) (?:no|never)(?: \w+){0,2}? (?:further|farther|more|longer|later|less|higher|beyond))\b",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"\bthe (?:most|maximum|limit|farthest|furthest|longest|latest|earliest)(?: \w+)? (?:that|which|to which) [^,;:]*$",
    re.IGNORECASE,
)
"""What a `may` names that comes after it: "the most that a run may spend is ..."."""
_WHATEVER = re.compile(r"\b(?:what(?:ever)?|whoever|however) [^,;:]*$", re.IGNORECASE)
"""Where a `may` leaves open what others do: "whatever they may say"."""
_IF = re.compile(
    r"^\W*(?=should\b)|(?:[,;:\u2013\u2014] |\band )(?=should (?!no (?:longer|more)\b|always\b)"
    r"(?:the|an?|any|no|one|some|our|its|their|it|they|this|that|these|those|we|somebody|someone|anybody|anyone"
    r"|\w+[^s\W]s|two|three|[0-9]+|(?-i:[A-Z])\w*)\b)",
    re.IGNORECASE,
)
"""Where `should` is an `if`: "Should three months pass, ..., training stops"."""
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_SOON = re.compile(r"\b(?:within|each|every|once an?|per) (?:(?:an?|one|two|three) )?(?:hour|day|week|month|year)s?\b")


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document."""
    for index, item in enumerate(policy.determinations):
        yield from _vague(f"determination {item.id}", ("determinations", index, "text"), item.text)
    for index, terms in enumerate(policy.exceptions):
        yield from _vague(f"exception {terms.id}", ("exceptions", index, "text"), terms.text)
    for index, it in enumerate(policy.assumptions):
        yield from _vague(f"assumption {it.id}", ("assumptions", index, "text"), it.text or "")
    for index, risk in enumerate(policy.risks):
        yield from _vague(f"risk {risk.id}", ("risks", index, "about"), risk.about)
    for number, level in enumerate(policy.levels):
        for index, safeguard in enumerate(level.safeguards):
            path: Path = ("levels", number, "safeguards", index, "text")
            yield from _vague(f"safeguard {safeguard.id}", path, safeguard.text)
            yield from _best(f"safeguard {safeguard.id}", path, safeguard.text)
    for index, clause in enumerate(policy.clauses):
        about, path = f"clause {clause.id}", clause_path(index, "text")
        if clause.gates:
            yield from _vague(about, path, clause.text)
            yield from _best(about, path, clause.text)
        yield from _modality(about, path, clause)


def _vague(about: str, path: Path, text: str) -> Iterator[Lint]:
    found: dict[str, str] = {}
    for sentence in _SENTENCE.split(text):
        backed = bool(figures(sentence) or _SOON.search(sentence))
        for pattern, reason in (*_ESCAPES, *(() if backed else _DEGREES)):
            for word in _words(pattern, sentence):
                found.setdefault(word, reason)
    if found:
        what = "; ".join(f"`{word}`: {reason}" for word, reason in found.items())
        fix = "write a figure, a test with its pass mark, or the role that decides"
        yield Lint(VAGUE, path, about, what, fix, next(iter(found)))


def _best(about: str, path: Path, text: str) -> Iterator[Lint]:
    found = list(dict.fromkeys(_words(_BEST, text)))
    if found:
        what = f"{_ticked(found)}: what others have is no target"
        fix = "write against whom or what it must hold, and what shows that it does"
        yield Lint(STATE_OF_THE_ART, path, about, what, fix, found[0])


def _modality(about: str, path: Path, clause: Clause) -> Iterator[Lint]:
    soft = [
        found[0]
        for sentence in _SENTENCE.split(clause.text)
        for found in re.finditer(rf"\b(?:{_SOFT})\b", sentence, re.IGNORECASE)
        # "Training may go on only as far as ..." commits.
        if not (found[0] == "may" and (_LIMITING.search(sentence) or _forbidden(sentence, found)))
        and not (found[0].lower() == "should" and _conditional(sentence, found.start()))
    ]
    hard = list(dict.fromkeys(_words(_HARD, clause.text)))
    if clause.gates and soft:
        # No way out is offered that holds less than the clause does.
        fix = "write what is done, with `will` or `must`"
        if "may" in map(str.lower, soft):
            fix = f"{fix}, or behind `may` where it ends: `no further`, `no longer`"
        what = f"its modality is `{clause.modality}`, and its sentence says {_ticked(dict.fromkeys(soft))}"
        yield Lint(SOFTER, path, about, what, fix, soft[0])
    if not clause.gates and hard and not soft:
        written = "aim" if clause.modality == "aim" else "example"
        fix = f"make the modality `will`; or write in the sentence that it is an {written}"
        what = f"its modality is `{clause.modality}`, and its sentence says {_ticked(hard)}"
        yield Lint(HARDER, path, about, what, fix, hard[0])


def _forbidden(sentence: str, may: re.Match[str]) -> bool:
    """Whether a sentence says of what comes with a `may` that it may not, or how far it may."""
    before = sentence[: may.start()]
    return bool(
        _NONE_MAY.search(before)
        or _MOST.search(before)
        or _WHATEVER.search(before)
        or _NO_MORE.match(sentence[may.end() :])
    )


def _conditional(sentence: str, at: int) -> bool:
    return any(found.end() == at for found in _IF.finditer(sentence))


def _words(pattern: str, text: str) -> list[str]:
    return [found[0] for found in re.finditer(rf"\b(?:{pattern})\b", text, re.IGNORECASE)]


def _ticked(words: dict[str, None] | list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
