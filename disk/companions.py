"""The files that belong to a photo by their names: its RAW, its video, what programs note of it.

`WAYS` is the table of how their names follow from the photo's. What nobody reads without its photo
is a companion; a HEIC beside a JPEG is a photo, and a text of the same name may be about anything.
"""

import contextlib
import fnmatch
import functools
import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from disk.files import open_regular
from disk.live import is_live_video

RAW = (
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf "
    ".pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f"
)
VIDEO = "video"  # Apple's of a Live photo, Google's and Samsung's of a motion photo
# What a companion is, by its extension.
KINDS = {
    **dict.fromkeys(RAW.split(), "RAW"),
    **dict.fromkeys((".mov", ".mp4", ".mp", ".3gp"), VIDEO),
    **dict.fromkeys((".wav", ".m4a"), "sound"),
    ".xmp": "XMP",
    ".aae": "AAE",  # edits in Apple's Photos
    ".thm": "THM",  # a camera's thumbnail
    ".json": "JSON",  # of Google Takeout
    **{extension: extension[1:].upper() for extension in (".pp3", ".arp", ".dop", ".on1", ".acr")},
    **{extension: extension[1:].upper() for extension in (".cos", ".nksc", ".vrd", ".dr4")},
}
ALL_KINDS = frozenset(KINDS.values())
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
    stem, extension = _split(folded(name))
    photo = os.path.splitext(_takeout_photo(stem))[1]
    beside = extension in EXTENSIONS or (extension == ".json" and photo in photo_extensions)
    return beside and extension not in photo_extensions


class Companions:
    """Looks for what lies beside photos; a folder is read again when it has changed."""

    def __init__(self) -> None:
        self._folders: dict[str, tuple[tuple[int, ...], CompanionIndex]] = {}

    def of(self, path: str, kinds: Collection[str] = ALL_KINDS) -> tuple[Companion, ...]:
        """What lies beside a photo, sorted by name. Changes nothing on disk."""
        found = map(companion_at, self.paths(path, kinds))
        return tuple(companion for companion in found if companion)

    def paths(self, path: str, kinds: Collection[str] = ALL_KINDS) -> list[str]:
        """Where the companions of a photo lie, sorted by name. Changes nothing on disk."""
        folder, photo = os.path.split(path)
        try:
            names = self._index(folder).of(photo)
        except OSError:
            return []
        found = [os.path.join(folder, name) for name in names if kind_of(name) in kinds]
        return [place for place in found if belongs(place, path)]

    def photos(self, path: str, folder: str, may_be_one: Callable[[str], bool]) -> list[str]:
        """The files in a folder that a companion belongs to, of those that may be photos.

        OSError where nobody can tell. Changes nothing on disk.
        """
        others = filter(may_be_one, self._index(folder).names)
        index = CompanionIndex([os.path.basename(path)])
        places = (os.path.join(folder, name) for name in others if index.of(name))
        return [place for place in places if place != path and belongs(path, place)]

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


def kind_of(name: str) -> str | None:
    """What kind of companion a file may be by its ending."""
    return KINDS.get(_split(name.lower())[1])


def belongs(companion: str, photo: str) -> bool:
    """Whether a file that has a photo's name belongs to it: a video may be anybody's."""
    return kind_of(companion) != VIDEO or is_live_video(companion, photo)


def companion_at(path: str) -> Companion | None:
    """What lies at a path, if it is a regular file that can be read."""
    if (kind := kind_of(path)) is None:
        return None
    try:
        return Companion(path, kind, print_of(path))
    except OSError:
        return None


def print_of(path: str) -> str:
    """What files of the same content share, mostly no others: of their size and their ends."""
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        ends = stream.read(PRINTED_BYTES)
        stream.seek(max(len(ends), size - PRINTED_BYTES))
        ends += stream.read(PRINTED_BYTES)
    return hashlib.sha256(ends + size.to_bytes(8, "big")).hexdigest()


_seen = Companions()  # of this process, so that a folder isn't listed for each of its photos


def xmp_beside(path: str) -> list[bytes]:
    """The contents of the XMP files beside a photo. Changes nothing on disk."""
    contents = []
    for place in _seen.paths(path, ("XMP",)):
        with contextlib.suppress(OSError), open_regular(place) as stream:
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


# ---- How the names follow from a photo's


@dataclass(frozen=True, slots=True)
class Way:
    """How the names of companions follow from a photo's: those of some kinds, or else of all.

    `stems` makes of a photo's stem and ending, in small letters, what theirs may be.
    """

    stems: Callable[[str, str], Iterable[str]]
    kinds: tuple[str, ...] = ()


def _apples_edits(stem: str, _: str) -> Iterator[str]:
    """IMG_E1234.JPG is what IMG_1234.AAE makes of IMG_1234.JPG."""
    if match := APPLE_NAME.match(stem):
        yield from (f"img_{letter}{match[1]}" for letter in ("", "e", "o"))


def _canons_memo(stem: str, _: str) -> Iterator[str]:
    if stem.startswith("img_"):
        yield "snd_" + stem[4:]


def _takeouts_note(stem: str, ending: str) -> Iterator[str]:
    """An edited photo shares the note of the plain one; a long name is cut."""
    plain = TAKEOUT_EDITED.sub("", stem) + ending
    yield plain
    if len(plain) > TAKEOUT_NAME:
        yield plain[:TAKEOUT_NAME]


WAYS = (
    Way(lambda stem, _: (stem,)),
    Way(lambda stem, ending: (stem + ending,)),
    # As iCloud and Apple's Photos call the Live video when they hand it out.
    Way(lambda stem, _: (stem + "_hevc", stem + "_3"), (VIDEO,)),
    Way(_apples_edits, ("AAE",)),
    Way(_canons_memo, ("sound",)),
    Way(_takeouts_note, ("JSON",)),
)


class CompanionIndex:
    """The companions among some names, by the names of the photos that they fit."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._by_stem: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name in self.names:
            stem, extension = _split(folded(os.path.basename(name)))
            if (kind := KINDS.get(extension)) is not None:
                for key in {stem, _takeout_photo(stem)} if kind == "JSON" else {stem}:
                    self._by_stem[key].append((kind, name))
            if extension == ".mp":  # Google's "PXL_1.MP.jpg" has its video in "PXL_1.MP"
                self._by_stem[stem + extension].append((VIDEO, name))

    def of(self, photo: str) -> list[str]:
        """The names that belong to a photo of a name, sorted."""
        found = {
            name
            for kinds, stem in _stems(photo)
            for kind, name in self._by_stem.get(stem, ())
            if (not kinds or kind in kinds) and name != photo
        }
        return sorted(found)


@functools.lru_cache(maxsize=1 << 15)
def _stems(photo: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """What the companions of a photo may be called, each with their kinds."""
    stem, ending = _split(folded(photo))
    return tuple((way.kinds, name) for way in WAYS for name in way.stems(stem, ending))


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


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
