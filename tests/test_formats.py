"""The table of formats: a row is all that a format needs that Pillow, or a plugin of it, opens."""

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Library, Ran, copy_core
from made_pictures import CAT, encoded, hash_data, photo
from PIL import Image

from pictures import blocks, decode, formats, kinds
from pictures.formats import FORMATS, Format
from pictures.integrity import Integrity

# Pictures as made-up files hold them: a mark, two sides and plain bytes.
PLUGIN = """
import struct
from PIL import Image, ImageFile


class MadeUpFile(ImageFile.ImageFile):
    format = "MADEUP"

    def _open(self):
        self._mode = "RGB"
        self._size = struct.unpack("<HH", self.fp.read(12)[8:])
        self.tile = [ImageFile._Tile("raw", (0, 0, *self._size), 12, ("RGB", 0, 1))]


Image.register_open(MadeUpFile.format, MadeUpFile, lambda head: head.startswith(b"\\x93MADE UP"))
"""
ROW = r"""
    Format("a MadeUp", (".mup", ".made"), ("MADEUP",), rb"\x93MADE UP", plugin="made_up_plugin"),
"""


def made_up(image: Image.Image) -> bytes:
    return b"\x93MADE UP" + struct.pack("<HH", *image.size) + image.convert("RGB").tobytes()


@pytest.fixture
def with_a_row(bare_library: Library, tmp_path: Path) -> Callable[..., Ran]:
    """Runs an action of a program with one row more, and nothing else."""
    core = tmp_path / "core"
    copy_core(core)
    (core / "made_up_plugin.py").write_text(PLUGIN, "utf-8")
    table = core / "pictures" / "formats.py"
    before, start, rows = table.read_text("utf-8").partition("\nFORMATS = (\n")
    rows, end, after = rows.partition("\n)\n")
    table.write_text(before + start + rows + ROW + end + after, "utf-8")

    def run(action: str, *flags: str) -> Ran:
        command = [sys.executable, "main.py", *bare_library.arguments(action, *flags)]
        ran = subprocess.run(command, cwd=core, capture_output=True, text=True, timeout=240)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    return run


def test_a_format_of_one_more_row_is_found_grouped_copied_and_cleaned_up(
    bare_library: Library, with_a_row: Callable[..., Ran]
) -> None:
    library, cat = bare_library, photo(CAT)
    for name, image in {"a.mup": cat, "b.MADE": cat.reduce(2)}.items():
        (library.photos / name).write_bytes(made_up(image))
    (library.photos / "a.mup.json").write_text("{}")
    (library.photos / "broken.mup").write_bytes(made_up(cat)[:11])
    (library.photos / "wrong.jpg").write_bytes(made_up(cat)[:11])
    (library.photos / "d.xyz").write_bytes(made_up(cat))
    library.add("c.jpg")
    assert library.run("find", "--json", "--dry-run").facts["passed_over"] == {"other files": 5}

    ran = with_a_row("find", "--json")
    assert ran.code == 1, ran.err
    assert ran.facts["passed_over"] == {"other files": 1, "pictures under other names": 1}
    assert [[Path(path).name for path in group] for group in ran.facts["groups"]] == [
        ["a.mup", "b.MADE", "c.jpg"]
    ]
    reasons = {Path(item["path"]).name: item["reason"] for item in ran.facts["unreadable"]}
    assert not reasons["broken.mup"].startswith("a MadeUp")
    assert reasons["wrong.jpg"].startswith("a MadeUp named .jpg: ")
    library.delete_copies("b.MADE")
    assert with_a_row("check-deleted").code == 0
    assert library.listed() == ["b.MADE"]
    assert with_a_row("cleanup", "--yes").code == 0
    assert library.names() == ["a.mup", "a.mup.json", "broken.mup", "c.jpg", "d.xyz", "wrong.jpg"]


def test_what_a_format_of_one_more_row_is_called_stands_in_the_advice(
    bare_library: Library, with_a_row: Callable[..., Ran]
) -> None:
    (bare_library.photos / "a.psd").write_bytes(b"8BPS\0\1")
    assert " and MadeUp under their usual endings" in with_a_row("find").out


