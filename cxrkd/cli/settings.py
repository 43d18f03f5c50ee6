"""Flags and files -> `RunConfig`. One table says which flag sets which key of the config."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.errors import ConfigError
from cxrkd.text import shown

if TYPE_CHECKING:
    from cxrkd.config import RunConfig


def seeds(text: str) -> list[int]:
    """`0,1,2` -> `[0, 1, 2]`.

    Raises:
        ArgumentTypeError: something between two commas is not a whole number.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected whole numbers separated by commas, got {shown(text)}") from error


@dataclass(frozen=True)
class Flag:
    """A flag, the dotted keys it sets, the type of its value, and a word for --help."""

    name: str
    keys: tuple[str, ...]
    kind: Callable[[str], Any]
    help: str

    @property
    def attribute(self) -> str:
        """Where argparse keeps the value."""
        return self.name.removeprefix("--").replace("-", "_")


BOTH = ("teacher_train", "student_train")
FLAGS: tuple[Flag, ...] = (
    Flag("--name", ("name",), str, "what the run is called"),
    Flag("--teacher", ("teacher_arch",), str, "network, see `models`; several joined by + answer together"),
    Flag("--teacher-from", ("teacher_from",), str, "reuse the teacher of a finished run"),
    Flag("--teacher-weights", ("teacher_weights",), str, "what the teacher starts from, see `models`"),
    Flag("--student", ("student_arch",), str, "network, see `models`"),
    Flag("--student-weights", ("student_weights",), str, "what the students start from: none or imagenet"),
    Flag("--student-from", ("student_from",), str, "start both students from the distilled student of a finished run"),
    Flag("--seeds", ("seeds",), seeds, "of the students, such as 0,1,2"),
    Flag("--kind", ("data.kind",), str, "data set: phantom, chestxray14, chexpert, padchest, chestmnist or folder"),
    Flag("--folder", ("data.folder",), str, "where the published files were unpacked; not for phantoms"),
    Flag("--published-size", ("data.size",), int, "chestmnist: which file, 28, 64, 128 or 224 pixels"),
    Flag("--patients", ("data.n_patients",), int, "number of phantom patients"),
    Flag("--image-size", ("data.image_size",), int, "side in pixels"),
    Flag("--data-seed", ("data.seed",), int, "seed of the phantoms and of their split"),
    Flag("--epochs", ("student_train.epochs",), int, "of each student, at full size"),
    Flag("--warm-epochs", ("student_train.warm_epochs",), int, "of each student before, at the smaller size"),
    Flag("--learning-rate", ("student_train.learning_rate",), float, "of the students"),
    Flag("--teacher-epochs", ("teacher_train.epochs",), int, "of the teacher, at full size"),
    Flag("--teacher-warm-epochs", ("teacher_train.warm_epochs",), int, "of the teacher before, at the smaller size"),
    Flag("--teacher-learning-rate", ("teacher_train.learning_rate",), float, "of the teacher"),
    Flag("--warm-size", tuple(f"{who}.warm_size" for who in BOTH), int, "the smaller size, pixels"),
    Flag("--batch-size", tuple(f"{who}.batch_size" for who in BOTH), int, "images a step"),
    Flag("--mixup", tuple(f"{who}.mixup" for who in BOTH), float, "mixes pairs of images, 0 none; needs --view same"),
    Flag("--precision", tuple(f"{who}.precision" for who in BOTH), str, "32-true or bf16-mixed"),
    Flag("--objective", ("objective.name",), str, "paper (focal BCE + tempered MSE) or bkd (binary KL)"),
    Flag("--alpha", ("objective.alpha",), float, "weight of the labels, the teacher's is the rest"),
    Flag("--temperature", ("objective.temperature",), float, "of the teacher's and the student's logits"),
    Flag("--view", ("objective.view",), str, "cached, or same: the teacher answers the student's own views"),
    Flag("--gamma", ("objective.gamma",), float, "focal exponent of the paper's objective"),
)

