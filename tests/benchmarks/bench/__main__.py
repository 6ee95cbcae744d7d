"""`python -m tests.benchmarks.bench`."""

import sys

from tests.benchmarks.bench.command import main

sys.exit(main(sys.argv[1:]))
