"""Faults of form, in words: what the schema refuses, where it stands in the file, and what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from scalegate.policy import document as schema
from scalegate.policy.document import Policy
from scalegate.policy.elsewhere import Home, home_of, other_name, say_it
from scalegate.policy.faults import Form, Found, PartPath, PolicyFaults
from scalegate.policy.in_context import in_context
from scalegate.policy.parts import OF_MARGIN
from scalegate.policy.shapes import alone_like, field_meant, shape_meant

__all__ = ["POLICY", "faults_of_form", "label", "what_to_write"]

MAX_GUESSES = 100
"""For so many unknown fields a like one is looked for."""
_KINDS: Mapping[str, type[BaseModel]] = {
    "cadence": schema.Cadence,
    "capability": schema.Capability,
    "safeguards": schema.Safeguards,
    "next_level": schema.NextLevel,
    "compute_cap": schema.ComputeCap,
    "moratorium": schema.Moratorium,
    "undefined_test": schema.UndefinedTest,
    "scale_cap": schema.ScaleCap,
    "condition": schema.Condition,
    "obligation": schema.Obligation,
    "residual_risk": schema.ResidualRisk,
    "witnessed": schema.Witnessed,
}
_LISTS = ("people", "assumptions", "domains", "determinations", "parameters", "risks", "levels", "tiers", "exceptions")
_NO_FIELDS = ("is not a set of fields", "write `field: value` lines below it, indented")
_SHAPES = {
    "dict_type": _NO_FIELDS,
    "tuple_type": ("is not a list", "write one item per line, each after `- `"),
    "model_type": _NO_FIELDS,
    "model_attributes_type": _NO_FIELDS,
    "too_short": ("is empty", "write at least one item"),
    "too_long": ("has more items than are read", "put together those that are had together, each with its source"),
}
_MEANT = {"compute": "flop", "flops": "flop", "time": "duration", "date": "instant", "percent": "share"}
_MEANT |= {"must": "will", "shall": "will"}
"""What others call one of the choices."""
_CHOICES = {
    ("clauses", "late"): ("counts", "stands"),
    ("clauses", "per"): ("action", "year", "tenfold"),
    ("determinations", "about"): ("weights", "developer"),
}
"""Of fields that must be there, and for which no choice is more likely than another."""
_LIMIT = {"at", "above"}
"""A clause that holds above an amount lets a run go on up to it, as one does that holds at it."""
_SURE = 0.75
"""How like a word must be to one of a few choices: `compute` is like `count`, and does not mean it."""


def faults_of_form(
    error: ValidationError,
    document: object,
    root: type[BaseModel] = Policy,
    examples: Mapping[str, str] | None = None,
) -> list[Found]:
    """Each fault that the schema found, by its place in the file; a field that is misspelt is not also missing.

    `root`: the schema of the file as a whole; `examples`: a value of each of its fields; those of a policy if None.
    """
    examples = POLICY.examples if examples is None else examples
    found: list[Found] = []
    renamed: set[PartPath] = set()
    strange: dict[PartPath, dict[str, bool]] = {}
    missing: dict[PartPath, PartPath] = {}
    items: list[Any] = [it | {"loc": _untagged(it["loc"])} for it in error.errors()]
    known = _every_field(root)
    places = {path[:cut] for path in (_file_path(item["loc"]) for item in items) for cut in range(len(path))}
    for item in items:
        path = _file_path(item["loc"])
        kind, value = item["type"], item["input"]
        if kind == "too_short" and path in places:
            continue  # it is not empty: what it holds is wrong, and is told
        if kind == "extra_forbidden":
            fields, beside = _fields(root, item["loc"][:-1]), _at(document, path[:-1])
            word = re.sub(r"[\s-]", "_", str(path[-1]))
            absent = [field for field in fields if field not in beside]
            told = field_meant(path, _KINDS) if root is Policy else None
            other = None if told else other_name(word, value, absent)
            if told is None and other is None:
                # One that stands there is meant sooner than one that nobody wrote.
                likely = sorted(fields, key=lambda field: field not in beside)
                within = next((field for field in likely if word in _inside(root, item["loc"][:-1], field)), None)
                told = f"it is a field of `{within}`: write it below that, indented further" if within else None
            looks = len(found) < MAX_GUESSES
            guess = _close(word, absent) if looks and not (other or told) else None
            if looks and not (other or told or guess):
                told = _home(root, document, item["loc"], word)
            like = alone_like(value, absent, examples) if not (other or told) and path[0] == "clauses" else None
            fix = told or say_it(word, value, known, fields, [it for it in fields if it in beside] if looks else None)
            if other:
                guess, fix = other
            elif like and like != guess:
                guess, fix = like, f"did you mean `{like}`? Else {fix}"
            elif guess:
                fix = f"write `{guess}`"
            if guess:
                renamed.add((*path[:-1], guess))
            else:
                strange.setdefault(path[:-1], {})[str(path[-1])] = told is None
            found.append(Found((*path, "<key>"), f"`{path[-1]}` is not a field here", fix))
        elif kind == "missing":
            missing.setdefault(path, item["loc"])
        elif kind == "value_error":
            what, _, fix = str(item["ctx"]["error"]).partition(" | ")
            own = in_context(document, path, value, fix)
            found.append(Found(path, f"{label(path)}: {what}", own or fix or None))
        elif kind == "literal_error":
            choices = re.findall(r"'([^']*)'", item["ctx"]["expected"])
            guess = _choice(value, choices) if isinstance(value, str) else None
            fix = f"write `{guess or choices[0]}`" if guess or len(choices) == 1 else "write one of " + _listed(choices)
            gates = _listed([it for it in choices if it in schema.GATING])
            fix += f"; {gates} gate, the others hold nothing" if path[-1] == "modality" and not guess else ""
            # What may only be claimed with a `yes` is not claimed for whoever wrote something else.
            fix = "leave the field out, unless it is so: then write `yes`" if choices == ["yes"] else fix
            found.append(Found(path, f"{label(path)}: {_shown(value)} is not one of the choices", fix))
        elif kind == "union_tag_invalid":
            guess = _close(item["ctx"]["tag"], list(_KINDS))
            fix = f"write `{guess}`" if guess else "write one of " + _listed(list(_KINDS))
            found.append(Found((*path, "kind"), f"`{item['ctx']['tag']}` is not a kind of clause", fix))
        elif kind == "union_tag_not_found":
            fix = "add a line `kind: ...`, with one of " + _listed(list(_KINDS))
            found.append(Found(path, "the clause has no `kind`", fix))
        else:
            what, shape = _SHAPES.get(kind, ("cannot be read", what_to_write(path, examples)))
            if kind == "tuple_type" and isinstance(value, str) and re.fullmatch(r"[\w.-]{1,64}", value):
                everything = value.lower() in ("all", "any", "every", "none", "nothing")
                shape = "name each, in brackets" if everything else f"put it in brackets: `[{value}]`"
                if path[-1] == "actions" and value not in schema.ACTIONS:
                    shape = f"write those that are meant in brackets: `[{', '.join(schema.ACTIONS)}]` are all of them"
            fields = _of_part(root, item["loc"]) if shape == _NO_FIELDS[1] else []
            shape += f"; the fields are {_listed(fields)}" if fields else ""
            shape = shape_meant(path, value, fields, examples) or shape
            found.append(Found(path, f"{label(path)} {what}", shape))
    found += [
        Found(path, f"`{path[-1]}` is missing", f"add {_to_add(path, examples, _unread(root, loc, document, strange))}")
        for path, loc in missing.items()
        if path not in renamed
    ]
    return list(dict.fromkeys(found))


def _untagged(loc: PartPath) -> PartPath:
    """Without what the schema puts in between for the two forms of a margin."""
    return tuple(it for at, it in enumerate(loc) if it not in OF_MARGIN or loc[at - 1 : at] != ("margin",))


def _file_path(loc: PartPath) -> PartPath:
    """The path in the file: without what the schema puts in between for a clause's kind and a key's two forms."""
    if loc[:1] == ("floors",) and loc[2:3] == ("document",):
        return (*loc[:3], *_file_path(loc[3:]))
    if loc[:1] == ("clauses",) and len(loc) > 2 and loc[2] in _KINDS:
        loc = loc[:2] + loc[3:]
    return loc[:3] if loc[:1] == ("people",) and loc[2:3] == ("key",) else loc


def _fields(root: type[BaseModel], loc: PartPath) -> list[str]:
    """The names of the fields at a place of the document."""
    return [field.alias or name for name, field in _model(root, loc).model_fields.items()]


def _model(root: type[BaseModel], loc: PartPath) -> type[BaseModel]:
    """The schema of the part at a place of the document."""
    model: Any = root
    for step in loc:
        if model is schema.Clause and step in _KINDS:
            model = _KINDS[str(step)]
        elif isinstance(step, str):
            model = next(f.annotation for n, f in model.model_fields.items() if step == (f.alias or n))
            while model is not schema.Clause and not isinstance(model, type):
                model = get_args(model)[0]
    found: type[BaseModel] = model
    return found


def _every_field(model: Any) -> frozenset[str]:
    """The names of the fields of a part and of all parts of it."""
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return frozenset().union(*(_every_field(it) for it in get_args(model)))
    fields = model.model_fields
    # A floor is a policy with the same fields.
    inner = (_every_field(it.annotation) for name, it in fields.items() if name not in ("floors", "document"))
    return frozenset(it.alias or name for name, it in fields.items()).union(*inner)


def _home(root: type[BaseModel], document: Any, loc: PartPath, word: str) -> str | None:
    """What to write for a field of another part than the one at a place."""
    above: list[Home] = []
    value = _at(document, _file_path(loc[:-1])).get(str(loc[-1]))
    for cut in range(len(loc) - 2, -1, -1):
        part, below = _file_path(loc[:cut]), next((it for it in loc[cut:-1] if isinstance(it, str)), "")
        has = isinstance(below, str) and below in _inside_of(root, loc[:cut])
        if has and word in _inside_of(root, loc[:cut]) and word not in _at(document, part):
            above.append(Home(next((str(it) for it in reversed(part) if isinstance(it, str)), ""), below))
    others: list[Home] = []
    if root is Policy and len(_file_path(loc)) == 3 and loc[0] != "clauses":
        lists = [name for name in _LISTS if name != loc[0]]
        having = [name for name in lists if word in _inside_of(root, (name,))]
        others = [Home(name) for name in having if _reads(_model(root, (name,)), word, value)]
    if root is Policy and len(_file_path(loc)) == 3 and loc[0] == "clauses":
        having = [kind for kind in _KINDS if word in _inside_of(root, ("clauses", 0, kind))]
        kinds = tuple(kind for kind in having if _reads(_KINDS[kind], word, value))
        others = [Home("clauses", kinds=kinds)] * bool(kinds)
    return home_of(word, above, others)


def _inside_of(root: type[BaseModel], loc: PartPath) -> list[str]:
    """The names of the fields at a place; none where no part stands there."""
    try:
        return _fields(root, loc)
    except (AttributeError, StopIteration, IndexError):
        return []


def _unread(
    root: type[BaseModel], loc: PartPath, document: Any, strange: Mapping[PartPath, Mapping[str, bool]]
) -> dict[str, bool] | None:
    """The unknown fields of the part that lacks a field, and whether the value of each could be that field's."""
    path = _file_path(loc)
    if path[:-1] not in strange:
        return None
    model = _model(root, loc[:-1])
    found = {}
    for name, unplaced in strange[path[:-1]].items():
        # What belongs elsewhere is not meant; what could be anything tells nothing.
        found[name] = unplaced and loc[-1] != "version" and _reads(model, str(loc[-1]), _at(document, path[:-1])[name])
    return found


