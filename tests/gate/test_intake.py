"""Result files from outside, and approvals of what was seen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import InputError
from scalegate.gate.intake import check_plan, check_weights, read_result
from scalegate.gate.journal import Journal
from scalegate.gate.project import Project
from scalegate.ledger.entries import Approval, ComputeReserved, EvaluationAnnounced, EvaluationFinished
from scalegate.training.held import Held
from scalegate.units import MAX_SAMPLES
from support import POLICY_TEXT, STEP, Model, new_project, open_gate, train

NAME = "e" * 64


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A run with recorded weights and one announced evaluation of them."""
    project = new_project(tmp_path / "p")
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 2)
        gate.save()
    with project.journal() as journal:
        journal.grant(announcement(journal), project.key("evaluator"))
    return project


WEIGHTS = Model(flops=2 * STEP).digest()


def announcement(journal: Journal, **changes: Any) -> EvaluationAnnounced:
    given: dict[str, Any] = {
        "actor": "evaluator",
        "time": journal.now(),
        "policy": journal.policy.digest(),
        "evaluation": NAME,
        "run": "r",
        "weights": WEIGHTS,
        "domain": "arithmetic",
        "kind": "capability",
        "task": "addition",
        "task_version": "1",
        "dataset": "d" * 64,
        "samples": 4,
        "elicitation": "fine-tuning",
    }
    return EvaluationAnnounced(**(given | changes))


def result(folder: Path, **changes: Any) -> Path:
    given: dict[str, Any] = {
        "evaluation": NAME,
        "weights": WEIGHTS,
        "domain": "arithmetic",
        "outcomes": [True, False, None, True],
        "elicitation_flops": "5",
        "elicitation_method": "tuned",
        "evaluation_flops": "7",
        "assumptions": ["a", "b"],
    }
    document = {key: value for key, value in (given | changes).items() if value != "absent"}
    path = folder / "result.json"
    path.write_text(json.dumps(document))
    return path


def read(project: Project, path: Path) -> EvaluationFinished:
    with project.journal() as journal:
        return read_result(path, journal, "evaluator")


def test_counts_come_from_the_outcomes(project: Project) -> None:
    path = result(project.folder)
    entry = read(project, path)
    assert (entry.successes, entry.completed, entry.errors) == (2, 3, 1)
    assert (entry.elicitation_flops, entry.evaluation_flops, entry.elicitation_method) == (5, 7, "tuned")
    assert entry.assumptions == ("a", "b")
    assert entry.log == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (entry.evaluation, entry.weights, entry.domain) == (NAME, WEIGHTS, "arithmetic")
    assert (entry.status, entry.actor) == ("completed", "evaluator")


def test_an_unannounced_result_gets_a_name_of_its_own(project: Project) -> None:
    entry = read(project, result(project.folder, evaluation=None))
    assert len(entry.evaluation) == 64
    assert entry.evaluation != NAME
    unnamed = result(project.folder, evaluation=None, elicitation_flops="absent")
    assert read(project, unnamed).elicitation_flops == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcomes": []}, "outcomes"),
        ({"outcomes": "absent"}, "outcomes"),
        ({"outcomes": [1, 0]}, "outcomes"),
        ({"outcomes": [True]}, "1 outcomes, and 4 samples were announced (give one for each sample, `null` where"),
        ({"outcomes": [True] * 5}, "5 outcomes, and 4 samples were announced"),
        ({"outcomes": ["yes"]}, "outcomes"),
        ({"outcomes": [0.5]}, "0.5 is not an integer"),
        ({"outcomes": [float("nan")]}, ""),
        ({"surprise": 1}, "surprise"),
        ({"evaluation": "f" * 64}, "was not announced"),
        (
            {"weights": "9" * 64},
            f"other weights or another domain than was announced: `arithmetic` on weights {WEIGHTS}",
        ),
        ({"domain": "cyber"}, "other weights or another domain"),
        ({"elicitation_flops": "absent"}, "`elicitation_flops` is missing, and an evaluation with elicitation was"),
        ({"elicitation_flops": "-1"}, "elicitation_flops"),
        ({"elicitation_flops": "1e9"}, "elicitation_flops"),
        ({"assumptions": [""]}, "assumptions"),
        ({"evaluation": None, "weights": "short"}, "weights"),
    ],
)
def test_a_file_that_is_not_a_result_is_one_clear_error(project: Project, changes: dict[str, Any], words: str) -> None:
    path = result(project.folder, **changes)
    with pytest.raises(InputError) as caught:
        read(project, path)
    assert words in str(caught.value)
    if words not in ("assumptions", "weights"):
        assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_or_not_json(project: Project) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        read(project, project.folder / "none.json")
    path = project.folder / "x.json"
    path.write_text("{")
    with pytest.raises(InputError, match=r"x\.json"):
        read(project, path)


