"""Run a command line that knows the three families: what a test kills from outside."""

import sys

import three_families  # noqa: F401 (it puts them into MODELS)

from ganlens.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
