"""The commands that read and write a project. Heavy modules are imported when a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["register"]

ProjectDir = Annotated[Path, typer.Option("--project", "-p", help="Folder with policy.yaml, ledger.db and keys/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str, typer.Option("--as", help="Who you are, as the policy names you.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key", help="Your signing key; default: keys/<you>.key of the project.")
]
RunName = Annotated[str, typer.Option("--run", help="Name of the run.")]
Until = Annotated[str, typer.Option("--until", help="Last day or instant on which it counts: 2027-01-31.")]
Statement = Annotated[str, typer.Option("--statement", help="What you state, in your own words.")]
HERE = Path()


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    template: Annotated[str, typer.Option("--template", help="`starter`, `arithmetic`, or a policy file.")] = "starter",
    as_json: AsJson = False,
) -> None:
    """Make a project: a policy, a key for each of its people, and a ledger that has adopted it."""
    from importlib.resources import files

    from scalegate.cli.show import emit
    from scalegate.gate.project import create_project

    if template in ("starter", "arithmetic"):
        text = files("scalegate.examples").joinpath(f"{template}.yaml").read_text(encoding="utf-8")
    else:
        text = _read_text(Path(template))
    project = create_project(folder, text, name=template)
    document = {"policy": str(project.policy), "ledger": str(project.ledger), "keys": str(project.keys)}
    emit(
        as_json,
        document,
        lambda: (
            f"Made {folder}: policy.yaml, ledger.db and keys/ (one key per person, unencrypted: for trying out).\n"
            f"Next: edit the policy's domains, then call Gate.open in your training script; see\n"
            f"  scalegate status -p {folder}"
        ),
    )


def status(project: ProjectDir = HERE, as_json: AsJson = False) -> None:
    """What the ledger says: policy, runs, compute, and the latest decision of each run."""
    from scalegate.cli.show import decision_view, emit
    from scalegate.cli.status import status_document, status_view
    from scalegate.gate.journal import reading

    with reading(project / "ledger.db") as journal:
        document = status_document(journal)
        decisions = list(journal.fold.latest.values())

        def view() -> Any:
            from rich.console import Group

            return Group(status_view(document), *map(decision_view, decisions))

        emit(as_json, document | {"decisions": [d.to_json() for d in decisions]}, view)


def decide(
    run: RunName,
    project: ProjectDir = HERE,
    action: Annotated[str, typer.Option("--action", help="train, or another action of the policy.")] = "train",
    flops: Annotated[str, typer.Option("--flops", help="Further training compute to ask for: `1e12 FLOP`.")] = "1 FLOP",
    weights: Annotated[
        str | None, typer.Option("--weights", help="Digest of the exact weights (not for train).")
    ] = None,
    configuration: Annotated[str | None, typer.Option("--configuration", help="Digest of the deployment.")] = None,
    record: Annotated[bool, typer.Option("--record/--no-record", help="Write the decision into the ledger.")] = True,
    as_json: AsJson = False,
) -> None:
    """Decide an action for a run; exit 0 on PROCEED, 3 on HOLD."""
    from scalegate import gate
    from scalegate.cli.show import decision_view, emit
    from scalegate.errors import InputError
    from scalegate.gate.facts import effective
    from scalegate.gate.journal import reading
    from scalegate.gate.lineage import members, total
    from scalegate.gate.project import Project
    from scalegate.policy import ACTIONS
    from scalegate.units import parse_flop

    if action not in ACTIONS:
        raise InputError(f"`{action}` is not an action", fix="one of " + ", ".join(ACTIONS))
    place = Project(project)
    asked = parse_flop(flops)
    with place.journal() if record else reading(place.ledger) as journal:
        runs = journal.fold.runs
        compute = effective(journal.policy, total(runs, members(runs, run)) + (asked if action == "train" else 0))
        if record:
            actor = _with_role(journal.policy, "gate", place)
            decision = journal.decide(
                run, action, place.key(actor), actor, compute=compute, weights=weights, configuration=configuration
            )
        else:
            situation = journal.fold.situation(
                run, now=journal.now(), compute=compute, weights=weights, configuration=configuration
            )
            decision = gate.decide(journal.policy, situation, action)
    emit(as_json, decision.to_json(), lambda: decision_view(decision))
    if decision.verdict != "PROCEED":
        raise typer.Exit(3)


def attest(
    safeguard: Annotated[str, typer.Argument(help="Id of the safeguard, as the policy has it.")],
    who: As,
    until: Until,
    statement: Statement,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """State and sign that a safeguard is in place."""
    from scalegate.ledger.entries import Attestation

    _grant(
        project,
        who,
        key,
        as_json,
        lambda common, end: Attestation(**common, safeguard=safeguard, until=end, statement=statement),
        until,
    )


def approve(
    run: RunName,
    level: Annotated[int, typer.Option("--level", help="The level that you sign for.")],
    who: As,
    until: Until,
    statement: Statement,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign for one level of one run, having read its latest decision."""
    from scalegate.errors import InputError
    from scalegate.gate.journal import reading
    from scalegate.ledger.entries import Approval

    with reading(project / "ledger.db") as journal:
        seen = journal.fold.latest.get(run)
    if seen is None:
        raise InputError(f"there is no decision on run `{run}` to sign for", fix=f"scalegate decide --run {run}")
    digest = seen.digest()
    _grant(
        project,
        who,
        key,
        as_json,
        lambda common, end: Approval(**common, run=run, level=level, decision=digest, until=end, statement=statement),
        until,
    )


