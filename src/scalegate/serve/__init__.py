"""Servers: a witness of logs. They take the extra `serve`."""

from __future__ import annotations

__all__: list[str] = []
