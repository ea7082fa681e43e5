"""Lets `python -m telephone` do what the command `telephone` does."""

from telephone.cli import main

if __name__ == "__main__":
    main()
