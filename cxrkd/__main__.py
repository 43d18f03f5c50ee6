"""`python -m cxrkd`."""

import os
import sys

import cxrkd

# `python -m` looks for modules in the working directory first. In a folder of runs, or beside a file called random.py,
# that is nobody's wish; where the package itself lies there it stays. Nothing else is imported before.
_home = os.path.dirname(os.path.abspath(cxrkd.__path__[0]))
sys.path[:] = [entry for entry in sys.path if entry and (entry == _home or entry != os.getcwd())]

from cxrkd.cli import main  # noqa: E402 (what is imported from here on comes from the path above)

sys.exit(main())
