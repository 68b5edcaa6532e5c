"""The gate forecasts by itself: wherever the policy asks for a forecast and its results make one, it is recorded."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from scalegate.errors import InputError, Place
from scalegate.gate.facts import effective
from scalegate.gate.forecasts import forecast_fact, forecast_facts, points_in, still_due
from scalegate.gate.foreseeing import foresee, keep_table
from scalegate.gate.measures import elicitation_due
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import Entry, ForecastMade
from scalegate.policy.semantics import Unknown
from scalegate.training.undisturbed import undisturbed
from scalegate.units import format_flop

if TYPE_CHECKING:
    from scalegate.policy.document import Domain
    from scalegate.training.session import Session

__all__ = ["forecast_due", "read_table"]

LOG = logging.getLogger(__name__)


def read_table(path: str | Path | None) -> tuple[str, bytes] | None:
    """A reference of other families, by its name and its bytes. Raises InputError for one that cannot be read."""
    if path is None:
        return None
    try:
        return Path(path).name, Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=Place(file=str(path))) from error


@undisturbed()
def forecast_due(session: Session) -> None:
    """Record a forecast in every domain that asks for one and has none that counts. What cannot be forecast is logged,
    and holds: a forecast that is not there is unknown."""
    policy, evaluator = session.policy, session.keys.evaluator
    asking = [it for it in policy.domains if it.forecast is not None]
    if not asking or evaluator is None or session.run not in session.journal.fold.runs:
        return
    situation = session.journal.fold.situation(session.run, now=session.journal.now())
    table = hashlib.sha256(session.reference[1]).hexdigest() if session.reference is not None else None
    for domain in asking:
        due = points_in(policy, domain, situation)
        _say_what_is_due(session, domain, still_due(domain, due), situation.lineage.planned_end)
        known = forecast_facts(policy, situation, domain)[forecast_fact(domain)]
        there = [it for it in situation.forecasts if (it.domain, it.points, it.table) == (domain.id, due, table)]
        if all("counts" not in it.within for it in due) or still_due(domain, due) or not isinstance(known, Unknown):
            continue
        if domain.forecast is None or any(it.confidence >= domain.forecast.confidence for it in there):
            continue  # another would say the same
        try:
            if domain.forecast.reference_table not in (None, table):
                raise InputError("the policy names a table for it that was not given, as `reference=`")
            made = foresee(policy, situation, domain, reference=session.reference)
            if session.reference is not None:
                keep_table(session.journal.ledger.path, session.reference[1])
        except (InputError, OSError) as error:
            said = f"run `{session.run}`: `{domain.id}` cannot be forecast: {error}"
            if said != session.unforeseen:
                LOG.error(said)
            session.unforeseen = said
            continue
        common = {"actor": session.keys.evaluator_actor, "time": session.journal.now()}
        entry = ForecastMade.model_validate({**made.fields, **common})
        signed: list[tuple[Entry, SigningKey]] = [(entry, evaluator)]
        session.write(signed.copy)


def _say_what_is_due(session: Session, domain: Domain, more: int, planned: int | None) -> None:
    """The gate evaluates where a hold asks for it, and by then there are too few weights that are apart."""
    policy, first = session.policy, session.policy.first_evaluation_at
    if more > 1 and first is not None and effective(policy, session.lineage_total()) < first:
        # What the evaluations before it are elicited with takes the lineage there too.
        each = sum(elicitation_due(policy, it, first, planned) for it in policy.domains)
        before = max(first - effective(policy, (more - 1) * each), 0)
        said = (
            f"run `{session.run}`: a forecast of `{domain.id}` takes results at {more} more amounts of compute:"
            f" evaluate at {more - 1} (`gate.evaluate()`) before {format_flop(before)}: what these are elicited with"
            f" counts, and at {format_flop(first)} it holds, from where only weights that were recorded before can be"
            " evaluated"
        )
        if said not in session.foretold:
            session.foretold.add(said)
            LOG.warning(said)
