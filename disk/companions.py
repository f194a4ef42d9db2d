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
import threading
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from disk.files import open_regular
from disk.live import is_live_video
from disk.own_names import is_cut, name_before

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
TAKEOUT_EDITED = re.compile(
    r"-(edited|effects|smile|mix|bearbeitet|modifié|editado|ha editado|editat|modificato|bewerkt|"
    r"edytowane|編集済み)$"
)
TAKEOUT_BEGINNING = 32  # characters of a long name, by which it is known whatever was cut off
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
    """Looks for what lies beside photos; a folder is read again when it has changed.

    Used by several threads.
    """

    def __init__(self) -> None:
        self._folders: dict[str, tuple[tuple[int, ...], CompanionIndex]] = {}
        self._doubted: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def look_again(self) -> None:
        """Have each folder read again before it is asked, whatever its time says."""
        self._doubted = set(self._folders)

    def of(self, path: str, kinds: Collection[str] = ALL_KINDS) -> tuple[Companion, ...]:
        """What lies beside a photo, sorted by name. Changes nothing on disk."""
        found = map(companion_at, self.paths(path, kinds))
        return tuple(companion for companion in found if companion)

    def paths(
        self,
        path: str,
        kinds: Collection[str] = ALL_KINDS,
        belong: Callable[[str, str], bool] | None = None,
    ) -> list[str]:
        """Where the companions of a photo lie, sorted by name. Changes nothing on disk."""
        folder, photo = os.path.split(path)
        try:
            with self._one_at_a_time:
                names = self._index(folder).of(photo)
        except OSError:
            return []
        found = [os.path.join(folder, name) for name in names if kind_of(name) in kinds]
        return [place for place in found if (belong or belongs)(place, path)]

    def photos(self, path: str, place: str, may_be_one: Callable[[str], bool]) -> list[str]:
        """What a companion, which now lies at a place, may belong to, of what may be a photo.

        Such a file may be set aside; its own path is given. OSError where nobody can tell. Changes
        nothing on disk.
        """
        return sorted(
            photo
            for folder in homes(path)
            for photo, its_place in self._owners(path, folder)
            if photo != path and may_be_one(photo) and may_belong(path, its_place, place)
        )

    def _owners(self, path: str, folder: str) -> list[tuple[str, str]]:
        """The paths, and the places, of what may have a companion by its name."""
        with self._one_at_a_time:
            found = self._index(folder).photos_of(os.path.basename(path))
        return [(os.path.join(folder, own), os.path.join(folder, name)) for own, name in found]

    def _index(self, folder: str) -> "CompanionIndex":
        below = list(_below(folder))
        seen = tuple(os.stat(place).st_mtime_ns for place in (folder, *below))
        before, index = self._folders.get(folder, ((), None))
        if index is None:
            index = CompanionIndex(listing(folder))
            if len(self._folders) >= MOST_FOLDERS:
                self._folders.clear()
        elif before != seen or folder in self._doubted:
            index.update(listing(folder))
        self._doubted.discard(folder)
        self._folders[folder] = seen, index
        return index


def kind_of(name: str) -> str | None:
    """What kind of companion a file may be by its ending."""
    return KINDS.get(_split(name.lower())[1])


def belongs(companion: str, photo: str) -> bool:
    """Whether a file that has a photo's name surely belongs to it: a video may be anybody's."""
    return kind_of(companion) != VIDEO or is_live_video(companion, photo) is True


def may_belong(companion: str, photo: str, place: str = "") -> bool:
    """Whether a file that has a photo's name may belong to it, for all that can be read.

    This is enough to keep it or to name it, and never to delete it. It may lie at another place,
    where it is set aside.
    """
    return kind_of(companion) != VIDEO or is_live_video(place or companion, photo) is not False


