"""Records weights that were trained elsewhere in a project: `python record.py PROJECT FOLDER`.

What is recorded is the digest of the files, so that `scalegate evaluate --from FOLDER` is bound to what it loads. What
they cost is declared, at the most that is known of it: 6 FLOP for each parameter and each of 6e12 tokens.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from scalegate import Gate, ScalegateError
from scalegate.evidence.files import files_digest
from scalegate.gate.project import Project

__all__ = ["main"]

PARAMETERS, TOKENS = 268_098_176, 6 * 10**12
FLOPS = 6 * PARAMETERS * TOKENS


def main(project: Project, folder: Path) -> str:
    """The digest, once it is in the ledger as that of run `gemma`."""
    digest = files_digest(folder)
    now = [hashlib.sha256(b"it began from nothing").hexdigest()]
    with Gate.open(
        policy=project.policy,
        ledger=project.ledger,
        run="gemma",
        from_scratch=True,
        planned=FLOPS,
        tranche=FLOPS,
        weights=lambda: now[-1],
        checkpoint=lambda: None,  # the files are there
    ) as gate:
        gate.step(FLOPS)
        now.append(digest)
        gate.save()
    return digest


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{main(Project(Path(sys.argv[1])), Path(sys.argv[2]))}\n")
    except ScalegateError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
