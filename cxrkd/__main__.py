"""`python -m cxrkd`."""

import sys

from cxrkd.cli import main

sys.exit(main())
