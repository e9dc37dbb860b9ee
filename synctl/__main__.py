"""`python -m synctl`: the same as the console script."""

from synctl.cli.main import main

if __name__ == "__main__":
    main()
