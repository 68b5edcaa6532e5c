"""Where a part of a policy stands in its file: for what is said of a policy that reads without a fault."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from scalegate.errors import Place

__all__ = ["places"]


def places(text: str, *, file: str) -> Callable[[tuple[str | int, ...], str], Place]:
    """What gives the place of a path of the policy in this text, or of some words of the scalar there.

    Of a path that the text does not have, it is the nearest part above. The text is that of a policy that was read.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    lines = text.splitlines()

    def place(path: tuple[str | int, ...], words: str = "") -> Place:
        node = root
        for step in path:
            below = _step(node, step)
            if below is None:
                break
            node = below
        if node is None:
            return Place(file=file)
        mark = node.start_mark
        # Over two lines the same words have another space between them, and the part begins where it begins.
        at = text.find(words, mark.index, node.end_mark.index) if words else -1
        line, column = mark.line, mark.column
        if at >= 0:
            line, column = text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1
        snippet = lines[line].strip()[:160] if line < len(lines) else ""
        return Place(file=file, line=line + 1, column=column + 1, snippet=snippet or None)

    return place


def _step(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None
