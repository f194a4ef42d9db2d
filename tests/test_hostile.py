"""Pictures that are made to cost much, and what decoders say of damaged ones."""

import io
import os
import subprocess
import sys
from pathlib import Path

import hostile
import mutants
import pytest
from conftest import ROOT, Library, collect
from hostile import cat, encoded
from PIL import Image

from pictures import decode, fingerprint, kinds

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
MEMORY_MB = 700


@needs_linux
@pytest.mark.parametrize("name", [*hostile.HOSTILE, *hostile.SPARSE])
def test_a_hostile_picture_costs_little_and_is_unreadable(name: str, tmp_path: Path) -> None:
    cost = hostile.cost(hostile.write(tmp_path, name))
    assert cost.seconds < 15
    assert cost.megabytes < MEMORY_MB
    assert cost.reason or name == "a progressive JPEG with 90 scans"
    assert not cost.reason.startswith("killed")


@needs_linux
@pytest.mark.parametrize("name", list(hostile.REAL)[:2])  # the others take long to make
def test_a_large_photo_is_hashed(name: str, tmp_path: Path) -> None:
    cost = hostile.cost(hostile.write(tmp_path, name))
    assert cost.reason == ""
    assert cost.megabytes < (120 if name.startswith("a phone") else MEMORY_MB)
    assert cost.seconds < 10  # for a busy machine; tests/hostile.py shows what it is


@needs_linux
def test_a_picture_that_needs_too_much_memory_is_unreadable_and_the_others_are_hashed(
    tmp_path: Path,
) -> None:
    """What the header doesn't tell, the limit of the worker stops."""
    data = encoded(cat(size=(9_000, 6_000)), "PNG", compress_level=1)
    (tmp_path / "a.png").write_bytes(data)
    (tmp_path / "b.jpg").write_bytes(encoded(cat(), "JPEG"))
    program = (
        "import sys, finder\n"
        "from pictures import decode, hashing, holding, workers\n"
        "from pictures.recipe import Recipe\n"
        "from pictures import limits\n"
        "decode.MAX_DECODED_BYTES, limits.MEMORY_BYTES = 10**12, 150_000_000\n"
        "workers.start_worker(1.0)\n"
        "for path in sys.argv[1:]:\n"
        "    result = hashing.hash_file(finder.ImageFile(path, 0, 0), Recipe())\n"
        "    print(getattr(result, 'reason', 'hashed'))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.png"), str(tmp_path / "b.jpg")]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.stdout == "it needs more than 150 MB of memory to be decoded\nhashed\n"


def large(path: Path, head: bytes, megabytes: int) -> None:
    """A file that begins and ends with something; between are zeros, which take no room on disk."""
    path.write_bytes(head)
    os.truncate(path, megabytes * 1_000_000 - 1)
    with path.open("ab") as stream:
        stream.write(b"\1")


def large_tiff() -> bytes:
    """The beginning of an uncompressed TIFF of 5000 x 4000 pixels of four colours."""
    data = io.BytesIO()
    Image.new("CMYK", (5000, 4000)).save(data, "TIFF")
    return data.getvalue()[:1000]


