"""A number that could not be shown, or worked out, is refused where it is written, with the figures put in."""

from __future__ import annotations

import pytest

from scalegate.policy import PolicyFaults, parse_policy
from support import POLICY_TEXT

VALUE = '{{from: 2026-01-01, value: {}, reference: {{document: D, section: "1"}}, review_by: 2099-01-01}}'
PARAMETERS = f"""parameters:
  - {{id: g, about: a, kind: factor, values: [{VALUE.format("1000000000x")}]}}
  - {{id: h, about: a, kind: share, values: [{VALUE.format("0.0000000001%")}]}}
levels:
"""


def written(when: str) -> str:
    clause = f"  - {{id: new, kind: condition, when: '{when}', text: t, source: {{document: d}}, actions: [train], modality: will}}\n"  # noqa: E501
    return POLICY_TEXT.replace("levels:\n", PARAMETERS, 1) + clause


@pytest.mark.parametrize(
    "by",
    ["parameter.g * " * 60, "parameter.h * " * 400, "9" * 399 + " * ", "1/" + "9" * 399 + " * "],
    ids=["powers", "shares", "long", "small"],
)
def test_it_is_refused(by: str) -> None:
    with pytest.raises(PolicyFaults, match="a number of more than 60 digits"):
        parse_policy(written(f"compute <= {by}arithmetic.evidence.compute"))


def test_what_can_be_shown_is_not() -> None:
    assert parse_policy(written("compute <= parameter.g * parameter.g * arithmetic.evidence.compute"))
