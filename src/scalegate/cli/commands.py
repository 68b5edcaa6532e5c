"""The commands that read and write a project. Heavy modules are imported when a command runs."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from scalegate.cli.options import HERE, AsJson, ProjectDir, RunName, policy_file

__all__ = ["register"]

TEMPLATES = ("starter", "frontier", "floor", "arithmetic")
NAMES = ", ".join(f"`{name}`" for name in TEMPLATES)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make, or to add a project to.")],
    template: Annotated[
        str,
        typer.Option("--template", help=f"{NAMES}, a policy file, or NAME@VERSION of a published one."),
    ] = "starter",
    key: Annotated[
        Path | None, typer.Option("--key", help="Signing key of the person who signs the adoption; else one is made.")
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", help="Keep the ledger in PostgreSQL: postgresql://USER@HOST/DATABASE?schema=NAME."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a project: policy, keys, and a ledger.

    The policy is a commented template for you to edit. Each of its people with `key: unset` gets a key, and the
    ledger starts with the adoption of the policy. In earnest, people make their own keys first (`scalegate key new`):
    a `keys/NAME.key` that is in FOLDER already is NAME's, and no other is made. With `--ledger`, the project's
    ledger.db is a file that names the ledger, in place of being it.
    """
    from difflib import get_close_matches

    from scalegate.cli.passphrases import asker, load
    from scalegate.cli.show import emit
    from scalegate.errors import InputError
    from scalegate.examples import read_example
    from scalegate.gate.project import create_project

    own = template not in TEMPLATES and Path(template).exists()
    near = get_close_matches(template, TEMPLATES, 1)
    if near and near[0] != template and not Path(template).exists():
        raise InputError(f"`--template {template}`: there is no such template", fix=f"did you mean `{near[0]}`?")
    file = None if template in TEMPLATES else _named(template, quiet=as_json)
    text = read_example(template) if file is None else _read_text(file)
    adopter = load(key) if key else None
    beside = file.parent if file else None
    tests = _situations(template, file)
    theirs = {it.name for it in (folder / "keys").glob("*.key")}
    project = create_project(
        folder,
        text,
        name=template,
        adopter=adopter,
        beside=beside,
        laid_out=file is None,
        address=ledger,
        ask=asker(),
    )
    situations = project.policy.with_name("policy.tests.yaml")
    if tests is not None and not situations.exists():
        situations.write_text(tests, encoding="utf-8")
    document = {"policy": str(project.policy), "ledger": str(project.ledger), "keys": str(project.keys)}
    document |= {"address": ledger} if ledger else {}
    named = f"ledger.db names the ledger: {ledger}\n" if ledger else ""
    emit(
        as_json,
        document,
        lambda: (
            f"Made {folder}: policy.yaml, ledger.db and keys/.\n{named}"
            f"{_made_here({it.name for it in project.keys.glob('*.key')} - theirs)}\n"
            f"Next:\n{_numbered(_next(folder, project.policy, own=own, tested=situations.exists()))}"
        ),
    )


def _made_here(made: set[str]) -> str:
    """What is said of the keys that were made."""
    if made == {"log.key"}:
        return "keys/log.key was made here, unencrypted: whoever has it writes the log. All others were there already."
    return (
        "keys/ holds the keys made here, unencrypted: for trying out. In earnest each person makes their own"
        " (`scalegate key new NAME`)."
    )


def _named(template: str, *, quiet: bool) -> Path:
    """The file of a policy. Raises InputError with the templates, where nothing has this name."""
    from scalegate.errors import InputError

    try:
        return policy_file(Path(template), quiet=quiet)
    except InputError as error:
        fix = f"one of {NAMES}, a file, or a published policy: `scalegate policy list` shows those"
        raise InputError(f"`--template {template}`: there is no such template, file or policy", fix=fix) from error


def _situations(template: str, file: Path | None) -> str | None:
    """The text of the situation tests of a policy, where it has any."""
    from scalegate.examples import read_example

    if file is None:
        return read_example(f"{template}.tests")
    beside = file.with_suffix(".tests.yaml")
    return _read_text(beside) if beside.is_file() else None


