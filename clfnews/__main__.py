"""`python -m clfnews` is `clfnews`."""

from __future__ import annotations

from clfnews.cli.app import main

main()
