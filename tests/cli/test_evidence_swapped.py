"""What could be swapped between an announcement and the log that is said to be of it: each is refused, or told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cli_support import Amended, Command, Ran
from test_evidence_import import FEW, LOGS, NEXT, SAID, announce

from logs_made import Change, begun_at, begun_now, changed, named
from scalegate.evidence.inspect_log import read_inspect

SPENT = ("--elicitation-flops", "1e10 FLOP")


@pytest.fixture
def few(in_force: Amended, weights: str) -> str:
    """Weights under a policy that asks for fewer samples than a log of these has."""
    in_force(FEW, *NEXT)
    return weights


def bring(scalegate: Command, log: Path, name: str, *more: object) -> Ran:
    return scalegate("evidence", "import", log, *SAID, "--evaluation", name, *SPENT, *more)


def log(*changes: Change, of: str = "epochs.eval") -> Path:
    return begun_now(LOGS / of, Path("log.eval").absolute(), *changes)


def is_open(scalegate: Command) -> bool:
    return bool(scalegate("status", "-p", "p", "--json").json["open"])


def refused(scalegate: Command, added: Ran, why: str) -> None:
    """And the evaluation stays open, and holds."""
    assert added.code == 2, added.out
    assert why in added.err
    assert is_open(scalegate)


def test_one_that_was_made_before_it_was_announced_is_no_evidence(scalegate: Command, few: str) -> None:
    """Ten runs, and the best of them is announced afterwards."""
    made = begun_now(LOGS / "epochs.eval", Path("log.eval").absolute(), begun_at(int(time.time()) - 1))
    name = announce(scalegate, few)
    refused(scalegate, bring(scalegate, made, name), "what was known before it was announced is no evidence")
    about = ("--weights", few, "--domain", "arithmetic")
    beside = scalegate("evidence", "import", made, *SAID, *about)
    assert (beside.code, "It can rule nothing out" in beside.out) == (0, True)
    assert is_open(scalegate)


def test_one_of_whose_samples_one_was_taken_before_is_none_either(scalegate: Command, few: str) -> None:
    def one(members: dict[str, bytes]) -> None:
        before = dict(members)
        begun_at(int(time.time()) - 3600)(members)
        first = next(it for it in members if it.startswith("samples/"))
        members.update({it: data for it, data in before.items() if it != first})

    name = announce(scalegate, few)
    refused(scalegate, bring(scalegate, log(one), name), "what was known before it was announced")


def test_one_that_does_not_say_when_it_was_made_or_that_is_of_tomorrow_is_none(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few)

    def silent(members: dict[str, bytes]) -> None:
        members["header.json"] = members["header.json"].replace(b'"created":', b'"made":')

    later = begun_at(int(time.time()) + 86_400)
    refused(scalegate, bring(scalegate, log(silent), name), "it does not say when it was begun")
    refused(scalegate, bring(scalegate, log(later), name), "which is to come")


def test_one_log_is_the_result_of_one_evaluation(scalegate: Command, few: str) -> None:
    first, second = announce(scalegate, few), announce(scalegate, few)
    made = log()
    assert bring(scalegate, made, first).code == 0
    refused(scalegate, bring(scalegate, made, second), f"it is the result of evaluation {first[:12]} already")


def test_one_that_names_its_evaluation_is_of_no_other(scalegate: Command, few: str) -> None:
    """Of another in this ledger, or of one in another ledger."""
    first, second = announce(scalegate, few), announce(scalegate, few)
    made = log(named(scalegate_evaluation=first))
    refused(scalegate, bring(scalegate, made, second), f"it is a log of evaluation {first[:12]}")
    elsewhere = log(named(scalegate_evaluation="e" * 64))
    refused(scalegate, bring(scalegate, elsewhere, first), "it is a log of evaluation eeeeeeeeeeee")
    added = bring(scalegate, log(named(scalegate_evaluation=first)), first)
    assert (added.code, "it does not name the evaluation" in added.out) == (0, False)


def test_one_of_other_weights_is_refused_and_one_that_names_none_is_told(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few)
    refused(scalegate, bring(scalegate, log(named(scalegate_weights="e" * 64)), name), "it is a log of weights eeee")
    given = bring(scalegate, log(), name, "--weights", "e" * 64)
    refused(scalegate, given, "it is about other weights or another domain than was announced")
    added = bring(scalegate, log(), name)
    assert "it calls its model `mockllm/model`: which weights these were is the evaluator's word" in added.out


def test_another_name_of_the_model_is_only_a_name(scalegate: Command, few: str) -> None:
    """What a header calls its model nobody can check: it is shown, and bound to nothing."""

    def other(members: dict[str, bytes]) -> None:
        members["header.json"] = members["header.json"].replace(b'"mockllm/model"', b'"hf/other"')

    name = announce(scalegate, few)
    added = bring(scalegate, log(other), name)
    assert "it calls its model `hf/other`: which weights these were is the evaluator's word" in added.out


def test_another_dataset_is_refused_where_it_is_said_and_told_where_it_is_not(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few)
    why = "its samples have the digest eeeeeeeeeeee, and dddddddddddd was announced"
    refused(scalegate, bring(scalegate, log(), name, "--dataset", "e" * 64), why)
    added = bring(scalegate, log(), name)
    assert "its samples do not show the digest that was announced" in added.out


def test_a_dataset_that_was_announced_by_its_contents_is_found_in_the_log(scalegate: Command, few: str) -> None:
    digest = read_inspect(LOGS / "epochs.eval").dataset
    name = announce(scalegate, few, dataset=digest)
    assert "do not show the digest" not in bring(scalegate, log(), name).out
    again = announce(scalegate, few, dataset=digest)

    def easier(members: dict[str, bytes]) -> None:
        for it, data in members.items():
            members[it] = data.replace(b'"input": "3+3="', b'"input": "0+0="')

    assert "do not show the digest" in bring(scalegate, log(easier), again).out


@pytest.mark.parametrize(
    ("version", "samples", "why"),
    [("4", 20, "it is of version `3`, and `4` was announced"), ("3", 30, "20 outcomes, and 30 samples were announced")],
)
def test_another_version_and_fewer_samples_than_the_plan_are_refused(
    scalegate: Command, few: str, version: str, samples: int, why: str
) -> None:
    name = announce(scalegate, few, samples=samples, version=version)
    refused(scalegate, bring(scalegate, log(), name), why)


def test_less_elicitation_than_was_announced_rules_nothing_out(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few)
    added = scalegate("evidence", "import", log(), *SAID, "--evaluation", name, "--elicitation-flops", "0 FLOP")
    assert (added.code, "0 FLOP of elicitation" in added.out) == (0, True)


def test_without_assumptions_it_is_no_evidence(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few)
    made = scalegate("evidence", "import", log(), "--as", "evaluator", "-p", "p", "--evaluation", name, *SPENT)
    refused(scalegate, made, "--assumption")


def test_a_folder_of_lm_eval_that_is_older_than_its_announcement_is_none(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few, version="2")
    refused(scalegate, bring(scalegate, LOGS / "lm_eval" / "whole", name), "what was known before it was announced")


def test_that_another_stopped_it_leaves_no_result(scalegate: Command, few: str) -> None:
    """The policy has no rule for it: what was left out has no outcome."""
    name = announce(scalegate, few)
    added = bring(scalegate, changed(LOGS / "stopped_early.eval", Path("l.eval"), begun_at(int(time.time()))), name)
    assert added.code == 0, added.err
    assert "a rule stopped samples early: stops" in added.out
    assert "It can rule nothing out: 2 samples errored" in added.out
