"""Folders that programs keep for themselves: trashes, old versions, previews, libraries, results.

What lies in one is no picture to compare: its program deletes it, makes it anew, or knows it by a
database. So nothing in it may be taken, and none of it is the last copy of anything.
"""

import functools
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from disk.own_names import MANIFEST

TRASH = "trash"
VERSIONS = "version store"
PREVIEWS = "preview cache"
LIBRARY = "library"
RESULT = "result"
PLURALS = {
    TRASH: "trashes",
    VERSIONS: "version stores",
    PREVIEWS: "preview caches",
    LIBRARY: "libraries",
    RESULT: "results",
}

# The names in a folder, by their lower case.
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the table: a folder's name, and what else must be so that it is meant.

    `name` is a regular expression of the last parts of a path. Of the alternatives in `holds`
    and in `beside` one must lie in the folder and next to it, each with all of its paths; a star
    stands for the start of a name. With `namesakes`, what lies in it has names of what lies next
    to it. All of it is in lower case, as many systems know no other.
    """

    kind: str
    maker: str
    name: str
    holds: tuple[tuple[str, ...], ...] = ()
    beside: tuple[tuple[str, ...], ...] = ()
    namesakes: bool = False

    def __str__(self) -> str:
        return f"a {self.kind} ({self.maker})"

    @property
    def kinds(self) -> str:
        return PLURALS[self.kind]


MADE_BY_SYSTEMS = re.compile(r"[.#@$]|recycler$|files_trashbin$", re.IGNORECASE)  # trashes
ANY = r"[^/]*"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What Google Photos calls its trash, by the language of an export.
_BIN = (
    r"bin|trash|papierkorb|corbeille|cestino|papelera( de reciclaje)?|paperera|lixeira|reciclagem"
    r"|prullenbak|kosz|ko(š|s\u030c)|papperskorg(en)?|papirkurv(en)?|roskakori|lomt(á|a\u0301)r"
    r"|co(ș|s\u0326) de gunoi|(ç|c\u0327)(ö|o\u0308)p kutusu|корзина|кошик|(ゴ|コ\u3099)ミ箱"
    r"|(휴지통|\u1112\u1172\u110c\u1175\u1110\u1169\u11bc)"
    r"|回收站|回收桶|垃圾桶|垃圾箱"
)
TABLE = (
    # Deleted files; a hidden folder with such a name is no person's
    Place(TRASH, "desktops", r"\.?trash(es|-\d+)?"),
    Place(TRASH, "phones and servers", rf"\.{ANY}(trash|recycl){ANY}"),
    Place(TRASH, "Windows", r"\$recycle\.bin|recycler"),
    Place(TRASH, "Windows", r"recycled", holds=(("info2",), ("desktop.ini",))),
    Place(TRASH, "Synology and QNAP", rf"[#@](syno)?recycle{ANY}"),
    Place(TRASH, "Synology Drive", r"\.synologyworkingdirectory"),
    Place(TRASH, "D-Link and QNAP", r"(network )?recycle[ .]?bin( - volume_\d+| \d+)?"),
    Place(TRASH, "Buffalo", r"trashbox"),
    Place(TRASH, "Huawei and ES File Explorer", r"\.(gallery2|estrongs)/recycle"),
    Place(TRASH, "Nextcloud and ownCloud", r"files_trashbin"),
    Place(TRASH, "Mac OS 9", r"network trash folder"),
    Place(TRASH, "MEGA", r"\.debris|syncdebris"),
    Place(TRASH, "Google Photos", rf"(takeout{ANY}/[^/]+|{ANY}google{ANY})/({_BIN})"),
    # Earlier states of files
    Place(VERSIONS, "Nextcloud and ownCloud", r"files_versions|__groupfolders/(\d+/)?versions"),
    Place(VERSIONS, "Syncthing", r"\.stversions"),
    Place(VERSIONS, "Resilio Sync", r"\.sync/archive|\.syncarchive"),
    Place(VERSIONS, "Dropbox", r"\.dropbox\.cache"),
    Place(VERSIONS, "Google Drive", r"\.tmp\.drive(down|up)load"),
    Place(
        VERSIONS,
        "file servers",
        rf"\.snap(shot{ANY}|s)?|[#@~]snapshots?|@recently-snapshot|\.zfs|\.ckpt|@gmt-{ANY}",
    ),
    Place(
        VERSIONS,
        "Time Machine",
        rf"backups\.backupdb|\.timemachine|\.mobilebackups{ANY}|{ANY}\.(backupbundle|sparsebundle)"
        r"|\d{4}-\d\d-\d\d-\d{6}\.(backup|previous|inprogress|interrupted)",
    ),
    Place(VERSIONS, "macOS", r"\.documentrevisions-v100|\.spotlight-v100|\.fseventsd"),
    Place(VERSIONS, "Windows", r"system volume information|filehistory/[^/]+/[^/]+/data"),
    Place(VERSIONS, "Back In Time", r"backintime/[^/]+/[^/]+/[^/]+/\d{8}-\d{6}(-\d+)?"),
    Place(VERSIONS, "Timeshift", rf"timeshift/snapshots{ANY}"),
    Place(VERSIONS, "rsnapshot", r"(hourly|daily|weekly|monthly|yearly)\.\d+"),
    # What is made of pictures to show them
    Place(PREVIEWS, "desktops and phones", rf"\.(micro)?thumb{ANY}|\.cache/thumbnails"),
    Place(PREVIEWS, "Synology", r"@eadir"),
    Place(PREVIEWS, "QNAP", r"\.@(__thumb|upload_cache)|\.streams"),
    Place(PREVIEWS, "Western Digital", r"\.wdmc"),
    Place(PREVIEWS, "Nextcloud", r"appdata_[a-z0-9]{6,}"),
    Place(PREVIEWS, "ownCloud", r"thumbnails", beside=(("files_trashbin",), ("files_versions",))),
    Place(
        PREVIEWS,
        "Immich",
        rf"immich{ANY}/((library|upload|data|photos)/)?(thumbs|encoded-videos?|profile)"
        rf"|thumbs/{_UUID}",
    ),
    Place(PREVIEWS, "Immich", r"thumbs|encoded-video|profile", holds=((".immich",),)),
    Place(
        PREVIEWS,
        "Immich",
        r"thumbs|encoded-video|profile",
        beside=(
            ("upload/.immich",),
            ("library/.immich",),
            ("thumbs", "encoded-video", "upload"),
            ("thumbs", "encoded-video", "library"),
        ),
    ),
    Place(
        PREVIEWS,
        "PhotoPrism",
        rf"photoprism{ANY}/(storage/)?(cache|sidecar)|storage/sidecar|\.photoprism",
    ),
    Place(PREVIEWS, "PhotoPrism", ANY, holds=((".ppstorage",),)),
    Place(PREVIEWS, "PhotoPrism", r"storage", holds=(("cache/thumbnails",), ("cache", "sidecar"))),
    Place(PREVIEWS, "Lightroom", rf"{ANY}\.(lrdata|lrcat-data)"),
    Place(PREVIEWS, "Lightroom", ANY, holds=(("previews.db", "root-pixels.db"),)),
    Place(PREVIEWS, "Lightroom", rf"{ANY} (previews|helper)", beside=(("*.lrcat",),)),
    Place(PREVIEWS, "Capture One", r"captureone/(cache|settings\d*)"),
    Place(PREVIEWS, "Adobe Bridge", r"\.bridgecachet?|(adobe )?bridge cache"),
    Place(PREVIEWS, "darktable", r"mipmaps-[^/]+\.d"),
    Place(PREVIEWS, "Shotwell", r"\.?shotwell/thumbs"),
    Place(PREVIEWS, "iTunes", r"ipod photo cache"),
    Place(PREVIEWS, "iMovie", r"imovie (cache|thumbnails)"),
    Place(PREVIEWS, "Sony cameras", r"thmbnl"),
    Place(PREVIEWS, "Mylio", r"generated images\.bundle"),
    Place(PREVIEWS, "PhotoStructure", r"\.photostructure"),
    Place(PREVIEWS, "Piwigo", r"_data/i"),
    Place(PREVIEWS, "Gallery", r"var/(thumbs|resizes)"),
    Place(
        PREVIEWS,
        "Lychee",
        r"(thumb|small|medium)(2x)?",
        beside=(("thumb", "small", "medium", "big"), ("thumb", "small", "medium", "original")),
    ),
    Place(PREVIEWS, "Picasa", r"contactthumbs"),
    Place(PREVIEWS, "WhatsApp", r"\.statuses|media/\.(links|stickerthumbs)"),
    Place(PREVIEWS, "LibrePhotos", r"protected_media/[^/]*(thumbnails|faces)[^/]*"),
    Place(PREVIEWS, "Kodi", r"userdata/thumbnails"),
    Place(PREVIEWS, "Plex", r"plex media server/(cache|media|metadata)"),
    Place(PREVIEWS, "Jellyfin and Emby", rf"(jellyfin|emby){ANY}/(cache|metadata)"),
    Place(PREVIEWS, "Android apps", r"android/data/[^/]+/cache"),
    # Pictures that a program knows by its database, and its documents
    Place(LIBRARY, "Apple Photos", rf"{ANY}\.photoslibrary"),
    Place(
        LIBRARY,
        "Apple Photos",
        ANY,
        holds=(
            ("database/photos.sqlite",),
            ("database/photos.db", "masters"),
            ("database/photos.db", "resources"),
        ),
    ),
    Place(LIBRARY, "Apple Photos", r"photodata", holds=(("photos.sqlite",),)),
    Place(LIBRARY, "iPhoto", rf"{ANY}\.photolibrary|iphoto library"),
    Place(
        LIBRARY,
        "iPhoto",
        ANY,
        holds=(
            ("albumdata.xml",),
            ("albumdata2.xml",),
            ("library.iphoto",),
            ("iphotomain.db",),
            ("iphotolock.data",),
        ),
    ),
    Place(LIBRARY, "Aperture", rf"{ANY}\.(aplibrary|apvault|approject|migrated[a-z]*library)"),
    Place(
        LIBRARY,
        "Aperture",
        ANY,
        holds=(("database/apdb",), ("database/library.apdb",), ("aperturedata.xml",)),
    ),
    Place(LIBRARY, "Lightroom", rf"{ANY}\.lrlibrary"),
    Place(LIBRARY, "Lightroom", ANY, holds=(("managed catalog.mcat",),)),
    Place(LIBRARY, "Capture One", rf"{ANY}\.cocatalog"),
    Place(
        LIBRARY,
        "Capture One",
        ANY,
        holds=(
            ("*.cocatalogdb", "originals"),
            ("*.cocatalogdb", "cache"),
            ("*.cocatalogdb", "adjustments"),
        ),
    ),
    Place(LIBRARY, "Photo Booth", r"photo booth library"),
    Place(LIBRARY, "Photo Booth", rf"{ANY}photo ?booth{ANY}", holds=(("pictures", "originals"),)),
    Place(LIBRARY, "Picasa", r"\.picasaoriginals"),
    Place(
        LIBRARY,
        "Picasa",
        r"originals",
        beside=(("picasa.ini",), (".picasa.ini",)),
        namesakes=True,
    ),
    Place(LIBRARY, "ACDSee", r"\[originals\]"),
    Place(LIBRARY, "Immich", r"upload|library", holds=((".immich",),)),
    Place(LIBRARY, "Eagle", rf"{ANY}\.library", holds=(("images", "metadata.json"),)),
    Place(LIBRARY, "Keynote, Pages, Numbers", rf"{ANY}\.(key|pages|numbers)"),
    Place(
        LIBRARY,
        "Keynote, Pages, Numbers",
        ANY,
        holds=(
            ("index.zip", "data", "metadata"),
            ("index.apxl",),
            ("index.apxl.gz",),
            ("index.xml.gz",),
            ("metadata/buildversionhistory.plist",),
        ),
    ),
    Place(
        LIBRARY,
        "iMovie and Final Cut",
        rf"{ANY}\.(imovielibrary|imovieproject|rcproject|theater|fcpbundle|dvdproj)",
    ),
    Place(
        LIBRARY,
        "iMovie and Final Cut",
        ANY,
        holds=(("currentversion.flexolibrary",), ("currentversion.imovieevent",)),
    ),
    Place(
        LIBRARY,
        "GarageBand and Logic",
        rf"{ANY}\.(band|logicx?)",
        holds=(("projectdata",), ("media",), ("alternatives",)),
    ),
    Place(LIBRARY, "macOS", rf"{ANY}\.app", holds=(("contents",),)),
    Place(LIBRARY, "macOS", rf"{ANY}\.(framework|rtfd|textbundle|graffle|scriv|pvt)"),
    # Our own: the next find replaces it, so its copies are no photos and remain of nothing
    Place(RESULT, f"find, by its {MANIFEST}", ANY, holds=((MANIFEST,),)),
)

# Files of other programs among a person's own, by their name in lower case.
FILES = (
    ("trashed files", r"\.trashed-.*"),  # Android's, like the next
    ("unfinished files", r"\.pending-.*"),
    ("previews", rf"{_UUID}[-_](preview|thumbnail|fullsize)\.\w+"),  # Immich's
    ("previews", r"[0-9a-f]{40}_\d+x\d+_[a-z]+\.\w+"),  # PhotoPrism's
    ("previews", r"syno(photo|file)_thumb.*"),
    ("companion files of macOS", r"\._.*"),
)


class _AnyOf:
    """Some names, of which one is looked for; they are compiled when it is wanted."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)

    def which(self, text: str) -> int | None:
        """The position of the name that matches."""
        match = self._pattern.fullmatch(text)
        return match.lastindex - 1 if match and match.lastindex else None

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Matches any of the names, each by a group of its own."""
        inner = (re.sub(r"(?<!\\)\((?!\?)", "(?:", name) for name in self._names)
        return re.compile("|".join(f"({name})" for name in inner), re.DOTALL)


# Most rows are known by one name, some by several parts of a path, which is looked for longer.
_BY_PATH = [place for place in TABLE if not place.holds and not place.beside]
_NAMED = [place for place in _BY_PATH if "/" not in place.name.replace(ANY, "")]
_PATHS = [place for place in _BY_PATH if "/" in place.name.replace(ANY, "")]
_BY_MORE = [place for place in TABLE if place.holds or place.beside]
# Of most folders no row's name and no sign says anything, which must be seen at once.
_NAME_OR_SIGN = _AnyOf(place.name for place in _BY_MORE if place.name != ANY)
_SIGNS = frozenset(
    paths[0].partition("/")[0] for place in _BY_MORE if place.name == ANY for paths in place.holds
)
_ENDINGS = tuple(sign[1:] for sign in _SIGNS if sign.startswith("*"))
_ANY_NAME = _AnyOf(place.name for place in _NAMED)
_ANY_PATH = _AnyOf(rf"(?:.*/)?(?:{place.name})" for place in _PATHS)
_ANY_FILE = _AnyOf(name for _, name in FILES)


def names_of(entries: Iterable[str]) -> Names:
    """The names in a folder by their lower case."""
    return {name.lower(): name for name in entries}


def place_at(folder: str, names: Names, beside: Names) -> Place | None:
    """What place a folder is by its path, the names in it and those next to it.

    Changes nothing on disk.
    """
    if place := _named(folder):
        return place
    own_name = os.path.basename(folder).lower()
    if not _may_tell(own_name, names):
        return None
    for place in _BY_MORE:
        if re.fullmatch(place.name, own_name) and _has_its_signs(place, folder, names, beside):
            return place
    return None


def _may_tell(own_name: str, names: Names) -> bool:
    """Whether a folder's name, or one in it, is one of those that tell a place."""
    is_known = _NAME_OR_SIGN.which(own_name) is not None
    return (is_known or not names.keys().isdisjoint(_SIGNS)) or any(
        name.endswith(_ENDINGS) for name in names
    )


