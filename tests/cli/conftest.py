import json
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from cxrkd.cli import main
from cxrkd.data.phantom import render


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
    """A folder of readable films, one of them inverted, and of files that only look like ones."""
    folder = tmp_path_factory.mktemp("films")
    film = render(31, 0, 0, 128).pixels[:, 8:-8] / 255
    Image.fromarray((film * 255).astype(np.uint8)).save(folder / "grey.png")
    Image.fromarray((film * 60_000).astype(np.uint16)).save(folder / "deep.png")
    Image.fromarray((film[..., None] * [255, 240, 230]).astype(np.uint8)).save(folder / "colour.jpg")
    Image.fromarray(((1 - film) * 255).astype(np.uint8)).save(folder / "inverted.png")
    (folder / "notes.txt").write_text("no film")
    (folder / "cut.png").write_bytes((folder / "grey.png").read_bytes()[:60])
    return folder
