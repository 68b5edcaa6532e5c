"""Whom a verifier trusts, in one file (C2SP tlog-policy): logs, witnesses, and how many of these must have cosigned.

log example.com/safety-log+530d903a+AZ7Q...
witness w1 witness.example/w1+1a2b3c4d+BOO...
witness w2 witness.example/w2+5e6f7a8b+BLF...
group two 2 w1 w2
quorum two
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, Place
from scalegate.ledger.keys import COSIGNATURE, ED25519, VerifyKey

__all__ = ["NO_QUORUM", "Trust", "parse_trust", "read_trust", "written"]

NO_QUORUM = "none"
"""The quorum of whoever asks for no cosignature."""
MAX_BYTES = 1_000_000
_ALLOWED = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_NUMBER = re.compile("[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class Trust:
    """What a trust file says."""

    logs: tuple[VerifyKey, ...]
    witnesses: Mapping[str, VerifyKey]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    """How many of which members, each a witness or a group before it."""
    quorum: str
    urls: Mapping[str, str]
    """Of a witness's or log's key, as text: where it is to be reached."""

    @property
    def keys(self) -> tuple[VerifyKey, ...]:
        """Of logs and witnesses."""
        return (*self.logs, *self.witnesses.values())

    def enough(self, cosigners: Collection[VerifyKey]) -> bool:
        """Whether those who cosigned make the quorum. Each public key counts once, whatever it is called."""
        public = {key.public for key in cosigners}

        def seen(name: str) -> bool:
            if name in self.witnesses:
                return self.witnesses[name].public in public
            least, members = self.groups[name]
            return sum(seen(member) for member in members) >= least

        return self.quorum == NO_QUORUM or seen(self.quorum)

    def asks(self) -> str:
        """What the quorum is, in words."""

        def told(name: str) -> str:
            if name in self.witnesses:
                return f"`{name}`"
            least, members = self.groups[name]
            return f"{least} of ({', '.join(told(member) for member in members)})"

        return "no cosignature" if self.quorum == NO_QUORUM else f"cosignatures of {told(self.quorum)}"


def read_trust(path: str | Path) -> Trust:
    """Read a trust file. Raises InputError with the line that is wrong."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"the trust file cannot be read: {error.strerror}", place=Place(file=str(path))) from error
    return parse_trust(data, name=str(path))


def parse_trust(data: bytes, name: str = "trust file") -> Trust:
    """The trust that such a file states. Raises InputError with the line that is wrong."""
    made = _Made(name)
    if len(data) > MAX_BYTES:
        raise InputError(f"the trust file is over {MAX_BYTES:,} bytes", place=Place(file=name))
    for number, line in enumerate(data.split(b"\n"), 1):
        if not _ALLOWED.fullmatch(line):
            raise made.wrong(number, "the line has a control character")
        # Octets with the high bit are opaque: no white space but blank and tab.
        words = [word for word in re.split("[ \t]+", line.decode("utf-8", "surrogateescape")) if word]
        if words and not words[0].startswith("#"):
            made.line(number, words)
    return made.whole()


def written(trust: Trust) -> bytes:
    """The one form of a trust file that says the same: without comments, and without where anybody is to be reached."""
    lines = [f"log {key.to_text()}" for key in trust.logs]
    lines += [f"witness {name} {key.to_text()}" for name, key in trust.witnesses.items()]
    lines += [f"group {name} {least} {' '.join(members)}" for name, (least, members) in trust.groups.items()]
    lines.append(f"quorum {trust.quorum}")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


class _Made:
    """What the lines up to here say."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.logs: list[VerifyKey] = []
        self.witnesses: dict[str, VerifyKey] = {}
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.members: set[str] = set()
        self.urls: dict[str, str] = {}
        self.quorum: str | None = None

    def wrong(self, line: int, why: str, fix: str | None = None) -> InputError:
        return InputError(why.encode("utf-8", "replace").decode(), place=Place(file=self.name, line=line), fix=fix)

    def line(self, number: int, words: list[str]) -> None:
        match words:
            case ["log", key] | ["log", key, _]:
                self.logs.append(self._key(number, key, ED25519, words[2:], self.logs))
            case ["witness", name, key] | ["witness", name, key, _]:
                self._new(number, name)
                self.witnesses[name] = self._key(number, key, COSIGNATURE, words[3:], self.witnesses.values())
            case ["group", name, least, *members] if members:
                self._new(number, name)
                self.groups[name] = (self._least(number, least, members), tuple(members))
            case ["quorum", name]:
                if self.quorum is not None:
                    raise self.wrong(number, "a second quorum", "keep one `quorum` line")
                self._known(number, name if name != NO_QUORUM else "")
                self.quorum = name
            case _:
                fix = "`log VKEY`, `witness NAME VKEY`, `group NAME all|any|K NAME...` or `quorum NAME`"
                raise self.wrong(number, f"`{words[0][:40]}` begins no line of a trust file like this", fix)

    def _key(self, line: int, text: str, algorithm: int, url: list[str], others: Collection[VerifyKey]) -> VerifyKey:
        try:
            key = VerifyKey.from_text(text, algorithm)
        except InputError as error:
            raise self.wrong(line, error.message, error.fix) from error
        if key.public in {it.public for it in others}:
            raise self.wrong(line, f"the key of {key.name} is listed twice", "list each key once")
        if key.public in {it.public for it in (*self.logs, *self.witnesses.values())}:
            raise self.wrong(line, f"the key of {key.name} is a log's and a witness's", "nobody witnesses themselves")
        self.urls |= {key.to_text(): it for it in url}
        return key

    def _new(self, line: int, name: str) -> None:
        if name == NO_QUORUM or name in self.witnesses or name in self.groups:
            raise self.wrong(line, f"the name `{name}` is taken", "give each witness and group a name of its own")

    def _known(self, line: int, name: str) -> None:
        if name and name not in self.witnesses and name not in self.groups:
            raise self.wrong(line, f"`{name}` is defined on no line before this one", "define it above")

    def _least(self, line: int, least: str, members: list[str]) -> int:
        for member in members:
            self._known(line, member)
            if member in self.members:
                raise self.wrong(line, f"`{member}` is a member twice", "let each be a member of one group, once")
            self.members.add(member)
        words = {"all": len(members), "any": 1}
        number = words[least] if least in words else int(least) if _NUMBER.fullmatch(least) else 0
        if not 1 <= number <= len(members):
            raise self.wrong(line, f"`{least}` of {len(members)} members is no number of them", "write all, any, or K")
        return number

    def whole(self) -> Trust:
        if self.quorum is None:
            what = "there is no `quorum` line"
            raise InputError(what, place=Place(file=self.name), fix="end it with `quorum none`, or name a group")
        return Trust(tuple(self.logs), self.witnesses, self.groups, self.quorum, self.urls)
