"""Fuzzing the loader of policies: nothing but a policy or our own error comes out, with places, and in time.

    python tests/fuzz/loader.py --minutes 10 [--seed 7]
    python tests/fuzz/loader.py --seed 7 --only 4711        # one input again, with its traceback

Real and broken policies are changed by bytes, by words, by structure and in their conditions; canonical JSON and
conditions by themselves are changed too. Each input follows from the seed and its number alone. What fails is kept in a
file, printed, and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import re
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from scalegate.errors import InputError, ScalegateError
from scalegate.policy import ACTIONS, Policy, PolicyFaults, compile_policy, load_policy, policy_from_json
from scalegate.policy.expressions import parse_condition
from scalegate.policy.published import BESIDE
from scalegate.policy.show import show_condition
from scalegate.policy.vocabulary import Vocabulary, vocabulary

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(it for it in (ROOT / "src/scalegate").glob("*/*.yaml") if not it.name.endswith(BESIDE))
EXAMPLES += [ROOT / "tests/policy/floors" / f"{name}.yaml" for name in ("sound", "lab_on_measured")]
BROKEN = sorted(path for name in ("broken", "floors") for path in (ROOT / "tests/policy" / name).glob("*.yaml"))
SECONDS = 10
"""So long may reading one input take."""
LONGEST = 500_000
"""Characters that a message may have: 100 faults, each with its place and what to write."""
FOREIGN = re.compile(r"pydantic|[Ii]nput should|validation|NoneType|<class|\bNone\b|Fraction|Traceback")

WORDS = [
    "", " ", "\n", "\n\n", "\t", "\r", "\r\n", ":", ": ", "- ", "[", "]", "{", "}", ",", '"', "'", "&a ", "*a", "!x ",
    "!!float ", "#", " #", "|", ">", "|2\n", "? ", "%", "---\n", "...\n", "<<: ", "~", "null", "no", "yes", "on", "0",
    "1", "-1", "2", "NaN", ".inf", "0x10", "1_000", "1e999", "1e999x", "1e999 FLOP", "1e40 FLOP", "10**40", "0 FLOP",
    "0x", "1e9x", "0%", "100%", "101%", "1e-5%", "0 days", "99999999999 years", "1000 years", "3 month", "0001-01-01",
    "1969-12-31", "9999-12-31", "2027-13-01", "2027-02-30", "2027-01-01T00:00:00Z", "unset", "will", "aim", "train",
    "cadence", "condition", "gate", "officer", "0." + "0" * 280 + "1", "0." + "9" * 290, "1." + "0" * 290,
    "0." + "3" * 290, "9" * 400, "1" * 5000, "x" * 2001, "x" * 301, "0." + "0" * 280 + "1%", "0." + "0" * 280 + "1x",
    "99." + "9" * 290 + "%", "99999", "100000", "999999999", "\x00", "\x1b[2J", "\x85", "\u2028", "\u202e", "\ufeff",
    "\ud800", "\U0001f600", "é", '"\\ud800"', '"\\x00"', '"\\U00110000"', "[" * 50, "{a: " * 50, "- " * 50, "(" * 60,
    "not " * 60, "a+00000000+" + "A" * 43 + "=",
]  # fmt: skip
CONDITION_WORDS = [
    "compute", "now", "developer.others", "lineage.compute", "lineage.opened", "meter.sound", "arithmetic.reached",
    "arithmetic.ruled_out", "arithmetic.evidence.compute", "arithmetic.evidence.time", "cyber.reached",
    "nothing.here", "and", "or", "not", "always", "never", "undefined", "undefined test.x", "all of (", "any of (",
    "at least 2 of (", "at", "least", "of", "(", ")", ",", "<=", "<", ">=", ">", "==", "=", "+", "-", "*", "/",
    "1e13 FLOP", "2.5 TFLOP", "3", "1/3", "1/0", "0", "x", "90 days", "3 months", "1.5 days", "99999999999 years",
    "2027-01-01", "2027-01-01T00:00:00Z", "2027-99-01", "1e999", "1e999 FLOP", "9" * 999, "9" * 1001, "4x", "5%", '"',
    "'", "?", "\t", "\n", "\u00b2", "\u0663", "if", "the model is safe", "<= 4 *", "not (",
]  # fmt: skip


def must(holds: object, otherwise: str) -> None:
    """What has to hold of every outcome."""
    if not holds:
        raise AssertionError(otherwise)


class Late(Exception):
    """An input took too long."""


@contextmanager
def limit() -> Iterator[None]:
    def late(*_: object) -> None:
        raise Late(f"took more than {SECONDS} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


WRITTEN: dict[str, Any] = {
    "id": "written",
    "kind": "condition",
    "when": "meter.sound",
    "text": "What the condition says.",
    "source": {"document": "Policy of Example Lab"},
    "actions": ["train"],
    "modality": "will",
}


class Source:
    """What inputs are made from, and where a file is written to be read."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "policy.yaml"
        self.files = [path.read_bytes() for path in [*EXAMPLES * 3, *BROKEN]]
        self.texts = [data.decode("utf-8", "replace") for data in self.files]
        self.policies = [load_policy(path) for path in EXAMPLES]
        self.documents = [policy.document() for policy in self.policies]
        for document in self.documents:
            document["clauses"].append(copy.deepcopy(WRITTEN))
        self.json = [json.loads(policy.canonical()) for policy in self.policies]
        self.json += [json.loads(policy_from_json(document).canonical()) for document in self.documents]


