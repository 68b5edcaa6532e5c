"""The ledger: what happened, in order, signed, and provably not rewritten.

This is the specification of the format, version 3; the modules named on the right implement it.

- An *entry* is a DSSE 1.0.2 envelope (JSON, at most 65,535 bytes) around an in-toto statement of type
  `application/vnd.in-toto+json`. Unknown fields are refused. Who signed is decided by public keys alone:
  a key counts once, and `keyid` is a hint (`dsse`). What statements there are: `entries`.
- JSON is read strictly: UTF-8, no duplicate keys, no floats, no integers beyond 2^53; it is written with
  sorted keys and no white space (`strict_json`).
- The *tree* is that of RFC 6962: leaf SHA-256(0x00 || entry), node SHA-256(0x01 || left || right), the
  empty root SHA-256 of nothing (`merkle`). Entries are numbered from 0 without a gap.
- *Keys* are Ed25519, in the text forms of C2SP signed-note: `name+hash+base64(0x01 || public)` (`keys`).
- A *checkpoint* is a C2SP signed note of three lines, origin, size, base64 of the root, signed by the log's
  key (`note`). There is one for the size after each append, and never two roots for one size.
- It is *kept* in one SQLite database with a rollback journal, a file, or in a schema of PostgreSQL, which a file names
  by its address: `postgresql://...` and a newline (`named`). Both have these six tables (`store`):
  meta(format, origin, log_key), one row; entry(position, leaf, envelope); checkpoint(size, note);
  tile(level, number, root, hashes), the full tiles of C2SP tlog-tiles, 256 hashes each (`tiles`);
  head(size, frontier), one row, where the frontier is the size in 8 bytes, big-endian, and the roots of the
  perfect subtrees, largest first; sent(size, first, id, digest), the ids that callers appended under: no evidence, but
  bound to it by the digest, SHA-256 of `first`, `size` and `id`, each with a newline, and the root at that size.
  Triggers refuse to change or remove a row.
- An *append* is one transaction: lock (in PostgreSQL the row of the head), check that head, last entry, last
  checkpoint and side file agree, insert, sign, commit. Only then is the checkpoint given out.
- An append under an *id* is made once: again, the same entries give where they are, and others are refused.
- The *side file* `<ledger>.head`, beside the file that is or names the ledger, holds `size root-in-hex` of the largest
  tree seen on this machine. A ledger smaller than that, or no growth of it, is refused: it was put back from an older
  copy.
- It is *exported* as the files of C2SP tlog-tiles (`export`, `exported`), an entry with its proof as a C2SP tlog-proof
  (`receipt`); whom a verifier trusts stands in a C2SP tlog-policy (`trust_file`); a *witness* cosigns (`witness`).
- An *audit* computes every signed tree head again from the entries alone (`fsck`).

What it shows is tampering after the fact, to whoever holds an earlier checkpoint. It cannot stop an owner
from writing a new ledger, nor show that something was never recorded.
"""

from scalegate.ledger.dsse import Envelope
from scalegate.ledger.fsck import Checked, check
from scalegate.ledger.keys import SigningKey, VerifyKey
from scalegate.ledger.merkle import Frontier
from scalegate.ledger.note import Checkpoint, Note, open_note, sign_note
from scalegate.ledger.store import Appended, Ledger
from scalegate.ledger.strict_json import JsonValue

__all__ = [
    "Appended",
    "Checked",
    "Checkpoint",
    "Envelope",
    "Frontier",
    "JsonValue",
    "Ledger",
    "Note",
    "SigningKey",
    "VerifyKey",
    "check",
    "open_note",
    "sign_note",
]
