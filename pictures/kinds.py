"""What a file is, by its first bytes or by its name: a picture, one that isn't read, a video."""

import functools
import os
import re
from collections.abc import Iterable

from disk.companions import RAW
from pictures.formats import FORMATS, PHOTO_EXTENSIONS, RAWS, Format, beginning, by_ending, is_there

# Kinds of files that `find` passes over; the kind of a picture that isn't read is its format.
OTHER_NAMES = "pictures under other names"
VIDEOS = "videos"
OTHER_FILES = "other files"

SNIFFED_BYTES = 512  # of a file whose name doesn't say what it is
LOOKED_AT = 4096  # bytes, in which a text shows that it is one
UNKNOWN = "no picture that is known"

# The formats that are compared, and how their files are called.
_BY_SAID = {form.said: form for form in FORMATS}
_BY_SAID |= dict.fromkeys(RAWS, _BY_SAID["a RAW"])
READ = {said: form.endings for said, form in _BY_SAID.items()}
PHOTOS_WITH_SIDECARS = PHOTO_EXTENSIONS - frozenset(RAW.split())
# What other files start with; a dot in a pattern is any byte. The first one that fits counts.
PICTURES = {
    "a JPEG XR": rb"II\xbc[\0\x01]",
    "a JPEG 2000": rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    "a PSD": rb"8BPS",
    "an XCF": rb"gimp xcf",
    "a Krita drawing": rb"PK\x03\x04.{26}mimetypeapplication/x-krita",
    "an icon": rb"\0\0[\x01\x02]\0[^\0]\0.{3}\0|icns",
    "a DDS": rb"DDS ",
    "an OpenEXR": rb"v/1\x01",
    "a Radiance HDR": rb"#\?(RADIANCE|RGBE)",
    "a NetPBM": rb"P[1-7]\s[\d#WH]",
    "a QOI": rb"qoif",
    "a FLIF": rb"FLIF",
    "a DjVu": rb"AT&TFORM",
    "an SVG": rb"<svg|<\?xml((?!<html).)*?<svg|<!DOCTYPE svg",
    "a PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
    "a PCX": rb"\x0a[\0\x02-\x05]\x01[\x01\x02\x04\x08]",
    "a WMF": rb"\xd7\xcd\xc6\x9a",
}
FILMS = {
    "a QuickTime video": rb"\0...ftypqt  |[\0-\x08\x0e-\x1f]...(moov|mdat|wide|pnot|free|skip)",
    "a sound file": rb"....ftypM4[AB] |RIFF....WAVE|ID3[\x02-\x04]|fLaC|OggS|\xff[\xfb\xf3\xf2]",
    "an MP4 video": rb"\0...ftyp",
    "an AVI video": rb"RIFF....AVI ",
    "a Matroska video": rb"\x1a\x45\xdf\xa3",
    "an MPEG video": rb"\0\0\x01[\xba\xb3]|G.{187}G|....G.{191}G",
    "a Windows video": rb"0&\xb2u\x8ef\xcf\x11",
    "a Flash video": rb"FLV\x01",
}
OTHERS = {
    "a PDF": rb"%PDF-",
    "a ZIP archive": rb"PK(\x03\x04|\x05\x06|\x07\x08)",
    "an archive": rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\x1f\x8b\x08|BZh\d|\xfd7zXZ|.{257}ustar",
    "an old Office file": rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "an HTML page": rb"(?i:<!doctype html|<html|<(head|body|title|script|meta)\b"
    rb"|(<!--.*?-->\s*)+<(!doctype html|html)|<\?xml.*?<html)",
    "an XML file": rb"<\?xml",
    "a JSON file": rb"[{\[]\s*[\"{\[\]}]",
    "a Git LFS pointer": rb"version https://git-lfs\.",
    "a git-annex pointer": rb"(\.\./)*(\.git)?/annex/objects/",
    "a companion file of macOS (AppleDouble)": rb"\0\x05\x16[\0\x07]",
    "a macOS alias": rb"book\0\0\0\0mark\0\0\0\0",
    "a Windows shortcut": rb"L\0\0\0\x01\x14\x02\0|\[InternetShortcut\]",
    "a desktop's shortcut": rb"\[Desktop Entry\]",
    "a property list": rb"bplist00",
    "a database": rb"SQLite format 3\0",
    "a program": rb"\x7fELF|MZ.[\0-\x03]|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe|#!",
    "an encrypted file": rb"Salted__|age-encryption\.org/|-----BEGIN PGP MESSAGE|LUKS\xba\xbe",
    "a rich text": rb"\{\\rtf",
}

_LEADING = b"\xef\xbb\xbf \t\r\n"  # may stand before marks of texts
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\f\r\x1b"))


def named(data: bytes) -> str:
    """What a file is, as one says it: "a HEIC", "an HTML page"; from all or its first bytes."""
    head = data[:LOOKED_AT]
    if head and not any(head) and data.count(0) == len(data):
        return "nothing but zeros"
    text = head.lstrip(_LEADING)
    for said, start in _starts():
        if start.match(head) or (text[:1] in b"<{[" and start.match(text)):
            return beginning(data).said if said == "a TIFF" else said
    return "a text" if _is_text(head) else UNKNOWN


@functools.cache
def _starts() -> list[tuple[str, re.Pattern[bytes]]]:
    """What is said of files by how they start: those first that are read."""
    read = [(form.said, form.surely_begins or form.begins) for form in FORMATS]
    others = {**PICTURES, **FILMS, **OTHERS}.items()
    patterns = (*RAWS.items(), *read, *others)
    return [(said, re.compile(pattern, re.DOTALL)) for said, pattern in patterns]


