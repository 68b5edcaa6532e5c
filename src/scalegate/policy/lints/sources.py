"""Whether sentences, sources and measurements say enough: figures, sections, links to harm, placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalegate import meant
from scalegate.policy.dates_in_text import dates_of, unheld_starts
from scalegate.policy.document import Policy
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path, gating
from scalegate.policy.quotes import beside, checked, lasting_parts, misquoted_parts, misquotes, others, unchecked
from scalegate.units import DAY

__all__ = ["lints"]

MISQUOTED = Rule(
    "other-figure",
    "weakness",
    "sentences with another figure than the gate's",
    "People sign for the sentence. The gate goes by the figure.",
)
ANOTHER = Rule(
    "says-another",
    "note",
    "figures beside the one that decides",
    "One of them decides, and nobody compares the rest: see that none of these was meant for it.",
)
UNCHECKED = Rule(
    "figure-not-checked",
    "weakness",
    "figures that the gate does not know",
    "It reads as a limit, and nothing holds at it.",
)
NO_SECTION = Rule(
    "no-section",
    "note",
    "sources without a section",
    "A reader who wants to compare the clause with what was published does not find it.",
)
NO_LINK = Rule(
    "no-link-to-harm",
    "weakness",
    "measurements without a link to harm",
    "What is easy to measure is measured. Whether it says anything about the harm is what the threshold rests on.",
)
NOT_MEASURED = Rule(
    "nothing-unmeasured",
    "weakness",
    "evaluations that claim to measure all",
    "Every evaluation leaves something out. A list that says nothing leaves the reader more sure than the authors are.",
)
PLACEHOLDER = Rule(
    "placeholder",
    "weakness",
    "places that were never filled in",
    "Whoever adopts it signs for a blank.",
)
FEWEST_WORDS = 6
"""A link to harm in fewer words states none."""
_NONE = re.compile(r"(?:none|nothing|n/?a|not applicable|unknown|everything is measured|-+)[.!]?", re.IGNORECASE)
_BLANK = re.compile(
    r"\b(?:(?i:TBD|TBC|TBA|FIXME|to be (?:determined|defined|decided|confirmed|written))|TODO|XXX*)\b"
    r"|^(?i:todo|set|placeholder|xxx*|fill(?:ed)? in)[.:!]?$|\bSET(?:[:.]|$)|\b[XYN] ?%|\?\?+|\.{4,}"
    r"|(?<!\w)_{2,}(?!\w)|\b[XYN] (?:[kMGTPEZY]?FLOPs?|percent|samples|days|weeks|months|years|officers|people)\b"
    r"|\b(?i:(?:still|yet) to be (?:described|agreed|specified|drafted|added|filled in|supplied|set|settled))\b"
    r"|^\W*(?i:to follow|to come|to be \w+|describe|see (?:above|below|there)|as above|as before|ditto|idem|same)\W*$"
    r"|^\(?(?i:(?:write|insert|describe|enter|add|put)\b[^.;]* here)[.!?]?\)?$"
    r"|^N\. ?N\.?$"
    r"|(?i:\blorem ipsum\b|^(?:write|insert|describe|enter|add|put)\b[^.;]* here[.!]?$)"
    r"|(?i:\[(?:insert|your|the)? ?(?:figures?|factor|number|amount|date|name|role|percentage|share|threshold|duration"
    r"|period|limit|developer|section|document|x+|n)\])"
    r"|(?i:\[(?:insert|your) [^\[\]]+\]|<(?:insert|your|the|figure|factor|number|amount|date|name|role)\b[^<>]*>)"
    r"|^(?:\?|[xyzn](?:\.[xyzn])+|[XYZN](?:\.[XYZN])+)$"
)
_ELSEWHERE = re.compile(
    r"(?:see|[^.;]{0,40}\b(?:is|are) (?:set(?: out)?|given|defined|described|stated|laid down|specified) in)"
    r" (?:section|chapter|appendix|annex|part|clause|\u00a7) ?[\w.]+",
    re.IGNORECASE,
)
"""Of a sentence that people sign for: that it stands somewhere else."""
_NOTHING = re.compile(r"n/?a\.?", re.IGNORECASE)
"""A blank where something must be said; of what is not measured and of the link to harm it is told as such."""


def lints(policy: Policy, today: int) -> Iterator[Lint]:
    """In the order of the document, clauses first. `today` is an instant: a start that is past is none to be told."""
    known = checked(policy)
    for index, clause in enumerate(policy.clauses):
        quoted = list(misquotes(policy, clause))
        for said, has in quoted:
            what, fix = f"it says {said}, and what is decided by is {has}", "write the same figure in both"
            yield Lint(MISQUOTED, clause_path(index, "text"), f"clause {clause.id}", what, fix, said)
        own = dates_of(policy, clause)
        for said, first, last in unheld_starts(clause.text, own) if clause.gates else ():
            if last > today // DAY:
                yield _without_start(clause_path(index, "text"), f"clause {clause.id}", said, first == last)
        other = unchecked(policy, clause, known) if clause.gates else ()
        if other:
            what = f"it says {' and '.join(other)}, and nothing that it is decided by is of that kind"
            fix = "ask for it in a clause, or leave the figure out of the sentence"
            yield Lint(UNCHECKED, clause_path(index, "text"), f"clause {clause.id}", what, fix, other[0])
        more = beside(policy, clause, known) if clause.gates else ()
        if more:
            what = f"it says {' and '.join(more)} beside what it is decided by, and nothing here is decided by that"
            fix = "ask for it in a clause of its own, or leave the figure out of the sentence"
            yield Lint(UNCHECKED, clause_path(index, "text"), f"clause {clause.id}", what, fix, more[0])
        told = {said for said, _ in quoted} | set(other) | set(more)
        left = [it for it in others(policy, clause) if it[0] not in told] if clause.gates else []
        if left:
            says = " and ".join(dict.fromkeys(said for said, _ in left))
            what = f"it says {says} too; what is decided by is {left[0][1]}"
            fix = "nothing, where that is another figure; where it was meant for it, write the same in both"
            yield Lint(ANOTHER, clause_path(index, "text"), f"clause {clause.id}", what, fix, left[0][0])
    for path, about, said, has in misquoted_parts(policy):
        what, fix = f"it says {said}, and what is decided by is {has}", "write the same figure in both"
        yield Lint(MISQUOTED, path, about, what, fix, said)
    for path, about, said in lasting_parts(policy):
        what = f"it says {said}, and each signature counts for as long as its signer says"
        fix = "add `valid_for`, so that it must be signed again, or leave the time out of the sentence"
        yield Lint(UNCHECKED, path, about, what, fix, said)
    for at in range(len(policy.domains)):
        yield from _domain(policy, at)
    for index, clause in gating(policy):
        if clause.source.section is not None:
            continue
        what = f"it comes from `{clause.source.document}`, and where in it is not said"
        yield Lint(NO_SECTION, clause_path(index, "source"), f"clause {clause.id}", what, 'add `section: "3.1"`')
    for path, about, text in _texts(policy):
        blank = _BLANK.search(text) or (not {"link_to_harm", "not_measured"} & set(path) and _NOTHING.fullmatch(text))
        blank = blank or (path[-1] == "text" and _ELSEWHERE.fullmatch(text))
        if blank:
            yield Lint(PLACEHOLDER, path, about, f"it says `{blank[0]}`", "write what is meant", blank[0])


def _without_start(path: Path, about: str, said: str, one_day: bool) -> Lint:
    what = f"it says that it is so from {said} on, and the clause has no start: it holds from now on"
    written = meant.as_date(said) if one_day else None
    fix = "leave the start out of the sentence; or, if it is to hold nothing before, write"
    return Lint(MISQUOTED, path, about, what, f"{fix} `in_force: {{from: {written or '...'}}}`", said)


def _domain(policy: Policy, at: int) -> Iterator[Lint]:
    domain = policy.domains[at]
    about, path = f"domain {domain.id}", ("domains", at)
    if len(re.findall(r"\w+", domain.link_to_harm)) < FEWEST_WORDS:
        what = f"`{domain.link_to_harm}` is all that is said of the link between the score and the harm"
        fix = "say what a model with this score could do that one without it could not, and how sure that is"
        yield Lint(NO_LINK, (*path, "link_to_harm"), about, what, fix)
    empty = [it for it in domain.not_measured if _NONE.fullmatch(it.strip())]
    if empty:
        what = f"what is not measured is `{empty[0]}`"
        yield Lint(NOT_MEASURED, (*path, "not_measured"), about, what, "name what the evaluation leaves out", empty[0])


def _texts(policy: Policy) -> Iterator[tuple[Path, str, str]]:
    """Every text for people."""
    for name in ("title", "about", "developer", "version"):
        yield (name,), f"`{name}`", getattr(policy, name)
    if policy.effective_compute:
        yield ("effective_compute", "basis"), "`effective_compute`", policy.effective_compute.basis
    for at, person in enumerate(policy.people):
        yield ("people", at, "name"), f"person {person.id}", person.name
    for at, item in enumerate(policy.determinations):
        yield ("determinations", at, "text"), f"determination {item.id}", item.text
    for at, assumed in enumerate(policy.assumptions):
        for name in ("text", "because"):
            if getattr(assumed, name) is not None:
                yield ("assumptions", at, name), f"assumption {assumed.id}", getattr(assumed, name)
    for at, risk in enumerate(policy.risks):
        yield ("risks", at, "about"), f"risk {risk.id}", risk.about
    for at, domain in enumerate(policy.domains):
        for name in ("about", "link_to_harm"):
            yield ("domains", at, name), f"domain {domain.id}", getattr(domain, name)
        for place, gain in enumerate(domain.gains):
            where = ("domains", at, "margin", "gains", place)
            for name, text in (
                ("about", gain.about),
                ("source", gain.source.document),
                ("source", gain.source.section),
            ):
                if text is not None:
                    yield (*where, name), f"domain {domain.id}, gain {gain.id}", text
        for place, text in enumerate(domain.not_measured):
            yield ("domains", at, "not_measured", place), f"domain {domain.id}", text
    for at, level in enumerate(policy.levels):
        yield ("levels", at, "about"), f"level {level.number}", level.about
        for place, safeguard in enumerate(level.safeguards):
            yield ("levels", at, "safeguards", place, "text"), f"safeguard {safeguard.id}", safeguard.text
    for at, tier in enumerate(policy.tiers):
        yield ("tiers", at, "about"), f"tier {tier.id}", tier.about
    for at, it in enumerate(policy.parameters):
        yield ("parameters", at, "about"), f"parameter {it.id}", it.about
    for at, terms in enumerate(policy.exceptions):
        yield ("exceptions", at, "text"), f"exception {terms.id}", terms.text
        yield ("exceptions", at, "source"), f"exception {terms.id}", terms.source.document
    for at, clause in enumerate(policy.clauses):
        yield clause_path(at, "text"), f"clause {clause.id}", clause.text
        yield clause_path(at, "source"), f"clause {clause.id}", clause.source.document
        if clause.source.section is not None:
            yield clause_path(at, "source"), f"clause {clause.id}", clause.source.section
        if clause.kind == "undefined_test":
            yield clause_path(at, "test", "purpose"), f"clause {clause.id}", clause.test.purpose
