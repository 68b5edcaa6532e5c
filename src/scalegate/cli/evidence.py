"""`scalegate evidence`: announce an evaluation before it runs, and add its result whatever it is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.adding import add_result
from scalegate.cli.attested import attest_result, named_evaluation
from scalegate.cli.backtest import backtest
from scalegate.cli.forecast import forecast, match_loss
from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir, RunName, Withhold
from scalegate.cli.plan import plan
from scalegate.cli.record import record

if TYPE_CHECKING:
    from scalegate.evidence.logs import EvalLog
    from scalegate.gate import Journal
    from scalegate.gate.project import Project
    from scalegate.ledger import SigningKey
    from scalegate.ledger.entries import EvaluationAnnounced, EvaluationFinished

__all__ = ["announcement", "app", "bring", "fields_of"]

app = typer.Typer(help="Plan and announce evaluations, and add results.", no_args_is_help=True)
app.command("plan")(plan)
app.command("backtest")(backtest)
app.command("forecast")(forecast)
app.command("match-loss")(match_loss)
app.command("record")(record)
app.command("attest")(attest_result)
FIELDS = (
    "JSON with `evaluation` (the name that announce printed), `weights`, `domain`, `outcomes` (true, false or null"
    " per sample), `assumptions` (sentences), `elicitation_flops`, `elicitation_method`, `evaluation_flops`;"
    " and `clusters` (of each outcome a text, the same for those that are alike: questions on one passage), and"
    " `elicited` (how the recipe was chosen, the recovery curve, the control and probes), which may be left out."
)

Reached = Annotated[
    bool,
    typer.Option("--reached", help="Sign it although few samples have an outcome, and these reach the alarm for good."),
]


@app.command("announce")
def announce(
    run: RunName,
    weights: Annotated[str, typer.Option("--weights", help="Digest of the recorded weights, or their files.")],
    domain: Annotated[str, typer.Option("--domain", help="Domain of the policy.")],
    task: Annotated[str, typer.Option("--task", help="What will be run.")],
    task_version: Annotated[str, typer.Option("--task-version", help="Its version.")],
    dataset: Annotated[str, typer.Option("--dataset", help="SHA-256 of the samples.")],
    samples: Annotated[int, typer.Option("--samples", help="How many samples.")],
    who: As,
    elicited: Annotated[bool, typer.Option("--elicited/--as-is", help="On a fine-tuned copy, or as it is.")] = True,
    elicitation_flops: Annotated[
        str | None,
        typer.Option("--elicitation-flops", help="Compute to reserve for it, before it is spent: `1e12 FLOP`."),
    ] = None,
    configuration: Annotated[
        str | None, typer.Option("--configuration", help="SHA-256 of the deployment configuration that is evaluated.")
    ] = None,
    score: Annotated[
        str | None, typer.Option("--score", help="Which counts, where its log has several scores: said beforehand.")
    ] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write down that an evaluation is about to start.

    Only an announced evaluation may rule out, and only elicitation that was reserved in the ledger counts.
    Prints the name of the evaluation, which its result must give.
    """
    from scalegate.cli.project import check_run, signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.weights import weights_of
    from scalegate.gate.clustering import takes_all
    from scalegate.gate.project import Project

    place = Project(project)
    weights = weights_of(weights, project, as_json=as_json)
    about = {"run": run, "weights": weights, "domain": domain, "configuration": configuration}
    about |= {"task": task, "task_version": task_version, "dataset": dataset, "score": score}
    with writer(place) as journal:
        check_run(journal, run)
        signing = signer(journal.policy, place, who, key)
        entry, index = announcement(
            journal, place, who, signing, about, samples, elicited=elicited, flops=elicitation_flops
        )
    name = entry.evaluation
    stops = f"It may end early, by this rule: {entry.stopping}.\n" if entry.stopping else ""
    if entry.stopping and takes_all(entry.stopping):
        stops = f"What counts is {entry.stopping}. Every sample is taken.\n"
    where = "" if project == HERE else f" --project {shlex.quote(str(project))}"
    emit(
        as_json,
        {"entry": index, "evaluation": name},
        lambda: (
            f"Announced as entry {index}: evaluation {name}\n{stops}"
            f"Its result, whatever it is: scalegate evidence add FILE --as {who}{where}\n"
            "`scalegate evidence add --help` says what FILE holds."
        ),
    )


