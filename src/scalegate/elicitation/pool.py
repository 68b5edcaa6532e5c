"""What an elicitor may learn from and choose by: two parts that share nothing, and no third.

A score is only worth something on problems that nothing was chosen on. So the elicitor is handed a `Pool`, whose
training part is learned from and whose selection part is chosen by; the problems of the score are no part of it,
and there is no argument by which they could get in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from scalegate.elicitation.finetune import IGNORED
from scalegate.errors import InputError

__all__ = ["Part", "Pool", "split"]


@dataclass(frozen=True)
class Part:
    """Demonstrations, one a row: the model gives for `inputs` logits of shape `targets.shape + (classes,)`.

    Targets that are `IGNORED` carry no loss and need not be right. For causal language models the targets are the
    inputs shifted by one, and rows of unlike length are padded on the right, with targets `IGNORED` there.
    """

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        """Raises InputError if there is no row, the two do not fit together, or a row has no target."""
        if self.targets.dim() < 1 or self.targets.shape[0] < 1 or self.inputs.shape[:1] != self.targets.shape[:1]:
            shapes = f"{tuple(self.inputs.shape)} and {tuple(self.targets.shape)}"
            raise InputError(f"inputs and targets of shapes {shapes}: as many rows of both are needed, one at least")
        empty = (self.targets.reshape(len(self), -1) == IGNORED).all(dim=1).nonzero()
        if len(empty):
            raise InputError(f"row {int(empty[0])} of the demonstrations has no target: it can show nothing")

    def __len__(self) -> int:
        return int(self.targets.shape[0])

    def rows(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the rows with these numbers."""
        return self.inputs[numbers], self.targets[numbers]


@dataclass(frozen=True)
class Pool:
    """All that an elicitation sees. No row of inputs is in both parts."""

    training: Part
    """Learned from; of a recipe with k demonstrations, the first k."""
    selection: Part
    """What the recipe is chosen by and the recovery curve is measured on. The score never uses it."""

    def __post_init__(self) -> None:
        """Raises InputError if a row is in both parts: what is chosen by may not be learned."""
        known = set(_digests(self.training.inputs))
        for number, digest in enumerate(_digests(self.selection.inputs)):
            if digest in known:
                raise InputError(
                    f"row {number} of the selection part is in the training part too",
                    fix="split by a hash of the whole row, as `split` does",
                )


def split(inputs: Tensor, targets: Tensor, *, one_in: int = 5) -> Pool:
    """A pool from demonstrations: about one row in `one_in` for selection, by a hash of the whole row of inputs.

    Rows with the same inputs fall on the same side, and where a row falls does not depend on the others. The hash is of
    all of it: a rule on part of a problem may take a whole kind of problem out of the training part.
    """
    whole = Part(inputs, targets)
    if one_in < 2:
        raise InputError(f"one row in {one_in} for selection leaves none to learn from", fix="2 or more")
    sides = [int.from_bytes(digest[:8], "big") % one_in == 0 for digest in _digests(whole.inputs)]
    chosen = torch.tensor(sides, dtype=torch.bool)
    if chosen.all() or not chosen.any():
        raise InputError(f"{len(sides)} demonstrations are too few for two parts")
    return Pool(Part(inputs[~chosen], targets[~chosen]), Part(inputs[chosen], targets[chosen]))


def _digests(inputs: Tensor) -> list[bytes]:
    rows = inputs.detach().cpu().reshape(inputs.shape[0], inputs[0].numel()).contiguous().view(torch.uint8)
    return [hashlib.sha256(row.numpy().tobytes()).digest() for row in rows]
