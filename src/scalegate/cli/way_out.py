"""What would release a hold, in a terminal, and the commands with which people sign for it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scalegate.gate import Decision, Resumption, ResumptionFact
from scalegate.gate.since import to_decide
from scalegate.policy import Policy

__all__ = ["Known", "in_order", "resumption_view", "to_release"]

SETS = 4
"""Most alternatives that a terminal shows; a report and JSON have all."""
_APPROVE = "scalegate approve "
_SAID = ("scalegate determine ", "scalegate claim-risk ")
"""What whoever approves is to have seen the consequences of."""
KINDS = {"act": "do", "measure": "measure", "time": "wait", "sign": "sign"}


def resumption_view(way_out: Resumption) -> RenderableType:
    if way_out.stop:
        return Text(
            f"No reachable condition: this is a stop, not a pause. Held by {way_out.held_by()}.\n"
            "An amendment of the policy may decide otherwise; a fault of meter, lineage or ledger is for good.",
            style="bold",
        )
    lines: list[RenderableType] = []
    if way_out.first:
        lines += [Text("What would release it can be said after this; then decide again:", style="bold")]
        lines += [_facts([("", way_out.first)])]
    elif not way_out.sets:
        lines += [Text("What would release it could not be worked out.", style="bold")]
    if way_out.sets:
        always, rest = way_out.common()
        alternatives = [facts for facts in rest if facts]
        if always:
            head = "To release it, in any case:" if alternatives else "This would release it:"
            lines += [Text(head, style="bold"), _facts([("", always)])]
        if alternatives:
            head = "With that, any one of these:" if always else "Any one of these sets of facts would release it:"
            listed = [(f"{number}.", facts) for number, facts in enumerate(alternatives[:SETS], 1)]
            lines += [Text(head, style="bold"), _facts(listed)]
        hidden = len(alternatives) - SETS
        if hidden > 0:
            more = f"{hidden} more set{'s' * (hidden > 1)}"
            lines.append(Text(f"{more} that would: `scalegate report` and `--json` list all."))
        if way_out.more:
            lines.append(Text("There are more that were not worked out."))
    return Group(*lines)


def _facts(sets: Iterable[tuple[str, Iterable[ResumptionFact]]]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right")
    table.add_column(justify="right", style="bold")
    table.add_column(overflow="fold")
    for number, facts in sets:
        for place, fact in enumerate(facts):
            table.add_row("" if place else number, KINDS[fact.kind], Text(fact.text))
    return table


@dataclass(frozen=True)
class Known:
    """What the project knows that a command needs."""

    folder: Path
    policy: Policy
    weights: str | None = None
    """Digest of the run's weights as they were recorded last, or of those that it loaded."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Of each run, the digest of its recorded weights with the most training."""
    made_by: Callable[[str], Sequence[str]] = lambda _digest: ()
    """The runs that made weights."""

    def run_of(self, weights: str, run: str) -> str:
        """The run that an evaluation of weights is announced for: this one if it recorded them, or who made them."""
        runs = self.made_by(weights)
        return run if run in runs or not runs else runs[0]

    def who(self, role: str) -> str:
        """Who has a role: whoever is the only one, or a word that is to be filled in."""
        people = [person.id for person in self.policy.with_role(role)]
        return people[0] if len(people) == 1 else "WHO"


