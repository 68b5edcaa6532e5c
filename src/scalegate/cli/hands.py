"""`scalegate key rotate` and `key revoke`, and what status, verify and the rest tell of keys that changed hands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir

if TYPE_CHECKING:
    from scalegate.gate.hands import Hands
    from scalegate.ledger.entries import KeyRevoked, KeyRotated

__all__ = ["revoke", "rotate"]


def rotate(
    who: As,
    new: Annotated[Path, typer.Option("--new", help="Your new signing key: `scalegate key new NAME --out FILE`.")],
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a new key in place of your own, from the next entry on.

    Both sign it. It is for a key that was in your hands alone: if it was not, `scalegate key revoke` it, and the next
    version of the policy names a new one. You stay who you are: what you signed stands, and nothing counts twice. A
    later version of the policy has to name the new key.
    """
    from scalegate.cli.passphrases import load
    from scalegate.cli.project import signer, writer
    from scalegate.cli.show import emit
    from scalegate.errors import InputError, Place
    from scalegate.gate.intake import checked
    from scalegate.gate.project import Project
    from scalegate.ledger.entries import KeyRotated
    from scalegate.ledger.keys import public_half

    place = Place(file=str(new))
    after = public_half(new)
    with writer(Project(project)) as journal:
        if after.public == journal.ledger.log_verify_key.public:
            raise InputError("that is the log's own key", place=place, fix="make one: `scalegate key new`")
        old = signer(journal.policy, Project(project), who, key)
        if after.public == old.verify_key.public:
            raise InputError("that is the key that you have", place=place, fix="make another: `scalegate key new`")
        fresh = load(new)

        def entry() -> KeyRotated:
            common = {"actor": who, "time": journal.now(), "policy": journal.policy.digest()}
            keys = {"before": old.verify_key.to_text(), "after": after.to_text()}
            return checked(lambda: KeyRotated.model_validate({**common, **keys, "ledger": journal.fold.identity}))

        index = journal.grant(entry, (old, fresh))
    words = (
        f"Entry {index}: from the next on, `{who}` signs with {new} and with no other key.\n"
        f"The next version of the policy has to name it, or the one from before counts again: key: {after.to_text()}"
    )
    kept = Project(project).keys / f"{who}.key"
    if kept.exists() and kept.resolve() != new.resolve():
        words += f"\n{kept} is the key from before: put the new one in its place, or give it with `--key`."
    emit(as_json, {"entry": index, "key": after.to_text()}, lambda: words)


def revoke(
    whose: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is, as the policy names them.")],
    who: As,
    because: Annotated[str, typer.Option("--because", help="What happened to it.")],
    since: Annotated[
        int | None,
        typer.Option("--since", min=0, help="First entry from which on it was in wrong hands; else all before stands."),
    ] = None,
    which: Annotated[
        str | None,
        typer.Option("--which", help="Key id (8 digits of hex) of an earlier key of theirs; else the one they have."),
    ] = None,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Say that nothing a key signs from now on counts.

    You alone revoke your own; somebody else's takes as many as amend the policy, without whose key it is. With
    `--since`, what it signed from that entry on allows nothing and rules nothing out any more, what it put in its own
    place is gone too, and what counts against a run stays. Nothing takes a revocation back. Of the gate's own key,
    `--since` makes the ledger unsound, for good: nobody can tell what was counted.
    """
    from scalegate.cli.project import signer, writer
    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.gate.hands import told
    from scalegate.gate.intake import checked
    from scalegate.gate.project import Project
    from scalegate.ledger.entries import KeyRevoked

    with writer(Project(project)) as journal:
        gone = _key_of(journal.fold.hands, whose, which, Project(project).ledger)
        signing = signer(journal.policy, Project(project), who, key)

        def entry() -> KeyRevoked:
            common = {"actor": who, "time": journal.now(), "policy": journal.policy.digest()}
            said = {"person": whose, "revoked": gone, "since": since, "because": because}
            with plain():
                return checked(lambda: KeyRevoked.model_validate({**common, **said, "ledger": journal.fold.identity}))

        index = journal.grant(entry, signing)
        now = [it for it in told(journal.fold) if whose in it or "holds" in it]
        unsound = [*journal.fold.unsound]
        done = any(it.key == gone for it in journal.fold.hands.revoked.values())
    lines = [f"Signed by {who}: entry {index} of {Project(project).ledger}.", *now, *(f"! {it}" for it in unsound)]
    emit(as_json, {"entry": index, "revoked": done, "faults": unsound}, lambda: "\n".join(lines))


def _key_of(hands: Hands, whose: str, which: str | None, ledger: Path) -> str:
    """The verification key that is meant. Raises InputError if there is none, or it is not clear."""
    from scalegate.errors import InputError, Place

    place = Place(file=str(ledger))
    theirs = sorted((it for it in hands.held.values() if it.person == whose), key=lambda it: it.at)
    if not theirs:
        named = ", ".join(sorted({f"`{it.person}`" for it in hands.held.values()}))
        what = f"nobody called `{whose}` has or had a key in this ledger"
        raise InputError(what, place=place, fix=f"one of {named}")
    found = [it.key for it in theirs if which is None or it.key.split("+", 2)[1] == which]
    if not found:
        ids = ", ".join(it.key.split("+", 2)[1] for it in theirs)
        what = f"`--which {which}`: `{whose}` has or had no such key"
        raise InputError(what, place=place, fix=f"one of {ids}")
    return found[-1]