def _has_its_signs(place: Place, folder: str, names: Names, beside: Names) -> bool:
    """Whether a folder has in it and beside it what a place of that name has."""
    parent = os.path.dirname(folder)
    if place.holds and not any(_are_in(folder, names, paths) for paths in place.holds):
        return False
    if place.beside and not any(_are_in(parent, beside, paths) for paths in place.beside):
        return False
    return not place.namesakes or _are_namesakes(names, beside)


def _are_namesakes(names: Names, beside: Names) -> bool:
    """Whether all names of a folder stand next to it, too, but for those of systems' files."""
    own = {n for n in names if not n.startswith(".")} - {"picasa.ini", "desktop.ini", "thumbs.db"}
    return bool(own) and own <= beside.keys()


def _named(folder: str) -> Place | None:
    """The place that a folder is by its path alone."""
    path = folder.lower()
    for names, text, places in (
        (_ANY_NAME, os.path.basename(path), _NAMED),
        (_ANY_PATH, path, _PATHS),
    ):
        if (position := names.which(text)) is not None:
            return places[position]
    return None


def _are_in(folder: str, names: Names, paths: tuple[str, ...]) -> bool:
    return all(_is_in(folder, names, path) for path in paths)


def _is_in(folder: str, names: Names, path: str) -> bool:
    """Whether a folder with some names has a path, whatever its case."""
    first, _, rest = path.partition("/")
    if first.startswith("*"):
        return any(name.endswith(first[1:]) for name in names)
    if first not in names:
        return False
    below = os.path.join(folder, names[first])
    return not rest or _is_in(below, _listed(below), rest)


