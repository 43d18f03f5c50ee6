"""The rules of the house that a reviewer would otherwise have to remember."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = [
    {
        *("__init__", "access", "atomic", "checksums", "config", "download", "errors", "labels", "logits", "names"),
        *("places", "plain", "private", "progress", "refusals", "registry", "text"),
    },
    {"data", "images"},
    {"models"},
    {"runtime"},
    {"distill", "evaluate", "cost", "explain"},
    {"train", "gating"},
    {"jobs"},
    {"answers"},
    {"runs"},
    {"studies"},
    {"export", "paper", "report"},
    {"bench", "cli", "dashboard", "service"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
UNSEARCHABLE = {"about", "found", "said", "there", "told"}
"""Words that stand everywhere in prose: a name is for finding what it means."""

SOURCES = sorted((ROOT / "cxrkd").rglob("*.py"))
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]


def label(path):
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path):
    return ast.parse(path.read_text())


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in SOURCES}


def imports(path, *, typing=True, inside=True):
    """Names of modules that a file imports; `from package import module` is the module.

    Args:
        path: of the file.
        typing: also what is imported under `if TYPE_CHECKING`.
        inside: also what functions import when they are called.
    """
    waiting = list(tree_of(path).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{label(path)} imports by a relative name"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not typing:
            waiting += node.orelse
        elif inside or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def room_of(module):
    """The folder or file of `cxrkd/` that a module belongs to; None outside."""
    house, *rest = module.split(".")
    return (rest[0] if rest else "__init__") if house == "cxrkd" else None


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_a_file_imports_only_from_floors_at_or_below_its_own(path):
    own = room_of(module_of(path))
    assert own in LEVEL, f"{own} has no floor: add it to FLOORS and to CONTRIBUTING.md"
    for module in imports(path):
        if room := room_of(module):
            assert LEVEL[room] <= LEVEL[own], f"{label(path)} ({own}) imports {module}"


def circle(graph):
    """The modules of one circle in a graph of imports, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def graph_of(**kinds):
    return {
        module: {target for target in imports(path, **kinds) if target in MODULES and target != module}
        for module, path in MODULES.items()
    }


def test_no_modules_import_one_another():
    assert circle(graph_of(typing=False, inside=False)) == []


def test_no_rooms_import_one_another():
    """Rooms of one floor may look at each other one way only."""
    rooms = {}
    for module, targets in graph_of().items():
        rooms.setdefault(room_of(module), set()).update(room_of(target) for target in targets)
    assert circle({room: targets - {room} for room, targets in rooms.items()}) == []


def test_no_circle_hides_in_a_function_or_a_type():
    graph = graph_of()
    assert circle(graph) == []


@pytest.mark.parametrize("path", PAGES, ids=label)
def test_a_page_stands_on_the_dashboard_and_beside_no_other_page(path):
    assert not {"bench", "cli", "__main__"} & {room_of(module) for module in imports(path)}
    own = {page.stem for page in PAGES}
    assert not {module for module in imports(path) if module.split(".")[0] in {"pages", *own}}


def test_nothing_imports_a_page():
    for path in SOURCES:
        assert not {"app", "pages"} & {module.split(".")[0] for module in imports(path)}, label(path)


def test_only_pages_and_the_dashboard_import_streamlit():
    for path in SOURCES:
        if room_of(module_of(path)) != "dashboard":
            assert "streamlit" not in {module.split(".")[0] for module in imports(path)}, label(path)


def test_nothing_below_the_dashboard_loads_streamlit():
    """Nor does a library that it uses."""
    modules = [m for m in MODULES if room_of(m) != "dashboard" and not m.endswith("__main__")]
    code = "import importlib, sys\n" + "".join(f"importlib.import_module({m!r})\n" for m in modules)
    code += "sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_no_pickle_is_ever_read():
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert called not in ("pickle.load", "pickle.loads"), path
                assert called != "torch.load" or keywords.get("weights_only") == "True", path
                assert keywords.get("allow_pickle") != "True", path


def identifiers(path):
    """Every name that a file gives or uses, with its line."""
    for node in ast.walk(tree_of(path)):
        for field in ("id", "arg", "attr", "name"):
            if isinstance(name := getattr(node, field, None), str):
                yield name, getattr(node, "lineno", 0)


@pytest.mark.parametrize("path", [*SOURCES, *PAGES], ids=label)
def test_names_can_be_searched(path):
    assert not {f"{label(path)}:{line}: {name}" for name, line in identifiers(path) if name in UNSEARCHABLE}
