"""Digest of a model's weights: what evidence, lineage and permits are bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from scalegate.errors import InputError, lacking

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as error:
    raise lacking("this module", error.name, "torch") from error

__all__ = ["weights_digest"]


def weights_digest(model: nn.Module | Mapping[str, Tensor]) -> str:
    """Hex SHA-256 over name, dtype, shape and bytes of every tensor of the state, sorted by name. Raises InputError."""
    state = model.state_dict() if isinstance(model, nn.Module) else model
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise InputError(
            f"{type(model).__name__} is no model and no state of one", fix="give the model, or its tensors by name"
        )
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().resolve_conj().resolve_neg().contiguous()
        header = f"{name}\x00{tensor.dtype}\x00{tuple(tensor.shape)}\x00".encode()
        digest.update(len(header).to_bytes(8, "big") + header)
        digest.update(tensor.view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()
