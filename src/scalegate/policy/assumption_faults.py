"""Whether what a policy says of assumptions can mean something: names that resolve, sentences that are there."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.catalogue import CATALOGUE, known_in
from scalegate.policy.document import Policy
from scalegate.policy.near import or_like

__all__ = ["assumption_faults"]


def assumption_faults(policy: Policy) -> Iterator[tuple[str, str]]:
    """The path of each fault, and what is wrong | what to write."""
    for index, it in enumerate(policy.assumptions):
        path = f"assumptions.{index}"
        if it.id in CATALOGUE and it.text is not None:
            what = f"`{it.id}` is of the catalogue, which says what it is"
            yield f"{path}.text", f"{what} | leave `text` out, or give an assumption of your own another id"
        if it.id not in CATALOGUE and it.text is None:
            what = f"there is no assumption `{it.id}` in the catalogue, and nothing here says what it is"
            fix = or_like(it.id, CATALOGUE, "add `text: ...`, what must be so as a sentence")
            yield path, f"{what} | {fix}"
        if it.id not in CATALOGUE and "/" in it.id:
            yield f"{path}.id", f"`{it.id}` has a `/`, which stands for a floor | give it another id"
    known = known_in(policy)
    for index, domain in enumerate(policy.domains):
        for place, name in enumerate(domain.rests_on or ()):
            path = f"domains.{index}.rests_on.{place}"
            if name not in known:
                fix = or_like(name, known, "write one of the catalogue, or describe it under `assumptions`")
                yield path, f"there is no assumption `{name}` | {fix}"
            elif name in (domain.rests_on or ())[:place]:
                yield path, f"`{name}` stands twice | keep one of the two"
