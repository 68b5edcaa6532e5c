"""One list of facts for many policies: `policies/shared.yaml`, and beside each policy what it has for them.

    facts:
      - fact: determination.cbrn-3
        of: [biochemical.below-high, nuclear.below-high]
        relation: wider
        note: It asks besides to be shown in four ways.

`fact` is the policy's own, as `policy try --set` takes it. It is so if all of `of` are, not so if one is not, and else
unknown. `relation` is that of the policy's fact to what these say together:

| relation | the policy's fact | taken over |
|---|---|---|
| `same` | says the same | as it is stated |
| `near` | is about the same and asks for no more, by a threshold or baseline of its own | as it is stated, and told |
| `wider` | asks for more, a margin too, of which nothing is stated | only that it is not so |
| `narrower` | is about a part | only that it is so |

So what a policy asks beyond the shared facts stays unknown. An instant until which something counts says that it is so.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError

from scalegate.errors import InputError, Place
from scalegate.policy.document import Policy
from scalegate.policy.faults import FileFaults, Form, Found, PartPath
from scalegate.policy.form import faults_of_form
from scalegate.policy.parts import Part
from scalegate.policy.polarity import dangerous
from scalegate.policy.published import FOLDER
from scalegate.policy.scalars import Identifier, Line, Text
from scalegate.policy.sheet import Sheet, read_sheet, read_text
from scalegate.policy.stated import facts_of, value_of
from scalegate.policy.vocabulary import Kind, vocabulary

__all__ = ["Mapped", "SharedFact", "SharedFaults", "Taken", "mapping_file", "read_mapping", "shared_facts", "stated_of"]

Relation = Literal["same", "near", "wider", "narrower"]


class SharedFact(Part):
    """A fact that several texts speak of."""

    id: Identifier
    kind: Literal["truth", "flop", "instant"]
    text: Line
    """What is so when it holds: of what is yes or no, in the good case."""


class Mapped(Part):
    """What a policy has for shared facts."""

    fact: Line
    """The policy's own, as `policy try --set` takes it."""
    of: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """The shared facts that it stands for, all together."""
    relation: Relation
    note: Line | None = None
    """In what it differs."""


class _List(Part):
    about: Text
    facts: Annotated[tuple[SharedFact, ...], Field(min_length=1)]


class _Mapping(Part):
    policy: Identifier
    version: Text
    facts: Annotated[tuple[Mapped, ...], Field(min_length=1)]


_Document = TypeVar("_Document", _List, _Mapping)


class SharedFaults(FileFaults):
    """All faults of one list of shared facts, or of one mapping, in order of place."""

    noun = "list of facts"


_EXAMPLES = {
    "about": "What several texts speak of.", "policy": "my-policy", "version": '"1.0"', "facts": "[...]",
    "id": "cyber.below-high", "kind": "truth", "text": "...", "fact": "determination.cyber", "of": "[cyber.below-high]",
    "relation": "wider", "note": "It asks besides for a margin of 6x.",
}  # fmt: skip
_RELATIONS = (
    "write `wider` where it asks for anything more: only that it is not so is taken over. Of the others `narrower`"
    " takes over only that it is so, and `near` and `same` take over both"
)
"""What to do about a relation: whoever is not sure is told to write what takes no yes over."""
LIST = Form("list of facts", "list of facts", "`about: ...`", "leave facts out", _EXAMPLES, SharedFaults)
MAPPING = Form("mapping", "mapping", "`policy: ...`", "leave facts out", _EXAMPLES, SharedFaults)
_KINDS: Mapping[str, Kind] = {"truth": Kind.YES_NO, "flop": Kind.FLOP, "instant": Kind.INSTANT}


@cache
def shared_facts(path: Path = FOLDER / "shared.yaml") -> Mapping[str, SharedFact]:
    """The list, by the ids of its facts. Raises SharedFaults with every fault found."""
    sheet, document = _read(path, LIST, _List)
    twice = [
        Found(("facts", index, "id"), f"two facts are called `{it.id}`", "give each a name of its own")
        for index, it in enumerate(document.facts)
        if it.id in [other.id for other in document.facts[:index]]
    ]
    if faults := sheet.raised(twice):
        raise faults
    return {it.id: it for it in document.facts}


def mapping_file(policy: Path) -> Path:
    """Where the mapping of a policy stands."""
    return policy.with_name(f"{policy.stem}.shared.yaml")


def read_mapping(path: Path, policy: Policy, shared: Mapping[str, SharedFact]) -> tuple[Mapped, ...]:
    """What a policy in a file has for the shared facts, from the mapping beside it.

    Raises InputError if there is none, and SharedFaults with every fault found.
    """
    file = mapping_file(path)
    if not file.is_file():
        what = "there is no mapping of the shared facts beside this policy"
        name, version = (json.dumps(it) for it in (policy.policy, policy.version))
        smallest = f"{{policy: {name}, version: {version}, facts: [{{fact: compute, of: [compute], relation: same}}]}}"
        fix = f"write into `{file}` what it has for them, at the least `{smallest}`"
        raise InputError(what, place=Place(file=str(path)), fix=fix)
    sheet, document = _read(file, MAPPING, _Mapping)
    if faults := sheet.raised(_faults(policy, document, shared)):
        raise faults
    return document.facts


