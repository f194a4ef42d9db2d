"""What a picture's file holds besides its pixels, and what of it would be lost."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterable

import pytest
from made_pictures import CAT, LAUNCH, encoded, photo, sample_paths
from PIL import Image, ImageCms, PngImagePlugin

from pictures import decode, held
from pictures.inventory import inventory as of_opened

SMALL = photo(CAT).resize((150, 100))
DESCRIPTION, ARTIST, COPYRIGHT, MAKE = 0x010E, 0x013B, 0x8298, 0x010F
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x10mdat12345678" + b"\0\0\0\x08free"
SOUND = b"RIFF" + struct.pack("<I", 1036) + b"WAVEfmt " + bytes(range(256)) * 4
NOISE = bytes(n * n % 251 + 1 for n in range(9000))


def inventory(data: bytes, side_files: Iterable[bytes] = ()) -> tuple[str, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = decode.open_header(data)
    return of_opened(data, image, side_files)


def jpeg(image: Image.Image = SMALL, **options: object) -> bytes:
    return encoded(image, "JPEG", **{"quality": 90, **options})


def exif(tags: dict[int, object], details: dict[int, object] | None = None) -> bytes:
    data = Image.Exif()
    data.update(tags)
    data.get_ifd(0x8769).update(details or {})
    return data.tobytes()


def xmp(body: str, attributes: str = "") -> bytes:
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" {attributes}>{body}
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def iptc(*records: tuple[int, bytes]) -> bytes:
    """IPTC records in a Photoshop resource, as they stand in a JPEG's APP13."""
    data = b"".join(
        b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text
        for number, text in records
    )
    return b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)


def segment(code: int, payload: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(payload) + 2) + payload


def with_segments(*segments: bytes, data: bytes = b"") -> bytes:
    data = data or jpeg()
    return data[:2] + b"".join(segments) + data[2:]


def with_iptc(*records: tuple[int, bytes]) -> bytes:
    return with_segments(segment(0xED, b"Photoshop 3.0\0" + iptc(*records)))


