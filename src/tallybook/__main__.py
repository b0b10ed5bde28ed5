"""`python -m tallybook` is the command line."""

import sys

from tallybook.cli import main

if __name__ == "__main__":
    sys.exit(main())
