"""How a ledger and a verification look in a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from scalegate.cli.assumption import assumption_lines, broken_document
from scalegate.cli.budgets import budget_lines, risk_budgets, unbounded_lines, unbounded_said
from scalegate.cli.candidate import candidate_lines, candidates_document
from scalegate.cli.keep import obligation_line, obligations_document
from scalegate.cli.record import record_document
from scalegate.cli.scale_caps import scale_cap_lines, scale_caps_of
from scalegate.cli.show import count
from scalegate.cli.witnessed import witnessed_document, witnessed_lines
from scalegate.errors import ScalegateError
from scalegate.gate import Decision, Fold, Journal, Replayed
from scalegate.gate.amending import pending, weakened, words
from scalegate.gate.exceptions import told
from scalegate.gate.hands import told as told_of_keys
from scalegate.gate.lineage import members, total
from scalegate.gate.since import Since, ended, latest_decision, otherwise, outdated, since, to_decide
from scalegate.ledger.outside import Outside
from scalegate.ledger.served import ServedLedger
from scalegate.policy import ACTIONS, Policy, load_policy
from scalegate.training.beside import kept_beside
from scalegate.training.left import waiting
from scalegate.units import format_flop, format_instant

__all__ = [
    "status_document",
    "status_view",
    "undecided_view",
    "verify_document",
    "verify_view",
]

Document = dict[str, Any]
_NOT_HERE = (
    "What waits beside the ledger to be written, and may hold a run, is not known here: `scalegate status` tells it"
    " where the ledger is, and so does the server's /status."
)


def status_document(journal: Journal, folder: Path = Path()) -> Document:
    """Policy in force, size of the ledger, and each run with its compute and what it has not been decided on yet.

    `folder` is that of the project, for the commands that are named.
    """
    fold, policy = journal.fold, journal.policy
    latest = {name: latest_decision(fold, name, "train") for name in fold.runs}
    decided_at = {name: found[0] if found else None for name, found in latest.items()}
    return {
        "policy": f"{policy.policy} {policy.version}",
        "policy_digest": policy.digest(),
        "floors": [f"{it.policy} {it.version}" for it in policy.floors],
        "first_key": fold.records[0].entry.actor if fold.records else None,
        "first_time": fold.records[0].entry.time if fold.records else None,
        "keys": list(told_of_keys(fold)),
        "entries": fold.size,
        "enforcement": fold.enforcement,
        "runs": [
            {
                "run": name,
                "decided_at": decided_at[name],
                "now": _now(fold, latest[name], journal.now()),
                "flops": str(run.used()),
                "training": str(run.used("training")),
                "elicitation": str(run.used("elicitation")),
                "lineage_flops": str(total(fold.runs, members(fold.runs, name))),
                "weights": [{"digest": digest, "trained": str(flops)} for digest, flops in run.weights.items()],
                "faults": run.faults,
                "ended": (it := latest[name]) is not None and ended(fold, it[1], journal.now()),
                "undecided": _undecided(fold, name, decided_at[name]),
                "otherwise": _otherwise(fold, latest[name], journal.now()),
                "outdated": (made := latest[name]) is not None and outdated(fold, made[1], journal.now()),
                "scale_caps": scale_caps_of(fold, name, journal.now()),
                "decide": to_decide(name, project=str(folder)),
            }
            for name, run in fold.runs.items()
        ],
        "open": [
            {
                "evaluation": name,
                "run": attempt.announced.run,
                "domain": attempt.announced.domain,
                "samples": attempt.announced.samples,
                "weights": attempt.announced.weights,
                "by": attempt.announced.actor,
                "since": attempt.announced.time,
            }
            for name, attempt in fold.attempts.items()
            if attempt.announced is not None and attempt.finished is None
        ],
        "exceptions": list(_exceptions(fold, journal.now())),
        "amendment": list(_pending(fold)),
        "obligations": obligations_document(journal),
        "witnessed": witnessed_document(journal),
        "broken_assumptions": broken_document(journal),
        "undefined_tests": candidates_document(journal),
        "record": record_document(fold),
        "risk_budgets": risk_budgets(journal),
        "unbounded": unbounded_said(journal),
        "file": _file(folder, policy, fold),
        "faults": list(fold.unsound),
        # Of a ledger that is served elsewhere it lies there.
        "waiting": None
        if isinstance(journal.ledger, ServedLedger)
        else waiting(journal, kept_beside(journal.ledger.path)),
        "ignored": fold.ignored,
    }


def _exceptions(fold: Fold, now: int) -> Iterator[Document]:
    """What goes on by an exception, as deciding again gives it now: of each run and action."""
    for name in fold.runs:
        for action in ACTIONS:
            found = latest_decision(fold, name, action)
            if found is None:
                continue
            made = otherwise(fold, found[1], now) or found[1]
            if made.exception is not None:
                yield {"run": name, "action": action, "exception": told(made.exception)}
            elif found[1].exception is not None:
                ended = ", ".join(f"`{it}`" for it in found[1].exception.exceptions)
                yield {"run": name, "action": action, "exception": f"EXCEPTION {ended} has ended: it may not go on."}


def _file(folder: Path, policy: Policy, fold: Fold) -> str | None:
    """What is to be said of a project's policy file that is not the policy in force."""
    path = folder / "policy.yaml"
    if not path.is_file():
        return f"there is no file {path}; the policy in force is the one in the ledger."
    try:
        given = load_policy(path)
    except ScalegateError as error:
        return f"{path} cannot be read as a policy ({error}); the one in force is as it was."
    if given.digest() == policy.digest() or any(digest == given.digest() for digest, _ in fold.votes):
        # What some have signed for already is told where it is told who may still.
        return None
    adopt = shlex.join(["scalegate", "adopt", str(path), "-p", str(folder), "--as", "NAME"])
    taken = fold.versions.get(given.version, given.digest()) != given.digest()
    first = f"give it a version of its own (another policy had `{given.version}` before), then " if taken else ""
    return f"{path} is not the policy in force. To adopt it: {first}{adopt}"