def test_weights_must_be_known_and_the_domain_in_the_policy(project: Project) -> None:
    with project.journal() as journal:
        check_weights(journal, WEIGHTS, "arithmetic", "r")
        check_weights(journal, WEIGHTS, "arithmetic", None)
        with pytest.raises(InputError, match="evidence for other weights"):
            check_weights(journal, "9" * 64, "arithmetic", "r")
        with pytest.raises(InputError, match="are of run `r`, not of `s`"):
            check_weights(journal, WEIGHTS, "arithmetic", "s")
        with pytest.raises(InputError, match="no domain `cyber`"):
            check_weights(journal, WEIGHTS, "cyber", None)


PLAIN = "write plain JSON, with outcomes as true, false or null, and FLOP as text of digits"


def test_messages_say_what_where_and_what_to_write(project: Project) -> None:
    """Whole, as they are shown: a field in a list by its number, a place within the file, weights by twelve digits."""
    path = result(project.folder, outcomes=[True, 3])
    other = "9" * 64
    short = f"evaluation {'f' * 12} was not announced"
    announced = f"it is about other weights or another domain than was announced: `arithmetic` on weights {WEIGHTS}"
    sizes = "give one for each sample, `null` where it has none; a result of other samples leaves `evaluation` out"
    for changes, message in (
        ({"outcomes": [True, 3]}, "`outcomes.1`: Input should be a valid boolean"),
        ({"evaluation": "f" * 64}, short),
        ({"weights": other}, announced),
        ({"outcomes": [False]}, f"1 outcomes, and 4 samples were announced ({sizes})"),
        ({"evaluation": None, "assumptions": [""]}, None),
    ):
        with pytest.raises(InputError) as caught:
            read(project, result(project.folder, **changes))
        if message:
            assert str(caught.value) == f"{path}: {message}"
    for text, message in (
        ("{", f"{path}:1:2: not JSON: Expecting property name enclosed in double quotes ({PLAIN})"),
        ('{"a": 1, "a": 2}', f"{path}: JSON object has the key 'a' twice ({PLAIN})"),
        (
            '{"a": 0.5}',
            f"{path}: JSON number 0.5 is not an integer ({PLAIN})",
        ),
    ):
        path.write_text(text)
        with pytest.raises(InputError) as caught:
            read(project, path)
        assert str(caught.value) == message
    with project.journal() as journal:
        for arguments, message in (
            (
                (other, "arithmetic", "r"),
                f"weights {'9' * 12} are not recorded in this ledger: this is evidence for other weights"
                " (`scalegate status` shows the latest that each run recorded, with `--json` all of them)",
            ),
            ((WEIGHTS, "arithmetic", "s"), f"weights {WEIGHTS[:12]} are of run `r`, not of `s`"),
            ((WEIGHTS, "cyber", None), "the policy has no domain `cyber` (one of arithmetic)"),
        ):
            with pytest.raises(InputError) as caught:
                check_weights(journal, *arguments)
            assert str(caught.value) == message


def test_a_plan_on_weights_that_nobody_recorded_takes_the_floor(project: Project) -> None:
    with project.journal() as journal:
        check_plan(journal, announcement(journal, weights="9" * 64, samples=400), 10**9)
        with pytest.raises(InputError, match="of elicitation can rule out nothing"):
            check_plan(journal, announcement(journal, weights="9" * 64, samples=400), 10**9 - 1)


