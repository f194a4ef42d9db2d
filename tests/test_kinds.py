"""What a file is by its first bytes, whatever it is called."""

from pathlib import Path

import pytest
from conftest import Library, picture
from made_pictures import CAT, encoded, photo

from pictures import kinds


def box(brand: bytes, *others: bytes) -> bytes:
    """The start of an ISO media file."""
    content = b"ftyp" + brand + b"\0\0\0\0" + b"".join(others)
    return (len(content) + 4).to_bytes(4, "big") + content + b"\0\0\1\0mdat" + bytes(range(200))


NOISE = bytes((position * 7919) % 251 + 1 for position in range(3000))
# By what is said of it: some starts of files.
STARTS = {
    "a JPEG": [picture(CAT)],
    "a PNG": [encoded(photo(CAT), "PNG")],
    "a GIF": [encoded(photo(CAT), "GIF")],
    "a BMP": [encoded(photo(CAT), "BMP")],
    "a TIFF": [encoded(photo(CAT), "TIFF"), b"MM\0*" + NOISE],
    "a WebP": [encoded(photo(CAT), "WEBP")],
    "an AVIF": [box(b"avif", b"mif1"), box(b"mif1", b"miaf", b"avif"), box(b"avis")],
    "a HEIC": [box(b"heic", b"mif1", b"heic"), box(b"mif1", b"heic"), box(b"heix"), box(b"msf1")],
    "a CR2": [b"II*\0\x10\0\0\0CR\2\0" + NOISE],
    "a CR3": [box(b"crx ", b"isom")],
    "an RAF": [b"FUJIFILMCCD-RAW 0201" + NOISE],
    "a JPEG XL": [b"\xff\x0a" + NOISE, b"\0\0\0\x0cJXL \r\n\x87\n" + NOISE],
    "a JPEG 2000": [b"\0\0\0\x0cjP  \r\n\x87\n" + NOISE, b"\xff\x4f\xff\x51" + NOISE],
    "a PSD": [b"8BPS\0\1" + NOISE],
    "an SVG": [b'<svg xmlns="x">', b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a -->\n<svg>'],
    "a PostScript": [encoded(photo(CAT), "EPS")],
    "a NetPBM": [b"P6\n10 10\n255\n" + NOISE, b"P5 # made by\n"],
    "an MP4 video": [box(b"isom", b"mp42"), box(b"mp42"), box(b"3gp5")],
    "a QuickTime video": [box(b"qt  "), b"\0\0\0\x08wide\0\1\2\3mdat" + NOISE],
    "a Matroska video": [b"\x1a\x45\xdf\xa3" + NOISE],
    "an AVI video": [b"RIFF\1\2\3\4AVI LIST" + NOISE],
    "an MPEG video": [b"\0\0\1\xba" + NOISE, (b"G" + bytes(187)) * 3],
    "a sound file": [b"RIFF\1\2\3\4WAVEfmt " + NOISE, b"ID3\3" + NOISE, box(b"M4A ")],
    "a PDF": [b"%PDF-1.7\n" + NOISE],
    "a ZIP archive": [b"PK\3\4\x14\0" + NOISE],
    "an archive": [b"7z\xbc\xaf\x27\x1c" + NOISE, b"\x1f\x8b\x08" + NOISE],
    "an HTML page": [
        b"<!DOCTYPE html>\n<html>",
        b"\n\n  <HTML><head>",
        b"<!-- saved from url -->\n<html>",
        b"<?xml version='1.0'?><!DOCTYPE html><html><body><svg>",
        b"<head><title>404 Not Found</title></head>",
    ],
    "an XML file": [b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"],
    "a JSON file": [b'{"error": "not found"}', b' [{"a": 1}]'],
    "a Git LFS pointer": [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"],
    "a git-annex pointer": [b"/annex/objects/SHA256E-s1--0.jpg\n"],
    "a companion file of macOS (AppleDouble)": [b"\0\5\x16\7\0\2\0\0Mac OS X" + NOISE],
    "a Windows shortcut": [b"L\0\0\0\1\x14\2\0" + NOISE, b"[InternetShortcut]\r\nURL=https://x"],
    "an old Office file": [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NOISE],
    "a database": [b"SQLite format 3\0" + NOISE],
    "a text": [
        b"The wide road and the free moov",
        "Grüße aus der Küche".encode(),
        "Grüße aus der langen Küche, von uns allen".encode("latin-1"),
        "Grüße".encode("utf-16"),
        ("x" * 4095 + "ü").encode(),
    ],
    "an encrypted file": [b"Salted__" + NOISE, b"age-encryption.org/v1\n" + NOISE],
    "nothing but zeros": [bytes(1), bytes(5_000_000)],
    kinds.UNKNOWN: [b"", NOISE, bytes(4096) + b"x", b"\xff\xd8", bytes(range(256))],
}


@pytest.mark.parametrize(("said", "data"), [(s, d) for s, starts in STARTS.items() for d in starts])
def test_a_file_is_known_by_its_first_bytes(said: str, data: bytes) -> None:
    assert kinds.named(data) == said


def test_a_format_is_known_by_what_is_sniffed_of_it() -> None:
    """But for what only all of a file can tell, and a text that was cut in two."""
    for said, starts in STARTS.items():
        for data in starts:
            assert kinds.named(data[: kinds.SNIFFED_BYTES]) in {said, "nothing but zeros"}


def test_a_reason_says_what_a_file_is_that_is_called_a_picture(bare_library: Library) -> None:
    wrong = {
        "heic.jpg": (box(b"heic", b"mif1"), "a HEIC named .jpg"),
        "page.JPEG": (b"<!doctype html><html>", "an HTML page named .jpeg"),
        "film.png": (box(b"isom"), "an MP4 video named .png"),
        "layers.tif": (b"8BPS\0\1" + NOISE, "a PSD named .tif"),
        "vector.gif": (b"<svg></svg>", "an SVG named .gif"),
        "paper.jpg": (b"%PDF-1.4", "a PDF named .jpg"),
        "packed.jpg": (b"PK\3\4" + NOISE, "a ZIP archive named .jpg"),
        "notes.jpg": (b"see other folder\n", "a text named .jpg"),
        "pointer.jpg": (STARTS["a Git LFS pointer"][0], "a Git LFS pointer named .jpg"),
        "zeros.jpg": (bytes(10_000), "nothing but zeros"),
        "noise.jpg": (NOISE, "no picture that is known ("),
        "empty.jpg": (b"", "the file is empty"),
        "cut.jpg": (encoded(photo(CAT), "PNG")[:300], "a PNG named .jpg: "),
    }
    for name, (data, _) in wrong.items():
        (bare_library.photos / name).write_bytes(data)
    ran = bare_library.run("find", "--json")
    assert ran.code == 1
    reasons = {Path(item["path"]).name: item["reason"] for item in ran.facts["unreadable"]}
    for name, (_, reason) in wrong.items():
        assert reasons[name].startswith(reason), (name, reasons[name])
    assert ran.facts["passed_over"] == {}


def test_what_is_called_as_it_is_keeps_its_decoder_s_reason(bare_library: Library) -> None:
    """That a broken GIF is a GIF says nothing."""
    (bare_library.photos / "a.gif").write_bytes(b"GIF89a" + b"\xff" * 500)
    (item,) = bare_library.run("find", "--json").facts["unreadable"]
    assert "a GIF" not in item["reason"]