@needs_linux
def test_a_large_file_is_not_copied_in_memory_and_what_it_is_is_said(tmp_path: Path) -> None:
    """As long as all that a worker may need, but for a little."""
    video = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
    photo = encoded(cat(), "JPEG")
    large(tmp_path / "1.jpg", video, 100)
    large(tmp_path / "2.jpg", bytes(9_000), 100)
    large(tmp_path / "3.tif", large_tiff(), 81)
    large(tmp_path / "4.jpg", photo, 100)
    large(tmp_path / "5.jpg", photo + video, 100)
    program = (
        "import sys, finder, scipy.fftpack\n"
        "from pictures import decode, hashing, holding, workers\n"
        "from pictures.recipe import Recipe\n"
        "from pictures import limits\n"
        "decode.MAX_DECODED_BYTES, limits.MEMORY_BYTES = 150_000_000, 150_000_000\n"
        "workers.start_worker(1.0)\n"
        "for path in sys.argv[1:]:\n"
        "    result = hashing.hash_file(finder.ImageFile(path, 0, 0), Recipe())\n"
        "    print(getattr(result, 'reason', '') or result.note or 'hashed')\n"
        "held = holding.holding_of(finder.ImageFile(path, 0, 0))\n"
        "print(getattr(held, 'reason', '') or any('video' in line for line in held.lines))\n"
    )
    paths = sorted(map(str, tmp_path.iterdir()))
    ran = subprocess.run(
        [sys.executable, "-c", program, *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.stdout.splitlines() == [
        "an MP4 video named .jpg",
        f"{kinds.UNKNOWN} (cannot identify image file)",
        "5000x4000 pixels need 261 MB to be decoded, 150 MB are the most",
        "1 byte stands after the picture",
        "hashed",
        "it needs more than 150 MB of memory to be decoded",
    ], ran.stderr


@needs_linux
def test_large_pngs_cost_hashed_or_shown_what_a_picture_may_cost(tmp_path: Path) -> None:
    image = cat("L", (12_000, 8_000)).point(lambda level: level & 0xC0)
    for mode in ("RGB", "P"):
        image.convert(mode).save(tmp_path / f"{mode}.png", compress_level=1)
    program = (
        "import sys, finder\n"
        "from pictures import fingerprint, hashing, workers\n"
        "from pictures.recipe import Recipe\n"
        "from extras.review import facts, rendering\n"
        "from pathlib import Path\n"
        "def memory(name):\n"
        "    lines = Path('/proc/self/status').read_text().splitlines()\n"
        "    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000\n"
        "def hashed(path):\n"
        "    assert hashing.hash_file(finder.ImageFile(path, 0, 0), Recipe()).digest\n"
        "def shown(path):\n"
        "    assert facts.examine(path).pixels == 96_000_000\n"
        "    assert rendering.render(path, 'thumb')\n"
        "workers.start_worker(1.0)\n"
        "look_at = {'hashed': hashed, 'shown': shown}[sys.argv[1]]\n"
        "Path('/proc/self/clear_refs').write_text('5')\n"
        "before = memory('VmRSS')\n"
        "for path in sys.argv[2:]:\n"
        "    look_at(path)\n"
        "print(memory('VmHWM') - before)\n"
    )
    for work in ("hashed", "shown"):
        command = [sys.executable, "-c", program, work, *map(str, sorted(tmp_path.iterdir()))]
        ran = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )
        assert (ran.returncode, float(ran.stdout or MEMORY_MB) < MEMORY_MB) == (0, True), ran


@needs_linux
def test_what_needs_more_memory_than_it_may_have_is_said_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(cat(size=(6_000, 4_000)), "PNG", compress_level=1))
    program = (
        "import sys\n"
        "from pictures import limits\n"
        "limits.MEMORY_BYTES = 80_000_000\n"
        "from extras.review import facts\n"
        "from pictures import workers\n"
        "workers.start_worker(1.0)\n"
        "try: facts.examine(sys.argv[1])\n"
        "except MemoryError: print(limits.too_much_memory())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.png")]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.stdout == "it needs more than 80 MB of memory to be decoded\n"


def test_a_picture_that_is_reduced_first_has_the_look_of_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for mode in ("L", "RGB", "CMYK"):
        data = encoded(cat(mode, (2600, 2100)), "TIFF")
        usual = fingerprint.look_at(data)
        monkeypatch.setattr(decode, "REDUCED_FIRST", 0)
        reduced = fingerprint.look_at(data)
        monkeypatch.undo()
        assert usual
        assert reduced
        one, other = (int.from_bytes(look.views[0].hash) for look in (usual, reduced))
        assert (one ^ other).bit_count() <= 2


