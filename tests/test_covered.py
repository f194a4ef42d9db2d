"""Whether an old disk is in the library already: nothing counts as covered that isn't."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Library, Ran, picture, tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from disk import same_file
from disk.files import ImageFile, image_file
from disk.own_names import MANIFEST
from extras import alike, covering
from extras.actions import covered
from pictures import same_picture
from pictures.images import Unreadable
from pictures.integrity import PNG_SIGNATURE

CAT, COFFEE = picture("2024/cat.jpg"), picture("2024/coffee.jpg")
LISTS = ("identical", "same_picture", "similar", "missing")


@pytest.fixture
def disk(bare_library: Library) -> Path:
    """An old disk beside a library."""
    folder = bare_library.folder / "disk"
    folder.mkdir()
    return folder


def put(folder: Path, **files: bytes) -> None:
    """Make files, by their names with "__" for a dot."""
    for name, data in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def ask(library: Library, disk: Path, *flags: str) -> Ran:
    return library.run("covered", str(disk), *flags)


def lists_of(ran: Ran, disk: Path) -> dict[str, list[str]]:
    """The paths below the disk in each list of --json."""
    facts = ran.facts
    found = {name: [os.path.relpath(item["path"], disk) for item in facts[name]] for name in LISTS}
    return {name: paths for name, paths in found.items() if paths}


def reason(ran: Ran) -> str:
    (item,) = ran.facts["missing"]
    return str(item["reason"])


# ---- What is identical


def test_a_disk_of_which_all_is_in_the_library_is_done(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=CAT, b__mov=b"video", **{"x/c.xmp": b"words", ".hidden/d.txt": b"text"})
    put(bare_library.photos, **{f"{n}/{n}": data for n, data in enumerate((b"words", b"video"))})
    put(bare_library.photos, z__jpg=CAT, t=b"text", other__jpg=COFFEE)
    ran = ask(bare_library, disk, "--json")
    assert ran.code == 0
    assert lists_of(ran, disk) == {
        "identical": ["a.jpg", "b.mov", ".hidden/d.txt", "x/c.xmp"],
    }
    by = {os.path.basename(item["path"]): item["by"] for item in ran.facts["identical"]}
    assert by["a.jpg"] == str(bare_library.photos / "z.jpg")


def test_what_is_missing_is_named_and_counted_by_kind(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=CAT, b__mov=b"video", c__JPG=COFFEE, d__nef=b"raw", e=b"text")
    put(bare_library.photos, a__jpg=CAT, b__mov=b"v1deo")
    ran = ask(bare_library, disk)
    assert ran.code == 1
    assert (
        "Identical:            1 file,        35 KB: the same bytes are in the library\n" in ran.out
    )
    assert "Missing are: videos 1, photos 1, NEF 1, other files 1.\n" in ran.out
    assert f"  {disk}/b.mov: no file of the library has its bytes\n" in ran.out


def test_what_is_missing_in_a_trash_or_a_preview_cache_is_counted_so(
    bare_library: Library, disk: Path
) -> None:
    put(disk, a__mov=b"a", **{".Trash-1000/files/b.mov": b"b", ".thumbnails/c.png": b"c"})
    put(disk, **{".thumbnails/x/d.png": b"d"})
    bare_library.add("a.jpg")
    ran = ask(bare_library, disk)
    said = "Of these in other programs' places: preview caches 2, trashes 1.\n"
    assert said in ran.out
    assert "other programs" not in ask(bare_library, bare_library.add("x/y.mov").parent).out


def test_nothing_is_changed_and_no_output_folder_is_needed(
    bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=CAT, b__jpg=COFFEE)
    put(bare_library.photos, a__jpg=CAT)
    before = tree(bare_library.folder)
    assert ask(bare_library, disk).code == 1
    assert tree(bare_library.folder) == before
    assert not bare_library.output.exists()


def test_the_bytes_are_read_whatever_the_cache_knows(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=CAT)
    place = bare_library.add("a.jpg")
    old = place.stat()
    os.utime(place, (1e9, 1e9))
    bare_library.run("find")
    data = bytearray(CAT)
    data[len(data) // 2] ^= 1
    place.write_bytes(data)
    os.utime(place, ns=(10**18, 10**18))
    assert place.stat().st_size == old.st_size
    assert "identical" not in lists_of(ask(bare_library, disk, "--json"), disk)


def test_of_large_files_of_one_size_only_those_with_the_same_ends_are_read(
    bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = bytes(covering.LARGE)
    put(disk, a__nef=b"a" + middle + b"a", b__nef=b"b" + middle + b"b")
    put(bare_library.photos, a__nef=b"a" + middle + b"x", b__nef=b"x" + middle + b"b")
    put(bare_library.photos, c__nef=b"b" + middle + b"b", d__nef=b"b" + middle[:-1] + b"xb")
    put(bare_library.photos, e__nef=b"b" + bytes(50_000) + b"x" + middle[50_001:] + b"b")
    read, original = [], covering.read_now

    def read_now(path: str) -> covering.Read | str:
        read.append(os.path.relpath(path, bare_library.folder))
        return original(path)

    monkeypatch.setattr(covering, "read_now", read_now)
    ran = ask(bare_library, disk, "--json")
    assert lists_of(ran, disk) == {"identical": ["b.nef"], "missing": ["a.nef"]}
    assert read == ["disk/a.nef", "disk/b.nef", "photos/c.nef", "photos/e.nef"]


def test_many_files_of_one_content_need_one_cover(
    bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, original = [], covering.read_now

    def read_now(path: str) -> covering.Read | str:
        read.append(path)
        return original(path)

    monkeypatch.setattr(covering, "read_now", read_now)
    put(disk, **{f"{n}.xmp": b"words" for n in range(50)})
    put(bare_library.photos, **{f"{n}.xmp": b"words" for n in range(50)})
    ran = ask(bare_library, disk, "--json")
    assert ran.code == 0
    assert {i["by"] for i in ran.facts["identical"]} == {str(bare_library.photos / "0.xmp")}
    assert len(read) == 50 + 1


def test_a_file_that_changes_before_it_is_read_is_not_identical(
    bare_library: Library, disk: Path
) -> None:
    put(disk, a__mov=b"video")
    place = bare_library.photos / "a.mov"
    place.write_bytes(b"video")
    statuses = {str(disk / "a.mov"): (disk / "a.mov").stat()}
    os.utime(disk / "a.mov", (1, 1))
    found = covering.covered(statuses, [image_file(str(place), place.stat())], iter)
    assert found.identical == {}
    assert found.failed == {str(disk / "a.mov"): "it changed while it was read"}


# ---- What covers nothing


@pytest.mark.parametrize(
    "name",
    [
        *(".Trash-1000/files/a.jpg", "@eaDir/a.jpg", ".thumbnails/a.jpg", "#recycle/a.jpg"),
        *("My.photoslibrary/originals/a.jpg", ".stversions/a.jpg", "skip/a.jpg", "a.skip"),
        *(".trashed-1-a.jpg", ".a.jpg.0123abcd.being-deleted", "result/1/a.jpg"),
    ],
)
def test_what_a_program_keeps_for_itself_covers_nothing(
    name: str, bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=CAT)
    put(bare_library.photos, **{name: CAT, f"result/{MANIFEST}": b"{}"})
    ran = ask(bare_library, disk, "--json", "--exclude", "skip", "--exclude", "*.skip")
    assert (ran.code, reason(ran)) == (1, "no picture of the library is like it")
    assert ran.facts["passed_over_in_library"]


def test_what_is_passed_over_in_the_library_is_counted(bare_library: Library, disk: Path) -> None:
    put(disk, a__gif=b"gif")
    put(bare_library.photos, a__gif=b"gif", b__gif=b"gif", **{".Trash-1000/files/a.gif": b"gif"})
    ran = ask(bare_library, disk, "--exclude", "*.gif", "--verbose")
    said = "Passed over in the library, so covering nothing: trashes 1, excluded files 2.\n"
    assert said.replace("trashes 1, excluded files 2", "excluded files 2, trashes 1") in ran.out
    assert f"  excluded files: {bare_library.photos}/b.gif\n" in ran.out


def test_what_is_too_small_to_be_compared_is_counted(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=picture("2024/cat.jpg", 60))
    put(bare_library.photos, a__jpg=CAT, b__jpg=COFFEE)
    ran = ask(bare_library, disk, "--min-size", "90MB")
    assert "Too small to be compared: files smaller than 90 MB 2.\n" in ran.out


def test_copies_in_the_output_folder_cover_nothing(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=CAT)
    put(bare_library.photos, b__jpg=COFFEE)
    put(bare_library.photos / "out", **{"1/a.jpg": CAT})
    ran = ask(bare_library, disk, "--json", "--output-dir", str(bare_library.photos / "out"))
    assert ran.code == 1


def links_to(path: Path, place: Path) -> None:
    place.symlink_to(path)


@pytest.mark.parametrize("link", [os.link, links_to])
def test_a_link_in_the_library_covers_nothing(
    link: Callable[[Path, Path], None], bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=CAT, b__jpg=CAT)  # nor does it cover another file of the disk
    link(disk / "a.jpg", bare_library.photos / "a.jpg")
    assert lists_of(ask(bare_library, disk, "--json"), disk)["missing"] == ["a.jpg", "b.jpg"]


def test_a_hard_link_is_said_to_be_one(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=CAT)
    place = bare_library.photos / "a.jpg"
    place.hardlink_to(disk / "a.jpg")
    said = f"the library has only this same file ({place})"
    assert reason(ask(bare_library, disk, "--json")) == said


def test_what_another_mount_shows_of_the_disk_covers_nothing(
    bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__jpg=CAT)
    put(bare_library.photos, a__jpg=CAT)
    assert ask(bare_library, disk).code == 0
    monkeypatch.setattr(covering.same_file, "identity", lambda _: (1, 2, 3))
    monkeypatch.setattr(same_file, "are_one", lambda *_: True)
    assert ask(bare_library, disk).code == 1


def test_what_a_program_shows_is_identical_with_a_warning(
    bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__jpg=CAT)
    put(bare_library.photos, a__jpg=CAT)
    monkeypatch.setattr(same_file, "may_be_one", lambda *_: True)
    ran = ask(bare_library, disk)
    assert ran.code == 1
    assert "Identical:            1 file" in ran.out
    said = "Shown by a program (rclone, sshfs, a phone), so it may be one file twice (1):"
    assert f"{said}\n  {disk}/a.jpg: as {bare_library.photos}/a.jpg\n" in ran.out


@pytest.mark.parametrize("doubtful", ["a.jpg", "b.jpg"])
def test_a_file_that_is_surely_another_is_taken_before_a_doubtful_one(
    doubtful: str, bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__jpg=CAT)
    put(bare_library.photos, a__jpg=CAT, b__jpg=CAT, c__jpg=CAT)
    inode = (bare_library.photos / doubtful).stat().st_ino
    monkeypatch.setattr(same_file, "may_be_one", lambda _, other: other.st_ino == inode)
    ran = ask(bare_library, disk, "--json")
    assert ran.code == 0
    sure = "b.jpg" if doubtful == "a.jpg" else "a.jpg"
    assert ran.facts["identical"][0]["by"] == str(bare_library.photos / sure)


def test_a_hard_link_is_known_whatever_happens_to_its_times(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"x")
    link.hardlink_to(path)
    own = covering.OwnFiles({str(path): path.stat()})
    os.utime(link, (1, 1))
    assert own.same_as(link.stat()) == str(path)
    assert own.same_as(tmp_path.stat()) is None


def test_a_disk_inside_the_library_does_not_cover_itself(bare_library: Library) -> None:
    disk = bare_library.photos / "old"
    put(disk, a__jpg=CAT, b__jpg=CAT, c__jpg=COFFEE)
    put(bare_library.photos, c__jpg=COFFEE)
    assert lists_of(ask(bare_library, disk, "--json"), disk) == {
        "identical": ["c.jpg"],
        "missing": ["a.jpg", "b.jpg"],
    }


def test_a_library_inside_the_disk_is_refused(bare_library: Library) -> None:
    bare_library.add("a.jpg")
    ran = ask(bare_library, bare_library.folder)
    assert ran.code == 2
    assert "can't cover itself; name a library elsewhere" in ran.err


def test_of_several_folders_none_covers_another(bare_library: Library, disk: Path) -> None:
    put(disk, **{"one/a.jpg": CAT, "two/a.jpg": CAT})
    put(bare_library.photos, b__jpg=COFFEE)
    ran = bare_library.run("covered", str(disk / "one"), str(disk / "two"), "--json")
    assert lists_of(ran, disk)["missing"] == ["one/a.jpg", "two/a.jpg"]


# ---- Photos in other bytes


def said(jpeg: bytes, *segments: tuple[int, bytes]) -> bytes:
    """A JPEG with more segments at its start."""
    parts = (b"\xff" + bytes([c]) + (len(d) + 2).to_bytes(2, "big") + d for c, d in segments)
    return jpeg[:2] + b"".join(parts) + jpeg[2:]


EXIF_UPRIGHT = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\1\0\0\0\0\0\0\0"
EXIF_TURNED = EXIF_UPRIGHT.replace(b"\0\1\0\0\0\1\0\0\0", b"\0\1\0\0\0\6\0\0\0")
METADATA = (
    *((0xFE, b"a comment"), (0xE1, EXIF_UPRIGHT), (0xED, b"Photoshop 3.0\0words")),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"),
)


@pytest.mark.parametrize("segment", METADATA)
def test_a_photo_of_which_only_metadata_differs_is_the_same_picture(
    segment: tuple[int, bytes], bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=said(CAT, segment), b__jpg=CAT)
    put(bare_library.photos, z__jpg=said(CAT, (0xFE, b"another comment")), other__jpg=COFFEE)
    ran = ask(bare_library, disk, "--json")
    assert ran.code == 1
    assert lists_of(ran, disk) == {"same_picture": ["a.jpg", "b.jpg"]}
    by = {item["by"] for item in ran.facts["same_picture"]}
    assert by == {str(bare_library.photos / "z.jpg")}


@pytest.mark.parametrize(
    "other",
    [
        said(CAT, (0xE2, b"ICC_PROFILE\0\1\1profile")),
        said(CAT, (0xEE, b"Adobe\0d\0\0\0\0\1")),
        said(CAT, (0xE1, b"http://ns.adobe.com/xmp/extension/\0depth")),
        said(CAT, (0xE1, EXIF_TURNED)),
        CAT + b"\0\0\0\x18ftypmp42 a video",
        picture("2024/cat.jpg", 95),
    ],
    ids=["profile", "colours", "depth", "turned", "video behind it", "saved anew"],
)
def test_a_photo_that_holds_more_than_metadata_is_only_similar(
    other: bytes, bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=other)
    put(bare_library.photos, z__jpg=CAT)
    assert lists_of(ask(bare_library, disk, "--json"), disk) == {"similar": ["a.jpg"]}


def test_what_tells_a_decoder_its_colours_is_no_metadata() -> None:
    """By JFIF's header a decoder takes for YCbCr what is red, green and blue by its names."""
    data = io.BytesIO()
    Image.new("RGB", (16, 16), "orange").save(data, "jpeg", keep_rgb=True)
    adobe, plain = data.getvalue()[2:18], data.getvalue()[:2] + data.getvalue()[18:]
    assert adobe.startswith(b"\xff\xee\0\x0eAdobe")
    header = (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    denser, short = (0xE0, header[1].replace(b"\0\1\0\1", b"\0H\0H")), (0xE0, header[1][:-1])
    digests = [same_picture.digest_of(said(plain, *s)) for s in ((), [short], [header], [denser])]
    pixels = [pixels_of(said(plain, *segments)) for segments in ((), [short], [header], [denser])]
    assert pixels[0] == pixels[1] != pixels[2] == pixels[3]
    assert len(set(digests)) == 3
    assert digests[2] == digests[3]


def pixels_of(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


def png(*, text: bool, quality: int = 0) -> bytes:
    data = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    if text:
        info.add_text("Comment", "words")
    with Image.open(io.BytesIO(picture("2024/coffee.jpg", quality))) as image:
        image.resize((200, 150)).save(data, "png", pnginfo=info)
    return data.getvalue()


def test_a_png_with_other_texts_is_the_same_picture(bare_library: Library, disk: Path) -> None:
    put(disk, a__png=png(text=True), b__png=png(text=True, quality=60))
    put(bare_library.photos, z__png=png(text=False))
    found = lists_of(ask(bare_library, disk, "--json"), disk)
    assert found == {"same_picture": ["a.png"], "similar": ["b.png"]}


@given(st.binary(max_size=60), st.sampled_from([b"\xff\xd8", PNG_SIGNATURE, b"\xff\xd8\xff\xe1"]))
def test_the_digest_of_a_broken_picture_is_none_or_of_all_its_bytes(
    end: bytes, start: bytes
) -> None:
    assert same_picture.digest_of(b"GIF89a" + end) == ""
    digest = same_picture.digest_of(start + end)
    assert not digest or digest != same_picture.digest_of(start + end + b"x")


@pytest.mark.parametrize("odd", [b"\0", b"\xff\xd0", b"\xff\xe5\0\0", b"\xff\xe5\0\1"])
def test_a_jpeg_of_an_odd_structure_has_no_digest(odd: bytes) -> None:
    assert same_picture.digest_of(CAT)
    assert same_picture.digest_of(CAT[:2] + odd + CAT[2:]) == ""


def test_a_png_that_is_cut_off_has_no_digest() -> None:
    data = png(text=False)
    assert same_picture.digest_of(data) != same_picture.digest_of(data + b"\0")
    assert same_picture.digest_of(data[:-1]) == ""
    assert same_picture.digest_of(data[:-12]) == ""  # its end is missing, as a whole


def test_a_photo_that_changes_while_it_is_read_is_not_the_same_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(CAT)

    def changed(name: str) -> os.stat_result:
        os.utime(name, (1, 1))
        return os.stat(name)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(same_picture.os, "lstat", changed)
        found = same_picture.pictured(ImageFile(str(path), 0, 0))
    assert isinstance(found, Unreadable)
    assert found.reason == "it changed while it was read"


def test_a_photo_that_looks_alike_is_similar_with_what_tells_so(
    bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=picture("edited/coffee_bw.jpg"), b__jpg=picture("2023/stars.jpg"))
    put(bare_library.photos, z__jpg=COFFEE, y__jpg=CAT)
    ran = ask(bare_library, disk, "--json")
    assert lists_of(ran, disk) == {"similar": ["a.jpg"], "missing": ["b.jpg"]}
    (item,) = ran.facts["similar"]
    assert item["by"] == str(bare_library.photos / "z.jpg")
    assert (item["view"], item["distance"]) == ("whole", 2)
    assert item["correlation"] > 0.99
    assert "(whole, 2 bits apart, correlation 1.00)" in ask(bare_library, disk).out


def test_photos_of_the_disk_that_are_alike_make_each_other_no_similar_ones(
    bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=CAT, b__jpg=picture("2024/cat.jpg", 60))
    put(bare_library.photos, z__jpg=COFFEE, y__jpg=picture("2024/coffee.jpg", 60))
    assert lists_of(ask(bare_library, disk, "--json"), disk) == {"missing": ["a.jpg", "b.jpg"]}


def test_the_settings_of_find_decide_what_is_similar(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=picture("edited/coffee_bw.jpg"))
    put(bare_library.photos, z__jpg=COFFEE)
    for flags, name in (
        (("--threshold", "1"), "missing"),
        (("--threshold", "2"), "similar"),
        (("--preset", "copies"), "similar"),
        (("--min-pixels", "90MP"), "missing"),
        (("--min-size", "90MB"), "missing"),
        (("--exclude", "z.*"), "missing"),
    ):
        assert lists_of(ask(bare_library, disk, "--json", *flags), disk) == {name: ["a.jpg"]}, flags


def test_another_shot_of_a_burst_is_missing(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=CAT)
    put(bare_library.photos, z__jpg=picture("2024/cat.jpg", 60))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(alike, "BURST", "whole")  # the view that joins these two
        assert lists_of(ask(bare_library, disk, "--json"), disk) == {"missing": ["a.jpg"]}


def test_a_photo_that_cannot_be_decoded_is_missing_with_the_reason(
    bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=b"no picture")
    put(bare_library.photos, z__jpg=b"neither one")
    ran = ask(bare_library, disk, "--json")
    assert reason(ran) == "a text named .jpg"
    assert ran.facts["unreadable_in_library"] == []
    assert [os.path.basename(i["path"]) for i in ran.facts["not_compared_in_library"]] == ["z.jpg"]


def test_looks_of_both_sides_are_kept_in_the_cache_as_find_keeps_them(
    bare_library: Library, disk: Path
) -> None:
    put(disk, a__jpg=CAT)
    os.utime(bare_library.add("z.jpg", quality=60), (1e9, 1e9))
    assert ask(bare_library, disk).code == 1
    assert bare_library.run("find", "--json").facts["unchanged"] == 1


# ---- What stands apart


def test_what_holds_nothing_is_counted_apart(bare_library: Library, disk: Path) -> None:
    put(disk, a__jpg=CAT, empty__jpg=b"", **{".DS_Store": b"\0\0\0\1Bud1", "x/Thumbs.db": b"x"})
    (disk / "link.jpg").symlink_to("a.jpg")
    (disk / "linked").symlink_to(bare_library.photos)
    os.mkfifo(disk / "pipe")
    put(bare_library.photos, a__jpg=CAT, empty__jpg=b"")
    ran = ask(bare_library, disk)
    assert ran.code == 0
    said = "empty files 1, files that systems make anew 2, links 2,"
    assert f"In none of the lists: {said}\n  special files 1 (see --verbose).\n" in ran.out
    assert f"  links: {disk}/link.jpg\n" in ask(bare_library, disk, "--verbose").out


def make_a_fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


@pytest.mark.parametrize(
    "fill",
    [
        lambda _: None,
        lambda folder: (folder / "empty.jpg").touch(),
        lambda folder: (folder / "link.jpg").symlink_to("/etc/hostname"),
        lambda folder: (folder / "a" / "b").mkdir(parents=True),
        lambda folder: (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1"),
        make_a_fifo,
    ],
    ids=["nothing", "empty file", "link", "folders", "litter", "special file"],
)
def test_a_disk_without_a_file_is_not_done_as_it_may_not_be_mounted(
    fill: Callable[[Path], None], bare_library: Library, disk: Path
) -> None:
    fill(disk)
    put(bare_library.photos, a__jpg=CAT)
    ran = ask(bare_library, disk)
    assert ran.code == 1
    assert f"warning: no file with content lies in {disk}; is it mounted?\n" in ran.out


def test_of_several_folders_the_one_without_a_file_is_named(
    bare_library: Library, disk: Path
) -> None:
    put(disk, **{"one/a.jpg": CAT})
    (disk / "one two").mkdir()
    put(bare_library.photos, a__jpg=CAT)
    ran = bare_library.run("covered", str(disk / "one"), str(disk / "one two"), "--json")
    assert (ran.code, ran.facts["nothing_in"]) == (1, [str(disk / "one two")])


def test_lines_fit_a_terminal_but_for_paths(bare_library: Library, disk: Path) -> None:
    names = ("a.jpg", "b.mov", "c.nef", "d.txt", "e.psd", "f.zip", "g.mp3", "h.pdf", "i.heic")
    put(disk, **dict.fromkeys(names, b"words"), empty=b"", **{".DS_Store": b"\0\0\0\1Bud1"})
    (disk / "link.jpg").symlink_to("a.jpg")
    make_a_fifo(disk)
    places = (".Trash-1/files", ".thumbnails", "@eaDir", ".stversions", "#recycle", "skip")
    for folder in (disk, bare_library.photos):
        put(folder, **{f"{place}/a.jpg": b"other" for place in places})
    put(bare_library.photos, a__jpg=CAT, b__jpg=b"odd", skip__gif=b"gif")
    (bare_library.photos / "link.jpg").symlink_to("a.jpg")
    ran = ask(bare_library, disk, "--exclude", "skip*")
    long = [line for line in ran.out.splitlines() if len(line) > 80]
    assert [line for line in long if str(bare_library.folder) not in line] == []


def test_what_a_person_keeps_under_the_name_of_litter_is_missing(
    bare_library: Library, disk: Path
) -> None:
    put(disk, **{"desktop.ini": b"the diary", "Thumbs.db": CAT})
    bare_library.add("b.jpg", "2024/coffee.jpg")
    assert lists_of(ask(bare_library, disk, "--json"), disk)["missing"] == [
        *("Thumbs.db", "desktop.ini"),
    ]


def fails_for(name: str) -> Callable[[str], object]:
    """Reads files, but for one of a name."""

    def open_regular(path: str) -> object:
        if path.endswith(name):
            raise OSError(5, "Input/output error", path)
        return original(path)

    original = covering.open_regular
    return open_regular


@pytest.mark.parametrize("side", ["disk", "photos"])
def test_a_file_that_cannot_be_read_covers_nothing_and_is_not_covered(
    side: str, bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__mov=b"video")
    put(bare_library.photos, a__mov=b"video")
    monkeypatch.setattr(covering, "open_regular", fails_for(f"{side}/a.mov"))
    ran = ask(bare_library, disk, "--json")
    assert ran.code == 1
    place = f"{bare_library.photos}/a.mov"
    at_disk = side == "disk"
    why = "Input/output error" if at_disk else f"it may be {place}, which can't be read"
    assert reason(ran) == why
    unread = [{"path": place, "reason": "Input/output error"}]
    assert ran.facts["unreadable_in_library"] == ([] if at_disk else unread)


def test_a_photo_that_may_be_one_that_cannot_be_read_is_not_said_to_be_like_none(
    bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__jpg=CAT, b__jpg=CAT)
    place = bare_library.photos / "z.jpg"
    place.hardlink_to(disk / "b.jpg")
    put(bare_library.photos, y__jpg=CAT)
    monkeypatch.setattr(covering, "open_regular", fails_for("y.jpg"))
    monkeypatch.setattr(alike, "same_pictures", lambda *_: {})
    monkeypatch.setattr(alike, "similar", lambda *_: {})
    reasons = {item["reason"] for item in ask(bare_library, disk, "--json").facts["missing"]}
    assert reasons == {f"it may be {bare_library.photos}/y.jpg, which can't be read"}


def test_what_cannot_be_read_on_the_disk_is_said_so_whatever_its_size(
    bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__mov=b"video")
    put(bare_library.photos, b__mov=b"another video")
    monkeypatch.setattr(covering, "open_regular", fails_for("disk/a.mov"))
    assert reason(ask(bare_library, disk, "--json")) == "Input/output error"


@pytest.mark.parametrize("other", [b"video", b"a longer video"])
def test_a_file_of_the_library_that_cannot_be_read_and_hides_nothing_is_not_named(
    other: bytes, bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__mov=b"video", b__txt=b"words")
    put(bare_library.photos, a__mov=other, b__mov=b"video", z__txt=b"words")
    monkeypatch.setattr(covering, "open_regular", fails_for("photos/a.mov"))
    ran = ask(bare_library, disk, "--json")
    assert (ran.code, ran.facts["unreadable_in_library"]) == (0, [])


def test_a_photo_of_the_library_without_a_picture_covers_its_bytes_and_is_not_compared(
    bare_library: Library, disk: Path
) -> None:
    put(disk, r__jpg=b"no picture", m__jpg=CAT)
    put(bare_library.photos, r__jpg=b"no picture", m__jpg=COFFEE)
    ran = ask(bare_library, disk)
    named = f"  {bare_library.photos}/r.jpg: a text named .jpg\n"
    assert f"Photos of the library that can't be compared (1):\n{named}" in ran.out
    assert "can't be read" not in ran.out


def test_a_file_of_the_library_that_cannot_be_looked_at_is_named(
    bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__mov=b"video")
    put(bare_library.photos, a__mov=b"video", b__mov=b"another")
    original = covered.finder.image_file

    def image_file(path: str, status: os.stat_result) -> ImageFile:
        if path.endswith("b.mov"):
            raise OSError(5, "Input/output error", path)
        return original(path, status)

    monkeypatch.setattr(covered.finder, "image_file", image_file)
    ran = ask(bare_library, disk)
    named = f"  {bare_library.photos}/b.mov: Input/output error\n"
    title = "Files of the library that can't be read; they may cover something (1):"
    assert (ran.code, f"{title}\n{named}" in ran.out) == (1, True)


@pytest.mark.parametrize("side", ["disk", "photos"])
def test_a_file_that_changes_while_it_is_read_is_not_identical(
    side: str, bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, a__mov=b"video")
    put(bare_library.photos, a__mov=b"video")
    original = covering.hashlib.file_digest

    def digest(stream: object, name: str) -> object:
        found = original(stream, name)  # type: ignore[arg-type]
        if str(stream.name if hasattr(stream, "name") else "").isdigit():
            path = os.readlink(f"/proc/self/fd/{stream.fileno()}")  # type: ignore[attr-defined]
            if f"/{side}/" in path:
                os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr(covering.hashlib, "file_digest", digest)
    ran = ask(bare_library, disk, "--json")
    assert ran.code == 1
    if side == "disk":
        assert reason(ran) == "it changed while it was read"


@pytest.mark.parametrize("side", ["disk", "photos"])
def test_a_folder_that_cannot_be_listed_is_named(
    side: str, bare_library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, **{"a.jpg": CAT, "x/b.jpg": COFFEE})
    put(bare_library.photos, **{"a.jpg": CAT, "x/b.jpg": COFFEE})
    closed = bare_library.folder / side / "x"
    original = os.scandir

    def scandir(path: str) -> object:
        if path == str(closed):
            raise PermissionError(13, "Permission denied", path)
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    ran = ask(bare_library, disk, "--json")
    assert ran.code == 1
    assert ran.facts["unreadable_folders"] == [
        {"path": str(closed), "reason": "Permission denied"},
    ]


# ---- Lists


NAMES = (b"#a", b";b", b" c ", b"x/#d", b"-e", b"f:g", b"h\xff", b"i\\j", b"k*", b"x/l\nm", b"n\ro")


@pytest.mark.skipif(not shutil.which("rsync"), reason="rsync is not installed")
def test_rsync_copies_what_is_missing_under_any_name(bare_library: Library, disk: Path) -> None:
    put(bare_library.photos, a__jpg=CAT)
    (disk / "x").mkdir()
    put(disk, a__jpg=CAT)

    def add(*names: bytes) -> None:
        for name in names:
            with open(os.path.join(os.fsencode(disk), name), "wb") as stream:
                stream.write(name)

    def copied(*null: str) -> set[bytes]:
        arguments = bare_library.arguments("covered", str(disk), "--list", "missing", *null)
        command = [sys.executable, str(ROOT / "main.py"), *arguments]
        out = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout
        place = bare_library.folder / "copied"
        flags = ["--from0"] if null else []
        command = ["rsync", "-a", "--files-from=-", *flags, f"{disk}/", f"{place}/"]
        subprocess.run(command, input=out, check=True)
        found = {os.path.relpath(os.fsencode(p), os.fsencode(place)) for p in place.rglob("*")}
        shutil.rmtree(place)
        return found - {b"x"}

    lines = [name for name in NAMES if not {b"\n", b"\r"} & {name[n : n + 1] for n in range(9)}]
    add(*lines)
    assert copied() == set(lines)
    add(*NAMES)
    assert copied("--null") == set(NAMES)


@pytest.mark.parametrize("end", "\n\r")
def test_a_name_that_no_line_can_hold_wants_a_null(
    end: str, bare_library: Library, disk: Path
) -> None:
    put(disk, **{f"a{end}b.mov": b"x"})
    bare_library.add("a.jpg")
    ran = ask(bare_library, disk, "--list", "missing")
    assert (ran.code, ran.out) == (2, "")
    assert "add --null, and --from0 for rsync" in ran.err
    assert ask(bare_library, disk, "--list", "missing", "--null").out == f"a{end}b.mov\0"


def test_a_list_has_nothing_else_on_stdout(bare_library: Library, disk: Path) -> None:
    bw = picture("edited/coffee_bw.jpg")
    put(disk, a__jpg=CAT, b__mov=b"x", c__jpg=said(CAT, *METADATA), **{"d/d.jpg": bw})
    put(bare_library.photos, a__jpg=CAT, b__jpg=COFFEE)
    for name, file in zip(LISTS, ("a.jpg", "c.jpg", "d/d.jpg", "b.mov"), strict=True):
        ran = ask(bare_library, disk, "--list", name)
        assert (ran.code, ran.out) == (1, f"{file}\n")
        assert "Missing (1):" in ran.err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["covered"], "--action covered: name the folder"),
        (["covered", "/no/such/folder"], "/no/such/folder is not a folder; check the path, or"),
        (["covered", "/dev/shm", "--null"], "--null: only for --action covered with --list"),
        (["covered", "/dev", "/usr", "--list", "missing"], "name one folder alone"),
        (["covered", "/dev/shm", "--list", "unreadable"], "only for --action find"),
        (["covered", "/dev/shm", "--like", "/a", "/b"], "only for --action explain"),
        (["covered", "/dev/shm", "--trust-result"], "not for --action covered"),
    ],
)
def test_wrong_use_is_said(flags: list[str], says: str, bare_library: Library) -> None:
    ran = bare_library.run(*flags)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


