"""`scalegate assumption`: what evidence rests on; that it broke, on anybody's word; and that it holds again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir

if TYPE_CHECKING:
    from scalegate.gate import Journal
    from scalegate.gate.signed import Broken
    from scalegate.ledger.entries import AssumptionBroken, AssumptionRestored
    from scalegate.policy.document import Policy

__all__ = ["app", "assumption_lines", "broken_document"]

app = typer.Typer(
    help="What evidence rests on, and that it broke.\n\nWhat rests on it then rules nothing out, and permits end.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Id of the assumption: `scalegate assumption list` shows them.")]
Because = Annotated[str, typer.Option("--because", help="What shows it, in one line: it stands in the ledger.")]
OfDomain = Annotated[
    str | None, typer.Option("--domain", help="Say it of this domain alone; else of all that rests on it.")
]


@app.command("list")
def list_(
    policy: Annotated[
        str | None, typer.Argument(help="A policy file, or a published one; else the one in force in the project.")
    ] = None,
    project: ProjectDir = HERE,
    as_json: AsJson = False,
) -> None:
    """Show what evidence rests on.

    Each with what would defeat it, the domains that rest on it, up to which level the policy takes it to be so, and,
    in a project, whether it is broken.
    """
    from scalegate.cli.options import policy_file
    from scalegate.cli.project import reader
    from scalegate.cli.show import emit
    from scalegate.gate.project import Project
    from scalegate.policy import load_policy

    if policy is not None:
        found = assumptions_document(load_policy(policy_file(Path(policy), quiet=as_json)), ())
    else:
        with reader(Project(project)) as journal:
            found = assumptions_document(journal.policy, journal.fold.broken())
    emit(as_json, {"assumptions": found}, lambda: Text("\n").join(map(_shown, found)))


@app.command("break")
def break_(
    name: Name,
    who: As,
    because: Because,
    domain: OfDomain = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Say that an assumption is not so.

    Whoever the policy names may. All that rests on it rules nothing out from now on, also what was used already, and
    permits end. It takes the signatures that the policy asks for, and new evaluations, until anything rests on it
    again.
    """
    from scalegate.ledger.entries import AssumptionBroken

    def make(journal: Journal, common: dict[str, Any]) -> AssumptionBroken:
        fold = journal.fold.assumptions
        _one_of("assumption", name, fold.lines)
        if domain is not None:
            _one_of("domain", domain, fold.domains)
        return AssumptionBroken(**common, assumption=name, domain=domain, because=because)

    _sign(project, who, key, as_json, make, name)


