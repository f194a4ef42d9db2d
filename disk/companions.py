"""The files that belong to a photo by their names: its RAW, its video, what programs note of it."""

import contextlib
import fnmatch
import hashlib
import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

RAW = (
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf "
    ".pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f"
)
# What a companion is, by its extension; it has the photo's name with or without its extension.
KINDS = {
    **dict.fromkeys(RAW.split(), "RAW"),
    **dict.fromkeys((".mov", ".mp4", ".mp", ".3gp"), "video"),
    **dict.fromkeys((".wav", ".m4a"), "sound"),
    ".xmp": "XMP",
    ".aae": "AAE",  # edits in Apple's Photos
    ".thm": "THM",  # a camera's thumbnail
    ".json": "JSON",  # of Google Takeout
    **{extension: extension[1:].upper() for extension in (".pp3", ".arp", ".dop", ".on1", ".acr")},
    **{extension: extension[1:].upper() for extension in (".cos", ".nksc", ".vrd", ".dr4")},
}
EXTENSIONS = frozenset(KINDS) - {".json"}  # that are enough to know a companion by
# Where some programs put theirs, below the photo's folder.
BELOW = (("NKSC_PARAM",), ("CaptureOne", "Settings*"))
TAKEOUT_NOTE = ".supplemental-metadata"
TAKEOUT_NAME = 46  # characters, to which Takeout cuts what comes before ".json"
TAKEOUT_EDITED = re.compile(r"-(edited|bearbeitet|modifié|editado|modificato|bewerkt)$")
NUMBERED = re.compile(r"^(.+?)(\(\d+\))$")
APPLE_NAME = re.compile(r"^img_[eo]?(\d+)$")
MOST_FOLDERS = 1000  # whose names are kept in memory
MOST_XMP_BYTES = 8 << 20
PRINTED_BYTES = 64 << 10  # at each end of a file


@dataclass(frozen=True, slots=True)
class Companion:
    """A file beside a photo; those of one kind and print hold the same."""

    path: str
    kind: str
    print: str


def is_companion(name: str, photo_extensions: Iterable[str]) -> bool:
    """Whether a file's name alone says that it belongs to a photo, and is none itself."""
    stem, extension = _split(_folded(name))
    photo = os.path.splitext(_takeout_photo(stem))[1]
    return extension in EXTENSIONS or (extension == ".json" and photo in photo_extensions)


class Companions:
    """Looks for what lies beside photos; a folder is read again when it has changed."""

    def __init__(self) -> None:
        self._folders: dict[str, tuple[tuple[int, ...], CompanionIndex]] = {}

    def of(self, path: str) -> tuple[Companion, ...]:
        """What lies beside a photo, sorted by name. Changes nothing on disk."""
        folder, photo = os.path.split(path)
        try:
            names = self._index(folder).of(photo)
        except OSError:
            return ()
        found = (companion_at(os.path.join(folder, name)) for name in names)
        return tuple(companion for companion in found if companion)

    def _index(self, folder: str) -> "CompanionIndex":
        below = list(_below(folder))
        seen = tuple(os.stat(place).st_mtime_ns for place in (folder, *below))
        known = self._folders.get(folder)
        if known is None or known[0] != seen:
            known = seen, CompanionIndex(listing(folder))
            if len(self._folders) >= MOST_FOLDERS:
                self._folders.clear()
            self._folders[folder] = known
        return known[1]


def companion_at(path: str) -> Companion | None:
    """What lies at a path, if it is a regular file that can be read."""
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    try:
        status = os.lstat(path)
        if kind is None or not stat.S_ISREG(status.st_mode):
            return None
        with open(path, "rb") as stream:
            ends = stream.read(PRINTED_BYTES)
            stream.seek(max(len(ends), status.st_size - PRINTED_BYTES))
            ends += stream.read(PRINTED_BYTES)
    except OSError:
        return None
    ends += status.st_size.to_bytes(8, "big")
    return Companion(path, kind, hashlib.sha256(ends).hexdigest())


_seen = Companions()  # of this process, so that a folder isn't listed for each of its photos


def xmp_beside(path: str) -> list[bytes]:
    """The contents of the XMP files beside a photo. Changes nothing on disk."""
    found = [one.path for one in _seen.of(path) if one.kind == "XMP"]
    contents = []
    for place in found:
        with contextlib.suppress(OSError), open(place, "rb") as stream:
            contents.append(stream.read(MOST_XMP_BYTES))
    return contents


def listing(folder: str) -> list[str]:
    """The names in a folder and in those below it where programs put companions, sorted."""
    names = os.listdir(folder)
    for place in _below(folder):
        with contextlib.suppress(OSError):
            inside = os.listdir(place)
            names += [os.path.relpath(os.path.join(place, name), folder) for name in inside]
    return sorted(names)


def _below(folder: str) -> Iterator[str]:
    for pattern in BELOW:
        places = [folder]
        for part in pattern:
            places = [
                os.path.join(place, name)
                for place in places
                if os.path.isdir(place)
                for name in _matching(place, part)
            ]
        yield from (place for place in places if os.path.isdir(place))


def _matching(folder: str, pattern: str) -> list[str]:
    if "*" not in pattern:
        return [pattern]
    return sorted(fnmatch.filter(os.listdir(folder), pattern))


class CompanionIndex:
    """The companions among some names, by the names of the photos that they fit."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_key: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in names:
            stem, extension = _split(_folded(os.path.basename(name)))
            if (kind := KINDS.get(extension)) is not None:
                for key in {stem, _takeout_photo(stem)} if kind == "JSON" else {stem}:
                    self._by_key[kind, key].append(name)
            if extension == ".mp":  # Google's "PXL_1.MP.jpg" has its video in "PXL_1.MP"
                self._by_key["video", stem + extension].append(name)

    def of(self, photo: str) -> list[str]:
        """The names that belong to a photo of a name, sorted."""
        keys = _keys(_folded(photo))
        return sorted({name for key in keys for name in self._by_key.get(key, ())})


def _keys(photo: str) -> Iterator[tuple[str, str]]:
    """By which kind and name the companions of a photo are found."""
    stem, extension = _split(photo)
    for kind in set(KINDS.values()):
        yield from ((kind, stem), (kind, photo))
    if match := APPLE_NAME.match(stem):  # IMG_E1234.JPG is what IMG_1234.AAE makes of IMG_1234.JPG
        yield from (("AAE", f"img_{letter}{match[1]}") for letter in ("", "e", "o"))
    if stem.startswith("img_"):  # Canon's sound memo
        yield "sound", "snd_" + stem[4:]
    plain = TAKEOUT_EDITED.sub("", stem) + extension
    yield "JSON", plain
    if len(plain) > TAKEOUT_NAME:
        yield "JSON", plain[:TAKEOUT_NAME]


def _takeout_photo(stem: str) -> str:
    """The photo's name in the name of a Takeout note: its own ending is cut off anywhere.

    >>> _takeout_photo("a.jpg.supplemental-meta(1)"), _takeout_photo("a.jpg(2)")
    ('a(1).jpg', 'a(2).jpg')
    """
    number = ""
    if match := NUMBERED.match(stem):
        stem, number = match[1], match[2]
    photo, dot, note = stem.rpartition(".")
    if dot and TAKEOUT_NOTE.startswith(dot + note):
        stem = photo
    name, extension = _split(stem)
    return name + number + extension


def _split(name: str) -> tuple[str, str]:
    return os.path.splitext(name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
