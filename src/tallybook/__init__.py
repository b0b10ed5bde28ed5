"""Tallybook, the contract side of usage billing. Its rooms are described in CONTRIBUTING.md."""

__version__ = "0.1.0"
