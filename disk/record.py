"""The record of a result: what find made, by which check-deleted and cleanup act."""

import hashlib
import json
import ntpath
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from config import Exit, UserError
from disk import signature
from disk.files import (
    ImageFile,
    has_digest,
    is_untouched,
    open_regular,
    write_file,
)
from disk.lines import dump_json, from_line, listed, short_names, to_line
from disk.own_names import MANIFEST, REPORT
from disk.strict import (
    digest_of,
    fraction_of,
    moment_of,
    name_of,
    number_of,
    path_of,
    rows_of,
    table_of,
    text_of,
    words_of,
)

MANIFEST_SCHEMA = 1
# What `load_manifest` raises on files that are missing, cut or edited.
BROKEN_MANIFEST = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Preview:
    """The small picture that lies in a copy's place, by its file; `recipe` says how it was made."""

    size: int
    digest: str
    recipe: int


@dataclass(frozen=True, slots=True)
class SavedCopy:
    """A copy in a numbered folder; `original`, `digest` and `damage` are as find saw them.

    `holds` is what find saw in the original's file besides its pixels, as lines of
    `pictures.held`; None if nobody looked. `protected` is why find saw that it may not go, if so.
    With a `preview` the copy is no copy of the file: `digest` is that of the original alone.
    """

    original: ImageFile
    copy: str
    group: int
    digest: str
    damage: str = ""
    holds: tuple[str, ...] | None = None
    protected: str = ""
    preview: Preview | None = None

    @property
    def digests(self) -> tuple[str, ...]:
        """Those of what may lie in its place as ours; for a preview the whole file may, too."""
        return (self.preview.digest, self.digest) if self.preview else (self.digest,)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Those of what may lie in its place as ours."""
        return (self.preview.size, self.original.size) if self.preview else (self.original.size,)


def seems_made(path: str, copy: SavedCopy) -> bool:
    """Whether a file has a size and the time that find gave a copy, so that reading is spared."""
    return any(is_untouched(path, replace(copy.original, size=size)) for size in copy.sizes)


def surely_made(path: str, copy: SavedCopy) -> bool:
    """Whether a file has the content of a copy as find or a review has made it, by reading it."""
    return has_digest(path, *copy.digests)


def probably_matches(path: str, copy: SavedCopy) -> bool:
    """Whether a file is the original as find saw it; it is read if size or time says otherwise."""
    return is_untouched(path, copy.original) or surely_matches(path, copy)


def surely_matches(path: str, copy: SavedCopy) -> bool:
    """Whether a file has the content that find saw in the original, by reading it."""
    return has_digest(path, copy.digest)


@dataclass(frozen=True, slots=True)
class Link:
    """Two originals that joined a group: how alike find saw them, and by which view."""

    left: str
    right: str
    view: str
    distance: int
    correlation: float


@dataclass(frozen=True, slots=True)
class KeptTogether:
    """Originals of a group that were kept side by side before find grouped them, and when."""

    group: int
    paths: tuple[str, ...]
    time: str

    @property
    def day(self) -> str:
        return self.time[:10]

    def words(self, group: Sequence[str]) -> str:
        """What is to be told of it beside all the paths of its group."""
        names = dict(zip(group, short_names(group), strict=True))
        kept = listed([names.get(path, path) for path in self.paths])
        others = [name for path, name in names.items() if path not in self.paths]
        without = f", without {listed(others)}" if others else ""
        return f"{kept} were kept side by side on {self.day}{without}."


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """The names that info.txt, to_delete.txt and, if it lies there, the log have in a result."""

    info: str
    to_delete: str
    log: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, in the order in which a record has them."""
        return (self.info, self.to_delete, *([] if self.log is None else [self.log]))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a find made: the record that check-deleted and cleanup trust.

    `report` is the digest of report.html, or empty if find wrote none. `links` and
    `kept_together` are for people to look at; nothing is decided by them here. `protect` is what
    find was told to protect. `signatures` are those of users who trust it. Where the originals are
    objects and no files, `objects` says where the work of their find lies; nothing is deleted then.
    """

    input_dirs: tuple[str, ...]
    copies: tuple[SavedCopy, ...]
    own_files: OwnFiles
    report: str = ""
    links: tuple[Link, ...] = ()
    protect: tuple[str, ...] = ()
    kept_together: tuple[KeptTogether, ...] = ()
    signatures: tuple[str, ...] = ()
    objects: str = ""

    @property
    def run(self) -> str:
        """The id of this result; the same pictures in the same groups have the same id."""
        rows = [(c.group, c.original.path, *c.digests[::-1]) for c in self.copies]
        facts = json.dumps([self.input_dirs, self.own_files.names, rows])
        return hashlib.sha256(facts.encode()).hexdigest()[:16]


# ---- Reading and writing it


def is_result(folder: str) -> bool:
    """Whether there is a whole record of a find in a folder. Changes nothing on disk."""
    try:
        load_manifest(folder)
    except BROKEN_MANIFEST:
        return False
    return True


def load_manifest(folder: str) -> Manifest:
    """Read the manifest of a result; raises one of `BROKEN_MANIFEST` if it can't be trusted."""
    with open_regular(os.path.join(folder, MANIFEST)) as stream:
        data = table_of(json.loads(stream.read().decode()), "it")
    if number_of(data["schema"], "schema") != MANIFEST_SCHEMA:
        raise ValueError(f"its schema is not {MANIFEST_SCHEMA}")
    manifest = _manifest_of(data, folder)
    for places in ([c.original.path for c in manifest.copies], [c.copy for c in manifest.copies]):
        if len(set(places)) < len(places):
            raise ValueError("copies must be different files")
    if data["run"] != manifest.run:
        raise ValueError("its run id doesn't match its copies")
    return manifest


