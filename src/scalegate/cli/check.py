"""`scalegate policy check`: whether a policy reads, what it lacks, where it is weak, and what it would hold now."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalegate.cli.options import AsJson, PolicyName, policy_file

if TYPE_CHECKING:
    from scalegate.gate.adoption import Adoption
    from scalegate.policy import Policy

__all__ = ["adoption_document", "check"]

Document = dict[str, Any]


def check(
    policy_name: PolicyName,
    since: Annotated[
        Path | None, typer.Option("--since", help="The version before: tell what is weaker, stricter and changed.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", help="A project's folder: tell what the policy would hold there, adopted now."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 3 if there is a weakness, or it would not come into force.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read a policy: its faults, or what it says and lacks.

    A policy without a fault is read for weaknesses too. A weakness refuses nothing, and no option hides one.
    """
    from scalegate.cli.show import emit
    from scalegate.cli.weak import check_view
    from scalegate.gate.beginning import cannot_begin
    from scalegate.gate.goes_on import refused_of
    from scalegate.policy import load_policy
    from scalegate.policy.lints import changed_since, check_policy
    from scalegate.policy.lints.elicited import spent_only
    from scalegate.policy.lints.marks import marked
    from scalegate.policy.lints.misspelt_roles import misspelt_roles
    from scalegate.policy.places import places

    path = policy_file(policy_name, quiet=as_json)
    policy = load_policy(path)
    before = load_policy(policy_file(since, quiet=as_json)) if since else None
    text = path.read_text(encoding="utf-8")
    place = places(text, file=str(path))
    today = int(time.time())
    document = check_document(policy, today)
    found = (
        *cannot_begin(policy, today),
        *misspelt_roles(policy),
        *spent_only(policy),
        *marked(text),
        *check_policy(policy, today),
    )
    document["lints"] = [_lint(it, place) for it in found]
    if before is not None:
        changes = [_lint(it, place) for it in changed_since(before, policy, today)]
        name, refused = f"{before.policy} {before.version}", refused_of(before, policy, today)
        document["since"] = {"policy": name, "refused": refused, "changes": changes}
    if against is not None:
        document["against"] = adoption_document(_read_against(policy, against))
    emit(as_json, document, lambda: check_view(document))
    told = [*document["lints"], *document.get("since", {}).get("changes", [])]
    barred = any(document.get(name, {}).get("refused") for name in ("since", "against"))
    if strict and (barred or any(it["severity"] == "weakness" for it in told)):
        raise typer.Exit(3)


def check_document(policy: Policy, today: int) -> Document:
    """What a policy says, lacks and covers."""
    from scalegate.gate.adequacy import inadequate
    from scalegate.policy.lints import coverage, modalities
    from scalegate.report.floors import floor_views

    return {
        "policy": f"{policy.policy} {policy.version}",
        "digest": policy.digest(),
        "inadequate": list(inadequate(policy)),
        "floors": [asdict(it) | {"text": it.text} for it in floor_views(policy)],
        "clauses": [
            {
                "id": c.id,
                "kind": c.kind,
                "modality": c.modality,
                "gates": c.gates,
                "actions": list(c.actions),
                "text": c.text,
            }
            for c in policy.clauses
        ],
        "modalities": modalities(policy),
        "coverage": [
            {"component": it.component, "question": it.question, "has": list(it.has), "lacks": list(it.lacks)}
            for it in coverage(policy, today)
        ],
    }


def _lint(lint: Any, place: Any) -> Document:
    found = place(lint.path, lint.words)
    return {
        "code": lint.rule.code,
        "severity": lint.rule.severity,
        "title": lint.rule.title,
        "why": lint.rule.why,
        "about": lint.about,
        "path": ".".join(map(str, lint.path)),
        "place": {"file": found.file, "line": found.line, "column": found.column},
        "what": lint.what,
        "fix": lint.fix or None,
    }


def _read_against(policy: Policy, folder: Path) -> Adoption:
    from scalegate.cli.project import reader
    from scalegate.gate.adoption import read_against
    from scalegate.gate.project import Project

    with reader(Project(folder), "--against") as journal:
        return read_against(journal.fold, policy, journal.now())


def adoption_document(adoption: Adoption) -> Document:
    """As `--json` has it."""
    return {
        "decisions": adoption.decisions,
        "holds": adoption.holds,
        "starts_anew": adoption.starts_anew,
        "refused": adoption.refused,
        "keys": list(adoption.keys),
        "runs": [{"run": it.run, "verdict": it.verdict, "clauses": it.clauses} for it in adoption.outlooks],
        "record": [{"clause": it.clause, "decisions": it.decisions, "holds": it.holds} for it in adoption.record],
    }