def to_release(decision: Decision, known: Known) -> Iterator[str]:
    """The commands that bring about the first set that would release a hold, in their order; none if none does.

    Where a fact of the set takes no command, it is said that these are a part. None if the policy was superseded.
    """
    way_out = decision.resumption if decision.policy == known.policy.digest() else None
    facts = way_out.first or (way_out.sets[0] if way_out.sets else ()) if way_out else ()
    measured = [list(_measured(decision, fact, known)) for fact in facts]
    signed = [list(_signed(decision, fact, known)) for fact in facts]
    lines = [line for part in measured for line in part]
    weights = decision.weights or (known.weights if decision.action != "train" else None)
    folder = str(known.folder)
    again = to_decide(decision.run, decision.action, weights, decision.configuration, project=folder)
    if any(measured) or any(signed):
        part = all(one or other for one, other in zip(measured, signed, strict=True))
        these = "the first of these" if way_out and len(way_out.sets) > 1 and not way_out.first else "this"
        words = f"Commands for {these}" if part else f"Commands for a part of {these}"
        yield f"{words}, with what stands in capitals filled in{'' if part else '; the rest stands above'}:"
        lines += [again] if any(measured) and any(signed) else []
        lines += in_order([line for part in signed for line in part], again)
        yield from (f"  {line}" for line in (*lines, again))
        if decision.action == "train":
            yield "Or, in place of the last, run the training script again: it decides by itself."


def in_order(signed: list[str], again: str) -> Iterator[str]:
    """Approvals last, and after a decision that their signers can read: one on all that was said before."""
    approvals = [line for line in signed if line.startswith(_APPROVE)]
    others = [line for line in signed if line not in approvals]
    yield from others
    if approvals and any(line.startswith(_SAID) for line in others):
        yield again
    yield from approvals


def _measured(decision: Decision, fact: ResumptionFact, known: Known) -> Iterator[str]:
    match fact.concerns:
        case ("evaluation", domain, samples, flops, *still_open):
            yield from _added(domain, still_open, known)
            weights = decision.weights or known.weights or "DIGEST"
            bare = decision.action in ("train", "release_weights")
            exact = [] if bare else ["--configuration", decision.configuration or "CONFIGURATION"]
            run = known.run_of(weights, decision.run)
            yield _announced(known, run, domain, weights, samples, flops, exact)
            yield from _added(domain, [""], known)
            yield from _foreseen(decision, domain, known)
        case ("result", domain, *still_open):
            yield from _added(domain, still_open, known)
            yield from _foreseen(decision, domain, known)
        case ("recorded", domain, many, samples, flops):
            for _ in range(int(many)):
                yield _announced(known, decision.run, domain, "DIGEST", samples, flops, [])
                yield from _added(domain, [""], known)
            yield from _foreseen(decision, domain, known)
        case ("forecast", domain):
            yield from _foreseen(decision, domain, known)
        case ("others", domain, *runs):
            samples = str(known.policy.domain(domain).samples)
            for run, flops in zip(runs[::2], runs[1::2], strict=True):
                yield _announced(known, run, domain, known.others.get(run, "DIGEST"), samples, flops, [])
                yield from _added(domain, [""], known)
        case ("shown", run, weights, *due):
            for domain, flops in zip(due[::2], due[1::2], strict=True):
                samples = str(known.policy.domain(domain).samples)
                yield _announced(known, run, domain, weights, samples, flops, [])
                yield from _added(domain, [""], known)
        case _:
            return


def _announced(known: Known, run: str, domain: str, weights: str, samples: str, flops: str, exact: list[str]) -> str:
    about = ["--run", run, "--domain", domain, "--weights", weights, *exact, "--samples", samples]
    drawn_out = any(it.id == domain and it.of_capability for it in known.policy.domains)
    about += ["--elicitation-flops", f"{flops} FLOP"] if drawn_out else ["--as-is"]
    rest = ["--task", "TEXT", "--task-version", "TEXT", "--dataset", "SHA256", "--as", known.who("evaluator")]
    return _line(known, ["evidence", "announce", *about, *rest])


def _added(domain: str, evaluations: Iterable[str], known: Known) -> Iterator[str]:
    """For each evaluation, the command that adds its result; empty: of the one that was just announced."""
    for evaluation in evaluations:
        of = f"evaluation {evaluation[:12]}... of {domain}" if evaluation else f"the result in {domain}"
        yield f"{_line(known, ['evidence', 'add', 'FILE', '--as', known.who('evaluator')])}  # {of}"


