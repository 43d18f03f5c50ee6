"""`gate`: fit and measure what tells frontal chest radiographs from other pictures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.cli.output import Report, Ticker, table
from cxrkd.text import MISSING

if TYPE_CHECKING:
    from cxrkd.gating import Row


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb and its own verbs."""
    verb = verbs.add_parser("gate", help="fit and measure what flags pictures that are no frontal chest radiograph")
    actions = verb.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    fitted = actions.add_parser(
        "fit",
        parents=[common],
        help="fit the coefficients and write them",
        description="Fits on the train_val_list of ChestX-ray14 trees, on phantoms, on pictures of installed packages "
        "(requirements-dev.txt) and on drawings. Takes a few minutes; equal inputs give equal coefficients.",
    )
    _add_folders(fitted)
    fitted.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: assets/gate.safetensors)")
    fitted.add_argument(
        "--leave-out", action="append", default=[], metavar="KIND", help="a kind it shall never see; repeatable"
    )
    fitted.set_defaults(call=fit)
    measured = actions.add_parser(
        "measure",
        parents=[common],
        help="false alarms and detections on pictures that it was not fitted on",
        description="Measures on the test_list of the trees, on other phantoms, other pictures and other drawings.",
    )
    _add_folders(measured)
    measured.add_argument("--coefficients", type=Path, metavar="FILE", help="default: assets/gate.safetensors")
    measured.set_defaults(call=measure)


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder", type=Path, action="append", required=True, metavar="DIR", help="a ChestX-ray14 tree; repeatable"
    )


def fit(args: argparse.Namespace) -> Report:
    """Fit and write.

    Raises:
        ConfigError: there is no kind of that name to leave out, or the file cannot be written.
        DataError: a tree is incomplete, or a package is not installed.
    """
    from cxrkd import gating
    from cxrkd.cli.files import writing
    from cxrkd.errors import ConfigError
    from cxrkd.gating.fitting import PHANTOM_SEED, PHANTOMS
    from cxrkd.images.gate import CHEST, COEFFICIENTS, KINDS

    unknown = [kind for kind in args.leave_out if kind not in KINDS or kind == CHEST]
    if unknown:
        raise ConfigError(f"Expected kinds to leave out among {', '.join(KINDS[1:])}, got {unknown[0]}.")
    ticker = Ticker()
    films = gating.real_films(args.folder, test=False)
    gate, counts = gating.fit(films + gating.phantoms(PHANTOMS, PHANTOM_SEED), args.leave_out, ticker.tell)
    ticker.clear()
    with writing(args.out or COEFFICIENTS) as path:
        gate.save(path)
    lines = table(["kind", "pictures"], [[kind, str(n)] for kind, n in counts.items()])
    document = {"path": str(path), "bytes": path.stat().st_size, "real_films": len(films), "pictures": counts}
    return Report(document, [*lines, f"wrote {path}, {document['bytes']:,} bytes"])


def measure(args: argparse.Namespace) -> Report:
    """Measure.

    Raises:
        DataError: a tree is incomplete, or a package is not installed.
        GateError: the coefficients are missing or damaged.
    """
    from cxrkd import gating
    from cxrkd.gating.measuring import PHANTOM_SEED, PHANTOMS
    from cxrkd.images.gate import load_gate

    ticker, gate = Ticker(), load_gate(args.coefficients)
    films = gating.real_films(args.folder, test=True)
    cases = gating.cases(films, gating.phantoms(PHANTOMS, PHANTOM_SEED))
    judged = gating.judge_all(gate, cases, ticker.tell)
    ticker.clear()
    rows, (auroc, low, high) = gating.rows(judged), gating.ranking(judged)
    document = {"rows": [row.to_dict() for row in rows], "auroc": auroc, "auroc_low": low, "auroc_high": high}
    tail = f"AUROC, real test films against all that ought to be flagged: {auroc:.4f} ({low:.4f} to {high:.4f})"
    return Report(document, [*_lines(rows), "", tail])


def _lines(rows: Sequence[Row]) -> list[str]:
    """Two tables: what ought to pass, what ought to be flagged."""
    head = ["pictures", "units", "flagged", "95 % interval", "right reason"]
    good = table(["ought to pass", *head], [_cells(row) for row in rows if row.right])
    return [*good, "", *table(["ought to be flagged", *head], [_cells(row) for row in rows if not row.right])]


def _cells(row: Row) -> list[str]:
    reason = MISSING if row.right_reason is None else f"{row.right_reason:.1%}"
    interval = f"{row.low:.1%} to {row.high:.1%}"
    return [row.group, str(row.n), str(row.units), f"{row.flagged:.1%}", interval, reason]
