"""What a training script hands to the gate, checked before anything is written: one clear error each."""

from __future__ import annotations

import logging
import math
import operator
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from scalegate.errors import InputError, LedgerError, Place
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import Parent
from scalegate.ledger.named import is_address, shown
from scalegate.policy import Policy, load_policy
from scalegate.text import escaped
from scalegate.training.evaluation import Suite
from scalegate.units import MAX_FLOP, MAX_SAMPLES
from scalegate.weights.manifest import names_nothing

__all__ = [
    "check_accumulate",
    "check_declared",
    "check_digest",
    "check_functions",
    "check_planned",
    "check_run",
    "check_suites",
    "check_tranche",
    "check_weights",
    "declared",
    "given_policy",
    "key_folder",
    "line",
    "log_key",
    "metered",
    "same_policy",
    "whole_flops",
]

LOG = logging.getLogger(__name__)


def check_run(run: object) -> None:
    """Raises InputError unless this may name a run."""
    if not isinstance(run, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}", run):
        raise InputError(
            f"`{run}` cannot name a run",
            fix="use letters, digits and _ . : / @ + -, at most 128, beginning with a letter or digit",
        )


def given_policy(policy: object) -> Policy:
    """The policy, read if it is a file. Raises InputError for what is none."""
    if isinstance(policy, Policy):
        return policy
    if not isinstance(policy, str | Path):
        raise InputError(f"`policy` is {type(policy).__name__}", fix="give a path, or a policy that was loaded")
    return load_policy(policy)


def check_declared(from_scratch: object) -> None:
    """Raises InputError unless this is True or False: a word for "no" must not pass for "yes"."""
    if type(from_scratch) is not bool:
        raise InputError(f"`from_scratch` is {from_scratch!r}", fix="write True or False")


def check_functions(weights: object, **optional: object) -> None:
    """Raises InputError unless each can be called; those that are optional may be None."""
    given = {name: function for name, function in optional.items() if function is not None}
    for name, function in {"weights": weights, **given}.items():
        if not callable(function):
            raise InputError(f"`{name}` is {type(function).__name__}, which cannot be called", fix="give a function")


def key_folder(keys: str | Path | None, ledger: str | Path) -> Path:
    """The folder of the keys: beside the ledger, if none is named.

    Raises InputError for what is no path, and LedgerError where there is no ledger.
    """
    for name, path in (("ledger", ledger), ("keys", ledger if keys is None else keys)):
        if not isinstance(path, str | Path):
            raise InputError(f"`{name}` is {type(path).__name__}", fix="give a path")
    if is_address(ledger):
        raise LedgerError(
            "the gate keeps things beside its ledger, and beside an address there is no place",
            place=Place(file=shown(ledger)),
            fix="write the address into a file, `ledger.db` of the project, and name that",
        )
    if not Path(ledger).is_file():
        raise LedgerError(f"there is no ledger at `{ledger}`", fix="`scalegate init FOLDER` makes one with its policy")
    return Path(keys) if keys is not None else Path(ledger).parent / "keys"


def log_key(folder: Path, ledger: str | Path) -> SigningKey:
    """The key that signs the checkpoints. Raises InputError, with where it was looked for, if it is not there."""
    if not (folder / "log.key").is_file():
        raise InputError(
            f"there is no `log.key` in `{folder}`, where the keys of the ledger `{ledger}` are looked for",
            fix="put it back, or name the folder with `keys=`; if this is no ledger, name the right file",
        )
    return SigningKey.load(folder / "log.key")


def check_digest(what: str, digest: object) -> None:
    """Raises InputError unless this is a SHA-256 in hex."""
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise InputError(f"{what} is `{str(digest)[:80]}`, which is no digest", fix="64 digits of hex: a SHA-256")


def check_weights(what: str, digest: object) -> None:
    """Raises InputError unless this is a SHA-256 in hex, and none that a tool gives which hashed nothing."""
    check_digest(what, digest)
    if nothing := names_nothing(str(digest)):
        fix = "hash the weights, also those that a run begins from"
        raise InputError(f"{what} is {nothing}, which names no weights", fix=fix)


def check_planned(planned: object) -> int | None:
    """The planned end as an int. Raises InputError for anything else."""
    if planned is None:
        return None
    try:
        whole = whole_flops(planned)
    except InputError as error:
        raise InputError(f"`planned`: {error.message}", fix="write a whole number: `planned=10**13`") from error
    if not 0 < whole <= MAX_FLOP:
        raise InputError(f"`planned` is {planned} FLOP", fix="more than none, and at most 1e40")
    return whole