def _reads(model: type[BaseModel], name: str, value: object) -> bool:
    """Whether a value could be that of a field."""
    field = next(field for own, field in model.model_fields.items() if name == (field.alias or own))
    kind: Any = Annotated[(field.annotation, *field.metadata, "")]
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def _inside(root: type[BaseModel], loc: PartPath, field: str) -> list[str]:
    """The names of the fields of a field, where it is one part."""
    return _inside_of(root, (*loc, field))


def _of_part(root: type[BaseModel], loc: PartPath) -> list[str]:
    """The names of the fields of the part that belongs at a place; of a clause, those that each kind has."""
    try:
        return _fields(root, loc)
    except (AttributeError, StopIteration, IndexError):
        every = [_fields(root, ("clauses", 0, kind)) for kind in _KINDS] if loc[:1] == ("clauses",) else [[]]
        return [name for name in every[0] if all(name in it for it in every)]


def _choice(word: str, choices: list[str]) -> str | None:
    if (meant := _MEANT.get(word.lower())) in choices:
        return meant
    near = difflib.get_close_matches(word[:80].lower(), choices, 1, _SURE)
    return near[0] if near else None


def _to_add(path: PartPath, examples: Mapping[str, str], unread: Mapping[str, bool] | None) -> str:
    """`unread`: unknown fields of the same part, of which one may be what is missing, with a figure of its own."""
    if unread is not None and re.search("[0-9]", examples.get(str(path[-1]), "")) and path != ("scalegate",):
        likely = next((name for name, fits in unread.items() if fits), None)
        if likely is not None and re.match("confiden|certain", likely, re.IGNORECASE):
            return f"`{path[-1]}: ...`, the chance of an error: what `{likely}` leaves of 100%"
        if likely is not None:
            return f"`{path[-1]}: ...`, with the value of `{likely}` if that is what it says"
        return re.sub(r"[0-9][0-9.e]*(?:-[0-9]+)*", "...", _example(path, examples))
    choices = _CHOICES.get((str(path[0]), str(path[-1])), ()) if len(path) == 3 else ()
    return " or ".join(f"`{path[-1]}: {it}`" for it in choices) or _for_example(_example(path, examples))


