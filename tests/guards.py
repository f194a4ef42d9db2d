"""Remove each guard of what can lose something in turn; at least one test must fail each time.

    python tests/guards.py             all of them; exit code 1 if fewer than 95 % are noticed
    python tests/guards.py --every 9   a sample
    python tests/guards.py --jobs 4    so many at a time, each in a copy of the program
    python tests/guards.py --only TEXT those with this in their name, such as "storage.py:5"
    python tests/guards.py --list      what would be removed

A guard is a condition that keeps, refuses or ends something; a wait for the disk; a flag that
opens a file safely; an error that is raised. They are found in the syntax tree: each `if` that
raises, returns, yields, continues or breaks, each part of a condition joined by `and` or `or`,
each `except`, each call for its effect on safety.
"""

import argparse
import ast
import copy
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# And of which functions, where not of all.
MODULES: dict[str, tuple[str, ...]] = {
    "cleanup.py": (),
    "actions/going_along.py": (),
    "actions/deciding.py": (),
    "finder.py": ("check_input", "_check_open", "contains"),
    "storage.py": (),
    "actions/previews.py": (),
    "actions/values.py": ("check_protect", "protected_by", "_file_in", "cache_file"),
    "pictures/losses.py": (),
    "extras/covering.py": (),
    "extras/objects/plan.py": (),
    "extras/objects/removal.py": (),
    "extras/objects/locking.py": (),
    "extras/objects/choices.py": (),
    "extras/actions/cleanup_objects.py": (),
    "pictures/same_picture.py": (),
    "pictures/database.py": ("picture_file", "new_picture_file", "_may_be_replaced", "set_aside"),
    **{f"disk/{path.name}": () for path in sorted(ROOT.glob("disk/*.py"))},
}
# What is asked first about a module, besides the tests that are named for it.
FIRST: dict[str, tuple[str, ...]] = {
    "cleanup.py": ("test_places.py",),
    "finder.py": ("test_config.py", "test_places.py"),
    "storage.py": (
        "test_copies.py",
        "test_taking_over.py",
        "test_copies_as_previews.py",
        "test_previews_made.py",
        "test_last_ones.py",
    ),
    "disk/at_once.py": ("test_at_once.py",),
    "actions/previews.py": ("test_copies_as_previews.py", "test_previews_made.py"),
    "actions/values.py": ("test_config.py",),
    "pictures/database.py": ("test_cache.py",),
    "extras/covering.py": ("test_covered.py",),
    **dict.fromkeys(
        (
            *("extras/objects/plan.py", "extras/objects/removal.py", "extras/objects/locking.py"),
            *("extras/objects/choices.py", "extras/actions/cleanup_objects.py"),
        ),
        ("test_objects_cleanup.py",),
    ),
    "pictures/same_picture.py": ("test_covered.py",),
    "actions/deciding.py": ("test_decisions.py",),
    "disk/copy_names.py": ("test_storage.py",),
    "disk/copying.py": ("test_copies.py", "test_previews_made.py", "test_storage.py"),
    "disk/decisions.py": ("test_decisions.py",),
    "disk/files.py": ("test_storage.py", "test_finder.py"),
    "disk/folder_locks.py": ("test_cleanup.py",),
    "disk/inspection.py": ("test_record.py", "test_copies.py", "test_cleanup.py"),
    "disk/journal.py": ("test_restore.py",),
    "disk/lines.py": ("test_storage.py",),
    "disk/output_lock.py": ("test_storage.py",),
    "disk/other_ways.py": ("test_protection.py", "test_protected_ways.py"),
    "disk/protection.py": ("test_protection.py", "test_protected_ways.py"),
    "disk/record.py": ("test_storage.py",),
    "disk/recovery.py": (
        "test_storage.py",
        "test_record.py",
        "test_taking_over.py",
        "test_last_ones.py",
    ),
    "disk/report.py": ("test_copies.py", "test_sheet.py"),
    "disk/removal.py": ("test_cleanup.py", "test_trash.py"),
    "disk/trashing.py": ("test_cleanup.py", "test_trash.py"),
    "disk/restoring.py": ("test_restore.py",),
    "disk/replaceable.py": ("test_storage.py", "test_record.py"),
    "disk/result.py": ("test_opened_once.py", "test_storage.py"),
    "disk/same_file.py": ("test_disks.py", "test_cleanup.py"),
    "disk/strict.py": ("test_record.py", "test_storage.py"),
    "disk/system.py": (
        *("test_room.py", "test_storage.py", "test_trash.py", "test_restore.py"),
        "test_workers.py",
    ),
    "disk/trash.py": ("test_restore.py",),
}
# In the order in which they are likely to notice; the first that fails ends it.
TESTS = (
    "test_places.py",
    "test_protection.py",
    "test_going_along.py",
    "test_cleanup.py",
    "test_trash.py",
    "test_restore.py",
    "test_litter.py",
    "test_not_ours.py",
    "test_record.py",
    "test_signature.py",
    "test_opened_once.py",
    "test_storage.py",
    "test_copies.py",
    "test_copies_as_previews.py",
    "test_previews_made.py",
    "test_taking_over.py",
    "test_losses.py",
    "test_decisions.py",
    "test_companions.py",
    "test_review.py",
    "test_config.py",
    "test_workflow.py",
    "test_disks.py",
    "test_finder.py",
    "test_workers.py",
)
# These take longest, and what they notice others notice, too.
SLOW = "any_moment or half_removed or ctrl_c or second_run or does_not_pass or any_path or of_any"
SAFETY_CALLS = (
    *(
        "fsync",
        "sync_folder",
        "sync_names",
        "_sync_swap",
        "copy_permissions",
        "flock",
        "lock",
        "fchmod",
        "chmod",
        "utime",
        "record",
    ),
    *("rename", "replace", "_put_back", "_withdraw"),
)
# No guards: words of a message.
WORDS = ("error.strerror", "str(error)", "'photo'")
SAFETY_FLAGS = ("O_NOFOLLOW", "O_NONBLOCK", "O_APPEND", "LOCK_NB")
NO_TESTS = 5  # the exit code of pytest where all tests are left out
ENDS = (ast.Raise, ast.Return, ast.Continue, ast.Break)