def png(image: Image.Image = SMALL, **texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    return encoded(image, "PNG", pnginfo=info)


def in_hex(profile: bytes) -> str:
    """A profile as ImageMagick writes it into a PNG."""
    return f"\ngeneric\n{len(profile):8}\n{profile.hex()}\n"


def note(data: bytes, *side_files: bytes) -> list[str]:
    """What a file holds, as people read it."""
    return list(held.of_note(inventory(data, side_files)))


# ---- In words


BAG = "<dc:subject><rdf:Bag><rdf:li>wedding</rdf:li><rdf:li>Anna</rdf:li></rdf:Bag></dc:subject>"
FACE = """<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li>
<rdf:Description mwg-rs:Name="Anna" mwg-rs:Type="Face"/></rdf:li></rdf:Bag></mwg-rs:RegionList>
</mwg-rs:Regions>"""
WINDOWS_FACE = """<MPReg:Regions><rdf:Bag><rdf:li MPReg:PersonDisplayName="Anna"/></rdf:Bag>
</MPReg:Regions>"""
TITLE = '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Our house</rdf:li></rdf:Alt></dc:title>'
WORDS: dict[str, tuple[bytes, list[str]]] = {
    "EXIF caption": (jpeg(exif=exif({DESCRIPTION: "Grandma, 1962"})), ["caption: Grandma, 1962"]),
    "EXIF in UTF-8": (
        jpeg(exif=exif({DESCRIPTION: "Großmutter".encode()})),
        ["caption: Großmutter"],
    ),
    "EXIF artist": (jpeg(exif=exif({ARTIST: "Max Muster\0"})), ["creator: Max Muster"]),
    "EXIF copyright": (
        jpeg(exif=exif({COPYRIGHT: "Max\0Anna"})),
        ["copyright: Anna", "copyright: Max"],
    ),
    "Windows": (
        jpeg(exif=exif({0x9C9B: "Haus\0".encode("utf-16-le"), 0x9C9E: "b;a".encode("utf-16-le")})),
        ["title: Haus", "keyword: a", "keyword: b"],
    ),
    "user comment": (
        jpeg(exif=exif({}, {0x9286: b"ASCII\0\0\0Hello\0\0\0"})),
        ["comment: Hello"],
    ),
    "user comment, UTF-16": (
        jpeg(exif=exif({}, {0x9286: b"UNICODE\0" + "Grüße".encode("utf-16-be")})),
        ["comment: Grüße"],
    ),
    "IPTC": (
        with_iptc((5, b"House"), (25, b"b"), (25, b"a"), (90, "Köln".encode()), (120, b"Grandma")),
        ["caption: Grandma", "title: House", "keyword: a", "keyword: b", "location: Köln"],
    ),
    "user comment, UTF-8 after all": (
        jpeg(exif=exif({}, {0x9286: b"UNICODE\0" + "\ufeffGrüße an Oma".encode() + b"\0"})),
        ["comment: Grüße an Oma"],
    ),
    "user comment, Japanese": (
        jpeg(exif=exif({}, {0x9286: b"UNICODE\0" + "祖母の家".encode("utf-16-le")})),
        ["comment: 祖母の家"],
    ),
    "IPTC in a TIFF": (
        encoded(SMALL, "TIFF", tiffinfo={33723: iptc((120, b"Oma"))[12:]}),
        ["caption: Oma"],
    ),
    "IPTC among a TIFF's resources": (
        encoded(SMALL, "TIFF", tiffinfo={34377: iptc((120, b"Oma"))}),
        ["caption: Oma"],
    ),
    "IPTC in two segments": (
        with_segments(
            segment(0xED, b"Photoshop 3.0\0" + iptc((120, b"Grandma"))[:20]),
            segment(0xED, b"Photoshop 3.0\0" + iptc((120, b"Grandma"))[20:]),
        ),
        ["caption: Grandma"],
    ),
    "WebP with EXIF": (encoded(SMALL, "WEBP", exif=exif({DESCRIPTION: "Oma"})), ["caption: Oma"]),
    "PNG with EXIF": (encoded(SMALL, "PNG", exif=exif({DESCRIPTION: "Oma"})), ["caption: Oma"]),
    "person of IPTC's extension": (
        jpeg(xmp=xmp(BAG.replace("dc:subject", "Iptc4xmpExt:PersonInImage"))),
        ["person: Anna", "person: wedding"],
    ),
    "keywords in a tree": (
        jpeg(
            xmp=xmp(
                BAG.replace("dc:subject", "lr:hierarchicalSubject").replace(
                    "<rdf:li>w", "<rdf:li>Family|w"
                )
            )
        ),
        ["keyword: Anna", "keyword: Family", "keyword: wedding"],
    ),
    "IPTC in Latin-1": (with_iptc((120, "Großmutter".encode("latin-1"))), ["caption: Großmutter"]),
    "XMP bag": (jpeg(xmp=xmp(BAG)), ["keyword: Anna", "keyword: wedding"]),
    "XMP alternatives": (jpeg(xmp=xmp(TITLE)), ["title: Our house"]),
    "XMP attribute": (jpeg(xmp=xmp("", 'photoshop:City="Köln"')), ["location: Köln"]),
    "face": (jpeg(xmp=xmp(FACE)), ["person: Anna"]),
    "Windows face": (jpeg(xmp=xmp(WINDOWS_FACE)), ["person: Anna"]),
    "another prefix": (
        jpeg(xmp=xmp("<a:title>X1</a:title>", 'xmlns:a="http://purl.org/dc/elements/1.1/"')),
        ["title: X1"],
    ),
    "prefixes that nobody declared": (
        jpeg(xmp=b"<x:xmpmeta><rdf:RDF><dc:title>X1</dc:title></rdf:RDF></x:xmpmeta>"),
        ["title: X1"],
    ),
    "JPEG comments": (
        with_segments(segment(0xFE, b"Hello"), segment(0xFE, b"world")),
        ["comment: Hello", "comment: world"],
    ),
    "PNG texts": (
        png(Title="House", Author="Max", Software="Paint"),
        ["title: House", "creator: Max"],
    ),
    "PNG with XMP": (png(**{"XML:com.adobe.xmp": xmp(TITLE).decode()}), ["title: Our house"]),
    "WebP with XMP": (encoded(SMALL, "WEBP", xmp=xmp(TITLE)), ["title: Our house"]),
    "AVIF with XMP": (encoded(SMALL, "AVIF", xmp=xmp(TITLE)), ["title: Our house"]),
    "AVIF with EXIF": (encoded(SMALL, "AVIF", exif=exif({DESCRIPTION: "Oma"})), ["caption: Oma"]),
    "TIFF": (
        encoded(SMALL, "TIFF", tiffinfo={270: "Oma", 700: xmp(TITLE)}),
        ["caption: Oma", "title: Our house"],
    ),
    "IPTC's other records": (
        with_iptc((40, b"Not before May"), (65, b"digiKam"), (110, b"Meyer, Linz"), (20, b"trip")),
        ["comment: Meyer, Linz", "comment: Not before May", "keyword: trip"],
    ),
    "document and owner": (
        jpeg(exif=exif({0x010D: "Box 7, 3", 0x011D: "Uncle Franz"}, {0xA430: "Herta Mann"})),
        ["comment: Box 7, 3", "comment: Uncle Franz", "creator: Herta Mann"],
    ),
    "XMP's other properties": (
        jpeg(
            xmp=xmp(
                "<xmpDM:logComment>Oma laughs</xmpDM:logComment><xmp:Label>Print</xmp:Label>",
                'photoshop:Instructions="17" photoshop:Credit="Meyer" my:Own="Of mine" '
                'photoshop:ICCProfile="sRGB IEC" xmp:CreatorTool="Of a tool" crs:Name="In blue" '
                'my:Id="62bd6206-7e57-4b3a-aecd-89c77f4410d6" my:On="True" my:Day="2024-02-12"',
            )
        ),
        [f"comment: {text}" for text in ("17", "Meyer", "Of mine", "Oma laughs", "Print")],
    ),
    "namespaces without a prefix": (
        jpeg(
            xmp=b"<xmpmeta xmlns='adobe:ns:meta/'>"
            b"<RDF xmlns='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><Description about=''>"
            b"<description xmlns='http://purl.org/dc/elements/1.1/'><rdf:Alt><rdf:li>Oma</rdf:li>"
            b"</rdf:Alt></description></Description></RDF></xmpmeta>"
        ),
        ["caption: Oma"],
    ),
    "PNG's other texts": (
        png(
            Caption="Aunt Mizzi",
            Box="7",
            Software="Paint",
            **{"date:create": "2022-07-16", "dc:title": "X1"},
        ),
        ["caption: Aunt Mizzi", "title: X1", "comment: 7"],
    ),
    "PNG with another's XMP": (
        png(**{"Raw profile type APP1": in_hex(b"http://ns.adobe.com/xap/1.0/\0" + xmp(TITLE))}),
        ["title: Our house"],
    ),
    "PNG with another's EXIF": (
        png(**{"Raw profile type APP1": in_hex(exif({DESCRIPTION: "Oma"}))}),
        ["caption: Oma"],
    ),
    "GIF": (encoded(SMALL.quantize(64), "GIF", comment=b"Hello"), ["comment: Hello"]),
}


@pytest.mark.parametrize("name", WORDS)
def test_what_a_person_wrote_into_a_file_is_found(name: str) -> None:
    data, words = WORDS[name]
    assert note(data) == words


def test_words_in_a_file_beside_the_picture_count(name: str = "title: Our house") -> None:
    assert note(jpeg(), xmp(TITLE)) == [name]


def test_extended_xmp_is_put_together_in_its_order() -> None:
    packet = xmp("<dc:description>" + "long " * 30_000 + "</dc:description>" + TITLE)
    parts = [packet[n : n + 60_000] for n in range(0, len(packet), 60_000)]
    segments = [
        segment(
            0xE1,
            b"http://ns.adobe.com/xmp/extension/\0"
            + b"A" * 32
            + struct.pack(">II", len(packet), n * 60_000)
            + part,
        )
        for n, part in enumerate(parts)
    ]
    assert "title: Our house" in note(with_segments(*reversed(segments)))


def test_one_text_in_three_places_is_one() -> None:
    block = segment(0xED, b"Photoshop 3.0\0" + iptc((120, b"Grandma,  1962 ")))
    packet = xmp("<dc:description>Grandma, 1962</dc:description><dc:title>grandma, 1962</dc:title>")
    data = with_segments(block, data=jpeg(exif=exif({DESCRIPTION: "Grandma, 1962\0"}), xmp=packet))
    assert note(data) == ["caption: Grandma, 1962"]


BOILERPLATE = [
    "SAMSUNG",
    "Adobe Photoshop CS5",
    "Adobe Photoshop Lightroom 6.0 (Macintosh)",
    "Picasa 3.9",
    "Processed with VSCOcam with f2 preset",
    "Optimized by JPEGmini 3.9.20.0L Internal 0xa6a7b7e7",
    "CREATOR: XV Version 3.10a  Rev: 12/29/94  Quality = 75, Smoothing = 0",
    "Software: Microsoft Office",
    "OLYMPUS DIGITAL CAMERA         ",
    "KONICA MINOLTA DIGITAL CAMERA",
    "SONY DSC",
    "          ",
    "\0\0\0\0",
    "0",
    "------",
    "Picasa",
    "Exif_JPEG_PICTURE",
    "Screenshot",
    "DCIM\\100MEDIA\\DJI_0001.JPG",
    "sdr_vivid",
    "CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90",
    "LEAD Technologies Inc. V1.01",
    "Created with GIMP",
    "Created with The GIMP",
    "File written by Adobe Photoshop\xa8 5.0",
    "Handmade Software, Inc. Image Alchemy v1.14",
    "AppleMark",
    "Intel(R) JPEG Library, version [1.51.12.44]",
    "Lavc58.134.100",
    '{"sticker":"none","source":"other"}',
    "FBMD01000a9c0d0000",
    "Copyright 2008",
    "(c) 2019",
    "unknown",
    "untitled",
    "Photographer, Editor, [None]",
    "Copyright 1,2003",
    "image/png",
    "x-default",
    "xiaomi",
    "filter: 0; fileterIntensity: 0.0; algolist: 0; multi-frame: 1;",
]


@pytest.mark.parametrize("text", BOILERPLATE)
def test_what_cameras_and_programs_write_is_no_word(text: str) -> None:
    data = text.encode("latin-1")
    for made in (
        jpeg(exif=exif({DESCRIPTION: data, ARTIST: data, COPYRIGHT: data})),
        jpeg(exif=exif({}, {0x9286: b"ASCII\0\0\0" + data})),
        with_segments(segment(0xFE, data)),
    ):
        assert note(made) == []


def test_a_caption_that_names_the_camera_is_no_word() -> None:
    assert note(jpeg(exif=exif({DESCRIPTION: "Strange Cam 3", MAKE: "Strange Cam 3"}))) == []


@pytest.mark.parametrize(
    "comment",
    [b"ASCII\0\0\0", b"UNICODE\0", bytes(64), b"\0" * 8 + b" " * 56, bytes(range(1, 200))],
)
def test_a_comment_of_an_encoding_alone_or_of_no_text_is_no_word(comment: bytes) -> None:
    assert note(jpeg(exif=exif({}, {0x9286: comment}))) == []


@pytest.mark.parametrize(
    "text",
    [
        "1962",
        "Oma",
        "祖母",
        "In Paris",
        "Sony is our dog",
        "A picture of the sea",
        "Edited by Uncle Bob",
        "Photo: Max Muster",
        "Copyright 2008 Max Muster",
        "left: Max; right: Anna",
        "Apple picking with grandma",
        "Windows of the old house",
        "Paint the fence, Tom",
        "Lead singer of our band",
        "Google I/O 2019 with Anna",
        "Anna playing with paint at school",
        "Made by Anna with Photoshop",
        "Photoshop class of 2004",
        "Papa mit seiner ersten Digital Camera",
        "My first digital camera",
        "Oma: 80; Opa: 82; Hund: Rex;",
        '{"who":"Anna and Tom"}',
        "Filter: blue; Oma by the sea",
        "Creator: Anna",
        "Blender: a gift for Oma",
        "Burst",
        "Adobe",
        "Minolta meeting of 1988",
        "Video 3",
        "0815",
        "IMG_1234",
        "Casio",
        3 * "X",
        "\U0001f389",
        "❤️❤️",
        ":-)",
    ],
)
def test_what_a_person_may_write_is_a_word(text: str) -> None:
    assert note(jpeg(exif=exif({DESCRIPTION: text.encode()}))) == [f"caption: {text}"]


# ---- Behind the picture


def samsung(name: bytes, content: bytes) -> bytes:
    """A part with the directory that Samsung's phones write behind it."""
    part = b"\0\0\x30\x0a" + struct.pack("<I", len(name)) + name + content
    entry = b"\0\0\x30\x0a" + struct.pack("<II", len(part), len(part))
    directory = b"SEFH" + struct.pack("<II", 107, 1) + entry
    return part + directory + struct.pack("<I", len(directory)) + b"SEFT"


def mpo(*kinds: int) -> bytes:
    """A picture with others behind it, and the directory that says what they are."""
    others = [jpeg(photo(LAUNCH).resize((60 + n, 40))) for n in range(len(kinds))]
    entries = b"".join(struct.pack("<IIIHH", kind, 0, 0, 0, 0) for kind in (0x030000, *kinds))
    directory = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0xB002, 7, len(entries), 26)
    directory += bytes(4) + entries
    return with_segments(segment(0xE2, b"MPF\0" + directory)) + b"".join(others)


