"""The command line."""

from clfnews.cli.app import app, main

__all__ = ["app", "main"]
