"""Noise on the weights: a copy's, as strong as was said, and a probe that is taken whole or not at all."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from scalegate.elicitation.noise import LIMITS, noisy, weight_noise  # noqa: E402


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(40, 50), nn.LayerNorm(50), nn.Linear(50, 1, bias=True))


def test_the_model_itself_is_untouched_and_the_noise_is_of_the_strength_that_was_said() -> None:
    model = net()
    before = copy.deepcopy(model.state_dict())
    shaken = noisy(model, "0.5", 3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    for (name, old), new in zip(model.named_parameters(), shaken.parameters(), strict=True):
        moved = (new - old).detach()
        if old.numel() == 1 or float(old.detach().std()) == 0:
            assert float(moved.abs().max()) == 0, name
        else:
            assert float(moved.std() / old.detach().std()) == pytest.approx(0.5, rel=0.35), name


def test_a_seed_gives_the_same_noise_and_another_another() -> None:
    model = net()
    first, again, other = (noisy(model, "0.1", seed)[0].weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(noisy(model, "0", 1)[0].weight, model[0].weight)


def test_each_strength_and_seed_is_a_point_and_nothing_is_added_up() -> None:
    """A model that one seed alone makes better shows it."""
    model, asked = net(), []

    def score(tried: nn.Sequential) -> list[bool]:
        moved = not torch.equal(tried[0].weight, model[0].weight)
        asked.append(moved)
        return [moved and len(asked) == 3] * 4

    probe = weight_noise(model, score, strengths=("0", "0.1", "0.25"), seeds=(7, 8))
    assert [(it.strength, it.successes, it.samples) for it in probe.points] == [
        ("0", 0, 4),
        ("0.1", 0, 4),
        ("0.1", 4, 4),
        ("0.25", 0, 4),
        ("0.25", 0, 4),
    ]
    assert (probe.name, probe.limits) == ("weight noise", LIMITS)
    assert "no rise proves nothing" in LIMITS


@pytest.mark.parametrize(
    ("strengths", "seeds"), [((), (0,)), (("0",), ()), (("0.2", "0.1"), (0,)), (("0.1", "0.1"), (0,)), (("0",), (1, 1))]
)
def test_what_is_no_probe_is_refused(strengths: tuple[str, ...], seeds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"at the least|rise"):
        weight_noise(net(), lambda _model: [True], strengths=strengths, seeds=seeds)


@pytest.mark.parametrize("scores", [[], [None], [0.5], [1]])
def test_a_score_that_is_none_ends_the_probe(scores: list[object]) -> None:
    with pytest.raises(ValueError, match="True or False"):
        weight_noise(net(), lambda _model: scores, strengths=("0",), seeds=(0,))  # type: ignore[arg-type,return-value]


def test_a_broken_model_and_a_strength_that_is_none_are_errors() -> None:
    model = net()
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        noisy(model, "0.1", 0)
    for strength in ("-1", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="no less than 0"):
            noisy(net(), strength, 0)