def _for_example(example: str) -> str:
    """An example that has a figure in it is said to be one: whoever wrote none meant another."""
    return f"for example {example}" if re.search(": .*[0-9]", example) and "scalegate" not in example else example


def _at(document: Any, path: PartPath) -> Any:
    """What stands at a place of the document; nothing, where it is no set of fields."""
    for step in path:
        document = document[step]
    return document if isinstance(document, dict) else {}


_EXAMPLES = {
    "scalegate": "1", "policy": "my-policy", "version": '"1.0"', "every": "4x", "within": "3 months",
    "factor": "1x", "first_evaluation_at": "1e22 FLOP", "lease": "10 minutes", "alpha": "5%", "evaluations": "12",
    "threshold": '"0.50"', "alarm": '"0.20"', "level": "2", "number": "2", "samples": "400", "buffer": "6x",
    "margin": "1.5x", "share": "1%", "method": "fine-tuning", "valid_for": "3 months", "binds_at": "2",
    "at": "1e25 FLOP", "above": "1e24 FLOP", "until": "2027-01-31", "from": "2026-01-31", "key": "unset",
    "kind": "...", "role": "officer", "modality": "will", "roles": "[...]", "id": "my-id",
    "source": "{document: ...}", "elicitation": "{method: fine-tuning, share: 1%, at_least: 1e20 FLOP}",
    "test": "{id: ..., purpose: ..., approved_by: {role: ..., at_least: ...}}",
    "approved_by": "{role: ..., at_least: ...}", "error_budget": "{alpha: 5%, evaluations: 12}",
    "effective_compute": "{factor: 1x, basis: ...}", "when": "compute <= 1e24 FLOP",
    "parameters": "[...]", "value": "4x", "review_by": "2027-01-31", "reference": "{document: ...}", "values": "[...]",
    "gains": "[{id: ..., about: ..., gain: 5x, source: {document: ...}}]", "gain": "5x", "takes": "3 months",
    "cost": "1%", "budget": "2%",
    "clusters": '{below: "0.05", at_least: 60}',
    "stopping": "{rule: betting}", "rule": "betting", "below": '"0.05"', "beta": "5%",
    "forecast": "{confidence: 95%, at_least: 3}", "confidence": "95%",
    "release": "{enhancement: 10x, horizon: 2 years}", "enhancement": "10x", "horizon": "2 years",
    "notice": "30 days", "cooling_off": "30 days", "growth": "1.5x", "undefined_tests": "...",
    "granted_by": "{role: ..., at_least: ...}", "clauses": "[...]",
    "kept_by": "{role: ..., at_least: ...}", "by": "2027-01-31", "each": "12 months", "after": "policy.adopted",
    "late": "counts", "apart_from": "[evaluator]",
    "past": "10x", "first": "1e24 FLOP", "above_model": "{name: ..., basis: ...}", "compute": "1e25 FLOP",
    "risks": "[...]", "risk": "my-id", "at_most": "0.01%", "per": "action", "carries": "4x", "years_from": "2027-01-01",
    "claimed_by": "{role: ..., at_least: ...}",
    "assumptions": "[...]", "accepted_up_to": "3", "rests_on": "[no-sandbagging]", "because": "...",
    "restored_by": "{role: ..., at_least: ...}",
    "approvals": "{role: ..., at_least: ...}", "amendment": "{role: ..., at_least: ...}",
    "witnesses": "[...]", "parties": "[...]", "not_measured": "[...]", "people": "[...]",
}  # fmt: skip