def check_accumulate(steps: object) -> int:
    """How many steps the optimizer takes at once. Raises InputError for what is no whole number of at least 1."""
    if type(steps) is not int or steps < 1:
        raise InputError(f"`accumulate` is {steps!r}", fix="write how many steps the optimizer takes at once: `4`")
    return steps


def check_tranche(tranche: object) -> int | None:
    """The size of a tranche as an int. Raises InputError for anything else."""
    if tranche is None:
        return None
    whole = whole_flops(tranche)
    if not 0 < whole <= MAX_FLOP:
        raise InputError(f"a tranche of {tranche} FLOP", fix="a tranche is at least 1 FLOP, and at most 1e40")
    return whole


def line(text: object, most: int = 500) -> str:
    """Anything said, as one line that an entry may hold: what somebody reports must not fail for its form."""
    return escaped(" ".join(str(text).split()))[:most] or "no reason was given"


def declared(parents: Sequence[str | Parent]) -> tuple[Parent, ...]:
    """The parents as they are recorded; a bare digest is an initialisation. Raises InputError."""
    if not isinstance(parents, list | tuple):
        raise InputError(f"`parents` is {type(parents).__name__}", fix="give a list: `parents=[digest]`")
    found = []
    for parent in parents:
        if not isinstance(parent, Parent):
            check_weights("a parent", parent)
            parent = Parent(weights=parent, relation="initialisation")
        found.append(parent)
    return tuple(found)


def check_suites(policy: Policy, suites: Mapping[str, Suite], *, evaluated: bool) -> None:
    """Raises InputError for a suite that no domain asks for, or that is too small to rule anything out.

    Warns of a domain without one, if the script evaluates at all.
    """
    if not isinstance(suites, Mapping):
        raise InputError(f"`suites` is {type(suites).__name__}", fix="give a dict of suites by domain")
    domains = {domain.id: domain for domain in policy.domains}
    for name in domains if evaluated else ():
        if name not in suites:
            LOG.warning("there is no suite for `%s`: this gate does not evaluate it", name)
    for name, suite in suites.items():
        if not isinstance(suite, Suite):
            raise InputError(f"the suite of `{name}` is {type(suite).__name__}", fix="give `Suite(task, version, ...)`")
        if name not in domains:
            raise InputError(f"there is a suite for `{name}`, and no such domain", fix="one of " + ", ".join(domains))
        for what, text in (("task", suite.task), ("version", suite.version)):
            if not isinstance(text, str) or not text or line(text, 2000) != text:
                raise InputError(f"the suite of `{name}` has no {what} that can be recorded", fix="one line of text")
        if type(suite.samples) is not int:
            raise InputError(f"the suite of `{name}` has {suite.samples!r} samples", fix="write an int")
        if suite.samples < domains[name].samples:
            raise InputError(
                f"the suite of `{name}` has {suite.samples} samples, and the policy asks for {domains[name].samples}",
                fix="a smaller one spends an evaluation and rules nothing out",
            )
        if suite.samples > MAX_SAMPLES:
            raise InputError(
                f"the suite of `{name}` has {suite.samples} samples, more than are worked out",
                fix=f"at most {MAX_SAMPLES}: more rule nothing out",
            )
        check_digest(f"the data set of the suite of `{name}`", suite.dataset)


def same_policy(wanted: Policy, in_force: Policy) -> None:
    """Raises InputError unless the policy that the script means to train under is the one in force."""
    if wanted.digest() != in_force.digest():
        raise InputError(
            f"the policy in force in this ledger is `{in_force.policy} {in_force.version}` "
            f"({in_force.digest()[:12]}), the one given `{wanted.policy} {wanted.version}` ({wanted.digest()[:12]})",
            fix="train under the policy in force, or have the other adopted: `scalegate adopt POLICY --as NAME`, by as"
            " many as the one in force asks for",
        )


def metered(flops: object) -> int:
    """The FLOP of a step; 0 for what a meter may show and no step can take. Raises InputError for the rest."""
    whole = whole_flops(flops)
    if whole > MAX_FLOP:
        raise InputError("a step of over 1e40 FLOP", fix="no amount is over 1e40: check the meter")
    return max(whole, 0)


def whole_flops(flops: object) -> int:
    """FLOP as an int; NumPy's whole numbers are taken too. Raises InputError for what is no whole number.

    Not a number counts as nought, which a meter cannot mean.
    """
    if isinstance(flops, float) and math.isnan(flops):
        return 0
    if isinstance(flops, bool):
        raise InputError(f"{flops} is not an amount of FLOP", fix="pass an int")
    try:
        return operator.index(flops)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputError(
            f"{flops!r} is not a whole number of FLOP",
            fix="pass an int, not a float or a text: large floats are not exact",
        ) from error
