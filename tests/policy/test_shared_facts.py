"""The list of facts that published policies speak of, and what each has for them: whole, sound, and as the README says.

`SCALEGATE_GOLDEN=write` writes the README's tables anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import scalegate.examples
from scalegate.errors import InputError
from scalegate.gate.across import Compared, compared
from scalegate.policy import load_policy
from scalegate.policy.published import FOLDER, find, published
from scalegate.policy.settable import settable
from scalegate.policy.shared import Mapped, SharedFaults, Taken, read_mapping, shared_facts, stated_of
from scalegate.policy.stated import facts_of
from scalegate.policy.vocabulary import vocabulary

SHARED = shared_facts()
ALL = {str(it): compared(it.path) for it in published()}
every = pytest.mark.parametrize("name", ALL)
ONLY_A_LEDGER = {
    *("ledger.time", "ledger.sound", "meter.sound"),
    *("lineage.compute", "lineage.opened", "lineage.declared"),
    # Where no clause reads them.
    *("developer.others", "developer.shown", "lineage.planned_end"),
}


EXAMPLES = Path(scalegate.examples.__file__).parent
POLICIES = {name: it.policy for name, it in ALL.items()}
POLICIES |= {name: load_policy(EXAMPLES / f"{name}.yaml") for name in ("arithmetic", "starter", "frontier", "floor")}


@pytest.mark.parametrize("name", POLICIES)
def test_all_that_may_be_stated_of_a_policy_has_a_name_and_a_sentence(name: str) -> None:
    policy, found = POLICIES[name], settable(POLICIES[name])
    named = [fact for it in found for fact in it.facts | it.beside]
    assert Counter(named).most_common(1)[0][1] == 1
    assert set(named) - vocabulary(policy).keys() == set()
    assert vocabulary(policy).keys() - set(named) <= ONLY_A_LEDGER
    assert all(it.text and it.facts for it in found)


@every
def test_each_of_it_is_reached_by_a_shared_fact_or_listed_as_unmapped(name: str) -> None:
    it = ALL[name]
    reached = {fact for own in it.mapped for fact in facts_of(it.policy, own.fact, "unknown")}
    unmapped = {own.name for own in it.unmapped}
    assert {own.name for own in settable(it.policy) if not own.facts <= reached} == unmapped
    assert all(own.facts.isdisjoint(reached) for own in it.unmapped)


@every
def test_what_a_policy_has_for_a_shared_fact_differs_in_something_that_is_said_or_is_the_same(name: str) -> None:
    said = {own.fact: (own.relation, own.note is None) for own in ALL[name].mapped}
    assert {fact for fact, (relation, bare) in said.items() if (relation == "same") is not bare} == set()
    same = {fact for fact, (relation, _) in said.items() if relation == "same"}
    assert same <= {"compute", "now", "determination.*.compute", "determination.*.time"}, "each threshold is its own"


def test_a_fact_is_shared_if_at_least_two_policies_have_something_for_it() -> None:
    counts = Counter(name for it in ALL.values() for name in {name for own in it.mapped for name in own.of})
    assert {name: counts[name] for name in SHARED if counts[name] < 2} == {}


YES, NO, SOME = {"a": "yes", "b": "yes"}, {"a": "yes", "b": "no"}, {"a": "yes"}


@pytest.mark.parametrize(
    ("relation", "said", "value", "missing"),
    [
        ("near", YES, "yes", ()),
        ("near", NO, "no", ()),
        ("near", SOME, "unknown", ("b",)),
        ("near", {}, "unknown", ("a", "b")),
        ("near", {"a": "no", "b": "unknown"}, "no", ("b",)),
        ("near", {"a": "yes", "b": "unknown"}, "unknown", ("b",)),
        ("wider", YES, "unknown", ()),
        ("wider", NO, "no", ()),
        ("narrower", YES, "yes", ()),
        ("narrower", NO, "unknown", ()),
    ],
)
def test_a_fact_is_so_if_all_that_it_stands_for_is_and_no_more_is_taken_than_is_stated(
    relation: str, said: dict[str, str], value: str, missing: tuple[str, ...]
) -> None:
    mapped = Mapped.model_validate({"fact": "determination.x", "of": ("a", "b"), "relation": relation, "note": "It."})
    taken = Taken.of(mapped, said)
    assert (taken.value, taken.missing) == (value, missing)


def test_what_counts_until_an_instant_is_taken_as_so_and_not_by_a_fact_that_asks_for_more() -> None:
    mapped = Mapped.model_validate({"fact": "safeguard.x.until", "of": ("a",), "relation": "narrower", "note": "It."})
    assert Taken.of(mapped, {"a": "2027-01-01"}).value == "2027-01-01"
    assert Taken.of(mapped.model_copy(update={"relation": "wider"}), {"a": "2027-01-01"}).value == "unknown"


def test_a_star_stands_for_one_part_and_a_plain_name_goes_before_it() -> None:
    said = stated_of(SHARED, [("cyber.below-high", "no"), ("*.below-high", "yes"), ("*.until", "unknown")])
    assert said == {
        "biochemical.below-high": "yes",
        "nuclear.below-high": "yes",
        "cyber.below-high": "no",
        "research.below-high": "yes",
        "misalignment-contained.until": "unknown",
        "weights-secured.until": "unknown",
        "misuse-safeguards.until": "unknown",
    }


FAULTS = {
    "a fact that the policy has not": (
        "determination.cbrn-3\n",
        "determination.cbrm-3\n",
        "there is no fact `determination.cbrm-3`",
        "did you mean `determination.cbrn-3`?",
    ),
    "a shared fact that is not on the list": (
        "[research.below-high]",
        "[reserch.below-high]",
        "there is no shared fact `reserch.below-high`",
        "did you mean `research.below-high`? there are `compute`, `now`,",
    ),
    "another policy": ('version: "2.2"', 'version: "2.1"', "version `2.1`", "write `version: 2.2`"),
    "no relation of these": (
        "relation: same}",
        "relation: nearly}",
        "`nearly` is not one of the choices",
        "write `wider` where it asks for anything more",
    ),
    "no relation": ("of: [compute], relation: same}", "of: [compute]}", "`relation` is missing", "write `wider` where"),
    "a misspelt field": ("    note:", "    notes:", "`notes` is not a field here", "write `note`"),
    "another kind": (
        "[weights-secured.until]",
        "[research.below-high]",
        "is an instant, and `research.below-high` is a truth",
        "same kind",
    ),
    "facts of several kinds": ("determination.*.compute", "determination.*", "is of several kinds", "same kind"),
    "a fact of one person and of all": (
        "fact: determination.cbrn-4",
        "fact: determination.cbrn-3",
        "`determination.cbrn-3` sets some of the same facts",
        "keep one of the two",
    ),
    "a fact that is so in the bad case": (
        "determination.cbrn-4\n",
        "determination.cbrn-4.ceo.denied\n",
        "is so in the bad case",
        "name a fact that is so in the good case",
    ),
    "several amounts": ("of: [compute]", "of: [compute, now]", "may there be several", "name one fact"),
    "a difference that is not told": (
        "    note: It is of weapons that are known too, by substantial help to states of moderate means.\n",
        "",
        "`wider` without a `note`",
        "say in what it differs",
    ),
    "a difference of what is the same": (
        "[now], relation: same}",
        "[now], relation: same, note: So.}",
        "`same` with a `note`",
        "write `wider` where it asks for anything more: only that it is not so is taken over",
    ),
    "no YAML": ("facts:\n", "facts: [\n", "not well-formed YAML", "check the indentation"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mapping_that_is_wrong_is_refused_with_the_line_and_what_to_write(fault: str, tmp_path: Path) -> None:
    old, new, message, fix = FAULTS[fault]
    source = find("anthropic-rsp@2.2")
    path = Path(shutil.copy(source, tmp_path))
    text = source.with_name(f"{source.stem}.shared.yaml").read_text(encoding="utf-8")
    assert old in text
    mapping = tmp_path / f"{source.stem}.shared.yaml"
    mapping.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SharedFaults) as caught:
        read_mapping(path, load_policy(path), SHARED)
    told = [it for it in caught.value.faults if message in it.message]
    assert told, [it.message for it in caught.value.faults]
    assert fix in (told[0].fix or "")
    assert (told[0].place.file, bool(told[0].place.line)) == (str(mapping), True)


def test_a_policy_without_a_mapping_is_told_where_one_is_put(tmp_path: Path) -> None:
    path = Path(shutil.copy(find("anthropic-rsp@2.2"), tmp_path / "mine.yaml"))
    with pytest.raises(InputError, match="no mapping of the shared facts beside") as caught:
        read_mapping(path, load_policy(path), SHARED)
    assert "mine.shared.yaml" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "about: x\nfacts: [{id: a, kind: truth, text: So.}, {id: a, kind: flop, text: So.}]\n",
            "two facts are called",
        ),
        ("about: x\nfacts: [{id: a, kind: number, text: So.}]\n", "`number` is not one of the choices"),
        ("about: x\nfacts: []\n", "`facts` is empty"),
        ("", "there is no list of facts in this file"),
    ],
)
def test_a_list_that_is_wrong_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "shared.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SharedFaults, match=message):
        shared_facts(path)


README = FOLDER / "README.md"
SECTION = "## Several texts at one situation\n"


def tables() -> Iterator[str]:
    """What each policy has for each shared fact, and what no shared fact reaches; as the README has it."""
    yield f"| shared fact | {' | '.join(f'`{name}`' for name in ALL)} |"
    yield f"|---|{'---|' * len(ALL)}"
    for name in SHARED:
        yield f"| `{name}` | {' | '.join(cell(it, name) for it in ALL.values())} |"
    yield ""
    yield "| policy | what no shared fact reaches |"
    yield "|---|---|"
    for policy, it in ALL.items():
        yield f"| `{policy}` | {', '.join(f'`{own.name}`' for own in it.unmapped) or '-'} |"


def cell(it: Compared, name: str) -> str:
    found = [f"{own.relation}: `{own.fact}`" for own in it.mapped if name in own.of]
    return ", ".join(found) or "-"


def test_the_readme_has_the_tables() -> None:
    text = README.read_text(encoding="utf-8")
    if os.environ.get("SCALEGATE_GOLDEN") == "write":
        before, after = text.split(SECTION)
        kept = re.sub(r"(?:^\|.*\n+)+", "\n".join(["", *tables(), ""]).lstrip(), after, count=1, flags=re.MULTILINE)
        README.write_text(before + SECTION + kept, encoding="utf-8")
        text = README.read_text(encoding="utf-8")
    assert "\n".join(tables()) in text.split(SECTION)[1]
