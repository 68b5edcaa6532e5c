"""`scalegate policy schema`: what the policy language is, for programs."""

from __future__ import annotations

import typer

from scalegate.cli.options import AsJson

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Put the commands on `scalegate policy`."""
    app.command("schema")(print_schema)


def print_schema(as_json: AsJson = False) -> None:
    """Print the JSON Schema of policy files.

    Editors complete and check a file by it: `scalegate policy schema > policy.schema.json`, and as the first line of
    the policy `# yaml-language-server: $schema=policy.schema.json`. It knows the form of a file; `policy check` knows
    more.
    """
    from scalegate.policy.schema import published_schema

    typer.echo(published_schema(), nl=False)
