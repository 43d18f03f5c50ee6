"""What a run is told. Frozen pydantic models, unknown keys refused, saved as `config.json` beside the weights."""

from cxrkd.config.data import (
    DATA_CONFIGS,
    DATA_KINDS,
    ChestMnistConfig,
    ChestXray14Config,
    CheXpertConfig,
    DataConfig,
    FilesConfig,
    Folder,
    FolderConfig,
    PadChestConfig,
    PhantomConfig,
    RealConfig,
    data_summary,
    setting_name,
)
from cxrkd.config.members import MEMBER_NAMES, MEMBERS, Member
from cxrkd.config.objective import OBJECTIVES, Objective, ObjectiveConfig, ObjectiveTerm
from cxrkd.config.run import CHEST_WEIGHTS, RunConfig, StudentWeights, Weights
from cxrkd.config.strict import Strict
from cxrkd.config.train import TrainConfig

__all__ = [
    "CHEST_WEIGHTS",
    "DATA_CONFIGS",
    "DATA_KINDS",
    "MEMBERS",
    "MEMBER_NAMES",
    "OBJECTIVES",
    "CheXpertConfig",
    "ChestMnistConfig",
    "ChestXray14Config",
    "DataConfig",
    "FilesConfig",
    "Folder",
    "FolderConfig",
    "Member",
    "Objective",
    "ObjectiveConfig",
    "ObjectiveTerm",
    "PadChestConfig",
    "PhantomConfig",
    "RealConfig",
    "RunConfig",
    "Strict",
    "StudentWeights",
    "TrainConfig",
    "Weights",
    "data_summary",
    "setting_name",
]