def homes(companion: str) -> list[str]:
    """The folders in which the photos of a companion may lie: its own, and those above it."""
    folder = os.path.dirname(companion)
    found = [folder]
    for pattern in BELOW:
        above = folder
        parts: list[str] = []
        for _ in pattern:
            above, part = os.path.split(above)
            parts.insert(0, part)
        if all(map(fnmatch.fnmatch, map(str.casefold, parts), map(str.casefold, pattern))):
            found.append(above)
    return found


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
    try:
        return sorted(fnmatch.filter(os.listdir(folder), pattern))
    except OSError:
        return []


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
    stem, number = _numbered(stem)
    plain = TAKEOUT_EDITED.sub("", stem)
    yield plain + number + ending
    if len(plain + ending) > TAKEOUT_NAME:
        yield (plain + ending)[:TAKEOUT_NAME] + number


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
    """The companions among some names, by the names of the photos that they fit, and these."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: frozenset[str] = frozenset()
        self._by_stem: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._by_key: dict[str, list[Owner]] = defaultdict(list)
        self._owning: frozenset[str] = frozenset()
        self.update(names)

    def update(self, names: Iterable[str]) -> None:
        """Take other names; what was among those of before costs little."""
        names = frozenset(names)
        for name in names - self._names:
            for kind, stem in _keys(name):
                self._by_stem[stem].append((kind, name))
        self._names = names

    def of(self, photo: str) -> list[str]:
        """The names that belong to a photo of a name, sorted."""
        found = {
            name
            for kinds, stem in _stems(photo)
            for kind, name in self._by_stem.get(stem, ())
            if (not kinds or kind in kinds) and name != photo and name in self._names
        }
        return sorted(found)

    def photos_of(self, companion: str) -> set[tuple[str, str]]:
        """The names that may have a companion of a name: as they were, and as they are.

        They differ where one is set aside. More may have it than those that it is shown with.
        """
        for name in self._names - self._owning:
            own = _name_of_photo(name)
            for kinds, stem in () if os.path.dirname(name) else (*_stems(own), *_doubtful(own)):
                self._by_key[stem].append(Owner(kinds, own, name))
        self._owning = self._names
        return {
            (owner.own, owner.name)
            for kind, key in (*_keys(companion), *_doubtful_keys(companion))
            for owner in self._by_key.get(key, ())
            if (not owner.kinds or kind in owner.kinds) and owner.name in self._names
        }


@dataclass(frozen=True, slots=True)
class Owner:
    """A photo, or a film, that may have companions of some kinds, by its name before and now."""

    kinds: tuple[str, ...]
    own: str
    name: str


def _keys(companion: str) -> Iterator[tuple[str, str]]:
    """What the photos of a companion may give as its stem, with its kind."""
    stem, extension = _split(folded(os.path.basename(companion)))
    if (kind := KINDS.get(extension)) is not None:
        for key in {stem, _takeout_photo(stem)} if kind == "JSON" else {stem}:
            yield kind, key
    if extension == ".mp":  # Google's "PXL_1.MP.jpg" has its video in "PXL_1.MP"
        yield VIDEO, stem + extension


# What may be, and is no reason to show or delete anything: a film shares the note of its photo,
# what was edited has anything behind the plain name but a letter or digit first, a long name may be
# cut anywhere. A number in brackets alone is another photo's.
_PLAIN, _CUT = "plain ", "cut "


def _doubtful(photo: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The stems of notes that a photo may share, besides those that are shown with it."""
    stem, ending = _split(folded(photo))
    if KINDS.get(ending) == VIDEO:
        yield ("JSON",), _PLAIN + stem
    stem, number = _numbered(stem)
    for place in (place for place, letter in enumerate(stem) if not letter.isalnum()):
        yield from ((("JSON",), _PLAIN + stem[:place] + n) for n in {number, ""})
    if len(stem) >= TAKEOUT_BEGINNING:
        yield ("JSON",), _CUT + stem[:TAKEOUT_BEGINNING]


def _doubtful_keys(companion: str) -> Iterator[tuple[str, str]]:
    stem, extension = _split(folded(os.path.basename(companion)))
    if KINDS.get(extension) != "JSON":
        return
    yield "JSON", _PLAIN + _split(_takeout_photo(stem))[0]
    stem = _numbered(stem)[0]
    if len(stem) >= TAKEOUT_NAME:
        yield "JSON", _CUT + stem[:TAKEOUT_BEGINNING]


def _name_of_photo(name: str) -> str:
    """The name of a file, which it may have lost by being set aside; cut, it may be a photo's."""
    if (before := name_before(name)) is None:
        return name
    return before + ".jpg" if is_cut(before) else before


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
    stem, number = _numbered(stem)
    photo, dot, note = stem.rpartition(".")
    if dot and TAKEOUT_NOTE.startswith(dot + note):
        stem = photo
    name, extension = _split(stem)
    return name + number + extension


def _numbered(stem: str) -> tuple[str, str]:
    """A stem and the number in brackets behind it, if there is one."""
    match = NUMBERED.match(stem)
    return (match[1], match[2]) if match else (stem, "")


def _split(name: str) -> tuple[str, str]:
    return os.path.splitext(name)


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