def _manifest_of(data: Mapping[str, Any], folder: str) -> Manifest:
    folders = rows_of(data["input_dirs"], "input_dirs")
    signatures = rows_of(data.get("signatures", []), "signatures")
    return Manifest(
        input_dirs=tuple(path_of(one, "input_dirs") for one in folders),
        copies=tuple(_copy_of(row, folder) for row in rows_of(data["copies"], "copies")),
        own_files=_own_files_of(data["own_files"]),
        report=text_of(data.get("report", ""), "report") and digest_of(data["report"], "report"),
        links=tuple(_link_of(row) for row in rows_of(data.get("links", []), "links")),
        protect=tuple(_entry_of(one) for one in rows_of(data.get("protect", []), "protect")),
        kept_together=tuple(map(_kept_of, rows_of(data.get("kept_together", []), "kept_together"))),
        signatures=tuple(digest_of(one, "signatures") for one in signatures),
        objects=text_of(data.get("objects", ""), "objects"),
    )


def _copy_of(row: object, folder: str) -> SavedCopy:
    row = table_of(row, "a copy")
    group = number_of(row["group"], "group", 1)
    inside, _, name = text_of(row["copy"], "copy").partition("/")
    if inside != str(group) or not name or "/" in name or name in (".", ".."):
        raise ValueError("a copy is not in a numbered folder, that of its group")
    name_of(name, "copies")
    if "\\" in name or ntpath.splitdrive(name)[0]:
        raise ValueError("copies must be plain names on any system")
    return SavedCopy(
        original=ImageFile(
            path_of(row["original"], "originals"),
            number_of(row["size"], "size", 0),
            number_of(row["mtime_ns"], "mtime_ns"),
        ),
        copy=os.path.join(folder, inside, name),
        group=group,
        digest=digest_of(row["digest"], "digest"),
        damage=words_of(row.get("damage", ""), "damage"),
        holds=_holds_of(row["holds"]) if "holds" in row else None,
        protected=words_of(row.get("protected", ""), "protected"),
        preview=_preview_of(row["preview"], row["size"]) if "preview" in row else None,
    )


def _preview_of(value: object, size_of_original: int) -> Preview:
    """A preview, which is smaller than its original, so that no file passes for both."""
    row = table_of(value, "preview")
    size = number_of(row["size"], "preview", 1)
    if size >= size_of_original:
        raise ValueError("a preview must be smaller than its original")
    return Preview(size, digest_of(row["digest"], "preview"), number_of(row["recipe"], "recipe", 1))


def _holds_of(value: object) -> tuple[str, ...]:
    return tuple(words_of(line, "holds") for line in rows_of(value, "holds"))


def _entry_of(value: object) -> str:
    if not (entry := text_of(value, "protect")):
        raise ValueError("protect must be paths and patterns")
    return entry


def _link_of(row: object) -> Link:
    row = table_of(row, "a link")
    return Link(
        left=path_of(row["left"], "links"),
        right=path_of(row["right"], "links"),
        view=text_of(row["view"], "view"),
        distance=number_of(row["distance"], "distance"),
        correlation=fraction_of(row["correlation"], "correlation"),
    )


def _kept_of(row: object) -> KeptTogether:
    row = table_of(row, "kept_together")
    paths = tuple(path_of(path, "kept_together") for path in rows_of(row["paths"], "kept_together"))
    if len(paths) < 2:
        raise ValueError("kept_together must be of two pictures or more")
    return KeptTogether(number_of(row["group"], "group", 1), paths, moment_of(row["time"], "time"))