def test_the_most_samples_that_are_worked_out_may_be_planned(project: Project) -> None:
    with project.journal() as journal:
        check_plan(journal, announcement(journal, weights="9" * 64, samples=MAX_SAMPLES), 10**9)
        with pytest.raises(InputError, match="100001 samples are more than are worked out"):
            check_plan(journal, announcement(journal, weights="9" * 64, samples=MAX_SAMPLES + 1), 10**9)


def finish(project: Project, **changes: Any) -> None:
    with project.journal() as journal:
        entry = read_result(result(project.folder, outcomes=[False] * 4, **changes), journal, "evaluator")
        journal.grant(entry, project.key("evaluator"))


def pieces(project: Project) -> list[Any]:
    with project.journal() as journal:
        return list(journal.fold.situation("r", now=journal.now()).pieces)


def test_elicitation_counts_only_as_far_as_it_was_reserved(project: Project) -> None:
    def reserve(evaluation: str, flops: int) -> None:
        with project.journal() as journal:
            reserved = ComputeReserved(
                actor="gatekeeper",
                time=journal.now(),
                policy=journal.policy.digest(),
                run="r",
                session=journal.fold.runs["r"].latest.session,
                use="elicitation",
                flops=flops,
                evaluation=evaluation,
            )
            journal.append(lambda: [(reserved, project.key("gatekeeper"))])

    reserve(NAME, 1000)
    finish(project, elicitation_flops="600")
    assert [piece.elicitation_flops for piece in pieces(project)] == [600]
    with project.journal() as journal:
        journal.grant(announcement(journal, evaluation="f" * 64), project.key("evaluator"))
    reserve("f" * 64, 400)
    finish(project, evaluation="f" * 64, elicitation_flops="600")
    assert [piece.elicitation_flops for piece in pieces(project)] == [600, 400]
    assert [piece.attempt for piece in pieces(project)] == [1, 2]
    finish(project, evaluation=None, elicitation_flops="600")
    assert next((p.elicitation_flops, p.announced, p.attempt) for p in pieces(project)) == (0, False, 0)


def test_a_second_result_for_one_announcement_is_refused_and_if_forced_in_spoils_both(project: Project) -> None:
    finish(project)
    with pytest.raises(InputError, match="second result"):
        finish(project)
    with project.journal() as journal:
        entry = read_result(result(project.folder, outcomes=[True] * 4), journal, "evaluator")
        journal.append(lambda: [(entry, project.key("evaluator"))])
    first, second = pieces(project)
    assert (first.successes, first.announced) == (0, False)
    assert (second.successes, second.announced, second.attempt) == (4, False, 0)


def test_a_second_announcement_of_one_name_is_refused(project: Project) -> None:
    with project.journal() as journal, pytest.raises(InputError, match="already announced"):
        journal.grant(announcement(journal), project.key("evaluator"))


def test_an_announcement_after_the_result_does_not_count(project: Project) -> None:
    finish(project, evaluation=None)
    name = next(piece.evaluation for piece in pieces(project) if piece.evaluation != NAME)
    with project.journal() as journal, pytest.raises(InputError, match="already announced or finished"):
        journal.grant(announcement(journal, evaluation=name), project.key("evaluator"))


