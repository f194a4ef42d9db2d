"""Teaches Pillow to open RAWs by LibRaw, in the package rawpy: it shows the preview in them.

The preview is what the camera made of the shot. The picture's own size is that of the RAW.
"""

import io
from typing import Any

import rawpy
from PIL import Image, ImageFile

from pictures import formats
from pictures.exif import Tag, orientation_of, tried
from pictures.raw_structure import read_exif

LEAST_SIDE = 280  # of a preview, along; less is a thumbnail, of which nothing can be told
ORIENTATIONS = "12435867"  # EXIF's, by the number of LibRaw's flip
KEPT = ("icc_profile", "adobe", "adobe_transform", "progression", "progressive")
XMP = 700
NO_PREVIEW = "there is no preview in it"


class RawImageFile(ImageFile.ImageFile):
    """The preview of a RAW; `whole_size` is that of the picture itself, as that lies."""

    format = "RAW"
    format_description = "RAW"

    def _open(self) -> None:
        assert self.fp
        data = self.fp.read()
        preview, whole, flip = _preview(data)
        lies_across = (whole[0] > whole[1]) != (preview.width > preview.height)
        self.whole_size = whole[::-1] if lies_across else whole
        if max(preview.size) < LEAST_SIDE:
            width, height = preview.size
            raise ValueError(
                f"the preview in it has only {width} \N{MULTIPLICATION SIGN} {height} pixels"
            )
        self._preview: Image.Image | None = preview
        self.layer = getattr(preview, "layer", ())  # of a JPEG
        self.info = {name: preview.info[name] for name in KEPT if name in preview.info}
        self._mode, self._size = preview.mode, preview.size
        self.tile = []
        exif = self._read_exif(data, _orientation(preview, flip, lies_across))
        self._exif = exif
        if isinstance(packet := tried(lambda: exif.get(XMP), None), bytes):
            self.info["xmp"] = packet

    def _read_exif(self, data: bytes, orientation: int) -> Image.Exif:
        exif = Image.Exif()
        read_exif(exif, data)
        if not len(exif) and self._preview:
            exif = tried(self._preview.getexif, Image.Exif())
        exif[Tag.ORIENTATION] = orientation
        return exif

    def getexif(self) -> Image.Exif:
        assert self._exif is not None
        return self._exif

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> Any:
        if self._preview is None:
            return None
        drafted = self._preview.draft(mode, size)
        self._mode, self._size = self._preview.mode, self._preview.size
        return drafted

    def load(self) -> Any:
        if self._preview is not None:
            preview, self._preview = self._preview, None
            preview.load()
            self.im, self._mode, self._size = preview.im, preview.mode, preview.size
        return super().load()


def _preview(data: bytes) -> tuple[Image.Image, tuple[int, int], int]:
    """The largest preview of a RAW, the size of its own picture and how that is turned."""
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            sizes, preview = raw.sizes, raw.extract_thumb()
    except rawpy.LibRawUnsufficientMemoryError as error:
        raise MemoryError from error
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        raise ValueError(NO_PREVIEW) from None
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise ValueError(_said(error)) from None
    shown: Any = preview.data
    image: Image.Image
    if preview.format == rawpy.ThumbFormat.JPEG:
        image = Image.open(io.BytesIO(shown), formats=("JPEG",))
    else:
        image = Image.fromarray(shown)
    cut = (sizes.crop_width, sizes.crop_height)
    return image, cut if all(cut) else (sizes.width, sizes.height), sizes.flip


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _orientation(preview: Image.Image, flip: int, lies_across: bool) -> int:
    """How a preview is to be turned: as it says itself, or as the RAW is; 1 if it is already."""
    turned = int(ORIENTATIONS[flip]) if 0 <= flip < len(ORIENTATIONS) else 1
    own = tried(lambda: preview.getexif().get(Tag.ORIENTATION), None)
    orientation = turned if own is None else orientation_of(preview)
    return 1 if orientation in (5, 6, 7, 8) and lies_across else orientation


def _begins(head: bytes) -> bool:
    return formats.beginning(head).name == "RAW" or head[:2] in (b"II", b"MM")


Image.register_open(RawImageFile.format, RawImageFile, _begins)
