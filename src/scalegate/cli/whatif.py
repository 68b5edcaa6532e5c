"""`scalegate policy try` and `scalegate policy test`: what a policy says of situations that somebody states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import AsJson, PolicyName, policy_file

if TYPE_CHECKING:
    from scalegate.policy import Policy
    from scalegate.policy.semantics import Value

__all__ = ["pairs_of", "register", "stated_by"]


def try_situation(
    path: PolicyName,
    action: Annotated[str, typer.Option("--action", help="train, or another action of the policy.")] = "train",
    facts: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FACT=VALUE", help="A fact, as `policy explain` names it; once for each."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask what a policy says of a situation.

    You state the facts: exit 0 PROCEED, 3 HOLD. It is a what-if: no decision, and nothing is written. Values are
    written as in a policy: `--set 'compute=3e22 FLOP' --set now=2026-11-01 --set bio.ruled_out=yes`, and `unknown` for
    any. A `*` stands for each name that the policy gives: `'*.reached=no'`, `'approval.2.*.until=2027-01-31'`. What is
    not stated is unknown, but for what only a ledger can tell, which is assumed and shown.
    """
    from scalegate.cli.project import check_action
    from scalegate.cli.show import emit
    from scalegate.cli.tried import try_document, try_view
    from scalegate.gate.whatif import what_if
    from scalegate.policy import load_policy

    path = policy_file(path, quiet=as_json)
    policy = load_policy(path)
    wanted = check_action(action)
    stated = stated_by(policy, pairs_of(facts or ()))
    tried = what_if(policy, wanted, stated)
    emit(as_json, try_document(tried, stated), lambda: try_view(tried, stated))
    if not tried.proceeds:
        raise typer.Exit(3)


def check_situations(
    path: PolicyName,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Files of situations; default: POLICY.tests.yaml beside the policy."),
    ] = None,
    coverage: Annotated[
        bool,
        typer.Option("--coverage", help="List what shows each clause; a clause that no situation is about fails."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the situation tests of a policy.

    A file says what the policy must say of situations. Each gives facts as `policy try` takes them, and expects a
    verdict, what holds, the status of clauses, or how far a PROCEED reaches. Exit 0 if all comes out as expected, 3 if
    a situation does not, 2 if a file cannot be read.
    """
    from scalegate.cli.show import emit
    from scalegate.cli.tested import tests_document, tests_view
    from scalegate.gate.expectations import read_expected
    from scalegate.gate.trials import covered, tried
    from scalegate.policy import load_policy

    path = policy_file(path, quiet=as_json)
    policy = load_policy(path)
    read = [(file, read_expected(file, policy)) for file in files or [_beside(path)]]
    done = [(file, [tried(policy, it) for it in expected]) for file, expected in read]
    trials = [trial for _, of in done for trial in of]
    found = covered(policy, trials)
    emit(as_json, tests_document(policy, done, found), lambda: tests_view(policy, done, found, whole=coverage))
    untried = coverage and any(not it.met and not it.held for it in found)
    if untried or not all(trial.passed for trial in trials):
        raise typer.Exit(3)


def register(app: typer.Typer) -> None:
    """Put the commands on `scalegate policy`."""
    app.command("try")(try_situation)
    app.command("test")(check_situations)


def _beside(policy: Path) -> Path:
    """The file of situations beside a policy. Raises InputError if there is none."""
    from scalegate.errors import InputError, Place

    file = policy.with_name(f"{policy.stem}.tests.yaml")
    if not file.is_file():
        raise InputError(
            "there are no situations beside this policy",
            place=Place(file=str(policy)),
            fix=f"write them into `{file}`, or name their file",
        )
    return file


def pairs_of(given: Iterable[str]) -> list[tuple[str, str]]:
    """Name and value of each option. Raises InputError for the first that is no such pair."""
    from scalegate.errors import InputError

    found = []
    for text in given:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            raise InputError(f"`--set {name}{sign}{value}`: it states no fact", fix="write `compute=1e13 FLOP`")
        found.append((name, value))
    return found


def stated_by(policy: Policy, pairs: Sequence[tuple[str, str]]) -> dict[str, Value]:
    """The facts of the options. Raises InputError for the first that states none."""
    from scalegate.errors import InputError
    from scalegate.policy.stated import impossible, stated

    facts, faults = stated(policy, pairs)
    for index, fault in faults:
        name, value = pairs[index]
        raise InputError(f"`--set {name}={value}`: {fault.message}", fix=fault.fix)
    wrong = impossible(policy, facts)
    if wrong:
        raise wrong
    return facts
