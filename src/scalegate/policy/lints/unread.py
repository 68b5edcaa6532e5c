"""What sentences say that nothing reads: figures that are compared with nothing, and names that nothing has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalegate.policy.document import Clause, ExceptionTerms, Obligation, Policy
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path
from scalegate.policy.unread import ambiguous, how_to_write, unread

__all__ = ["lints"]

NOT_READ = Rule(
    "figure-not-read",
    "weakness",
    "figures that are compared with nothing",
    "People sign for the sentence, and nothing sees whether the gate goes by another figure.",
)
NO_DOMAIN = Rule(
    "no-such-domain",
    "weakness",
    "sentences about a domain that there is not",
    "Readers count on what is measured in it. Nothing is.",
)
_AGAIN = re.compile(
    r"\b(?:every|each|once (?:an?|per|every|in)|(?:within|in|over) the (?:last|past)|no (?:older|longer) than"
    r"|for up to) $",
    re.IGNORECASE,
)
"""What a safeguard says of how long it counts; other figures in it are what whoever attests it signs for."""
_NEXT = r"(?:, and |, or |, | and | or )"
_NAMED = re.compile(
    rf"\b(?:alarms?|thresholds?) (?:of|for) (?P<names>[a-z][\w-]*"
    rf"(?:{_NEXT}[a-z][\w-]*(?={_NEXT}| (?:is|are|was|were|has|have|can|cannot|must)\b|[.,;)]|$))*)"
)
_NO_NAME = re.compile(
    "the|an?|any|all|each|every|one|both|our|its|their|this|that|these|those|levels?|such|some|another|other|it|them"
    "|compute|concern|harms?|danger(?:ous)?|what|which|whatever"
)


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document."""
    for index, terms in enumerate(policy.exceptions):
        yield from _figures(policy, ("exceptions", index, "text"), f"exception {terms.id}", terms.text, terms)
    for at, level in enumerate(policy.levels):
        for place, it in enumerate(level.safeguards):
            path: Path = ("levels", at, "safeguards", place, "text")
            said = tuple(words for words in unread(policy, it.text) if _AGAIN.search(it.text[: it.text.index(words)]))
            yield from _told(path, f"safeguard {it.id}", said)
    for index, clause in enumerate(policy.clauses):
        path, about = clause_path(index, "text"), f"clause {clause.id}"
        if clause.gates or isinstance(clause, Obligation):
            yield from _figures(policy, path, about, clause.text, clause)
        if clause.gates:
            yield from _domains(policy, path, about, clause.text)


def _figures(policy: Policy, path: Path, about: str, text: str, part: Clause | ExceptionTerms) -> Iterator[Lint]:
    yield from _told(path, about, unread(policy, text, part))


def _told(path: Path, about: str, said: tuple[str, ...]) -> Iterator[Lint]:
    if not said:
        return
    named = ", ".join(f"`{it}`" for it in said)
    what = f"it says {named}, which is not read: nobody checks it against what decides"
    if len(said) > 1:
        what = f"it says {named}, which are not read: nobody checks them against what decides"
    twofold = [it for it in said if ambiguous(it)]
    if twofold:
        what = f"{what}; to some `{twofold[0]}` is another day than to others"
    fix = f"write it so that it is read: {how_to_write(said)}; or leave it out, if nothing is to be decided by it"
    yield Lint(NOT_READ, path, about, what, fix, said[0])


def _domains(policy: Policy, path: Path, about: str, text: str) -> Iterator[Lint]:
    """Names behind `the alarm of` that neither a domain has nor what one is about."""
    parts = [(it.id, it.about) for it in policy.domains] + [(it.id, it.text) for it in policy.judged]
    known = {word for part in parts for it in part for word in re.findall(r"\w{3,}", it.lower())}
    for found in _NAMED.finditer(text):
        for name in re.split(_NEXT, found["names"]):
            # `biology` is what `bio` is about, and what one is about may be said in another form.
            alike = any(word.startswith(name[:5]) or name.startswith(word) for word in known)
            if not alike and not _NO_NAME.fullmatch(name):
                there = " or ".join(f"`{it}`" for it, _ in parts)
                fix = f"describe `{name}` under `domains`"
                fix = f"name one that there is, {there}; or {fix}" if there else fix
                what = f"it says `{found[0]}`, and there is no domain `{name}`"
                yield Lint(NO_DOMAIN, path, about, what, fix, found[0])
                return