def _pending(fold: Fold) -> Iterator[Document]:
    for item in pending(fold):
        weaker = weakened(fold, item.policy)
        yield asdict(item) | {"weaker": list(weaker), "told": words(item, weaker)}


def _now(fold: Fold, latest: tuple[int, Decision] | None, now: int) -> str:
    """What its latest training decision comes to now."""
    if latest is None:
        return "not decided"
    made = latest[1]
    if made.verdict == "PROCEED":
        return "permit ended" if ended(fold, made, now) else "PROCEED"
    way_out, exception = made.resumption, made.exception
    word = "STOP" if way_out and way_out.stop else "HOLD"
    return f"{word}, by exception" if exception and not ended(fold, made, now) else word


def _undecided(fold: Fold, run: str, decided_at: int | None) -> Document | None:
    """What came after the run's latest training decision and could matter to it; None if nothing did."""
    if decided_at is None:
        return None
    after = since(fold, run, decided_at)
    return {"entries": after.number, "kinds": after.kinds} if after.number else None


def _otherwise(fold: Fold, latest: tuple[int, Decision] | None, now: int) -> Document | None:
    """What deciding again now gives, where that is something else than the latest training decision."""
    again = otherwise(fold, latest[1], now) if latest else None
    if again is None:
        return None
    permit, way_out = again.reach, again.resumption
    return {
        "verdict": "STOP" if way_out and way_out.stop else again.verdict,
        "because": way_out.because if way_out else (),
        "permit": {"compute": str(permit.compute), "time": permit.time} if permit else None,
    }


def undecided_view(document: Document, run: str) -> list[Text]:
    """That signatures or results came after the latest decision on the run: nothing counts until it is decided on."""
    item = next((item for item in document["runs"] if item["run"] == run), None)
    if item is None:
        return []
    found, again = item["undecided"], item["otherwise"]
    lines = []
    if found is not None:
        later = count(found["entries"], "later entry", "later entries")
        lines.append(f"{run}: not decided on yet: {later} that could matter ({Since(found['kinds'])}).")
    if again is not None:
        held, permit = f", by {', '.join(again['because'])}" if again["because"] else "", again["permit"]
        if permit:
            held = f", up to {format_flop(int(permit['compute']))} and up to {format_instant(permit['time'])}"
        lines.append(f"{run}: decided again now it would be {again['verdict']}{held}.")
    if item["outdated"] and not lines:
        lines.append(f"{run}: what would release it is no longer what it was.")
    if item["ended"] and not lines:
        lines.append(f"{run}: decided again now it would be as it was.")
    if lines:
        lines[-1] += f" To decide again: {item['decide']}"
    return [Text(line, style="bold yellow") for line in lines]


