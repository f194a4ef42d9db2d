"""A photo library as a person has one after ten years, in small, the same each time.

Phones' HEICs with Live videos and edits, motion photos, shots with RAW and XMP, Takeout, scans,
messengers, screenshots, icons, backups in backups, a protected album, what is damaged and what
other programs keep; beside it the card of a camera and an old disk.
"""

import functools
import importlib.util
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from made_pictures import encoded, on_phone, png, tiff, toned
from made_raw import dng
from made_videos import film, makers_note
from PIL import Image

SIDE = (300, 200)
HAS_JXL = importlib.util.find_spec("pillow_jxl") is not None
LONG, CUT = "A walk along the river to the old mill and back", 46  # where Takeout cuts names
AAE = b"<plist>warmer</plist>"
HEIC_OPTIONS: Mapping[str, Any] = {"quality": 60, "enc_params": {"preset": "ultrafast"}}


@functools.lru_cache(maxsize=64)
def scene(number: int) -> Image.Image:
    """A picture that is like no other of these."""
    chance = np.random.default_rng(number)
    coarse = Image.fromarray(chance.integers(0, 256, (7, 10, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize(SIDE, Image.Resampling.BICUBIC)).astype(float)
    grain = chance.normal(0, 5, (SIDE[1], SIDE[0], 1))
    return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))


def identifier(number: int) -> str:
    """What Apple's phone writes into a photo and its Live video."""
    return f"{number:08X}-0000-4000-8000-000000000000"


def exif(number: int, camera: str, note: bytes = b"") -> bytes:
    """What a camera notes of a picture, each taken on a day of its own."""
    tags = Image.Exif()
    tags[0x010F], tags[0x0110] = camera, f"{camera} 1"
    details = tags.get_ifd(0x8769)
    details[0x9003] = f"2021:{number // 28 % 12 + 1:02}:{number % 28 + 1:02} 12:00:00"
    details[0x829A], details[0x829D] = 0.01, 2.8
    if note:
        details[0x927C] = note
    return tags.tobytes()


@functools.cache
def heic(number: int) -> bytes:
    """A phone's photo with the identifier of its Live video."""
    import pillow_heif

    made = pillow_heif.from_pillow(scene(number))
    stream = io.BytesIO()
    words = exif(number, "Apple", makers_note(identifier(number)))
    made.save(stream, exif=words, **HEIC_OPTIONS)
    return stream.getvalue()


@functools.cache
def jpeg(number: int, quality: int = 92, camera: str = "Canon") -> bytes:
    """A camera's photo, or without a camera what a messenger or a program makes of it."""
    words = {"exif": exif(number, camera)} if camera else {}
    return encoded(scene(number), "JPEG", quality=quality, **words)


@functools.cache
def raw(number: int) -> bytes:
    return dng(scene(number)).replace(b"2020:05:01", b"2020:05:%02d" % (number % 28 + 1))


@functools.cache
def motion_photo(number: int) -> bytes:
    """A photo of an Android phone with its video behind the picture."""
    return jpeg(number, camera="Google") + film(identifier(number), seconds=1)


@functools.cache
def other_files() -> dict[str, bytes]:
    """What costs time to make and is the same each time."""
    made = {
        "edited": encoded(toned(scene(1)), "JPEG", quality=90),
        "scan": tiff(scene(60), compression="tiff_lzw"),
        "screenshot": png(on_phone(scene(61))[0].resize((540, 1100))),
        "icon": png(scene(62).resize((32, 32))),
        "gif": encoded(scene(63), "GIF"),
        "small": encoded(scene(21).resize((240, 160)), "JPEG", quality=80),
    }
    if HAS_JXL:
        import pillow_jxl  # noqa: F401

        made["jxl"] = encoded(scene(64), "JXL")
    return made


