"""The layout of the code: what may import what, and how large files and functions may grow.

Everything is read from the syntax trees, so nothing has to be imported.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What stands on one floor may import what stands on lower ones, and its own floor where it is not
# one of APART: those four find different things and know nothing of each other.
FLOORS = (
    ("data", "environment", "errors", "file_types", "settings", "version", "geometry"),
    ("assets", "rendering"),
    ("head",),
    ("photo", "perception", "parsing"),
    ("regressor", "fitting", "detail", "appearance", "hair"),
    ("results",),
    ("performance",),
    ("shape_sliders",),
    ("speech",),
    ("pins",),
    ("wrap",),
    ("pipeline",),
    ("video",),
    ("batch",),
    ("commands",),
    ("api", "cli", "worker"),
    # Not in the extension: how everything was learned, and how it is measured.
    ("training",),
    ("evaluation",),
)
APART = FLOORS[4]
# Only these may stand at the top of ml/ beside packages.
MODULES = {"__init__", "data", "environment", "errors", "file_types", "settings", "version"}
MODULES |= {"api", "batch", "cli", "worker"}
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
BLENDER = {"bpy", "bmesh", "mathutils", "bpy_extras", "gpu"}


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def sources(*folders: str) -> dict[str, ast.Module]:
    """The syntax tree of every module, by its dotted name; packages by their own."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


TREES = sources("ml")
PACKAGES = {
    ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "ml").rglob("__init__.py")
}


def imports_in(name: str, nodes: Iterator[ast.AST]) -> Iterator[str]:
    """The modules of ``ml`` that the module ``name`` imports in these nodes."""
    package = name if name in PACKAGES else name.rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in TREES)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            target = ".".join(part for part in (above, node.module) if part)
            for alias in node.names:
                whole = f"{target}.{alias.name}"
                if whole in TREES or target in TREES:
                    yield whole if whole in TREES else target


def when_loaded(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """The statements that run when a module is imported: neither in functions nor for types."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from when_loaded(node.orelse)
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from when_loaded(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from when_loaded(handler.body)


def room_of(module: str) -> str:
    """The room of ``ml`` that a module belongs to; empty for ``ml`` itself."""
    return module.split(".")[1] if "." in module else ""


def climbs(name: str, tree: ast.Module) -> Iterator[str]:
    """Imports, wherever in the file, of what ``name`` may not know."""
    room = room_of(name)
    for target in set(imports_in(name, ast.walk(tree))):
        other = room_of(target)
        if not room or not other or other == room:
            continue
        sideways = room in APART and other in APART
        if floor_of(other) > floor_of(room) or sideways:
            yield f"{name} imports {target}"


def circles(graph: dict[str, set[str]]) -> list[str]:
    """A description of every way back to a module along the arrows of ``graph``."""
    found, done = [], set[str]()

    def follow(name: str, way: list[str]) -> None:
        if name in way:
            found.append(" -> ".join([*way[way.index(name) :], name]))
        elif name not in done:
            for other in sorted(graph[name]):
                follow(other, [*way, name])
            done.add(name)

    for name in graph:
        follow(name, [])
    return found


def functions_longer_than(limit: int, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines >= limit:
                yield f"{node.name} has {lines} lines"


def test_nothing_imports_upward_nor_do_the_four_finders_know_each_other():
    assert [climb for name, tree in TREES.items() for climb in climbs(name, tree)] == []


def test_training_does_not_know_the_evaluation():
    """Said once more by itself: a benchmark must never steer what it judges."""
    known = {
        f"{name}: {target}"
        for name, tree in TREES.items()
        if room_of(name) == "training"
        for target in imports_in(name, ast.walk(tree))
        if room_of(target) == "evaluation"
    }
    assert known == set()


def test_blender_only_needs_what_a_result_needs():
    """The rest of the core is the engine's: Blender has neither its packages nor its time."""
    known = {
        "data",
        "errors",
        "file_types",
        "settings",
        "version",
        "geometry",
        "results",
        "head.arkit",
    }
    known |= {"performance", "pins", "shape_sliders", "speech", "wrap"}
    known |= {"hair.strands", "hair.surface", "hair.cards", "hair.atlas"}
    named = {
        node.module.partition("ml.")[2]
        for tree in sources("operators", "panels").values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ml.")
    }
    assert {name for name in named if not {name, name.partition(".")[0]} & known} == set()
    assert "results.reconstruction" in named


def test_no_circle_of_imports():
    graph = {
        name: set(imports_in(name, when_loaded(tree.body))) - {name} for name, tree in TREES.items()
    }
    assert circles(graph) == []


def test_the_core_never_imports_blender():
    named = {
        f"{name}: {word}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        for word in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        if word.split(".")[0] in BLENDER
    }
    assert named == set()


def test_the_top_of_the_core_holds_modules_that_have_no_room():
    files = {path.stem for path in (ROOT / "ml").glob("*.py")}
    assert files == MODULES
    rooms = {path.parent.name for path in (ROOT / "ml").glob("*/__init__.py")}
    assert rooms | MODULES - {"__init__"} == {room for floor in FLOORS for room in floor}


@pytest.mark.parametrize("folder", ["ml", "operators", "panels"])
def test_files_and_functions_stay_small(folder):
    large = [
        f"{path.relative_to(ROOT)} has {len(lines)} lines"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if len(lines := path.read_text(encoding="utf-8").splitlines()) >= LONGEST_FILE
    ]
    large += [
        f"{name}: {text}"
        for name, tree in sources(folder).items()
        for text in functions_longer_than(LONGEST_FUNCTION, tree)
    ]
    assert large == []


def test_the_checks_themselves_see_what_is_wrong():
    lazy = ast.parse("def f():\n    from ..pipeline import single\n")
    assert list(climbs("ml.head.model", lazy)) == ["ml.head.model imports ml.pipeline.single"]
    sideways = ast.parse("from ..fitting.camera import FACING\n")
    assert list(climbs("ml.detail.maps", sideways)) == ["ml.detail.maps imports ml.fitting.camera"]
    assert list(climbs("ml.cli", ast.parse("from .data import Photo\n"))) == []
    typed = ast.parse("if TYPE_CHECKING:\n    from .b import x\nelse:\n    from .c import y\n")
    assert [ast.unparse(node) for node in when_loaded(typed.body)] == ["from .c import y"]
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b -> c -> b"]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    long = ast.parse("def f():\n" + "    pass\n" * 39)
    assert list(functions_longer_than(40, long)) == ["f has 40 lines"]
    assert list(functions_longer_than(41, long)) == []


def test_what_is_no_part_of_the_engines_core_is_loaded_only_where_it_is_used():
    """CLIP, face-alignment, Parquet and clusters are installed by choice."""
    chosen = {"face_alignment", "open_clip", "torchvision", "timm", "pytorch3d", "skimage"}
    chosen |= {"pyarrow", "dask", "distributed", "c2pa", "pillow_heif", "av", "tqdm", "h5py", "igl"}
    loaded = {
        f"{name}: {word}"
        for name, tree in TREES.items()
        if name.split(".")[1:2] not in (["training"], ["evaluation"])
        for node in when_loaded(tree.body)
        for word in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        if word.partition(".")[0] in chosen
    }
    assert loaded == set()