def _next(folder: Path, policy: Path, *, own: bool, tested: bool) -> list[str]:
    """What to do with a new project. `own`: its policy is in force as it is, and no template that is to be edited."""
    adopt = f"scalegate adopt {quote(str(policy))} --project {quote(str(folder))} --as ..., once for each who must sign"
    check = f"scalegate policy check {quote(str(policy))}"
    check += f", then scalegate policy test {quote(str(policy))}" if tested else ""
    edit = [f"edit {policy}: figures, people, evaluations, and its `version`", check, adopt]
    last = f"scalegate status --project {quote(str(folder))}"
    return [*([check] if own else edit), "call Gate.open in your training script", last]


def _numbered(steps: list[str]) -> str:
    return "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1))


def status(project: ProjectDir = HERE, as_json: AsJson = False) -> None:
    """Show the policy, the runs, and their latest decisions.

    It also says what came after a decision and has not been decided on yet.
    """
    from scalegate.cli.project import known, reader
    from scalegate.cli.show import decision_view, emit
    from scalegate.cli.status import status_document, status_view, undecided_view
    from scalegate.gate.project import Project

    with reader(Project(project)) as journal:
        document = status_document(journal, project)
        decisions = list(journal.fold.latest.values())
        ended = {item["run"]: item["ended"] for item in document["runs"]}

        def view() -> Any:
            from rich.console import Group

            parts = [status_view(document)]
            for it in decisions:
                undecided = undecided_view(document, it.run)
                # Of what is done already nobody is told to do it again: deciding again says what is left.
                named = None if undecided else known(journal, project, it.run)
                parts.append(decision_view(it, known=named, ended=ended.get(it.run, False), since=undecided))
            return Group(*parts)

        emit(as_json, document | {"decisions": [d.to_json() for d in decisions]}, view)


