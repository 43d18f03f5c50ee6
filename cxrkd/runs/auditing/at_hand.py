"""The films of an audit, where they are at hand: an audit keeps maps, not pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cxrkd.data import is_here, load_to_ask
from cxrkd.errors import DataError
from cxrkd.images.radiograph import digest_of_tones
from cxrkd.runs.auditing.job import DIGESTS, AuditJob

if TYPE_CHECKING:
    from cxrkd.config import DataConfig
    from cxrkd.data.cohort import Cohort
    from cxrkd.images.film import Film

NOT_AT_HAND = "The films of this audit are not at hand. It keeps maps and no pictures: maps are drawn without a film."


class FilmsAtHand:
    """Films of an audit by their number.

    Args:
        job: of the films.
        here: whether the films of a data set may be shown.
        load: reads what is known of them.
    """

    def __init__(
        self,
        job: AuditJob,
        here: Callable[[DataConfig], bool] = is_here,
        load: Callable[[DataConfig], Cohort] = load_to_ask,
    ) -> None:
        films = job.films()
        self._ids, self._digests = films["ids"], films.get(DIGESTS)
        self.cohort = _cohort(job, here, load)

    def film(self, n: int) -> Film | None:
        """Film n as networks were shown it; None where it is not at hand, or is another film now."""
        if self.cohort is None:
            return None
        try:
            film = self.cohort.film(self.cohort.row_of(str(self._ids[n])))
        except DataError:
            return None
        changed = self._digests is not None and digest_of_tones(film.tones) != self._digests[n]
        return None if changed else film


def _cohort(job: AuditJob, here: Callable[[DataConfig], bool], load: Callable[[DataConfig], Cohort]) -> Cohort | None:
    data = job.data
    if not here(data):
        return None
    try:
        return load(data)
    except DataError:
        return None
