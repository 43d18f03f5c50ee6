"""What a run is told. Frozen pydantic models, unknown keys refused, saved as `config.json` beside the weights."""

from cxrkd.config.data import (
    READERS,
    DataConfig,
    DataSettings,
    FilesSettings,
    Folder,
    Reader,
    data_summary,
    trainable,
)
from cxrkd.config.members import MEMBER_NAMES, MEMBERS, Member
from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, ObjectiveTerm
from cxrkd.config.run import CHEST_WEIGHTS, RunConfig, StudentWeights, Weights
from cxrkd.config.strict import Strict
from cxrkd.config.train import TrainConfig

__all__ = [
    "CHEST_WEIGHTS",
    "MEMBERS",
    "MEMBER_NAMES",
    "OBJECTIVES",
    "READERS",
    "DataConfig",
    "DataSettings",
    "FilesSettings",
    "Folder",
    "Member",
    "Objective",
    "ObjectiveConfig",
    "ObjectiveTerm",
    "Reader",
    "RunConfig",
    "Strict",
    "StudentWeights",
    "TrainConfig",
    "Weights",
    "data_summary",
    "trainable",
]
