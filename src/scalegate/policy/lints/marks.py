"""Lines of a policy's file that its template marked, and that nobody has set: comments are lost once it is read."""

from __future__ import annotations

import re

from scalegate.policy.lints.lint import Lint, Rule

__all__ = ["MARKED", "marked"]

MARKED = Rule(
    "marked-to-set",
    "weakness",
    "lines that are still marked to be set",
    "What stands there is the template's and not yours: whoever adopts it signs for a figure that nobody chose.",
)
_MARK = re.compile(r"(?:^|(?<=\s))#\s*SET\b")
SHOWN = 12
"""Most lines that are named."""


def marked(text: str) -> tuple[Lint, ...]:
    """`text`: the policy's file. All such lines are told as one."""
    found = [(number, mark[0]) for number, line in enumerate(text.split("\n"), 1) if (mark := _MARK.search(line))]
    if not found:
        return ()
    named = ", ".join(str(number) for number, _ in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    lines = f"lines {named}{more} are" if len(found) > 1 else f"line {named} is"
    fix = "write your own figure in each, or keep what is there, and take the mark out"
    return (Lint(MARKED, (), "the file", f"{lines} still marked `# SET`", fix, found[0][1]),)
