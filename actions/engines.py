"""Where photos are hashed and compared: by workers of this machine, or by tasks on a cluster."""

import argparse
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from actions.console import Console
from actions.find_needs import check_needs
from actions.find_photos import Hasher, Hashing
from actions.near import did_you_mean
from config import UserError
from disk.files import is_url
from disk.system import lies_in
from finder import Found
from pictures.by_name import of_extras
from pictures.methods import Method
from pictures.store import Store

# By the value of --engine, what checks whether it can be used, and what hashes and groups by it.
ENGINES = {"dask": ("extras.cluster.installed:check", "extras.cluster.running:on_cluster")}
PROBES = 32  # chosen by tests/benchmarks/scale_cluster.py
INDEXED = "--preset similar"
NO_INDEX = {"--preset copies": "its hashes are so close that bands of them find all pairs"}


@dataclass(frozen=True, slots=True)
class Engine:
    """What hashes photos and groups them by a method: workers of this machine."""

    method: Method
    preset: str
    workers: int

    @property
    def reads_all(self) -> str:
        """What has all photos read anew."""
        return "--no-cache"

    def check_needs(
        self, console: Console, walked: Sequence[Found], cache_file: str | None, *, is_told: bool
    ) -> None:
        """Raise UserError where this machine lacks what that takes."""
        check_needs(console, self.method.recipe, walked, cache_file, is_told=is_told)

    def started(self, store: Store) -> contextlib.AbstractContextManager[Hashing]:
        """What hashes and groups them, until the end of a find."""
        return contextlib.nullcontext(Hasher(self.method, self.workers, store))


@dataclass(frozen=True, slots=True)
class Tasks(Engine):
    """The same by tasks: where their scheduler is, if not here, and where they leave results."""

    name: str
    scheduler: str | None
    work: str
    probes: int | None = None  # of an index, if candidates come from one

    @property
    def reads_all(self) -> str:
        return "another --work"

    def check_needs(self, *_: object, **__: object) -> None:
        """Other machines have what it takes, or say that they haven't."""

    def started(self, _: Store) -> contextlib.AbstractContextManager[Hashing]:
        """What has tasks done, and keeps nothing in the store."""
        start = of_extras(ENGINES[self.name][1], f"--engine {self.name}")
        on: contextlib.AbstractContextManager[Hashing] = start(
            self.method, self.preset, self.workers, self.scheduler, self.work, probes=self.probes
        )
        return on


def engine_of(
    arguments: argparse.Namespace, method: Method, preset: str, workers: int, output_dir: str
) -> Engine:
    """The engine that is asked for, once it is sure that it can do a find so."""
    name, scheduler, work = arguments.engine, arguments.scheduler, arguments.work
    if arguments.probes and not arguments.index:
        raise UserError("--probes: only with --index; see --action find --help.")
    if not name:
        given_for = {"--scheduler": scheduler, "--work": work, "--index": arguments.index}
        for flag, given in given_for.items():
            if given:
                raise UserError(f"{flag}: only with --engine dask; see --action find --help.")
        return Engine(method, preset, workers)
    if name not in ENGINES:
        raise UserError(
            f"--engine {name}: use one of {', '.join(ENGINES)}{did_you_mean(name, ENGINES)}"
        )
    if not work:
        raise UserError(
            f"--engine {name} needs --work, a folder or URL for results that all workers see."
        )
    of_extras(ENGINES[name][0], f"--engine {name}")(method.flags, work)
    probes = probes_of(arguments, method.flags)
    work = work.rstrip("/") if is_url(work) else os.path.abspath(os.path.expanduser(work))
    if lies_in(work, output_dir):
        raise UserError(f"--work {work} lies in OUTPUT_DIR; choose another folder.")
    return Tasks(method, preset, workers, name, scheduler, work, probes)


def probes_of(arguments: argparse.Namespace, flags: str) -> int | None:
    """In how many cells of an index each picture is searched; None without one."""
    if not arguments.index:
        return None
    if flags != INDEXED:
        why = NO_INDEX.get(flags, "there is an index for one preset alone")
        raise UserError(f"--index can't do {flags}: {why}; use {INDEXED}.")
    return int(arguments.probes or PROBES)
