"""Reading a policy file: every scalar is text with its mark (`strict_yaml`), and every fault is reported at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from scalegate.errors import Place
from scalegate.policy import document as schema
from scalegate.policy.coherence import coherence_faults
from scalegate.policy.conditions import resolve
from scalegate.policy.document import Policy
from scalegate.policy.strict_yaml import (
    MAX_FAULTS,
    Fault,
    FileFaults,
    Form,
    Found,
    Path_,
    label,
    read_sheet,
    read_text,
    write,
)
from scalegate.text import MAX_DOCUMENT_BYTES

__all__ = ["PolicyFaults", "explain", "fill_keys", "load_policy", "parse_policy", "policy_from_json"]


class PolicyFaults(FileFaults):
    """All faults of one policy file, in order of place."""

    noun = "policy"


def load_policy(path: str | Path) -> Policy:
    """The policy in a YAML file. Raises PolicyFaults with every fault found, or InputError if unreadable."""
    return parse_policy(read_text(path, FORM), name=str(path))


def parse_policy(text: str, *, name: str = "policy") -> Policy:
    """The policy in YAML text; `name` is used in messages. Raises PolicyFaults with every fault found."""
    sheet = read_sheet(text, name, FORM)
    try:
        policy, wrong = resolve(Policy.model_validate(sheet.document))
        found = _incoherent(policy)
        sheet.faults += [(sheet.inside(("clauses", at, "when"), char), what, fix) for at, char, what, fix in wrong]
    except ValidationError as error:
        found = [item for item in explain(error, Policy, _EXAMPLES) if item[0] not in sheet.empty]
    faults = sheet.faulty(found)
    if faults is not None:
        raise faults
    return policy


def policy_from_json(document: object) -> Policy:
    """The policy in a canonical JSON document (as a ledger entry carries it). Raises PolicyFaults."""
    try:
        policy, wrong = resolve(Policy.model_validate(document))
        found = [*((("clauses", at, "when"), what, fix) for at, _, what, fix in wrong), *_incoherent(policy)]
    except ValidationError as error:
        found = explain(error, Policy, _EXAMPLES)
    except UnicodeEncodeError:
        found = [((), "a text holds half a character", None)]
    if found:
        raise PolicyFaults([Fault(Place(), _dotted(path) + what, fix) for path, what, fix in found])
    return policy


def fill_keys(text: str, keys: dict[str, str]) -> str:
    """The policy text with `key: unset` of each person in `keys` replaced by that key; all else as it stands."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    places: list[tuple[int, int, str]] = []
    for person in _items(_value(root, "people")):
        name, key = _value(person, "id"), _value(person, "key")
        if name is not None and key is not None and key.value == "unset" and name.value in keys:
            places.append((key.start_mark.index, key.end_mark.index, f'"{keys[name.value]}"'))
    for start, end, value in sorted(places, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _dotted(path: Path_) -> str:
    return ".".join(map(str, path)) + ": " if path else ""


def _incoherent(policy: Policy) -> Found:
    found: Found = []
    size = len(policy.canonical())
    if size > MAX_DOCUMENT_BYTES:
        what = f"the policy takes {size:,} bytes in the ledger, and an entry holds {MAX_DOCUMENT_BYTES:,} of them"
        found.append(((), what, "shorten its texts, and leave out what nothing refers to; comments take no room"))
    for where, message in coherence_faults(policy):
        what, _, fix = message.partition(" | ")
        steps = tuple(int(step) if step.isdigit() else step for step in where.split("."))
        found.append((steps, what, fix or None))
    return found


_KINDS = {
    "cadence": schema.Cadence,
    "capability": schema.Capability,
    "safeguards": schema.Safeguards,
    "compute_cap": schema.ComputeCap,
    "moratorium": schema.Moratorium,
    "undefined_test": schema.UndefinedTest,
    "condition": schema.Condition,
}
_SHAPES = {
    "dict_type": ("is not a set of fields", "write `field: value` lines below it, indented"),
    "tuple_type": ("is not a list", "write one item per line, each after `- `"),
    "model_type": ("is not a set of fields", "write `field: value` lines below it, indented"),
    "model_attributes_type": ("is not a set of fields", "write `field: value` lines below it, indented"),
    "too_short": ("is empty", "write at least one item"),
}


def explain(error: ValidationError, root: type[BaseModel], examples: Mapping[str, str]) -> Found:
    """What a schema says about a document of the shape `root`, in our words, each with its path in the file."""
    found: Found = []
    renamed: set[Path_] = set()
    missing: list[Path_] = []
    items = error.errors()
    places = {path[:cut] for path in (_file_path(item["loc"]) for item in items) for cut in range(len(path))}
    for item in items:
        path = _file_path(item["loc"])
        kind, value = item["type"], item["input"]
        if kind == "too_short" and path in places:
            continue  # it is not empty: what it holds is wrong, and is told
        if kind == "extra_forbidden":
            fields = _fields(root, item["loc"][:-1])
            guess = _close(re.sub(r"[\s-]", "_", str(path[-1])), fields) if len(found) < MAX_FAULTS else None
            renamed |= {(*path[:-1], guess)} if guess else set()
            fix = f"write `{guess}`" if guess else "leave it out; the fields here are " + _listed(fields)
            found.append(((*path, "<key>"), f"`{path[-1]}` is not a field here", fix))
        elif kind == "missing":
            missing.append(path)
        elif kind == "value_error":
            what, _, fix = str(item["ctx"]["error"]).partition(" | ")
            found.append((path, f"{label(path)}: {what}", fix or None))
        elif kind == "literal_error":
            choices = re.findall(r"'([^']*)'", item["ctx"]["expected"])
            guess = _close(value, choices) if isinstance(value, str) else None
            fix = f"write `{guess or choices[0]}`" if guess or len(choices) == 1 else "write one of " + _listed(choices)
            found.append((path, f"{label(path)}: {_shown(value)} is not one of the choices", fix))
        elif kind == "union_tag_invalid":
            guess = _close(item["ctx"]["tag"], list(_KINDS))
            fix = f"write `{guess}`" if guess else "write one of " + _listed(list(_KINDS))
            found.append(((*path, "kind"), f"`{item['ctx']['tag']}` is not a kind of clause", fix))
        elif kind == "union_tag_not_found":
            found.append(
                (path, "the clause has no `kind`", "add a line `kind: ...`, with one of " + _listed(list(_KINDS)))
            )
        else:
            what, shape = _SHAPES.get(kind, ("cannot be read", write(path, examples)))
            found.append((path, f"{label(path)} {what}", shape))
    found += [
        (path, f"`{path[-1]}` is missing", f"add `{path[-1]}: {examples.get(str(path[-1]), '...')}`")
        for path in missing
        if path not in renamed
    ]
    return list(dict.fromkeys(found))


def _file_path(loc: Path_) -> Path_:
    """The path in the file: without what the schema puts in between for a clause's kind and a key's two forms."""
    if loc[:1] == ("clauses",) and len(loc) > 2 and loc[2] in _KINDS:
        loc = loc[:2] + loc[3:]
    return loc[:3] if loc[:1] == ("people",) and loc[2:3] == ("key",) else loc


def _fields(root: type[BaseModel], loc: Path_) -> list[str]:
    """The names of the fields at a place of the document."""
    model: Any = root
    for step in loc:
        if model is schema.Clause and step in _KINDS:
            model = _KINDS[str(step)]
        elif isinstance(step, str):
            model = next(f.annotation for n, f in model.model_fields.items() if step == (f.alias or n))
            while model is not schema.Clause and not isinstance(model, type):
                model = get_args(model)[0]
    return [field.alias or name for name, field in model.model_fields.items()]


_EXAMPLES = {
    "scalegate": "1", "policy": "my-policy", "version": '"1.0"', "every": "4x", "within": "3 months",
    "factor": "1x", "first_evaluation_at": "1e22 FLOP", "lease": "10 minutes", "alpha": "5%", "evaluations": "12",
    "threshold": '"0.50"', "alarm": '"0.20"', "level": "2", "number": "2", "samples": "400", "buffer": "6x",
    "margin": "1.5x", "share": "1%", "method": "fine-tuning", "valid_for": "3 months", "binds_at": "2",
    "at": "1e25 FLOP", "above": "1e24 FLOP", "until": "2027-01-31", "from": "2026-01-31", "key": "unset",
    "kind": "...", "modality": "will", "actions": "[train]", "roles": "[officer]", "id": "my-id",
    "source": "{document: ...}", "elicitation": "{method: fine-tuning, share: 1%, at_least: 1e20 FLOP}",
    "test": "{id: ..., purpose: ..., approved_by: {role: officer, at_least: 2}}",
    "approved_by": "{role: officer, at_least: 2}", "error_budget": "{alpha: 5%, evaluations: 12}",
    "effective_compute": "{factor: 1x, basis: ...}", "when": "compute <= 1e24 FLOP",
    "parties": "[...]", "not_measured": "[...]", "people": "[...]",
}  # fmt: skip


FORM = Form("policy", "policy", "`scalegate: 1`", "a policy is a document, not data", _EXAMPLES, PolicyFaults)


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a set of fields" if isinstance(value, dict) else "a list"
    return f"`{str(value)[:80]}`"


def _close(word: str, choices: list[str]) -> str | None:
    close = difflib.get_close_matches(word[:80], choices, 1)
    return close[0] if close else None


def _listed(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
