"""Low-rank adapters through peft, put in before a fine-tuning and merged after it. Needs the extra `elicitation`.

LoRA: Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang and Chen, "LoRA: Low-Rank Adaptation of Large Language Models"
(arXiv:2106.09685). The model keeps its class; merged, it has the parameters that it had before, by the same names,
and is scored, digested and saved like any other.
"""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from scalegate.errors import InputError, lacking

try:
    from peft import LoraConfig, LoraModel
except ModuleNotFoundError as error:
    raise lacking("a recipe with a rank", error.name, "elicitation") from error

__all__ = ["ALPHA", "adapted_layers", "add_adapters", "merge_adapters"]

ALPHA = 2
"""What an adapter gives is multiplied by this, whatever its rank."""


def adapted_layers(model: nn.Module) -> list[str]:
    """The names of the layers that get an adapter: each linear one (`Conv1D` of transformers too) but the output layer.

    The output layer of a language model may share its weights with the embedding, and is left alone; so is what
    `nn.MultiheadAttention` holds, for it reads the weights itself. Raises InputError if there is none.
    """
    known: Any = getattr(model, "get_output_embeddings", None)
    last = known() if callable(known) else None
    inside = {id(part) for it in model.modules() if isinstance(it, nn.MultiheadAttention) for part in it.modules()}
    names = [
        name
        for name, it in model.named_modules()
        if name and (isinstance(it, nn.Linear) or type(it).__name__ == "Conv1D") and it is not last
        if id(it) not in inside
    ]
    if not names:
        raise InputError(
            "the model has no linear layer that an adapter could be put on", fix="take recipes without a rank"
        )
    return names


def add_adapters(model: nn.Module, rank: int) -> LoraModel:
    """Put adapters into `model` itself; only they are trained from here on. Their first weights come of torch's
    generator, and what they add is nought at first."""
    names = "|".join(re.escape(name) for name in adapted_layers(model))
    fan_in_fan_out = any(type(it).__name__ == "Conv1D" for it in model.modules())
    config = LoraConfig(
        r=rank, lora_alpha=ALPHA * rank, target_modules=names, lora_dropout=0.0, fan_in_fan_out=fan_in_fan_out
    )
    return LoraModel(model, config, "default")


def merge_adapters(adapted: LoraModel) -> nn.Module:
    """The model with what was learned in its own weights, each of which can be trained again."""
    merged: nn.Module = adapted.merge_and_unload(safe_merge=True)
    merged.requires_grad_(True)
    return merged
