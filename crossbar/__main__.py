"""``python -m crossbar``."""

import sys

from crossbar.cli import main

sys.exit(main())
