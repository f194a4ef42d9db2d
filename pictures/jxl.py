"""Teaches Pillow to open JPEG XL by libjxl, in a plug-in that a person may have installed."""

from PIL import Image
from pillow_jxl import JpegXLImagePlugin

from pictures.exif import Tag
from pictures.jxl_header import CONTAINER, SIGNATURE, header, xmp

JpegXLImagePlugin.DECODE_THREADS = 0  # one worker is one thread


class JxlImageFile(JpegXLImagePlugin.JXLImageFile):
    """The first frame of a JPEG XL, as libjxl turns it; what was a JPEG is turned as that."""

    def _open(self) -> None:
        try:
            super()._open()
        except RuntimeError:  # its message is about how it was built
            raise ValueError("libjxl can't decode it") from None
        if not self.jpeg:
            self.getexif()[Tag.ORIENTATION] = 1
        if packet := xmp(self.fc):
            self.info["xmp"] = packet
        self.is_animated = header(self.fc).moves


def _begins(head: bytes) -> bool:
    return head.startswith((SIGNATURE, CONTAINER))


Image.register_open(JxlImageFile.format, JxlImageFile, _begins)
