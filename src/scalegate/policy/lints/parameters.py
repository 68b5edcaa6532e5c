"""Parameters that are overdue or soon will be, that loosen a clause by date, or that nothing names."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.compile import by_name
from scalegate.policy.dating import parameters_of
from scalegate.policy.document import Policy
from scalegate.policy.lints import sources
from scalegate.policy.lints.lint import Lint, Rule
from scalegate.policy.loosening import loosened
from scalegate.policy.parameters import in_force, name_of, shown_value
from scalegate.policy.show import date
from scalegate.units import DAY, format_last, format_wait

__all__ = ["lints"]

OVERDUE = Rule(
    "parameter-overdue",
    "weakness",
    "parameters that were to be looked at again",
    "It is unknown until somebody has looked: what needs it holds.",
)
LOOSENS = Rule(
    "parameter-loosens",
    "weakness",
    "parameters that permit more from a date on",
    "Nobody has to show anything for it: that the day comes is enough.",
)
UNUSED = Rule(
    "parameter-unused",
    "weakness",
    "parameters that no clause that gates names",
    "It reads as a limit, and nothing holds at it.",
)
DUE = Rule(
    "parameter-due",
    "note",
    "parameters to be looked at again soon",
    "Past that date what needs it holds, until a new version of the policy has a new value.",
)
SOON = 90 * DAY


def lints(policy: Policy, today: int) -> Iterator[Lint]:
    """In the order of the document; `today` is an instant."""
    used = {name for clause, condition in by_name(policy) if clause.gates for name in parameters_of(condition)}
    for index, parameter in enumerate(policy.parameters):
        path, about = ("parameters", index), f"parameter {parameter.id}"
        if name_of(parameter) not in used:
            fix = f"name it in a clause, `{name_of(parameter)}`, or take it out"
            yield Lint(UNUSED, path, about, "no clause that gates names it", fix)
        at = in_force(parameter, today)
        for place, value in enumerate(parameter.values):
            here = (*path, "values", place)
            if value is at and value.review_by - today <= SOON:
                shown, by = f"{shown_value(value)} since {date(value.from_)}", format_last(value.review_by)
                fix = "look at it again, and add a value `from` the day on which it is decided"
                if value.review_by < today:
                    what = f"{shown}: it was to be looked at again by {by}"
                    yield Lint(OVERDUE, (*here, "review_by"), about, what, fix)
                else:
                    what = f"{shown}: to be looked at again by {by}, in {format_wait(value.review_by - today)}"
                    yield Lint(DUE, (*here, "review_by"), about, what, fix)
            if value.reference.section is None:
                what = f"{shown_value(value)} comes from `{value.reference.document}`, and where in it is not said"
                yield Lint(sources.NO_SECTION, (*here, "reference"), about, what, 'add `section: "3.1"`')
        for found in loosened(policy):
            if found.parameter is parameter and found.value.from_ > today:
                what = (
                    f"{shown_value(found.value)} from {date(found.value.from_)}, after {shown_value(found.before)}:"
                    f" `{found.clause}` then asks for less"
                )
                fix = "leave the value out until it is due, or say in public why a date is enough"
                place = parameter.values.index(found.value)
                yield Lint(LOOSENS, (*path, "values", place, "value"), about, what, fix)
