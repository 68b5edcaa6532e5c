"""The floors that a policy file names, put into it whole: published policies by name, others by a file beside it."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scalegate.errors import InputError
from scalegate.policy import published
from scalegate.policy.checks import checked, joined
from scalegate.policy.document import Policy
from scalegate.policy.faults import FileFaults, Found, PartPath
from scalegate.policy.form import POLICY
from scalegate.policy.sheet import read_sheet, read_text

__all__ = ["files_of_floors", "with_floors"]

FORM = replace(POLICY, noun="floor")
FIELDS = ("policy", "version", "digest", "file")
"""By which a floor is named, where it does not stand in the file whole."""


def with_floors(document: Any, beside: Path | None) -> tuple[Any, list[Found]]:
    """The document of a policy file with the whole document of each floor, and what is wrong with those that have none.

    `beside`: the folder of the policy's file. A floor that stands in the file whole is left as it is.
    """
    named = document.get("floors") if isinstance(document, dict) else None
    if not isinstance(named, list):
        return document, []
    floors: list[object] = []
    faults: list[Found] = []
    for index, item in enumerate(named):
        path: PartPath = ("floors", index)
        if isinstance(item, str):
            faults.append(Found(path, f"item {index + 1} of `floors` is not a set of fields", _named(item)))
            continue
        if not isinstance(item, Mapping) or "document" in item:
            floors.append(item)
            continue
        strange = [str(field) for field in item if field not in FIELDS]
        faults += [Found((*path, field, "<key>"), f"`{field}` is not a field here", _like(field)) for field in strange]
        try:
            floors.append(_filled(item, _read(_file(item, beside))) if not strange else item)
        except InputError as error:
            faults.append(Found(path, error.message, error.fix))
    # A floor that is missing casts no shadow on the rest: what else is wrong with it is not looked for.
    return document | {"floors": [] if faults else floors}, faults


def _named(text: str) -> str:
    """What to write for a floor that is named in one word."""
    name, _, version = text.partition("@")
    known = [it for it in published.published() if it.name == name]
    version = version or (known[-1].version if known else "...")
    if known or re.fullmatch(r"[a-z][a-z0-9-]*(@.*)?", text):
        return f"write `{{policy: {name}, version: {version}}}`"
    return f"write `{{file: {text}}}`, or `policy` and `version` of a published policy"


def _like(field: str) -> str:
    near = difflib.get_close_matches(field[:80], FIELDS, 1, 0.75)
    return (
        f"write `{near[0]}`" if near else "leave it out; a floor is named by " + ", ".join(f"`{it}`" for it in FIELDS)
    )


def files_of_floors(policy_text: str) -> tuple[str, ...]:
    """The names of the files beside it that the text of a sound policy names as floors."""
    document = read_sheet(policy_text, "policy", POLICY).read.document
    named = document.get("floors", []) if isinstance(document, dict) else []
    return tuple(str(item["file"]) for item in named if "file" in item)


def _file(item: Mapping[str, object], beside: Path | None) -> Path:
    name, version, file = (item.get(field) for field in ("policy", "version", "file"))
    if isinstance(file, str):
        if beside is None:
            raise InputError(f"`{file}`: there is no folder to look for it in", fix="name a published policy")
        if not re.fullmatch(r"[\w][\w .@+-]{0,199}", file):
            what = f"`{file}` is not the name of a file beside the policy"
            raise InputError(what, fix="put the floor into the same folder: `file: floor.yaml`")
        return beside / file
    if not isinstance(name, str):
        fix = "write `policy` and `version` of a published policy, or `file: floor.yaml`"
        raise InputError("nothing says which policy this floor is", fix=fix)
    if not isinstance(version, str):
        latest = [str(it.version) for it in published.published() if it.name == name]
        fix = f"write `version: {latest[-1] if latest else '...'}`, so that another one cannot take its place unseen"
        raise InputError(f"nothing says which version of `{name}` is meant", fix=fix)
    try:
        return published.find(f"{name}@{version}")
    except InputError as error:
        what = f"there is no published policy `{name}@{version}`"
        raise InputError(what, fix=f"{error.fix}; another policy is named by its file: `file: floor.yaml`") from error


def _read(path: Path) -> Policy:
    """The floor in a file. Raises InputError for what is no policy, and for one that stands on floors itself."""
    try:
        sheet = read_sheet(read_text(path, FORM), path.name, FORM)
    except FileFaults as error:
        raise _faulty(path, error) from error
    except InputError as error:
        raise InputError(f"`{path.name}`: {error.message}", fix=error.fix) from error
    if isinstance(sheet.read.document, dict) and sheet.read.document.get("floors"):
        what = f"the floor `{path.name}` stands on floors of its own"
        raise InputError(what, fix="name those as floors of this policy too, beside it")
    policy, found = checked(joined(sheet.read.document), sheet.read.faulty, sheet.read.empty)
    faults = sheet.raised(found, more=True)
    if faults is not None:
        raise _faulty(path, faults)
    assert policy is not None, "a document without a fault is a policy"
    return policy


def _faulty(path: Path, faults: FileFaults) -> InputError:
    number = "1 fault" if len(faults.faults) == 1 else f"{len(faults.faults)} faults"
    fix = f"`{shlex.join(['scalegate', 'policy', 'check', str(path)])}` shows what is wrong"
    return InputError(f"the floor `{path.name}` has {number}", fix=fix)


def _filled(item: Mapping[str, object], policy: Policy) -> dict[str, object]:
    """What the ledger has of a floor; where the file says more than its name, that has to be so."""
    whole = {"policy": policy.policy, "version": policy.version, "digest": policy.digest()}
    said = {str(field): value for field, value in item.items() if field != "file"}
    return whole | said | {"document": policy.document()}