def by_bytes(source: Source, dice: random.Random) -> bytes:
    data = bytearray(dice.choice(source.files))
    for _ in range(dice.randint(1, 6)):
        at, size = dice.randrange(len(data) + 1), dice.choice([0, 1, 1, 2, 8, 100])
        other = dice.choice(source.files)
        start = dice.randrange(len(other) + 1)
        new = [
            bytes([dice.randrange(256)]),
            other[start : start + dice.randint(1, 200)],
            bytes(data[at : at + 60]) * 3,
            b"",
        ]
        data[at : at + size] = dice.choice(new)
    return bytes(data)


def by_words(source: Source, dice: random.Random) -> bytes:
    words = re.findall(r"[\w.+%-]+|\s+|[^\w\s]", dice.choice(source.texts)) or [""]
    for _ in range(dice.randint(1, 6)):
        at, other = dice.randrange(len(words)), dice.randrange(len(words))
        match dice.randrange(5):
            case 0:
                words[at] = dice.choice(WORDS)
            case 1:
                words.insert(at, dice.choice(WORDS))
            case 2:
                words[at], words[other] = words[other], words[at]
            case 3:
                words[at:at] = words[other : other + dice.randint(1, 40)]
            case _:
                del words[at : at + dice.choice([1, 1, 3, 30])]
                words = words or [""]
    return "".join(words).encode("utf-8", "surrogatepass")


def by_structure(source: Source, dice: random.Random) -> bytes:
    document = _changed(copy.deepcopy(dice.choice(source.documents)), dice)
    style = {"width": dice.choice([40, 80, 10_000]), "default_flow_style": dice.choice([True, False, None])}
    text = yaml.dump(document, sort_keys=False, allow_unicode=True, Dumper=_Dumper, **style)
    return text.encode("utf-8", "surrogatepass")


def by_condition(source: Source, dice: random.Random) -> bytes:
    document = copy.deepcopy(dice.choice(source.documents))
    document["clauses"][-1]["when"] = _condition(dice)
    if dice.random() < 0.3:
        document = _changed(document, dice)
    return yaml.dump(document, sort_keys=False, allow_unicode=True, Dumper=_Dumper).encode("utf-8", "surrogatepass")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


