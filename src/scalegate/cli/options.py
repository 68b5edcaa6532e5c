"""Options that several commands take, each with one meaning and one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["HERE", "As", "AsJson", "KeyFile", "ProjectDir", "RunName", "Statement", "Until"]

ProjectDir = Annotated[Path, typer.Option("--project", "-p", help="Folder with policy.yaml, ledger.db and keys/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str, typer.Option("--as", help="Who you are, as the policy names you.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key", help="Your signing key; default: keys/<you>.key of the project.")
]
RunName = Annotated[str, typer.Option("--run", help="Name of the run.")]
Until = Annotated[
    str, typer.Option("--until", help="Last day (in UTC, to its end) or instant on which it counts: 2027-01-31.")
]
Statement = Annotated[str, typer.Option("--statement", help="What you state, in your own words.")]
HERE = Path()