def with_comment(data: bytes, words: bytes) -> bytes:
    """The same picture in a JPEG that says something else."""
    return data[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words + data[2:]


@dataclass(frozen=True)
class MadeLibrary:
    """Where all of it lies, which scene each photo shows that find can compare, and what a file
    beside photos belongs to, or may belong to for all that anybody can tell.
    """

    top: Path
    shows: dict[Path, int] = field(default_factory=dict)
    beside: dict[Path, set[Path]] = field(default_factory=dict)
    may_belong: dict[Path, set[Path]] = field(default_factory=dict)
    unreadable: set[Path] = field(default_factory=set)

    @property
    def photos(self) -> Path:
        return self.top / "photos"

    @property
    def card(self) -> Path:
        return self.top / "card"

    @property
    def disk(self) -> Path:
        return self.top / "disk"

    @property
    def best(self) -> Path:
        """The protected album."""
        return self.photos / "Best"

    def put(self, name: str, content: bytes, shows: int | None = None) -> Path:
        """A file, by its path below the top; not as new as what find would read again."""
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_600_000_000, 1_600_000_000))
        if shows is not None:
            self.shows[path] = shows
        return path

    def put_beside(self, name: str, content: bytes, *photos: str) -> None:
        """A file that belongs to photos in its folder."""
        path = self.put(name, content)
        self.beside[path] = {path.parent / photo for photo in photos}

    def groups(self, *folders: Path) -> set[frozenset[Path]]:
        """The photos below some folders that show the same, without what is one shot alone."""
        return {g for g in self._alike(folders) if len(g) > 1 and not _is_shot(g)}

    def shots(self, *folders: Path) -> set[frozenset[Path]]:
        """What is one RAW and its JPEG, and is nowhere else."""
        return {g for g in self._alike(folders) if _is_shot(g)}

    def _alike(self, folders: Sequence[Path]) -> set[frozenset[Path]]:
        below = {p: shown for p, shown in self.shows.items() if any(map(p.is_relative_to, folders))}
        return {frozenset(p for p in below if below[p] == s) for s in set(below.values())}


def _is_shot(group: frozenset[Path]) -> bool:
    is_one = len({path.with_suffix("") for path in group}) == 1
    return is_one and sorted(path.suffix for path in group) == [".DNG", ".JPG"]


def make_library(top: Path) -> MadeLibrary:
    made = MadeLibrary(top)
    for fill in (_phone, _android, _camera, _takeout, _messenger, _scans, _not_photos):
        fill(made)
    for fill in (_backups, _best, _broken, _others_places, _links, _card, _disk):
        fill(made)
    return made


def _live(made: MadeLibrary, folder: str, number: int) -> None:
    stem = f"IMG_{number:04}"
    made.put(f"{folder}/{stem}.HEIC", heic(number), number)
    made.put_beside(f"{folder}/{stem}.MOV", film(identifier(number), seconds=2), f"{stem}.HEIC")


def _shot(made: MadeLibrary, folder: str, number: int) -> None:
    stem = f"DSC_{number:04}"
    made.put(f"{folder}/{stem}.DNG", raw(number), number)
    made.put(f"{folder}/{stem}.JPG", jpeg(number), number)
    rating = b"<x:xmpmeta>rated %d</x:xmpmeta>" % number
    made.put_beside(f"{folder}/{stem}.xmp", rating, f"{stem}.DNG", f"{stem}.JPG")


def _phone(made: MadeLibrary) -> None:
    """Live photos, one of them edited and one exported, and a film that is nobody's."""
    folder = "photos/iPhone"
    for number in (1, 2, 3, 4):
        _live(made, folder, number)
    made.put(f"{folder}/IMG_0004.JPG", jpeg(4, 85, ""), 4)
    made.may_belong[made.photos / "iPhone/IMG_0004.MOV"] = {made.photos / "iPhone/IMG_0004.JPG"}
    made.put(f"{folder}/IMG_E0001.JPG", other_files()["edited"], 1)
    made.put_beside(f"{folder}/IMG_0001.AAE", AAE, "IMG_0001.HEIC", "IMG_E0001.JPG")
    made.may_belong[made.photos / "iPhone/IMG_0001.AAE"] = {made.photos / "iPhone/IMG_0001.MOV"}
    made.put(f"{folder}/IMG_0099.MOV", film(seconds=90))


