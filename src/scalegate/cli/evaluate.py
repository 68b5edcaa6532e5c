"""`scalegate evaluate`: announce an evaluation, run it with Inspect, and add what came of it, in one command."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir, RunName, Withhold

__all__ = ["evaluate"]

PROVIDERS = ("hf/",)
"""Of which it is known what they load where they are told a path."""
ELSEWHERE = (
    *(
        "model_path",
        "tokenizer_path",
        "tokenizer",
        "revision",
        "subfolder",
        "adapter_kwargs",
        "gguf_file",
        "state_dict",
    ),
    *("trust_remote_code", "code_revision", "variant", "config"),
)
"""Arguments of a model of `hf/` by which something else would be loaded than stands in the folder."""


def evaluate(
    task: Annotated[str, typer.Argument(help="A task of Inspect: `file.py@name`, or `package/name`.")],
    model: Annotated[str, typer.Option("--model", help="The model as Inspect names it: `hf/local`.")],
    run: RunName,
    domain: Annotated[str, typer.Option("--domain", help="Domain of the policy.")],
    assumptions: Annotated[
        list[str],
        typer.Option("--assumption", help="What must be true for it to mean anything; once for each, one at least."),
    ],
    who: As,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights", help="Digest of the recorded weights, or their files; default, `--as-is`: of `--from`."
        ),
    ] = None,
    loaded_from: Annotated[
        Path | None,
        typer.Option("--from", help="What the model is loaded from: its digest is taken, before and after."),
    ] = None,
    elicited: Annotated[
        bool, typer.Option("--elicited/--as-is", help="The model is a fine-tuned copy, or is as it is.")
    ] = True,
    elicitation_flops: Annotated[
        str | None, typer.Option("--elicitation-flops", help="Compute that was spent on the copy: `1e12 FLOP`.")
    ] = None,
    elicitation_method: Annotated[
        str | None, typer.Option("--elicitation-method", help="What was done to draw the capability out, in words.")
    ] = None,
    evaluation_flops: Annotated[
        str, typer.Option("--evaluation-flops", help="Compute that the evaluation itself takes.")
    ] = "0 FLOP",
    configuration: Annotated[
        str | None, typer.Option("--configuration", help="SHA-256 of the deployment configuration that is evaluated.")
    ] = None,
    score: Annotated[str | None, typer.Option("--score", help="Which of several scores counts.")] = None,
    cluster_by: Annotated[
        str | None,
        typer.Option("--cluster-by", help="Field of the samples' metadata that says which of them are alike."),
    ] = None,
    task_args: Annotated[list[str] | None, typer.Option("-T", help="For the task: `name=value`.")] = None,
    model_args: Annotated[list[str] | None, typer.Option("-M", help="For the model: `name=value`.")] = None,
    most_at_once: Annotated[
        int | None, typer.Option("--max-samples", help="How many samples run side by side.", min=1)
    ] = None,
    withhold: Withhold = False,
    logs: Annotated[Path | None, typer.Option("--log-dir", help="Where the log goes; default: logs/ there.")] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a task of Inspect on a model, and add its result.

    It is announced first, with the digest of its samples. They are taken in an order that nobody chose, and where the
    domain has a rule for `stopping`, no more are begun once that has ended. With `--from` a model of `hf/` is loaded
    from there, and the digest of the files is that of the weights, or of the fine-tuned copy, which is written into the
    result; without it, that the model has these weights is the evaluator's word.
    """
    from scalegate.cli.evidence import announcement, bring, fields_of
    from scalegate.cli.project import check_run, signer, writer
    from scalegate.cli.weights import weights_of
    from scalegate.errors import InputError, Place, ScalegateError
    from scalegate.evidence.files import files_digest
    from scalegate.evidence.inspect_log import EVALUATION, WEIGHTS
    from scalegate.evidence.inspect_run import load_task, run_task
    from scalegate.evidence.logs import cluster_of
    from scalegate.gate.project import Project
    from scalegate.gate.stopping import look_alpha, rule_of, shuffled

    loaded = load_task(task, _pairs("-T", task_args or ()))
    arguments = _pairs("-M", model_args or ())
    if cluster_by is not None:
        for sample in loaded.task.dataset:
            cluster_of(sample.metadata, cluster_by, str(sample.id), Place(task))
    weights = weights_of(weights, project, as_json=as_json) if weights is not None else None
    found = files_digest(loaded_from) if loaded_from is not None else None
    if loaded_from is not None:
        arguments = _loading(model, loaded_from, arguments)
    weights = weights or (found if not elicited else None)
    if weights is None:
        raise InputError(
            "`--weights` is missing", fix="name the recorded weights that the fine-tuned copy, or the model, is of"
        )
    # A checkpoint's entry may name these files by their manifest.
    other = found not in (None, weights) and not elicited
    if other and weights_of(str(loaded_from), project, as_json=as_json) != weights:
        raise InputError(
            f"the files have the digest {found}, and `--weights` is {weights}", place=Place(str(loaded_from))
        )
    place = Project(project)
    with writer(place) as journal:
        check_run(journal, run)
        signing = signer(journal.policy, place, who, key)
        policy = journal.policy
        known = {it.id: it for it in policy.domains}.get(domain)
        if known is not None and known.stopping is not None and loaded.epochs > 1:
            raise InputError(
                f"the task takes each sample {loaded.epochs} times, and a rule that stops early counts each once",
                fix="set its `epochs` to 1",
            )
        if known is not None and not known.of_capability and elicited:
            what = f"`{domain}` is evidence of {known.kind}: the model is evaluated as it is, and no fine-tuned copy"
            raise InputError(what, fix="add `--as-is`")
        counts = elicited or (known is not None and not known.of_capability)
        if known is not None and known.clusters is None and counts and loaded.epochs > 1:
            raise InputError(
                f"the task takes each sample {loaded.epochs} times, and `{domain}` has no `clusters`: what comes of one"
                " sample again and again would count as so many samples",
                fix="set its `epochs` to 1, or write `clusters` into the domain",
            )
        about = {"run": run, "weights": weights, "domain": domain, "configuration": configuration}
        about |= {"task": loaded.name, "task_version": loaded.version, "dataset": loaded.dataset, "score": score}
        entry, _ = announcement(
            journal, place, who, signing, about, loaded.samples, elicited=elicited, flops=elicitation_flops
        )
    order = shuffled(entry.evaluation, loaded.ids)
    rule = rule_of(policy.domain(domain), look_alpha(policy), loaded.samples)
    folder = logs or place.folder / "logs"
    names = {EVALUATION: entry.evaluation} | ({WEIGHTS: weights} if found is not None else {})
    try:
        file = run_task(
            *(loaded, order, rule, model, arguments, folder),
            score=score,
            most_at_once=most_at_once,
            metadata=names,
            held=entry.held,
        )
        if loaded_from is not None and files_digest(loaded_from) != found:
            raise InputError("the files changed while it ran", place=Place(str(loaded_from)))
    except ScalegateError as error:
        raise InputError(
            f"{error.message}; evaluation {entry.evaluation} is announced, and holds the run until it has a result",
            place=error.place,
            fix="run it again with Inspect, and add its log with `scalegate evidence import --evaluation`",
        ) from error
    if found is not None and elicited:
        elicitation_method = f"{elicitation_method or 'fine-tuning'}; a copy with the files {found}"
    said = {"elicitation_flops": elicitation_flops, "elicitation_method": elicitation_method}
    said |= {"evaluation": entry.evaluation, "evaluation_flops": evaluation_flops, "dataset": loaded.dataset}
    told = fields_of(said, assumptions)
    bring(file, score, told, who, project, key, as_json, None, cluster_by, False, withhold)


def _loading(model: str, path: Path, arguments: dict[str, object]) -> dict[str, object]:
    """The arguments with which Inspect loads a model from there, and nowhere else.

    Raises InputError for another provider than `hf/`, which may load anything, and for arguments that say otherwise.
    """
    from scalegate.errors import InputError

    if not model.startswith(PROVIDERS):
        raise InputError(
            f"`--from`: nobody can tell what `{model}` loads", fix="leave it out, or take `--model hf/local`"
        )
    other = next((it for it in ELSEWHERE if it in arguments), None)
    if other is not None:
        raise InputError(f"`-M {other}` and `--from` are both given", fix=f"leave `-M {other}` out")
    return {**arguments, "model_path": str(path), "tokenizer_path": str(path)}


def _pairs(option: str, given: Iterable[str]) -> dict[str, object]:
    """Values as JSON has them, and as text where they are none."""
    from scalegate.errors import InputError

    found: dict[str, object] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name.isidentifier() or not equals:
            raise InputError(f"`{option}`: `{text}` is not `name=value`")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
