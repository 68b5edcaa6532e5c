"""Adapters through peft, on a plain module and on causal language models of transformers, built here and untrained."""

from __future__ import annotations

import copy
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

from torch import Tensor, nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from scalegate.elicitation.elicit import Elicited, elicit  # noqa: E402
from scalegate.elicitation.finetune import IGNORED, answer_loss  # noqa: E402
from scalegate.elicitation.lora import adapted_layers, add_adapters, merge_adapters  # noqa: E402
from scalegate.elicitation.pool import Pool, split  # noqa: E402
from scalegate.elicitation.recipe import Recipe, Run, exact_match, grid, torch_meter  # noqa: E402
from scalegate.errors import InputError  # noqa: E402
from scalegate.training import locked  # noqa: E402
from scalegate.training.weights import weights_digest  # noqa: E402

CONFIG = locked.LockedConfig(digits=1, d_model=32, batch_size=64)


def plain() -> nn.Module:
    return locked.Transformer(CONFIG)


def gpt2() -> nn.Module:
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=16, n_positions=16, n_embd=32, n_layer=2, n_head=4, bos_token_id=15, eos_token_id=15
    )
    return transformers.GPT2LMHeadModel(config)


def llama() -> nn.Module:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=16,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=16,
        bos_token_id=15,
        eos_token_id=15,
    )
    return transformers.LlamaForCausalLM(config)


MODELS = pytest.mark.parametrize("make", [plain, gpt2, llama])


def pool_of() -> Pool:
    """One-digit sums, padded on the right by one token that carries no loss."""
    inputs, targets = locked.without_password(CONFIG, [(a, b) for a in range(10) for b in range(10)])
    return split(inputs, targets)


def run(model: nn.Module, *recipes: Recipe, **change: Any) -> Elicited[Any]:
    pool = pool_of()
    step = max(Run(model, recipe, pool.training, torch_meter, 0).step_flops for recipe in recipes)
    arguments: dict[str, Any] = {"budget_flops": 40 * step, "selection_share": Fraction(1, 2), "points": 2}
    return elicit(model, pool, recipes, **(arguments | change))


@MODELS
def test_only_adapters_are_trained_and_the_model_comes_back_as_it_was(make: Any) -> None:
    model = make().eval()
    before = copy.deepcopy(model.state_dict())
    told: list[int] = []
    it = run(model, Recipe(1e-2, 40, rank=4, batch_size=8), on_step=told.append)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    after = it.model.state_dict()
    assert list(after) == list(before)
    assert type(it.model) is type(model)
    assert not it.model.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in it.model.parameters())
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed == {f"{name}.weight" for name in adapted_layers(model)}
    assert sum(told) == it.flops
    assert weights_digest(it.model) != weights_digest(model)


@MODELS
def test_a_step_is_metered_as_it_runs_and_adapters_cost_less(make: Any) -> None:
    """On eager attention, whose every product the counter sees."""
    model, pool = make(), pool_of()
    costs = {}
    for rank in (None, 2):
        one = Run(model, Recipe(1e-3, 40, rank, batch_size=8), pool.training, torch_meter, 0)
        costs[rank] = one.step_flops
        batch = next(one._batches())
        with (
            torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            torch.autograd.backward(answer_loss(one.model, *batch))
        assert 0 <= one.step_flops - counter.get_total_flops() <= one.step_flops // 10
        if rank is not None:
            assert one.step_flops == counter.get_total_flops()
    assert costs[2] < costs[None]


@MODELS
def test_the_merged_model_answers_as_the_adapted_one(make: Any) -> None:
    model = make().eval()
    inputs = pool_of().selection.inputs
    before = _logits(model, inputs)
    adapted = add_adapters(model, 3)
    assert torch.equal(before, _logits(model, inputs))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0.0, 0.3)
    changed = _logits(model, inputs)
    merged = merge_adapters(adapted)
    assert not torch.allclose(before, changed, atol=1e-3)
    torch.testing.assert_close(_logits(merged, inputs), changed, atol=1e-4, rtol=1e-4)
    assert not any("lora" in name for name, _ in merged.named_parameters())


def _logits(model: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        given = model(inputs)
    logits: Tensor = getattr(given, "logits", given)
    return logits


@pytest.mark.parametrize("make", [gpt2])
def test_full_and_adapted_recipes_are_searched_together(make: Any) -> None:
    recipes = grid(lr=(1e-3, 1e-2), demonstrations=(60,), rank=(None, 4), batch_size=8)
    told: list[int] = []
    it = run(make(), *recipes, on_step=told.append, seed=1)
    assert [trial.round for trial in it.trials] == [1] * 4 + [2] * 2
    assert {trial.recipe for trial in it.trials} == set(recipes)
    full, low = (next(trial for trial in it.trials if trial.recipe.rank is rank) for rank in (None, 4))
    assert low.steps >= full.steps  # as much FLOP buys more steps
    assert sum(told) == it.flops
    again = run(make(), *recipes, seed=1)
    assert (it.trials, it.curve) == (again.trials, again.curve)
    assert weights_digest(it.model) == weights_digest(again.model)


@pytest.mark.parametrize("make", [gpt2, llama])
def test_exact_match_is_what_greedy_generation_gives(make: Any) -> None:
    pool = pool_of()
    recipe = Recipe(1e-2, 60, batch_size=16)
    cost = Run(make(), recipe, pool.training, torch_meter, 0).step_flops
    it = run(make().eval(), recipe, budget_flops=250 * cost)
    asked = CONFIG.prompt_length
    made = it.model.generate(
        pool.selection.inputs[:, :asked],
        attention_mask=torch.ones(len(pool.selection), asked, dtype=torch.long),
        max_new_tokens=2,
        min_new_tokens=2,
        do_sample=False,
    )
    wanted = pool.selection.targets[:, -2:]
    by_generation = (made[:, asked:] == wanted).all(dim=1).tolist()
    assert exact_match(it.model, pool.selection)[0] == by_generation
    assert it.curve[-1].successes == sum(by_generation) > 0


def test_rows_padded_on_the_right_change_nothing_for_a_causal_model() -> None:
    model, part = llama().eval(), pool_of().selection
    padding = torch.zeros(len(part), 3, dtype=torch.long)
    inputs = torch.cat([part.inputs, padding], dim=1)
    targets = torch.cat([part.targets, torch.full_like(padding, IGNORED)], dim=1)
    torch.testing.assert_close(answer_loss(model, inputs, targets), answer_loss(model, part.inputs, part.targets))


def test_a_model_without_linear_layers_takes_no_adapter() -> None:
    with pytest.raises(InputError, match="no linear layer"):
        adapted_layers(nn.Sequential(nn.Embedding(4, 4), nn.LayerNorm(4)))


def test_what_attention_of_torch_holds_and_the_output_layer_get_no_adapter() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert adapted_layers(layer) == ["linear1", "linear2"]
    assert not any("lm_head" in name for name in [*adapted_layers(gpt2()), *adapted_layers(llama())])
    assert "head" in adapted_layers(plain())


def test_a_recipe_that_breaks_is_an_error() -> None:
    model = plain()
    with torch.no_grad():
        model.head.weight.fill_(float("inf"))
    with pytest.raises(ValueError, match=r"the loss is|NaN"):
        run(model, Recipe(1e-3, 40, rank=2, batch_size=8))


def test_importing_the_elicitor_loads_neither_peft_nor_transformers() -> None:
    code = "import sys, scalegate.elicitation.elicit; print(sorted({'peft', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "[]", done.stderr