def _android(made: MadeLibrary) -> None:
    folder = "photos/Pixel"
    made.put(f"{folder}/PXL_20210501_120000000.MP.jpg", motion_photo(10), 10)
    made.put(f"{folder}/PXL_20210501_120000000.MP~2.jpg", jpeg(10, 80, ""), 10)
    made.put(f"{folder}/PXL_20210502_120000000.jpg", jpeg(11, camera="Google"), 11)
    for place in ("photos/Samsung", "photos/Backup 2022/Samsung"):
        made.put(f"{place}/20210601_100000.jpg", jpeg(12, camera="Samsung"), 12)
        made.put_beside(f"{place}/20210601_100000.mp4", film(), "20210601_100000.jpg")


def _camera(made: MadeLibrary) -> None:
    """Two shots alone, one that a backup has as well, and a JPEG without a RAW."""
    for number in (20, 22, 23):
        _shot(made, "photos/Camera", number)
    made.put("photos/Camera/DSC_0021.JPG", jpeg(21), 21)


def _takeout(made: MadeLibrary) -> None:
    """Photos with notes: one that was edited, some of one name, and one with a long name."""
    folder, note = "photos/Takeout/Photos from 2019", ".supplemental-metadata"
    for name, number in {"IMG_0100": 30, "IMG_0100(1)": 31, LONG: 32, "IMG_0200(1)": 33}.items():
        made.put(f"{folder}/{name}.jpg", jpeg(number, camera="Google"), number)
    for name, number in {"IMG_0100-edited": 30, "IMG_0200-edited(1)": 33}.items():
        made.put(f"{folder}/{name}.jpg", jpeg(number, 70, ""), number)
    both = ("IMG_0100.jpg", "IMG_0100-edited.jpg")
    made.put_beside(f"{folder}/IMG_0100.jpg{note}.json", b"{30}", *both)
    made.put_beside(f"{folder}/IMG_0100.jpg{note}(1).json", b"{31}", "IMG_0100(1).jpg")
    made.put_beside(f"{folder}/{LONG[:CUT]}.json", b"{32}", f"{LONG}.jpg")
    both = ("IMG_0200(1).jpg", "IMG_0200-edited(1).jpg")
    made.put_beside(f"{folder}/IMG_0200.jpg(1).json", b"{33}", *both)
    album = "photos/Takeout/Album"
    for name, number in {"IMG_0100": 31, LONG: 32, "IMG_0200": 33}.items():
        made.put(f"{album}/{name}.jpg", jpeg(number, camera="Google"), number)
    made.put_beside(f"{album}/IMG_0100.jpg{note}.json", b"{31}", "IMG_0100.jpg")
    made.put_beside(f"{album}/{LONG[:CUT]}.json", b"{32}", f"{LONG}.jpg")
    made.put_beside(f"{album}/IMG_0200.jpg.json", b"{33}", "IMG_0200.jpg")


def _messenger(made: MadeLibrary) -> None:
    """What came back of the phone's and the camera's photos."""
    for place, number in enumerate((2, 11, 21, 40)):
        name = f"photos/WhatsApp/IMG-20210601-WA{place:04}.jpg"
        made.put(name, jpeg(number, 60, ""), number)


def _scans(made: MadeLibrary) -> None:
    made.put("photos/Scans/grandma.tif", other_files()["scan"], 60)
    made.put("photos/Scans/grandma.jpg", jpeg(60, 75, ""), 60)
    made.put("photos/Screenshots/2021-06-01.png", other_files()["screenshot"], 61)
    made.put("photos/Screenshots/original.jpg", jpeg(61), 61)
    if HAS_JXL:
        made.put("photos/Scans/new.jxl", other_files()["jxl"], 64)
        made.put("photos/Scans/new.jpg", jpeg(64, 75, ""), 64)


def _not_photos(made: MadeLibrary) -> None:
    """What the options leave out, and what is no picture."""
    for folder in ("photos/icons", "photos/icons/old"):
        made.put(f"{folder}/app.png", other_files()["icon"])
        made.put(f"{folder}/dance.gif", other_files()["gif"])
    made.put("photos/read me.txt", b"my photos")


