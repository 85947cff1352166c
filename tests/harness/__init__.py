"""Helpers that the outside-in tests share: processes, a recording backend, comparison, the ledger's reader."""