def _foreseen(decision: Decision, domain: str, known: Known) -> Iterator[str]:
    """The command that forecasts, where the domain asks for that."""
    asked = next((it.forecast for it in known.policy.domains if it.id == domain), None)
    if asked is not None and decision.action == "train":
        table = ["--reference", "TABLE"] if asked.reference_table else []
        about = ["--run", decision.run, "--domain", domain, *table, "--as", known.who("evaluator")]
        line = _line(known, ["evidence", "forecast", *about])
        yield f"{line}  # takes results at {asked.at_least} amounts of compute" if asked.at_least > 1 else line


def _signed(decision: Decision, fact: ResumptionFact, known: Known) -> Iterator[str]:
    rest = ["--until", "DATE", "--statement", "TEXT"]
    match fact.concerns:
        case ("safeguard", safeguard):
            role = next(
                it.attested_by for level in known.policy.levels for it in level.safeguards if it.id == safeguard
            )
            yield _line(known, ["attest", safeguard, "--as", known.who(role), *rest])
        case ("approval", level, person):
            action = [] if decision.action == "train" else ["--action", decision.action]
            yield _line(known, ["approve", "--run", decision.run, *action, "--level", level, "--as", person, *rest])
        case ("determination", determination, person):
            item = next(it for it in known.policy.determinations if it.id == determination)
            about = [] if item.about == "developer" else ["--run", decision.run]
            if about and decision.action != "train":
                about += ["--weights", decision.weights or "DIGEST"]
                if decision.action != "release_weights":
                    about += ["--configuration", decision.configuration or "CONFIGURATION"]
            yield _line(known, ["determine", determination, *about, "--as", person, *rest])
        case ("obligation", obligation, *runs):
            duty = next(it for it in known.policy.obligations if it.id == obligation)
            people = [person.id for person in known.policy.signers(duty.kept_by)]
            of = ["--run", *runs] if runs else []
            who = people[0] if len(people) == 1 else "WHO"
            yield _line(known, ["keep", obligation, *of, "--as", who, "--statement", "WHAT AND WHERE"])
        case ("risk", risk, *people):
            action = [] if decision.action == "train" else ["--action", decision.action]
            if action:
                action += ["--weights", decision.weights or "DIGEST"]
                if decision.action != "release_weights":
                    action += ["--configuration", decision.configuration or "CONFIGURATION"]
            about = ["--run", decision.run, *action, "--bound", "BOUND"]
            for person in people:
                yield _line(known, ["claim-risk", risk, *about, "--as", person, *rest])
        case ("judgements", determination, *words):
            for run, weights, who in zip(words[::3], words[1::3], words[2::3], strict=True):
                about = ["--run", run, "--weights", weights]
                yield _line(known, ["determine", determination, *about, "--as", who or "WHO", *rest])
        case ("claims", risk, *words):
            for run, weights, who in zip(words[::3], words[1::3], words[2::3], strict=True):
                about = ["--run", run, "--weights", weights, "--bound", "BOUND"]
                yield _line(known, ["claim-risk", risk, *about, "--as", who or "WHO", *rest])
        case ("assumption", *names):
            for name in names:
                yield _line(known, ["assumption", "restore", name, "--as", "WHO", "--because", "TEXT"])
        case ("witnessed", _):
            asked = ["ledger", "cosign", str(known.folder / "ledger.db")]
            yield shlex.join(["scalegate", *asked, "--trust", "FILE", "--record", "--as", "WHO"])
        case ("tier", tier):
            role = next(it.recorded_by for it in known.policy.tiers if it.id == tier)
            yield _line(known, ["adopters", tier, "--as", known.who(role), *rest])


def _line(known: Known, words: list[str]) -> str:
    where = [] if known.folder == Path() else ["--project", str(known.folder)]
    return shlex.join(["scalegate", *words, *where])
