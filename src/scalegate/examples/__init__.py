"""Policies that ship with scalegate: examples to read, and templates for `scalegate init`."""
