"""A probe by noise: does a model do better when its weights are shaken?

Tice et al., "Noise Injection Reveals Hidden Capabilities of Sandbagging Language Models" (arXiv:2412.01784), add
Gaussian noise to the weights: an honest model gets worse the more there is, one that holds back may get better, for
the noise breaks the holding back before it breaks the capability.

It is one-sided. A rise shows a capability; no rise proves nothing: a lock that is woven into what it hides breaks with
it, as that of the password-locked model of the scenario `sandbagger` does.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

import torch
from torch import nn

from scalegate.ledger.elicited import Probe, ProbePoint

__all__ = ["LIMITS", "noisy", "weight_noise"]

LIMITS = (
    "One-sided: a rise shows a capability, and no rise proves nothing. A lock that breaks together with what it hides,"
    " as that of a small model trained from scratch may, shows no rise at any strength (arXiv:2412.01784)."
)

Model = TypeVar("Model", bound=nn.Module)


def noisy(model: Model, strength: str, seed: int) -> Model:
    """A deep copy of the model with Gaussian noise on its weights; the model itself is untouched.

    `strength`: a plain decimal, the standard deviation of the noise on each tensor in units of that tensor's own. A
    tensor of one value, or whose values are all alike, has none and stays as it is. A seed always gives the same noise.
    Raises ValueError for a strength that is negative or no finite number, and for weights that are not finite.
    """
    share = Decimal(strength)
    if not share.is_finite() or share < 0:
        raise ValueError(f"a strength is no less than 0, got {strength}")
    shaken = copy.deepcopy(model)
    mixed = hashlib.sha256(f"weight noise/{seed}/{strength}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(mixed[:8], "big") >> 1)
    with torch.no_grad():
        for name, weights in shaken.named_parameters():
            if not bool(torch.isfinite(weights).all()):
                raise ValueError(f"`{name}` has weights that are not finite")
            if weights.numel() > 1 and share > 0:
                # Drawn on one kind of device, so that the noise is the same whatever the model runs on.
                drawn = torch.randn(weights.shape, generator=generator, dtype=torch.float32)
                scale = float(weights.detach().float().std()) * float(share)
                weights.add_(drawn.to(device=weights.device, dtype=weights.dtype), alpha=scale)
    return shaken


def weight_noise(
    model: Model,
    score: Callable[[Model], Iterable[bool]],
    *,
    strengths: Sequence[str],
    seeds: Sequence[int],
) -> Probe:
    """Score copies of the model with noise of each strength, with several seeds. The model itself is untouched.

    `score` gives one True or False per sample. Each strength and seed is a point of its own: added up, a rise with one
    seed would be diluted by the others. Strengths are plain decimals that rise; at 0 there is one point.

    Raises ValueError where there is no strength, no seed, two alike, or a strength that is no text, for a score without
    an outcome, and whatever `score` raises: a probe that could not be taken is none, and never one that showed nothing.
    """
    if not strengths or not seeds:
        raise ValueError("a probe takes a strength and a seed at the least")
    if not all(isinstance(it, str) for it in strengths):
        raise ValueError('strengths are written as text, so that none is rounded: "0.1"')
    values = [Decimal(it) for it in strengths]
    if values != sorted(set(values)) or len(set(seeds)) < len(seeds):
        raise ValueError("strengths rise, and no seed is taken twice")
    points = []
    for strength in strengths:
        # Without noise every seed gives the same model.
        for seed in seeds if Decimal(strength) else seeds[:1]:
            found = list(score(noisy(model, strength, seed)))
            if not found or not all(type(it) is bool for it in found):
                raise ValueError(f"the score at strength {strength} is not one True or False per sample")
            points.append(ProbePoint(strength=strength, successes=sum(found), samples=len(found)))
    return Probe(name="weight noise", points=tuple(points), limits=LIMITS)
