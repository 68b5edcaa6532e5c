"""Policies that ship with scalegate: examples to read, and templates for `scalegate init`."""

from importlib.resources import files

__all__ = ["read_example"]


def read_example(name: str) -> str:
    """The YAML text of a policy that ships with scalegate (`arithmetic`, `starter`, `frontier`, `floor`), or of its
    `NAME.tests`."""
    return files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
