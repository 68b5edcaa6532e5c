"""What witnesses cosigned, recorded in the ledger, and told in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from scalegate.gate import Journal
    from scalegate.gate.project import Project

__all__ = ["project_of", "recorded", "told", "witnessed_document", "witnessed_lines"]


def project_of(file: str) -> Project:
    """The project that a ledger is of. Raises InputError if it lies in none."""
    from scalegate.errors import InputError, Place
    from scalegate.gate.project import Project
    from scalegate.ledger.named import shown

    project = Project(Path(file).parent)
    if project.ledger.name != Path(file).name or not project.keys.is_dir():
        what = "this ledger is in no project, and so nobody's key is beside it"
        raise InputError(what, place=Place(file=shown(file)), fix="name the `ledger.db` of a project's folder")
    return project


def recorded(project: Project, note: str, who: str, key: Path | None, *, proof: bool = False) -> dict[str, Any]:
    """Write a cosigned checkpoint into the ledger, signed by `who`, and say what it comes to.

    Raises InputError where it would count for nothing. Where it is the proof of two histories it raises NotVerified,
    unless `proof` says that it is to be written all the same: the ledger is unsound from then on.
    """
    from scalegate.cli.project import signer, writer
    from scalegate.cli.wording import plain
    from scalegate.errors import NotVerified, Place
    from scalegate.gate.intake import checked
    from scalegate.ledger.entries import CheckpointWitnessed

    with writer(project) as journal:
        signing, place = signer(journal.policy, project, who, key), Place(file=str(project.ledger))

        def entry() -> CheckpointWitnessed:
            common: dict[str, Any] = {"actor": who, "time": journal.now(), "policy": journal.policy.digest()}
            with plain():
                made = checked(lambda: CheckpointWitnessed(**common, note=note))
            found = journal.fold.witnessing.read(journal.policy, journal.fold.size, made).proof
            if found is not None and not proof:
                fix = "keep it with a copy of the ledger: the two prove it to anybody. `--proof` records it, for good"
                raise NotVerified(f"it proves {found}; nothing was written", place=place, fix=fix)
            return made

        index = journal.grant(entry, signing)
        return {"entry": index, "witnessed": witnessed_document(journal), "faults": list(journal.fold.faults)}


def told(document: dict[str, Any], project: Project, who: str) -> str:
    """The same in words."""
    lines = [f"Recorded by {who}: entry {document['entry']} of {project.ledger}."]
    lines += [str(line) for line in witnessed_lines(document["witnessed"])]
    lines += [f"! {fault}" for fault in document["faults"]]
    return "\n".join(lines)


def witnessed_document(journal: Journal) -> list[dict[str, Any]]:
    """Each clause that asks for witnesses, with up to when they vouch for the ledger and how long that counts."""
    from scalegate.gate.witnessing import vouched_upto, witness_names
    from scalegate.policy.clause_figures import value_at
    from scalegate.policy.witnessed import witness_clauses

    policy, now = journal.policy, journal.now()
    cosigned = journal.fold.witnessing.under(policy)
    found = []
    for clause in witness_clauses(policy):
        upto, have = vouched_upto(policy, clause, cosigned)
        within = value_at(policy, clause.within, now)
        until = None if upto is None or within is None else upto + within
        found.append(
            {
                "clause": clause.id,
                "needed": clause.at_least,
                "have": have,
                "witnesses": list(witness_names(clause)),
                "upto": upto,
                "until": until,
                "counts": until is not None and now <= until,
            }
        )
    return found


def witnessed_lines(document: list[dict[str, Any]]) -> list[Text]:
    """One line for each."""
    from scalegate.units import format_instant

    lines = []
    for item in document:
        names = f"{item['needed']} of {len(item['witnesses'])} witnesses"
        if item["upto"] is None:
            words = f"{item['clause']}: asks for {names}, and {item['have']} have cosigned this ledger"
        else:
            words = f"{item['clause']}: {names} vouch for the ledger up to {format_instant(item['upto'])}"
            if item["until"] is not None:
                words += f", which {'counts' if item['counts'] else 'counted'} until {format_instant(item['until'])}"
        fix = "" if item["counts"] else "; `scalegate ledger cosign --record` asks them again"
        lines.append(Text(f"{words}{fix}.", style="" if item["counts"] else "bold yellow"))
    return lines
