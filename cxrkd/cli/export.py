"""`export`: a network of a run as one ZIP to take away, checked against PyTorch first."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.files import writing
from cxrkd.cli.output import Report, Ticker, table
from cxrkd.errors import ConfigError
from cxrkd.text import mean_of, number

if TYPE_CHECKING:
    from cxrkd.export.bundle import Bundle
    from cxrkd.export.target import Target


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "export",
        parents=[common],
        help="a network as a ZIP to take away: for ONNX Runtime, OpenVINO, PyTorch, a browser, with 8-bit weights",
        description="The network with its normalisation inside, labels, thresholds, temperatures, what becomes of a "
        "film, with a worked example, a model card, and a script that answers a film without this program. It is "
        "written only if it answers test films as PyTorch does. `runs export` writes the curves of a run.",
    )
    verb.add_argument("run", metavar="RUN", help="id or folder of a finished run")
    verb.add_argument("--to", required=True, metavar="TARGET", help="one of those that `list targets` names")
    verb.add_argument("--member", default="distilled", help="teacher, alone or distilled (default: distilled)")
    verb.add_argument("--out", type=Path, metavar="FILE.zip", help="default: cxrkd-RUN-MEMBER-TARGET.zip, here")
    verb.add_argument("--overwrite", action="store_true", help="take the place of a file that is there")
    verb.add_argument(
        "--folder", type=Path, metavar="DIR", help="where the run's data set is now, whose test films it is checked on"
    )
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Refuse what can be refused at once, then write, check and pack.

    Raises:
        ConfigError: the target or member is unknown, or the file cannot be written there.
        RunError: the run is not finished, or damaged.
        EngineError: a package is missing, or the file would not answer as PyTorch does.
    """
    from cxrkd.export.bundle import bundle, bundle_name, require_exportable
    from cxrkd.export.films import check_films
    from cxrkd.export.target import TARGETS
    from cxrkd.runs import open_run

    target, run = TARGETS[args.to], open_run(args.run)
    require_exportable(run, args.member)
    out = args.out or Path(f"{bundle_name(run, args.member, target)}.zip")
    _refuse_place(out, overwrite=args.overwrite)
    ticker = Ticker()
    ticker.tell("reading the films to check on")
    made = bundle(run, args.member, target, check_films(run, args.folder), ticker.tell)
    ticker.clear()
    _write(out, made)
    return _report(out, made, target)


def _refuse_place(out: Path, *, overwrite: bool) -> None:
    """Refuse a place where nothing can be written, before anything is computed."""
    if out.suffix.lower() != ".zip":
        raise ConfigError(f"--out: expected a file that ends in .zip, got {out.name}.")
    try:
        out.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # a name of 300 letters, links in a circle
        raise ConfigError(f"Cannot write {out} ({error.strerror}); choose another place with --out.") from error
    if not out.parent.is_dir():
        raise ConfigError(f"There is no folder {out.parent}; make it, or choose another place with --out.")
    if not os.access(out.parent, os.W_OK):
        raise ConfigError(f"Nothing can be written into {out.parent}; choose another place with --out.")
    if out.is_symlink() and not out.exists():
        raise ConfigError(f"{out} is a link that leads nowhere; remove it, or choose another name with --out.")
    if out.is_dir():
        raise ConfigError(f"{out} is a folder; name a file in it with --out.")
    if out.exists() and not overwrite:
        raise ConfigError(f"{out} is there already; choose another name with --out, or add --overwrite.")


def _write(out: Path, made: Bundle) -> None:
    from cxrkd.atomic import replacing, sweep

    sweep(out.parent, out.suffix)
    with writing(out), replacing(out) as part:
        part.write_bytes(made.zip)


def _report(out: Path, made: Bundle, target: Target) -> Report:
    parity, size = made.parity, out.stat().st_size
    rows = [
        [o.label, *(f"{value:.1e}" for value in (o.largest, o.mean)), number(o.auroc, 4), number(o.auroc_pytorch, 4)]
        for o in parity.labels
    ]
    lines = [
        f"{made.name}: {target.title}, checked on {parity.films}",
        "",
        *table(["label", "largest difference", "mean", "AUROC", "in PyTorch"], rows),
        "",
        f"Largest difference of a probability {parity.largest:.1e} (allowed {target.bounds.prob:g}), mean AUROC "
        f"{number(parity.auroc_difference, 4, sign=True)} from {number(parity.macro_auroc_pytorch, 4)}, "
        f"{mean_of(parity.n_labels)} (allowed {target.bounds.auroc:g}).",
        f"One film on one thread: {made.ms:.1f} ms, eager PyTorch {made.ms_pytorch:.1f} ms.",
        f"Wrote {out}: {size / 1e6:.1f} MB, of which the network is {made.network_bytes / 1e6:.1f} MB unpacked.",
    ]
    document = {"export": made.name, "target": target.name, "path": str(out), "bytes": size}
    document |= {"network_bytes": made.network_bytes, "ms": made.ms, "ms_pytorch": made.ms_pytorch}
    return Report(document | {"files": sorted(made.files), "parity": parity.to_dict()}, lines)
