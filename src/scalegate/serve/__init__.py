"""Servers: a witness of logs. They take the extra `serve`."""

from __future__ import annotations

from scalegate.serve.witness_app import witness_app

__all__ = ["witness_app"]
