"""Fitting and measuring the radiograph gate of `cxrkd.images.gate`."""

from cxrkd.gating.films import ChestFilm, phantoms, real_films
from cxrkd.gating.fitting import fit
from cxrkd.gating.measuring import Row, cases, judge_all, ranking, rows

__all__ = ["ChestFilm", "Row", "cases", "fit", "judge_all", "phantoms", "ranking", "real_films", "rows"]
