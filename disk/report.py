"""How report.html comes into a result that is in its place."""

import hashlib
import os
from dataclasses import replace

from disk.copying import rename_to_new
from disk.files import temporary_path, try_to, write_file
from disk.record import Manifest, write_manifest
from disk.result import OutputPaths


def add_report(paths: OutputPaths, manifest: Manifest, text: str) -> bool:
    """Write report.html of a result; returns whether it is there. The caller holds the lock.

    The record names the file before it is there, so that whatever a killed run or a failing disk
    leaves is known as ours. A person's own file of that name stays as it is. Raises OSError where
    the disk refuses, and then the result is as whole as before.
    """
    place = paths.report_file
    if os.path.lexists(place):
        return False
    digest = hashlib.sha256(text.encode()).hexdigest()
    write_manifest(paths.output_dir, replace(manifest, report=digest))
    try:
        write_file(place, text, rename=rename_to_new)
    except FileExistsError:
        write_manifest(paths.output_dir, manifest)
        return False
    finally:
        try_to(os.unlink, temporary_path(place))
    return True
