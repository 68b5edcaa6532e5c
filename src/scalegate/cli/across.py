"""`scalegate policy across`: one situation, stated once, put to several policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import AsJson, policy_file

if TYPE_CHECKING:
    from scalegate.gate.across import Compared

__all__ = ["register"]


def put_across(
    policies: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[POLICY]...", help="Files, or NAME@VERSION of published ones; default: all of these."),
    ] = None,
    facts: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FACT=VALUE", help="A shared fact, or NAME@VERSION:FACT=VALUE of one policy."),
    ] = None,
    action: Annotated[str, typer.Option("--action", help="train, or another action.")] = "train",
    as_json: AsJson = False,
) -> None:
    """Ask what several policies say of one situation.

    You state it in facts that several texts speak of, and each policy is asked by its own facts for them; in what these
    differ is told beside the verdict. Without `--set` it lists the shared facts, and what each policy has for them. It
    is a what-if: thresholds are each developer's own, one row is no ranking, and the exit code is 0.
    """
    from scalegate.cli.compared import list_document, list_view, rows_document, rows_view
    from scalegate.cli.project import check_action
    from scalegate.cli.show import emit
    from scalegate.cli.whatif import pairs_of, stated_by
    from scalegate.gate.across import across, compared
    from scalegate.policy.published import published
    from scalegate.policy.shared import shared_facts, stated_of

    wanted = check_action(action)
    paths = [policy_file(it, quiet=as_json) for it in policies or ()] or [it.path for it in published()]
    read = _once(compared(path) for path in paths)
    if not facts:
        emit(as_json, list_document(read), lambda: list_view(read))
        return
    shared, own = _parted(pairs_of(facts), read)
    said = stated_of(shared_facts(), shared)
    rows = [across(it, wanted, said, stated_by(it.policy, own[it.name])) for it in read]
    emit(as_json, rows_document(rows, wanted, own), lambda: rows_view(rows, wanted, own))


def register(app: typer.Typer) -> None:
    """Put the command on `scalegate policy`."""
    app.command("across")(put_across)


def _once(read: Iterable[Compared]) -> list[Compared]:
    """Each policy once, by its name. Raises InputError for two that call themselves the same."""
    from scalegate.errors import InputError

    found: dict[str, Compared] = {}
    for it in read:
        if it.name in found:
            raise InputError(f"two of these policies are called `{it.name}`", fix="name each once")
        found[it.name] = it
    return list(found.values())


def _parted(
    pairs: Sequence[tuple[str, str]], read: Sequence[Compared]
) -> tuple[list[tuple[str, str]], dict[str, list[tuple[str, str]]]]:
    """What is stated in shared facts, and what of each policy in its own. Raises InputError for one that has no row."""
    from scalegate.errors import InputError

    shared: list[tuple[str, str]] = []
    own: dict[str, list[tuple[str, str]]] = {it.name: [] for it in read}
    for name, value in pairs:
        of, sign, fact = name.rpartition(":")
        if not sign:
            shared.append((name, value))
        elif of in own:
            own[of].append((fact, value))
        else:
            fix = f"one of {', '.join(f'`{it}`' for it in own)}"
            raise InputError(f"`--set {name}={value}`: no policy that is asked here is called `{of}`", fix=fix)
    return shared, own