def status_view(document: Document) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for name in ("run", "now", "its training", "its elicitation", "all of its lineage", "meter"):
        table.add_column(name)
    for run in document["runs"]:
        amounts = [format_flop(int(run[key])) for key in ("training", "elicitation", "lineage_flops")]
        table.add_row(escape(run["run"]), run["now"], *amounts, escape("; ".join(run["faults"])) or "sound")
    lines: list[RenderableType] = [
        *(
            Text(f"{item['action']} {item['run']}: {item['exception']}", style="bold white on magenta")
            for item in document["exceptions"]
        ),
        Text(_began(document["first_key"], document["first_time"])),
        Text(
            f"Policy in force: {document['policy']} (digest {document['policy_digest'][:12]}...)."
            f" The ledger has {count(document['entries'], 'entry', 'entries')}."
        ),
        *([Text(f"It stands on {', '.join(document['floors'])}.")] if document["floors"] else []),
        table if document["runs"] else Text("No run has been opened yet."),
    ]
    lines += [
        Text(f"{run['run']}: latest recorded weights {run['weights'][-1]['digest']}")
        for run in document["runs"]
        if run["weights"]
    ]
    lines += [Text(line) for run in document["runs"] for line in scale_cap_lines(run)]
    lines += [
        Text(f"{run['run']}: no training decision yet. To decide: {run['decide']}")
        for run in document["runs"]
        if run["decided_at"] is None
    ]
    lines += [Text(document["file"], style="bold yellow")] if document["file"] else []
    lines += [Text(item["told"], style="bold yellow") for item in document["amendment"]]
    lines += [Text(f"{it}.", style="bold yellow") for it in document["keys"]]
    lines += [obligation_line(item) for item in document["obligations"]]
    lines += witnessed_lines(document["witnessed"])
    lines += assumption_lines(document["broken_assumptions"])
    lines += candidate_lines(document["undefined_tests"])
    lines += [
        Text(
            f"{item['run']}: open since {format_instant(item['since'])}: evaluation {item['evaluation']} of"
            f" `{item['domain']}`, {item['samples']} samples, announced by `{item['by']}`. It may be the reason for a"
            " hold; `scalegate evidence add` closes it, with `null` for each sample that has no outcome.",
            style="bold yellow",
        )
        for item in document["open"]
    ]
    lines += _missed(document["record"])
    lines += (Text(line, style="bold red") for line in unbounded_lines(document["unbounded"]))
    lines += map(Text, budget_lines(document["risk_budgets"]))
    lines += [Text(f"! {fault}", style="bold red") for fault in document["faults"]]
    lines += [
        Text(f"! kept beside the ledger, and written when a run is opened: {it}", style="bold red")
        for it in document["waiting"] or ()
    ]
    if document["waiting"] is None:
        lines.append(Text(_NOT_HERE, style="bold yellow"))
    lines += [Text(f"grants nothing: {reason}", style="yellow") for reason in document["ignored"]]
    return Group(*lines)


def _missed(rows: list[Document]) -> list[Text]:
    """One line, if any alarm was ruled out wrongly."""
    missed = sum(row["missed"] for row in rows)
    if not missed:
        return []
    claims = sum(row["claims"] for row in rows)
    line = f"Of {count(claims, 'alarm')} ruled out, {missed} turned out wrong: `scalegate evidence record` tells which."
    return [Text(line, style="bold red")]


def _began(signer: str | None, time: int | None) -> str:
    """Whose key began the log, and when they say that was; nothing inside it can vouch for that."""
    if signer is None or time is None:
        return "Genesis: the ledger is empty, and nobody's key began it."
    since = f"since {format_instant(time)} by their own clock"
    return f"Genesis: the first key is that of `{signer}`, {since}; nothing older vouches for it."


