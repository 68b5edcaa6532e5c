"""The command with which people put a bound on the risk that remains, or say that it cannot be bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir, RunName, Statement, Until, WeightsOf
from scalegate.cli.sign import _grant, one_of

if TYPE_CHECKING:
    from fractions import Fraction

    from scalegate.gate import Journal
    from scalegate.ledger.entries import RiskClaimed

__all__ = ["claim_risk"]


def claim_risk(
    risk: Annotated[str, typer.Argument(help="Id of the risk, as the policy has it.")],
    run: RunName,
    who: As,
    until: Until,
    statement: Statement,
    bound: Annotated[
        str | None, typer.Option("--bound", help="The chance of the harm, at most: 0.01%, 1e-4 or 0.0001.")
    ] = None,
    unbounded: Annotated[bool, typer.Option("--unbounded", help="You state that it cannot be bounded.")] = False,
    action: Annotated[str, typer.Option("--action", help="The action whose risk it is.")] = "train",
    weights: WeightsOf = None,
    configuration: Annotated[
        str | None, typer.Option("--configuration", help="Digest of the deployment that it is claimed of.")
    ] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a bound on the risk that remains.

    Or sign that it cannot be bounded. A bound is your word, not a measurement, and each decision that rests on it says
    so. It is of one action and of these weights: for training, of what it goes on to from them. That it cannot be
    bounded (`--unbounded`) holds whatever others claim, until you claim otherwise of what is asked about.
    """
    from scalegate.cli.project import check_action, check_run
    from scalegate.cli.weights import weights_of
    from scalegate.errors import InputError
    from scalegate.gate.risks import claimed_compute
    from scalegate.ledger.entries import RiskClaimed

    asked = check_action(action)
    if (bound is None) is not unbounded:
        what = "no bound is claimed" if bound is None else "a bound is claimed, and that there is none"
        raise InputError(what, fix="give either `--bound 0.01%` or `--unbounded`")
    chance = _chance(bound)
    given = weights_of(weights, project, as_json=as_json) if weights is not None else None

    def make(journal: Journal, common: dict[str, Any], end: int) -> RiskClaimed:
        known = {item.id: item for item in journal.policy.risks}
        one_of("risk", risk, list(known))
        check_run(journal, run)
        of = given or journal.fold.runs[run].tip
        # Of weights that nobody saved somebody may have said so, and then it may be taken back.
        said = any(it.weights == of and it.bound is None for it in (said.entry for said in journal.fold.claimed))
        if of is None or (claimed_compute(journal.fold.runs, of) is None and not unbounded and not said):
            what = f"run `{run}` has no recorded weights" if not weights else "the ledger does not know these weights"
            raise InputError(what, fix="save them in training: `gate.save()`; or give `--weights`")
        if asked not in ("train", "release_weights") and configuration is None:
            raise InputError(
                f"`{action}` is of a deployment configuration", fix="give its digest: `--configuration DIGEST`"
            )
        return RiskClaimed(
            **common,
            risk=risk,
            action=asked,
            run=run,
            weights=of,
            configuration=configuration,
            bound=chance,
            until=end if unbounded else min(end, common["time"] + known[risk].valid_for),
            statement=statement,
        )

    _grant(project, who, key, as_json, make, until)


def _chance(text: str | None) -> Fraction | None:
    from scalegate.cli.wording import plain
    from scalegate.units import parse_chance

    with plain("--bound"):
        return parse_chance(text) if text is not None else None
