"""A policy as a YAML file, laid out as `policy fmt` has it; what is written reads back to the same digest."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import yaml

from scalegate.errors import InputError
from scalegate.policy.document import Condition, Policy
from scalegate.policy.layout import lay_out_file
from scalegate.policy.reader import parse_policy
from scalegate.policy.show import show_condition
from scalegate.policy.vocabulary import named
from scalegate.units import exact_flop, format_duration, format_instant, parse_end, parse_instant, parse_until

__all__ = ["policy_to_yaml"]


class _Dumper(yaml.SafeDumper):
    """Writes parts that are alike twice: a policy file has no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def policy_to_yaml(policy: Policy) -> str:
    """The text of the file. Raises PolicyFaults for a policy that has a fault, and so could not be read."""
    document = policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    document = {name: value for name, value in document.items() if value != []}
    known = named(policy)
    for clause, shown in zip(policy.clauses, document.get("clauses", []), strict=True):
        if isinstance(clause, Condition) and not isinstance(clause.when, str):
            shown["when"] = show_condition(clause.when, known)
    exact = _dumped(document)
    for text in (_dumped(_short(document)), exact):
        # A sentence that looks like an amount is not to be shortened like one.
        if parse_policy(text).digest() == policy.digest():
            return _laid_out(text)
    raise InputError("this policy cannot be written as it is", fix="write it as JSON: `policy.canonical()`")


def _laid_out(text: str) -> str:
    try:
        return lay_out_file(text)
    except InputError:
        return text


def _dumped(document: Any) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _short(value: Any, field: str = "") -> Any:
    """With amounts as people write them: `90 days` for so many seconds."""
    if isinstance(value, dict):
        return {name: _short(it, name) for name, it in value.items()}
    if isinstance(value, list):
        return [_short(it) for it in value]
    number, _, unit = str(value).partition(" ")
    if re.fullmatch("[0-9]+", number) and unit == "seconds":
        return format_duration(int(number))
    if re.fullmatch("[0-9]+", number) and unit == "FLOP":
        return re.sub(r"\.?0*e\+", "e", exact_flop(int(number)))
    return _day(field, str(value)) if field in _DAYS else str(value)


_DAYS = {
    **dict.fromkeys(("from", "years_from"), parse_instant),
    **dict.fromkeys(("by", "review_by"), parse_until),
    "until": parse_end,
}
"""What a day means in a field."""


def _day(field: str, text: str) -> str:
    """The day that is read as this instant in the field; else the instant."""
    with suppress(InputError):
        at = parse_instant(text)
        for day in (format_instant(at)[:10], format_instant(at - 1)[:10]):
            if _DAYS[field](day) == at:
                return day
    return text
