"""Measure what twelve months of a library cost, beside another checkout.

    python tests/benchmarks/months.py [--before CHECKOUT] [--photos 2000]

Each month some files come, go, get other names, places, pixels or ratings; find runs, and once more
with nothing changed; a person deletes copies; check-deleted, cleanup and keep run. Each checkout
has a library, a cache and a user's folders of its own, and both libraries stay the same.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from accuracy import adopt_orphans, cpu_of_children, reap_orphans  # noqa: E402
from made_year import Person, Year, delete_copies, in_groups  # noqa: E402

MONTHS, KEEP_ALL_EACH = 12, 4
COLUMNS = ("shown", "left out", "find, s", "find, MB", "again, s", "again, MB", "month, s")


@dataclass
class Cost:
    """What an action took: seconds of processor time, and bytes that it wrote."""

    seconds: float = 0
    written: int = 0

    def __iadd__(self, other: "Cost") -> "Cost":
        self.seconds += other.seconds
        self.written += other.written
        return self


@dataclass
class Owner:
    """A person with a checkout of the program and a library."""

    checkout: Path
    folder: Path
    year: Year
    person: Person = field(default_factory=Person)
    cost: Cost = field(default_factory=Cost)

    @property
    def can_keep(self) -> bool:
        return "--show-kept" in self._process("--help").stdout

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def run(self, action: str, *flags: str) -> tuple[Cost, dict[str, Any]]:
        """What an action took, and the facts that it prints."""
        folders = ["--input-dir", str(self.year.photos), "--output-dir", str(self.output)]
        before = cpu_of_children()
        flags = ("--json", "--workers", "1", "--delete-mode", "permanent", *flags)
        ran, written = self._watched("--action", action, *folders, *flags)
        reap_orphans()
        cost = Cost(cpu_of_children() - before, written)
        self.cost += cost
        facts: dict[str, Any] = json.loads(ran)
        assert facts["exit"] == 0, facts
        return cost, facts

    def _environment(self) -> dict[str, str]:
        homes = {f"XDG_{name}_HOME": str(self.folder / name) for name in ("CACHE", "DATA", "STATE")}
        compiled = {"PYTHONPYCACHEPREFIX": str(self.folder / "compiled")}
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, **homes, **compiled, "OMP_NUM_THREADS": "1"}

    def _process(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(self.checkout / "main.py"), *arguments]
        return subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, check=True
        )

    def _watched(self, *arguments: str) -> tuple[str, int]:
        """What a process prints, and how many bytes it wrote to disks."""
        command = [sys.executable, str(self.checkout / "main.py"), *arguments]
        with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(command, env=self._environment(), stdout=said, stderr=errors)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            lines = Path(f"/proc/{process.pid}/io").read_text().splitlines()
            process.wait()
            said.seek(0)
            return said.read(), next(int(n[12:]) for n in lines if n.startswith("write_bytes"))


def month_of(owner: Owner, month: int) -> list[float]:
    """Let a month pass; returns what COLUMNS say."""
    owner.cost = Cost()
    find, facts = owner.run("find", "--discard-review")
    again, _ = owner.run("find")
    owner.cost.seconds -= again.seconds
    copies = json.loads((owner.output / "info.txt").read_text("utf-8"))
    groups = in_groups(copies, owner.year.photos)
    wishes = owner.person.looks_at(owner.year, groups)
    delete_copies(copies, owner.year.photos, wishes.doomed)
    owner.run("check-deleted")
    owner.run("cleanup")
    owner.year.deleted(wishes.doomed)
    assert owner.year.is_as_it_should()
    keep_all = month % KEEP_ALL_EACH == 0
    if keep_all:
        owner.person.keeps_the_rest(owner.year, groups.values())
    if owner.can_keep and (keep_all or wishes.keep):
        owner.run("keep", *(() if keep_all else map(str, wishes.keep)))
    left_out = len(facts.get("kept_left_out", ()))
    sizes = [value for cost in (find, again) for value in (cost.seconds, cost.written / 1e6)]
    return [len(groups), left_out, *sizes, owner.cost.seconds]


def line_of(month: int, owners: Sequence[Owner]) -> str:
    """A row of the table: what a month cost each owner, beside each other."""
    changes = [owner.year.go_on() for owner in owners]
    counts = f"| {month} | {len(owners[0].year.there):,} | {changes[0]:,} | "
    columns = zip(*(month_of(owner, month) for owner in owners), strict=True)
    assert all(owner.year.there == owners[0].year.there for owner in owners)
    return counts + " | ".join(" / ".join(map(in_short, column)) for column in columns) + " |"


def in_short(value: float) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--before", type=Path, help="another checkout, to be measured in turn")
    parser.add_argument("--photos", type=int, default=2000, help="taken before the first month")
    parser.add_argument("--side", type=int, default=800, help="pixels across (default: 800)")
    arguments = parser.parse_args()
    adopt_orphans()
    checkouts = [path for path in (arguments.before, ROOT) if path]
    with tempfile.TemporaryDirectory() as name:
        owners = []
        for number, checkout in enumerate(checkouts):
            folder = Path(os.path.realpath(name), str(number))
            photos, monthly = arguments.photos, max(1, arguments.photos // 20)
            year = Year(folder / "photos", photos, monthly, arguments.side)
            owners.append(Owner(checkout.resolve(), folder, year))
        print("| month | photos | changed |", " | ".join(COLUMNS), "|")
        print("|---" * (3 + len(COLUMNS)) + "|")
        for month in range(1, MONTHS + 1):
            print(line_of(month, owners), flush=True)


if __name__ == "__main__":
    main()
