"""What a result that is added goes through: refused, told of, or signed, with what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalegate.gate import Journal
    from scalegate.gate.assessing import Assessment
    from scalegate.ledger.entries import EvaluationFinished
    from scalegate.policy.document import Policy

__all__ = ["add_result"]


def add_result(
    file: Path,
    read: Callable[[Journal], tuple[EvaluationFinished, tuple[str, ...]]],
    who: str,
    project: Path,
    key: Path | None,
    as_json: bool,
    reached: bool,
    parts: tuple[Path, ...] | None,
    lacking_told: str,
) -> None:
    """`read`: the result, and what was met with while it was read. `parts`: the log's files; None: it is withheld.
    `lacking_told`: what to do where a field is missing or wrong."""
    from scalegate.cli.project import signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.gate.intake import check_weights, lacking, worth
    from scalegate.gate.named_evidence import kept_with
    from scalegate.gate.project import Project
    from scalegate.ledger.elicited import NO_CONTROL

    place = Project(project)
    with writer(place) as journal:
        signing = signer(journal.policy, place, who, key)
        with plain(fix=lacking_told):
            entry, told = read(journal)
            of = journal.fold.attempts.get(entry.evaluation)
            # What was announced is closed, whatever an amendment called its domain since.
            check_weights(journal, entry.weights, entry.domain if of is None or of.announced is None else None, None)
        _check_first(journal, entry, file)
        told = (*told, *_again(journal, entry))
        if not reached:
            _check_meant(journal.policy, entry, file)
        entry, kept = kept_with(entry, parts, journal)
        index = journal.grant(entry, signing)
    told = (*told, *([] if kept else [f"Withheld: the log {entry.log} is kept nowhere by this"]))
    document: dict[str, object] = {
        "entry": index,
        "successes": entry.successes,
        "completed": entry.completed,
        "errors": entry.errors,
    }
    announced = journal.fold.attempts[entry.evaluation].announced
    due = announced.samples if announced else entry.completed + entry.errors
    faults = lacking(journal.fold, entry.evaluation)
    document |= {"announced": due, "lacking": faults} | ({"read": told} if told else {})
    if entry.clusters is not None:
        document["clusters"] = sum(count for _, _, count in entry.clusters)
    item = worth(journal.fold, entry.evaluation)
    shown = _bound(journal.policy, entry.domain, item) if item is not None else {}
    document |= shown
    short = f". It can rule nothing out: {'; '.join(faults)}" if faults else ""
    attempt = journal.fold.attempts[entry.evaluation]
    methods = [it.elicitation.method for it in journal.policy.domains if it.id == entry.domain and it.of_capability]
    if announced and entry.elicitation_flops > attempt.reserved:
        short += (
            f". It spent {entry.elicitation_flops} FLOP of elicitation by its own words, and {attempt.reserved} were"
            " reserved: the rest is no evidence, and is counted nowhere"
        )
    elicited = methods if announced and announced.elicitation != "none" else []
    if elicited:
        document["control"] = entry.elicited is not None and entry.elicited.control is not None
        short += "" if document["control"] else f". {NO_CONTROL[0].upper()}{NO_CONTROL[1:]}"
    if any(method not in entry.elicitation_method for method in elicited):
        short += (
            f". The policy names `{elicited[0]}`, the result `{entry.elicitation_method}`: it is a text"
            " for people, and nothing compares the two"
        )
    emit(
        as_json,
        document,
        lambda: "\n".join(
            (
                *told,
                f"Added as entry {index}: {entry.successes} of {entry.completed}, {entry.errors} errors{short}",
                *([_says(shown, entry.completed, due)] if shown else []),
            )
        ),
    )


def _check_meant(policy: Policy, entry: EvaluationFinished, file: Path) -> None:
    """Raise InputError where most samples have no outcome, the others reach the alarm, and would not if all were
    failures that are cut off: such an entry stands for good."""
    from scalegate.errors import InputError, Place
    from scalegate.evidence import binomial

    alarm = next((it.alarm for it in policy.domains if it.id == entry.domain), None)
    if alarm is None or entry.errors <= entry.completed or not 0 <= entry.successes <= entry.completed:
        return
    whole = entry.completed + entry.errors
    if binomial.reached(entry.successes, entry.completed, alarm) and entry.successes < alarm * whole:
        what = f"{entry.errors} samples have no outcome, and {entry.successes} of the other {entry.completed} reach the"
        what += f" alarm of `{entry.domain}`, for good"
        fix = "if the log is broken, run it again and add that; to sign that it is reached: `--reached`"
        raise InputError(what, place=Place(file=str(file)), fix=fix)


def _bound(policy: Policy, domain: str, item: Assessment) -> dict[str, object]:
    """The upper bound of the success rate, rounded up, and whether it rules the alarm out."""
    from scalegate.gate.assessing import bound_of
    from scalegate.units import exact_decimal

    bound, samples = bound_of(policy, item)
    alarm = exact_decimal(policy.domain(domain).alarm)
    upper = f"{ceil(bound * 1000) / 1000:.3f}"
    return {"bound": upper, "of": samples, "alarm": alarm, "ruled_out": item.rules_out, "reached": item.reached}


def _says(shown: Mapping[str, object], taken: int, due: int) -> str:
    few = f" after {taken} of {due} samples" if taken < due else f" after all {due} samples"
    out = "ruled out" if shown["ruled_out"] else "not ruled out"
    if shown["reached"]:
        out = "reached by this, for good: only what its level asks for lets a run of these weights go on"
    return f"Success rate: at most {shown['bound']}{few}; the alarm at {shown['alarm']} is {out}"


def _again(journal: Journal, entry: EvaluationFinished) -> tuple[str, ...]:
    """That the same file was added before, if it was."""
    from scalegate.ledger.entries import NO_LOG

    for name, attempt in journal.fold.attempts.items():
        had = attempt.finished
        if had is not None and entry.log != NO_LOG and (had.log, had.domain) == (entry.log, entry.domain):
            return (f"the same file was added before, as entry {attempt.finished_at}, of evaluation {name[:12]}",)
    return ()


def _check_first(journal: Journal, entry: EvaluationFinished, file: Path) -> None:
    """Raise InputError if the evaluation has a result already, with the way to add another all the same."""
    from scalegate.errors import InputError, Place
    from scalegate.gate.pieces import completes

    attempt = journal.fold.attempts.get(entry.evaluation)
    if attempt is not None and attempt.finished is not None and not completes(attempt, entry):
        raise InputError(
            f"evaluation {entry.evaluation[:12]} has a result already; one announcement has one result",
            place=Place(file=str(file)),
            fix="leave `evaluation` out: the result counts as unannounced, and may still show a capability reached",
        )
