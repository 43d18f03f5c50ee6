"""What the app in the browser is told: the constants of the house, what a run knows of its network, a list of files.

The app holds no figure of its own. What Python decides by (the gate's rules and sentences, colours, sizes) goes along
as `house.json`, what was measured of the network as `run.json`, so that both say the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrkd.atomic import replacing
from cxrkd.config import MEMBER_NAMES, Member
from cxrkd.explain.overlay import colour_table
from cxrkd.images import gate, limits, looks, radiograph, tones
from cxrkd.labels import display_name
from cxrkd.places import ASSETS
from cxrkd.plain import plain
from cxrkd.runs.choosing import warning_for
from cxrkd.runs.reference import read_reference
from cxrkd.runs.standing import standing, thresholds_of

if TYPE_CHECKING:
    from cxrkd.runs.run import Run

APP = ASSETS / "web"
ICON = ASSETS / "icon.svg"
HOUSE, RUN, FILES = "house.json", "run.json", "files.js"
COLORMAP, OPACITY = "inferno", 0.6


def write_house(labels: Sequence[str], size: int, folder: Path) -> None:
    """Labels and size of the network, and every rule that the app follows."""
    _write(folder / HOUSE, json.dumps(house(labels, size)))


def house(labels: Sequence[str], size: int) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "labels": list(labels),
        "titles": [display_name(label) for label in labels],
        "size": size,
        "colours": colour_table(COLORMAP).ravel().tolist(),
        "opacity": OPACITY,
        "gate": {
            "kinds": gate.KINDS,
            "reasons": gate.REASONS,
            "threshold": gate.THRESHOLD,
            "blank_span": gate.BLANK_SPAN,
            "coloured_share": gate.COLOURED_SHARE,
            "side": looks.SIDE,
            "first_side": looks.FIRST_SIDE,
        },
        "tones": {"depths": tones.DEPTHS, "low": tones.LOW_PERCENTILE, "high": tones.HIGH_PERCENTILE},
        "limits": {"bytes": limits.MAX_BYTES, "pixels": limits.MAX_PIXELS, "side": limits.MIN_SIDE},
        "least_contrast": limits.MIN_CONTRAST,
        "notable_crop": radiograph.NOTABLE_CROP,
    }


def write_run(run: Run, member: Member, folder: Path) -> None:
    """What a run knows of one of its networks: thresholds, how good it is, what strong evidence is; lists the files.

    Raises:
        RunError: its figures or reference maps are damaged.
    """
    known: dict[str, Any] = {
        "id": run.id,
        "name": run.name,
        "member": member,
        "title": MEMBER_NAMES[member],
        "arch": run.archs()[member],
        "thresholds": plain(thresholds_of(run, [member])[member]),
        "warning": warning_for(run, real=True),
        "standing": list(standing(run, member).to_dict().values()),
    }
    reference = read_reference(run, "gradcam").get(member)
    if reference is not None:
        known["strong"] = plain(reference.strong)
    _write(folder / RUN, json.dumps(known))
    list_files(folder)


def list_files(folder: Path) -> None:
    """Name every file with its SHA-256, for the app that keeps them: one that differs makes it fetch them again.

    The list is a script, because a browser looks for a new version of an app by comparing its worker's scripts.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILES)
    sums = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    version = hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:16]
    listed = {"version": version, "files": sums}
    _write(folder / FILES, f"self.CXRKD = {json.dumps(listed, indent=1)};\n")


def _write(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
