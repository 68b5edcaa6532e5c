"""Elicitation under a budget: a search over recipes, the best of them to the end, and what it cost in all.

How much fine-tuning draws out depends on the learning rate and on how many demonstrations there are, and no single
recipe suits all models. So recipes are tried, and every trial is paid for. They are chosen by successive halving
(Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", arXiv:1502.07943):
each round gives its trials equal FLOP, scores them on the pool's selection part, and keeps the better half. The recipe
that is left is then run on a fresh copy for the rest of the budget. The problems of the score are never seen
(see `pool`), so however many recipes were tried, the score is one attempt.

The recovery curve says what the model could do on the selection part after so much fine-tuning. A curve that still
rises at its end says that more would have brought out more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeAlias, TypeVar, cast

from torch import Tensor, nn

from scalegate.elicitation.pool import Pool
from scalegate.elicitation.recipe import Meter, OnStep, Recipe, Run, exact_match, forward_flops, torch_meter
from scalegate.errors import InputError

__all__ = ["Elicited", "Point", "Score", "Trial", "elicit"]

Model = TypeVar("Model", bound=nn.Module)
Score: TypeAlias = Callable[[nn.Module, Tensor, Tensor], Sequence[bool]]
"""One outcome a row, of the model on the inputs and targets of the selection part."""


@dataclass(frozen=True)
class Trial:
    """A recipe as it was tried."""

    round: int
    """From 1 on; each keeps the better half."""
    recipe: Recipe
    steps: int
    flops: int
    """Of its steps and its scoring."""
    successes: int
    samples: int
    """Of the selection part, all of it."""
    loss: float | None
    """Mean loss on the selection part, which decides between equal successes; None with a score of one's own."""


@dataclass(frozen=True)
class Point:
    """What the chosen run had brought out at a moment."""

    flops: int
    """FLOP of its steps so far."""
    spent: int
    """All FLOP so far: the search, these steps and each scoring, this one too."""
    successes: int
    samples: int


@dataclass(frozen=True)
class Elicited(Generic[Model]):
    """The outcome: the tuned copy, how it was chosen, and what it all cost."""

    model: Model
    recipe: Recipe
    why: str
    """Why this recipe, in words."""
    trials: tuple[Trial, ...]
    curve: tuple[Point, ...]
    """The first at no FLOP, the last at the model that is returned."""
    steps: int
    tuning_flops: int
    """Of the chosen run's steps alone."""
    selection_flops: int
    """Of every trial, its scoring included."""
    scoring_flops: int
    """Of measuring the curve."""

    @property
    def flops(self) -> int:
        """All that was spent. This is what counts against the lineage."""
        return self.tuning_flops + self.selection_flops + self.scoring_flops

    @property
    def method(self) -> str:
        """In words, for `Measured.elicitation_method`."""
        return (
            f"fine-tuning: {self.recipe}; {self.steps} steps, {self.tuning_flops} FLOP, after {len(self.trials)} trials"
            f" for {self.selection_flops} FLOP; chosen on a split of its own"
        )


@dataclass
class _Spending:
    """What was spent so far, and the only ways to spend: both pay before they take."""

    pool: Pool
    score: Score | None
    score_flops: int
    on_step: OnStep | None
    total: int = 0

    def pay(self, flops: int) -> None:
        if self.on_step is not None:
            self.on_step(flops)
        self.total += flops

    def scored(self, model: nn.Module) -> tuple[int, float | None]:
        """Successes on the selection part and, with the score of the house, the mean loss."""
        self.pay(self.score_flops)
        part = self.pool.selection
        if self.score is None:
            outcomes, loss = exact_match(model, part)
            return sum(outcomes), loss
        given = list(self.score(model, part.inputs, part.targets))
        if len(given) != len(part) or any(type(it) is not bool for it in given):
            raise ValueError(
                f"the score gave {len(given)} outcomes for {len(part)} rows, or others than True and False"
            )
        return sum(given), None


