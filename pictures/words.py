"""Texts that people wrote into a picture's file, in one form; not those that cameras write."""

import contextlib
import re
import unicodedata

MOST_CHARACTERS = 2000
LONGEST_BOILERPLATE = 200
MAKERS = (
    "samsung|kodak|pentax|nikon|canon|casio|panasonic|fujifilm|sony|ricoh|huawei|htc|olympus|leica"
    "|gopro|dji|epson|xiaomi|oppo|vivo|oneplus|motorola|nokia|realme|lge?|konica|minolta|toshiba"
    "|sanyo|jenoptik|polaroid|vivitar|agfa|hp|hewlett-packard"
)
# No everyday words: "paint", "windows", "lead" and "apple" are programs only with what follows.
PROGRAMS = (
    r"(adobe\ )?photoshop|adobe\ (lightroom|bridge|imageready|illustrator|fireworks)|gimp|picasa"
    r"|imagemagick|graphicsmagick|ebay\ with\ imagemagick|imagegear|animagic|ezgif(\.com)?|inkscape"
    r"|canva|picsart|snapseed|vsco(cam)?|instagram|pixlr|meitu|faststone|photoscape|darktable"
    r"|digikam|irfanview|ifranview|xnview|acdsee|acd\ systems|ulead|u-lead|macromedia\ fireworks"
    r"|corel\ ?(draw|photo-paint|paint\ ?shop)|paint\.net|paint\ shop\ pro|ms\ paint"
    r"|microsoft\ (paint|office|windows|photo|picture)|windows\ (photo|live)|google\ photos"
    r"|jpegmini|jpeg-recompress|gd-jpeg|libjpeg|mozjpeg|guetzli|lavc|ffmpeg|gifsicle|ijg"
)
VERSIONS = (
    r"[v(\[]?\d[\w.\-\[\])]*|0x[0-9a-f]+|cs|cs\d|cc|version|ver\.|elements|lightroom|classic|express"
    r"|jpeg|library|pro|for|windows|macintosh|mac|\((windows|macintosh)\)|photo|gallery|viewer|editor"
    r"|internal|inc\.|pnm\ filter|accusoft\ corp\.|with\ \w+\ preset|z\d[\d.]*|\|\|\w+"
)
# What cameras and programs write where a person could write, as a whole text in small letters.
BOILERPLATE = re.compile(
    rf"""
    (({MAKERS}|traveler)\ (\w*\d\w*\ (zoom\ )?)?)*digital\ ?(still\ ?)?camera
    | (konica\ )?minolta(\ dsc)? | sony\ dsc | <[^<>]*(digimax|kenox|samsung)[^<>]*>
    | digimax(\ \w*\d\w*)*
    | exif[_ ]?jpeg([_ ](picture|\w?\d+))* | jpe?g | jfif | photo | picture | image | default
    | comment | description | dcim[\\/]\S+ | dsc
    | (sdr|hdr|hdrpl|cof|rptnr?|edf|mde|fbt|ptr|rbt|rhdr|oznorw?o?|btf|bty|pfh|dlm|bsh|sfp|oic
      |hmv|vfc|mcr)(_[a-z]{{2,8}})*   # Huawei's modes
    | (burst|dav|dig|vid|nor|cob|tap|fil|ori|fpt|pro)(_[a-z]{{2,8}})+
    | screenshot | untitled(-\d+)? | unknown | none | null | n/?a | undefined | \(null\)
    | user\ comments? | image\ description | title | author | artist | copyright | owner(\ name)?
    | photographer | photographer,?\ editor(,\ \[none\])? | your\ name | name | (default\ )?user
    | admin(istrator)? | my\ beautiful\ picture | applemark | file\ source:\ (https?:)?//\S+
    | (?=.*(copyright|\(c\)|©))(copyright|\(c\)|©|[\d,.\s-]|hewlett-packard|company)+
    | ((creator|software)\ ?:\ ?)?((gif|image|file|jpeg|picture|photo)\ )?
      ((made|created|edited|processed|saved|written|generated|optimi[sz]ed|resized|compressed|converted
        |exported)\ (with|by|using|in|from)\ (the\ )?)?
      ({PROGRAMS})[®™¨?]?(,?\ ({VERSIONS}))*\.?
    | creator:\ gd-jpeg\ v[\d.]+\ \(using\ ijg\ jpeg\ v\d+\)(,\ (default\ quality|quality\ =\ \d+))?
    | (creator:\ )?xv\ version\ \d.* | intel\(r\)\ jpeg\ library.* | lavc\d[\d.]*
    | jpeg\ encoder\ copyright.*\ bioelectromech.* | (jpeg\ )?lead\ technologies,?\ inc\b.*
    | handmade\ software,?\ inc\b.* | xing\ (vt-compress|technology)\b.* | fbmd[0-9a-f]+
    | image/\w+ | blender:(file|date|time|frame|camera|scene):.* | xr:d:\S+ | c2pa[\w.:-]*
    | hisilicon\ \w+ | dcf\ \d\.\d | padbytes | gpencoder | epson\ dsc\ picture | kodak\ action\ cam
    | gc-x1e\ image | \(c\)\ by\ [\w-]*\d[\w-]*\ user | 0
    | [0-9a-f]{{32}} | [0-9a-f]{{40}} | [0-9a-f]{{64}}
    | r:\ \d+\ g:\ \d+\ b:\ \d+\b.* | rendered\ by\ persistence\ of\ vision\b.*
    | cmp\d[\w.]*\ 0x[0-9a-f]+
    | (filter|module|algolist|hdrforward|aec_lux)\ ?[=:]\ ?[^\s;]*;
      (\ *[\w-]+\ ?[=:]\ ?(\([^()]*\)|[^\s;]*);?)*   # of phones to themselves
    """,
    re.VERBOSE,
)
# A maker's name alone, as cameras write it; a person writes "Casio", be it a dog.
MAKER = re.compile(rf"({MAKERS})")
# How what programs note for themselves begins; other JSON may hold anything.
PROGRAMS_BEGIN = re.compile(
    r'\{"(sticker|remix_data|remix_entry_point|total_\w+|source_tags|data":\{|mirror|sensor_type'
    r"|cameraPosition|PackageName|subjectPhotoFlag|uid|effects|fte_image_ids)|<\?xml|&lt;\?xml|GCM_TAG"
)
SMILEY = re.compile(r"[:;=8xX][-o'^]?[()\[\]{}/\\|*]+")
WHITE = frozenset("\t\n\v\f\r\0")
# They would change how a line shows what follows.
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff\u2028-\u202e\u2066-\u2069]+")
FILLINGS = frozenset("0ÿ")
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
    return text[:MOST_CHARACTERS] if _says_something(text) else ""


def _says_something(text: str) -> bool:
    """Whether there is a letter, a digit, an emoji or a smiley, and no filling alone."""
    if len(text) > 1 and set(text) <= FILLINGS:
        return False
    says = any(c.isalnum() or unicodedata.category(c) == "So" for c in text)
    return says or bool(SMILEY.fullmatch(text))


def is_boilerplate(text: str) -> bool:
    """Whether a cleaned text is what cameras and programs write, and no person."""
    if PROGRAMS_BEGIN.match(text):
        return True
    if MAKER.fullmatch(text.casefold()):
        return text.isupper() or text.islower()
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
