"""``python -m symml`` is the command line."""

import sys

from symml.cli import main

sys.exit(main())