@app.command("restore")
def restore(
    name: Name,
    who: As,
    because: Because,
    domain: OfDomain = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign that what broke holds again.

    Once as many have signed as the policy asks for, what is announced after that may rest on it. What rested on it
    before rules nothing out: it is evaluated again.
    """
    from scalegate.errors import InputError
    from scalegate.ledger.entries import AssumptionRestored

    def make(journal: Journal, common: dict[str, Any]) -> AssumptionRestored:
        broken = journal.fold.broken()
        mine = [it for it in broken if name in it.names and it.restored is None]
        if not mine:
            open_ = dict.fromkeys(it.assumption for it in broken if it.restored is None)
            fix = f"broken now: {', '.join(f'`{it}`' for it in open_)}" if open_ else "nothing is broken now"
            raise InputError(f"nobody said of `{name}` that it broke, or it holds again already", fix=fix)
        # Of several alarms about one thing a signature for the last is one for all.
        last = {it.domain: it for it in mine}
        of = domain if domain is not None or None in last or len(last) > 1 else next(iter(last))
        if of not in last:
            alone = " or ".join(f"`--domain {it}`" for it in last if it is not None)
            what = f"of `{name}` nobody said that it broke {f'in `{of}` alone' if of else 'everywhere'}"
            raise InputError(what, fix=f"say of which it holds again: {alone}" if alone else "leave `--domain` out")
        it = last[of]
        return AssumptionRestored(**common, assumption=it.assumption, broken=it.statement, because=because)

    _sign(project, who, key, as_json, make, name)


def assumptions_document(policy: Policy, broken: tuple[Broken, ...]) -> list[dict[str, Any]]:
    """Each assumption of the catalogue and of the policy, with what rests on it and what became of it."""
    from scalegate.policy.catalogue import CATALOGUE, rests_on, sentences_of

    listed = {it.id: it for it in policy.assumptions}
    found = []
    for name, text in sentences_of(policy).items():
        known, own = CATALOGUE.get(name), listed.get(name)
        quorum = own.restored_by if own and own.restored_by else policy.amendment
        found.append(
            {
                "assumption": name,
                "text": text,
                "defeated_by": known.defeated_by if known else None,
                "source": known.source if known else None,
                "rests": [it.id for it in policy.domains if name in rests_on(policy, it)],
                "listed": bool(policy.assumptions),
                "accepted_up_to": own.accepted_up_to if own else None,
                "because": own.because if own else None,
                "restored_by": quorum.model_dump(mode="json", exclude_none=True) if quorum else None,
                "broken": [it.model_dump(mode="json") for it in broken if name in it.names],
            }
        )
    return found


def broken_document(journal: Journal) -> list[dict[str, Any]]:
    """Everything that was said to have broken, the open first."""
    found = sorted(journal.fold.broken(), key=lambda it: it.restored is not None)
    return [it.model_dump(mode="json") for it in found]


def assumption_lines(found: list[dict[str, Any]]) -> list[Text]:
    """A line for each assumption that broke: in red while it does not hold again."""
    from scalegate.gate.assumptions import told_broken
    from scalegate.gate.signed import Broken

    broken = [Broken.model_validate(it) for it in found]
    return [Text(line, style="bold red" if it.restored is None else "") for it in broken for line in told_broken([it])]


def _shown(item: Mapping[str, Any]) -> Text:
    from scalegate.gate.assumptions import told_broken
    from scalegate.gate.signed import Broken

    lines = [Text(item["assumption"], style="bold"), Text(f"  {item['text']}")]
    if item["defeated_by"]:
        lines.append(Text(f"  Defeated by: {item['defeated_by']} ({item['source']})"))
    rests = ", ".join(f"`{name}`" for name in item["rests"])
    lines.append(Text(f"  Evidence in {rests} rests on it." if rests else "  Nothing in this policy rests on it."))
    if item["accepted_up_to"] is not None:
        because = f" Because: {item['because']}" if item["because"] else ""
        lines.append(Text(f"  Taken to be so up to level {item['accepted_up_to']}.{because}"))
    elif item["listed"]:
        lines.append(Text("  Not accepted: what rests on it rules nothing out.", style="bold red" if rests else ""))
    else:
        lines.append(Text("  Taken to be so: the policy lists no assumptions, and says up to which level of none."))
    broken = [Broken.model_validate(it) for it in item["broken"]]
    for it in broken:
        for line in told_broken([it]):
            lines.append(Text(f"  {line}", style="bold red" if it.restored is None else ""))
    return Text("\n").join([*lines, Text("")])


def _one_of(kind: str, name: str, known: Mapping[str, object]) -> None:
    """Raise InputError unless some version of the policy had what is named."""
    from scalegate.cli.sign import one_of

    one_of(kind, name, list(known))


def _sign(
    project: Path,
    who: str,
    key: Path | None,
    as_json: bool,
    make: Callable[[Journal, dict[str, Any]], AssumptionBroken | AssumptionRestored],
    name: str,
) -> None:
    """Sign an entry that is meant to count, or say why it would not."""
    from scalegate.cli.project import signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.gate.intake import checked
    from scalegate.gate.project import Project

    place = Project(project)
    with writer(place) as journal:
        signing = signer(journal.policy, place, who, key)

        def entry() -> AssumptionBroken | AssumptionRestored:
            common = {"actor": who, "time": journal.now(), "policy": journal.policy.digest()}
            with plain():
                return checked(lambda: make(journal, common))

        index = journal.grant(entry, signing)
        mine = [it for it in broken_document(journal) if name in it["names"]]
    words = [Text(f"Signed by {who}: entry {index} of {place.ledger}."), *assumption_lines(mine)]
    emit(as_json, {"entry": index, "broken": mine}, lambda: Text("\n").join(words))
