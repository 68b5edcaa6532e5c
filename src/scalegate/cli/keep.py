"""`scalegate keep`: the word of who answers for an obligation that it was done; and what is due, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalegate.gate import Fold, Journal
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
    run: Annotated[str | None, typer.Option("--run", help="Of an obligation of each lineage: a run of it.")] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign that what the policy obliges to was done.

    Your word counts for one deadline, and for good. Say in the statement what was done and where that can be seen:
    nothing looks at whether it was. After its deadline it is told as late, and where a breach stands it ends nothing.
    """
    from scalegate.cli.project import check_run, signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError
    from scalegate.gate.intake import checked
    from scalegate.gate.obligations import stands
    from scalegate.gate.project import Project
    from scalegate.ledger.entries import ObligationKept
    from scalegate.units import format_instant, parse_instant

    place = Project(project)
    with plain("--deadline"):
        wanted = parse_instant(deadline) if deadline is not None else None
    with writer(place) as journal:
        known = {it.id: it for it in journal.policy.obligations}
        duty = known.get(obligation)
        if duty is None:
            names = ", ".join(f"`{name}`" for name in known)
            what = f"`{obligation}` is not an obligation of the policy in force"
            raise InputError(what, fix=f"one of {names}" if names else "it has none at all")
        if duty.after == "lineage.opened":
            if run is None:
                raise InputError(f"`{obligation}` is due for each lineage", fix="say of which: `--run NAME`")
            check_run(journal, run)
        elif run is not None:
            raise InputError(f"`{obligation}` is the developer's, not a run's", fix="leave `--run` out")
        due = wanted if wanted is not None else next(iter(sorted(_unkept(journal.fold, duty, run))), None)
        if due is None:
            raise InputError(f"every deadline of `{obligation}` is kept", fix="nothing is to be signed")
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
        standing = stands(journal.fold.situation(run or "", now=journal.fold.time), duty, due)
    late, have = made[-1].time > due, len(open_.by) if open_ else duty.kept_by.at_least
    words = f"Signed by {who}: entry {index} of {place.ledger}. It is for what was due on {format_instant(due)}."
    if open_:
        words += f"\n{have} of the {duty.kept_by.at_least} that it takes have signed."
    if late:
        ends = "the breach stands" if standing else "it is told, and ends the breach"
        words += f"\nIt is late: {ends}."
    document = {"entry": index, "deadline": due, "late": late, "signed": have, "needed": duty.kept_by.at_least}
    emit(as_json, document, lambda: words)


def obligations_document(journal: Journal) -> list[dict[str, Any]]:
    """Each obligation with its first deadline that is not kept; one of lineages for each run that is in none other."""
    from scalegate.gate.obligations import obligation_facts
    from scalegate.policy.obliged import name_of
    from scalegate.policy.semantics import number

    fold, now = journal.fold, journal.now()
    found = []
    for duty in journal.policy.obligations:
        for run in fold.runs if duty.after == "lineage.opened" else (None,):
            due = min(_unkept(fold, duty, run), default=None)
            facts = obligation_facts(fold.situation(run or "", now=now), duty)
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
    from scalegate.units import format_instant

    of = f" of run {item['run']}" if item["run"] else ""
    if item["breach"] and not item["late"]:
        return Text(f"{item['obligation']}{of}: it was not kept in time, and that stands.", style="bold red")
    if item["due"] is None:
        return Text(f"{item['obligation']}{of}: nothing more is due.")
    have = f"; {len(item['signed'])} of {item['needed']} have signed" if item["signed"] else ""
    if not item["late"]:
        return Text(f"{item['obligation']}{of}: due by {format_instant(item['due'])}{have}.")
    ends = "that stands" if item["stands"] else f"`scalegate keep {item['obligation']}` ends that"
    words = f"{item['obligation']}{of}: was due by {format_instant(item['due'])}, and is not kept: {ends}{have}."
    return Text(words, style="bold red")


def _unkept(fold: Fold, duty: Obligation, run: str | None) -> Iterator[int]:
    from scalegate.gate.obligations import deadlines

    situation = fold.situation(run or "", now=fold.time)
    yield from deadlines(situation, duty)
