"""The map of the modules: who may import whom, and what a quick action must not load."""

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CORE, ROOT, Library, copy_core

from pictures.choices import BY_THRESHOLD, METHODS


def module_at(path: Path) -> str:
    """The name by which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


# By module, or for all modules of a folder by its name; a folder's own may import each other.
MAY_IMPORT = {
    "disk": {"config"},
    "pictures": {"config", "disk", "grouping"},
    "disk.system": set[str](),
    "config": set[str](),
    "grouping": set[str](),
    "finder": {"config", "disk", "pictures"},
    "storage": {"config", "disk", "pictures"},
    "cleanup": {"config", "disk", "pictures"},
    "actions": {
        "config",
        "grouping",
        "finder",
        "storage",
        "cleanup",
        "disk",
        "pictures",
        "extras",
    },
    "main": {"actions", "config", "disk.system"},
}
MODULES = sorted(map(module_at, CORE))
EXTRAS = sorted((ROOT / "extras").rglob("*.py"))
SLOW = {"PIL", "imagehash", "numpy", "pywt", "scipy", "sqlite3"}
MOST_LINES = 50


def syntax(module: str) -> ast.Module:
    place = ROOT.joinpath(*module.split("."))
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return ast.parse(path.read_text("utf-8"))


def room(module: str) -> str:
    """The row of the table that a module belongs to."""
    return module if module in MAY_IMPORT else module.partition(".")[0]


def imported(tree: ast.AST) -> Iterator[str]:
    """The rows, or first names, of all modules that are imported anywhere in some code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (room(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (room(name if name in MAY_IMPORT else node.module) for name in names)


def test_every_module_has_its_place() -> None:
    assert set(MAY_IMPORT) == set(map(room, MODULES))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_those_below_it(module: str) -> None:
    ours = set(imported(syntax(module))) & {*MAY_IMPORT, "extras"}
    may = MAY_IMPORT[room(module)] | ({room(module)} if "." in module else set())
    assert {name for name in ours if not {name, name.partition(".")[0]} & may} == set()


# ---- Another system


# Of `os`, `signal` and `sys`, beside the modules that only some systems have.
OF_SYSTEMS = {
    *("O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "set_blocking", "commonpath"),
    *("pread", "pwrite", "statvfs", "fstatvfs", "fchmod", "geteuid", "getuid", "fork", "wait4"),
    *("pthread_sigmask", "setitimer", "SIGALRM", "SIGKILL", "SIGXCPU"),
}
MODULES_OF_SYSTEMS = {"fcntl", "resource", "termios", "tty", "pwd", "grp"}


def differences(tree: ast.AST) -> Iterator[str]:
    """What some code uses in which systems differ."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if node.attr in OF_SYSTEMS or name in ("os.open", "sys.platform", "os.name"):
                yield name
        elif isinstance(node, ast.Constant) and str(node.value).startswith("/proc"):
            yield str(node.value)
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "os.path", "signal"):
            yield ast.unparse(node)
    yield from MODULES_OF_SYSTEMS & set(imported(tree))


@pytest.mark.parametrize("path", [*CORE, *EXTRAS], ids=module_at)
def test_what_systems_differ_in_lies_in_one_module(path: Path) -> None:
    found = set(differences(ast.parse(path.read_text("utf-8"))))
    assert bool(found) == (module_at(path) == "disk.system"), found


# ---- Settings


# Besides the `run` of each action, and the methods.
TAKE_SETTINGS = {"actions.result": {"paths_of"}, "pictures.methods": {"chosen"}}
OF_METHODS = {row.partition(":")[0] for row in (*METHODS.values(), BY_THRESHOLD)}


def takers_of_settings(tree: ast.AST) -> Iterator[str]:
    """The functions that take whole settings, and the fields that keep them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            given = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            if any(a.annotation and "Settings" in ast.unparse(a.annotation) for a in given):
                yield node.name
        elif isinstance(node, ast.AnnAssign) and "Settings" in ast.unparse(node.annotation):
            yield ast.unparse(node.target)


@pytest.mark.parametrize("path", [*CORE, *EXTRAS], ids=module_at)
def test_whole_settings_stop_at_the_door_of_an_action(path: Path) -> None:
    module = module_at(path)
    may = {"run"} if "actions" in module.split(".") else set[str]()
    may |= TAKE_SETTINGS.get(module, set()) | ({"__init__"} if module in OF_METHODS else set())
    assert set(takers_of_settings(ast.parse(path.read_text("utf-8")))) <= may


# ---- The extras


def test_extras_import_the_core_and_not_the_command_line() -> None:
    assert len(EXTRAS) > 1
    for path in EXTRAS:
        ours = set(imported(ast.parse(path.read_text("utf-8")))) & {*MAY_IMPORT, "extras"}
        assert ours <= {*MAY_IMPORT, "extras"} - {"main"}, path


def test_extras_are_loaded_only_by_their_names() -> None:
    for module in MODULES:
        tree = syntax(module)
        within = [
            n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        on_demand = {name for function in within for name in imported(function)}
        for function in within:
            function.body = [ast.Pass()]
        assert "extras" not in set(imported(tree)), module
        assert "extras" not in on_demand, module


@pytest.mark.parametrize("path", [*CORE, *EXTRAS], ids=module_at)
def test_packages_of_clusters_are_imported_by_the_cluster_alone(path: Path) -> None:
    of_clusters = {"dask", "distributed", "fsspec", "pyarrow", "s3fs"}
    found = set(imported(ast.parse(path.read_text("utf-8")))) & of_clusters
    assert not found or path.parent.name in ("cluster", "objects")


def test_the_core_works_without_extras(library: Library, tmp_path: Path) -> None:
    core = tmp_path / "core"
    copy_core(core)
    for action, code in (("find", 0), ("check-deleted", 0), ("cleanup", 0), ("explain", 2)):
        photos = list(map(str, library.photos.iterdir()))[:2] if action == "explain" else []
        command = [sys.executable, "main.py", *library.arguments(action), *photos]
        ran = subprocess.run(command, cwd=core, capture_output=True, text=True, timeout=240)
        assert ran.returncode == code, ran.stderr
    assert ran.stderr.splitlines() == [
        "error: --action explain needs the folder extras/ beside main.py; restore it."
    ]


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every function with its number of lines, without its docstring."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                docstring = node.body[0]
                assert docstring.end_lineno
                lines -= docstring.end_lineno - docstring.lineno + 1
            yield f"{path.stem}.{node.name}", lines


def test_functions_are_short() -> None:
    found = [function for path in (*CORE, *EXTRAS) for function in functions_of(path)]
    assert len(found) > 50
    assert [function for function in found if function[1] > MOST_LINES] == []


# ---- A quick start


def imports(arguments: list[str]) -> Counter[str]:
    """How many processes of a successful run of the program load each module."""
    command = [sys.executable, "-X", "importtime", str(ROOT / "main.py"), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.startswith("import time:")]
    return Counter(line.rpartition("|")[2].strip() for line in lines)


def loaded(arguments: list[str]) -> set[str]:
    """The first names of all modules that a successful run of the program loads."""
    return {name.partition(".")[0] for name in imports(arguments)}


def test_help_and_version_load_nothing_slow() -> None:
    for flag in ("--help", "--version"):
        modules = loaded([flag])
        assert "argparse" in modules
        assert not modules & SLOW


def test_check_deleted_and_cleanup_load_nothing_slow(found: Library) -> None:
    found.delete_copies("vacation1_old.jpg")
    for action in ("check-deleted", "cleanup"):
        modules = loaded(found.arguments(action, "--yes"))
        assert "cleanup" in modules
        assert not modules & SLOW
    assert not (found.photos / "vacation1_old.jpg").exists()


def test_check_deleted_loads_nothing_that_only_others_need(found: Library) -> None:
    modules = imports(found.arguments("check-deleted")).keys()
    assert "disk.removal" in modules
    others = {"datetime", "difflib", "disk.trash", "finder", "fractions", "tempfile", "urllib"}
    assert modules & {*others, "disk.replaceable", "storage"} == set()


def test_an_action_looks_for_garbage_although_the_start_does_not(found: Library) -> None:
    program = (
        "import gc, runpy\n"
        "try:\n"
        "    runpy.run_path('main.py', run_name='__main__')\n"
        "except SystemExit as ended:\n"
        "    print(ended.code, gc.isenabled(), gc.get_freeze_count() > 1000)\n"
    )
    command = [sys.executable, "-c", program, *found.arguments("check-deleted")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert ran.stdout.splitlines()[-1] == "0 True True", ran.stderr


def test_find_loads_what_the_others_need_not(found: Library) -> None:
    """Otherwise the tests above would look for the wrong names."""
    assert {"numpy"} <= loaded(found.arguments("find", "--dry-run"))


def test_a_find_loads_no_scipy_and_its_workers_no_command_line(found: Library) -> None:
    counts = imports(found.arguments("find", "--dry-run", "--no-cache"))
    assert counts["storage"] == counts["pictures.matching"] == 1
    assert not counts["scipy"]


def test_a_find_starts_no_threads_of_blas() -> None:
    """They would only wait for each other, and busily: a run cost three times as much."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        pytest.skip("no /proc here that lists threads")
    program = (
        "import os, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import actions.find\n"
        "from pictures import matching\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", program, str(ROOT)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert ran.stdout == "1\n", ran.stderr


def test_a_threshold_is_grouped_without_scipy(found: Library) -> None:
    counts = imports(found.arguments("find", "--dry-run", "--no-cache", "--threshold", "31"))
    assert counts["grouping"] == 1
    assert not counts["pictures.matching"]
    assert not counts["scipy"]
