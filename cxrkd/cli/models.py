"""`models`: the networks on offer, what each costs, and the pretrained weights there are for it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any

from cxrkd.cli.output import Report, Ticker, table
from cxrkd.errors import ConfigError

FEW = 3


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "models", parents=[common], help="list the networks with parameters, MACs, size and pretrained weights"
    )
    verb.add_argument("archs", nargs="*", metavar="ARCH", help="names; default all")
    verb.add_argument("--role", choices=("teacher", "student"), help="only those usually used as teacher or student")
    verb.add_argument("--size", type=int, default=224, metavar="PIXELS", help="input side (default 224)")
    verb.add_argument("--download", metavar="WEIGHTS", help="fetch these pretrained weights of the named networks")
    verb.set_defaults(call=call)


def call(args: argparse.Namespace) -> Report:
    """Fetch weights if asked to, and count every network."""
    from cxrkd.models.zoo import list_archs

    if args.download:
        fetch(args.archs, args.download)
    archs = args.archs or list_archs(args.role)
    ticker, rows = Ticker(), []
    for number, arch in enumerate(archs, 1):
        ticker.tell(f"counting {arch} ({number} of {len(archs)})")
        rows.append(_count(arch, args.size))
    ticker.clear()
    return Report({"input_size": args.size, "models": rows}, _lines(rows, args.size))


def fetch(archs: Sequence[str], weights: str) -> None:
    """Bring pretrained weights of networks to this machine, with progress on stderr.

    Raises:
        ConfigError: no network is named, it has no such weights, or they cannot be had.
    """
    from cxrkd.models.network import parts_of
    from cxrkd.models.zoo import source

    if not archs:
        raise ConfigError(f"Name the network whose weights {weights} to fetch: models ARCH --download {weights}")
    ticker = Ticker()
    for part in chain.from_iterable(map(parts_of, archs)):
        source(part, weights).fetch(partial(_tell, ticker, part))
    ticker.clear()


def _tell(ticker: Ticker, arch: str, done: int, total: int) -> None:
    ticker.tell(download_progress(arch, done, total))


def download_progress(arch: str, done: int, total: int) -> str:
    """How far a download is, in megabytes.

    >>> download_progress("resnet18", 5_000_000, 46_800_000)
    'resnet18: 5 of 47 MB'
    """
    return f"{arch}: {done / 1e6:.0f}" + (f" of {total / 1e6:.0f} MB" if total else " MB")


def _count(arch: str, size: int) -> dict[str, Any]:
    from cxrkd.cost.count import count
    from cxrkd.labels import CHESTXRAY14
    from cxrkd.models.zoo import build, list_weights, role_of

    weights = {
        name: {
            "about": w.origin,
            "licence": w.licence,
            "input_size": w.size,
            "here": w.is_here(),
            "checksum_known": w.pinned,
        }
        for name, w in list_weights(arch).items()
    }
    facts = {"arch": arch, "role": role_of(arch), "labels": len(CHESTXRAY14), "weights": weights}
    return facts | count(build(arch, CHESTXRAY14, size)).to_dict()


def _lines(rows: list[dict[str, Any]], size: int) -> list[str]:
    head = ["arch", "role", "params", "MACs", "FLOPs", "MB float32", "MB float16", "weights"]
    body = [
        [
            row["arch"],
            row["role"],
            f"{row['params']:,}",
            f"{row['macs']:,}",
            f"{row['flops']:,}",
            f"{row['size_mb']:.1f}",
            f"{row['size_f16_mb']:.1f}",
            " ".join(name if w["here"] else f"({name})" for name, w in row["weights"].items()),
        ]
        for row in rows
    ]
    return [
        *table(head, body),
        f"14 labels, one {size} x {size} image; FLOPs = 2 x MACs.",
        "Weights in brackets are not on this machine; fetch them with: models ARCH --download WEIGHTS",
        *_origins(rows),
    ]


def _origins(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each set of weights, where few networks were asked about."""
    if len(rows) > FEW:
        return []
    return [
        f"{row['arch']} {name}: {w['about']}, {w['input_size']} px, {w['licence']}"
        + ("" if w["checksum_known"] else "; no checksum of the file is known")
        for row in rows
        for name, w in row["weights"].items()
    ]