def elicit(
    model: Model,
    pool: Pool,
    recipes: Sequence[Recipe],
    *,
    budget_flops: int,
    selection_share: Fraction = Fraction(1, 3),
    points: int = 4,
    score: Score | None = None,
    score_flops: int | None = None,
    meter: Meter = torch_meter,
    on_step: OnStep | None = None,
    seed: int = 0,
) -> Elicited[Model]:
    """Choose a recipe, run it on a copy of `model`, and spend at least `budget_flops` in all; `model` is untouched.

    At most `selection_share` of the budget goes to the trials, with their scoring; with one recipe none does. The
    recovery curve is measured before the chosen run and at `points` places of it, and the steps of that run take all
    that is left, rounded up to whole steps. So the whole spending is never below the budget, and above it by less than
    one step. It is refused, not cut short, where the budget does not suffice for a step of each trial and each point.

    A row of the selection part succeeds by `exact_match`, or by `score` with `score_flops`, the FLOP that it takes.
    `meter` gives the FLOP of a step for a model as it is trained; `on_step(flops)` is called before each step and
    before each scoring, and refuses by raising. With the same seed the outcome is the same, on the same machine with
    the same number of threads.

    Raises InputError for arguments that do not fit together, ValueError where a loss is not finite, logits are NaN or
    a score is no list of outcomes, and what the meter and `on_step` raise. Nothing is returned then.
    """
    _check(pool, recipes, budget_flops, selection_share, points, score, score_flops)
    cost = forward_flops(model, pool.selection.inputs) if score_flops is None else score_flops
    spending = _Spending(pool, score, cost, on_step)
    trials, recipe = _search(model, recipes, int(budget_flops * selection_share), spending, meter, seed)
    selection_flops = spending.total

    run = Run(model, recipe, pool.training, meter, seed)
    left = budget_flops - selection_flops - (points + 1) * cost
    steps = -(-left // run.step_flops)
    if steps < points:
        raise InputError(
            f"a budget of {budget_flops} FLOP is too small: the search took {selection_flops}, {points + 1} scorings of"
            f" the curve take {cost} each, and {points} steps at the least {run.step_flops} each",
            fix="a larger budget, a smaller selection part or share, or fewer points",
        )
    marks = {-(-steps * number // points) for number in range(1, points)}
    curve: list[Point] = []

    def mark(flops: int) -> None:
        successes, _ = spending.scored(run.model)
        curve.append(Point(flops, spending.total, successes, len(pool.selection)))

    mark(0)
    tuning_flops = run.take(steps, spending.pay, lambda taken, flops: mark(flops) if taken in marks else None)
    run.merged()
    mark(tuning_flops)
    return Elicited(
        model=cast(Model, run.model),
        recipe=recipe,
        why=_why(recipe, trials),
        trials=trials,
        curve=tuple(curve),
        steps=steps,
        tuning_flops=tuning_flops,
        selection_flops=selection_flops,
        scoring_flops=spending.total - selection_flops - tuning_flops,
    )


def _search(
    model: nn.Module, recipes: Sequence[Recipe], most: int, spending: _Spending, meter: Meter, seed: int
) -> tuple[tuple[Trial, ...], Recipe]:
    """Successive halving for at most `most` FLOP: every trial, and the recipe that is left."""
    trials: list[Trial] = []
    alive = list(recipes)
    rounds = (len(alive) - 1).bit_length()
    for number in range(1, rounds + 1):
        each = (most - spending.total) // (rounds + 1 - number) // len(alive)
        for recipe in alive:
            run = Run(model, recipe, spending.pool.training, meter, seed)
            steps = (each - spending.score_flops) // run.step_flops
            if steps < 1:
                raise InputError(
                    f"{most} FLOP for the search leave {each} for a trial in round {number}, and one step of {recipe}"
                    f" takes {run.step_flops}, its scoring {spending.score_flops}",
                    fix="a larger budget or share for the search, fewer recipes, or a smaller selection part",
                )
            flops = run.take(steps, spending.pay)
            run.merged()
            successes, loss = spending.scored(run.model)
            samples = len(spending.pool.selection)
            trials.append(Trial(number, recipe, steps, flops + spending.score_flops, successes, samples, loss))
        tried = [it for it in trials if it.round == number]
        alive = [it.recipe for it in sorted(tried, key=_rank)[: (len(alive) + 1) // 2]]
    return tuple(trials), alive[0]


def _rank(trial: Trial) -> tuple[int, float]:
    """The better first: more successes, then less loss, then the order in which the recipes were given."""
    return -trial.successes, trial.loss if trial.loss is not None else 0.0


def _why(recipe: Recipe, trials: Sequence[Trial]) -> str:
    if not trials:
        return "the only recipe that was given"
    last = [it for it in trials if it.round == trials[-1].round]
    (won,) = (it for it in last if it.recipe == recipe)
    others = ", ".join(str(it.successes) for it in last if it.recipe != recipe)
    rounds = "the only round" if won.round == 1 else f"round {won.round}, the last"
    return f"{won.successes} of {won.samples} selection problems in {rounds}, against {others} of another recipe"


def _check(
    pool: Pool,
    recipes: Sequence[Recipe],
    budget_flops: int,
    selection_share: Fraction,
    points: int,
    score: Score | None,
    score_flops: int | None,
) -> None:
    if not recipes or len(set(recipes)) < len(recipes):
        raise InputError("recipes are missing, or one is given twice", fix="one or more, each once")
    for recipe in recipes:
        if recipe.demonstrations > len(pool.training):
            raise InputError(
                f"a recipe takes {recipe.demonstrations} demonstrations, and the training part has {len(pool.training)}"
            )
    if any(recipe.rank is not None for recipe in recipes):
        from scalegate.elicitation import lora as _  # noqa: F401  # what it lacks is said before anything is spent
    if type(budget_flops) is not int or budget_flops < 1 or points < 1:
        raise InputError(f"budget_flops {budget_flops} and points {points} must be whole numbers, at least 1")
    if not isinstance(selection_share, Fraction) or not 0 <= selection_share < 1:
        raise InputError(f"selection_share must be a Fraction in [0, 1), got {selection_share!r}")
    if (score is None) != (score_flops is None) or (score_flops is not None and score_flops < 1):
        raise InputError(
            "a score of your own and its cost belong together", fix="give both `score` and `score_flops`, at least 1"
        )
