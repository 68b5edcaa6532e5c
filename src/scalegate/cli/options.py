"""Options that several commands take, each with one meaning and one help text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from scalegate.errors import InputError

__all__ = [
    "HERE",
    "As",
    "AsJson",
    "KeyFile",
    "PolicyName",
    "ProjectDir",
    "RunName",
    "Statement",
    "Until",
    "WeightsOf",
    "Withhold",
    "policy_file",
    "refuse_empty",
]

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
WeightsOf = Annotated[
    str | None,
    typer.Option("--weights", help="Digest of the weights, or the files that hold them; else the run's present ones."),
]
Withhold = Annotated[
    bool,
    typer.Option("--withhold", help="Sign that the log is not shown, such as one of a hazard, and keep no copy of it."),
]
Statement = Annotated[str, typer.Option("--statement", help="What you state, in your own words.")]
PolicyName = Annotated[Path, typer.Argument(help="The policy file, or NAME@VERSION of a published one.")]
HERE = Path()


def policy_file(given: Path, *, quiet: bool = False) -> Path:
    """The file that is meant by a path, or by the name of a published policy where there is no such file.

    Raises InputError for the name of none. Of several versions it is the latest, which is said unless `quiet`.
    """
    name = str(given)
    if (
        given.exists()
        or given.is_symlink()
        or given.name != name
        or (given.suffix in (".yaml", ".yml") and "@" not in name)
    ):
        return given
    from scalegate.policy.published import find, published

    found = find(name)
    others = [str(it) for it in published() if it.name == name and it.path != found]
    if others and not quiet:
        latest = next(str(it) for it in published() if it.path == found)
        typer.echo(f"`{name}` is read as {latest}, the latest; there is also {', '.join(others)}", err=True)
    return found


def refuse_empty(command: Any) -> None:
    """Let no option or argument of a command, or of one below it, be the empty text: a path would be read as here."""
    for parameter in command.params:
        # Before it is read as what it is to be: of a path nothing tells any more what was given.
        parameter.handle_parse_result = _not_empty(parameter, parameter.handle_parse_result)
    for below in getattr(command, "commands", {}).values():
        refuse_empty(below)


def _not_empty(parameter: Any, then: Callable[..., Any]) -> Callable[..., Any]:
    def read(context: Any, given: Mapping[str, Any], arguments: Any) -> Any:
        value = given.get(parameter.name)
        if "" in (value if isinstance(value, list | tuple) else [value]):
            option = parameter.param_type_name == "option"
            name = (
                max(parameter.opts, key=len) if option else (parameter.metavar or parameter.name.upper()).strip("[].")
            )
            fix = "write what it is to be" + ("" if parameter.required else ", or leave it out")
            raise InputError(f"`{name}` is empty", fix=fix)
        return then(context, given, arguments)

    return read