GAIN_MAP = jpeg(SMALL.convert("L"), xmp=b'<a xmlns:hdrgm="x" hdrgm:Version="1.0"/>')
CONTAINER = "".join(
    f'<rdf:li><Container:Item Item:Semantic="{name}"/></rdf:li>' for name in ("Primary", "Depth")
)
BEHIND: dict[str, tuple[bytes, list[str]]] = {
    "motion video": (jpeg() + VIDEO, ["motion video"]),
    "motion video, strange": (jpeg() + VIDEO[:24] + NOISE, ["motion video"]),
    "Samsung's video": (jpeg() + samsung(b"MotionPhoto_Data", VIDEO), ["motion video"]),
    "Samsung's sound": (jpeg() + samsung(b"SoundShot_000", NOISE), ["sound"]),
    "Samsung's voice": (jpeg() + samsung(b"VoiceMemo", VIDEO + NOISE), ["sound"]),
    "Samsung's depth": (jpeg() + samsung(b"DualShot_DepthMap_1", NOISE), ["depth map"]),
    "sound": (jpeg() + SOUND, ["sound"]),
    "second picture": (mpo(0x020003), ["second picture"]),
    "two more": (mpo(0x020002, 0x020002), ["second picture", "second picture"]),
    "picture and video": (mpo(0x020003) + VIDEO, ["second picture", "motion video"]),
    "gain map": (jpeg() + GAIN_MAP, ["gain map"]),
    "depth": (jpeg(xmp=xmp(CONTAINER)) + jpeg(SMALL.convert("L")), ["depth map"]),
    "depth in XMP": (jpeg(xmp=xmp("", 'GDepth:Data="aaaa"')), ["depth map"]),
    "recipe": (jpeg() + b"CANON OPTIONAL DATA\0" + NOISE[:200], ["other data"]),
    "others": (jpeg() + NOISE, ["other data"]),
    "a letter": (jpeg() + b"Dear Anna, " * 20, ["other data"]),
    "a small archive": (jpeg() + b"PK\3\4" + NOISE[:300], ["other data"]),
    "PNG": (png() + VIDEO, ["motion video"]),
    "WebP": (encoded(SMALL, "WEBP") + VIDEO, ["motion video"]),
    "GIF": (encoded(SMALL.quantize(64), "GIF") + VIDEO, ["motion video"]),
}
NOTHING: dict[str, bytes] = {
    "a byte": jpeg() + b"\xff",
    "a line end": jpeg() + b"\r\n",
    "zeros": jpeg() + bytes(20_000),
    "what was on the card": jpeg() + bytes(300) + NOISE + jpeg(),
    "a small note": jpeg() + b'vivo{"a":1}' + NOISE[:300],
    "previews": mpo(0x010001, 0x010002),
    "Samsung's notes": jpeg() + samsung(b"Image_UTC_Data", b"1400000000000"),
}


