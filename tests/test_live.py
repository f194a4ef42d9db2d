"""Which video is a photo's Live video: by Apple's identifier, or by its name and how long it is."""

import os
import struct
import time
from pathlib import Path

import pytest
from made_pictures import CAT, encoded, photo
from made_videos import ANOTHER, ONE, box, film, makers_note
from PIL import Image

from disk import live
from disk.companions import Companions
from pictures.losses import orphaned_sidecars

SMALL = photo(CAT).resize((64, 48))


def shot(identifier: str = "", form: str = "JPEG", order: str = ">") -> bytes:
    """A photo with Apple's maker note, or without one."""
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    tags = Image.Exif()
    tags.get_ifd(0x8769).update({0x9003: "2024:05:01 12:00:00"})
    if identifier:
        tags.get_ifd(0x8769)[0x927C] = makers_note(identifier, order)
    return encoded(SMALL, form, exif=tags.tobytes())


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "IMG_1.MOV", tmp_path / "IMG_1.JPG"


@pytest.mark.parametrize("form", ["JPEG", "HEIF"])
@pytest.mark.parametrize(
    ("video", "identifier", "belongs"),
    [
        (film(ONE), ONE, True),
        (film(ONE, seconds=90), ONE, True),
        (film(ONE), ANOTHER, False),
        (film(ONE, wide=True, plain=False), ONE, True),
        (film(ONE, wide=True, plain=False), ANOTHER, False),
        (film(ONE), "", None),
        (film(seconds=3), ANOTHER, None),
        (film(seconds=30.5), ANOTHER, False),
        (film(seconds=30), "", True),
        (film(seconds=30.5), "", False),
        (film(seconds=30.5, wide=True), "", False),
        (b"no video", "", True),
        (b"no video", ONE, None),
    ],
)
def test_two_identifiers_decide_or_without_any_the_name_unless_it_is_a_film(
    form: str, video: bytes, identifier: str, belongs: bool | None, pair: tuple[Path, Path]
) -> None:
    """With one alone nobody can tell: it is named where it is left behind, and no more."""
    pair[0].write_bytes(video)
    pair[1].write_bytes(shot(identifier, form))
    assert live.is_live_video(*map(str, pair)) is belongs
    found = [one.path for one in Companions().of(str(pair[1]))]
    assert found == ([str(pair[0])] if belongs else [])
    left = orphaned_sidecars([str(pair[1])])
    assert left == ([] if belongs is False else [str(pair[0])])


def test_both_orders_of_bytes_are_read(pair: tuple[Path, Path]) -> None:
    for order in "<>":
        pair[1].write_bytes(shot(ONE, order=order))
        assert live.identifier_of(str(pair[1])) == ONE.encode()


def test_of_two_photos_of_one_name_each_has_its_own_video(tmp_path: Path) -> None:
    """As where the counter of a new phone met an old one's photos."""
    for name, content in {
        "IMG_1.HEIC": shot(ONE),
        "IMG_1.JPG": shot(ANOTHER),
        "IMG_1.MOV": film(ONE),
        "IMG_1_3.MOV": film(ANOTHER),
    }.items():
        (tmp_path / name).write_bytes(content)
    found = Companions()
    beside = {
        name: [os.path.basename(place) for place in found.paths(str(tmp_path / name))]
        for name in ("IMG_1.HEIC", "IMG_1.JPG")
    }
    assert beside == {"IMG_1.HEIC": ["IMG_1.MOV"], "IMG_1.JPG": ["IMG_1_3.MOV"]}
    assert orphaned_sidecars([str(tmp_path / "IMG_1.JPG")]) == [str(tmp_path / "IMG_1_3.MOV")]


def test_a_length_that_is_not_said_is_none(pair: tuple[Path, Path]) -> None:
    unknown = (
        film(seconds=0xFFFFFFFF / 600),
        film(seconds=1, scale=0),
        box(b"moov", box(b"mvhd", b"")),
        box(b"moov", b""),
        b"",
        box(b"mdat", bytes(99)) + struct.pack(">I4s", 500, b"moov"),
    )
    for content in unknown:
        pair[0].write_bytes(content)
        assert live.film_of(str(pair[0])) == live.Film()


def test_what_is_no_file_says_nothing_and_nobody_waits_for_it(pair: tuple[Path, Path]) -> None:
    for path in pair:
        os.mkfifo(path)
    assert live.film_of(str(pair[0])) == live.Film(is_read=False)
    assert live.identifier_of(str(pair[1])) is None
    assert live.is_live_video(*map(str, pair)) is None
    os.unlink(pair[0])
    os.symlink("elsewhere", pair[0])
    assert live.film_of(str(pair[0])) == live.Film(is_read=False)
    pair[1].unlink()
    pair[1].write_bytes(shot())
    assert live.is_live_video(*map(str, pair)) is None


def nested(kinds: tuple[bytes, ...], times: int) -> bytes:
    data = b""
    for kind in reversed(kinds):
        data = box(kind, data) * times
    return data


def item_list(version: int, sizes: int) -> bytes:
    """A HEIC whose list of places goes on without end."""
    places = struct.pack(">IHH", version << 24, sizes, 0xFFFF) + b"\0\x01\xff\xff" * 250_000
    listed = box(b"infe", struct.pack(">IHH4s", 2 << 24, 1, 0, b"Exif"))
    items = box(b"iinf", struct.pack(">IH", 0, 1) + listed)
    return box(b"ftyp", b"heic") + box(b"meta", bytes(4) + items + box(b"iloc", places))


HOSTILE = {
    "boxes in boxes": nested((b"moov", b"meta", b"ilst", b"\0\0\0\1", b"data"), 14),
    "many boxes": box(b"moov", box(b"free") * 200_000),
    "a box in no room": box(b"moov", b"\0\0\0\1meta" + b"\xff" * 8),
    "a box of less than itself": box(b"moov", b"\0\0\0\4meta" * 9),
    "many keys": box(b"moov", box(b"meta", box(b"hdlr") + box(b"keys", bytes(1 << 20)) * 20)),
    "places without sizes": item_list(0, 0),
    "places in pieces": item_list(1, 0xFFFF),
    "a note of many entries": b"\xff\xd8" + makers_note(ONE)[:14] + b"\xff\xff" + bytes(99),
    "a note that is cut": shot(ONE)[:300],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_little_and_says_nothing(name: str, pair: tuple[Path, Path]) -> None:
    for path in pair:
        path.write_bytes(HOSTILE[name])
    begun = time.process_time()
    assert live.film_of(str(pair[0])).identifier == b""
    assert live.identifier_of(str(pair[1])) in (None, b"", ONE.encode())
    assert time.process_time() - begun < 1


def test_any_byte_may_be_another(pair: tuple[Path, Path]) -> None:
    for path, content in zip(pair, (film(ONE), shot(ONE)[:400]), strict=True):
        for place in range(0, len(content), 3):
            path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
            live.film_of(str(path))
            live.identifier_of(str(path))
