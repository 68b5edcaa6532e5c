"""`scalegate policy`: read a policy, and say what each of its clauses asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli import language, reading
from scalegate.cli.check import check
from scalegate.cli.options import AsJson, PolicyName, policy_file

if TYPE_CHECKING:
    from scalegate.policy import Policy
    from scalegate.policy.compile import CompiledClause
    from scalegate.policy.document import Action

__all__ = ["app"]

app = typer.Typer(help="Read and check policies.", no_args_is_help=True)


app.command("check")(check)


@app.command("explain")
def explain(
    path: PolicyName,
    clause: Annotated[str | None, typer.Argument(help="The id of one clause; without it, all of them.")] = None,
    action: Annotated[str, typer.Option("--action", help="train, or another action of the policy.")] = "train",
    as_json: AsJson = False,
) -> None:
    """Show the condition that decides each clause.

    It stands beside the sentence that it is to say, and is the very condition that the gate evaluates. A parameter is
    named in it, with its values below.
    """
    from scalegate.cli.project import check_action
    from scalegate.cli.show import emit
    from scalegate.errors import InputError, Place
    from scalegate.policy import load_policy
    from scalegate.policy.compile import compile_policy

    policy = load_policy(policy_file(path, quiet=as_json))
    wanted = check_action(action)
    compiled = [it for it in compile_policy(policy, wanted, by_name=True) if clause in (None, it.clause.id)]
    if not compiled:
        known = [it.id for it in policy.clauses if wanted in it.actions]
        what = f"no clause `{clause}` is about `{wanted}`" if clause else f"no clause is about `{wanted}`"
        fix = f"one of {', '.join(known)}" if known else "give `--action` with another one"
        raise InputError(what, place=Place(file=str(path)), fix=fix)
    documents = [_document(policy, it) for it in compiled]
    whole = {"policy": f"{policy.policy} {policy.version}", "action": wanted, "clauses": documents}
    emit(as_json, whole, lambda: "\n\n".join(_view(policy, it, wanted) for it in compiled))


def _document(policy: Policy, compiled: CompiledClause) -> dict[str, object]:
    from scalegate.policy.dating import parameters_of
    from scalegate.policy.parameters import name_of, shown_values
    from scalegate.policy.show import show_condition
    from scalegate.policy.vocabulary import named

    known, clause = named(policy), compiled.clause
    parts = {"in_force": compiled.in_force, "binds": compiled.binds, "condition": compiled.condition}
    return {
        "id": clause.id,
        "kind": clause.kind,
        "modality": clause.modality,
        "gates": clause.gates,
        "text": clause.text,
        "source": str(clause.source),
        **{name: show_condition(expr, known) for name, expr in parts.items()},
        "parameters": {
            name_of(it): list(shown_values(it))
            for it in policy.parameters
            if name_of(it) in parameters_of(compiled.condition)
        },
    }


def _view(policy: Policy, compiled: CompiledClause, action: Action) -> str:
    from scalegate.policy.dating import parameters_of
    from scalegate.policy.document import NextLevel
    from scalegate.policy.lifted import signed_away
    from scalegate.policy.next_level import lacks
    from scalegate.policy.parameters import name_of, shown_values
    from scalegate.policy.show import lay_out
    from scalegate.policy.syntax import All, undefined
    from scalegate.policy.vocabulary import named

    known, clause = named(policy), compiled.clause
    gates = "gates" if clause.gates else "gates nothing"
    lines = [f"{clause.id}: {clause.kind}, {clause.modality}, {gates}", f'  "{clause.text}"']
    lines.append(f"  {clause.source}")
    for name, expr in (("in force", compiled.in_force), ("binds", compiled.binds), ("met", compiled.condition)):
        if expr != All(()):
            lines += [f"  {name} if", *lay_out(expr, known, 2)]
    for it in policy.parameters:
        if name_of(it) in parameters_of(compiled.condition):
            lines += [f"  {name_of(it)} is", *(f"    {value}" for value in shown_values(it))]
    if isinstance(clause, NextLevel):
        lines.append(f"  {lacks(policy, clause, [action]) or f'level {clause.next} is defined in this policy'}.")
    if undefined(compiled.condition):
        away = signed_away(policy, clause, (compiled.condition,))
        lines.append(f"  What is `undefined` has no test yet: it is never met, and {away}.")
    return "\n".join(lines)


reading.register(app)
language.register(app)
