"""`policy across` as people meet it: the list, the rows with their notes, and what is refused.

`SCALEGATE_GOLDEN=write` writes the expected texts anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.cli.show import HEADLINE
from scalegate.policy.published import find, published

FOLDER = Path(__file__).parent / "situations"
FIRST = "A what-if on stated facts, and no decision: thresholds are each developer's own, and one row is no ranking."
VERSIONS = ("anthropic-rsp@1.0", "anthropic-rsp@2.2", "openai-preparedness@beta-2023")
FOUR_MONTHS = (
    *("--set", "compute=2e25 FLOP", "--set", "evaluation.compute=1e25 FLOP"),
    *("--set", "now=2025-07-01", "--set", "evaluation.time=2025-03-01"),
    *("--set", "*.below-high=yes", "--set", "*.below-critical=yes", "--set", "no-replication=yes"),
)
RSP_1_BESIDES = (
    *("--set", "anthropic-rsp@1.0:determination.autonomy-rate-warning=yes"),
    *("--set", "anthropic-rsp@1.0:determination.autonomy-tasks-warning=yes"),
    *("--set", "anthropic-rsp@1.0:safeguard.asl3-containment.until=2026-01-01"),
)
RSP_2_BESIDES = (
    *("--set", "anthropic-rsp@2.2:determination.cbrn-4=yes"),
    *("--set", "anthropic-rsp@2.2:determination.ai-rnd-5=yes"),
)
RSP_2_CBRN_3 = ("--set", "anthropic-rsp@2.2:determination.cbrn-3=yes")
RSP_2_APPROVED = (
    *("--set", "anthropic-rsp@2.2:approval.3.*.until=2026-01-01"),
    *("--set", "anthropic-rsp@2.2:safeguard.asl3-security.until=2026-01-01"),
)
REFUSED = [
    (
        ("--set", "cybr.below-high=yes"),
        "there is no shared fact `cybr.below-high` (did you mean `cyber.below-high`? there are `compute`,",
    ),
    (("--set", "*.low=yes"), "there is no shared fact `*.low`"),
    (("--set", "cyber.below-high=true"), "`--set cyber.below-high=true`: `true` is neither yes nor no (write `yes`)"),
    (("--set", "compute=3e25"), "`--set compute=3e25`: `3e25` is not an amount of compute"),
    (("--set", "*.below-high=yes", "--set", "*.below-high=no"), "is stated twice (keep one of the two)"),
    (("--set", "compute"), "`--set compute`: it states no fact"),
    (("--set", "anthropic-rsp@9:now=2026-01-01"), "no policy that is asked here is called `anthropic-rsp@9`"),
    (("--set", "pause-letter@2023:nwo=2026-01-01"), "there is no fact `nwo` (did you mean `now`?)"),
    (("--set", "compute=1e25 FLOP", "--action", "fly"), "`fly` is not an action"),
    (("pause-letter", "pause-letter@2023"), "two of these policies are called `pause-letter@2023` (name each once)"),
    (("pause-lettre",), "there is no file and no published policy called `pause-lettre`"),
]


def golden(name: str, shown: str) -> None:
    path = FOLDER / f"{name}.expected"
    text = "\n".join(line.rstrip() for line in shown.splitlines()) + "\n"
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", [str(it) for it in published()])
def test_without_facts_it_lists_what_a_policy_has_for_each_and_what_no_shared_fact_reaches(
    scalegate: Command, name: str
) -> None:
    ran = scalegate("policy", "across", name)
    head, _, own = ran.out.partition(f"\n{name}\n")
    golden(f"across {name}", own)
    assert (ran.code, ran.err, head.splitlines()[0]) == (0, "", FIRST)
    assert 'no-replication (truth): "The model could not get away' in head


def test_one_situation_has_a_row_for_each_policy_with_why_and_in_what_it_was_read_otherwise(scalegate: Command) -> None:
    ran = scalegate("policy", "across", *VERSIONS, *FOUR_MONTHS, *RSP_2_BESIDES, *RSP_2_CBRN_3)
    golden("across three versions", ran.out)
    assert (ran.code, ran.err, ran.out.splitlines()[0]) == (0, "", FIRST)
    assert HEADLINE in ran.out


def test_by_default_it_asks_all_published_policies(scalegate: Command) -> None:
    ran = scalegate("policy", "across", *FOUR_MONTHS, *RSP_2_BESIDES, *RSP_2_CBRN_3, "--json")
    assert (ran.code, ran.json["what_if"]) == (0, FIRST)
    assert [it["policy"] for it in ran.json["policies"]] == [str(it) for it in published()]
    assert {it["policy"]: it["verdict"] for it in ran.json["policies"]}["anthropic-rsp@2.2"] == "PROCEED"
    assert all(it["inadequate"] for it in ran.json["policies"])


def test_a_row_in_json_says_what_the_text_holds_by_and_what_it_asks_beyond_the_shared_facts(scalegate: Command) -> None:
    warned = (*FOUR_MONTHS, "--set", "biochemical.below-high=no", "--set", "weights-secured.until=2026-01-01")
    besides = (*RSP_1_BESIDES, *RSP_2_BESIDES)
    one, two, beta = scalegate("policy", "across", *VERSIONS, *warned, *besides, "--json").json["policies"]
    assert [it["holds"] for it in (one, two, beta)] == ["policy"] * 3
    assert one["held_by"] == {"policy": ["cadence", "define-asl-4-first"], "scalegate": []}
    assert two["held_by"] == {"policy": ["security.asl-3"], "scalegate": []}
    assert [it["fact"] for it in two["asks_beyond"]] == ["safeguard.asl3-security.until", "approval.3.*.until"]
    assert [it["value"] for it in beta["taken"] if it["fact"] == "determination.below-high"] == ["no"]
    assert "persuasion" in next(it["note"] for it in beta["taken"] if it["fact"] == "determination.below-high")
    assert two["nothing_for"] == ["cyber.below-high", "cyber.below-critical", "no-replication"]
    came = scalegate("policy", "across", "anthropic-rsp@2.2", *warned, *RSP_2_BESIDES, *RSP_2_APPROVED, "--json")
    assert [(it["verdict"], it["holds"]) for it in came.json["policies"]] == [("PROCEED", None)]


def test_a_yes_is_not_taken_over_by_a_text_that_asks_for_more_and_the_row_says_what_to_state(
    scalegate: Command,
) -> None:
    """1.0 asks for a buffer of 6x before each threshold, and for weights that are no cheap prey of states."""
    secured = ("--set", "weights-secured.until=2027-01-01")
    said = [it.replace("evaluation.time=2025-03-01", "evaluation.time=2025-06-30") for it in FOUR_MONTHS]
    ran = scalegate("policy", "across", "anthropic-rsp@1.0", *said, *secured)
    assert " HOLD   anthropic-rsp@1.0" in ran.out
    assert (
        "What holds also asks for what no shared fact says is so; `--set anthropic-rsp@1.0:FACT=VALUE` does:" in ran.out
    )
    assert "safeguard.asl3-containment.until stays unknown, for weights-secured.until says too little" in ran.out
    misuse = ("--set", "anthropic-rsp@1.0:determination.misuse-warning=yes")
    stated = scalegate("policy", "across", "anthropic-rsp@1.0", *said, *secured, *RSP_1_BESIDES, *misuse)
    assert " PROCEED   anthropic-rsp@1.0" in stated.out


def test_where_no_clause_of_a_text_holds_no_hold_is_put_in_its_mouth(scalegate: Command) -> None:
    alone = ("pause-letter", "--set", "now=2024-06-01", "--set", "compute=2e25 FLOP")
    ran = scalegate("policy", "across", *alone)
    assert " held by scalegate alone   pause-letter@2023" in ran.out
    assert "HOLD" not in ran.out
    assert "No clause of its own holds." in ran.out
    assert "required.cadence (no binding clause of this kind is in force)" in ran.out
    assert "`required.*`: scalegate lets nothing go on under a policy without such a clause" in ran.out
    [row] = scalegate("policy", "across", *alone, "--json").json["policies"]
    assert (row["verdict"], row["holds"], row["held_by"]["policy"]) == ("HOLD", "scalegate", [])


def test_a_proceed_says_what_is_stated_against_the_model_that_the_text_does_not_look_at(scalegate: Command) -> None:
    """2.2 sets no threshold for cyber."""
    besides = (*RSP_2_BESIDES, *RSP_2_CBRN_3)
    ran = scalegate("policy", "across", "anthropic-rsp@2.2", *FOUR_MONTHS, *besides, "--set", "cyber.below-high=no")
    assert " PROCEED   anthropic-rsp@2.2" in ran.out
    assert "It has no fact for cyber.below-high (not so), cyber.below-critical, no-replication." in ran.out


def test_what_is_stated_of_one_policy_alone_is_told_and_what_it_stands_in_place_of(scalegate: Command) -> None:
    alone = ("--set", "anthropic-rsp@2.2:determination.cbrn-3=yes", "--set", "biochemical.below-high=no")
    ran = scalegate("policy", "across", "anthropic-rsp@2.2", *FOUR_MONTHS, *alone)
    assert "Of it alone it is stated that determination.cbrn-3 = yes" in ran.out
    assert "There that counts, and not what is stated of biochemical.below-high, nuclear.below-high." in ran.out
    shown = scalegate("policy", "across", "anthropic-rsp@2.2", *FOUR_MONTHS, *alone, "--json").json
    assert shown["policies"][0]["stated"] == {"determination.cbrn-3": "yes"}
    assert shown["policies"][0]["replaced"] == ["determination.cbrn-3"]


def test_a_row_is_what_a_try_says_of_the_facts_that_it_was_taken_for(scalegate: Command) -> None:
    [row] = scalegate("policy", "across", "anthropic-rsp@1.0", *FOUR_MONTHS, "--json").json["policies"]
    taken = [part for it in row["taken"] for part in ("--set", f"{it['fact']}={it['value']}")]
    tried = scalegate("policy", "try", "anthropic-rsp@1.0", *taken, "--json")
    assert (tried.code, tried.json["held_by"]) == (3, row["held_by"])
    assert "cadence" in row["held_by"]["policy"]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_what_it_refuses(scalegate: Command, options: tuple[str, ...], message: str) -> None:
    ran = scalegate("policy", "across", *options)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_policy_of_ones_own_takes_a_mapping_beside_it(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = find("anthropic-rsp@1.0")
    shutil.copy(source, "mine.yaml")
    ran = scalegate("policy", "across", "mine.yaml")
    assert ran.code == 2
    assert "there is no mapping of the shared facts beside this policy (write into `mine.shared.yaml`" in ran.err
    smallest = ran.err.partition("at the least `")[2].partition("`")[0]
    Path("mine.shared.yaml").write_text(smallest, encoding="utf-8")
    assert scalegate("policy", "across", "mine.yaml").code == 0
    mapping = Path(shutil.copy(source.with_name(f"{source.stem}.shared.yaml"), "mine.shared.yaml"))
    assert [it["policy"] for it in scalegate("policy", "across", "mine.yaml", "--json").json["policies"]]
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("misuse-warning", "misuse-warming"))
    faulty = scalegate("policy", "across", "mine.yaml")
    assert faulty.code == 2
    assert "mine.shared.yaml:11" in faulty.err
    assert "did you mean `determination.misuse-warning`?" in faulty.err