@dataclass(frozen=True)
class Guard:
    """A guard and its module without it."""

    module: str
    line: int
    what: str
    without: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.what}"


def guards(module: str) -> Iterator[Guard]:
    source = (ROOT / module).read_text("utf-8")
    functions = MODULES[module]
    count = sum(1 for _ in _removals(ast.parse(source), functions))
    for number in range(count):
        tree = ast.parse(source)
        node, what, remove = list(_removals(tree, functions))[number]
        remove()
        yield Guard(module, node.lineno, what, ast.unparse(ast.fix_missing_locations(tree)))


def _removals(
    tree: ast.Module, functions: Sequence[str]
) -> Iterator[tuple[ast.expr | ast.stmt, str, Callable[[], None]]]:
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    parts = [node for node in defined if node.name in functions] or [tree]
    for node in (node for part in parts for node in ast.walk(part)):
        if isinstance(node, ast.If) and any(isinstance(stmt, ENDS) for stmt in node.body):
            yield node, f"if {ast.unparse(node.test)}", _set(node, "test", ast.Constant(False))
        if isinstance(node, ast.BoolOp):
            for number, part in enumerate(node.values):
                without = copy.copy(node.values)
                del without[number]
                what = f"{ast.unparse(part)} in {ast.unparse(node)}"
                if ast.unparse(part) in WORDS or ast.unparse(without[0]) in WORDS:
                    continue
                yield part, what, _set(node, "values", [*without, without[0]])
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and _name(node.value) in SAFETY_CALLS
        ):
            yield node, ast.unparse(node), _set(node, "value", ast.Constant(None))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            right = ast.unparse(node.right)
            if right.rpartition(".")[2] in SAFETY_FLAGS:
                yield node.right, right, _set(node, "right", ast.Constant(0))


def _set(node: ast.AST, field: str, value: object) -> Callable[[], None]:
    return lambda: setattr(node, field, value)


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def is_noticed(guard: Guard, folder: Path) -> bool:
    """Whether a test fails where the guard is missing, of those named for its module or others."""
    place = folder / guard.module
    whole = place.read_text("utf-8")
    place.write_text(guard.without, "utf-8")
    named = [f"test_{Path(guard.module).stem}.py", *FIRST.get(guard.module, ())]
    first = [name for name in named if (folder / "tests" / name).exists()]
    others = [n for n in TESTS if n not in first and (folder / "tests" / n).exists()]
    try:
        return any(fails(names, folder) for names in (first, others) if names)
    finally:
        place.write_text(whole, "utf-8")


def fails(names: Sequence[str], folder: Path) -> bool:
    """Whether one of some files of tests fails in a copy of the program, or doesn't end."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    quick = {"PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_MAX_EXAMPLES": "20"}
    try:
        ran = subprocess.run(
            [*command, "-k", f"not ({SLOW})", *(f"tests/{name}" for name in names)],
            cwd=folder,
            capture_output=True,
            env={**os.environ, **quick},
            timeout=900,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return ran.returncode not in (0, NO_TESTS)


def judged(chosen: Sequence[Guard], jobs: int) -> Iterator[tuple[Guard, bool]]:
    """Each guard and whether it is noticed, as that is found out in some copies of the program."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as threads:
        free: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(jobs):
            copied = Path(folder) / f"copy{number}"
            shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns(".*venv*", ".git"))
            free.put(copied)

        def judge(guard: Guard) -> tuple[Guard, bool]:
            place = free.get()
            try:
                return guard, is_noticed(guard, place)
            finally:
                free.put(place)

        for done in as_completed([threads.submit(judge, guard) for guard in chosen]):
            yield done.result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--every", type=int, default=1, help="try each n-th guard (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (default: 1)")
    parser.add_argument("--only", default="", help="those with this in their name")
    parser.add_argument("--list", action="store_true", help="name the guards and end")
    arguments = parser.parse_args()
    chosen = [guard for module in MODULES for guard in guards(module)]
    chosen = [guard for guard in chosen if arguments.only in str(guard)][:: arguments.every]
    if arguments.list:
        print("\n".join(map(str, chosen)))
        return 0
    noticed = 0
    for number, (guard, seen) in enumerate(judged(chosen, arguments.jobs), 1):
        noticed += seen
        print(f"{number}/{len(chosen)} {'noticed' if seen else 'SURVIVED'} {guard}", flush=True)
    print(f"{noticed} of {len(chosen)} noticed: {noticed / len(chosen):.1%}")
    return noticed < 0.95 * len(chosen)


if __name__ == "__main__":
    sys.exit(main())
