"""`answer.py`: twenty lines that answer a film with nothing of this program, and `film.py`, which they read it by."""

from __future__ import annotations

import inspect

from cxrkd.export.taken import film
from cxrkd.export.target import Script

ANSWER, FILM = "answer.py", "film.py"
_TEXT = '''"""What the network answers about a chest film: python {answer} FILM.png. Not for clinical use.

Needs {packages} (`pip install {installs}`). `film.py` says how a film becomes the network's input.
"""

import json
import sys
from pathlib import Path

import numpy as np
{loads}
from film import prepared, read_png

HERE = Path(sys.argv[0]).resolve().parent
film = sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__)
contract, thresholds = (json.loads((HERE / name).read_text("utf-8")) for name in ("contract.json", "thresholds.json"))
x = prepared(read_png(film), contract["input"]["shape"][-1])
logits = {asks}
for label, logit in zip(contract["output"]["labels"], np.asarray(logits, float).tolist()):
    prob, limit = 1 / (1 + np.exp(-logit)), thresholds["labels"][label]["threshold"]
    call = "not judged" if limit is None else "present" if prob >= limit else "absent"
    print(f"{{label}}\\t{{prob:.4f}}\\t{{call}}")
'''


def scripts(script: Script) -> dict[str, str]:
    """Name -> text of the files that answer a film."""
    packages = ("numpy", *script.packages)
    known = {"packages": " and ".join(packages), "installs": " ".join(packages), "answer": ANSWER}
    text = _TEXT.format(loads=script.loads, asks=script.asks, **known)
    return {ANSWER: text, FILM: inspect.getsource(film)}
