"""`python -m clfnews.cli`."""

from clfnews.cli import main

if __name__ == "__main__":
    main()