def _read(path: Path, form: Form, root: type[_Document]) -> tuple[Sheet, _Document]:
    sheet = read_sheet(read_text(path, form), str(path), form)
    try:
        return sheet, root.model_validate(sheet.read.document)
    except ValidationError as error:
        shape = (
            it._replace(fix=_RELATIONS) if it.path[-1:] == ("relation",) else it
            for it in faults_of_form(error, sheet.read.document, root, form.examples)
        )
        faults = sheet.raised((it for it in shape if it.path not in sheet.read.empty), more=True)
        assert faults is not None
        raise faults from error


def _faults(policy: Policy, document: _Mapping, shared: Mapping[str, SharedFact]) -> Iterator[Found]:
    for field, said, has in (
        ("policy", document.policy, policy.policy),
        ("version", document.version, policy.version),
    ):
        if said != has:
            what = f"this is a mapping of {field} `{said}`, and the policy is {field} `{has}`"
            yield Found((field,), what, f"write `{field}: {has}`, or put it beside the policy that it is of")
    known, reached = vocabulary(policy), dict[str, str]()
    for index, it in enumerate(document.facts):
        at: PartPath = ("facts", index)
        for place, name in enumerate(it.of):
            if name not in shared:
                yield Found((*at, "of", place), *_no_such(name, shared))
        kinds = {shared[name].kind for name in it.of if name in shared}
        if len(it.of) > 1 and kinds - {"truth"}:
            yield Found((*at, "of"), "only of what is yes or no may there be several", "name one fact")
        try:
            found = facts_of(policy, it.fact, "unknown")
        except InputError as error:
            yield Found((*at, "fact"), error.message, error.fix)
            continue
        own = _kind(policy, it.fact, found)
        for kind in sorted(kinds):
            if _KINDS[kind] is not own:
                what = f"`{it.fact}` is {own.value if own else 'of several kinds'}, and `{it.of[0]}` is a {kind}"
                yield Found((*at, "fact"), what, "name a fact of the same kind")
        worse = next((name for name in ([it.fact] if it.fact in known else found) if dangerous(name)), None)
        if own is Kind.YES_NO and worse is not None:
            what = f"`{worse}` is so in the bad case, and a shared fact in the good one"
            yield Found((*at, "fact"), what, "name a fact that is so in the good case")
        both = next((reached[name] for name in found if name in reached), None)
        if both is not None:
            yield Found((*at, "fact"), f"`{both}` sets some of the same facts", "keep one of the two")
        reached |= dict.fromkeys(found, it.fact)
        if (it.note is None) is not (it.relation == "same"):
            fix = f"say in what it differs; {_RELATIONS}" if it.note is None else f"{_RELATIONS}; `same` has no note"
            yield Found((*at, "relation"), f"`{it.relation}` {'without' if it.note is None else 'with'} a `note`", fix)


def _kind(policy: Policy, name: str, facts: Iterable[str]) -> Kind | None:
    """The kind of a policy's own fact, as it is stated; None: it stands for facts of several kinds."""
    known = vocabulary(policy)
    kinds = {known[name]} if name in known else {known[fact] for fact in facts}
    return kinds.pop() if len(kinds) == 1 else None


def stated_of(shared: Mapping[str, SharedFact], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The shared facts that pairs of name and text state. A `*` stands for one part of a name.

    Raises InputError for the first that states none.
    """
    said: dict[str, tuple[str, str]] = {}
    # A plain name comes after every `*`, so that it is what counts.
    for name, text in sorted(pairs, key=lambda pair: "*" not in pair[0]):
        pattern = re.compile("[a-z-]+".join(map(re.escape, name.split("*"))))
        found = [it for it in shared if pattern.fullmatch(it)]
        if not found:
            what, fix = _no_such(name, shared)
            raise InputError(f"`--set {name}={text}`: {what}", fix=fix)
        for it in found:
            if it in said and ("*" in said[it][0]) is ("*" in name):
                raise InputError(f"`--set {name}={text}`: `{it}` is stated twice", fix="keep one of the two")
            try:
                value_of(it, _KINDS[shared[it].kind], text)
            except InputError as error:
                raise InputError(f"`--set {name}={text}`: {error.message}", fix=error.fix) from error
            said[it] = name, text
    return {it: said[it][1] for it in shared if it in said}


def _no_such(name: str, shared: Mapping[str, SharedFact]) -> tuple[str, str]:
    near = difflib.get_close_matches(name, shared, n=1)
    meant = f"did you mean `{near[0]}`? " if near else ""
    return f"there is no shared fact `{name}`", f"{meant}there are {', '.join(f'`{it}`' for it in shared)}"


@dataclass(frozen=True)
class Taken:
    """What a policy's own fact is taken to be."""

    mapped: Mapped
    value: str
    """As `policy try --set` takes it; `unknown`: what is stated does not say."""
    missing: tuple[str, ...]
    """The shared facts that are lacking to say that it is so."""

    @classmethod
    def of(cls, mapped: Mapped, said: Mapping[str, str]) -> Taken:
        values = [said.get(name, "unknown") for name in mapped.of]
        missing = tuple(name for name, value in zip(mapped.of, values, strict=True) if value == "unknown")
        value = "no" if "no" in values else "unknown" if missing else values[0]
        asked_beyond = mapped.relation == ("narrower" if value == "no" else "wider")
        return cls(mapped, "unknown" if asked_beyond else value, missing)

    @property
    def pair(self) -> tuple[str, str]:
        return self.mapped.fact, self.value
