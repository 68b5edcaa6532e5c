"""The faults of a document, as many at once as there can be: those of form, and those of meaning in what is sound.

A fault of meaning that a fault of form may have caused is not told: a part that cannot be read could be the very one
that is missed elsewhere. A document with any fault is no policy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from scalegate.policy.coherence import coherence_faults
from scalegate.policy.conditions import resolve
from scalegate.policy.document import Floor, Policy
from scalegate.policy.faults import Found, PartPath
from scalegate.policy.floors import composed, faults_of_floors
from scalegate.policy.form import faults_of_form
from scalegate.text import MAX_DOCUMENT_BYTES

__all__ = ["checked", "joined", "partly"]

_PROSE = frozenset({"text", "about", "basis", "because", "link_to_harm"})

_LISTS = frozenset(
    [
        *("people", "assumptions", "domains", "determinations", "parameters", "risks", "levels", "tiers", "clauses"),
        "exceptions",
    ]
)
_STAND_INS: dict[str, object] = {
    **dict.fromkeys(("policy", "version", "title", "developer", "about"), "stand-in"),
    "scalegate": "1",
    "people": [{"id": "stand-in", "name": "stand-in", "roles": ["stand-in"], "key": "unset"}],
}
"""What stands for a field that a policy must have and that cannot be read: sound, so that it is no fault itself."""


_OF_FLOORS = frozenset(
    [
        *("policy", "people", "effective_compute", "lease", "first_evaluation_at", "error_budget", "domains"),
        *("determinations", "levels"),
    ]
)
"""What a floor is held against."""
_HALF = Found((), "a text holds half a character", "write the whole character")


def checked(
    document: object, faulty: Collection[PartPath] = (), empty: Collection[PartPath] = ()
) -> tuple[Policy | None, list[Found]]:
    """The policy in plain values, and every fault; None where there is a fault of form.

    `faulty`: what the reader of the text has found a fault with and told; `empty`: those with no value, where no
    other fault is told.
    """
    form: list[Found] = []
    policy = None
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        form = [found for found in faults_of_form(error, document) if found.path not in empty]
    except UnicodeEncodeError:
        return None, [_HALF]
    if policy is not None and not faulty:
        policy, wrong = resolve(policy)
        policy, of_floors = _on_floors(policy, ())
        found = [*wrong, *_of_meaning(policy, ()), *of_floors]
        return policy if found else composed(policy), found
    return None, [*form, *_beside(document, [found.path for found in form], faulty)]


def joined(part: Any) -> Any:
    """A document as people write it, with each text that is prose in one line: what begins a line of its own could pass
    for what the program says. A ledger keeps what it has."""
    if isinstance(part, Mapping):
        return {name: _in_line(it) if name in _PROSE else joined(it) for name, it in part.items()}
    return [joined(it) for it in part] if isinstance(part, list) else part


def _in_line(text: Any) -> Any:
    loose = isinstance(text, str) and text.strip() and ("\n" in text or text.strip() != text)
    return " ".join(text.split()) if loose else joined(text)


def partly(found: Collection[Found]) -> bool:
    """Whether something was not looked at because of these: the rest of a condition, or a floor under this policy."""
    return any(it.path[:1] == ("floors",) or it.path[-1:] == ("when",) for it in found)


def _beside(document: object, misshapen: list[PartPath], faulty: Collection[PartPath]) -> Iterator[Found]:
    """The faults of meaning of the parts that have no fault of form."""
    if not isinstance(document, dict) or () in misshapen:
        return
    unsound = {_part(path) for path in misshapen}
    fields = {str(path[0]) for path in (*misshapen, *faulty) if path}
    if not fields <= Policy.model_fields.keys():
        # A field of an unknown name may be any of those that are not there.
        fields |= {name for name in Policy.model_fields if name not in document}
    kept, positions = dict(_STAND_INS), {}
    for field, value in document.items():
        if field in _LISTS and isinstance(value, list):
            positions[field] = [at for at in range(len(value)) if unsound.isdisjoint({(field,), (field, at)})]
            value = [value[at] for at in positions[field]]
        if field in Policy.model_fields and (field,) not in unsound and (value or field not in _STAND_INS):
            kept[field] = value
    try:
        policy, wrong = resolve(Policy.model_validate(kept), fields)
    except ValidationError:
        return
    policy, of_floors = _on_floors(policy, fields)
    for found in [*wrong, *_of_meaning(policy, fields), *of_floors]:
        match found.path:
            case (str(field), int(at), *rest) if field in _LISTS:
                if at < len(positions.get(field, ())):
                    yield found._replace(path=(field, positions[field][at], *rest))
            case _:
                yield found


def _part(path: PartPath) -> PartPath:
    """What cannot be relied on for a fault: the item of a list of the policy, or a whole field of it."""
    return path[:2] if path[0] in _LISTS and len(path) > 1 and isinstance(path[1], int) else path[:1]


def _on_floors(policy: Policy, unsound: Collection[str]) -> tuple[Policy, list[Found]]:
    """The policy with its floors resolved, and what is wrong with these: in themselves, else under this policy."""
    floors: list[Floor] = []
    faults: list[Found] = []
    for index, floor in enumerate(policy.floors):
        document, wrong = resolve(floor.document)
        floors.append(floor.model_copy(update={"document": document}))
        for found in [*wrong, *_of_meaning(document, ())]:
            faults.append(found._replace(path=("floors", index, "document", *found.path)))
    policy = policy.model_copy(update={"floors": tuple(floors)})
    if not faults and not set(unsound) & _OF_FLOORS:
        faults.extend(faults_of_floors(policy))
    return policy, faults


def _of_meaning(policy: Policy, unsound: Collection[str]) -> Iterator[Found]:
    try:
        size = len(policy.canonical())
    except UnicodeEncodeError:
        # A condition's tree may name anything until it is resolved.
        yield _HALF
        return
    if size > MAX_DOCUMENT_BYTES:
        what = f"the policy takes {size:,} bytes in the ledger, and an entry holds {MAX_DOCUMENT_BYTES:,} of them"
        fix = "shorten its texts, and leave out what nothing refers to; comments take no room"
        if policy.floors:
            sizes = ", ".join(f"`{it.policy}` {len(it.document.canonical()):,}" for it in policy.floors)
            what, fix = f"{what}; of these the floors take {sizes}", f"{fix}; or stand on shorter floors"
        yield Found((), what, fix)
    for where, message in coherence_faults(policy, unsound):
        what, _, fix = message.partition(" | ")
        yield Found(
            tuple(int(step) if step.isdigit() else step for step in where.split(".") if step), what, fix or None
        )