def announcement(
    journal: Journal,
    place: Project,
    who: str,
    signing: SigningKey,
    about: Mapping[str, str | None],
    samples: int,
    *,
    elicited: bool,
    flops: str | None,
) -> tuple[EvaluationAnnounced, int]:
    """Sign that an evaluation is about to start, and reserve its elicitation; with the entry's number.

    Of another kind of evidence than a capability it is as it is, whatever `elicited` says.
    Raises InputError for one that could rule out nothing, whatever it shows.
    """
    import secrets

    from scalegate.cli.project import elicitation
    from scalegate.cli.wording import plain
    from scalegate.gate.held import success_of
    from scalegate.gate.intake import check_plan, check_weights, checked
    from scalegate.gate.stopping import rule_for
    from scalegate.ledger.entries import EvaluationAnnounced
    from scalegate.units import parse_flop

    with plain():
        check_weights(journal, str(about["weights"]), about["domain"], about["run"])
        fields = {**about, "actor": who, "time": journal.now(), "policy": journal.policy.digest()}
        of = journal.policy.domain(str(about["domain"]))
        elicited &= of.of_capability
        fields |= {"evaluation": secrets.token_hex(32), "kind": of.kind, "success": success_of(of)}
        entry = checked(
            lambda: EvaluationAnnounced.model_validate(
                fields
                | {
                    "samples": samples,
                    "stopping": rule_for(journal.policy, str(about["domain"]), samples),
                    "elicitation": "fine-tuning" if elicited else "none",
                }
            )
        )
    with plain("--elicitation-flops"):
        reserved = parse_flop(flops) if flops is not None else 0
    with plain():
        check_plan(journal, entry, reserved)
    index = journal.grant(entry, signing, *([elicitation(journal, place, entry, reserved)] if reserved else []))
    return entry, index


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help=FIELDS)],
    who: As,
    reached: Reached = False,
    withhold: Withhold = False,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a result, whatever it shows.

    Announced and complete, it may rule out; any other may still show a capability reached. The file is copied into the
    evidence beside the ledger, unless it is withheld.
    """
    from scalegate.evidence.logs import TURNED
    from scalegate.gate.held import is_held
    from scalegate.gate.intake import read_result

    def read(journal: Journal) -> tuple[EvaluationFinished, tuple[str, ...]]:
        entry = read_result(file, journal, who)
        of = journal.fold.attempts.get(entry.evaluation)
        held = is_held(journal.policy, of.announced if of else None, entry.domain)
        return entry, ((TURNED,) if held else ())

    fields = "see `scalegate evidence add --help` for the fields"
    add_result(file, read, who, project, key, as_json, reached, None if withhold else (file,), fields)


@app.command("import")
def import_log(
    file: Annotated[Path, typer.Argument(help="A log of Inspect, or a folder of lm-evaluation-harness.")],
    who: As,
    assumptions: Annotated[
        list[str],
        typer.Option("--assumption", help="What must be true for it to mean anything; once for each, one at least."),
    ],
    evaluation: Annotated[
        str | None, typer.Option("--evaluation", help="The name that announce printed; without, it was not announced.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", help="Digest of the weights, or their files, of what was not announced.")
    ] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="Its domain, of what was not announced.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="SHA-256 of the samples that it ran: it has to be what was announced."),
    ] = None,
    score: Annotated[
        str | None, typer.Option("--score", help="Which of several scores counts; default: that which was announced.")
    ] = None,
    task: Annotated[str | None, typer.Option("--task", help="Which of several tasks of a folder.")] = None,
    cluster_by: Annotated[
        str | None,
        typer.Option(
            "--cluster-by", help="Field of the samples (their metadata, or what was asked) that says which are alike."
        ),
    ] = None,
    elicitation_flops: Annotated[
        str | None, typer.Option("--elicitation-flops", help="Compute that was spent on elicitation: `1e12 FLOP`.")
    ] = None,
    elicitation_method: Annotated[
        str | None, typer.Option("--elicitation-method", help="What was done to draw the capability out, in words.")
    ] = None,
    evaluation_flops: Annotated[
        str, typer.Option("--evaluation-flops", help="Compute that the evaluation itself took.")
    ] = "0 FLOP",
    reached: Reached = False,
    withhold: Withhold = False,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Add what a log says, sample by sample.

    What its header claims is counted again, and a log that says otherwise is refused, as is one of something else than
    was announced or that was begun before. A sample that is missing, errored, cut off, refused or edited has no
    outcome: it is named, and is nowhere a failure of the capability. `inspect eval --metadata
    scalegate_evaluation=NAME` makes a log that names the evaluation that it is of.
    """
    from scalegate.cli.weights import weights_of

    weights = weights_of(weights, project, as_json=as_json) if weights is not None else None
    said = {"evaluation": evaluation, "weights": weights, "domain": domain, "elicitation_method": elicitation_method}
    said |= {"elicitation_flops": elicitation_flops, "evaluation_flops": evaluation_flops, "dataset": dataset}
    found = fields_of(said, assumptions)
    bring(file, score, found, who, project, key, as_json, task, cluster_by, reached, withhold)


