"""What a picture's EXIF data and XMP say of it."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from extras.review import origin, quality
from pictures import dates, formats
from pictures.exif import Tag, below, each, exif_of, rating_of, tried

if TYPE_CHECKING:
    from PIL import Image

BY_A_CAMERA = Tag.EXPOSURE_TIME, Tag.APERTURE, Tag.ISO, Tag.MAKERS_NOTE
XMP_BYTES = 1 << 20


def known_of(image: "Image.Image") -> dict[str, Any]:
    """What EXIF data and XMP say; each is read by itself, as one that is broken hides no other."""
    xmp, whole = _xmp_of(image), exif_of(image)
    tags, details = each(whole), below(whole, Tag.DETAILS)
    maker, model = (_text(_said(tags, tag)) for tag in (Tag.MAKE, Tag.MODEL))
    written = [
        (_said(details, Tag.TAKEN), _said(details, Tag.TAKEN_FRACTION)),
        (_said(details, Tag.DIGITIZED), _said(details, Tag.DIGITIZED_FRACTION)),
        (_in_xmp(xmp, "DateTimeOriginal"), ""),
        (_in_xmp(xmp, "CreateDate"), ""),
    ]
    return {
        "moments": tuple(dates.moments(written, _said(tags, Tag.CHANGED))),
        "camera": model if model.startswith(maker) else f"{maker} {model}".strip(),
        "gps": Tag.LATITUDE in below(whole, Tag.PLACE) or bool(_in_xmp(xmp, "GPSLatitude")),
        "rating": rating_of(tags.get(Tag.RATING), _in_xmp(xmp, "Rating")),
    }


def signs_of(image: "Image.Image", data: bytes) -> origin.Signs:
    """What a file says of who wrote it."""
    whole = exif_of(image)
    tags, details = each(whole), below(whole, Tag.DETAILS)
    taken, changed = dates.moment(_said(details, Tag.TAKEN)), dates.moment(_said(tags, Tag.CHANGED))
    form = formats.opened(image).name
    return origin.Signs(
        camera=bool(_text(_said(tags, Tag.MAKE)) or _text(_said(tags, Tag.MODEL))),
        programs=(_text(_said(tags, Tag.SOFTWARE)), _in_xmp(_xmp_of(image), "CreatorTool")),
        quality=quality.of_jpeg(image) if form == "JPEG" else None,
        heic=form == "HEIC",
        jfif=data[6:10] == b"JFIF",
        photographed=any(map(details.get, BY_A_CAMERA)),
        size=image.size,
        said=(_number(details, Tag.WIDTH), _number(details, Tag.HEIGHT)),
        changed_seconds=dates.seconds_between(taken, changed),
    )


def _said(tags: Mapping[int, Any], tag: int) -> Any:
    return tags.get(tag) or ""


def _number(tags: Mapping[int, Any], tag: int) -> int:
    return tried(lambda: int(tags.get(tag) or 0), 0)


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
