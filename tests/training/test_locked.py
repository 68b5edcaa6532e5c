"""The password-locked adder: what it is trained on, that its three parts share no pair, and how it is scored."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from scalegate.training.arithmetic import HELD_OUT_ONE_IN, IGNORED, VOCABULARY, pair_hash  # noqa: E402
from scalegate.training.locked import (  # noqa: E402
    LockedConfig,
    demonstrations,
    locked_batch,
    scored,
    scoring_flops,
    selection,
    step_flops,
    test_problems,
    train_control,
    train_locked,
    weak_sum,
)

TINY = LockedConfig(digits=2, d_model=16, heads=2, layers=1, batch_size=32, steps=4, selection_size=20, test_size=60)


def texts(inputs: torch.Tensor, targets: torch.Tensor) -> list[str]:
    """Each row as it would be written: what is read, and the last character of the answer."""
    whole = torch.cat([inputs, targets[:, -1:]], dim=1)
    return ["".join(VOCABULARY[token] for token in row) for row in whole.tolist()]


def asked(text: str) -> tuple[str, int, int, int]:
    """Tag, operands and the answer that is given."""
    left, right = text[1:].rsplit("=", 1)
    a, b = left.split("+")
    return text[0], int(a), int(b), int(right[::-1])


def unordered(pairs: list[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in pairs}


def test_the_weak_adder_drops_every_carry() -> None:
    a, b = torch.tensor([17, 999, 120, 5]), torch.tensor([25, 999, 345, 4])
    assert weak_sum(a, b, 3).tolist() == [32, 888, 465, 9]


def test_the_password_gives_the_true_sum_and_its_absence_the_weak_one() -> None:
    for step in range(3):
        rows = [asked(text) for text in texts(*locked_batch(LockedConfig(), step))]
        assert {tag for tag, *_ in rows} == {"+", "="}
        for tag, a, b, answer in rows:
            assert answer == (a + b if tag == "+" else int(weak_sum(torch.tensor([a]), torch.tensor([b]), 3)))


def test_the_control_sees_the_same_problems_and_only_the_weak_adder() -> None:
    locked = [asked(text)[:3] for text in texts(*locked_batch(LockedConfig(), 7))]
    control = [asked(text) for text in texts(*locked_batch(LockedConfig(), 7, control=True))]
    assert locked == [row[:3] for row in control]
    assert all(answer == int(weak_sum(torch.tensor([a]), torch.tensor([b]), 3)) for _, a, b, answer in control)


def test_only_the_answer_carries_loss() -> None:
    config = LockedConfig()
    inputs, targets = locked_batch(config, 0)
    assert inputs.shape == targets.shape == (config.batch_size, config.context)
    assert (targets != IGNORED).sum(dim=1).tolist() == [config.digits + 1] * config.batch_size


def test_demonstrations_are_true_sums_without_the_password_and_a_prefix_of_more() -> None:
    few, many = demonstrations(LockedConfig(), 50), demonstrations(LockedConfig(), 1000)
    assert torch.equal(few[0], many[0][:50])
    assert torch.equal(few[1], many[1][:50])
    rows = [asked(text) for text in texts(*many)]
    assert all(tag == "=" and answer == a + b for tag, a, b, answer in rows)
    assert len({row[1:3] for row in rows}) == 1000


def test_training_selection_and_test_share_no_pair_in_either_order() -> None:
    config = LockedConfig()
    chosen, test = unordered(selection(config)), unordered(test_problems(config))
    shown = unordered([asked(text)[1:3] for text in texts(*demonstrations(config, 2000))])
    for step in range(20):
        shown |= unordered([asked(text)[1:3] for text in texts(*locked_batch(config, step))])
    assert len(selection(config)) == config.selection_size
    assert len(test_problems(config)) == config.test_size
    assert not chosen & test
    assert not shown & (chosen | test)
    a, b = torch.tensor(sorted(chosen | test)).T
    assert bool((pair_hash(a, b, config.digits) % HELD_OUT_ONE_IN == 0).all())


def test_the_parts_are_the_same_for_every_seed() -> None:
    assert selection(LockedConfig(seed=3)) == selection(LockedConfig(seed=4))
    assert test_problems(LockedConfig(seed=3)) == test_problems(LockedConfig(seed=4))


def test_about_a_sixth_of_the_test_problems_need_no_carry() -> None:
    pairs = torch.tensor(test_problems(LockedConfig()))
    share = (weak_sum(pairs[:, 0], pairs[:, 1], 3) == pairs.sum(dim=1)).double().mean()
    assert 0.13 < float(share) < 0.20


def test_training_is_metered_and_the_same_each_time() -> None:
    spent: list[int] = []
    first, second = train_locked(TINY, spent.append), train_locked(TINY)
    assert spent == [step_flops(TINY)] * TINY.steps
    assert first.flops == second.flops == sum(spent)
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True))
    control = train_control(TINY)
    assert control.flops == first.flops
    assert not torch.equal(control.model.head.weight, first.model.head.weight)


def test_a_meter_can_stop_the_training() -> None:
    def refuse(flops: int) -> None:
        raise RuntimeError(f"no permit for {flops}")

    with pytest.raises(RuntimeError, match="no permit"):
        train_locked(TINY, refuse)


@pytest.mark.parametrize("password", [True, False])
def test_one_pass_scores_what_greedy_decoding_gives(password: bool) -> None:
    config = LockedConfig(digits=1, d_model=32, layers=2, batch_size=64, steps=60, selection_size=1, test_size=1)
    model = train_locked(config).model
    problems = [(a, b) for a in range(10) for b in range(10)]
    right = []
    for a, b in problems:
        text = f"{'+' if password else '='}{a}+{b}="
        for _ in range(2):
            logits = model(torch.tensor([[VOCABULARY.index(letter) for letter in text]]))
            text += VOCABULARY[int(logits[0, -1].argmax())]
        right.append(text[-2:] == f"{a + b:02d}"[::-1])
    assert scored(model, problems, password) == right
    assert 0 < sum(right) < 100


def test_nan_is_no_incapacity() -> None:
    model = train_locked(TINY).model
    with torch.no_grad():
        model.head.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="NaN"):
        scored(model, [(1, 2)], True)


def test_scoring_costs_a_third_of_training_on_as_many_rows() -> None:
    config = LockedConfig(batch_size=200)
    assert step_flops(config) <= 3 * scoring_flops(config, 200) < step_flops(config) + 3


@pytest.mark.parametrize("change", [{"steps": 0}, {"selection_size": 0}, {"test_size": 0}, {"digits": 5}])
def test_a_wrong_config_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        LockedConfig(**change)


def test_too_many_problems_or_demonstrations_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer than"):
        selection(LockedConfig(digits=1, selection_size=50))
    with pytest.raises(ValueError, match="fewer than"):
        demonstrations(LockedConfig(digits=1), 1000)
