"""Kill each action, or let it fail, at each system call that changes the disk; then go on as an
impatient person would, and compare the library with what they asked for.

    python tests/kill_points.py              every point, with every way to go on
    python tests/kill_points.py --every 7    a sample

Needs strace. Photos are stand-ins, so that a run takes little; with TMPDIR=/dev/shm it doesn't wait
for the disk either.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import stand_in  # noqa: E402
from loaded import Ended, Loaded  # noqa: E402
from stand_in import ONE_BY_ONE  # noqa: E402

from actions.table import BASE  # noqa: E402
from disk import removal  # noqa: E402
from disk.lines import to_line  # noqa: E402

# Those that another kernel doesn't have are passed over ("?").
CALLS = ",".join(
    "?" + name
    for name in (
        "openat open creat rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat link "
        "linkat symlink symlinkat write pwrite64 writev sendfile copy_file_range fsync fdatasync "
        "ftruncate truncate chmod fchmod fchmodat fchmodat2 utimensat"
    ).split()
)
OPENS_TO_WRITE = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")
# Where these fail it is done in another way: by reading and writing, by renaming.
NEVER_FAILS = ("sendfile", "copy_file_range", "link", "linkat")
FAULTS = ("signal=KILL", "error=ENOSPC", "error=EIO", "error=EACCES")
PREVIEW = ("--copies", "preview")
GROUP_A = ("a1.jpg", "a2.jpg", "a\n3.jpg")
GROUP_B = (os.fsdecode(b"b\xe9/b1.jpg"), os.fsdecode(b"b\xe9/b2.jpg"))
# Companions of what is culled that have a twin, their twins, and one without.
ALONG = ("a2.xmp", os.fsdecode(b"b\xe9/b1.jpg.xmp"), os.fsdecode(b"b\xe9/NKSC_PARAM/b1.jpg.nksc"))
STAYING = ("a1.xmp", *(name.replace("b1", "b2") for name in ALONG[1:]), "a2.aae")


class Loss(AssertionError):
    """The library is not as its owner wants it."""


def demand(truth: object, *what: object) -> None:
    if not truth:
        raise Loss(*what)


@dataclass
class Home:
    """A library at a path that never changes, and what its owner asked to delete of it."""

    folder: Path
    trash: bool = False
    program: Loaded | None = None  # for runs in processes of their own
    photos: Path = field(init=False)
    output: Path = field(init=False)
    state: Path = field(init=False)  # where the key lies that signs results
    made: dict[str, bytes] = field(default_factory=dict)  # what lay here before all else
    killed: bool = False  # by the fault, or it could say what it failed to do

    def __post_init__(self) -> None:
        self.photos, self.output = self.folder / "photos", self.folder / "output"
        self.state = self.folder / "data" / "state"

    def make(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for shows, names in (
            (b"A", GROUP_A),
            (b"BBBBBBBBBBBBBBBB", GROUP_B),
            (b"\xff" * 32, ("c.jpg",)),
        ):
            for name in names:
                self.add(name, shows)

    def add(self, name: str, shows: bytes) -> None:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stand_in.photo(shows, os.fsencode(name) * 3))
        self.made[name] = path.read_bytes()

    def arguments(self, action: str, *flags: str) -> list[str]:
        mode = "trash" if self.trash else "permanent"
        folders = ["--input-dir", str(self.photos), "--output-dir", str(self.output)]
        # One worker, so that what is done to the disk comes in one order.
        how = ["--threshold", "10", "--delete-mode", mode] if action in BASE else []
        if action not in ONE_BY_ONE:
            how += ["--workers", "1"]
        return ["--action", action, *folders, *how, *flags]

    def run(self, action: str, *flags: str) -> Ended:
        """Run an action undisturbed."""
        said = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), self._signing():
            code = stand_in.main(self.arguments(action, *flags))
        return Ended(code, said.buffer.getvalue().decode(errors="replace"))  # type: ignore[attr-defined]

    @contextlib.contextmanager
    def _signing(self) -> Iterator[None]:
        """With the key, the decisions and the trash of this home, not with those of the tests."""
        own = {"XDG_STATE_HOME": str(self.state), "XDG_DATA_HOME": str(self.folder / "data")}
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def process(self, tracer: list[str], action: str, *flags: str) -> Ended:
        """Run an action in a process of its own, seen by a tracer."""
        assert self.program
        return self.program.run(tracer, self.arguments(action, *flags))

    def environment(self) -> dict[str, str]:
        """What the process of an action knows of its user."""
        return {
            "HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_STATE_HOME": str(self.state),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def must(self, action: str, *flags: str, code: int = 0) -> None:
        ended = self.run(action, *flags)
        demand(ended.code == code, action, flags, ended)

    def info(self) -> dict[str, str]:
        info: dict[str, str] = json.loads((self.output / "info.txt").read_text("utf-8"))
        return info

    def copy(self, name: str) -> Path:
        return Path(self.info()[str(self.photos / name)])

    def cull(self, *names: str) -> None:
        for name in names:
            self.copy(name).unlink()

    def contents(self) -> dict[str, bytes]:
        """The photos that are there, those that are set aside under their own names."""
        own = {removal.aside_path(str(self.photos / name)): name for name in self.originals()}
        found: dict[str, bytes] = {}
        for path in sorted(self.photos.rglob("*")):
            if path.is_file():
                name = own.get(str(path), str(path.relative_to(self.photos)))
                demand(found.get(name) in (None, path.read_bytes()), "two of", name)
                found[name] = path.read_bytes()
        return found

    @staticmethod
    def originals() -> tuple[str, ...]:
        return (*GROUP_A, *GROUP_B, "c.jpg", "a4.jpg", *ALONG, *STAYING)

    def trashed(self) -> set[bytes]:
        files = self.folder / "data" / "Trash" / "files"
        return {path.read_bytes() for path in files.iterdir()} if files.is_dir() else set()

    def log(self) -> list[str]:
        logs = [folder / "log.txt" for folder in self.folder.glob("output*")]
        return [line for log in logs if log.exists() for line in log.read_text("utf-8").split("\n")]


@dataclass(frozen=True)
class Scenario:
    """An action in a situation; `asked` may be deleted, and no more; `back` is to come back."""

    name: str
    prepare: Callable[[Home], None]
    action: str
    flags: tuple[str, ...]
    asked: frozenset[str]
    ways_on: tuple[Callable[["Home", "Scenario", dict[str, bytes]], None], ...]
    trash: bool = False
    code: int = 0  # of the run that nothing disturbs
    back: frozenset[str] = frozenset()


# ---- Situations


def with_result(home: Home) -> None:
    home.must("find")


def with_previews_of_less(home: Home) -> None:
    """One of them is not taken over."""
    home.must("find", *PREVIEW)
    home.add("a4.jpg", b"A")
    os.utime(home.copy("a1.jpg"), (0, 0))


def with_previews_and_originals_in_the_trash(home: Home) -> None:
    home.must("find", *PREVIEW)
    home.cull("a2.jpg", GROUP_B[0])
    home.must("check-deleted")
    for name in CULLED:
        home.made[name] = (home.photos / name).read_bytes()
    home.must("cleanup")


def with_kept_groups(home: Home) -> None:
    home.must("find")
    home.must("keep", "all")


def with_result_of_less(home: Home) -> None:
    home.must("find")
    home.add("a4.jpg", b"A")


def with_cull(home: Home) -> None:
    home.must("find")
    home.cull("a2.jpg", GROUP_B[0])


def with_another_cull_listed(home: Home) -> None:
    """The list is of a cull that its owner has taken back; now they want another."""
    home.must("find")
    first = {name: home.copy(name).read_bytes() for name in ("a1.jpg", "a\n3.jpg")}
    places = {name: home.copy(name) for name in first}
    home.cull(*first)
    home.must("check-deleted")
    for name, content in first.items():
        places[name].write_bytes(content)
    home.cull("a2.jpg", GROUP_B[0])


def with_list(home: Home) -> None:
    with_cull(home)
    home.must("check-deleted")


def with_companions_and_list(home: Home) -> None:
    with_list(home)
    for name in (*ALONG, *STAYING):
        path = home.photos / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"a note in {path.suffix}".encode())


def with_companions_in_the_trash(home: Home) -> None:
    with_companions_and_list(home)
    for name in (*ALONG, *STAYING):
        home.made[name] = (home.photos / name).read_bytes()
    home.must("cleanup", "--with-companions", code=1)


# ---- Ways to go on: (home, scenario, the photos before)


def only_find(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    home.must("find", "--discard-review")
    cull_one_and_clean_up(home, scenario, before)


def clean_up_at_once(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    for flags in ((), ("--allow-whole-groups",)):
        home.run("cleanup", *flags)
        home.run("check-deleted", *flags)
        home.run("cleanup", *flags)
    check(home, scenario, before)
    only_find(home, scenario, before)


def edit_a_copy(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    """In its place, where its file may have a second name in what was being built or removed."""
    if not home.output.exists():  # it is still called otherwise
        home.run("check-deleted")
    copy = home.copy("a1.jpg")
    copy.write_bytes(b"edited")
    home.run("check-deleted")
    home.run("cleanup")
    check(home, scenario, before)
    demand(copy.read_bytes() == b"edited")
    demand(home.contents() == before)
    home.must("find", code=2)
    demand(copy.read_bytes() == b"edited")
    copy.unlink()
    only_find(home, scenario, before)


def cull_one_and_clean_up(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    """The new result is whole and can be worked with."""
    check(home, scenario, before)
    left = home.contents()
    info = home.info()
    demand(all(is_copy(copy, original) for original, copy in info.items()))
    demand(len(set(info.values())) == len(info))
    demand(
        {n for n in left if n.startswith("a")} <= {os.path.relpath(o, home.photos) for o in info}
    )
    home.cull("a1.jpg")
    home.must("check-deleted")
    home.must("cleanup")
    del left["a1.jpg"]
    demand(home.contents() == left, "wanted", sorted(left), "have", sorted(home.contents()))


def finish(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    home.must(scenario.action, *scenario.flags, code=scenario.code)
    if scenario.action == "check-deleted":
        home.must("cleanup")
    all_done(home, scenario, before)


def check_and_clean_up(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    home.run("cleanup")
    check(home, scenario, before)
    home.must("check-deleted")
    home.must("cleanup")
    all_done(home, scenario, before)


def all_done(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    check(home, scenario, before)
    demand(before.keys() - home.contents().keys() == scenario.asked)


def change_ones_mind(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    """The copies come back from the trash; what is not gone yet is to stay."""
    left = home.contents()
    for name in CULLED:
        home.copy(name).write_bytes(before[name])
    home.run("cleanup", *scenario.flags)
    home.run("check-deleted")
    home.run("cleanup", *scenario.flags)
    demand(home.contents() == left, "had", sorted(left), "have", sorted(home.contents()))
    check(home, scenario, before)


def decide_again(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    """Each group is shown or kept, and none half; then it is decided as it was to be."""
    home.run("find")
    shown = {os.path.relpath(path, home.photos) for path in home.info()}
    for group in (GROUP_A, GROUP_B):
        demand(shown.isdisjoint(group) or shown.issuperset(group), "half of", group)
    home.must("find", "--show-kept", code=home.run("find", "--dry-run").code)
    home.must(scenario.action, *scenario.flags, code=home.run("find", "--dry-run").code)
    home.must("find")
    demand(len(home.info()) == (0 if scenario.action == "keep" else 5), home.info())
    check(home, scenario, before)


def find_anew(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    left = home.contents()
    home.must("find", "--discard-review")
    demand(home.contents() == left, "had", sorted(left), "have", sorted(home.contents()))
    check(home, scenario, before)


def restore_again(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    home.must("restore")
    all_back(home, scenario, before)


def clean_up_in_between(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    """What is back by now stays, and the rest still comes back.

    A new list names it only where restore has said so: where it could not make its copy.
    """
    left = home.contents()
    home.must("cleanup")
    if home.killed:
        home.must("check-deleted")
        home.must("cleanup")
    demand(home.contents() == left, "had", sorted(left), "have", sorted(home.contents()))
    restore_again(home, scenario, before)


def restore_after_another_find(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    find_anew(home, scenario, before)
    home.must("restore")
    all_back(home, scenario, before)


def all_back(home: Home, scenario: Scenario, before: dict[str, bytes]) -> None:
    """All came back, and stays when the list is made anew."""
    demand(not home.trashed(), "still in the trash")
    home.must("check-deleted")
    home.must("cleanup")
    check(home, scenario, before)
    demand(home.contents() == before, "wanted", sorted(before), "have", sorted(home.contents()))


FIND = (only_find, clean_up_at_once)
TAKING_OVER = (*FIND, edit_a_copy)
RESTORE = (restore_again, clean_up_in_between, restore_after_another_find)
CHECK = (finish, check_and_clean_up, change_ones_mind, find_anew)
CULLED = frozenset({"a2.jpg", GROUP_B[0]})
SCENARIOS = (
    Scenario("first find", lambda _: None, "find", (), frozenset(), FIND),
    Scenario("find over a result", with_result_of_less, "find", (), frozenset(), TAKING_OVER),
    Scenario(
        "find previews over a result", with_result_of_less, "find", PREVIEW, frozenset(), FIND
    ),
    Scenario(
        "find previews over previews", with_previews_of_less, "find", PREVIEW, frozenset(), FIND
    ),
    Scenario(
        "restore, previews",
        with_previews_and_originals_in_the_trash,
        "restore",
        (),
        CULLED,
        RESTORE,
        trash=True,
        back=CULLED,
    ),
    Scenario("find over a cull", with_cull, "find", ("--discard-review",), CULLED, FIND),
    Scenario("check-deleted", with_cull, "check-deleted", (), CULLED, CHECK),
    Scenario("check again", with_another_cull_listed, "check-deleted", (), CULLED, CHECK),
    Scenario("cleanup", with_list, "cleanup", (), CULLED, CHECK),
    Scenario("cleanup, trash", with_list, "cleanup", (), CULLED, CHECK, trash=True),
    Scenario("keep", with_result, "keep", ("all",), frozenset(), (decide_again,)),
    Scenario("forget", with_kept_groups, "forget", ("all",), frozenset(), (decide_again,)),
    Scenario(
        "cleanup, companions",
        with_companions_and_list,
        "cleanup",
        ("--with-companions",),
        CULLED.union(ALONG),
        (finish, change_ones_mind, find_anew),
        code=1,  # as one stays
    ),
    Scenario(
        "restore",
        with_companions_in_the_trash,
        "restore",
        (),
        CULLED.union(ALONG),
        RESTORE,
        trash=True,
        back=CULLED.union(ALONG),
    ),
)


def check(home: Home, scenario: Scenario, before: dict[str, bytes], *, now: bool = False) -> None:
    """Nothing is lost; and unless it was `now` that the fault was, nothing is left lying about."""
    have, log = home.contents(), home.log()
    demand(have.keys() <= before.keys(), "foreign", have.keys() - before.keys())
    for name, content in before.items():
        if name in have:
            demand(have[name] == content, "other content", name)
            demand(now or (home.photos / name).exists(), "left aside", name)
            continue
        demand(name in scenario.asked, "lost", name)
        demand(f"Deleted file: {to_line(str(home.photos / name))}" in log, "no record of", name)
        demand(not home.trash or content in home.trashed(), "not in the trash", name)
    if not now:
        demand({*os.listdir(home.folder)} <= {"photos", "output", "data"}, os.listdir(home.folder))


# ---- Points


@dataclass(frozen=True)
class Point:
    """The n-th use of a system call by the main thread, which alone changes the disk."""

    call: str
    number: int
    line: str


def points(home: Home, scenario: Scenario) -> list[Point]:
    """Where an action changes the library's disk, from a run that is only watched."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as trace:
        tracer = ["-f", "-y", "-s", "16", "-o", trace.name]
        ended = home.process([*tracer, "-e", f"trace={CALLS}"], scenario.action, *scenario.flags)
        demand(ended.code == scenario.code, ended)
        lines = trace.read().splitlines()
    first = lines[0].split()[0]
    counts: dict[str, int] = {}
    found = []
    for line in lines:
        thread, rest = line.split(maxsplit=1)
        call = rest.partition("(")[0]
        if thread != first or not call.isidentifier():
            continue
        counts[call] = counts.get(call, 0) + 1
        changes = call not in ("open", "openat") or OPENS_TO_WRITE.search(rest)
        if changes and str(home.folder) in rest and " = -1 " not in rest:
            found.append(Point(call, counts[call], rest))
    return found


