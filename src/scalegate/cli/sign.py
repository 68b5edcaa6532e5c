"""The commands with which people sign: attestations, approvals, tier records and adoptions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalegate.cli.options import (
    HERE,
    As,
    AsJson,
    KeyFile,
    PolicyName,
    ProjectDir,
    RunName,
    Statement,
    Until,
    WeightsOf,
    policy_file,
)

if TYPE_CHECKING:
    from scalegate.gate import Decision, Journal
    from scalegate.gate.project import Project
    from scalegate.ledger import entries
    from scalegate.ledger.entries import Approval, Attestation, Determination, ExceptionGranted, TierStatus
    from scalegate.policy.document import Action

    Signed = Approval | Attestation | Determination | ExceptionGranted | entries.RiskClaimed | TierStatus

__all__ = ["adopt", "adopters", "approve", "attest", "determine", "except_", "one_of"]

Common = dict[str, Any]
"""What every entry says: actor, time and policy."""
Told = tuple[dict[str, Any], str]
"""What is to be said of a signature beside that it was signed, as data and in words."""


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

    def make(journal: Journal, common: Common, end: int) -> Attestation:
        known = {item.id: item for level in journal.policy.levels for item in level.safeguards}
        one_of("safeguard", safeguard, list(known))
        end = min(end, common["time"] + (known[safeguard].valid_for or end))
        return Attestation(**common, safeguard=safeguard, until=end, statement=statement)

    _grant(project, who, key, as_json, make, until)


def approve(
    run: RunName,
    level: Annotated[int, typer.Option("--level", help="The level that you sign for.")],
    who: As,
    until: Until,
    statement: Statement,
    action: Annotated[str, typer.Option("--action", help="The action whose latest decision you sign for.")] = "train",
    decision: Annotated[
        str | None,
        typer.Option(
            "--decision", help="First characters of the digest of the decision that you read; else the latest."
        ),
    ] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign for a level of a run, having read its decision.

    Your signature names the latest decision on the run for that action, and counts for that action alone. For every
    action except `train` it counts only for that decision's exact weights and configuration. Read the decision first:
    `scalegate status` shows those on training, `scalegate decide` any that it takes.
    """
    from scalegate.cli.project import check_action, check_run
    from scalegate.errors import InputError
    from scalegate.gate.project import Project
    from scalegate.gate.since import to_decide
    from scalegate.ledger.entries import Approval

    asked = check_action(action)
    named: list[Decision] = []
    tally: list[str] = []

    def make(journal: Journal, common: Common, end: int) -> Approval:
        check_run(journal, run)
        asking = {str(item.number): item.approvals for item in journal.policy.levels if item.approvals}
        one_of("level that asks for approvals", str(level), list(asking))
        end = min(end, common["time"] + (asking[str(level)].valid_for or end))
        found = _read(journal, Project(project), run, asked, decision)
        if level not in found.levels:
            raise InputError(
                f"the latest decision on run `{run}` for `{action}` does not show level {level} open: nothing is to be"
                " signed",
                fix=f"if evidence came after it, `{to_decide(run, asked, project=str(project))}`, read that, then sign",
            )
        named.append(found)
        tally.append(_tally(journal, found, level, who, asking[str(level)].at_least))
        return Approval(**common, run=run, level=level, decision=found.digest(), until=end, statement=statement)

    _grant(project, who, key, as_json, make, until, lambda: _signed_for(named[-1], tally[-1]))


