"""`python -m cxrkd`."""

import sys
from pathlib import Path

# `python -m` looks for modules in the working directory first. In a folder of runs, or beside a file called random.py,
# that is nobody's wish; where the package itself lies there it stays.
_here = Path(__file__).resolve().parents[1]
sys.path[:] = [entry for entry in sys.path if entry and (Path(entry) == _here or Path(entry) != Path.cwd())]

from cxrkd.cli import main  # noqa: E402 (what is imported from here on comes from the path above)

sys.exit(main())
