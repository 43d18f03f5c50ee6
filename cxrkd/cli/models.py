"""`models`: the networks on offer and what each costs."""

from __future__ import annotations

import argparse
from typing import Any

from cxrkd.cli.output import Report, Ticker, table


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser("models", parents=[common], help="list the networks with parameters, MACs and size")
    verb.add_argument("archs", nargs="*", metavar="ARCH", help="names; default all")
    verb.add_argument("--role", choices=("teacher", "student"), help="only those usually used as teacher or student")
    verb.add_argument("--size", type=int, default=224, metavar="PIXELS", help="input side (default 224)")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Count every network."""
    from cxrkd.models import list_archs

    archs = args.archs or list_archs(args.role)
    ticker, rows = Ticker(), []
    for number, arch in enumerate(archs, 1):
        ticker.tell(f"counting {arch} ({number} of {len(archs)})")
        rows.append(_count(arch, args.size))
    ticker.clear()
    return Report({"input_size": args.size, "models": rows}, _lines(rows, args.size))


def _count(arch: str, size: int) -> dict[str, Any]:
    from cxrkd.efficiency import count
    from cxrkd.labels import CHESTXRAY14
    from cxrkd.models import build, list_archs

    role = "teacher" if arch in list_archs("teacher") else "student"
    return {"arch": arch, "role": role, "labels": len(CHESTXRAY14), **count(build(arch, CHESTXRAY14, size)).to_dict()}


def _lines(rows: list[dict[str, Any]], size: int) -> list[str]:
    head = ["arch", "role", "params", "MACs", "FLOPs", "MB float32", "MB float16"]
    body = [
        [
            row["arch"],
            row["role"],
            f"{row['params']:,}",
            f"{row['macs']:,}",
            f"{row['flops']:,}",
            f"{row['size_mb']:.1f}",
            f"{row['size_f16_mb']:.1f}",
        ]
        for row in rows
    ]
    return [*table(head, body), f"14 labels, one {size} x {size} image; FLOPs = 2 x MACs."]
