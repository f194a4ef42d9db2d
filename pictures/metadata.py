"""The words in a picture's EXIF data, IPTC records and XMP, each as (kind, text) as it stands.

It may be anything: what can't be read is left out, and hides nothing else. No entity of XML is
expanded.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from pictures.exif import Tag
from pictures.words import comment_of, decoded, utf16

Word = tuple[str, str]

MOST_XMP = 32 << 20
DEEPEST = 200
MOST_PROPERTIES = 20_000
MOST_RECORDS = 20_000

# ---- EXIF

TEXT_TAGS = {
    0x010E: "caption",
    0x013B: "creator",
    0x8298: "copyright",
    0x010D: "comment",  # a document's name
    0x011D: "comment",  # a page's name
}
DETAILS = {  # in the Exif block
    0xA430: "creator",  # who owns the camera
    0xA436: "title",
    0xA437: "creator",
    0xA438: "creator",  # who edited it
    0x9213: "comment",  # the history of the picture
}
FILE_NAME = re.compile(r"\S+\.\w{2,5}")  # as programs write it for a document's name
WINDOWS_TAGS = {
    0x9C9B: "title",
    0x9C9C: "comment",
    0x9C9D: "creator",
    0x9C9E: "keyword",
    0x9C9F: "caption",
}
USER_COMMENT = 0x9286


def in_exif(tags: Mapping[int, Any], details: Mapping[int, Any]) -> Iterator[Word]:
    """What the tags say in words; `details` are those of the Exif block itself."""
    yield from _in_text_tags(tags)
    yield from ((kind, text_of(details.get(tag))) for tag, kind in DETAILS.items())
    for tag, kind in WINDOWS_TAGS.items():
        if value := _bytes_of(tags.get(tag)):
            yield kind, utf16(value)
    for found in (details.get(USER_COMMENT), tags.get(USER_COMMENT)):
        if comment := _bytes_of(found):
            yield "comment", comment_of(comment)


def _in_text_tags(tags: Mapping[int, Any]) -> Iterator[Word]:
    """What people wrote, not what cameras and programs put in its place."""
    written_by = {text_of(tags.get(tag)).strip() for tag in (Tag.MAKE, Tag.MODEL, Tag.SOFTWARE)}
    for tag, kind in TEXT_TAGS.items():
        text = text_of(tags.get(tag)).strip()
        if kind == "copyright":  # the photographer's, and the editor's
            yield from ((kind, part) for part in text.split("\0"))
        elif text not in written_by and not (kind == "comment" and FILE_NAME.fullmatch(text)):
            yield kind, text


def text_of(value: object) -> str:
    """A tag's text; Pillow takes all ASCII tags for Latin-1, and most are UTF-8."""
    if isinstance(value, str):
        return decoded(value.encode("latin-1", "replace"))
    return decoded(value) if isinstance(value, bytes) else ""