@pytest.mark.parametrize("name", BEHIND)
def test_what_is_behind_a_picture_is_found(name: str) -> None:
    data, kinds = BEHIND[name]
    assert [line.partition(": ")[0] for line in note(data)] == kinds


@pytest.mark.parametrize("name", NOTHING)
def test_padding_previews_and_small_notes_are_nothing(name: str) -> None:
    assert note(NOTHING[name]) == []


def test_a_part_is_known_again_behind_another_picture() -> None:
    one, other = inventory(jpeg() + VIDEO), inventory(jpeg(quality=40) + VIDEO)
    assert held.lost(one, other) == ()
    edited = inventory(jpeg() + VIDEO.replace(b"1234", b"4321"))
    assert [held.shown(line) for line in held.lost(one, edited)] == ["motion video: 0.1 KB"]


# ---- In pixels


def profile(image: Image.Image = SMALL, **options: object) -> bytes:
    """A JPEG with a profile of which red lies elsewhere than sRGB's."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", made, 128)
    for n in range(count):
        name, place, _ = struct.unpack_from(">4sII", made, 132 + 12 * n)
        if name == b"rXYZ":
            struct.pack_into(">3i", made, place + 8, 40_000, 13_000, 0)
    return jpeg(image, icc_profile=bytes(made), **options)


def half(image: Image.Image = SMALL) -> Image.Image:
    image = image.copy()
    image.putalpha(128)
    return image


def opaque(image: Image.Image = SMALL) -> Image.Image:
    image = image.copy()
    image.putalpha(255)
    return image


def deep() -> Image.Image:
    return SMALL.convert("L").convert("I").point(lambda level: level * 257).convert("I;16")


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FRAMES = [SMALL.quantize(64), SMALL.rotate(90).quantize(64)]
PIXELS: dict[str, tuple[bytes, list[str]]] = {
    "transparency": (png(half()), ["transparency"]),
    "transparency that is not used": (png(opaque()), []),
    "16 bits": (encoded(deep(), "PNG"), ["16 bits a channel"]),
    "16 bits in a TIFF": (encoded(deep(), "TIFF"), ["16 bits a channel"]),
    "sRGB": (jpeg(icc_profile=SRGB), []),
    "animation": (
        encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
        ["animation"],
    ),
    "pages": (encoded(SMALL, "TIFF", save_all=True, append_images=FRAMES), ["3 pages"]),
}


@pytest.mark.parametrize("name", PIXELS)
def test_what_few_pictures_have_in_their_pixels_is_found(name: str) -> None:
    data, lines = PIXELS[name]
    assert note(data) == lines


def test_a_wide_profile_is_named() -> None:
    assert note(profile())[0].startswith("colour profile: ")


FULL, LESS = jpeg(subsampling=0), jpeg(subsampling=2)


@pytest.mark.parametrize(
    ("doomed", "kept", "lost"),
    [
        (FULL, LESS, ["full colour resolution"]),
        (LESS, FULL, []),
        (png(), LESS, ["full colour resolution"]),
        (png(), FULL, []),
        (FULL, jpeg(SMALL.resize((600, 400)), subsampling=2), []),
        (jpeg(SMALL.convert("L")), LESS, []),
        (png(half()), png(), ["transparency"]),
        (encoded(deep(), "PNG"), png(), ["16 bits a channel"]),
        (encoded(SMALL, "WEBP", lossless=True), encoded(SMALL, "WEBP"), ["full colour resolution"]),
        (
            encoded(SMALL, "AVIF", subsampling="4:4:4"),
            encoded(SMALL, "AVIF"),
            ["full colour resolution"],
        ),
    ],
)
def test_pixels_that_the_other_has_not_are_lost(
    doomed: bytes, kept: bytes, lost: list[str]
) -> None:
    assert [held.shown(line) for line in held.lost(inventory(doomed), inventory(kept))] == lost


# ---- What would be lost


@pytest.mark.parametrize(
    ("doomed", "kept", "lost"),
    [
        (["caption: Oma"], [], ["caption: Oma"]),
        (["caption: Oma"], ["title: OMA"], []),
        (["person: Anna"], ["keyword: Anna"], ["person: Anna"]),
        (["keyword: a", "keyword: b"], ["keyword: b", "keyword: c"], ["keyword: a"]),
        (["caption: " + "a b" * 20], ["caption: " + "a b" * 40], []),
        (["caption: a"], ["caption: a b"], ["caption: a"]),
        (["gain map: 9 KB (0123456789abcdef)"], ["gain map: 8 KB (1123456789abcdef)"], []),
        (["sound: 9 KB (0123456789abcdef)"], ["sound: 8 KB (1123456789abcdef)"], ["sound: 9 KB"]),
        (["GPS", "rating: 3"], ["GPS", "rating: 4"], []),
        (["rating: 4"], ["rating: 3"], ["rating: 4"]),
        (["GPS: 47.0 N 14.0 E"], ["GPS: 47.0004 N 14.0004 E"], []),
        (["GPS: 47.0 N 14.0 E"], ["GPS: 47.001 N 14.0 E"], ["GPS: 47.0 N 14.0 E"]),
        (["GPS: 47.0 N 14.0 E"], ["GPS: 47.0 S 14.0 E"], ["GPS: 47.0 N 14.0 E"]),
        (["GPS: 1.0 N 179.9999 E"], ["GPS: 1.0 N 179.9999 W"], []),
        (["GPS: 47.0 N 14.0 E"], ["GPS"], ["GPS: 47.0 N 14.0 E"]),
        (["GPS"], ["GPS: 47.0 N 14.0 E"], []),
        (["exposure data: time, ISO"], ["exposure data: time"], ["exposure data: time, ISO"]),
        (["pixels: 100 x 100"], ["pixels: 91 x 100", "pixels: 10 x 10"], []),
        (["pixels: 100 x 100"], ["pixels: 100 x 89"], ["100 \N{MULTIPLICATION SIGN} 100 pixels"]),
        (["pixels: 100 x 100"], [], []),
    ],
)
def test_only_what_no_other_holds_is_lost(
    doomed: list[str], kept: list[str], lost: list[str]
) -> None:
    assert [held.shown(line) for line in held.lost(doomed, kept)] == lost


def test_edits_and_a_panorama_of_which_only_settings_tell_are_said_when_lost() -> None:
    made = jpeg(xmp=xmp("", 'crs:Exposure2012="+1.0" GPano:ProjectionType="equirectangular"'))
    lost = held.lost(inventory(made), inventory(jpeg()))
    assert lost == ("panorama: equirectangular", "edits as settings: Camera Raw")
    untouched = inventory(jpeg(xmp=xmp("", 'crs:HasSettings="False"')))
    assert held.lost(untouched, inventory(jpeg())) == ()


def test_what_is_behind_or_in_words_is_protected_and_the_rest_is_said() -> None:
    protected = ["caption: Oma", "keyword: a", "person: Anna", "motion video: 8 KB", "sound: 1 KB"]
    assert all(map(held.is_protected, protected))
    assert not any(map(held.is_protected, ["GPS", "transparency", "rating: 4", "3 pages"]))


# ---- Hostile and broken files


def bomb() -> bytes:
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "boom" * 10}">' for n in range(12)
    )
    return f"<!DOCTYPE x [{entities}]><x><dc:title>&e11;</dc:title></x>".encode()


HOSTILE_XMP: dict[str, Callable[[], bytes]] = {
    "entities": bomb,
    "deep": lambda: b"<a>" * 20_000,
    "many": lambda: b"<x>" + b"<dc:title>a1</dc:title>" * 2_500,
    "cut": lambda: xmp(TITLE)[:-60],
    "no UTF-8": lambda: xmp(TITLE).replace(b"Our", b"\xff\xfe"),
    "none": lambda: b"\0\1\2",
}


@pytest.mark.parametrize("name", HOSTILE_XMP)
def test_hostile_xmp_costs_little_and_hides_nothing(name: str) -> None:
    data = with_segments(
        segment(0xFE, b"Hello"), data=jpeg(xmp=HOSTILE_XMP[name](), exif=exif({ARTIST: "Max"}))
    )
    found = note(data)
    assert {"comment: Hello", "creator: Max"} <= set(found)
    assert not any("boom" in line for line in found)
    assert ("title: Our house" in found) == (name == "cut")


def test_a_broken_block_hides_no_other() -> None:
    blocks = (segment(0xED, b"Photoshop 3.0\0" + iptc((120, b"Oma"))[:-9]), segment(0xFE, b"Hello"))
    packet = xmp(TITLE)
    broken = exif({DESCRIPTION: "x" * 50, ARTIST: "Max"})[:60]
    found = note(with_segments(*blocks, data=jpeg(exif=broken, xmp=packet)))
    assert {"title: Our house", "comment: Hello"} <= set(found)


def test_a_compressed_text_is_not_unpacked_without_end() -> None:
    chunk = b"Comment\0\0" + zlib.compress(bytes(200 << 20), 9)
    body = struct.pack(">I", len(chunk)) + b"zTXt" + chunk
    body += struct.pack(">I", zlib.crc32(b"zTXt" + chunk))
    data = png(Title="House")
    assert note(data[:-12] + body + data[-12:]) == ["title: House"]


def test_many_and_long_words_are_bounded_and_still_compared() -> None:
    many = [(25, f"word {n}".encode()) for n in range(500)]
    one = inventory(with_iptc(*many, (120, b"a b" * 600)))
    other = inventory(with_iptc(*many[:-1], (25, b"another"), (120, b"a b" * 599)))
    assert sum(map(len, one)) < 5000
    lost = held.lost(one, other)
    assert lost[0].startswith("caption: a b")
    assert any("400 more" in line for line in lost)


def test_the_sample_photos_hold_nothing_that_a_person_wrote() -> None:
    for path in sample_paths():
        assert not any(map(held.is_protected, inventory(path.read_bytes()))), path
