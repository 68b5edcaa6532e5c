"""What a clause's sentence says and the clause does not: signatures, exceptions, other actions, other conditions.

Only sentences that nothing else in the policy makes true are told. Whatever else one says is for people to compare.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalegate.policy.document import (
    Cadence,
    Capability,
    Clause,
    ComputeCap,
    Condition,
    Moratorium,
    NextLevel,
    Obligation,
    Policy,
    ResidualRisk,
    Safeguards,
    ScaleCap,
    UndefinedTest,
    Witnessed,
)
from scalegate.policy.entails import positive
from scalegate.policy.figures_in_text import amounts
from scalegate.policy.floors import floor_of
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path, gating
from scalegate.policy.show import show_condition
from scalegate.policy.syntax import All, Any, AtLeast, Expr, children, fact_names, undefined
from scalegate.policy.vocabulary import named

__all__ = ["lints"]

NOBODY_SIGNS = Rule(
    "nobody-signs",
    "weakness",
    "sentences that speak of signatures, and nothing asks for one",
    "Readers count on people who look before it goes on. Nobody is asked.",
)
OTHER_ACTION = Rule(
    "other-action",
    "weakness",
    "sentences about another action than the clause gates",
    "What the sentence speaks of goes on with it and without it.",
)
NO_EXCEPTION = Rule(
    "exception-in-words",
    "weakness",
    "sentences with an exception or a period that the clause does not have",
    "Whoever has the case that the sentence excepts is held all the same, and will ask for another policy.",
)
JOINED = Rule(
    "joined-otherwise",
    "weakness",
    "conditions that are joined in another way than their sentence",
    "With `or` one part is enough, with `and` it takes each. People sign for the sentence.",
)
NOT_READ = Rule(
    "not-in-condition",
    "weakness",
    "sentences about evaluations whose condition reads none",
    "Readers count on what was measured. Nothing that is measured changes what it decides.",
)
READS_AS = Rule(
    "reads-as",
    "note",
    "what conditions with an `or` decide, to be compared with their sentences",
    "Any one part of an `or` is enough. Read it beside the sentence.",
)
LONGEST = 400
"""Most characters of a condition that is told beside its sentence."""
_SIGN = r"sign(?:ed)?|approved?|authori[sz]ed?|agreed?|consent(?:ed)?"
_SIGNED = re.compile(
    rf"\b(?:(?:have|has|must|will|shall)(?: (?:both|all|also|each|first))? (?:{_SIGN})"
    r"|(?:is|are|was|were|be|been)(?: [a-z]+)? (?:signed|approved|authori[sz]ed)"
    r"|(?:unless|until|before|if|when|once|where)(?: [\w-]+){1,5} (?:approves?|signs?|agrees?|consents?|authori[sz]es?)"
    r"|(?:with|without|on|by|after|pending|subject to)(?: [\w'\u2019-]+){0,4}"
    r" (?:signatures?|approvals?|consent|sign-off|authori[sz]ation))\b",
    re.IGNORECASE,
)
_WHATEVER = re.compile(
    r"\b(?:whatever|whoever|no matter|regardless|even if|nobody|no one|cannot|no (?:signature|approval|consent))\b",
    re.IGNORECASE,
)
"""Where that somebody signs is said to change nothing."""
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_ASKING = ("approval.", "determination.", "obligation.", "safeguard.", "exception.", "tier.")
_INSIDE = frozenset({"train", "store", "evaluate"})
_DEPLOYS = re.compile(
    r"\b(?:deploy(?:s|ed|ing|ments?)?|releas(?:e|es|ing) (?:of )?(?:the |its |our |open |any |no )?(?:weights?|models?)"
    r"|(?:weights?|models?) (?:is|are|be)(?: \w+)? released|comes? to (?:the )?market)\b",
    re.IGNORECASE,
)
_TRAINS = re.compile(r"\b(?:(?<!-)training|(?<!-)trains?|(?:is|are|be|been)(?: \w+)? trained)\b", re.IGNORECASE)
_OF_TRAINING = re.compile(rf"{_TRAINS.pattern}|\b(?:trained|runs?|develop\w*|FLOP|compute)\b", re.IGNORECASE)
_OF_USE = re.compile(rf"{_DEPLOYS.pattern}|\b(?:releas\w*|us(?:e|es|ed|ing)|market|outside|inside)\b", re.IGNORECASE)
_EXCEPT = re.compile(
    r"\b(?:unless|(?<!no )(?<!without )except(?:ing|ion)?(?! that)|save (?:for|where|in|if)|exempt(?:ed)?)\b",
    re.IGNORECASE,
)
_AMENDED = re.compile(
    r"\b(?:unless|except (?:by|through|where|when|if)) (?:(?:this|the|our) policy (?:is|has been|was) (?:first )?"
    r"(?:amended|changed|replaced)|an amendment(?: of (?:this|the|our) policy)?)\b",
    re.IGNORECASE,
)
"""What goes for every clause is no exception to one."""
_PERIOD = re.compile(
    r"\b(?:per (?:year|month|quarter|week|day|annum)"
    r"|(?:in|within|over) any (?:one |single |[0-9]+ |twelve )?(?:calendar )?"
    r"(?:year|month|quarter|week|day)s?|FLOPs? (?:a|each) (?:year|month|quarter|week|day))\b",
    re.IGNORECASE,
)
_EVALUATED = re.compile(
    r"\b(?:alarms?|(?:is|are|be|been|was|were|has|have)(?: \w+)? evaluated"
    r"|(?:an?|the|each|every|no|new|last|latest|without)(?: \w+)? evaluations?|ruled out|elicit\w+)\b",
    re.IGNORECASE,
)
"""What was measured; of the runs that evaluations take a sentence may speak in a limit on compute."""
_EVIDENCE = re.compile(
    rf"{_EVALUATED.pattern}|\b(?:evaluat\w+|assess\w*|thresholds?|judge\w*|shown|agreed|adopted)\b", re.IGNORECASE
)
_EACH = re.compile(r"\b(?:and also|as well as|both|at the same time|each of|all of|together with)\b", re.IGNORECASE)
_STEPPED = re.compile(
    r"\b(?:past|above|over|beyond|more than|from|stops?|halts?|holds?|ends?|when|where|whoever)\b", re.IGNORECASE
)
"""Where a plain `and` may join what must come together before it holds: "past 1e24 FLOP a report is out and read"."""
_ONE = re.compile(r"\b(?:or|unless|either|except|otherwise|if|until|once|any of|one of)\b", re.IGNORECASE)
_EITHER = re.compile(r"\beither\b.*\bor\b|\b(?:any|one) of\b", re.IGNORECASE)
_DENIES = re.compile(
    r"\b(?:no|not|never|nothing|nobody|none|nor|neither|stops?|halts?|ends?|unless|until)\b", re.IGNORECASE
)
"""Of what is denied, `or` says what `and` says of what is asked for."""


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document, levels first. What a floor says is for its authors."""
    guarded = {clause.level for _, clause in gating(policy) if isinstance(clause, Safeguards)}
    for at, level in enumerate(policy.levels):
        said = _signing(level.about)
        if said and level.number in guarded and not level.approvals:
            yield _unsigned(("levels", at, "about"), f"level {level.number}", said, level.number)
    for index, clause in gating(policy):
        path, about = clause_path(index, "text"), f"clause {clause.id}"
        said = _signing(clause.text)
        if said and not _asks_for_signatures(policy, clause, said):
            yield _unsigned(path, about, said, clause.level if isinstance(clause, Safeguards) else None)
        yield from _actions(policy, path, about, clause)
        yield from _excepting(policy, path, about, clause)
        if isinstance(clause, Condition):
            yield from _condition(policy, index, about, clause)