def _is_text(head: bytes) -> bool:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    if not head or len(head.translate(None, _CONTROLS)) < len(head):
        return False
    for cut in range(min(4, len(head) // 8 + 1)):  # a character may go on behind the head
        try:
            head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return sum(byte < 128 for byte in head) > 0.9 * len(head)


def why_unreadable(data: bytes, path: str, reason: str) -> str:
    """The reason why a file with a picture's name can't be read, with what it really is.

    `reason` is the decoder's, which counts for files that are what they are called.
    """
    said, extension = named(data), os.path.splitext(path)[1].lower()
    if said == UNKNOWN or extension in READ.get(said, ()):
        return reason if said in READ else f"{UNKNOWN} ({reason})"
    called = f"{said} named {extension}" if said != "nothing but zeros" else said
    return f"{called}: {reason}" if said in READ else called


# ---- What is passed over

_SPELT = {  # formats by more than one ending, also those that are read where a package is there
    **{form.name: " ".join(form.endings) for form in FORMATS if form.needs},
    "JPEG 2000": ".jp2 .j2k .jpf .jpx .jpm .j2c .jpc",
    "JPEG XR": ".jxr .wdp .hdp",
    "PSD": ".psd .psb",
    "SVG": ".svg .svgz",
    "PostScript": ".eps .ai",
    "NetPBM": ".pbm .pgm .ppm .pnm .pam .pfm",
    "OpenEXR": ".exr",
    "Radiance HDR": ".hdr",
    "TGA": ".tga",
    "Krita drawing": ".kra",
    "icon": ".ico .icns .cur",
    "WMF": ".wmf .emf",
    "iCloud placeholder": ".icloud",  # of a picture, or of another file, that isn't downloaded
    "DjVu": ".djvu .djv",
    **{ending[1:].upper(): ending for ending in ".xcf .pcx .dds .qoi .flif .ora".split()},
    **{ending[1:].upper(): ending for ending in RAW.split()},
}
_OTHER = (
    ".txt .md .rtf .pdf .doc .docx .xls .xlsx .ppt .pptx .odt .ods .odp .pages .key .numbers .csv "
    ".htm .html .css .js .py .pyc .c .h .cpp .java .rs .go .sh .bat .ps1 .xml .json .yml .yaml "
    ".toml .ini .cfg .conf .log .db .sqlite .sqlite3 .lrcat .lrprev .dat .xmp .aae .thm .pp3 .dop "
    ".acr .on1 .cos .nksc .vrd .arp .url .lnk .desktop .directory .ds_store .zip .rar .7z .tar .gz "
    ".bz2 .xz .zst .iso .dmg .exe .dll .so .msi .apk .jar .class .o .a .mp3 .m4a .wav .flac .ogg "
    ".opus .aac .wma .mid .ttf .otf .woff .woff2 .srt .vtt .gpx .kml .ics .vcf .eml .torrent"
)
KINDS = {
    **{ending: kind for kind, endings in _SPELT.items() for ending in endings.split()},
    **dict.fromkeys(
        ".mov .mp4 .m4v .avi .mkv .webm .mpg .mpeg .mpe .m2v .mts .m2ts .wmv .asf .flv .f4v "
        ".3gp .3g2 .tod .vob .dv .ogv .rm .rmvb .mxf .insv .lrv".split(),
        VIDEOS,
    ),
    **dict.fromkeys(
        ".mpo .jps .jfi .jif .pjpeg .pjp .insp .dib .apng .tif_ .bigtiff".split(), OTHER_NAMES
    ),
    **dict.fromkeys(_OTHER.split(), OTHER_FILES),
}
_OFTEN_JPEG = frozenset(_SPELT["HEIC"].split())  # phones and messengers call JPEGs so
_PICTURE_KINDS = frozenset({OTHER_NAMES, *_SPELT, *(said.split(" ", 1)[1] for said in PICTURES)})


# The formats that are passed over where a package is missing, by their kinds.
_BY_KIND = {
    kind: form
    for ending, kind in KINDS.items()
    if (form := by_ending(ending.replace(".", "a.", 1))) is not None
}


def kind_by_name(name: str) -> str | None:
    """The kind of a file that has no photo's name; None if its first bytes must say it."""
    extension = os.path.splitext(name)[1].lower()
    return None if extension in _OFTEN_JPEG else KINDS.get(extension)


def kind_by_content(name: str, head: bytes) -> str:
    """The kind of a file by its first bytes, or else by its name."""
    said = named(head)
    if said in _BY_SAID and is_there(_BY_SAID[said]):
        return OTHER_NAMES
    if said in PICTURES or said in READ:
        return said.split(" ", 1)[1]
    if said in FILMS and said != "a sound file":
        return VIDEOS
    return KINDS.get(os.path.splitext(name)[1].lower(), OTHER_FILES)


def missing(kinds: Iterable[str]) -> list[Format]:
    """The formats that could be read, were a package there, of some kinds of files."""
    found = [_BY_KIND[kind] for kind in kinds if kind in _BY_KIND]
    return [form for form in FORMATS if form in found and not is_there(form)]


def is_picture(kind: str) -> bool:
    """Whether files of a kind are pictures, which this program doesn't read."""
    return kind in _PICTURE_KINDS


def extension_of(name: str) -> str:
    """The ending of a name, in small letters, with its dot."""
    return os.path.splitext(name)[1].lower()


def may_have_companions(name: str) -> bool:
    """Whether a file is a photo or a film by its name, be it read here or not."""
    extension = extension_of(name)
    kind = KINDS.get(extension)
    return extension in PHOTOS_WITH_SIDECARS or kind == VIDEOS or bool(kind and is_picture(kind))