def _listed(folder: str) -> Names:
    """The names in a folder; none where it can't be listed."""
    try:
        return names_of(os.listdir(folder))
    except OSError:
        return {}


class Surroundings:
    """Knows in what place a path lies, also far above it; looks at each folder once."""

    def __init__(self) -> None:
        self._names: dict[str, Names] = {}
        self._places: dict[str, Place | None] = {}

    def place_of(self, folder: str) -> Place | None:
        """The outermost place that a folder is or lies in. Changes nothing on disk."""
        if folder not in self._places:
            parent = os.path.dirname(folder)
            outer = None if parent == folder else self.place_of(parent)
            here = outer or place_at(folder, self._names_in(folder), self._names_in(parent))
            self._places[folder] = here
        return self._places[folder]

    def whose(self, path: str) -> str | None:
        """What says that a file is another program's, if it is. Changes nothing on disk."""
        folder, name = os.path.split(path)
        if place := self.place_of(folder):
            return f"it lies in {place}"
        kind = kind_of_file(name)
        return f"it is one of another program's {kind}" if kind else None

    def _names_in(self, folder: str) -> Names:
        if folder not in self._names:
            self._names[folder] = _listed(folder)
        return self._names[folder]


def kind_of_file(name: str) -> str | None:
    """What kind of other programs' files one is by its name, or None. Changes nothing on disk."""
    position = _ANY_FILE.which(name.lower())
    return None if position is None else FILES[position][0]


def is_in_trash(path: str, top: str) -> bool:
    """Whether a folder between a file and the one at the top is a trash by its name.

    A visible "Trash" may be a person's own, in which they keep what they haven't decided on.
    """
    folder = os.path.dirname(path)
    while len(folder) > len(top):
        systems = MADE_BY_SYSTEMS.match(os.path.basename(folder))
        if systems and (place := _named(folder)) and place.kind == TRASH:
            return True
        folder = os.path.dirname(folder)
    return False