def determine(
    determination: Annotated[str, typer.Argument(help="Id of the determination, as the policy has it.")],
    who: As,
    until: Until,
    statement: Statement,
    not_so: Annotated[bool, typer.Option("--not-so", help="You determine that it is not so.")] = False,
    run: Annotated[str | None, typer.Option("--run", help="Of weights: the run whose they are.")] = None,
    weights: WeightsOf = None,
    configuration: Annotated[
        str | None, typer.Option("--configuration", help="Digest of the deployment that you judged with them.")
    ] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign your judgement on what the policy leaves to it.

    That it is so counts until the date, as far as the policy lets it, and is shown as judgement. That it is not so
    (`--not-so`) counts against whatever these weights have to do with, until you sign otherwise.
    """
    from scalegate.cli.project import check_run
    from scalegate.cli.weights import weights_of
    from scalegate.errors import InputError
    from scalegate.gate.pieces import trained_in
    from scalegate.ledger.entries import Determination

    named = weights_of(weights, project, as_json=as_json) if weights is not None else None

    def make(journal: Journal, common: Common, end: int) -> Determination:
        known = {item.id: item for item in journal.policy.determinations}
        one_of("determination", determination, list(known))
        item = known[determination]
        if item.valid_for is not None and not not_so:
            end = min(end, common["time"] + item.valid_for)
        of: Common = {"run": None, "weights": None, "configuration": None}
        if item.about == "developer":
            if run or weights or configuration:
                raise InputError(f"`{determination}` is about the developer, not about weights", fix="leave them out")
        elif run is None:
            raise InputError(f"`{determination}` is about weights", fix="say of which run: `--run NAME`")
        else:
            check_run(journal, run)
            of |= {"run": run, "weights": named or journal.fold.runs[run].tip, "configuration": configuration}
            if of["weights"] is None or (trained_in(journal.fold.runs, of["weights"])[1] is None and not not_so):
                what = "the ledger does not know these weights" if weights else f"run `{run}` has no recorded weights"
                raise InputError(what, fix="save them in training: `gate.save()`; or give `--weights`")
        said: Common = {"determination": determination, "holds": not not_so, "until": end, "statement": statement}
        return Determination(**common, **said, **of)

    _grant(project, who, key, as_json, make, until)


def _read(journal: Journal, project: Project, run: str, action: Action, decision: str | None) -> Decision:
    """The latest decision on a run for an action, which its signer must have read. Raises InputError if there is none,
    or it is not the one named, or something came after it that the signer has not seen."""
    from scalegate.cli.project import check_nothing_waits
    from scalegate.gate.since import check_seen, named_decision, to_decide

    again = to_decide(run, action, project=str(project.folder))
    found = named_decision(journal.fold, run, action, decision, again)
    check_nothing_waits(journal, project)
    check_seen(journal.fold, found, again)
    return found[1]


def except_(
    exception: Annotated[str, typer.Argument(help="Id of the exception, as the policy has it.")],
    run: Annotated[str, typer.Option("--run", help="The run that it is granted to.")],
    who: As,
    statement: Statement,
    until: Annotated[str, typer.Option("--until", help="The last day on which it counts: 2027-01-31.")] = "",
    action: Annotated[str, typer.Option("--action", help="The action whose latest decision you saw.")] = "train",
    decision: Annotated[
        str | None,
        typer.Option(
            "--decision", help="First characters of the digest of the decision that you read; else the latest."
        ),
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take back what you granted, at once.")] = False,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a held action go on, by an exception of the policy.

    The verdict stays HOLD, no clause is met by it, and every report says so first. Your grant names the latest decision
    on the run for that action; for every action except `train` it counts only for that decision's exact weights and
    configuration. `--withdraw` takes back, at once, all that you granted to the run by it.
    """
    from scalegate.cli.project import check_action, check_run
    from scalegate.errors import InputError
    from scalegate.gate.project import Project
    from scalegate.ledger.entries import ExceptionGranted

    asked = check_action(action)
    named: list[Decision] = []
    tally: list[tuple[Journal, int]] = []
    stood: list[bool] = []

    def make(journal: Journal, common: Common, end: int) -> ExceptionGranted:
        check_run(journal, run)
        known = {item.id: item for item in journal.policy.exceptions}
        one_of("exception", exception, list(known))
        said: Common = {"exception": exception, "run": run, "statement": statement}
        if withdraw:
            mine = (run, exception, common["actor"])
            stood.append(mine in {(name, it.exception, it.by) for _, name, it in journal.fold.exceptions})
            return ExceptionGranted(**common, **said, withdrawn=True, decision=None, until=common["time"])
        end = min(end, common["time"] + known[exception].valid_for)
        named.append(_read(journal, Project(project), run, asked, decision))
        tally.append((journal, known[exception].granted_by.at_least))
        return ExceptionGranted(**common, **said, decision=named[-1].digest(), until=end)

    def taken_back() -> Told:
        nothing = "Nothing that you granted stood: nothing has changed."
        return {"stood": stood[-1]}, f" {'What you granted is taken back.' if stood[-1] else nothing}"

    def outcome() -> Told:
        document, words = _signed_for(named[-1], "")
        more, counted = _granted(exception, *tally[-1], named[-1])
        return document | more, words + counted

    if withdraw:
        _grant(project, who, key, as_json, make, "9999-12-31", taken_back)
        return
    if not until:
        raise InputError("nothing says until when it is granted", fix="give `--until DATE`, or `--withdraw`")
    _grant(project, who, key, as_json, make, until, outcome)


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
    """Record and sign who has adopted a tier.

    Without any --adopter it records that nobody has. Until somebody records it, the tier's clauses bind.
    """
    from scalegate.ledger.entries import TierStatus

    def make(journal: Journal, common: Common, end: int) -> TierStatus:
        tiers = {item.id: item for item in journal.policy.tiers}
        one_of("tier", tier, list(tiers))
        for party in adopter or ():
            one_of(f"party to tier `{tier}`", party, list(tiers[tier].parties))
        return TierStatus(**common, tier=tier, adopters=tuple(adopter or ()), until=end, statement=statement)

    _grant(project, who, key, as_json, make, until)


def adopt(
    policy: PolicyName,
    who: As,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign the adoption of a policy.

    A new version takes the procedure of the policy in force: as many signatures as its `amendment` asks for.
    """
    from rich.console import Group
    from rich.text import Text

    from scalegate.cli.check import adoption_document
    from scalegate.cli.project import signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.status import status_document
    from scalegate.cli.weak import adoption_lines
    from scalegate.errors import InputError, Place
    from scalegate.gate import project as projects
    from scalegate.gate.adoption import read_against
    from scalegate.gate.amending import same_version
    from scalegate.policy import load_policy

    wanted = load_policy(policy_file(policy, quiet=as_json))
    place = projects.Project(project)
    with writer(place) as journal:
        if journal.fold.policy_digest == wanted.digest():
            raise InputError(
                "this policy is in force already", place=Place(file=str(policy)), fix="nothing is to be signed"
            )
        if other := same_version(journal.fold, wanted):
            raise InputError(
                f"another text is signed as `{wanted.policy} {wanted.version}` already, and waits ({other[:12]}...)",
                place=Place(file=str(policy)),
                fix="give yours a `version` of its own, or sign that one",
            )
        rules = journal.fold.policy or wanted
        in_force = projects.adopt(journal, wanted, who, signer(rules, place, who, key))
        pending = [item for item in status_document(journal, project)["amendment"] if item["policy"] == wanted.digest()]
        given_up = journal.fold.candidates.given_up if in_force == wanted.digest() else []
        outlook = adoption_document(read_against(journal.fold, wanted, journal.now()))
    took = in_force == wanted.digest()
    word = "is in force" if took else "has your signature"
    document = {"policy": wanted.digest(), "in_force": took, "pending": pending, "outlook": outlook}
    lines = [f"{wanted.policy} {wanted.version} {word}.", *(it["told"] for it in pending), *given_up]
    if took and rules is not wanted:
        lines.append(
            "What was attested, approved and recorded under the version before counts no more: it is signed again."
            " Runs that are open are opened again."
        )
    emit(as_json, document, lambda: Group(*map(Text, lines), *adoption_lines(outlook)))


def _grant(
    project: Path,
    who: str,
    key: Path | None,
    as_json: bool,
    make: Callable[[Journal, Common, int], Signed],
    until: str,
    about: Callable[[], Told] = lambda: ({}, ""),
) -> None:
    """Sign one entry that is meant to count, or say why it would not."""
    from scalegate.cli.project import signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError
    from scalegate.gate.intake import checked
    from scalegate.gate.project import Project
    from scalegate.units import format_instant, parse_until

    place = Project(project)
    with plain("--until"):
        end = parse_until(until)
    with writer(place) as journal:
        now = journal.now()
        if end <= now:
            raise InputError(f"`{until}` is past: the signature would count for nothing", fix="give a later date")
        common = {"actor": who, "time": now, "policy": journal.policy.digest()}
        signing = signer(journal.policy, place, who, key)
        made: list[Signed] = []

        def entry() -> Signed:
            with plain():
                made.append(checked(lambda: make(journal, common, end)))
            return made[-1]

        # What is signed for is looked at when nobody else can write.
        index = journal.grant(entry, signing)
    more, words = about()
    counts = made[-1].until
    shorter = f", and not until {format_instant(end)}: the policy lets it count no longer" if counts < end else ""
    ends = (
        f"until {format_instant(counts)}{shorter}"
        if getattr(made[-1], "holds", True) and getattr(made[-1], "bound", True)
        else "until you sign otherwise"
    )
    if getattr(made[-1], "withdrawn", False):
        ends = "at once"
    said = f"Signed by {who}: entry {index} of {place.ledger}. It counts {ends}."
    emit(as_json, {"entry": index, "until": counts} | more, lambda: said + words)


def _tally(journal: Journal, decision: Decision, level: int, who: str, needed: int) -> str:
    """How many have signed for a level, with whoever signs now."""
    now = journal.now()
    known = journal.fold.situation(decision.run, now=now).signatures
    exact = (decision.action, decision.weights, decision.configuration)
    signed = {
        it.by
        for it in known
        if it.subject == f"approval.{level}.{it.by}"
        and it.until >= now
        and (it.action, it.weights, it.configuration) == exact
    }
    again = f"; {who} had signed already" if who in signed else ""
    return f"\n{len(signed | {who})} of the {needed} that level {level} asks for have signed{again}."


def _granted(exception: str, journal: Journal, needed: int, decision: Decision) -> Told:
    """How many have granted it, and once that are enough, whether it lets the action go on, and what else holds."""
    from scalegate.gate.exceptions import told
    from scalegate.gate.granting import grants_of
    from scalegate.gate.since import decided_again

    now, of = journal.now(), (decision.weights, decision.configuration)
    situation = journal.fold.situation(decision.run, now=now, weights=of[0], configuration=of[1])
    terms = next(it for it in journal.policy.exceptions if it.id == exception)
    by = {it.by for it in grants_of(situation, decision.action, terms)}
    made = decided_again(journal.fold, decision, now) or decision
    said = [f"\n{len(by)} of the {needed} that `{exception}` asks for have granted it."]
    if len(by) >= needed:
        idle = [it for it in made.limits.surprises if it.startswith(f"The exception `{exception}` ")]
        said += [told(made.exception)] if made.exception else idle or [f"Decided again, it is a {made.verdict}."]
    return {"goes_on": made.reach is not None}, "\n".join(said)


def _signed_for(decision: Decision, tally: str) -> Told:
    """The decision that an approval names, as data and in words."""
    from scalegate.units import format_instant

    words = (
        f"\nIt names decision {decision.digest()[:12]}, the {decision.verdict} of {format_instant(decision.now)}:"
        f" {decision.action} run `{decision.run}`"
    )
    if decision.action != "train":
        words += f", weights {decision.weights or 'not stated'}, configuration {decision.configuration or 'not stated'}"
    document = {"action": decision.action, "weights": decision.weights, "configuration": decision.configuration}
    return document | {"decision": decision.digest(), "verdict": decision.verdict}, words + tally


def one_of(kind: str, name: str, known: list[str]) -> None:
    """Raise InputError unless the policy has what is named."""
    from scalegate.errors import InputError

    if name not in known:
        named = ", ".join(f"`{item}`" for item in known)
        article = "an" if kind[0] in "aeiou" else "a"
        raise InputError(
            f"`{name}` is not {article} {kind} of the policy in force",
            fix=f"one of {named}" if named else "it has none at all",
        )