# ---- What Pillow has always read


def plain_tiff(level: int, order: str, *more: tuple[int, int, int, int]) -> bytes:
    """A gray TIFF whose pixels stand at once behind its header, below a border of one level."""
    image = photo(CAT).convert("L")
    image.paste(level, (0, 0, image.width, 8))
    pixels = image.tobytes()
    width, height = image.size
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, len(pixels)), *more,
    ]  # fmt: skip
    start = 8 + len(pixels)
    table = struct.pack(f"{order}H", len(tags))
    for tag, kind, count, value in sorted(tags):
        says = struct.pack(f"{order}HHI", tag, kind, count)
        table += says + struct.pack(f"{order}{'H2x' if kind == 3 else 'I'}", value)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(f"{order}I", start) + pixels + table + bytes(4)


DNG_VERSION = (50706, 1, 4, 0x01040000)


@pytest.mark.formats
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("has_rawpy", [True, False])
@pytest.mark.parametrize(
    ("level", "more"), [(73, ()), (77, ()), (70, (DNG_VERSION,)), (73, (DNG_VERSION,))]
)
def test_a_plain_tiff_is_read_as_ever_whatever_it_looks_like(
    order: str,
    has_rawpy: bool,
    level: int,
    more: tuple[tuple[int, int, int, int], ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(formats, "has_module", lambda _: has_rawpy)
    data = plain_tiff(level, order, *more)
    assert (formats.beginning(data).said, kinds.named(data)) == ("a TIFF", "a TIFF")
    with Image.open(io.BytesIO(data)) as image:
        assert hash_data(data, tmp_path).look == hash_data(encoded(image, "PNG"), tmp_path).look


@pytest.mark.parametrize("tag", [(259, 32767), (259, 65535), (262, 34892)])
def test_what_a_further_page_says_makes_no_raw_of_a_tiff(tag: tuple[int, int]) -> None:
    data = plain_tiff(70, "<")
    behind = struct.pack("<HHHIH2xI", 1, tag[0], 3, 1, tag[1], 0)
    data = data[:-4] + struct.pack("<I", len(data)) + behind
    assert formats.beginning(data).said == "a TIFF"


# ---- The rows


BY_PILLOW = [form for form in FORMATS if not form.needs]


@pytest.mark.parametrize("form", BY_PILLOW, ids=lambda form: form.name)
def test_a_row_agrees_with_what_pillow_writes(form: Format) -> None:
    """Its beginnings, its endings and Pillow's names belong together."""
    by_ending = Image.registered_extensions()
    assert {by_ending[ending] for ending in form.endings} <= {*form.opened_as}
    for name in form.opened_as:
        data = encoded(photo(CAT), name)
        image = decode.open_header(data)
        assert image.format == name
        assert formats.opened(image) is form
        if name != "DIB":  # has no beginning of its own
            assert formats.beginning(data) is form
            assert kinds.named(data) == form.said
            assert formats.examined(data) == Integrity("", len(data), "")


def test_no_two_rows_share_an_ending_a_name_or_one_of_pillow_s() -> None:
    for each in ("endings", "opened_as"):
        values = [value for form in FORMATS for value in getattr(form, each)]
        assert len(values) == len(set(values)), each
    assert len({form.said for form in FORMATS}) == len(FORMATS)


def test_an_ending_is_of_a_format_that_is_read_or_of_a_kind_that_is_not() -> None:
    optional = {ending for form in FORMATS if form.needs for ending in form.endings}
    assert formats.PHOTO_EXTENSIONS & kinds.KINDS.keys() == optional


def test_the_docs_list_the_formats() -> None:
    names = ", ".join(form.name for form in FORMATS)
    text = " ".join((ROOT / "docs/how-it-works.md").read_text("utf-8").split())
    assert f"Each photo ({names}) is decoded" in text


def test_only_formats_of_the_table_have_readers_of_their_own() -> None:
    assert blocks.READERS.keys() <= {form.name for form in FORMATS}


def test_what_pillow_has_made_is_of_any_format() -> None:
    assert formats.opened(Image.new("L", (1, 1))) is formats.ANY
    assert formats.beginning(b"") is formats.ANY