CONDITIONS = [
    "compute <= 4 * arithmetic.evidence.compute and not arithmetic.reached",
    "at least 2 of ( now <= approval.2.ada.until , now <= approval.2.grace.until , meter.sound )",
    "compute * 1.5 <= 6 * cyber.evidence.compute + 1e13 FLOP and now <= cyber.evidence.time + 90 days",
    "now <= 2027-01-01 or ( undefined test.x and ( developer.others < 1e22 FLOP or not ( cyber.reached ) ) )",
    "",
]


def _condition(dice: random.Random) -> str:
    words = dice.choice(CONDITIONS).split(" ")
    for _ in range(dice.choice([1, 1, 1, 2, 3, 5, 12])):
        at = dice.randrange(len(words) + 1)
        words[at : at + dice.choice([0, 0, 1])] = [dice.choice(CONDITION_WORDS if dice.random() < 0.95 else WORDS)]
    return " ".join(words)


def _changed(document: Any, dice: random.Random) -> Any:
    for _ in range(dice.randint(1, 4)):
        holders = [part for part in _parts(document) if part]
        if not holders:
            return document
        part = dice.choice(holders)
        key = dice.choice(list(part)) if isinstance(part, dict) else dice.randrange(len(part))
        match dice.randrange(8):
            case 0:
                del part[key]
            case 1:
                part[key] = dice.choice([[], {}, [part[key]], {"x": part[key]}, [part[key]] * 3])
            case 2 if isinstance(part, dict):
                part[dice.choice([f"{key}s", f"{key}"[:-1], dice.choice(WORDS), "<<"])] = part.pop(key)
            case 3:
                other = dice.choice(holders)
                part[key] = copy.deepcopy(dice.choice(list(other.values()) if isinstance(other, dict) else other))
            case 4 if isinstance(part, list):
                part *= dice.choice([2, 3, 200]) if len(part) < 20 else 1
            case 5:
                part[key] = str(part[key])[: dice.randrange(20)] + dice.choice(WORDS)
            case _:
                part[key] = dice.choice(WORDS)
    return document


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _parts(item)


def file(make: Callable[[Source, random.Random], bytes]) -> Callable[[Source, random.Random, list[Any]], str]:
    def run(source: Source, dice: random.Random, kept: list[Any]) -> str:
        data = make(source, dice)
        kept.append(data)
        source.file.write_bytes(data)
        try:
            with limit():
                policy = load_policy(source.file)
        except PolicyFaults as error:
            for fault in error.faults:
                must(fault.place.file == str(source.file), "a fault without its file")
                assert fault.place.line or "more faults" in fault.message or " bytes in the ledger" in fault.message, (
                    fault
                )
                assert fault.place.column or not fault.place.line, fault
                must(fault.fix, f"nothing is said to write: {fault.message}")
            _words(error)
            return "faults"
        except InputError as error:
            must(error.place, "a fault without a place")
            must(error.fix, "nothing is said to write")
            _words(error)
            return "unreadable"
        _whole(policy)
        return "policy"

    return run


NO_TEXTS = [None, True, 0, 5, 2**70, -1, 1.5, float("nan"), ["fact"], ["not", ["fact", "compute"]]]


def by_json(source: Source, dice: random.Random, kept: list[Any]) -> str:
    document = _changed(copy.deepcopy(dice.choice(source.json)), dice)
    for _ in range(dice.randrange(3)):
        holders = [part for part in _parts(document) if part]
        if holders:
            part = dice.choice(holders)
            key = dice.choice(list(part)) if isinstance(part, dict) else dice.randrange(len(part))
            part[key] = dice.choice(
                [None, True, 0, 5, 2**70, -1, 1.5, float("nan"), ["fact"], ["not", ["fact", "compute"]]]
            )
    if dice.random() < 0.1:
        part = document = [document]
        for _ in range(dice.choice([1, 60, 900])):
            part[:] = ["not", part.copy()]
    kept.append(document)
    try:
        with limit():
            policy = policy_from_json(document)
    except PolicyFaults as error:
        must(error.faults, "an error without a fault")
        _words(error)
        return "faults"
    _whole(policy)
    return "policy"