def test_an_approval_names_a_decision_on_this_run(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "q"), Model(skill=lambda _: 0.9)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    with project.journal() as journal:
        seen = journal.fold.latest["r"].digest()
        early = next(iter(journal.fold.decisions))

        def approval(**changes: Any) -> Approval:
            given = {"actor": "ada", "time": journal.now(), "policy": journal.policy.digest(), "run": "r", "level": 2}
            given |= {"decision": seen, "until": 2**33, "statement": "s"}
            return Approval(**(given | changes))

        for changes, words in (
            ({"decision": "0" * 64}, "not one on this run"),
            ({"decision": early}, "no evidence had put the model in level 2"),
            ({"run": "s"}, "not one on this run"),
            ({"level": 3}, "does not have the role"),
            ({"actor": "security"}, "does not have the role `officer`"),
        ):
            entry = approval(**changes)
            with pytest.raises(InputError, match=words):
                journal.grant(entry, project.key(entry.actor))
        journal.grant(approval(), project.key("ada"))
        (adopted, run, signature) = journal.fold.signatures[-1]
        assert (adopted, run, signature.action) == (0, "r", "train")
        assert (signature.subject, signature.by, signature.until) == ("approval.2.ada", "ada", 2**33)


def test_an_announcement_that_could_rule_nothing_out_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    """At 1e12 FLOP with a factor of 1.5, a share of 1% is more than the floor of 1e9."""
    text = POLICY_TEXT.replace("evaluations: 12", "evaluations: 1").replace("factor: 1x", "factor: 1.5x")
    text = text.replace("first_evaluation_at: 2e11", "first_evaluation_at: 2e12")
    project, model = new_project(tmp_path / "p", text), Model()
    with open_gate(project, model, evaluate=None, planned=10**13) as gate:
        train(gate, model, 1, flops=10**12)
        weights = gate.save()
    with project.journal() as journal:
        due = 15 * 10**9
        planned = announcement(journal, weights=weights, samples=400)
        check_plan(journal, planned, due)
        check_plan(journal, announcement(journal, weights=weights, samples=400, elicitation="none"), 0)
        for entry, reserved, message, fix in (
            (
                announcement(journal, weights=weights, samples=399),
                due,
                "399 samples can rule out nothing: the policy asks for 400 in `arithmetic`",
                "announce as many; a result that was not announced may still show the capability reached",
            ),
            (
                announcement(journal, weights=weights, samples=100_001),
                due,
                "100001 samples are more than are worked out: they can rule out nothing",
                "`--samples 100000` or fewer",
            ),
            (
                planned,
                10**14,
                "with 1.00e+14 FLOP of elicitation the developer comes to 1.52e+14 FLOP, past the limit of"
                " `cap.absolute`",
                "check the exponent of `--elicitation-flops`: what is reserved counts for good",
            ),
            (
                announcement(journal, weights=weights, samples=400, elicitation="none"),
                1,
                "nothing is elicited as it is",
                "leave `--elicitation-flops` or `--as-is` out",
            ),
            (
                planned,
                due - 1,
                "1.50e+10 FLOP of elicitation can rule out nothing: 1.50e+10 FLOP are due on these weights at the"
                " least, and more to go on far past them",
                "`--elicitation-flops '15000000000 FLOP'` or more, or `--as-is` for an evaluation that elicits nothing",
            ),
        ):
            with pytest.raises(InputError) as caught:
                check_plan(journal, entry, reserved)
            assert (caught.value.message, caught.value.fix) == (message, fix)
        journal.grant(planned, project.key("evaluator"))
        with pytest.raises(InputError) as caught:
            check_plan(journal, planned, due)
    assert caught.value.message == "all 1 evaluations of `arithmetic` are spent: one more can rule out nothing"
    assert caught.value.fix == "a result that was not announced may still show the capability reached"


@pytest.mark.parametrize("field", ["actions: [train], in_force: {until: 2020-01-01}", "actions: [deploy_external]"])
def test_a_cap_that_limits_no_training_refuses_no_plan(tmp_path: Path, field: str) -> None:
    old = (
        "  - {id: cap.old, kind: compute_cap, at: 1e9 FLOP, text: An old cap., modality: will,\n"
        f"     source: {{document: Policy of Example Lab}}, {field}}}\n"
    )
    text = POLICY_TEXT.replace("  - id: cap.absolute\n", f"{old}\n  - id: cap.absolute\n")
    assert text != POLICY_TEXT
    project = new_project(tmp_path / "p", text)
    with project.journal() as journal:
        check_plan(journal, announcement(journal, weights="9" * 64, samples=400), 10**10)
