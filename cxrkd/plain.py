"""Values as JSON can hold them."""

from __future__ import annotations

import math
from typing import Any


def plain(value: Any) -> Any:
    """The same structure in dicts with text for keys, lists, text and numbers; NaN and infinity become None.

    Arrays become lists, and whatever has a `to_dict` becomes what that says.

    >>> plain({1: (0.5, float("nan")), "n": [float("inf"), 2]})
    {'1': [0.5, None], 'n': [None, 2]}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):  # numpy's float64 is one
        return float(value) if math.isfinite(value) else None
    for converts in ("tolist", "to_dict"):  # an array or a number of numpy, which need not be imported for this
        if hasattr(value, converts):
            return plain(getattr(value, converts)())
    return value
