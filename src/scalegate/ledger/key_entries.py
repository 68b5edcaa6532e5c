"""The entries by which keys change hands: they act from their position in the ledger on, and from no time."""

from __future__ import annotations

from scalegate.ledger.predicate import PREFIX, Count, Digest, Line, Name, Predicate

__all__ = ["KeyRevoked", "KeyRotated"]


class KeyRotated(Predicate):
    """Somebody puts a new key in place of their own. The envelope is signed by both: the new one is theirs as well."""

    type_uri = PREFIX + "key-rotated/v0.1"
    ledger: Digest
    """The ledger that it is for, as every entry may name it: in another it is nothing."""
    before: Line
    """The verification key that it replaces."""
    after: Line
    """The verification key from the next entry on."""


class KeyRevoked(Predicate):
    """Whose key it is, or as many as amend the policy, say that nothing it signs from here on counts."""

    type_uri = PREFIX + "key-revoked/v0.1"
    ledger: Digest
    """The ledger that it is for, as every entry may name it: in another it is nothing."""
    person: Name
    """Whose key it is, as the policy last named them."""
    revoked: Line
    """The verification key of theirs that is."""
    since: Count | None
    """Position of the first entry from which on it was in wrong hands; None: what it signed so far stands."""
    because: Line