# ---- Any trees


FOLDERS = ("", "b/", ".h/", ".Trash-1/files/", "@eaDir/", "r/", "skip/")
CONTENTS = (CAT, b"words", b"video", b"video2", b"", b"words\0")
LINK, HARD_LINK = -1, -2
TREES = st.dictionaries(
    st.builds(
        "{}/{}{}".format,
        st.sampled_from(["disk", "photos", "photos/old"]),
        st.sampled_from(FOLDERS),
        st.sampled_from(("a.jpg", "b.mov", "c", ".DS_Store", ".trashed-1-a.jpg")),
    ),
    st.integers(HARD_LINK, len(CONTENTS) - 1),
    max_size=14,
)
CLOSED = (".Trash-1/", "@eaDir/", "r/", "skip/", ".trashed-1")


@given(TREES, st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_file_is_in_one_list_and_what_is_identical_has_another_file(
    bare_library: Library, made: dict[str, int], inside: bool
) -> None:
    home = bare_library.folder
    for folder in ("disk", "photos"):
        shutil.rmtree(home / folder, ignore_errors=True)
        (home / folder / "r").mkdir(parents=True)
    (home / "photos" / "old").mkdir()
    (home / "photos" / "r" / MANIFEST).write_bytes(b"{}")
    (home / "shared").write_bytes(b"words")
    for name, content in made.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == LINK:
            path.symlink_to(home / "shared")
        elif content == HARD_LINK:
            path.hardlink_to(home / "shared")
        else:
            path.write_bytes(CONTENTS[content])
    disk = home / ("photos/old" if inside else "disk")
    facts = ask(bare_library, disk, "--json", "--exclude", "skip").facts
    apart = [p for name in ("litter", "empty", "links", "special") for p in facts[name]]
    there = [str(path) for path in disk.rglob("*") if not path.is_dir() or path.is_symlink()]
    listed = [item["path"] for name in LISTS for item in facts[name]]
    assert sorted(listed + apart) == sorted(there)
    own = {os.stat(path).st_ino for path in there if not os.path.islink(path)}
    for item in facts["identical"]:
        cover = Path(item["by"])
        assert cover.read_bytes() == Path(item["path"]).read_bytes()
        assert cover.is_file()
        assert not cover.is_symlink()
        assert cover.stat().st_ino not in own
        assert not any(part in f"{cover.relative_to(home / 'photos')}" for part in CLOSED)
    may_cover = {
        path.read_bytes()
        for path in (home / "photos").rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_ino not in own
        if not any(part in f"{path.relative_to(home / 'photos')}" for part in CLOSED)
    }
    assert not any(Path(item["path"]).read_bytes() in may_cover for item in facts["missing"])
    (home / "shared").unlink()
