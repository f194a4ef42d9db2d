"""JPEG XL: read where a person has installed a plug-in of Pillow for it."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Library
from made_pictures import CAT, encoded, hash_data, photo
from PIL import Image

from pictures import decode, formats, inventory, jxl_header, kinds
from pictures.exif import orientation_of
from pictures.images import Unreadable

pytestmark = pytest.mark.formats
pytest.importorskip("pillow_jxl")


def jxl(image: Image.Image, **options: object) -> bytes:
    return encoded(image, "JXL", effort=3, **options)


def sideways() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "Canon EOS 5D", 6
    return exif


def test_a_jpeg_xl_joins_its_jpeg(bare_library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    bare_library.add("a.jpg")
    (bare_library.photos / "a.jxl").write_bytes(jxl(photo(CAT)))
    with monkeypatch.context() as without:
        without.setattr(formats, "has_module", lambda _: False)
        out = bare_library.run("find", "--dry-run").out
        assert "Passed over: JPEG XL 1 (see --verbose).\n" in out
        assert "To compare JPEG XL, too: pip install pillow-jxl-plugin\n" in out
    assert len(bare_library.find("--json").facts["groups"][0]) == 2


@pytest.mark.parametrize("size", [(451, 300), (8, 16), (300, 300), (640, 480), (333, 2000)])
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(size: tuple[int, int]) -> None:
    data = jxl(photo(CAT).resize(size))
    assert jxl_header.header(data) == (*size, False)
    place = data.find(jxl_header.SIGNATURE)
    assert jxl_header.size(data[place:]) == size


def test_one_that_needs_too_much_memory_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_DECODED_BYTES", 1_000_000)
    with pytest.raises(ValueError, match=r"^451x300 pixels need 2 MB"):
        decode.open_header(jxl(photo(CAT)))


def test_a_jpeg_xl_is_turned_once(tmp_path: Path) -> None:
    """Its decoder turns it, but not one that is a JPEG packed anew."""
    assert orientation_of(decode.open_header(jxl(photo(CAT), exif=sideways().tobytes()))) == 1
    packed = io.BytesIO()
    (tmp_path / "a.jpg").write_bytes(encoded(photo(CAT), "JPEG", exif=sideways()))
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(packed, "JXL", lossless_jpeg=True, effort=3)
    image = decode.open_header(packed.getvalue())
    assert orientation_of(image) == 6
    assert "camera: Canon EOS 5D" in inventory.inventory(packed.getvalue(), image)


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:40],
        lambda data: data[:-5000] + bytes(5000),
        lambda data: data[:12] + b"\xff" * 50 + data[62:],
    ],
)
def test_a_jpeg_xl_that_is_not_all_there_is_unreadable(
    harm: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    found = hash_data(harm(jxl(photo(CAT))), tmp_path)
    assert isinstance(found, Unreadable)
    assert kinds.named(harm(jxl(photo(CAT)))) == "a JPEG XL"
