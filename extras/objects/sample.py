"""The first groups of a find among objects, copied into numbered folders to be looked at."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import storage
from actions.find import links_between
from config import UserError
from disk.at_once import in_order
from disk.files import is_gone
from disk.record import Manifest, SavedCopy
from disk.result import OutputPaths, Result
from extras.objects.hashing import AT_ONCE
from extras.objects.places import place_of, url_of
from extras.objects.protecting import ProtectedObjects
from extras.objects.stores import StoredObject, errors, store_of, why_not
from grouping import Cluster
from pictures.images import HashedImage

CHANGED = "its bytes are not those that find saw"


def planned(
    images: Sequence[HashedImage],
    groups: Sequence[Cluster],
    urls: Sequence[str],
    paths: OutputPaths,
    work: str,
    protected: ProtectedObjects,
) -> Manifest:
    """The record of a sample of some groups, with what is protected. Changes nothing on disk."""

    def shown(position: int) -> HashedImage:
        image = images[position]
        return replace(image, file=replace(image.file, path=place_of(image.file.path)))

    copies = tuple(
        replace(copy, protected=protected.reason(url_of(copy.original.path)))
        for copy in storage.plan_copies(
            [list(map(shown, c.members)) for c in groups], paths.output_dir
        )
    )
    links = [
        replace(link, left=place_of(link.left), right=place_of(link.right))
        for link in links_between(images, groups)
    ]
    places = tuple(dict.fromkeys(map(place_of, urls)))
    return Manifest(places, copies, paths.own_files, links=tuple(links), objects=work)


def check_last(old: Result, seen: Mapping[str, str]) -> None:
    """Refuse to replace a sample with copies of which no object that find sees has the bytes."""
    digests = frozenset(seen.values())
    last = [c for c in old.manifest.copies if c.digest not in digests and not is_gone(c.copy)]
    if last:
        raise UserError(
            f"{old.paths.output_dir} holds {len(last)} copies of which this find sees no object "
            f"({last[0].copy}, ...); choose another OUTPUT_DIR, or run --action find "
            "--discard-review."
        )


def copied(
    copies: Sequence[SavedCopy], objects: Mapping[str, StoredObject], paths: OutputPaths
) -> Iterator[SavedCopy | storage.FailedCopy]:
    """Fetch objects into the staging folder, each proven; yields one result a copy, in order."""

    def copy_one(copy: SavedCopy) -> SavedCopy | storage.FailedCopy:
        one = objects[copy.original.path]
        try:
            data = store_of(one.path).read(one)
            if hashlib.sha256(data).hexdigest() != copy.digest:
                raise OSError(CHANGED)
            folder = os.path.join(paths.staging_dir, str(copy.group))
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, os.path.basename(copy.copy))
            with open(path, "xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.utime(path, ns=(copy.original.mtime_ns, copy.original.mtime_ns))
        except errors() as error:
            return storage.FailedCopy(copy, why_not(error))
        return copy

    return in_order(copy_one, copies, AT_ONCE)
