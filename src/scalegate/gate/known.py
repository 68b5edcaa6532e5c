"""All that a fold knows about a run at an instant, as the situation that is decided on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalegate.errors import InputError
from scalegate.gate.bookkeeping import further, planned_end
from scalegate.gate.determinations import statements
from scalegate.gate.duties import openings_of
from scalegate.gate.forecasts import recorded_on_the_way, results_in_order, way_of
from scalegate.gate.generations import generations, generations_anew, oldest
from scalegate.gate.granting import granted_so_far
from scalegate.gate.lineage import carried, lineage_faults, members, total
from scalegate.gate.pieces import descendants, elsewhere, pieces, trained_in
from scalegate.gate.renaming import judged_of, risks_of
from scalegate.gate.risks import claims
from scalegate.gate.situation import Lineage, Situation

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold

__all__ = ["situation_of"]


def situation_of(
    fold: Fold, run: str, *, now: int, compute: int | None, weights: str | None, configuration: str | None
) -> Situation:
    """As `Fold.situation`."""
    if fold.policy is None or fold.policy_digest is None:
        raise InputError("no policy is in force in this ledger", fix="adopt one: `scalegate adopt POLICY`")
    names = members(fold.runs, run)
    used, openings = total(fold.runs, names), openings_of(fold.runs, names)
    factor = fold.policy.factor
    digest = fold.policy_digest
    mine = [s for adopted, name, s in fold.signatures if adopted == fold.adopted_at and name in ("", run)]
    granted = [it for adopted, name, it in fold.exceptions if adopted == fold.adopted_at and name == run]
    latest_tiers = {record.tier: record for adopted, record in fold.tiers if adopted == fold.adopted_at}
    meter_faults = [f"{name}: {fault}" for name in names for fault in fold.runs[name].faults]
    known = any(weights in fold.runs[name].weights for name in names)
    unknown = lineage_faults(fold.runs, run)
    mends = [fault.mend or "" for fault in unknown]
    who = fold.deeds.who(fold.policy)
    found = tuple(pieces(fold.attempts, fold.runs, run))
    theirs = tuple(descendants(fold.attempts, fold.runs, run))
    shown, anew = tuple(generations(fold, run)), tuple(generations_anew(fold, run))
    return Situation(
        policy=digest,
        amended=fold.amended,
        new_until=fold.new_until,
        now=now,
        compute=-(-used * factor.numerator // factor.denominator) if compute is None else compute,
        weights=weights,
        weights_trained=trained_in(fold.runs, weights)[1] if weights and known else None,
        configuration=configuration,
        lineage=Lineage(
            run=run,
            members=names,
            compute=used,
            tip=fold.runs[run].tip if run in fold.runs else None,
            behind=fold.runs[run].present + carried(fold.runs, fold.runs[run]) if run in fold.runs else 0,
            opened=min((fold.runs[name].first.time for name in names), default=None),
            openings=openings,
            reopens=run in fold.runs and fold.runs[run].idle and len(names) == 1,
            planned_end=planned_end(fold.runs, run, used),
            faults=tuple(fault.text for fault in unknown),
            mends=tuple(mends) if all(mends) else (),
            further=further(fold.runs, run),
            recorded=recorded_on_the_way(fold.policy, fold.runs, run),
            way=way_of(fold.policy, fold.runs, run),
            results=results_in_order(fold.policy, fold.attempts),
        ),
        developer_others=total(fold.runs, tuple(fold.runs)) - used,
        elsewhere=tuple(
            it.model_copy(update={"acted": fold.deeds.on(fold.policy, fold.runs, it.run)})
            for it in elsewhere(fold.attempts, fold.runs, names)
        ),
        generations=shown,
        generations_anew=anew if anew != shown else (),
        oldest=oldest(fold, run),
        pieces=found,
        forecasts=fold.forecasts.of(fold.policy, (*found, *theirs)),
        descendants=theirs,
        tracks=fold.tracks.under(fold.policy, fold.deeds.known_as, fold.attempts),
        signatures=tuple(mine),
        statements=tuple(statements(fold.said, fold.runs, run, fold.adopted_at, judged_of(fold.policy), who)),
        exceptions=tuple(granted),
        grants=granted_so_far(fold.grants, fold.policy, names),
        claims=tuple(claims(fold.claimed, fold.runs, run, fold.adopted_at, risks_of(fold.policy), who)),
        spent=fold.spending.under(fold.policy),
        acted=fold.deeds.on_each(fold.policy, fold.runs, run),
        given_up=tuple(fold.candidates.given_up),
        candidates=fold.candidates.under(fold.policy, fold.adopted_at, fold.deeds.who(fold.policy)),
        broken=fold.broken(),
        tiers=tuple(latest_tiers[name] for name in sorted(latest_tiers)),
        adopted=fold.duties.since,
        origins=fold.duties.origins,
        spans=fold.duties.spans(openings),
        kept=tuple(fold.duties.kept),
        signing=tuple(fold.duties.signing.values()),
        meter_faults=tuple(meter_faults),
        ledger_faults=fold.unsound,
        ledger_time=fold.time,
        witnessed=fold.witnessing.under(fold.policy),
        enforcement=fold.enforcement,
        ignored=tuple(fold.ignored),
    )
