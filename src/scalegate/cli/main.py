"""`scalegate`: the commands, and the one place where an error becomes a message and an exit code.

Exit codes: 0 proceed or ok, 2 bad input, 3 hold, 4 not verified.
"""

from __future__ import annotations

import sys

import typer

from scalegate._version import __version__
from scalegate.errors import ScalegateError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Makes a Responsible Scaling Policy executable. Exit codes: 0 proceed or ok, 2 bad input, 3 hold, 4 not verified.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"scalegate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    return


def main() -> None:
    """Run the command line; every fault becomes one message on standard error and a documented exit code."""
    from scalegate.cli import commands

    commands.register(app)
    try:
        app(standalone_mode=True)
    except ScalegateError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(2)
    except OSError as error:
        sys.stderr.write(f"error: {error.filename or ''}: {error.strerror}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