def _backups(made: MadeLibrary) -> None:
    """Backups in backups: identical files, some under other names, some without companions."""
    old = "photos/Backup 2022"
    for number in (1, 3, 4):
        _live(made, f"{old}/iPhone", number)
    made.put_beside(f"{old}/iPhone/IMG_0001.AAE", AAE, "IMG_0001.HEIC")
    made.may_belong[made.top / old / "iPhone/IMG_0001.AAE"] = {
        made.top / old / "iPhone/IMG_0001.MOV"
    }
    _live(made, f"{old}/Backup 2021/iPhone", 3)
    made.put(f"{old}/Backup 2021/mother's birthday.HEIC", heic(3), 3)
    _shot(made, f"{old}/Camera", 20)
    made.put(f"{old}/Camera/DSC_0021.JPG", jpeg(21), 21)
    only = b"<x:xmpmeta>only here</x:xmpmeta>"
    made.put_beside(f"{old}/Camera/DSC_0021.xmp", only, "DSC_0021.JPG")


def _best(made: MadeLibrary) -> None:
    """An album that is protected: a smaller version of one photo, the same of another."""
    made.put("photos/Best/first.jpg", jpeg(21, 60, ""), 21)
    _live(made, "photos/Best", 3)
    made.put("photos/Best/alone.jpg", jpeg(41), 41)


def _broken(made: MadeLibrary) -> None:
    for name, content in {
        "empty.jpg": b"",
        "noise.jpg": b"\xff\xd8\xff no picture",
        "half.HEIC": heic(2)[: len(heic(2)) // 2],
        "cut.DNG": raw(22)[:300],
    }.items():
        made.unreadable.add(made.put(f"photos/rescued/{name}", content))
    whole = jpeg(42, 95)
    made.put("photos/rescued/whole.jpg", whole, 42)
    made.put("photos/rescued/cut.jpg", whole[: len(whole) * 3 // 4], 42)


def _others_places(made: MadeLibrary) -> None:
    """Trashes, previews and caches, which hold what nobody may rely on."""
    made.put("photos/.Trash-1000/files/gone.jpg", jpeg(50))
    made.put("photos/iPhone/@eaDir/IMG_0001.HEIC/SYNOPHOTO_THUMB_XL.jpg", jpeg(1, 50, ""))
    made.put("photos/.thumbnails/normal/0.png", png(scene(2).resize((128, 85))))
    made.put("photos/.cache/some.jpg", jpeg(51))


def _links(made: MadeLibrary) -> None:
    """Of a photo a hard link, which find counts as the same file, and links that lead to it."""
    first = made.photos / "Camera" / "DSC_0021.JPG"
    os.link(first, made.photos / "Camera" / "linked.JPG")
    (made.photos / "favourite.JPG").symlink_to(first)
    (made.photos / "Phone").symlink_to(made.photos / "iPhone", target_is_directory=True)


def _card(made: MadeLibrary) -> None:
    """Of four shots two are in the library, one of them under another name and one as a version."""
    _live(made, "card/DCIM/100APPLE", 2)
    made.put("card/DCIM/100APPLE/IMG_0007.HEIC", heic(1), 1)
    made.put("card/DCIM/100APPLE/IMG_0008.JPG", jpeg(11, 85, ""), 11)
    _live(made, "card/DCIM/100APPLE", 70)
    made.put("card/DCIM/100APPLE/IMG_0071.JPG", jpeg(70, 80, ""), 70)


def _disk(made: MadeLibrary) -> None:
    """An old disk: some of it is in the library as it is, some otherwise, some nowhere."""
    _live(made, "disk/phone", 3)
    made.put("disk/phone/IMG_0001.AAE", AAE)
    _shot(made, "disk/camera", 20)
    made.put("disk/tagged.jpg", with_comment(jpeg(11, camera="Google"), b"Oma"), 11)
    made.put("disk/small.jpg", other_files()["small"], 21)
    made.put("disk/new.jpg", jpeg(80), 80)
    made.put("disk/new.xmp", b"<x:xmpmeta>new</x:xmpmeta>")
    made.put("disk/trashed in the library.jpg", jpeg(50), 50)
    made.put("disk/cached.jpg", jpeg(51), 51)
    made.put("disk/film.mov", film(identifier(81), seconds=50))
    made.put("disk/.Trashes/501/old.jpg", jpeg(82))
    only = made.put("disk/linked.jpg", jpeg(83), 83)
    os.link(only, made.photos / "from the disk.jpg")
