"""`python -m clfnews` is `clfnews`."""

from clfnews.cli import main

main()
