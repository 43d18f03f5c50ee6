"""What a validation is told, saved as `config.json` of its job."""

from __future__ import annotations

from pydantic import Field

from cxrkd.config import DataConfig
from cxrkd.config.data import Folder
from cxrkd.config.strict import Strict


class ValidationConfig(Strict):
    """One run, and the films that it is measured on."""

    name: str = Field(min_length=1, max_length=80, title="Name")
    run: str = Field(min_length=1, title="Run", description="its id")
    run_folder: Folder | None = Field(
        None, title="Folder of the run", description="where it is no run of this machine; none where it is one"
    )
    data: DataConfig = Field(title="Images")
    readers: Folder | None = Field(
        None, title="Readings", description="a table of what radiologists read on these films; none without"
    )
    other_patients: bool = Field(
        False,
        title="The numbers mean other people",
        description="patients and files of one name are others, as in two hospitals; only pictures are compared",
    )
    leave_out: bool = Field(
        False,
        title="Leave out patients that the run was trained on",
        description="measure on the others; without it such patients are refused",
    )