def _bytes_of(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("latin-1", "replace")
    if isinstance(value, tuple) and all(isinstance(v, int) and 0 <= v < 256 for v in value):
        return bytes(value)
    return value if isinstance(value, bytes) else b""


# ---- IPTC

RECORDS = {  # what isn't here and not technical is a comment
    5: "title",
    15: "keyword",
    20: "keyword",
    25: "keyword",
    27: "location",
    80: "creator",
    90: "location",
    92: "location",
    95: "location",
    101: "location",
    105: "headline",
    116: "copyright",
    120: "caption",
}
# Versions, codes, dates, programs, audio and previews.
TECHNICAL_RECORDS = frozenset(
    [
        *(0, 3, 4, 7, 8, 10, 12, 26, 30, 35, 37, 38, 42, 45, 47, 50, 55, 60, 62, 63, 65, 70, 75),
        *(100, 125, 130, 131, 135, *range(150, 155), 184, *range(186, 189), *range(200, 203)),
        *(221, 225, 228, 232),
    ]
)
IPTC_RESOURCE = 0x0404


def in_photoshop(data: bytes) -> Iterator[bytes]:
    """The IPTC records among Photoshop's resources."""
    place = 0
    while len(data) - place >= 12 and data[place : place + 4] in (b"8BIM", b"MeSa", b"PHUT"):
        number = int.from_bytes(data[place + 4 : place + 6], "big")
        place += 6 + (data[place + 6] + 2) // 2 * 2  # a name, padded with its length
        size = int.from_bytes(data[place : place + 4], "big")
        if number == IPTC_RESOURCE:
            yield data[place + 4 : place + 4 + size]
        place += 4 + size + size % 2


def in_iptc(data: bytes) -> Iterator[Word]:
    """What IPTC's records say in words."""
    place = max(0, data.find(b"\x1c"))
    for _ in range(MOST_RECORDS):
        if data[place : place + 1] != b"\x1c" or len(data) - place < 5:
            return
        record, number = data[place + 1], data[place + 2]
        size = int.from_bytes(data[place + 3 : place + 5], "big")
        place += 5
        if size & 0x8000:  # the length of the length
            digits = min(size & 0x7FFF, 4)
            size = int.from_bytes(data[place : place + digits], "big")
            place += digits
        if record == 2 and number not in TECHNICAL_RECORDS:
            yield RECORDS.get(number, "comment"), decoded(data[place : place + size])
        place += size


# ---- XMP

PREFIXES = {  # that are meant, whatever a file calls them
    "adobe:ns:meta/": "x",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
    "http://ns.microsoft.com/photo/1.0": "MicrosoftPhoto",
    "http://ns.microsoft.com/photo/1.0/": "MicrosoftPhoto",
    "http://ns.microsoft.com/photo/1.2/t/Region#": "MPReg",
    "http://www.digikam.org/ns/1.0/": "digiKam",
    "http://ns.acdsee.com/iptc/1.0/": "acdsee",
    "http://ns.iview-multimedia.com/mediapro/1.0/": "mediapro",
    "http://ns.adobe.com/hdr-gain-map/1.0/": "hdrgm",
    "http://ns.google.com/photos/1.0/depthmap/": "GDepth",
    "http://ns.google.com/photos/1.0/image/": "GImage",
    "http://ns.google.com/photos/1.0/audio/": "GAudio",
}
PROPERTIES = {
    **dict.fromkeys(("dc:title", "acdsee:title"), "title"),
    **dict.fromkeys(("dc:description", "tiff:ImageDescription", "acdsee:caption"), "caption"),
    **dict.fromkeys(
        ("Iptc4xmpCore:AltTextAccessibility", "Iptc4xmpCore:ExtDescrAccessibility"), "caption"
    ),
    "photoshop:Headline": "headline",
    **dict.fromkeys(("exif:UserComment", "acdsee:notes", "mwg-rs:Description"), "comment"),
    **dict.fromkeys(
        (
            f"photoshop:{name}"
            for name in "Instructions Credit Source TransmissionReference".split()
        ),
        "comment",
    ),
    **dict.fromkeys(("xmp:Label", "xmp:Nickname", "xmpDM:logComment"), "comment"),
    **dict.fromkeys(("dc:subject", "lr:hierarchicalSubject", "digiKam:TagsList"), "keyword"),
    **dict.fromkeys(
        ("MicrosoftPhoto:LastKeywordXMP", "MicrosoftPhoto:LastKeywordIPTC", "acdsee:keywords"),
        "keyword",
    ),
    **dict.fromkeys(("mwg-rs:Name", "MPReg:PersonDisplayName", "mediapro:People"), "person"),
    **dict.fromkeys(("Iptc4xmpExt:PersonInImage", "Iptc4xmpExt:PersonName"), "person"),
    **dict.fromkeys(("Iptc4xmpExt:Event", "mediapro:Event"), "event"),
    **dict.fromkeys(("photoshop:City", "photoshop:State", "photoshop:Country"), "location"),
    **dict.fromkeys(
        ("Iptc4xmpCore:Location", "mediapro:Location", "exif:GPSAreaInformation"), "location"
    ),
    **dict.fromkeys(
        (f"Iptc4xmpExt:{name}" for name in "City Sublocation ProvinceState CountryName".split()),
        "location",
    ),
    "Iptc4xmpExt:LocationName": "location",
    **dict.fromkeys(("photoshop:Category", "photoshop:SupplementalCategories"), "keyword"),
    **dict.fromkeys(("lr:weightedFlatSubject", "mediapro:CatalogSets", "pdf:Keywords"), "keyword"),
    **dict.fromkeys(("dc:creator", "tiff:Artist", "acdsee:author"), "creator"),
    **dict.fromkeys(("exifEX:CameraOwnerName", "aux:OwnerName", "pdf:Author"), "creator"),
    **dict.fromkeys(("dc:rights", "tiff:Copyright", "xmpRights:UsageTerms"), "copyright"),
}


# Namespaces in which programs and cameras speak; what others say in words is a comment.
TECHNICAL = frozenset(
    "x rdf xml exif exifEX tiff aux crs crd crss crlcp lrs darktable rawtherapee RenRot illustrator"
    " stArea stDim stEvt stFnt stJob stMfs stRef stVer xmpMM xmpBJ xmpG xmpGImg xmpNote xmpTPg"
    " xmpidq xap xapMM xapG xapTPg pdf pdfx photomechanic MicrosoftPhoto MPRI MP MPReg mwg-rs"
    " apple-fi apple_desktop aapl apdi depthData depthBlurEffect iio HDRGainMap hdrgm GIMP GPano"
    " GDepth GImage GAudio GFocus GCamera GCreations GContainer Container Item Device Profile"
    " Camera DepthMap MiCamera OpCamera OplusCamera HwCamera SamsungCamera drone-dji"
    " drone-parrot".split()
)
TECHNICAL_PROPERTIES = frozenset(
    "dc:format dc:Format dc:date dc:language dc:type xmp:CreatorTool xmp:creatortool xmp:Rating"
    " xmp:Identifier xmp:BaseURL xmpRights:Marked Iptc4xmpCore:CountryCode Iptc4xmpCore:Scene"
    " Iptc4xmpCore:SubjectCode Iptc4xmpExt:CountryCode Iptc4xmpExt:rId Iptc4xmpExt:rbShape"
    " Iptc4xmpExt:rbUnit digiKam:ImageHistory digiKam:CaptionsDateTimeStamps digiKam:ImageUniqueID"
    " photoshop:ICCProfile photoshop:DocumentAncestors photoshop:History photoshop:LayerName"
    " photoshop:LayerText photoshop:LegacyIPTCDigest photoshop:SidecarForExtension".split()
)
# Numbers, dates, identifiers, yes and no, what is written without a blank and goes on and on.
LONGEST_CODE = 2000
NO_WORDS = re.compile(
    r"[-+\d.,:;/%()\s]*|true|false|yes|no|on|off|\d{4}[-:]?\d\d[-+\d:.,TZ ]*"
    r"|((xmp|adobe|uuid|urn|doi)\S*:|https?://)\S*|\{?[0-9a-f]{8}-[0-9a-f-]{27}\}?|[0-9a-f]{16,}|[!-~]{41,}",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Element:
    name: str
    inside: str  # the property that it is, or is in
    foreign: bool  # what is noted of other pictures
    default: str = ""  # the prefix that is meant where there is none
    text: list[str] = field(default_factory=list)


def in_xmp(properties: Iterable[Word]) -> Iterator[Word]:
    """What some properties say in words."""
    for name, text in properties:
        if kind := PROPERTIES.get(name):
            yield kind, text
        elif not _is_technical(name) and not NO_WORDS.fullmatch(text[:LONGEST_CODE]):
            yield "comment", text


def _is_technical(name: str) -> bool:
    prefix, colon, _ = name.partition(":")
    return not colon or prefix in TECHNICAL or name in TECHNICAL_PROPERTIES


def properties(packet: bytes) -> list[Word]:
    """The properties of an XMP packet that have a text, with the names that are usual for them.

    Of one that is broken, those before that.
    """
    reader = _Reader()
    text = packet[:MOST_XMP].strip(b"\0 \t\r\n")
    if text[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        text = text.decode("utf-8-sig", "replace").encode()
    with contextlib.suppress(expat.ExpatError, _Refused):
        reader.parser.Parse(text, True)
    return reader.found


class _Refused(Exception):
    """What no XMP needs: a document type, with its entities, or too much of anything."""


class _Reader:
    """Collects properties while expat reads."""

    def __init__(self) -> None:
        self.found: list[Word] = []
        self._open: list[_Element] = []
        self._usual: dict[str, str] = {}  # prefix: the usual one
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.CharacterDataHandler = self._text
        self.parser.EndElementHandler = self._end

    def _refuse(self, *_: object) -> None:
        raise _Refused

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > DEEPEST:
            raise _Refused
        self._learn_prefixes(attributes)
        element = self._element(name, attributes.get("xmlns"))
        self._open.append(element)
        for key, value in attributes.items():
            if ":" in key and not key.startswith(("xmlns:", "xml:", "rdf:")):
                self._add(self._named(key), value, foreign=element.foreign)

    def _learn_prefixes(self, attributes: Mapping[str, str]) -> None:
        for key, value in attributes.items():
            if key.startswith("xmlns:"):
                self._usual[key[6:]] = PREFIXES.get(value, key[6:])

    def _element(self, name: str, space: str | None) -> _Element:
        """An element that begins here; `space` is what it says is meant without a prefix."""
        above = self._open[-1] if self._open else _Element("", "", foreign=False)
        default = PREFIXES.get(space, "other") if space else above.default
        name = self._named(name if ":" in name or not default else f"{default}:{name}")
        prefix = name.partition(":")[0]
        return _Element(
            name,
            above.inside if prefix in ("rdf", "x") else name,
            foreign=above.foreign or prefix == "xmpMM",
            default=default,
        )

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        self._add(element.inside, "".join(element.text), foreign=element.foreign)

    def _add(self, name: str, text: str, *, foreign: bool) -> None:
        if len(self.found) > MOST_PROPERTIES:
            raise _Refused
        if name and text.strip() and not foreign:
            self.found.append((name, text.strip()))

    def _named(self, name: str) -> str:
        prefix, colon, rest = name.partition(":")
        return self._usual.get(prefix, prefix) + colon + rest if colon else name