def adopters(
    tier: Annotated[str, typer.Argument(help="Id of the tier.")],
    who: As,
    until: Until,
    statement: Statement,
    adopter: Annotated[list[str] | None, typer.Option("--adopter", help="A party that has adopted it; repeat.")] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Record and sign who has adopted a tier."""
    from scalegate.ledger.entries import TierStatus

    parties = tuple(adopter or ())
    _grant(
        project,
        who,
        key,
        as_json,
        lambda common, end: TierStatus(**common, tier=tier, adopters=parties, until=end, statement=statement),
        until,
    )


def adopt(
    policy: Annotated[Path, typer.Argument(help="The policy to adopt.")],
    who: As,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign the adoption of a policy. A new version takes the procedure of the one in force."""
    from scalegate.cli.show import emit
    from scalegate.gate import project as projects
    from scalegate.policy import load_policy

    wanted = load_policy(policy)
    place = projects.Project(project)
    with place.journal() as journal:
        in_force = projects.adopt(journal, wanted, who, _key(place, who, key))
    took = in_force == wanted.digest()
    word = "is in force" if took else "has your signature; it takes force when the others have signed too"
    emit(as_json, {"policy": wanted.digest(), "in_force": took}, lambda: f"{wanted.policy} {wanted.version} {word}.")


def report(
    project: ProjectDir = HERE,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; default: report.html of the project.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="The run to report on; default: the latest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML file that a board member can read, from a ledger that verifies."""
    from scalegate.cli.show import emit
    from scalegate.report import write_report

    target = write_report(project / "ledger.db", out or project / "report.html", run=run)
    emit(as_json, {"report": str(target)}, lambda: f"Report: {target}")


def verify(
    ledger: Annotated[Path, typer.Argument(help="The ledger file.")],
    as_json: AsJson = False,
) -> None:
    """Re-derive everything from the entries alone; exit 4 naming the first entry that fails."""
    from scalegate.cli.show import emit
    from scalegate.cli.status import verify_document, verify_view
    from scalegate.gate import replay

    replayed = replay(ledger)
    emit(as_json, verify_document(replayed), lambda: verify_view(replayed))


def policy_check(
    path: Annotated[Path, typer.Argument(help="The policy file.")],
    as_json: AsJson = False,
) -> None:
    """Read a policy and report every fault with its place, or what it says and lacks."""
    from scalegate.cli.show import emit
    from scalegate.cli.status import check_document, check_view
    from scalegate.policy import load_policy

    policy = load_policy(path)
    emit(as_json, check_document(policy), lambda: check_view(policy))


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder to make; the ledger is OUT/ledger.db.")] = Path(
        "scalegate-demo"
    ),
    cadence: Annotated[int, typer.Option("--cadence", help="Evaluate at every such growth of compute.")] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Seed of weights and data.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a small transformer under the example policy: metered, evaluated, held and released."""
    from scalegate.errors import InputError

    try:
        from scalegate.cli.demo import show_demo
    except ModuleNotFoundError as error:
        raise InputError(f"the demo needs `{error.name}`", fix="pip install 'scalegate[torch,report]'") from error
    show_demo(out, cadence=cadence, seed=seed, as_json=as_json)


def _grant(project: Path, who: str, key: Path | None, as_json: bool, make: Any, until: str) -> None:
    """Sign one entry that is meant to count, or say why it would not."""
    from scalegate.cli.show import emit
    from scalegate.errors import InputError
    from scalegate.gate.intake import checked
    from scalegate.gate.project import Project
    from scalegate.units import parse_instant

    place = Project(project)
    end = parse_instant(until)
    with place.journal() as journal:
        now = journal.now()
        if end <= now:
            raise InputError(f"`{until}` is past: the signature would count for nothing", fix="give a later date")
        common = {"actor": who, "time": now, "policy": journal.policy.digest()}
        entry = checked(lambda: make(common, end))
        index = journal.grant(entry, _key(place, who, key))
    emit(as_json, {"entry": index}, lambda: f"Signed by {who}: entry {index} of {place.ledger}")


def _key(place: Any, who: str, key: Path | None) -> Any:
    from scalegate.ledger import SigningKey

    return SigningKey.load(key) if key else place.key(who)


def _with_role(policy: Any, role: str, place: Any) -> str:
    from scalegate.errors import InputError

    for person in policy.people:
        if role in person.roles and (place.keys / f"{person.id}.key").is_file():
            return str(person.id)
    raise InputError(f"no key of a person with role `{role}` in `{place.keys}`", fix="or decide with --no-record")


def _read_text(path: Path) -> str:
    from scalegate.errors import InputError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read `{path}`: {error}", fix="`starter`, `arithmetic`, or a policy file") from error


def register(app: typer.Typer) -> None:
    """Put every command on the app."""
    from scalegate.cli import evidence

    for command in (demo, init, status, decide, attest, approve, adopters, adopt, report, verify):
        app.command(command.__name__)(command)
    policy = typer.Typer(help="Read and check policies.", no_args_is_help=True)
    policy.command("check")(policy_check)
    app.add_typer(policy, name="policy")
    app.add_typer(evidence.app, name="evidence")