def fields_of(said: Mapping[str, str | None], assumptions: list[str]) -> dict[str, object]:
    """What is said of a log on the command line, as fields of a result."""
    from scalegate.cli.wording import plain
    from scalegate.units import parse_flop

    found: dict[str, object] = {**said, "assumptions": assumptions}
    for name in ("elicitation_flops", "evaluation_flops"):
        text = said[name]
        with plain(f"--{name.replace('_', '-')}"):
            found[name] = str(parse_flop(text)) if text is not None else None
    return found


def bring(
    file: Path,
    score: str | None,
    said: dict[str, object],
    who: str,
    project: Path,
    key: Path | None,
    as_json: bool,
    task: str | None = None,
    cluster_by: str | None = None,
    reached: bool = False,
    withhold: bool = False,
) -> None:
    """Read a log and add what it says."""
    from scalegate.errors import InputError, Place
    from scalegate.evidence.inspect_log import read_inspect
    from scalegate.evidence.lm_eval_log import is_lm_eval, read_lm_eval
    from scalegate.evidence.logs import named, of_danger, where_all_agree
    from scalegate.gate.announced_logs import word_of_the_evaluator
    from scalegate.gate.intake import read_log
    from scalegate.gate.project import Project

    if task is not None and not is_lm_eval(file):
        raise InputError("`--task` is of a folder of lm-evaluation-harness", place=Place(file=str(file)))

    def read_score(score: str | None) -> EvalLog:
        lm_eval = is_lm_eval(file)
        found = read_lm_eval(file, score, task, cluster_by) if lm_eval else read_inspect(file, score, cluster_by)
        return of_danger(found) if held else found

    announced, held = _announced(Project(project), said)
    log = read_score(score or (announced.score if announced else None))
    if announced is not None and announced.score is None and len(log.scores) > 1:
        # Whoever chooses among scores once they are there may choose what suits them.
        log = where_all_agree(log, [read_score(it) for it in log.scores if it != log.score])

    def read(journal: Journal) -> tuple[EvaluationFinished, tuple[str, ...]]:
        entry = read_log(log, said, journal, who)
        of = journal.fold.attempts.get(entry.evaluation)
        dataset = said.get("dataset")
        word = word_of_the_evaluator(log, of.announced if of else None, str(dataset) if dataset is not None else None)
        return entry, (*log.notes, *named(log.samples), *word)

    parts = tuple(map(Path, log.parts or (log.file,)))
    fields = "what was announced has it, by `--evaluation`; else options do: see `scalegate evidence import --help`"
    add_result(file, read, who, project, key, as_json, reached, None if withhold else parts, fields)


def _announced(place: Project, said: dict[str, object]) -> tuple[EvaluationAnnounced | None, bool]:
    """What was announced by the name that was given, or by the one that begins so, which is then `said`; and whether a
    success in its log is that something held.

    Raises InputError where a name is given that none, or more than one, begins with."""
    from scalegate.cli.project import reader
    from scalegate.gate.held import is_held

    name = str(said.get("evaluation") or "")
    with reader(place) as journal:
        if not name:
            return None, is_held(journal.policy, None, str(said.get("domain")))
        known = {it: one.announced for it, one in journal.fold.attempts.items() if one.announced is not None}
        left = [it[:12] for it in known if journal.fold.attempts[it].finished is None]
        due = f"announced and without a result: {', '.join(f'`{it}`' for it in left)}" if left else None
        due = due or "every one that was announced has its result"
        said["evaluation"] = mine = named_evaluation(known, name, "--evaluation", due)
        return known[mine], is_held(journal.policy, known[mine], "")