def _own_files_of(value: object) -> OwnFiles:
    names = tuple(name_of(name, "own_files") for name in rows_of(value, "own_files"))
    others = {name.casefold() for name in names} - {MANIFEST, REPORT}
    if not 2 <= len(names) <= 3 or len(others) < len(names) or any(n.isdigit() for n in names):
        raise ValueError("own_files must be two or three names of files of ours")
    return OwnFiles(*names)


def write_manifest(folder: str, manifest: Manifest) -> None:
    """Write the record of a result, signed with this user's key if there is one."""
    content, key = content_of(manifest), signature.load_key()
    own = [signature.signature_of(_as_bytes(content), key)] if key else []
    signatures = list(dict.fromkeys([*manifest.signatures, *own]))
    write_file(os.path.join(folder, MANIFEST), dump_json({**content, "signatures": signatures}))


def content_of(manifest: Manifest) -> dict[str, object]:
    """All that a record says, as it is written and signed."""
    rows = [
        {
            "group": c.group,
            "copy": f"{c.group}/{os.path.basename(c.copy)}",
            "original": c.original.path,
            "size": c.original.size,
            "mtime_ns": c.original.mtime_ns,
            "digest": c.digest,
            **({"damage": c.damage} if c.damage else {}),
            **({"holds": list(c.holds)} if c.holds is not None else {}),
            **({"protected": c.protected} if c.protected else {}),
            **({"preview": asdict(c.preview)} if c.preview else {}),
        }
        for c in manifest.copies
    ]
    head = {"schema": MANIFEST_SCHEMA, "run": manifest.run}
    content = {**head, **asdict(replace(manifest, copies=())), "copies": rows}
    content["own_files"] = manifest.own_files.names
    del content["signatures"]
    for name in ("protect", "kept_together", "objects"):  # as in the records of before
        if not content[name]:
            del content[name]
    return content


def _as_bytes(content: dict[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def is_signed(manifest: Manifest) -> bool:
    """Whether a record says what this user's key has signed. Changes nothing on disk."""
    key = signature.load_key()
    content = _as_bytes(content_of(manifest))
    return key is not None and signature.fits(content, manifest.signatures, key)


def check_signed(manifest: Manifest, folder: str) -> None:
    """Refuse a record that this user's key has not signed. Changes nothing on disk."""
    if not is_signed(manifest):
        raise UserError(
            f"{os.path.join(folder, MANIFEST)} isn't signed with your key, so another user, home "
            "or version made it; run find again, or once with --trust-result.",
            Exit.STATE,
        )


def reach_of(manifest: Manifest) -> dict[str, int]:
    """How many originals a record names in each folder."""
    folders = (os.path.dirname(c.original.path) for c in manifest.copies)
    return dict(sorted(Counter(folders).items()))


def info_of(copies: Iterable[SavedCopy]) -> dict[str, str]:
    """The content of info.txt: original path -> copy path."""
    return {c.original.path: c.copy for c in copies}


# ---- to_delete.txt


def check_to_delete(path: str, manifest: Manifest) -> None:
    """UserError if to_delete.txt isn't the file that find has recorded as ours. Changes nothing."""
    if os.path.basename(path) != manifest.own_files.to_delete:
        raise UserError(f"TO_DELETE_FILE {path} is not ours; choose the name that find had.")


def write_to_delete(path: str, originals: Iterable[str]) -> None:
    """Write to_delete.txt, after `check_to_delete`."""
    write_file(path, "".join(to_line(original) + "\n" for original in originals))


def read_to_delete(path: str) -> list[str]:
    """The paths in to_delete.txt; blank lines don't count.

    Raises UserError if there is no such file, or if it holds a line that can't be read.
    """
    try:
        with open_regular(path) as stream:
            text = stream.read().decode("utf-8-sig")
        lines = [line.strip() for line in text.split("\n")]
    except FileNotFoundError:
        message = f"{path} does not exist; run --action check-deleted first."
        raise UserError(message, Exit.STATE) from None
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}; run --action check-deleted again."
        raise UserError(message, Exit.STATE) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 text; run --action check-deleted again.", Exit.STATE
        ) from error
    paths = []
    for number, line in enumerate(lines, 1):
        try:
            paths.extend([from_line(line)] if line else [])
        except ValueError as error:
            message = f"{path}, line {number} can't be read; run --action check-deleted again."
            raise UserError(message, Exit.STATE) from error
    return list(dict.fromkeys(paths))
