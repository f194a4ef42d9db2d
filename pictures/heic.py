"""Teaches Pillow to open HEIC by libheif, in the package pi-heif.

Its own plug-in would take all pictures of a collection for frames, and hide why one can't be read.
"""

import warnings
from typing import Any

import pi_heif
from pi_heif import options
from PIL import Image, ImageFile

# One worker is one thread; what isn't the picture itself is never decoded.
options.DECODE_THREADS = 1
options.DEPTH_IMAGES = options.AUX_IMAGES = False
KEPT = ("exif", "xmp", "icc_profile", "bit_depth", "chroma")


class HeicImageFile(ImageFile.ImageFile):
    """The primary picture of a HEIC, as libheif turns it: upright, at 8 bits a channel."""

    format = "HEIF"
    format_description = "HEIC"

    def _open(self) -> None:
        try:
            found = pi_heif.open_heif(self.fp, convert_hdr_to_8bit=True, remove_stride=False)
            primary = found[found.primary_index]
        except (
            EOFError,
            ImportError,
            IndexError,
            OSError,
            RuntimeError,
            SyntaxError,
            ValueError,
        ) as error:
            raise ValueError(_said(error)) from None
        pi_heif.set_orientation(primary.info)  # it is turned by the HEIC's own data
        self.info = {name: primary.info[name] for name in KEPT if primary.info.get(name)}
        self._size, self._mode = primary.size, primary.mode
        self._picture = primary
        self.tile = []

    def load(self) -> Any:
        if self._picture is not None:
            picture, self._picture = self._picture, None
            self._decode(picture)
            self.fp = None
        return super().load()

    def _decode(self, picture: pi_heif.HeifImage) -> None:
        """Decode the picture; OSError where it isn't all there, lenient or not."""
        try:
            data = picture.data
        except (EOFError, RuntimeError, SyntaxError, ValueError) as error:
            raise OSError(_said(error)) from None
        if picture.size != self._size:
            raise OSError(f"it has {picture.size} pixels and says {self._size}")
        self.load_prepare()
        self.frombytes(data, "raw", (self._mode, picture.stride))


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _begins(head: bytes) -> bool:
    return head[4:8] == b"ftyp"


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    Image.register_open(HeicImageFile.format, HeicImageFile, _begins)