@pytest.mark.parametrize(
    ("size", "options"),
    [((17, 9), {}), ((300, 200), {"lossless": True}), ((40, 50), {"exif": b"Exif\0\0"})],
)
def test_the_size_of_a_webp_is_read_from_its_header(
    size: tuple[int, int], options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(cat(size=size), "WEBP", **options)
    monkeypatch.setattr(decode, "MAX_DECODED_BYTES", 0)
    with pytest.raises(ValueError, match=f"^{size[0]}x{size[1]} pixels"):
        decode.open_image(data)


@needs_linux
@pytest.mark.workers
@pytest.mark.formats
@pytest.mark.parametrize("name", ["a HEIC with a thumbnail", "a RAW with a thumbnail"])
def test_a_heic_or_raw_that_is_broken_at_random_costs_at_most_itself(name: str) -> None:
    """A sample; tests/mutants.py takes more."""
    pytest.importorskip("pillow_heif")
    pytest.importorskip("rawpy")
    said = mutants.outcomes(*mutants.made()[name], count=20)
    assert said["lost"] == 0
    assert said["unreadable"]


# ---- Damage


def broken_fax(image: Image.Image) -> bytes:
    """A fax whose last row is no longer what was sent; the decoder makes one up."""
    data = bytearray(encoded(image, "TIFF", compression="group4"))
    with Image.open(io.BytesIO(data)) as opened:
        end = opened.tag_v2[273][0] + opened.tag_v2[279][0]  # of the only strip
    data[end - 100 : end - 80] = b"\xff" * 20
    return bytes(data)


@pytest.mark.workers
@pytest.mark.sheet
def test_what_a_decoder_says_of_the_data_is_damage_wherever_a_picture_is_suggested(
    bare_library: Library,
) -> None:
    intact, broken = bare_library.photos / "intact.png", bare_library.photos / "broken.tif"
    image = cat("1", (800, 600))
    intact.write_bytes(encoded(image, "PNG"))
    broken.write_bytes(broken_fax(image))
    bare_library.find()
    said = "Fax4Decode: Bad code word at line 599 of strip 0 (x 167)."
    assert f"Damaged file: {broken}: {said}" in bare_library.log()
    manifest = (bare_library.output / "image-similarity-search.json").read_text("utf-8")
    assert f'"damage": "{said}' in manifest
    assert f"<small>damaged: {said}" in (bare_library.output / "report.html").read_text("utf-8")
    ran = bare_library.run("suggest", "--dry-run")
    assert f"  {broken} (damaged: {said}): damaged beside {intact}\n" in ran.out


def test_what_decoders_say_goes_to_the_log_with_the_name_of_the_file(library: Library) -> None:
    odd = library.photos / "odd.jpg"
    odd.write_bytes(encoded(cat(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    ran = collect(library.start("find"))
    assert (ran.code, ran.err) == (0, "")
    log = library.log()
    assert any(line.startswith(f"Decoder on {odd}: Corrupt EXIF data") for line in log)


def test_what_is_written_from_c_is_collected_and_kept_off_the_terminal() -> None:
    program = (
        "import os, finder\n"
        "from pictures import workers\n"
        "from pictures.messages import messages_of_decoders\n"
        "workers.start_worker(1.0)\n"
        "for _ in range(2):\n"
        "    with messages_of_decoders() as messages:\n"
        "        for _ in range(20_000): \n"
        "            try: os.write(2, b'tiff: odd\\n')\n"
        "            except BlockingIOError: pass\n"
        "    print(len(messages.of_data) > 1000, messages.of_data[0])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("True tiff: odd\nTrue tiff: odd\n", "")


@pytest.mark.parametrize("said", ["tiff: Unknown field with tag 59932", "png: iCCP: known profile"])
def test_what_a_decoder_says_of_what_is_known_of_a_picture_is_no_damage(said: str) -> None:
    program = (
        "import os, sys, finder\n"
        "from pictures import fingerprint, hashing, workers\n"
        "from pictures.recipe import Recipe\n"
        "workers.start_worker(1.0)\n"
        "look_of = fingerprint.look_of\n"
        "def says_and_looks(*arguments, **more):\n"
        "    os.write(2, sys.argv[2].encode())\n"
        "    return look_of(*arguments, **more)\n"
        "fingerprint.look_of = says_and_looks\n"
        "hashed = hashing.hash_file(finder.ImageFile(sys.argv[1], 0, 0), Recipe())\n"
        "print([hashed.damage, hashed.warnings])\n"
    )
    command = [sys.executable, "-c", program, str(hostile.CAT), said]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout == f"{['', said]}\n"
