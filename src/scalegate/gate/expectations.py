"""Situation tests: a file beside a policy that says of situations what the policy must say of each.

    policy: my-policy
    given:
      now: 2026-11-01
    situations:
      - name: Five times the compute of the last evaluation is held by the cadence.
        given: {compute: 5e11 FLOP, bio.evidence.compute: 1e11 FLOP}
        expect: {verdict: hold, includes: [cadence]}

Read as strictly as a policy, and checked against it: every name of a fact, a clause and a value, each fault with its
place.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from scalegate.errors import InputError
from scalegate.gate.decision import Status
from scalegate.gate.judge import Judge
from scalegate.policy.document import Action, Policy
from scalegate.policy.faults import FileFaults, Form, Found, PartPath
from scalegate.policy.form import faults_of_form
from scalegate.policy.parts import Part, Source
from scalegate.policy.scalars import Flop, Identifier, Instant, Stated, Text
from scalegate.policy.semantics import Value
from scalegate.policy.sheet import Sheet, read_sheet, read_text
from scalegate.policy.standing import REQUIRED_KINDS
from scalegate.policy.stated import facts_of, impossible, stated

__all__ = ["Expect", "Expected", "SituationFaults", "read_expected"]

Ids = Annotated[tuple[Text, ...], Field(min_length=1)]


class Expect(Part):
    """What must come of a situation. What is left out is not looked at."""

    verdict: Literal["proceed", "hold"]
    held_by: Ids | None = None
    """Exactly what holds: clauses of the policy, `standing.*` and `required.*`."""
    includes: Ids | None = None
    """What holds at least."""
    findings: dict[str, Status] = Field(default_factory=dict)
    """The status of clauses."""
    up_to: Flop | None = None
    """Of a PROCEED: effective compute up to which it reaches, inclusive."""
    until: Instant | None = None
    """Of a PROCEED: instant up to which it reaches, inclusive."""


class _Situation(Part):
    name: Text
    """What must be so, as a sentence."""
    source: Source | None = None
    """What in the text of a policy it traces to."""
    action: Action = "train"
    given: dict[str, Stated] = Field(default_factory=dict)
    """Facts, in place of those that are given for all."""
    expect: Expect


class _File(Part):
    policy: Identifier
    """The policy that it is about."""
    version: Text | None = None
    """Of the policy; absent: any."""
    given: dict[str, Stated] = Field(default_factory=dict)
    """Facts of every situation."""
    situations: Annotated[tuple[_Situation, ...], Field(min_length=1)]


class SituationFaults(FileFaults):
    """All faults of one file of situation tests, in order of place."""

    noun = "test file"


FORM = Form(
    "test file",
    "list of situations",
    "`policy: ...`",
    "split it: several files may be named",
    {
        "policy": "my-policy", "version": '"1.0"', "given": "{compute: 1e13 FLOP}", "name": "What must be so.",
        "situations": "[...]", "expect": "{verdict: hold}", "verdict": "hold", "held_by": "[cadence]",
        "includes": "[cadence]", "findings": "{cadence: met}", "up_to": "1e13 FLOP", "until": "2027-01-31",
        "action": "train", "source": "{document: ...}", "document": "...",
    },
    SituationFaults,
)  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """A situation with what must come of it, and where that stands."""

    name: str
    source: str | None
    action: Action
    stated: Mapping[str, Value]
    expect: Expect
    sheet: Sheet
    path: PartPath


def read_expected(path: str | Path, policy: Policy) -> tuple[Expected, ...]:
    """The situations of a file. Raises SituationFaults with every fault found, or InputError if it cannot be read."""
    sheet = read_sheet(read_text(path, FORM), str(path), FORM)
    try:
        file = _File.model_validate(sheet.read.document)
    except ValidationError as error:
        shape = faults_of_form(error, sheet.read.document, _File, FORM.examples)
        faults = sheet.raised((it for it in shape if it.path not in sheet.read.empty), more=True)
        assert faults is not None
        raise faults from error
    found = _of_another(file, policy)
    for_all, wrong = _facts(policy, file.given, ("given",))
    clash = impossible(policy, for_all)
    found += [*wrong, *([Found(("given",), clash.message, clash.fix)] if clash else ())]
    situations = []
    names: set[str] = set()
    for index, it in enumerate(file.situations):
        at: PartPath = ("situations", index)
        if it.name in names:
            found.append(Found((*at, "name"), f"two situations are called `{it.name}`", "give each a name of its own"))
        names.add(it.name)
        own, wrong = _facts(policy, it.given, (*at, "given"))
        facts = {**for_all, **own}
        own_clash = impossible(policy, facts) if own and not clash else None
        found += [*wrong, *([Found((*at, "given"), own_clash.message, own_clash.fix)] if own_clash else ())]
        found += _misfits(policy, it.action, it.expect, (*at, "expect"))
        source = str(it.source) if it.source else None
        situations.append(Expected(it.name, source, it.action, facts, it.expect, sheet, at))
    faults = sheet.raised(found)
    if faults is not None:
        raise faults
    return tuple(situations)


def _of_another(file: _File, policy: Policy) -> list[Found]:
    found: list[Found] = []
    for field, said, has in (
        ("policy", file.policy, policy.policy),
        ("version", file.version, policy.version),
    ):
        if said not in (None, has):
            what = f"these are situations of {field} `{said}`, and this is {field} `{has}`"
            found.append(Found((field,), what, f"write `{field}: {has}`, or name the policy that they are of"))
    return found


def _facts(policy: Policy, given: Mapping[str, str], at: PartPath) -> tuple[dict[str, Value], list[Found]]:
    facts, faults = stated(policy, given.items())
    names = list(given)
    return facts, [Found(_part(policy, names[index], at), fault.message, fault.fix) for index, fault in faults]


def _part(policy: Policy, name: str, at: PartPath) -> PartPath:
    """Where the fault of a fact is: in its name if that stands for none, else in its value."""
    try:
        facts_of(policy, name, "unknown")
    except InputError:
        return (*at, name, "<key>")
    return (*at, name)


def _misfits(policy: Policy, action: Action, expect: Expect, at: PartPath) -> Iterator[Found]:
    known = [test.id for test in Judge.of(policy, action).tests]
    known += [f"required.{name}" for name in (*REQUIRED_KINDS, "permit")]
    named: list[tuple[PartPath, str]] = [((*at, "findings", name, "<key>"), name) for name in expect.findings]
    for field in ("held_by", "includes"):
        named += [((*at, field, index), name) for index, name in enumerate(getattr(expect, field) or ())]
    for path, name in named:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.65)
            fix = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(f'`{it}`' for it in known)}"
            if any(clause.id == name for clause in policy.clauses):
                fix = "give the situation an `action` that it is about"
            yield Found(path, f"no clause `{name}` is about `{action}`", fix)
    misplaced = ("held_by", "includes") if expect.verdict == "proceed" else ("up_to", "until")
    for field in misplaced:
        if getattr(expect, field) is not None:
            what = "what proceeds is held by nothing" if expect.verdict == "proceed" else "what is held reaches nowhere"
            yield Found((*at, field, "<key>"), f"`{field}`: {what}", "leave it out, or expect the other verdict")
    if expect.held_by is not None and expect.includes is not None:
        yield Found((*at, "includes", "<key>"), "`held_by` names all that holds already", "leave one of the two out")
