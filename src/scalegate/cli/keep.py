"""`scalegate keep`: the word of who answers for an obligation that it was done; and what is due, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir, Statement

if TYPE_CHECKING:
    from scalegate.gate import Fold, Journal, Situation
    from scalegate.ledger.entries import ObligationKept
    from scalegate.policy.document import Obligation

__all__ = ["keep", "obligation_line", "obligations_document"]


def keep(
    obligation: Annotated[str, typer.Argument(help="Id of the obligation, as the policy has it.")],
    who: As,
    statement: Statement,
    deadline: Annotated[
        str | None,
        typer.Option("--deadline", help="For which of its deadlines: that date; else the first that is not kept."),
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="Of an obligation of each run: the run.")] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign that what the policy obliges to was done.

    Your word counts for one deadline, and for good. Say in the statement what was done and where that can be seen:
    nothing looks at whether it was. After its deadline it is told as late, and where a breach stands it ends nothing.
    Once something was signed in a period, only `--deadline` signs for what is still to come in it.
    """
    from scalegate.cli.project import check_run, signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError
    from scalegate.gate.intake import checked
    from scalegate.gate.project import Project
    from scalegate.ledger.entries import ObligationKept
    from scalegate.units import format_last

    place = Project(project)
    with plain("--deadline"):
        wanted = _deadlines(deadline) if deadline is not None else ()
    with writer(place) as journal:
        known = {it.id: it for it in journal.policy.obligations}
        duty = known.get(obligation)
        if duty is None:
            names = ", ".join(f"`{name}`" for name in known)
            what = f"`{obligation}` is not an obligation of the policy in force"
            raise InputError(what, fix=f"one of {names}" if names else "it has none at all")
        if run is not None:
            check_run(journal, run)
        mine = journal.fold.duties.signed_for(duty, journal.fold.runs, run)
        if not mine and run is None:
            raise InputError(f"`{obligation}` is due for each run", fix="say of which: `--run NAME`")
        if not mine:
            raise InputError(f"`{obligation}` is the developer's, not a run's", fix="leave `--run` out")
        meant = [it for it in wanted if any(grid.has(it) for grid in mine)] or wanted
        due = meant[0] if meant else _due_now(journal, duty, run)
        signing = signer(journal.policy, place, who, key)
        made: list[ObligationKept] = []

        def entry() -> ObligationKept:
            common = {"actor": who, "time": journal.now(), "policy": journal.policy.digest()}
            said: dict[str, Any] = {"obligation": obligation, "deadline": due, "run": run, "statement": statement}
            with plain():
                made.append(checked(lambda: ObligationKept(**common, **said)))
            return made[-1]

        index = journal.grant(entry, signing)
        open_ = journal.fold.duties.signing.get((obligation, due, run))
        standing = any(it.late == "stands" for it in mine if it.has(due))
    late, have = made[-1].time > due, len(open_.by) if open_ else duty.kept_by.at_least
    words = f"Signed by {who}: entry {index} of {place.ledger}. It is for what was due by {format_last(due)}."
    if open_:
        words += f"\n{have} of the {duty.kept_by.at_least} that it takes have signed."
    if late:
        ends = "the breach stands" if standing else "it is told, and ends the breach"
        words += f"\nIt is late: {ends}."
    document = {"entry": index, "deadline": due, "late": late, "signed": have, "needed": duty.kept_by.at_least}
    emit(as_json, document, lambda: words)


def _deadlines(text: str) -> tuple[int, ...]:
    """The instants that a deadline may be meant by; a day is its last second, and else its first."""
    from scalegate.units import parse_instant, parse_until

    return parse_until(text), parse_instant(text)


def obligations_document(journal: Journal) -> list[dict[str, Any]]:
    """Each obligation with its first deadline that is not kept; one that is due for each run, for each."""
    from scalegate.gate.obligations import obligation_facts
    from scalegate.policy.obliged import name_of
    from scalegate.policy.semantics import number

    fold, now = journal.fold, journal.now()
    found = []
    for duty in journal.policy.obligations:
        for run in (it for it in (None, *fold.runs) if fold.duties.signed_for(duty, fold.runs, it)):
            due = next((due for due, _ in fold.duties.open(duty, fold.runs, run)), None)
            facts = obligation_facts(_by_itself(fold, run, now), duty)
            first = number(facts.get(f"{name_of(duty)}.due"))
            missed = facts.get(f"{name_of(duty)}.missed") is True
            open_ = fold.duties.signing.get((duty.id, due or 0, run))
            found.append(
                {
                    "obligation": duty.id,
                    "run": run,
                    "due": due,
                    "late": due is not None and due < now,
                    "breach": missed or (first is not None and first < now),
                    "stands": duty.late == "stands",
                    "signed": list(open_.by) if open_ else [],
                    "needed": duty.kept_by.at_least,
                    "text": duty.text,
                }
            )
    return found


def obligation_line(item: dict[str, Any]) -> Text:
    """When an obligation is due, and whether that has passed."""
    from scalegate.units import format_last

    of = f" of run {item['run']}" if item["run"] else ""
    if item["breach"] and not item["late"]:
        return Text(f"{item['obligation']}{of}: it was not kept in time, and that stands.", style="bold red")
    if item["due"] is None:
        return Text(f"{item['obligation']}{of}: nothing more is due.")
    have = f"; {len(item['signed'])} of {item['needed']} have signed" if item["signed"] else ""
    if not item["late"]:
        return Text(f"{item['obligation']}{of}: due by {format_last(item['due'])}{have}.")
    ends = "that stands" if item["stands"] else f"`scalegate keep {item['obligation']}` ends that"
    words = f"{item['obligation']}{of}: was due by {format_last(item['due'])}, and is not kept: {ends}{have}."
    return Text(words, style="bold red")


def _by_itself(fold: Fold, run: str | None, now: int) -> Situation:
    """A run without what went into it, which owes for itself and has a line of its own."""
    situation = fold.situation(run or "", now=now)
    if run is None:
        return situation
    openings = {run: fold.runs[run].owes_since}
    alone = {"members": (run,), "openings": openings, "faults": ()}
    spans = fold.duties.spans(openings)
    return situation.model_copy(update={"spans": spans, "lineage": situation.lineage.model_copy(update=alone)})


def _due_now(journal: Journal, duty: Obligation, run: str | None) -> int:
    """The deadline that is signed for where none is named: one that has passed, or the first whose period has begun.

    Not one that is to come, where something was signed in its period: a command that is given twice would sign for the
    next period too, and for good.
    """
    from scalegate.errors import InputError
    from scalegate.gate.duties import begins
    from scalegate.units import format_instant, format_last

    fold, now = journal.fold, journal.now()
    open_ = fold.duties.open(duty, fold.runs, run)
    if not open_:
        raise InputError(f"every deadline of `{duty.id}` is kept", fix="nothing is to be signed")
    due, grid = open_[0]
    began = begins(grid, due)
    if due < now:
        return due
    is_due = f"nothing of `{duty.id}` is due now: the next that is not kept is due by {format_last(due)}"
    if now < began:
        raise InputError(is_due, fix=f"it can be signed once its period begins, {format_instant(began)}")
    since = max(began, fold.duties.since or 0)
    mine = [it for it in fold.duties.kept if (it.obligation, it.run) == (duty.id, run)]
    latest = max((it.time for it in mine if it.time >= since), default=None)
    if latest is not None:
        what = f"{is_due}, and in its period something was signed for it already, {format_instant(latest)}"
        raise InputError(what, fix=f"if that is done too: `--deadline {format_instant(due)}`")
    return due
