"""How a ledger, a verification and a policy look in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scalegate.gate import Journal, Replayed
from scalegate.gate.adequacy import inadequate
from scalegate.gate.lineage import members, total
from scalegate.policy import Policy
from scalegate.units import format_flop

__all__ = ["check_document", "check_view", "status_document", "status_view", "verify_document", "verify_view"]

Document = dict[str, Any]


def status_document(journal: Journal) -> Document:
    """Policy in force, size of the ledger, and the compute of each run."""
    fold, policy = journal.fold, journal.policy
    return {
        "policy": f"{policy.policy} {policy.version}",
        "policy_digest": policy.digest(),
        "first_key": fold.records[0].entry.actor if fold.records else None,
        "entries": fold.size,
        "enforcement": fold.enforcement,
        "runs": [
            {
                "run": name,
                "flops": str(run.used()),
                "training": str(run.used("training")),
                "elicitation": str(run.used("elicitation")),
                "lineage_flops": str(total(fold.runs, members(fold.runs, name))),
                "weights": [{"digest": digest, "trained": str(flops)} for digest, flops in run.weights.items()],
                "faults": run.faults,
            }
            for name, run in fold.runs.items()
        ],
        "faults": fold.faults,
        "ignored": fold.ignored,
    }


def status_view(document: Document) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for name in ("run", "training", "elicitation", "lineage", "meter"):
        table.add_column(name)
    for run in document["runs"]:
        amounts = [format_flop(int(run[key])) for key in ("training", "elicitation", "lineage_flops")]
        table.add_row(escape(run["run"]), *amounts, escape("; ".join(run["faults"])) or "sound")
    lines: list[RenderableType] = [
        Text(f"{document['policy']} ({document['policy_digest'][:12]}), {document['entries']} entries"),
        Text(f"Genesis: the first key is that of `{document['first_key']}`; nothing older vouches for it."),
        table if document["runs"] else Text("No run has been opened yet."),
    ]
    lines += [
        Text(f"{run['run']}: latest recorded weights {run['weights'][-1]['digest']}")
        for run in document["runs"]
        if run["weights"]
    ]
    lines += [Text(f"! {fault}", style="bold red") for fault in document["faults"]]
    lines += [Text(f"counts for nothing: {reason}", style="yellow") for reason in document["ignored"]]
    return Group(*lines)


def verify_document(replayed: Replayed) -> Document:
    return {
        "verified": True,
        "entries": replayed.entries,
        "checkpoints": replayed.checkpoints,
        "decisions": replayed.decisions,
        "proceeds": replayed.proceeds,
        "holds": replayed.holds,
        "root": replayed.root,
        "origin": replayed.origin,
        "log_key": replayed.log_key,
        "faults": list(replayed.faults),
        "ignored": list(replayed.ignored),
    }


def verify_view(replayed: Replayed) -> RenderableType:
    lines = [
        Text("VERIFIED", style="bold green"),
        Text(f"{replayed.entries} entries under {replayed.checkpoints} signed checkpoints of {replayed.log_key}"),
        Text(
            f"{replayed.decisions} decisions re-derived, byte for byte the same:"
            f" {replayed.proceeds} PROCEED, {replayed.holds} HOLD"
        ),
        Text(f"root {replayed.root}"),
        Text("Not proved: that what people signed is true, that the log's key is the one you know, or that no other"),
        Text("run, meter or ledger exists. Compare the root with one that you got elsewhere."),
    ]
    lines += [Text(f"! {fault}", style="bold red") for fault in replayed.faults]
    lines += [Text(f"counts for nothing: {reason}", style="yellow") for reason in replayed.ignored]
    return Group(*lines)


def check_document(policy: Policy) -> Document:
    return {
        "policy": f"{policy.policy} {policy.version}",
        "digest": policy.digest(),
        "inadequate": list(inadequate(policy)),
        "clauses": [
            {"id": c.id, "kind": c.kind, "modality": c.modality, "gates": c.gates, "actions": list(c.actions)}
            for c in policy.clauses
        ],
    }


def check_view(policy: Policy) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for name in ("clause", "kind", "gates", "says"):
        table.add_column(name, overflow="fold")
    for clause in policy.clauses:
        gates = ", ".join(clause.actions) if clause.gates else f"nothing ({clause.modality})"
        table.add_row(escape(clause.id), clause.kind, gates, escape(clause.text))
    reasons = [Text("THIS POLICY IS INADEQUATE TO ENSURE SAFETY", style="bold white on red")]
    reasons += [Text(f"- {reason}") for reason in inadequate(policy)]
    head = Text(f"{policy.policy} {policy.version} reads without a fault ({policy.digest()[:12]}).")
    return Group(Panel(Group(*reasons), border_style="red"), head, table)