def verify_document(replayed: Replayed, forecasts: int | None = None) -> Document:
    """`forecasts`: how many were worked out again; None: that was not asked for."""
    deep: Document = {} if forecasts is None else {"forecasts": forecasts}
    return {
        "verified": True,
        "entries": replayed.entries,
        "checkpoints": replayed.checkpoints,
        "decisions": replayed.decisions,
        "proceeds": replayed.proceeds,
        "holds": replayed.holds,
        "excepted": replayed.excepted,
        "root": replayed.root,
        "origin": replayed.origin,
        "log_key": replayed.log_key,
        "first_key": replayed.fold.records[0].entry.actor if replayed.fold.records else None,
        "first_time": replayed.fold.records[0].entry.time if replayed.fold.records else None,
        "keys": list(told_of_keys(replayed.fold)),
        "faults": list(replayed.faults),
        "ignored": list(replayed.ignored),
        "trusted": replayed.trusted,
        "outside": _outside_document(replayed.outside, replayed.entries),
        **deep,
    }


def _outside_document(outside: Outside | None, entries: int) -> Document | None:
    if outside is None:
        return None
    return {
        "size": outside.checkpoint.size,
        "root": outside.checkpoint.root.hex(),
        "entry": outside.entry,
        "later": entries - outside.checkpoint.size,
        "cosigned": [{"witness": key.to_text(), "time": at} for key, at in outside.cosigned],
    }


def _outside_words(outside: Outside, entries: int) -> str:
    size = outside.checkpoint.size
    of = "from outside" if outside.entry is None else f"that its entry {outside.entry} has"
    said = f"It is a growth of the {count(size, 'entry', 'entries')} under the checkpoint {of}"
    by = ", ".join(f"{key.name} on {format_instant(at)}" for key, at in outside.cosigned)
    said += f", cosigned by {by}." if by else ", which no witness that is trusted cosigned."
    if size == entries:
        return f"{said} It covers all of them."
    later = f"for the {entries - size} that came after" if entries - size > 1 else "for the one that came after"
    return f"{said} It covers {size} of {entries}: {later} nobody vouches but the log's key."


def verify_view(replayed: Replayed, forecasts: int | None = None) -> RenderableType:
    began = verify_document(replayed)
    excepted = f", of which {replayed.excepted} went on by an exception" if replayed.excepted else ""
    lines = [
        Text.assemble(("VERIFIED", "bold green"), f". {_began(began['first_key'], began['first_time'])}"),
        Text(
            f"Every entry is whole and in its place: {count(replayed.entries, 'entry', 'entries')}"
            f" under {count(replayed.checkpoints, 'checkpoint')} signed by the log's key."
        ),
        Text(
            f"{count(replayed.decisions, 'decision')} taken again from the entries before each, and byte for byte the"
            f" same: {replayed.proceeds} PROCEED, {replayed.holds} HOLD{excepted}."
        ),
        Text(f"Log's key: {replayed.log_key}"),
        Text(f"Root, which stands for all entries: {replayed.root}"),
    ]
    if replayed.outside is not None:
        lines.append(Text(_outside_words(replayed.outside, replayed.entries)))
    unknown = "" if replayed.trusted else " that the log's key is the one you know,"
    compare = "" if replayed.trusted and replayed.outside else " Compare the root and the key with those that you got"
    lines.append(
        Text(
            f"Not proved: that what people signed is true,{unknown} or that no other run, meter or ledger exists."
            f"{compare and f'{compare} elsewhere.'}"
        )
    )
    if forecasts is not None:
        again = f"{count(forecasts, 'forecast')} worked out again: no bound is lower than its results give."
        lines.insert(-1, Text(again if forecasts else "There is no forecast that counts to work out again."))
    lines += [Text(f"{it}.", style="bold yellow") for it in began["keys"]]
    lines += [Text(f"! {fault}", style="bold red") for fault in replayed.faults]
    lines += [Text(f"grants nothing: {reason}", style="yellow") for reason in replayed.ignored]
    return Group(*lines)
