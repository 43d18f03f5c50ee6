"""What is refused before a study is made: whatever would stop one of its runs and can be known now."""

from __future__ import annotations

from cxrkd.errors import CxrkdError
from cxrkd.runs.refusing import Settled, settle
from cxrkd.studies.grid import Cell


def settle_cells(cells: tuple[Cell, ...]) -> list[Settled]:
    """What each run will be told. The table of the data is read, no image.

    Raises:
        CxrkdError: of `cxrkd.runs.refusing.settle`, with the cell that it is about.
    """
    return [_settled(cell) for cell in cells]


def _settled(cell: Cell) -> Settled:
    try:
        return settle(cell.config)
    except CxrkdError as error:
        raise type(error)(f"{cell.title}: {error}") from error
