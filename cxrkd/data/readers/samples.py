"""Films that ship with the program, so that there is something real to look at on a machine without data.

    assets/samples/*.png                 24 test films of ChestX-ray14, one a patient; SOURCE.md says which
    assets/samples/labels.csv            expert labels, in the form of the folder reader
    assets/samples/BBox_List_2017.csv    boxes whose finding the experts confirm, in the form of ChestX-ray14

Nothing can be trained on them: all are test films.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from cxrkd.access.confine import confined
from cxrkd.config import READERS, DataSettings, Reader
from cxrkd.data.cohort import Cohort
from cxrkd.data.readers import folder
from cxrkd.data.readers.chestxray14 import NAME as ORIGIN
from cxrkd.data.readers.chestxray14 import boxes
from cxrkd.labels import CHESTXRAY14
from cxrkd.places import SAMPLES
from cxrkd.progress import Progress

NAME = f"{ORIGIN}, films that ship"
BOXES = "BBox_List_2017.csv"


class SamplesConfig(DataSettings):
    """A few real films with expert labels, to look at."""

    kind: Literal["samples"] = "samples"


def read(config: SamplesConfig, progress: Progress | None = None) -> Cohort:
    """The films that ship; rows are those of their table.

    Raises:
        DataError: a file is missing or damaged.
    """
    asked = folder.FolderConfig(folder=SAMPLES, image_size=config.image_size, labels=CHESTXRAY14)
    with confined([SAMPLES]):  # pages may read them wherever the program is installed
        cohort = folder.read(asked)
        lesions = boxes(SAMPLES / BOXES, [f"{name}.png" for name in cohort.ids])
    return replace(cohort, name=NAME, lesions=lesions, truth="Expert labels")


READERS.register(
    Reader(
        name="samples",
        title="Sample films that ship",
        sentence="24 test films of ChestX-ray14 with labels by five radiologists, for looking; no run is made on them.",
        source="Wang et al., CVPR 2017; NIH Clinical Center; labels of Nabulsi et al., Scientific Reports 2021, "
        "arXiv 2010.11375",
        config=SamplesConfig,
        read=read,
        trains=False,
        films_of="chestxray14",
    )
)
