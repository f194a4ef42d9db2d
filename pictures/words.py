"""Texts that people wrote into a picture's file, in one form; not those that cameras write."""

import contextlib
import re
import unicodedata

MOST_CHARACTERS = 2000
LONGEST_BOILERPLATE = 200
PROGRAMS = (
    "adobe|photoshop|gimp|picasa|paint|imagemagick|graphicsmagick|ezgif|inkscape|corel|canva|lead"
    "|picsart|snapseed|vscocam|instagram|microsoft|windows|macromedia|ulead|acd|irfanview|xnview"
    "|ifranview|jpegmini|jpeg-recompress|gd-jpeg|xv|libjpeg|mozjpeg|guetzli|lavc|ffmpeg|gifsicle"
    "|google|apple|intel|handmade|aviary|pixlr|meitu|faststone|photoscape|darktable|digikam"
)
# What cameras and programs write where a person could write, as a whole text in small letters.
BOILERPLATE = re.compile(
    rf"""
    .*\bdigital\ (still\ )?camera\b.* | (konica\ )?minolta.* | sony\ dsc | <?digimax.*>?
    | (samsung|kodak|pentax|nikon|canon|casio|panasonic|fujifilm|sony|ricoh|apple|google|huawei|htc
      |olympus|leica|gopro|dji|epson|xiaomi|oppo|vivo|oneplus|motorola|nokia|honor|realme|lge?)
    | exif[_ ]?jpeg.* | jpe?g | jfif | photo | picture | image | default | comment | description
    | dcim[\\/].* | dji_\d+.* | dsc[_nf]?\d* | video\ \d+ | img_\d+
    | (sdr|hdr|hdrpl|cof|rptnr?|dav|dig|edf|mde|fbt|ptr|rbt|rhdr|oznorw?o?|btf|burst|vid|bty|nor|cob
      |tap|pfh|fil|ori|fpt|dlm|bsh|sfp|oic|hmv|vfc|mcr|pro)(_[a-z]{{2,8}})*   # Huawei's modes
    | screenshot | untitled(-\d+)? | unknown | none | null | n/?a | undefined | \(null\)
    | user\ comments? | image\ description | title | author | artist | copyright | owner(\ name)?
    | photographer | photographer,?\ editor.* | your\ name | name | (default\ )?user
    | admin(istrator)? | my\ beautiful\ picture | applemark | file\ source:.*
    | (?=.*(copyright|\(c\)|©))(copyright|\(c\)|©|[\d,.\s-]|hewlett-packard|company)+
    | (creator:\ |software:\ )?({PROGRAMS})\b.*
    | (creator|software)\ ?:.* | .*\bjpeg\ (library|encoder)\b.* | .*lead\ technologies.*
    | .*\b(with|by|using|in)\ (the\ )?({PROGRAMS})\b.* | xing\ .* | fbmd[0-9a-f]+ | c2pa.*
    | image/\w+ | blender:.* | xr:d:.*
    | hisilicon\ .* | dcf\ \d\.\d | padbytes | gpencoder | epson\ dsc\ .* | kodak\ action\ cam
    | gc-x1e\ image | \(c\)\ by\ .*\ user | 0\d* | [0-9a-f]{{32}} | [0-9a-f]{{40}} | [0-9a-f]{{64}}
    | r:\ \d+\ g:\ \d+\ .* | .*\brendered\ by\ persistence\ of\ vision\b.* | .*\banimagic\b.*
    | .*\bimagegear\b.* | lavc\d.* | cmp\d[\w.]*\ 0x[0-9a-f]+
    | ([\w-]+\ ?[=:]\ ?[^\s;]*;\ *){{2,}}([\w-]+\ ?[=:]\ ?[^\s;]*)?   # settings of a program
    """,
    re.VERBOSE,
)
PROGRAMS_BEGIN = ('{"', "<?xml", "&lt;?xml", "GCM_TAG")
WHITE = frozenset("\t\n\v\f\r\0")
# They would change how a line shows what follows.
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff\u2028-\u202e\u2066-\u2069]+")
STRANGE = {"Cc", "Cn", "Co", "Cs"}  # categories of what no text holds


def cleaned(text: str) -> str:
    """A text on one line, in one form for all programs; empty if it is none."""
    text = text[: 2 * MOST_CHARACTERS].strip("\0 ")
    strange = sum(
        c == "\ufffd" or unicodedata.category(c) in STRANGE for c in text if c not in WHITE
    )
    if strange * 10 > len(text):
        return ""
    text = " ".join(unicodedata.normalize("NFC", CONTROLS.sub(" ", text)).split())
    blank = (len(text) > 1 and len(set(text)) < 2) or not any(map(str.isalnum, text))
    return "" if blank else text[:MOST_CHARACTERS]


def is_boilerplate(text: str) -> bool:
    """Whether a cleaned text is what cameras and programs write, and no person."""
    if text.startswith(PROGRAMS_BEGIN):
        return True
    return len(text) <= LONGEST_BOILERPLATE and bool(BOILERPLATE.fullmatch(text.casefold()))


def decoded(data: bytes) -> str:
    """Text of an encoding that isn't named."""
    for bom, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def comment_of(data: bytes) -> str:
    """EXIF's user comment, of which the first eight bytes name the encoding."""
    code, text = data[:8].rstrip(b"\0 "), data[8:]
    if code == b"UNICODE":
        return utf16(text)
    if code == b"JIS":
        return text.decode("iso2022_jp", "replace")
    return decoded(text if code in (b"ASCII", b"") else data)


def utf16(data: bytes) -> str:
    """UTF-16 in whichever order of bytes makes more of it plain; or text that was never that."""
    plain = data.rstrip(b"\0")
    if b"\0" not in plain:
        with contextlib.suppress(UnicodeDecodeError):
            return plain.decode("utf-8-sig")
    data = data[: len(data) // 2 * 2]
    high, low = data[0::2].count(0), data[1::2].count(0)
    return data.decode("utf-16-be" if high > low else "utf-16-le", "replace")