SWITCHES: dict[str, tuple[tuple[str, ...], bool, str]] = {
    "--augment": (
        tuple(f"{who}.augment" for who in BOTH),
        True,
        "shift, turn, zoom and change the tones of images; needs --view same",
    ),
    "--no-control": (("control",), False, "do not train the student alone beside the distilled"),
    "--teacher-as-is": (("teacher_trained",), False, "use a teacher with chest weights without training it"),
    "--download": (("download",), True, "fetch pretrained weights that are not on this machine"),
}
"""Flags without a value: the dotted keys of the config, what they become, and a word for --help."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add --config, the flags of the table, and those without a value."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="a run's config as JSON; flags override it")
    add_settings(parser, "settings (default: those of the config file, else the program's)", FLAGS)


def add_settings(parser: argparse.ArgumentParser, title: str, flags: Sequence[Flag]) -> None:
    """Add those flags of the table, and all without a value, as a group."""
    group = parser.add_argument_group(title)
    for flag in flags:
        group.add_argument(flag.name, type=flag.kind, metavar="X", help=flag.help)
    for name, (_, _, about) in SWITCHES.items():
        group.add_argument(name, action="store_true", help=about)


def run_config(args: argparse.Namespace) -> RunConfig:
    """The config that file and flags describe together.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, or a value is out of range.
    """
    return overridden(_read(args.config) if args.config else {}, args, FLAGS)


def overridden(values: dict[str, Any], args: argparse.Namespace, flags: Sequence[Flag]) -> RunConfig:
    """The config of `values`, with the keys of those `flags` replaced that were given.

    Raises:
        ConfigError: a key is unknown, or a value is out of range.
    """
    for flag in flags:
        given = getattr(args, flag.attribute)
        for key in flag.keys if given is not None else ():
            _put(values, key.split("."), given)
    for name, (keys, value, _) in SWITCHES.items():
        for key in keys if getattr(args, name.removeprefix("--").replace("-", "_")) else ():
            _put(values, key.split("."), value)
    return _validated(values, args.config if "config" in args else None, _given(args, flags))


def _given(args: argparse.Namespace, flags: Sequence[Flag]) -> set[str]:
    """The dotted keys that flags have set."""
    return {key for flag in flags if getattr(args, flag.attribute) is not None for key in flag.keys}


def option_name(key: str, file: Path | None = None, given: Collection[str] = ()) -> str:
    """What somebody at the command line calls a dotted key: its option, or the key of the file that holds it.

    >>> option_name("data.folder"), option_name("data.folder", Path("run.json"))
    ('--folder', 'data.folder in run.json')

    Args:
        key: dotted.
        file: the config file, if one was given.
        given: keys that options have set, whatever the file says.
    """
    option = next((flag.name for flag in FLAGS if key in flag.keys), None)
    option = option or next((name for name, (keys, _, _) in SWITCHES.items() if key in keys), None)
    if file is not None and key not in given:
        return f"{key} in {file}"
    return option or f"{key} (a key of the file given with --config)"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read {path} ({error.strerror}); expected a run's config as JSON.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON ({error}); expected the config.json of a run.") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path} holds {type(found).__name__}; expected an object with the keys of a run's config.")
    return _of_this_version(found, path)


def _of_this_version(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """The settings without the version that a run's own file has."""
    from cxrkd.runs.run import CONFIG_VERSION

    version = values.pop("version", 0)
    if isinstance(version, int) and version <= CONFIG_VERSION:
        return values
    raise ConfigError(
        f"{path} is of version {str(version)[:20]}, this cxrkd reads up to {CONFIG_VERSION}; a newer one wrote it."
    )


def _put(values: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = values.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"The config's {shown(key)} must be an object, got {shown(inner)}.")
        values = inner
    values[keys[-1]] = value


def _validated(values: dict[str, Any], file: Path | None, given: Collection[str]) -> RunConfig:
    from pydantic import ValidationError

    from cxrkd.config import RunConfig
    from cxrkd.refusals import refusals

    if "name" not in values:
        raise ConfigError('Give the run a name: --name NAME, or "name" in the config file.')
    try:
        return RunConfig.model_validate_json(json.dumps(_with_defaults(values)))
    except ValidationError as error:
        sentences = refusals(error, lambda key: option_name(key, file, given)).values()
        raise ConfigError(" ".join(dict.fromkeys(sentences))) from error


def _with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Keep the run's own defaults of an inner config of which only some keys are given."""
    from cxrkd.config import RunConfig

    found = dict(values)
    for key, given in values.items():
        field = RunConfig.model_fields.get(key)
        default: Any = None if field is None else field.get_default(call_default_factory=True)
        if isinstance(given, dict) and _same_kind(default, given):
            found[key] = default.model_dump() | given
    return found


def _same_kind(default: Any, given: dict[str, Any]) -> bool:
    """Whether a default can fill in the keys that are not given; another data set or objective has other keys."""
    return hasattr(default, "model_dump") and all(
        given.get(tag, getattr(default, tag, None)) == getattr(default, tag, None) for tag in ("kind", "name")
    )
