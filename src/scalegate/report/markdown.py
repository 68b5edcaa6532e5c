"""The document of a policy as Markdown, which the terminal shows too. What people wrote can mark up nothing in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from scalegate._version import __version__
from scalegate.report.floors import FloorView
from scalegate.report.promises import HEADLINE, ClauseView, Defined, Promises
from scalegate.report.words import Said, lines

__all__ = ["AIMS", "OWN_WORDS", "banner", "body", "markdown", "own_words"]

OWN_WORDS = (
    "Every sentence here is made from what is evaluated, except for names and for what stands in “quotation marks”:"
    " that is in the policy's own words, and nothing is decided by it."
)
AIMS = "They protect nothing: whatever they say, nothing is held by them."


def banner(it: Promises) -> tuple[str, ...]:
    """What stands under the headline, wherever the document is shown."""
    if not it.domains:
        return it.inadequate
    things = "1 thing is" if it.unmeasured == 1 else f"{it.unmeasured} things are"
    stand = "it stands" if it.unmeasured == 1 else "they stand"
    return (*it.inadequate, f"By its own account {things} not measured; {stand} under the domains.")


def markdown(it: Promises) -> str:
    """The whole document."""
    warning = [f"> **{HEADLINE}**", ">", *(f"> - {_ticks(reason)}" for reason in banner(it))]
    return "\n".join([f"# {_text(it.headline)}", "", *warning, "", *body(it)]) + "\n"


def body(it: Promises) -> Iterator[str]:
    """The document under its banner, in lines."""
    yield from (f"**{_text(it.title)}**, as of {it.as_of}. Digest `{it.digest}`.", "", _text(OWN_WORDS), "")
    yield from (_quote(it.about), "")
    if it.floors:
        yield from ("## What it stands on", "", *_bullets(map(_floor, it.floors)), "")
    yield from ("## How many clauses gate", "")
    yield from _table(
        ("clauses", "modality", "which"), [(str(n), f"`{name}`", means) for name, n, means in it.modalities]
    )
    yield from ("## What gates each action", "")
    rows = [
        (f"`{view.name}`", _ticks(view.text), ", ".join(f"`{name}`" for name in view.clauses)) for view in it.actions
    ]
    yield from _table(("action", "so", "clauses"), rows)
    yield from ("## What nobody can sign away", "", *_bullets(map(_ticks, it.never)), "")
    yield from ("## Clauses that gate", "")
    for clause in it.clauses:
        yield from _clause(clause)
    if not it.clauses:
        yield from ("None: everything is held.", "")
    if it.aims:
        yield from ("## Aims and illustrations", "", f"**{AIMS}**", "")
    for clause in it.aims:
        yield from _clause(clause)
    yield from ("## Domains", "")
    for domain in it.domains:
        yield from (f"### `{domain.id}`", "", _quote(domain.about), "")
        yield from _bullets(f"**{name}**: {_ticks(text)}." for name, text in domain.figures)
        yield from _bullets([f"**Link to harm**: {_quote(domain.link_to_harm)}"])
        yield from _bullets(f"**Not measured**: {_quote(text)}" for text in domain.not_measured)
        yield ""
    if not it.domains:
        yield from ("None: nothing is measured.", "")
    if it.judgements:
        yield from ("## Judgements", "", *_bullets(map(_defined, it.judgements)), "")
    if it.exceptions:
        yield from ("## Exceptions", "", *_bullets(map(_defined, it.exceptions)), "")
    if it.parameters:
        yield from ("## Parameters", "", *_bullets(map(_defined, it.parameters)), "")
    yield from ("## Levels", "")
    for level in it.levels:
        yield from (f"### Level {level.number}", "", _quote(level.about), "", _ticks(level.approvals), "")
        yield from _bullets(f"`{one.id}`: {_quote(one.about)} ({_ticks(one.text)}.)" for one in level.safeguards)
        yield ""
    if not it.levels:
        yield from ("None.", "")
    yield from ("## People and roles", "", _ticks(it.amendment), "")
    rows = [(f"`{role}`", _ticks(signs), _ticks(", ".join(people)) or "nobody") for role, signs, people in it.roles]
    yield from _table(("role", "signs", "who"), rows)
    unset = [f"`{person.id}`" for person in it.people if not person.keyed]
    if unset:
        yield from (f"Without a key, so that nothing they sign counts: {', '.join(unset)}.", "")
    if it.tiers:
        yield from ("## Tiers", "")
        yield from (*_bullets(map(_defined, it.tiers)), "")
    yield from ("## Numbers", "")
    rows = [
        (number.value, _ticks(number.what), ", ".join(map(_name, number.where)) or "nothing") for number in it.numbers
    ]
    yield from _table(("number", "what it is", "what it decides"), rows)
    yield from ("## What no policy can leave out", "", *_bullets(map(_ticks, it.standing)), "")
    yield from ("## The conditions, exactly", "")
    yield from ("Each clause is met if and only if what stands under it is so.", "")
    for clause in (*it.clauses, *it.aims):
        for says in clause.says:
            aim = "" if clause.gates else ", which gates nothing"
            yield from (f"`{clause.id}`, {_actions(says.actions)}{aim}:", "")
            yield from (*_tree(says.condition), "")
    yield f"Written by scalegate {__version__} from the policy alone. **{HEADLINE}.**"


def _clause(clause: ClauseView) -> Iterator[str]:
    yield from (f"### `{clause.id}`", "")
    for says in clause.says:
        would = "" if clause.gates else "It would ask for this, if it gated: "
        yield from (f"{would}{_ticks(says.sentence)}", "")
        if says.lists:
            yield from (*(line for part in says.condition.parts for line in _tree(part)), "")
    yield from _bullets(
        [f"`{clause.kind}`, {_actions(clause.actions)}, `{clause.modality}`; binds: {clause.binds}. {clause.in_force}"]
    )
    yield from _bullets(map(_ticks, filter(None, [clause.tier])))
    yield from _bullets([f"The sentence that it is to stand for: {_quote(clause.quote)} ({_text(clause.source)})"])
    yield from _bullets(f"**They differ**: {_text(text)}" for text in clause.differs)
    yield ""


def _tree(said: Said) -> Iterator[str]:
    return (f"{'  ' * depth}- {_ticks(text)}" for depth, text in lines(said))


def _floor(it: FloorView) -> str:
    return f"`{it.name}` {_text(it.version)}, digest `{it.digest[:12]}`: {_quote(it.title)} {_ticks(it.text)}"


def _defined(it: Defined) -> str:
    return f"`{it.id}`: {_quote(it.about)} {_ticks(it.text)}"


def _actions(actions: Iterable[str]) -> str:
    return ", ".join(f"`{action}`" for action in actions)


def _name(where: str) -> str:
    return where if " " in where else f"`{where}`"


def _bullets(items: Iterable[str]) -> Iterator[str]:
    return (f"- {item}" for item in items)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)
    yield ""


def _quote(text: str) -> str:
    """Words of the policy's author."""
    return f"“{_text(own_words(text))}”"


def _ticks(text: str) -> str:
    """Words that were made here: names between backticks stay so, and all else is escaped."""
    return "".join(part if at % 2 else _text(part) for at, part in enumerate(re.split(r"(`[^`\n]+`)", text)))


def own_words(text: str) -> str:
    """Words of the policy's author, without marks by which they could end the quotation that they stand in."""
    return re.sub("[“”„‟]", '"', text.strip())


def _text(text: str) -> str:
    """Text that marks up nothing, on one line."""
    flat = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#~!]|^ ?[-+](?= )|(?<=\d)[.)](?= ))", r"\\\1", flat)
