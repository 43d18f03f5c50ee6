import json
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from cxrkd.cli import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.fixture
def cli(capsys):
    """Run a command in this process."""

    def call(*words):
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """A folder of readable films and of files that only look like ones."""
    folder = tmp_path_factory.mktemp("films")
    ramp = np.linspace(0, 1, 80)[:, None] * np.linspace(1, 0.3, 64)[None]
    Image.fromarray((ramp * 255).astype(np.uint8)).save(folder / "grey.png")
    Image.fromarray((ramp * 60_000).astype(np.uint16)).save(folder / "deep.png")
    Image.fromarray((ramp[..., None] * [255, 240, 230]).astype(np.uint8)).save(folder / "colour.jpg")
    (folder / "notes.txt").write_text("no film")
    (folder / "cut.png").write_bytes((folder / "grey.png").read_bytes()[:60])
    return folder
