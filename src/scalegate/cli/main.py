"""`scalegate`: the commands, and the one place where an error becomes a message and an exit code.

Exit codes: 0 proceed or ok, 2 bad input, 3 hold, 4 not verified.
"""

from __future__ import annotations

import functools
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import typer

from scalegate._version import __version__
from scalegate.cli.options import refuse_empty
from scalegate.errors import Place, ScalegateError

__all__ = ["app", "main", "run"]

app = typer.Typer(
    help="Makes a Responsible Scaling Policy executable: meters a training run, demands evaluations, holds it until"
    " the policy's conditions are met, and proves every verdict.",
    epilog="Exit codes: 0 proceed or ok, 2 bad input, 3 hold, 4 not verified. With --json, results go to standard"
    " output and errors to standard error, both as JSON.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)

_CALLED = {"keygen": "key new", "amend": "adopt", "check": "policy check", "explain": "policy explain"}
"""How commands are called that others call otherwise."""
# Newer typer carries its own copy of click, older ones import it: this is the base of either's errors.
_UsageFault: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"scalegate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    return


@functools.cache
def _registered() -> Any:
    from scalegate.cli import commands

    commands.register(app)
    command = typer.main.get_command(app)
    refuse_empty(command)
    return command


def main() -> None:
    """The console script: run the command line and end with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A path or a name may hold what the terminal's encoding does not have: show it escaped, never fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away: what is left must not fail again when the interpreter flushes on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or 2
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; every fault becomes one message on standard error and a documented exit code."""
    as_json = "--json" in arguments
    try:
        code = _registered()(args=list(arguments), prog_name="scalegate", standalone_mode=False)
    except ScalegateError as error:
        return _fail(error, as_json)
    except _UsageFault as error:
        return _misused(error, as_json)
    except typer.Abort:
        return 130
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except (BrokenPipeError, SystemExit):
        # The reader of our output went away; rich says so by SystemExit.
        return 2
    except OSError as error:
        where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        place = Place(file=where) if where else None
        return _fail(ScalegateError(_reason(error), place=place, fix="check the path and its permissions"), as_json)
    return code if isinstance(code, int) else 0


def _fail(error: ScalegateError, as_json: bool) -> int:
    faults = getattr(error, "faults", ())
    if as_json:
        fault = _document(error) | {"exit_code": error.exit_code}
        if faults:
            fault["faults"] = [_document(item) for item in faults]
        _write(json.dumps({"error": fault}, indent=2, ensure_ascii=False))
    elif faults:
        these = "these are" if len(faults) > 1 else "this is"
        more = f"more may show once {these} mended, and " if getattr(error, "more", False) else ""
        count = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        _write(
            "\n".join(
                [
                    *map(str, faults),
                    f"error: {count}; {more}the {getattr(error, 'noun', 'policy')} is not read until there is none",
                ]
            )
        )
    else:
        _write(f"error: {error}")
    return error.exit_code


def _misused(error: Exception, as_json: bool) -> int:
    """A word of the command line that is missing, unknown or of the wrong kind."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "scalegate"
    if type(error).__name__ == "NoArgsIsHelpError":
        _write(context.get_help() if context else "scalegate --help")
        return 2
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    message = re.sub(r"Input should be a valid integer.*", "it is not a whole number", text)
    message = message[:1].lower() + message[1:].rstrip(".").replace("'", "`")
    unknown = re.match("no such command `([^`]*)`", message)
    called = _CALLED.get(unknown[1]) if unknown and command == "scalegate" else None
    message = message.partition(". Did you mean")[0] if called else message
    fix = f"write `scalegate {called}`" if called else f"see `{command} --help`"
    return _fail(ScalegateError(f"{command}: {message}", fix=fix), as_json)


def _document(fault: object) -> dict[str, object]:
    place = getattr(fault, "place", None)
    return {
        "message": str(getattr(fault, "message", fault)),
        "place": _place(place) if place and str(place) else None,
        "fix": getattr(fault, "fix", None),
    }


def _place(place: Place) -> dict[str, object]:
    parts = {name: getattr(place, name) for name in ("file", "line", "column", "entry", "snippet")}
    return {name: value for name, value in parts.items() if value is not None}


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def _write(text: str) -> None:
    # What a file holds is quoted in messages: it must not drive the terminal.
    sys.stderr.write("".join(c if c.isprintable() or c in "\n" else repr(c)[1:-1] for c in text) + "\n")


if __name__ == "__main__":
    main()
