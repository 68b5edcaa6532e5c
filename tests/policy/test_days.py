"""A day that ends something lasts to its end, a day that begins something begins with it, and both are said so."""

from __future__ import annotations

from typing import Any

import pytest

from scalegate.errors import InputError
from scalegate.gate.whatif import what_if
from scalegate.policy import PolicyFaults, parse_policy
from scalegate.policy.build import build_policy
from scalegate.policy.document import Moratorium, Obligation
from scalegate.policy.stated import stated
from scalegate.policy.to_yaml import policy_to_yaml
from scalegate.report.gather_policy import gather_policy
from scalegate.units import format_end, format_instant, format_last, parse_end, parse_instant
from support import POLICY_TEXT

DAY_OF = "2027-01-31"
LAST, AFTER = parse_instant(f"{DAY_OF}T23:59:59Z"), parse_instant("2027-02-01")
COMMON = "source: {document: d}, actions: [train], modality: will"
EACH = {
    "by": f"  - {{id: new, kind: obligation, by: {DAY_OF}, kept_by: {{role: officer, at_least: 1}}, late: stands, text: t, {COMMON}}}\n",  # noqa: E501
    "until": f"  - {{id: new, kind: moratorium, above: 1 FLOP, until: {DAY_OF}, text: t, {COMMON}}}\n",
    "in_force": f'  - {{id: new, kind: condition, when: compute <= 1 FLOP, in_force: {{until: {DAY_OF}}}, text: t, {COMMON}}}\n',  # noqa: E501
}  # fmt: skip


def status(clause: str, now: int) -> str:
    policy = parse_policy(POLICY_TEXT + clause)
    facts, faults = stated(
        policy,
        [("now", format_instant(now)), ("compute", "5 FLOP"), ("obligation.*.due", f"{DAY_OF}T23:59:59Z")][
            : 3 if "obligation" in clause else 2
        ],
    )
    assert not faults
    return next(it.status for it in what_if(policy, "train", facts).findings if it.clause == "new")


def test_a_duty_by_a_day_may_be_kept_all_day() -> None:
    duty = parse_policy(POLICY_TEXT + EACH["by"]).clauses[-1]
    assert isinstance(duty, Obligation)
    assert duty.by == LAST


@pytest.mark.parametrize("field", ["until", "in_force"])
def test_what_holds_until_a_day_holds_all_of_it(field: str) -> None:
    assert status(EACH[field], LAST) == "violated"
    assert status(EACH[field], AFTER) in ("met", "not applicable")


@pytest.mark.parametrize("field", sorted(EACH))
def test_the_day_is_said_with_its_end(field: str) -> None:
    document = gather_policy(parse_policy(POLICY_TEXT + EACH[field]), parse_instant("2026-12-01"))
    view = next(it for it in document.clauses if it.id == "new")
    assert f"the end of {DAY_OF}" in f"{view.in_force} {view.says[0].sentence}"


@pytest.mark.parametrize("field", sorted(EACH))
def test_it_is_written_as_it_is_read_in_a_file_and_in_python(field: str) -> None:
    policy = parse_policy(POLICY_TEXT + EACH[field])
    text = policy_to_yaml(policy)
    assert parse_policy(text).digest() == policy.digest()
    assert DAY_OF in text
    plain: dict[str, Any] = policy.document()
    for name in ("by", "until"):
        if name in plain["clauses"][-1]:
            plain["clauses"][-1][name] = DAY_OF
    if field == "in_force":
        plain["clauses"][-1]["in_force"] = {"until": DAY_OF}
    assert build_policy(plain).digest() == policy.digest()


def test_an_instant_is_what_it_says() -> None:
    exact = parse_policy(POLICY_TEXT + EACH["until"].replace(DAY_OF, "2027-01-31T12:00:00Z")).clauses[-1]
    assert isinstance(exact, Moratorium)
    assert exact.until == parse_instant("2027-01-31T12:00:00Z")
    assert (format_last(LAST), format_last(AFTER)) == (f"the end of {DAY_OF}", "2027-02-01T00:00:00Z")
    assert (format_end(AFTER), format_end(LAST)) == (f"the end of {DAY_OF}", f"{DAY_OF}T23:59:59Z")


def test_a_parameter_of_the_kind_instant_says_which_second_it_is() -> None:
    value = f"{{from: 2026-01-01, value: {DAY_OF}, reference: {{document: d}}, review_by: 2028-01-01}}"
    parameters = f"parameters:\n  - {{id: end, about: a, kind: instant, values: [{value}]}}\nlevels:\n"
    with pytest.raises(PolicyFaults, match=f"`{DAY_OF}` is a whole day"):
        parse_policy(POLICY_TEXT.replace("levels:\n", parameters, 1))


def test_for_ever_is_no_day_that_something_ends_with() -> None:
    """The day after it has no date, and the policy could not be written down."""
    with pytest.raises(InputError, match="a day after it has no date"):
        parse_end("9999-12-31")
    assert parse_end("9999-12-30") == parse_instant("9999-12-31")
