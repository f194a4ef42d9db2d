"""What kind of file a preview is, what it is called and what it takes; none is made here."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from disk.files import ImageFile
from pictures import formats

RECIPE = 1  # whoever changes what `pictures.preview` makes raises it, and all are made anew
SIDE = 2048  # pixels of the longer side, at most
JPEG = ".jpg"  # how the name of a preview ends that is no file of its original's format


@dataclass(frozen=True, slots=True)
class Form:
    """How previews of a format are written, and what one of a photo rich in detail takes."""

    format: str
    usual_bytes: int
    has_alpha: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


AS_JPEG = Form("JPEG", 700_000, options={"quality": 85})
# By what the name of the original says, so that the preview's name says what it is; else a JPEG.
FORMS = {
    "a JPEG": AS_JPEG,
    "a PNG": Form("PNG", 5_300_000, has_alpha=True, options={"compress_level": 1}),
    "a BMP": Form("BMP", 3 * SIDE * SIDE * 3 // 4),
    "a GIF": Form("GIF", 2_000_000, has_alpha=True),
    "a TIFF": Form(
        "TIFF",
        5_300_000,
        has_alpha=True,
        options={"compression": "tiff_adobe_deflate", "tiffinfo": {317: 2}},  # by differences
    ),
    "a WebP": Form("WEBP", 550_000, has_alpha=True, options={"quality": 80, "method": 2}),
    "an AVIF": Form(
        "AVIF",
        600_000,
        has_alpha=True,
        options={"quality": 75, "speed": 10, "max_threads": 1},
    ),
}


@dataclass(frozen=True, slots=True)
class Small:
    """The preview of a photo, as bytes, and the digest of the photo of which it was made."""

    file: ImageFile
    digest: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    """A photo that is to be copied whole, and why if not because it is small or of many pages."""

    file: ImageFile
    reason: str = ""


def form_of(path: str) -> Form:
    """How the preview of a photo of a name is written."""
    form = formats.by_ending(path)
    return FORMS.get(form.said, AS_JPEG) if form else AS_JPEG


def path_of(path: str) -> str:
    """A photo's path, as the name of its preview spells it: one that is another JPEG says so."""
    form = formats.by_ending(path)
    return path if form and form.said in FORMS else path + JPEG


def spelled(paths: Collection[str]) -> dict[str, str]:
    """The paths of some photos, each as the name of its preview spells it, which is no other's."""
    found = {}
    for path in paths:
        name = path_of(path)
        while name != path and name in paths:
            name += JPEG
        found[path] = name
    return found


def usual_bytes(file: ImageFile) -> int:
    """What the copy of a photo takes about, if it is a preview where that is worth it."""
    return min(file.size, form_of(os.path.basename(file.path)).usual_bytes)