def snapshot(home: Home, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    _copy(home.folder, place)


def restore(home: Home, place: Path) -> None:
    shutil.rmtree(home.folder)
    _copy(place, home.folder)


def _copy(folder: Path, place: Path) -> None:
    """Copy a folder with its times, and with its hard links as such."""
    subprocess.run(["cp", "-a", str(folder), str(place)], check=True)


def try_point(
    home: Home,
    scenario: Scenario,
    point: Point,
    fault: str,
    ways_on: tuple[Callable[[Home, Scenario, dict[str, bytes]], None], ...],
) -> None:
    """Run a scenario with a fault at a point, and all ways to go on from there."""
    before = {**{name: home.made[name] for name in scenario.back}, **home.contents()}
    inject = f"inject={point.call}:{fault}:when={point.number}"
    tracer = ["-f", "-o", os.devnull, "-e", f"trace={point.call}", "-e", inject]
    ended = home.process(tracer, scenario.action, *scenario.flags)
    home.killed = fault == "signal=KILL"
    if home.killed:
        demand(ended.code == -9, "was not hit", ended)
    else:
        tried_again = ended.code == 0 and scenario.action == "find" and has_all_copies(home)
        demand(tried_again or ended.code in (1, 2, 3, 4), "ended with", ended)
    demand("Traceback" not in ended.text, ended)
    check(home, scenario, before, now=True)
    after = home.folder.with_name("after")
    snapshot(home, after)
    for way_on in ways_on:
        try:
            way_on(home, scenario, before)
        except Loss as loss:
            raise Loss(way_on.__name__, ended, *loss.args) from loss
        restore(home, after)


def has_all_copies(home: Home) -> bool:
    """Whether what failed was done in another way: what can't be taken over is copied."""
    grouped = {str(home.photos / name) for name in home.contents() if name != "c.jpg"}
    same = (is_copy(copy, original) for original, copy in home.info().items())
    return grouped == home.info().keys() and all(same)


def is_copy(copy: str, original: str) -> bool:
    """Whether a copy is what it may be: the whole file, or its preview."""
    whole = Path(original).read_bytes()
    return Path(copy).read_bytes() in (whole, stand_in.preview_of(whole))


def try_points(
    folder: Path,
    every: int = 1,
    chosen: Callable[[Scenario], bool] = lambda _: True,
    *,
    all_ways: bool = True,
) -> Iterator[tuple[str, int, int, list[str]]]:
    """Try each `every`-th point and fault; yields scenario, points, tried and what went wrong.

    A sample takes the faults and the ways to go on in turn.
    """
    for scenario in SCENARIOS:
        if not chosen(scenario):
            continue
        home = Home(folder / "home", scenario.trash)
        with Loaded(home.environment()) as home.program:
            yield (scenario.name, *try_scenario(home, scenario, every, all_ways=all_ways))


def try_scenario(
    home: Home, scenario: Scenario, every: int, *, all_ways: bool
) -> tuple[int, int, list[str]]:
    """How many points a scenario has, how many runs were tried, and what went wrong."""
    start = home.folder.with_name("start")
    home.make()
    scenario.prepare(home)
    snapshot(home, start)
    found = points(home, scenario)
    tried, wrong = 0, []
    ways = itertools.cycle(scenario.ways_on)
    for number, (point, fault) in enumerate(itertools.product(found, FAULTS)):
        if number % every or (point.call in NEVER_FAILS and fault.startswith("error")):
            continue
        restore(home, start)
        tried += 1
        try:
            ways_on = scenario.ways_on if all_ways else (next(ways),)
            try_point(home, scenario, point, fault, ways_on)
        except Loss as loss:
            wrong.append(f"{scenario.name}: {fault} at {point.line!r} ({point.number}): {loss}")
    return len(found), tried, wrong


def main_() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--every", type=int, default=1, help="try each n-th point (default: 1)")
    parser.add_argument("--only", default="", help="only the scenarios with this in their name")
    arguments = parser.parse_args()
    total, losses = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(os.path.realpath(folder))
        chosen = lambda scenario: arguments.only in scenario.name  # noqa: E731
        for name, count, tried, wrong in try_points(place, arguments.every, chosen):
            print(
                f"{name}: {count} points, {tried} runs with a fault, {len(wrong)} wrong", flush=True
            )
            for line in wrong:
                print("  " + line, flush=True)
            total, losses = total + tried, losses + len(wrong)
    print(f"{total} runs, {losses} wrong")
    return bool(losses)


if __name__ == "__main__":
    sys.exit(main_())
