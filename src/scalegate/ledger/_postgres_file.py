"""What a file that names a server may not choose: where a password goes, and how well the connection is guarded.

Such a file may come from somebody else, and whoever verifies it connects by it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import psycopg

from scalegate.errors import InputError, Place

__all__ = ["of_a_file"]

# What libpq would send to whatever host it connects to. A line of ~/.pgpass says of which host and port it is.
_SENT = ("PGPASSWORD", "PGSERVICE")
_PORT = "5432"
"""Where libpq looks for a server if nobody says otherwise."""
_REQUIRE_AUTH = 160_000
"""The libpq that knows `require_auth`."""
# How well a connection is guarded, by the parameter of an address: the variable that says so too, and from the least.
_GUARDS = {
    "sslmode": ("PGSSLMODE", ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")),
    "gssencmode": ("PGGSSENCMODE", ("disable", "prefer", "require")),
    "channel_binding": ("PGCHANNELBINDING", ("disable", "prefer", "require")),
}


def of_a_file(parts: Mapping[str, Any], place: Place) -> dict[str, str]:
    """What to connect by besides, where a file names the server.

    Raises InputError where a password would go to a host or a port that only the file names, and where the file has
    the connection guarded less than the environment asks for.
    """
    _check_guarded(parts, place)
    host, port = (str(parts.get(name) or "") for name in ("host", "port"))
    if host in ("", os.environ.get("PGHOST")) and port in ("", os.environ.get("PGPORT") or _PORT):
        return {}
    if sent := [it for it in _SENT if os.environ.get(it)]:
        at = f"{host}:{port}" if port else host
        what = f"the file names the server `{at}`, and `{sent[0]}` would go to it, whoever wrote the file"
        names = " ".join(f"{name}={value}" for name, value in (("PGHOST", host), ("PGPORT", port)) if value)
        fix = f"if you mean that server, say so: `{names}`; or leave it to ~/.pgpass, which names servers"
        raise InputError(what, place=place, fix=fix)
    known = psycopg.pq.version() >= _REQUIRE_AUTH and "PGREQUIREAUTH" not in os.environ
    return {"require_auth": "!password"} if known else {}


def _check_guarded(parts: Mapping[str, Any], place: Place) -> None:
    for name, (variable, order) in _GUARDS.items():
        asked, given = os.environ.get(variable), parts.get(name)
        if asked in order and given is not None and (given not in order or order.index(given) < order.index(asked)):
            what = f"the file says `{name}={given}`, which guards less than `{variable}={asked}`"
            raise InputError(what, place=place, fix=f"take `{name}` out of the file, or set `{variable}` to the same")
    # Whoever names the roots says who is the right server.
    roots, asked = parts.get("sslrootcert"), os.environ.get("PGSSLMODE", "")
    if asked.startswith("verify") and roots is not None and roots != os.environ.get("PGSSLROOTCERT"):
        what = f"the file names roots of its own (`sslrootcert`), and `PGSSLMODE={asked}` is to verify the server"
        fix = "take `sslrootcert` out of the file, or name the same by `PGSSLROOTCERT`"
        raise InputError(what, place=place, fix=fix)