def _signing(text: str) -> str:
    """The words by which a text says that somebody signs; empty: it does not."""
    for sentence in _SENTENCE.split(text):
        found = _SIGNED.search(sentence)
        if found and not _WHATEVER.search(sentence):
            return found[0]
    return ""


def _unsigned(path: Path, about: str, said: str, level: int | None) -> Lint:
    what = f"it says `{said}`, and nothing here asks for a signature"
    fix = "ask for it in a clause, or leave it out of the sentence"
    if level is not None:
        what = f"it says `{said}`, and level {level} has no `approvals`"
        fix = f"add `approvals` to level {level}: who signs, how many of them, and for how long; or leave it out of the"
        fix = f"{fix} sentence"
    return Lint(NOBODY_SIGNS, path, about, what, fix, said)


def _asks_for_signatures(policy: Policy, clause: Clause, said: str) -> bool:
    """Whether that somebody signs, or has agreed, is something that it turns on."""
    if clause.tier is not None or any(clause.id in it.clauses for it in policy.exceptions):
        return True
    match clause:
        case Safeguards():
            level = policy.level(clause.level)
            attesting = {it.attested_by for it in level.safeguards} if level else set()
            return level is None or level.approvals is not None or any(role in clause.text for role in attesting)
        case Capability():
            return clause.domain in {it.id for it in policy.judged}
        case Cadence():
            return bool(policy.judged)
        case Condition():
            return any(name.startswith(_ASKING) for name in fact_names(clause.when)) or any(undefined(clause.when))
    return isinstance(clause, Obligation | ResidualRisk | UndefinedTest | NextLevel | Witnessed)


def _actions(policy: Policy, path: Path, about: str, clause: Clause) -> Iterator[Lint]:
    inside, outside = set(clause.actions) & _INSIDE, set(clause.actions) - _INSIDE
    found = None
    if not outside and not _OF_TRAINING.search(clause.text):
        found, other = _DEPLOYS.search(clause.text), "outside"
    elif not inside and not _OF_USE.search(clause.text):
        found, other = _TRAINS.search(clause.text), "inside"
    # One sentence may be two clauses, each for its actions.
    alike = [it for _, it in gating(policy) if it.text == clause.text and it != clause]
    if found and not alike:
        actions = ", ".join(f"`{it}`" for it in clause.actions)
        what = f"it says `{found[0]}`, and gates {actions} only"
        missing = "`train`" if other == "inside" else "`deploy_internal`, `deploy_external` or `release_weights`"
        fix = f"add {missing} to its actions, or write the sentence for what it gates"
        yield Lint(OTHER_ACTION, path, about, what, fix, found[0])


