"""The order of the house: levels, quiet rooms, described doors."""

import ast
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ganlens"

# A file imports only from rows above its own; the number is its level in docs/house.md. A
# package (stats, data, models, features, report, cli) is one room: its files may import each other.
LEVELS: tuple[tuple[int, str], ...] = (
    (0, "errors progress plain"),
    (0, "limits paths places"),
    (0, "files precision initialisation pickles"),
    (0, "arrays devices"),
    (0, "images stats svm patches activations augment interpolation calibration perceptual"),
    (0, "visualization"),
    (1, "panels data models"),
    (1, "figures"),
    (1, "features latents edits"),
    (2, "checkpoints"),
    (2, "training classifier foreign"),
    (3, "subject"),
    (3, "attributes directions"),
    (3, "recipe"),
    (3, "inversion cache packing"),
    (3, "runs"),
    (4, "probes.base probes.result"),
    (4, "probes.table"),
    (4, "probes.identity probes.concepts probes.linear_models"),
    (4, "probes.latent probes.exemplars probes.layer_statistics"),
    (4, "probes.filters probes.feature_maps probes.labelled probes.units probes.tiles"),
    (4, "probes.artifacts"),
    (4, "probes.arithmetic probes.turn probes.memorization probes.fidelity probes.linear"),
    (4, "probes.directions probes.inversion probes.maximize probes.health probes.forgetting"),
    (4, "probes.dissection probes.conditions probes.codes probes.useful"),
    (5, "probes"),
    (6, "replay"),
    (6, "report"),
    (6, "checking"),
    (7, "cli"),
    (7, "__main__"),
)
ROW = {name: row for row, (_, names) in enumerate(LEVELS) for name in names.split()}
FILES = sorted(PACKAGE.rglob("*.py"))
PUBLIC = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def room(module: str) -> str:
    """Return the entry of LEVELS that a module belongs to: "ganlens.data.trees" -> "data"."""
    parts = module.split(".")[1:]
    if not parts:
        return ""
    if parts[0] == "probes" and len(parts) > 1:
        return ".".join(parts[:2])
    return parts[0]


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def exists(module: str) -> bool:
    path = PACKAGE.parent / Path(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imported(source: str) -> set[str]:
    """Return the ganlens modules that code imports, in functions and type-checking blocks too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "ganlens"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ganlens":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if exists(inner) else str(node.module))
    return found


def upward(module: str, source: str) -> list[str]:
    """List the imports of a module that its level does not allow."""
    own = room(module)
    others = {room(name) for name in imported(source)} - {own, ""}
    return sorted(name for name in others if ROW[name] >= ROW[own])


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_a_file_imports_only_from_lower_levels(file: Path) -> None:
    module = module_of(file)
    if module == "ganlens":  # the front door names rooms of every level, and opens none
        return
    assert room(module) in ROW, f"append {room(module)} to a row of LEVELS: what it may import"
    assert upward(module, file.read_text("utf-8")) == []


def test_every_level_names_a_room_that_is_there() -> None:
    assert set(ROW) == {room(module_of(file)) for file in FILES} - {""}


def test_an_upward_import_is_seen() -> None:
    assert upward("ganlens.stats.frechet", "def f():\n from ganlens.data import open_data") == [
        "data"
    ]
    assert upward("ganlens.probes.latent", "from ganlens import report") == ["report"]
    assert upward("ganlens.probes.latent", "from ganlens.probes import PROBES") == ["probes"]
    assert upward("ganlens.subject", "import ganlens.recipe") == ["recipe"]
    for_types = "if TYPE_CHECKING:\n from ganlens.subject import Subject"
    assert upward("ganlens.training.trainer", for_types) == ["subject"]
    assert upward("ganlens.data.trees", "from ganlens.data.select import select") == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_only_the_command_line_prints(file: Path) -> None:
    if file.relative_to(PACKAGE).parts[0] == "cli":
        return
    calls = [n for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Call)]
    names = {ast.unparse(call.func) for call in calls}
    assert not names & {"print", "sys.stdout.write", "sys.stderr.write", "warnings.warn"}


def undocumented(tree: ast.AST, inside: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, PUBLIC) and not node.name.startswith("_"):
            name = f"{inside}{node.name}"
            if ast.get_docstring(node) is None:
                yield name
            if isinstance(node, ast.ClassDef):
                yield from undocumented(node, f"{name}.")


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_every_public_name_has_a_docstring(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    assert ast.get_docstring(tree), "the file says what it is for"
    assert list(undocumented(tree)) == []


def lengths(file: Path) -> list[tuple[int, str]]:
    """Return (lines without the docstring, name) of every function."""
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            text = node.body[0] if ast.get_docstring(node) else None
            described = text.end_lineno - text.lineno + 1 if text and text.end_lineno else 0
            found.append(((node.end_lineno or 0) - node.lineno + 1 - described, node.name))
    return found


def test_functions_are_short() -> None:
    found = sorted((n, f"{file.name}:{name}") for file in FILES for n, name in lengths(file))
    assert found[len(found) // 2][0] < 12
    assert found[len(found) * 9 // 10][0] <= 40
    assert found[-1][0] <= 70, found[-1]


@pytest.mark.parametrize("heavy", ["torch", "numpy", "plotly", "rich", "tyro"])
def test_importing_ganlens_and_its_command_line_is_light(heavy: str) -> None:
    code = f"import sys, ganlens, ganlens.cli; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "heavy", ["torchvision", "torch._dynamo", "lightning_fabric", "scipy.stats"]
)
def test_the_probes_wait_for_nothing_that_only_some_of_them_use(heavy: str) -> None:
    code = f"import sys, ganlens.probes, ganlens.report; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_can_be_had() -> None:
    import ganlens

    for name in ganlens.__all__:
        assert getattr(ganlens, name) is not None
    assert set(ganlens.__all__) <= set(dir(ganlens))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = ganlens.lode


def probes() -> list[str]:
    from ganlens.probes import PROBES

    return list(PROBES)


@pytest.mark.parametrize("name", probes())
def test_the_settings_of_a_probe_survive_json(name: str) -> None:
    from ganlens.probes import PROBES

    probe = PROBES[name]()
    written = json.dumps(probe.settings(), allow_nan=False)
    again = PROBES[name](**{k: _tuples(v) for k, v in json.loads(written).items()})
    assert again == probe
    assert again.settings() == probe.settings()


@pytest.mark.parametrize("name", probes())
def test_a_probe_is_frozen_titled_and_describes_every_setting(name: str) -> None:
    from ganlens.probes import PROBES
    from ganlens.probes.base import ROLES

    kind = PROBES[name]
    assert kind.title
    assert kind().needs().networks <= {*ROLES, "sample"}
    assert not kind().needs().labels or kind().needs().data == "required"
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind().anything = 1
    described = (kind.__doc__ or "").partition("Attributes:")[2]
    assert [f.name for f in dataclasses.fields(kind) if f"{f.name}:" not in described] == []


def _tuples(value: object) -> object:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the sets of modules that reach each other (Tarjan 1972, by plain reachability)."""

    def reached(start: str) -> set[str]:
        seen, left = set[str](), [start]
        while left:
            new = graph.get(left.pop(), set()) - seen
            seen |= new
            left += new
        return seen

    ways = {name: reached(name) for name in graph}
    loops = [{b for b in ways[a] if a in ways.get(b, set())} for a in graph if a in ways[a]]
    return [one for i, one in enumerate(loops) if one not in loops[:i]]


def test_no_files_import_each_other() -> None:
    graph = {module_of(file): imported(file.read_text("utf-8")) for file in FILES}
    graph = {name: others - {name, "ganlens"} for name, others in graph.items()}
    found = [{name.removeprefix("ganlens.") for name in one} for one in circles(graph)]
    assert found == []


def test_a_circle_is_seen() -> None:
    sources = {
        "a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n from ganlens.errors import x",
        "b": "def f():\n from ganlens.data.build import build",
    }
    assert imported(sources["a"]) == {"ganlens.errors"}
    assert imported(sources["b"]) == {"ganlens.data.build"}
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
