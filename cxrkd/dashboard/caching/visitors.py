"""What was computed for one visitor, gone with the tab."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any, Literal

import streamlit as st

KeptKind = Literal["answers", "explanations", "pieces", "squares"]
LIMITS: dict[KeptKind, int] = {"answers": 4096, "explanations": 24, "pieces": 512, "squares": 3}
"""How many of a kind are kept for a visitor: an answer is a few numbers of one member, an explanation up to 1 MB, a
piece of one some ten kilobytes, the square of a film for the eye 4 MB."""


class Kept:
    """What was computed for one visitor; what was not asked for longest goes first. Any thread may put results there.

    Args:
        limit: how many results.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        """The result; None where it was never put here, or is gone."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: Hashable, value: object) -> None:
        """Keep a result, which nobody changes any more."""
        with self._lock:
            self._results[key] = value
            while len(self._results) > self._limit:
                self._results.popitem(last=False)


@st.cache_resource(scope="session", max_entries=len(LIMITS), show_spinner=False)
def kept(kind: KeptKind) -> Kept:
    """What was computed for this visitor, gone with the tab."""
    return Kept(LIMITS[kind])
