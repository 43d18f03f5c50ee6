"""Who is next: waiting pieces of work, in turns by visitor. No threads, no clock; `compute` puts workers behind it."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Piece:
    """Something to compute for one visitor.

    Attributes:
        visitor: whose turn it takes.
        key: pieces with one key can be computed together; None for a piece that goes alone.
        work: what to compute, of any kind.
    """

    visitor: str
    key: Hashable
    work: Any = field(repr=False)


class Line:
    """Waiting pieces of one rank.

    Args:
        in_turns: visitors take turns, so that who brings many films does not hold up the others; False serves one
            visitor after the other, so that long work for several does not end late for all.
    """

    def __init__(self, *, in_turns: bool = True) -> None:
        self._in_turns = in_turns
        self._waiting: OrderedDict[str, deque[Piece]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def visitors(self) -> list[str]:
        """Who waits, the next one first."""
        return list(self._waiting)

    def add(self, piece: Piece) -> None:
        """Behind the visitor's own pieces; a visitor who has none goes to the end."""
        self._waiting.setdefault(piece.visitor, deque()).append(piece)

    def remove(self, piece: Piece) -> bool:
        """Take a piece out; False where it is not, or no longer, waiting."""
        own = self._waiting.get(piece.visitor, ())
        if piece not in own:
            return False
        self._waiting[piece.visitor].remove(piece)
        self._forget_idle()
        return True

    def take(self, most: int) -> list[Piece]:
        """The next piece, with others that can be computed together with it: one of each visitor in turn.

        Args:
            most: pieces taken at once at most.

        Returns:
            Nothing where nobody waits.
        """
        if not self._waiting:
            return []
        first = self._waiting[self.visitors[0]].popleft()
        self._forget_idle()
        self._to_the_end([first])
        taken = [first]
        while first.key is not None and len(taken) < most and (more := self._alike(first.key, most - len(taken))):
            taken += more
        self._forget_idle()
        self._to_the_end(taken)
        return taken

    def before(self, visitor: str) -> int | None:
        """How many other visitors have their turn earlier; None for one who does not wait."""
        return self.visitors.index(visitor) if visitor in self._waiting else None

    def clear(self) -> list[Piece]:
        """All that waits, which waits no longer."""
        pieces = [piece for own in self._waiting.values() for piece in own]
        self._waiting.clear()
        return pieces

    def _alike(self, key: Hashable, most: int) -> list[Piece]:
        """The first piece with that key of each visitor, in the order of their turns."""
        first = [next((p for p in own if p.key == key), None) for own in self._waiting.values()]
        taken = [piece for piece in first if piece is not None][:most]
        for piece in taken:
            self._waiting[piece.visitor].remove(piece)
        return taken

    def _forget_idle(self) -> None:
        for visitor in [visitor for visitor, own in self._waiting.items() if not own]:
            del self._waiting[visitor]

    def _to_the_end(self, taken: list[Piece]) -> None:
        for visitor in dict.fromkeys(piece.visitor for piece in taken) if self._in_turns else ():
            if visitor in self._waiting:
                self._waiting.move_to_end(visitor)
