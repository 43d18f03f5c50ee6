"""What is refused before a run is made, so that a refusal leaves no folder: from the page, the queue and a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cxrkd.config import READERS, DataConfig, RunConfig, data_summary
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import ConfigError, RunError
from cxrkd.runs.run import open_run, require_networks


@dataclass(frozen=True)
class Settled:
    """What a run will be told, once nothing that can be known now stops it.

    Attributes:
        config: with the borrowed teacher's architecture and training.
        images: in all, and to train on; of phantoms a guess.
    """

    config: RunConfig
    images: tuple[float, float]


def settle(config: RunConfig) -> Settled:
    """The config as the run will be told it. The table of its data is read, no image.

    Raises:
        RunError: a run to start from is not there, not finished, or cannot be read.
        ConfigError: what the run starts from saw patients that it would test on; a network does not exist or does not
            take the images; weights do not exist, do not fit the data, or are not here and may not be downloaded.
        DataError: the data set is not here or not as published.
    """
    from cxrkd.data import cohort_size

    config = able_to_start(config)
    return Settled(config, cohort_size(config.data))


def able_to_start(config: RunConfig) -> RunConfig:
    """The config as the run will be told it, if its networks, weights and what it starts from allow that.

    Raises:
        RunError: as `settle`.
        ConfigError: as there.
    """
    config = with_teacher(config)
    require_networks(config)
    _refuse_weights(config)
    _refuse_student_start(config)
    return config


def with_teacher(config: RunConfig) -> RunConfig:
    """The config with the borrowed teacher's architecture and training, so that the file says what is used.

    Raises:
        RunError: the teacher is to be borrowed from a run that is not there, not finished, or cannot be read.
        ConfigError: the teacher saw patients that this run would test on, or other images.
    """
    if config.teacher_from is None:
        return config
    source = open_run(config.teacher_from)
    if source.state.status != "done":
        raise RunError(f"{source.id} is {source.state.status}; only the teacher of a finished run can be reused")
    _refuse_leak(config.data, source.config.data, f"teacher of {source.id}")
    _refuse_other_size(config.data, source.config.data, source.id)
    theirs = source.config
    names = ("teacher_arch", "teacher_trust", "teacher_weights", "teacher_trained", "teacher_train")
    taken = {name: getattr(theirs, name) for name in names}
    return config.model_copy(update=taken)


def _refuse_weights(config: RunConfig) -> None:
    """Say now what would stop the run later; a borrowed teacher needs no weights but its own.

    Unless one learns along: that begins where the borrowed one began.
    """
    asked: list[tuple[str, str]] = [(config.student_arch, config.student_weights)]
    begins = config.teacher_from is None or config.objective.trains_teacher
    asked += [(config.teacher_arch, config.teacher_weights)] if begins else []
    if all(weights == "none" for _, weights in asked):
        return
    from cxrkd.models.network import parts_of
    from cxrkd.models.zoo import check_weights, source

    for arch, weights in asked:
        check_weights(arch, weights, config.download)
    as_is = config.teacher_from is None and not config.teacher_trained
    for part in parts_of(config.teacher_arch) if as_is else ():
        native = source(part, config.teacher_weights).size
        if config.data.image_size != native:
            raise ConfigError(
                f"{config.teacher_weights} of {part} learnt from images of {native} pixels, this run "
                f"has {config.data.image_size}. Use {native} pixels, or train the teacher on this data."
            )


def _refuse_student_start(config: RunConfig) -> None:
    """Students go on from a finished one of their kind that saw no patient of the test split."""
    if config.student_from is None:
        return
    source = open_run(config.student_from)
    if source.state.status != "done":
        raise RunError(f"{source.id} is {source.state.status}; students can only go on from a finished run")
    if source.config.student_arch != config.student_arch:
        raise ConfigError(
            f"the students of {source.id} are {source.config.student_arch}, these are {config.student_arch}. Choose "
            "that network, or start from another run."
        )
    _refuse_leak(config.data, source.config.data, f"student of {source.id}")


def _refuse_leak(mine: DataConfig, theirs: DataConfig, source: str) -> None:
    """What a run starts from must not have seen the patients that it tests on, as far as settings tell.

    Where the films lie does not: they are looked at once they are read (`cxrkd.runs.leaking`).
    """
    if isinstance(mine, PhantomConfig) and isinstance(theirs, PhantomConfig):
        return _refuse_same_phantoms(mine, theirs, source)
    if READERS[mine.kind].origin == READERS[theirs.kind].origin and _split_of(mine) != _split_of(theirs):
        raise ConfigError(
            f"the {source} was trained on another split of the same patients ({data_summary(theirs)}), some of whom "
            f"this run would test on. Use the same data settings, or do without it."
        )


def _split_of(config: DataConfig) -> dict[str, Any]:
    """What decides which patient is in which split: everything but the pixels and where they are."""
    return config.model_dump(exclude={"image_size", "size", "download", "folder", "table"})


def _refuse_same_phantoms(mine: PhantomConfig, theirs: PhantomConfig, source: str) -> None:
    """Same seed and another number of patients means the same patients in other splits."""
    if mine.seed == theirs.seed and mine.n_patients != theirs.n_patients:
        raise ConfigError(
            f"the {source} was trained on {theirs.n_patients} patients of the same seed, some of whom this run would "
            f"test on. Use {theirs.n_patients} patients, another seed of the data, or do without it."
        )


def _refuse_other_size(mine: DataConfig, theirs: DataConfig, source: str) -> None:
    """Teacher and student of a run answer the same pixels."""
    if mine.image_size != theirs.image_size:
        raise ConfigError(
            f"the teacher of {source} takes images of {theirs.image_size} pixels, this run has {mine.image_size}. "
            f"Use {theirs.image_size} pixels, or train a new teacher."
        )
