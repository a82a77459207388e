"""``python -m ganlens`` is the ``ganlens`` command."""

import sys

from ganlens.cli import main

if __name__ == "__main__":
    sys.exit(main())
