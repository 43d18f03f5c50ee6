"""The rules of the house that a reviewer would otherwise have to remember."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = [
    {
        *(
            "access",
            "atomic",
            "checksums",
            "config",
            "download",
            "errors",
            "labels",
            "logits",
            "names",
            "places",
            "private",
        ),
        *("plain", "progress", "refusals", "registry", "text"),
    },
    {"data", "images"},
    {"models"},
    {"runtime"},
    {"distill", "evaluate", "cost", "explain"},
    {"train", "gating"},
    {"jobs"},
    {"answers"},
    {"runs"},
    {"paper"},
    {"bench", "cli", "dashboard"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
SOURCES = sorted(p for p in (ROOT / "cxrkd").rglob("*.py") if p.name not in ("__init__.py", "__main__.py"))


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def room_of(module_parts):
    return module_parts[1] if len(module_parts) > 1 else None


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_from_floors_at_or_below_its_own(path):
    own = path.relative_to(ROOT).with_suffix("").parts[1]
    assert own in LEVEL, f"{own} has no floor: add it to FLOORS and to CONTRIBUTING.md"
    for module in imported_modules(path):
        room = room_of(module.split("."))
        if module.split(".")[0] == "cxrkd" and room:
            assert LEVEL[room] <= LEVEL[own], f"{path.name} ({own}) imports {module}"


def test_nothing_below_the_dashboard_loads_streamlit():
    modules = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts)
        for p in SOURCES
        if "dashboard" not in p.relative_to(ROOT).parts
    ]
    code = "import importlib, sys\n" + "".join(f"importlib.import_module({m!r})\n" for m in modules)
    code += "sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_no_pickle_is_ever_read():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert called not in ("pickle.load", "pickle.loads"), path
                assert called != "torch.load" or keywords.get("weights_only") == "True", path
                assert keywords.get("allow_pickle") != "True", path
