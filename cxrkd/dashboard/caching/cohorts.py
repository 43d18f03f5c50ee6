"""Tables of data sets, and their films: as they are, and as a training would see them."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from cxrkd.access import folders
from cxrkd.access.confine import confined
from cxrkd.config import DataConfig, RunConfig
from cxrkd.data import load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.errors import AccessError
from cxrkd.images.film import Film


def table(config: DataConfig) -> Cohort:
    """What a cohort holds, without its pixels.

    Raises:
        AccessError: its folder is not open to pages.
    """
    if not folders.is_open(config):
        raise AccessError(folders.NOT_OPEN)
    return _table(config.model_dump_json(), config)


@st.cache_resource(max_entries=4, show_spinner="Reading the data set's table")
def _table(key: str, _config: DataConfig) -> Cohort:
    with confined():
        return load_cohort(_config)


def film(config: DataConfig, row: int, size: int) -> Film:
    """One image of a cohort with its labels and lesion masks, at a size of choice."""
    return _film(config.model_dump_json(), row, size, config)


@st.cache_resource(max_entries=256, show_spinner=False)
def _film(key: str, row: int, size: int, _config: DataConfig) -> Film:
    with confined():
        return table(_config).film(row, size)


def training_views(config: RunConfig, rows: tuple[int, ...], look: int) -> np.ndarray:
    """Some films of the run's data set as its students would see them; see `preview`.

    Raises:
        DataError: a file is gone or cannot be read.
        AccessError: the folder of the data is not open to pages.
    """
    side, cohort = config.student_works_at, table(config.data)  # which refuses before what is kept is looked up
    key = (config.data.model_dump_json(), config.student_train.model_dump_json(), side, rows, look)
    views: np.ndarray = _training_views(key, cohort, config)
    return views


@st.cache_resource(max_entries=8, show_spinner="Reading some films")
def _training_views(key: tuple[str, str, int, tuple[int, ...], int], _cohort: Cohort, _config: RunConfig) -> Any:
    from cxrkd.train.preview import preview

    _, _, side, rows, look = key
    with confined():
        return preview(_cohort, np.array(rows), _config.student_train, side, look)
