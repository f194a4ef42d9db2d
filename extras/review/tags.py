"""What a picture's EXIF data and XMP say of it."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from extras.review import origin, quality
from pictures import dates

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")

XMP_BYTES = 1 << 20


def known_of(image: "Image.Image", latest: datetime | None = None) -> dict[str, Any]:
    """What EXIF data and XMP say; each is read by itself, as one that is broken hides no other."""
    from PIL import ExifTags, Image

    tags, ifds = ExifTags.Base, ExifTags.IFD
    xmp = _xmp_of(image)
    exif = _tried(image.getexif, Image.Exif())
    details: dict[int, Any] = _tried(lambda: exif.get_ifd(ifds.Exif), {})
    place: dict[int, Any] = _tried(lambda: exif.get_ifd(ifds.GPSInfo), {})
    maker, model = (_text(_tag(exif, tag)) for tag in (tags.Make, tags.Model))
    written = [
        (_tag(details, tags.DateTimeOriginal), _tag(details, tags.SubsecTimeOriginal)),
        (_tag(details, tags.DateTimeDigitized), _tag(details, tags.SubsecTimeDigitized)),
        (_in_xmp(xmp, "DateTimeOriginal"), ""),
        (_in_xmp(xmp, "CreateDate"), ""),
    ]
    moments = [found for date in written if (found := dates.moment(*date))]
    # When the file was changed last says nothing where another date stands, be it a wrong one.
    moments = moments or [dates.moment(_tag(exif, tags.DateTime))]
    taken = next((m for m in moments if m and dates.is_plausible(m, latest)), "")
    ratings = _tag(exif, tags.Rating) or 0, _in_xmp(xmp, "Rating") or 0
    return {
        "taken": taken,
        "clock": "" if taken else moments[0],
        "camera": model if model.startswith(maker) else f"{maker} {model}".strip(),
        "gps": ExifTags.GPS.GPSLatitude in place or bool(_in_xmp(xmp, "GPSLatitude")),
        "rating": max(
            _tried(lambda: int(float(ratings[0])), 0), _tried(lambda: int(float(ratings[1])), 0)
        ),
    }


def signs_of(image: "Image.Image", data: bytes) -> origin.Signs:
    """What a file says of who wrote it."""
    from PIL import ExifTags, Image

    tags = ExifTags.Base
    exif = _tried(image.getexif, Image.Exif())
    details: dict[int, Any] = _tried(lambda: exif.get_ifd(ExifTags.IFD.Exif), {})
    sides = [_tag(details, tag) or 0 for tag in (tags.ExifImageWidth, tags.ExifImageHeight)]
    places = ((details, tags.DateTimeOriginal), (exif, tags.DateTime))
    taken, changed = (dates.moment(_tag(ifd, tag)) for ifd, tag in places)
    shown = (tags.ExposureTime, tags.FNumber, tags.ISOSpeedRatings, tags.MakerNote)
    form = "JPEG" if image.format == "MPO" else str(image.format)
    return origin.Signs(
        camera=bool(_text(_tag(exif, tags.Make)) or _text(_tag(exif, tags.Model))),
        programs=(_text(_tag(exif, tags.Software)), _in_xmp(_xmp_of(image), "CreatorTool")),
        quality=quality.of_jpeg(image) if form == "JPEG" else None,
        jfif=data[6:10] == b"JFIF",
        photographed=any(_tag(details, tag) for tag in shown),
        size=image.size,
        said=(_tried(lambda: int(sides[0]), 0), _tried(lambda: int(sides[1]), 0)),
        changed_seconds=dates.seconds_between(taken, changed),
    )


def orientation_of(image: "Image.Image") -> int:
    return _tried(lambda: int(image.getexif().get(0x0112, 1)), 1)


def _tag(tags: Mapping[int, Any], tag: int) -> Any:
    return _tried(lambda: tags.get(tag) or "", "")


def _tried(read: Callable[[], T], otherwise: T) -> T:
    from pictures.errors import DECODE_ERRORS

    try:
        found = read()
    except DECODE_ERRORS:
        return otherwise
    return otherwise if found is None else found


def _xmp_of(image: "Image.Image") -> str:
    """The picture's XMP packet; it is searched, not parsed, as it may be anything."""
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    data = found.encode() if isinstance(found, str) else bytes(found)
    return data[:XMP_BYTES].decode("utf-8", "replace")


def _in_xmp(xmp: str, name: str) -> str:
    """The value of a simple property, written as an attribute or as an element."""
    match = re.search(rf"""\b{name}\s*=\s*["']([^"'<]*)|<[\w-]+:{name}>([^<]*)<""", xmp)
    return (match[1] or match[2] or "").strip() if match else ""


def _text(value: object) -> str:
    return " ".join(str(value).replace("\0", " ").split())[:80]