POLICY = Form("policy", "policy", "`scalegate: 1`", "a policy is a document, not data", _EXAMPLES, PolicyFaults)


_LEAST = {"elicitation": "1e20 FLOP", "forecast": "3"}


def _example(path: PartPath, examples: Mapping[str, str]) -> str:
    field = str(path[-1])
    if field == "at_least":
        return f"`at_least: {_LEAST.get(str(path[-2]) if path[:-1] else '', '2')}`"
    if path[-2:] == ("margin", "within"):
        return "`within: 1 year`"
    if field == "actions":
        return f"`actions`, with those that it is for in brackets: {_listed(list(schema.ACTIONS))}"
    return f"`{field}: {examples.get(field, '...')}`"


def label(path: PartPath) -> str:
    """How a person calls a place: a field, or a numbered item of one."""
    if path and isinstance(path[-1], int):
        return f"item {path[-1] + 1} of " + (f"`{path[-2]}`" if path[:-1] else "the list")
    return f"`{path[-1]}`" if path else "the policy"


def what_to_write(path: PartPath, examples: Mapping[str, str]) -> str:
    """What to do about a value that cannot be read."""
    if path and isinstance(path[-1], str):
        return f"write {_for_example(_example(path, examples))}"
    return "write a value, or remove the item"


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a set of fields" if isinstance(value, dict) else "a list"
    return f"`{str(value)[:80]}`"


def _close(word: str, choices: list[str]) -> str | None:
    same = [it for it in choices if {it, word} == _LIMIT]
    close = same or difflib.get_close_matches(word[:80], choices, 1, 0.65)
    return close[0] if close else None


def _listed(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
