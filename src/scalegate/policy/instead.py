"""What to write in place of what is no condition: signs and words of others, sentences, names that no fact has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

from scalegate import meant
from scalegate.policy.near import nearest
from scalegate.policy.polarity import dangerous
from scalegate.policy.syntax import PARAMETER
from scalegate.policy.vocabulary import Vocabulary

__all__ = [
    "ELICITATION",
    "SENTENCES",
    "WORDS",
    "alone_instead",
    "as_condition",
    "both_ways",
    "name_instead",
    "sign_instead",
    "spent_on",
    "unit_instead",
]

WORDS = frozenset({"and", "or", "not", "always", "never", "undefined", "all", "any", "at"})
"""Words of the language; a name is none of them."""
_DESCRIBED = frozenset(
    {"parameter", "safeguard", "approval", "determination", "obligation", "tier", "exception", "risk", "test", "floor"}
)
"""First words of what a policy describes: of the words after them each is a name that somebody gave."""
_INSTEAD = {
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "^": "write a power of ten with `e`, as `1e...`",
}
"""What to write for a sign that others read."""
SENTENCES = {
    **dict.fromkeys(
        ("if", "when", "then", "else"), "for `if A then B` write `not A or B`, for `B only if A` write `A and B`"
    ),
    **dict.fromkeys(
        ("unless", "until", "except"),
        "write `... and not ...` if what follows must not be so, `... or ...` only if it is enough alone",
    ),
    **dict.fromkeys(("but", "provided"), "write `and`"),
}
"""What to write for words of a sentence."""
_PLACES = frozenset({"determination", "safeguard", "approval", "obligation", "tier", "risk", "parameter", "until"})
"""Parts of the names of facts that tell nothing of what a name is about."""
_SCORED = frozenset(
    {
        *("score", "scores", "result", "results", "accuracy", "performance", "capability", "capabilities", "skill"),
        *("alarm", "threshold", "rate", "pass_rate", "success", "successes", "success_rate", "passed", "failed"),
        *("evaluation", "value", "mean", "level", "risk"),
    }
)
"""What others call the number that an evaluation comes to."""
ELICITATION = ".elicitation"
_SPENT = ("elicitation", "unevaluated")
"""Facts of a domain that say what was spent, and nothing of what was found."""
EXPLAINS = "`scalegate policy explain` shows all facts of a policy that has no fault"


def sign_instead(text: str, at: int) -> str:
    """What to write for a sign that means nothing, at its place in a condition."""
    sign = text[at]
    if sign == "^":
        for found in re.finditer(r"(?:[0-9.]+ ?[x×*·] ?)?10\^[0-9]+(?: ?[kMGTPEZY]?(?i:flops?)\b)?", text):
            if found.start() < at < found.end():
                flop = meant.as_flop(found[0]) if "flop" in found[0].lower() else None
                power = found[0].rpartition("^")[2]
                return f"write `{flop}`" if flop else f"write `1e{power}` in place of `10^{power}`"
    if sign == "%":
        number = re.search(r"[0-9]+(?:\.[0-9]+)? ?$", text[:at])
        of = re.match(r"% ?(?:of |[*·×x] ?)?([0-9][0-9.e+]* FLOP|[a-z][A-Za-z0-9_.-]+)", text[at:])
        share = meant.decimal(Fraction(number[0].strip()) / 100) if number else None
        times = of[1] if of else "..."
        return "a share multiplies: write it as a decimal" + (f", as `{share} * {times}`" if share else "")
    return _INSTEAD.get(sign, "write facts, numbers, `and`, `or`, `not`, `<=`")


def unit_instead(number: str, words: Sequence[str]) -> str:
    """What to write for a number before words that are no unit."""
    for count in (2, 1):
        if any(re.search("(?i:flop|ops)", word) for word in words[:count]):
            flop = meant.as_flop(" ".join((number, *words[:count])))
            if flop is not None:
                return f"write `{flop}`"
    return "compute is in `FLOP`, time in `days`, and a date is `YYYY-MM-DD`"


def as_condition(known: Vocabulary) -> str:
    """What a condition looks like, with facts that there are."""
    amounts = [fact for fact in known if fact.endswith(".evidence.compute")][:1]
    so = [fact for fact in known if fact.endswith(".ruled_out")][:1]
    shown = ["compute <= ... FLOP", *(f"compute <= ... * {fact}" for fact in amounts), *so]
    looks = ", ".join(f"`{it}`" for it in shown)
    return f"the sentence stands in `text`; write here what must be so of facts, as {looks}, joined with `and` or `or`"


def both_ways(parts: Sequence[str], words: Sequence[str]) -> tuple[str, str]:
    """Conditions with the words between them, in brackets: as if `and` bound tighter, and as if `or` did."""
    return _bracketed(parts, words, "and"), _bracketed(parts, words, "or")


def _bracketed(parts: Sequence[str], words: Sequence[str], tight: str) -> str:
    groups, between = [[parts[0]]], []
    for word, part in zip(words, parts[1:], strict=True):
        if word == tight:
            groups[-1].append(part)
        else:
            groups.append([part])
            between.append(word)
    shown = [f"({f' {tight} '.join(it)})" if len(it) > 1 else it[0] for it in groups]
    return shown[0] + "".join(f" {word} {group}" for word, group in zip(between, shown[1:], strict=True))


def name_instead(name: str, known: Vocabulary) -> str:
    """What to write for a name that no fact has."""
    if name.lower() in WORDS:
        return f"write `{name.lower()}`"
    if name.lower() in SENTENCES:
        return SENTENCES[name.lower()]
    scored = _scored(name, known)
    if scored:
        return scored
    near = _nearest(name, known)
    described = _described(name)
    if near:
        return f"did you mean {near}? {f'Else {described}' if described else EXPLAINS}"
    if described:
        return described
    # A policy with a fault cannot be explained: what there is has to stand here.
    ending = [fact for fact in known if fact.endswith(f".{name}")]
    of_a_domain = [fact for fact in known if fact.endswith((".ruled_out", ".evidence.compute"))]
    facts = ending[:3] or ["compute", "now", *of_a_domain[:2]]
    return "write facts, such as " + ", ".join(f"`{fact}`" for fact in facts) + f"; {EXPLAINS}"


def _scored(name: str, known: Vocabulary) -> str | None:
    """What to write for the score of a domain, which is no fact; None: the name is of none."""
    domain, _, last = name.rpartition(".")
    word = last.lower().replace("-", "_")
    domains = [fact.removesuffix(".ruled_out") for fact in known if fact.endswith(".ruled_out")]
    meant = domain if domain in domains else nearest(domain, domains) if domain else None
    if word not in _SCORED or not domains or (domain and meant is None):
        return None
    of = meant or (domains[0] if len(domains) == 1 else "DOMAIN")
    # With nothing evaluated nothing is reached either.
    return (
        f"scores are no facts: whether the alarm is ruled out decides. Write `{of}.ruled_out`; `not {of}.reached` lets"
        " pass what nobody evaluated as well. The score itself stands in the domain, as `alarm:`"
    )


def alone_instead(fact: str, known: Vocabulary) -> str:
    """What to write for a fact that is so or not, and is compared with an amount."""
    domain = fact.rpartition(".")[0]
    scored = f"{domain}.ruled_out" in known and f"{domain}{ELICITATION}" in known
    either = (f"not {fact}", fact) if dangerous(fact) else (fact, f"not {fact}")
    fix = "write `{}`, or `{}` if that is what is denied".format(*either)
    return fix + ("; the score itself stands in the domain, as `alarm:`" * scored)


def spent_on(fact: str) -> str:
    """What to write for the elicitation of a domain, where what was found is meant."""
    return (
        f"`{fact}` is the compute that went into eliciting, and says nothing of what came of it: write"
        f" `{fact.removesuffix(ELICITATION)}.ruled_out`"
    )


def _nearest(name: str, known: Vocabulary) -> str | None:
    """The facts that are most like a name: of one that it names a part of, a few."""
    first, _, rest = name.partition(".")
    alike = {fact.removeprefix(f"{first}."): fact for fact in known if fact.startswith(f"{first}.")}
    if rest and (alike or first in _DESCRIBED):
        # What begins with another word is not meant, however much the rest is like it.
        near = difflib.get_close_matches(rest, alike, n=1, cutoff=0.65)
        words = rest if first in _DESCRIBED else name
        return f"`{alike[near[0]]}`" if near else _of_part(name, words, alike.values())
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.65)
    return f"`{near[0]}`" if near else _of_part(name, name, known)


def _of_part(name: str, words: str, known: Iterable[str]) -> str | None:
    """Those that have a part like one of these words."""
    # `biology.score` is of `bio`, if of anything: what there is of that is what can be said of it.
    for word in words.split("."):
        part = nearest(word, {it for fact in known for it in fact.split(".") if it not in _PLACES})
        facts = [fact for fact in known if part in fact.split(".")] if len(word) > 2 else []
        # What was spent is not what was found, and stands where it is named alone.
        facts = [fact for fact in facts if part in _SPENT or not fact.endswith(_SPENT)]
        if facts:
            facts.sort(key=lambda fact: difflib.SequenceMatcher(None, name, fact).ratio(), reverse=True)
            return " or ".join(f"`{fact}`" for fact in facts[:2])
    return None


def _described(name: str) -> str | None:
    """Where a policy describes what is named so; None: it does not."""
    if name.startswith("safeguard."):
        return f"describe the safeguard `{name.split('.')[1]}` at a level, under `levels`; {EXPLAINS}"
    if name.startswith(PARAMETER):
        return f"describe it under `parameters`, as an item that begins `- id: {name.removeprefix(PARAMETER)}`"
    return None