def decide(
    run: RunName,
    project: ProjectDir = HERE,
    action: Annotated[str, typer.Option("--action", help="train, or another action of the policy.")] = "train",
    flops: Annotated[
        str | None,
        typer.Option("--flops", help="What if it trained `1e12 FLOP` further? Not recorded, unless asked to."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", help="Digest of the exact weights, or their files (not for train).")
    ] = None,
    configuration: Annotated[
        str | None, typer.Option("--configuration", help="Digest of the deployment (not for train).")
    ] = None,
    record: Annotated[
        bool | None, typer.Option("--record/--no-record", help="Write the decision into the ledger; default: yes.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide an action for a run: exit 0 PROCEED, 3 HOLD."""
    from scalegate import gate
    from scalegate.cli.project import (
        check_action,
        check_nothing_waits,
        check_run,
        known,
        reader,
        signer,
        take_up,
        with_role,
        writer,
    )
    from scalegate.cli.show import console, decision_view, emit
    from scalegate.cli.weights import weights_of
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError
    from scalegate.gate.facts import effective
    from scalegate.gate.lineage import members, total
    from scalegate.gate.project import Project
    from scalegate.gate.since import asked_again
    from scalegate.units import parse_flop

    wanted = check_action(action)
    if wanted == "train" and (weights or configuration):
        raise InputError(
            "`--weights` and `--configuration` are not for `train`", fix="leave them out, or give another `--action`"
        )
    if wanted != "train" and flops is not None:
        raise InputError("`--flops` is for `train` alone", fix="leave it out")
    weights = weights_of(weights, project, as_json=as_json) if weights is not None else None
    if wanted == "release_weights" and configuration:
        raise InputError("released weights have no configuration", fix="leave `--configuration` out")
    _digest("--configuration", configuration)
    place = Project(project)
    with plain("--flops"):
        asked = parse_flop(flops or "1 FLOP")
    kept = record if record is not None else flops is None
    with writer(place) if kept else reader(place) as journal:
        check_run(journal, run)
        runs = journal.fold.runs
        compute = effective(journal.policy, total(runs, members(runs, run)) + (asked if wanted == "train" else 0))
        last = journal.fold.latest.get(run)
        if wanted == "train" and flops is None and last is not None and last.policy == journal.policy.digest():
            # What the script last asked for: less would be a verdict on something that nobody is about to do.
            compute = max(compute, asked_again(journal.fold, last))
        if kept:
            actor = with_role(journal.policy, place, "gate").id
            key = signer(journal.policy, place, actor, None)
            take_up(journal, place)
            decision = journal.decide(
                run, wanted, key, actor, compute=compute, weights=weights, configuration=configuration
            )
        else:
            check_nothing_waits(journal, place)
            situation = journal.fold.situation(
                run, now=journal.now(), compute=compute, weights=weights, configuration=configuration
            )
            decision = gate.decide(journal.policy, situation, wanted)
        of_it = known(journal, project, run)
    emit(as_json, decision.to_json(), lambda: decision_view(decision, known=of_it))
    if not kept and not as_json:
        console.print("Not recorded: it changes nothing and permits nothing.", style="bold")
    if decision.verdict != "PROCEED":
        raise typer.Exit(3)


def report(
    project: ProjectDir = HERE,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; default: report.html of the project.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="The run to report on; default: the latest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML page for a board member.

    The ledger must verify. The same ledger gives the same bytes.
    """
    from scalegate.cli.project import ledger_of
    from scalegate.cli.show import emit
    from scalegate.gate.project import Project
    from scalegate.report import write_report

    target = write_report(ledger_of(Project(project)), out or project / "report.html", run=run)
    emit(as_json, {"report": str(target)}, lambda: f"Report: {target}")


def verify(
    ledger: Annotated[
        str,
        typer.Argument(help="The ledger file, its address in PostgreSQL, the folder of an exported log, or a bundle."),
    ],
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="A checkpoint that you hold: the ledger must be a growth of it."),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="A trust file: whose key the log must have, and whose cosignatures."),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Work forecasts out again too, from their results and tables.")
    ] = False,
    evidence: Annotated[
        Path | None,
        typer.Option("--evidence", help="Folder of its evidence; default: `evidence` beside it."),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Exit 4 where evidence is missing that no entry withholds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a ledger and re-derive its decisions.

    Everything is derived from the entries alone; of `--deep` also from the tables kept beside the ledger. Exit 4,
    naming the first entry that fails. Only a checkpoint or a key that you got elsewhere shows that nobody rewrote it.
    Evidence that entries name is compared where it is here; what a signed entry withholds is said to be.
    """
    from rich.console import Group
    from rich.text import Text

    from scalegate.cli.bundle import evidence_lines
    from scalegate.cli.show import emit
    from scalegate.cli.status import verify_document, verify_view
    from scalegate.errors import InputError, Place
    from scalegate.evidence.folder import evidence_beside
    from scalegate.gate import replay
    from scalegate.gate.deep import recompute
    from scalegate.gate.named_evidence import look_at
    from scalegate.gate.unbundle import is_bundle, verify_bundle
    from scalegate.ledger.named import is_address, shown
    from scalegate.ledger.note import lines_of, read_note
    from scalegate.ledger.trust_file import read_trust

    if not is_address(ledger) and (Path(ledger) / "ledger.db").is_file():
        raise InputError("this is a folder", place=Place(file=ledger), fix=f"give the file: `{ledger}/ledger.db`")
    if deep and is_address(ledger):
        fix = "name the file that names the ledger: tables are kept beside it"
        raise InputError("`--deep` takes a ledger by its file", place=Place(file=shown(ledger)), fix=fix)
    known = read_trust(trust) if trust is not None else None
    held = read_note(checkpoint) if checkpoint is not None else None
    if held is not None:
        try:
            lines_of(held)
        except InputError as error:
            fix = "give what `scalegate ledger checkpoint` or `cosign` wrote"
            raise InputError(error.message, place=Place(file=str(checkpoint)), fix=fix) from error
    if evidence is not None and not evidence.is_dir():
        fix = "name the folder with the evidence, or leave `--evidence` out"
        raise InputError("there is no such folder of evidence", place=Place(file=str(evidence)), fix=fix)
    path = Path(ledger)
    if not is_address(ledger) and is_bundle(path):
        if deep or evidence is not None:
            what = "`--deep` and `--evidence` are of a ledger, not of a bundle"
            raise InputError(what, place=Place(file=ledger), fix="leave them out: its evidence is in it")
        unbundled = verify_bundle(path, trust=known, held=held, whole=whole)
        replayed, found, forecasts = unbundled.replayed, unbundled.evidence, None
    else:
        replayed = replay(ledger, trust=known, held=held)
        beside = None if is_address(ledger) or path.is_dir() else evidence_beside(path)
        found = look_at(replayed.fold, evidence or beside, ledger=shown(ledger), whole=whole)
        forecasts = recompute(replayed.fold, path) if deep else None
    document = verify_document(replayed, forecasts) | {"evidence": found.document()}
    emit(as_json, document, lambda: Group(verify_view(replayed, forecasts), *map(Text, evidence_lines(found))))


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder to make; the ledger is OUT/ledger.db.")] = Path(
        "scalegate-demo"
    ),
    cadence: Annotated[int, typer.Option("--cadence", help="Evaluate at every such growth of compute: 2 to 4.")] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Seed of weights and data.")] = 0,
    scenario: Annotated[
        str, typer.Option("--scenario", help="`arithmetic`, or `sandbagger`: a model that hides what it can do.")
    ] = "arithmetic",
    as_json: AsJson = False,
) -> None:
    """Train a small transformer under a policy.

    It is metered, evaluated, held and released, under the example policy `arithmetic`, in some minutes on two cores.
    """
    from scalegate.errors import InputError, lacking

    if scenario not in ("arithmetic", "sandbagger"):
        raise InputError(f"`--scenario`: there is no scenario `{scenario}`", fix="`arithmetic` or `sandbagger`")
    if scenario == "sandbagger" and cadence != 4:
        raise InputError("`--cadence` is of the scenario `arithmetic`", fix="leave it out")
    try:
        from scalegate.cli.demo import show_demo
        from scalegate.cli.sandbagger import show_sandbagger
    except ModuleNotFoundError as error:
        raise lacking("the demo", error.name, "torch,report") from error
    if scenario == "sandbagger":
        show_sandbagger(out, seed=seed, as_json=as_json)
        return
    show_demo(out, cadence=cadence, seed=seed, as_json=as_json)


def _digest(option: str, text: str | None) -> None:
    """Raise InputError unless this is a SHA-256 in hex, or nothing."""
    from scalegate.errors import InputError

    if text is not None and (len(text) != 64 or set(text) - set("0123456789abcdef")):
        raise InputError(f"`{option}`: `{text}` is not a digest", fix="write the 64 characters of 0-9 and a-f")


def _read_text(path: Path) -> str:
    from scalegate.errors import InputError, Place

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(
            f"the template cannot be read: {reason[:1].lower() + reason[1:]}",
            place=Place(file=str(path)),
            fix=f"give {NAMES}, or a policy file",
        ) from error


def register(app: typer.Typer) -> None:
    """Put every command on the app."""
    from scalegate.cli import assumption, candidate, evidence, incident, key, ledger, policy, weights, witness
    from scalegate.cli.bundle import bundle
    from scalegate.cli.claim import claim_risk
    from scalegate.cli.evaluate import evaluate
    from scalegate.cli.keep import keep
    from scalegate.cli.serve import join, serve
    from scalegate.cli.sign import adopt, adopters, approve, attest, determine, except_

    signing = (attest, approve, determine, claim_risk, except_, keep, adopters, adopt)
    for command in (demo, init, status, decide, evaluate, *signing, report, verify, bundle, serve, join):
        app.command(command.__name__.rstrip("_").replace("_", "-"))(command)
    app.add_typer(policy.app, name="policy")
    app.add_typer(ledger.app, name="ledger")
    app.add_typer(witness.app, name="witness")
    app.add_typer(evidence.app, name="evidence")
    app.add_typer(candidate.app, name="candidate")
    app.add_typer(assumption.app, name="assumption")
    app.add_typer(incident.app, name="incident")
    app.add_typer(key.app, name="key")
    app.add_typer(weights.app, name="weights")

    from scalegate.cli import across, candidate, whatif

    whatif.register(policy.app)
    across.register(policy.app)
