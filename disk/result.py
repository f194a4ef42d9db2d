"""What lies in an output folder: its paths, and its record, which is read once."""

import json
import os
from dataclasses import dataclass

from config import Exit, UserError
from disk.files import (
    open_regular,
)
from disk.own_names import BUILDING_SUFFIXES, MANIFEST, REPORT
from disk.record import (
    BROKEN_MANIFEST,
    Manifest,
    OwnFiles,
    info_of,
    load_manifest,
)

STAGING_SUFFIX, REPLACED_SUFFIX = BUILDING_SUFFIXES


@dataclass(frozen=True, slots=True)
class OutputPaths:
    """An output folder and the files of ours in it, as absolute paths; the log may lie elsewhere.

    The result that find is building and the one that it has replaced lie beside the folder.
    """

    output_dir: str
    info_file: str
    to_delete_file: str
    log_file: str

    @property
    def manifest_file(self) -> str:
        return os.path.join(self.output_dir, MANIFEST)

    @property
    def report_file(self) -> str:
        return os.path.join(self.output_dir, REPORT)

    @property
    def staging_dir(self) -> str:
        return self.output_dir + STAGING_SUFFIX

    @property
    def replaced_dir(self) -> str:
        return self.output_dir + REPLACED_SUFFIX

    @property
    def folders(self) -> tuple[str, str, str]:
        """All folders of ours, whether they are there or not."""
        return self.output_dir, self.staging_dir, self.replaced_dir

    @property
    def own_files(self) -> OwnFiles:
        """The names of ours that a result here has, as its record names them."""
        log_folder, log_name = os.path.split(self.log_file)
        return OwnFiles(
            os.path.basename(self.info_file),
            os.path.basename(self.to_delete_file),
            log_name if log_folder == self.output_dir else None,
        )

    def staged(self, path: str) -> str:
        """Where a file is written while a result is being built: files elsewhere stay there."""
        folder, name = os.path.split(path)
        return path if folder != self.output_dir else os.path.join(self.staging_dir, name)


@dataclass(frozen=True, slots=True)
class Result:
    """A result and its record, which is read once; `seen` is the record's file as it was then."""

    paths: OutputPaths
    manifest: Manifest
    seen: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NoResult:
    """An output folder whose record is missing or can't be trusted, and why."""

    paths: OutputPaths
    error: Exception
    seen: tuple[int, ...] = ()


Opened = Result | NoResult


def open_result(paths: OutputPaths) -> Opened:
    """What lies in an output folder by its record. Changes nothing on disk."""
    seen = _seen(paths.manifest_file)  # before it is read, so that no change is missed
    try:
        return Result(paths, load_manifest(paths.output_dir), seen)
    except BROKEN_MANIFEST as error:
        return NoResult(paths, error, seen)


def look_again(opened: Opened) -> Opened:
    """The same as before, unless another record lies there now. Changes nothing on disk."""
    same = _seen(opened.paths.manifest_file) == opened.seen
    return opened if same else open_result(opened.paths)


def _seen(path: str) -> tuple[int, ...]:
    """What tells a file from those that take its place; nothing if it isn't there."""
    try:
        status = os.lstat(path)
    except OSError:
        return ()
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, status.st_size, *times


def proven(opened: Opened) -> Result:
    """The result, if its record matches info.txt; UserError (exit 3) if it doesn't."""
    paths = opened.paths
    path = paths.manifest_file
    try:
        if isinstance(opened, NoResult):
            raise opened.error
        with open_regular(paths.info_file) as stream:
            info = json.loads(stream.read().decode())
    except FileNotFoundError as error:
        message = f"{error.filename} is missing; mount OUTPUT_DIR, or run --action find first."
        raise UserError(message, Exit.STATE) from None
    except BROKEN_MANIFEST as error:
        message = f"{path} and {paths.info_file} can't be read ({error}); run --action find again."
        raise UserError(message, Exit.STATE) from error
    if info != info_of(opened.manifest.copies):
        message = f"{paths.info_file} doesn't match {path}: one was edited, or the folder moved"
        raise UserError(f"{message}; undo that, or run find with another OUTPUT_DIR.", Exit.STATE)
    return opened