def _excepting(policy: Policy, path: Path, about: str, clause: Clause) -> Iterator[Lint]:
    if any(clause.id in it.clauses for it in policy.exceptions) or floor_of(clause.id) is not None:
        return
    limits = isinstance(clause, ComputeCap | Moratorium | ScaleCap | UndefinedTest)
    period = _PERIOD.search(clause.text) if limits else None
    if period:
        what = f"it says `{period[0]}`, and it holds at all times: of whatever was ever used"
        yield Lint(NO_EXCEPTION, path, about, what, "leave it out of the sentence: a limit is for good", period[0])
    for sentence in _SENTENCE.split(clause.text):
        found = _EXCEPT.search(_AMENDED.sub("", sentence))
        if found and _knows_none(clause, sentence[found.start() :]):
            what = f"it says `{found[0]}`, and nothing lets it pass in any case"
            fix = "leave that out of the sentence, or write it under `exceptions`: who lets what go on, and how far"
            if isinstance(clause, Condition):
                fix = f"{fix}; or write the case into its `when:`"
            yield Lint(NO_EXCEPTION, path, about, what, fix, found[0])
            return


def _knows_none(clause: Clause, excepted: str) -> bool:
    """Whether there is no case in which a clause lets what its sentence excepts pass; `excepted`: from that word on."""
    if isinstance(clause, ComputeCap | Moratorium):
        return clause.tier is None or not _EVIDENCE.search(excepted)
    if isinstance(clause, Cadence | ScaleCap):
        # "Nothing goes on unless it was evaluated" is what it asks for.
        return not _EVIDENCE.search(excepted)
    if not isinstance(clause, Condition):
        return isinstance(clause, Obligation)
    names = fact_names(clause.when)
    return not (_alternatives(positive(clause.when)) or any(it.startswith(_ASKING) for it in names))


def _condition(policy: Policy, index: int, about: str, clause: Condition) -> Iterator[Lint]:
    when, path = positive(clause.when), clause_path(index, "text")
    each, either = _EACH.search(clause.text), _EITHER.search(clause.text)
    if each is None and not _STEPPED.search(clause.text):
        each = _joining(clause.text)
    only_or = isinstance(when, Any) and len(when.items) > 1 and not any(_kinds(it, All) for it in when.items)
    only_and = isinstance(when, All) and len(when.items) > 1 and not _alternatives(when)
    if only_or and each and not _ONE.search(clause.text):
        what = f"it says `{each[0]}`, and its condition is met by any one part"
        fix = "join the parts with `and`, or say in the sentence that one is enough"
        yield Lint(JOINED, path, about, what, fix, each[0])
    if only_and and either and not _DENIES.search(clause.text):
        what = f"it says `{either[0]}`, and its condition takes each part"
        yield Lint(JOINED, path, about, what, "say in the sentence that it takes each of them", either[0])
    said = next((it for it in _SENTENCE.split(clause.text) if _EVALUATED.search(it)), "")
    if said and not _WHATEVER.search(said) and not _reads_evidence(policy, clause):
        word = _EVALUATED.findall(said)[0]
        what = f"it says `{word}`, and its condition reads no fact of an evaluation"
        fix = "write it into the `when:`: `and ...ruled_out`, say; or leave it out of the sentence"
        yield Lint(NOT_READ, path, about, what, fix, word)
    if _alternatives(when) and floor_of(clause.id) is None:
        shown = show_condition(clause.when, named(policy))
        as_decided = f"`{shown}`" if len(shown) <= LONGEST else "what `scalegate policy explain` lays out"
        what = f"it holds unless {as_decided}, and its sentence is: {clause.text}"
        yield Lint(READS_AS, clause_path(index, "when"), about, what, "nothing, where both say the same")


def _joining(text: str) -> re.Match[str] | None:
    """A plain `and` with compute on one side of it and what was measured on the other: it joins these two."""
    for found in re.finditer(r"\band\b", text, re.IGNORECASE):
        before, after = text[: found.start()], text[found.end() :]
        for one, other in ((before, after), (after, before)):
            if any(amounts(one)) and _EVALUATED.search(other):
                return found
    return None


def _reads_evidence(policy: Policy, clause: Condition) -> bool:
    """Whether it turns on what was measured, or on the word of people, who may have looked at that."""
    known = ("developer.shown", *(f"{it.id}." for it in policy.domains), *_ASKING)
    return any(it.startswith(known) for it in fact_names(clause.when)) or any(undefined(clause.when))


def _alternatives(when: Expr) -> bool:
    return _kinds(when, Any) or _kinds(when, AtLeast)


def _kinds(expr: Expr, kind: type[All | Any | AtLeast]) -> bool:
    """Whether it, or a part of it, is of a kind."""
    return isinstance(expr, kind) or any(_kinds(it, kind) for it in children(expr))
