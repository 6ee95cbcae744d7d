"""The kill storm: `python -m tests.storm --seconds 180 --seed 7`."""

import sys

from tests.storm.command import main

sys.exit(main())