def alone(source: Source, dice: random.Random, kept: list[Any]) -> str:
    known: Vocabulary = vocabulary(dice.choice(source.policies))
    text = _condition(dice)
    kept.append(text)
    try:
        with limit():
            tree = parse_condition(text, known)
    except InputError as error:
        column = (error.place and error.place.column) or 0
        must(1 <= column <= len(text) + 1, f"column {column} is not in the text: {error}")
        must(error.fix, f"nothing is said to write: {error.message}")
        _words(error)
        return "faults"
    must(parse_condition(show_condition(tree, known), known) == tree, "it reads back as another")
    return "condition"


def _words(error: ScalegateError) -> None:
    text = str(error)
    must(error.message, "an error that says nothing")
    must(len(text) < LONGEST, f"{len(text)} characters")
    quoted = re.sub(r"`[^`]*`|\n    .*", "", text)
    must(not FOREIGN.search(quoted), f"a word of the program's own: {FOREIGN.search(quoted)}")


def _whole(policy: Policy) -> None:
    must(policy_from_json(json.loads(policy.canonical())) == policy, "it reads back as another")
    for action in ACTIONS:
        compile_policy(policy, action)


WAYS: dict[str, Callable[[Source, random.Random, list[Any]], str]] = {
    "bytes": file(by_bytes),
    "words": file(by_words),
    "structure": file(by_structure),
    "conditions": file(by_condition),
    "json": by_json,
    "condition alone": alone,
}


def attempt(source: Source, seed: int, number: int, kept: list[Any]) -> tuple[str, str]:
    dice = random.Random(f"{seed}/{number}")
    way = list(WAYS)[number % len(WAYS)]
    return way, WAYS[way](source, dice, kept)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", type=int, help="the number of one input")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="the folder for what failed")
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}, {wanted.minutes:g} minutes", flush=True)
    failed: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    slowest, number, end = (0.0, 0), -1, time.monotonic() + 60 * wanted.minutes
    with tempfile.TemporaryDirectory() as folder:
        source = Source(Path(folder))
        while wanted.only is not None or time.monotonic() < end:
            number = number + 1 if wanted.only is None else wanted.only
            kept: list[Any] = []
            start = time.process_time()
            try:
                outcomes["{}: {}".format(*attempt(source, wanted.seed, number, kept))] += 1
            except Exception as error:  # noqa: BLE001  whatever comes out is what is looked for
                where = traceback.extract_tb(error.__traceback__)[-1]
                sign = f"{type(error).__name__} in {where.name}: {str(error)[:120]!r}"
                failed[sign] += 1
                if failed[sign] == 1 or wanted.only is not None:
                    _keep(wanted.keep, f"{wanted.seed}-{number}", kept)
                    print(f"FAILED input {number}: {sign}", flush=True)
                if wanted.only is not None:
                    traceback.print_exc()
            slowest = max(slowest, (time.process_time() - start, number))
            if wanted.only is not None:
                break
    print(f"{number + 1} inputs; slowest {slowest[0]:.2f} s (input {slowest[1]})")
    print("\n".join(f"  {count:>8} {name}" for name, count in sorted(outcomes.items())))
    print("\n".join(f"  {count:>8} FAILED {sign}" for sign, count in failed.most_common()) or "  nothing failed")
    return 1 if failed else 0


def _keep(folder: Path, name: str, kept: list[Any]) -> None:
    folder.mkdir(exist_ok=True)
    for data in kept:
        if isinstance(data, bytes):
            (folder / f"{name}.yaml").write_bytes(data)
        else:
            (folder / f"{name}.txt").write_text(repr(data) + "\n", encoding="utf-8", errors="surrogatepass")
        print(f"kept in {folder / name}.*: {str(data)[:300]!r}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
