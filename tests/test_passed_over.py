"""What `find` says of all that it does not compare: nothing in a folder is left out in silence."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from conftest import Library, picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

CAT = "2024/cat.jpg"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(100))
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(100))


def add(folder: Path, **files: bytes) -> None:
    """Make files, by their names with "__" for a dot."""
    for name, data in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def passed_over(library: Library, *flags: str) -> dict[str, int]:
    counts = library.run("find", "--json", *flags).facts["passed_over"]
    assert isinstance(counts, dict)
    return counts


def test_pictures_that_are_not_read_are_counted_by_their_format(bare_library: Library) -> None:
    names = "a.HEIC b.heif c.heic d.CR2 e.cr2 f.DNG g.NEF h.jxl i.psd j.svg k.RW2".split()
    for name in names:
        (bare_library.photos / name).write_bytes(HEIC if name[2:5].lower() == "hei" else b"\1\2")
    bare_library.add("a.jpg")
    assert passed_over(bare_library) == {
        "CR2": 2,
        "DNG": 1,
        "HEIC": 3,
        "JPEG XL": 1,
        "NEF": 1,
        "PSD": 1,
        "RW2": 1,
        "SVG": 1,
    }


def test_pictures_under_other_names_are_known_by_what_is_in_them(bare_library: Library) -> None:
    jpeg = picture(CAT)
    names = (
        "a.jpg_original a.jpg~ a.MPO noextension a.jpg.bak a.jpg.1 .jpg a.jpg.part "
        "a.jpg.d1700000000 a.jif a.2019"
    ).split()
    for name in names:
        (bare_library.photos / name).write_bytes(jpeg)
    bare_library.add("a.jpg")
    assert passed_over(bare_library) == {"pictures under other names": len(names)}


def test_all_else_is_counted_by_kind(bare_library: Library) -> None:
    photos = bare_library.photos
    add(photos, a__mov=MP4, b__mp4=b"", c=MP4, d__xyz=MP4)
    add(photos, a__txt=b"x", b__xmp=b"x", __DS_Store=b"\0\0\0\1Bud1", readme=b"hello", e__xyz=HEIC)
    add(photos, **{"._a.jpg": b"\0\5\x16\7", ".trashed-1-a.jpg": picture(CAT)})
    bare_library.add("a.jpg")
    bare_library.add("holiday/b.jpg", "2024/coffee.jpg")
    bare_library.add("out/c.jpg", "2024/coffee.jpg", 50)
    bare_library.add(".Trash/c.jpg", "2024/coffee.jpg", 50)
    bare_library.add("My.photoslibrary/originals/c.jpg", "2024/coffee.jpg", 50)
    (photos / "link.jpg").symlink_to("a.jpg")
    (photos / "broken").symlink_to("nowhere")
    (photos / "round").symlink_to("round")
    (photos / "linked").symlink_to("holiday")
    os.mkfifo(photos / "pipe.jpg")
    os.link(photos / "a.jpg", photos / "z.jpg")
    ran = bare_library.run("find", "--json", "--exclude", "out")
    assert ran.code == 0
    assert ran.facts["groups"] == []
    assert ran.facts["passed_over"] == {
        "HEIC": 1,
        "companion files of macOS": 1,
        "excluded folders": 1,
        "hard links to the same files": 1,
        "libraries": 1,
        "linked files": 3,
        "linked folders": 1,
        "other files": 4,
        "special files": 1,
        "trashed files": 1,
        "trashes": 1,
        "videos": 4,
    }


def test_excluded_files_are_counted_by_themselves(bare_library: Library) -> None:
    add(bare_library.photos, a__GIF=b"x", **{"Screenshots/b.png": b"x", "Screenshots/c.mov": b"x"})
    bare_library.add("a.jpg")
    counts = passed_over(bare_library, "--exclude", "*.gif", "--exclude", "Screenshots/*")
    assert counts == {"excluded files": 3}


def save(path: Path, *size: int) -> None:
    """A picture of one colour, of some pixels a side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size[0], size[-1]), "red").save(path)


def test_small_files_are_passed_over_and_empty_ones_are_unreadable(bare_library: Library) -> None:
    bare_library.add("a.jpg")
    add(bare_library.photos, b__png=b"x" * 1499, c__jpg=b"x" * 1500, d__jpg=b"", e__txt=b"x")
    ran = bare_library.run("find", "--json", "--min-size", "1.5k")
    assert ran.facts["passed_over"] == {"files smaller than 1.5 KB": 1, "other files": 1}
    names = [os.path.basename(item["path"]) for item in ran.facts["unreadable"]]
    assert (ran.facts["hashed"], names) == (1, ["c.jpg", "d.jpg"])


def test_pictures_of_few_pixels_are_in_no_group_whatever_the_cache_knows(
    bare_library: Library,
) -> None:
    photos = bare_library.photos
    for ending in ("png", "jpg", "gif", "webp", "tif", "bmp", "avif"):
        save(photos / f"icon.{ending}", 40, 30)
        save(photos / f"icon2.{ending}", 40, 30)
    save(photos / "large.png", 40, 31)
    shutil.copy(photos / "large.png", photos / "large2.png")
    add(photos, no__jpg=b"\xff\xd8\xff", cut__webp=b"RIFF\0\0\0\0WEBPVP8X")

    def found(*flags: str) -> tuple[int, dict[str, int], int]:
        facts = bare_library.run("find", "--json", "--dry-run", *flags).facts
        assert len(facts["unreadable"]) == 2
        return facts["hashed"], facts["passed_over"], len(facts["groups"])

    few = {"pictures of fewer than 1,240 pixels": 14}
    everything = (16, {}, 8)
    assert found("--min-pixels", "1240") == (2, few, 1)
    assert found() == everything
    assert found("--min-pixels", "1.24K") == (2, few, 1)
    assert found("--min-pixels", "1200") == everything


@pytest.mark.workers
def test_headers_are_read_by_workers(bare_library: Library) -> None:
    bare_library.add("a.jpg")
    save(bare_library.photos / "b.png", 10)
    counts = passed_over(bare_library, "--min-pixels", "0.0002 MP")
    assert counts == {"pictures of fewer than 200 pixels": 1}


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (("--exclude", "*.jpg"), "excluded files"),
        (("--min-size", "1GB"), "files smaller than 1 GB"),
        (("--min-pixels", "90MP"), "pictures of fewer than 90,000,000 pixels"),
    ],
)
def test_a_folder_of_which_every_photo_was_left_out_says_so(
    flags: tuple[str, str], kind: str, bare_library: Library
) -> None:
    bare_library.add("a.jpg")
    ran = bare_library.run("find", *flags)
    assert ran.code == 1
    assert f"as all were left out ({kind}); mend EXCLUDE, MIN_SIZE" in ran.out


def test_one_line_says_it_to_people_and_the_log_names_all(bare_library: Library) -> None:
    add(bare_library.photos, a__heic=HEIC, b__heic=HEIC, note__txt=b"x")
    bare_library.add("a.jpg")
    ran = bare_library.run("find")
    assert ran.code == 0
    assert "Passed over: HEIC 2, other files 1 (see --verbose).\n" in ran.out
    assert "a.heic" not in ran.out
    logged = [line for line in bare_library.log() if line.startswith("Passed over: ")]
    paths = [("HEIC", "a.heic"), ("HEIC", "b.heic"), ("other files", "note.txt")]
    lines = [f"{kind}: {bare_library.photos / name}" for kind, name in paths]
    assert logged == [f"Passed over: {line}" for line in lines]
    out = bare_library.run("find", "--verbose").out.splitlines()
    start = out.index("Passed over: HEIC 2, other files 1.")
    assert out[start + 1 : start + 4] == [f"  {line}" for line in lines]


def test_nothing_is_said_where_nothing_was_passed_over(bare_library: Library) -> None:
    bare_library.add("a.jpg")
    assert "Passed over" not in bare_library.run("find").out


@pytest.mark.parametrize(
    "name", ["a.heic", "a.CR2", "a.jpg_original", ".a.heic.icloud", "x.photoslibrary/a.jpg"]
)
def test_a_folder_without_a_picture_that_is_read_says_what_to_do(
    name: str, bare_library: Library
) -> None:
    add(bare_library.photos, **{name: picture(CAT) if "jpg" in name else HEIC})
    ran = bare_library.run("find")
    assert ran.code == 1
    assert "warning: no picture here could be read. " in ran.out


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".Trash/x/a.jpg", "trashes"),
        ("@eaDir/a.jpg", "preview caches"),
        (".stversions/a.jpg", "version stores"),
        ("skip/a.jpg", "excluded folders"),
    ],
)
def test_a_folder_of_which_nothing_was_looked_into_says_so(
    name: str, kind: str, bare_library: Library
) -> None:
    add(bare_library.photos, **{name: picture(CAT)}, a__txt=b"x")
    ran = bare_library.run("find", "--exclude", "skip")
    assert ran.code == 1
    warnings = [line for line in ran.out.splitlines() if line.startswith("warning: ")]
    assert [kind in line and "weren't looked into" in line for line in warnings] == [True]


def test_a_linked_folder_alone_is_said_not_to_be_looked_into(bare_library: Library) -> None:
    (bare_library.folder / "elsewhere").mkdir()
    (bare_library.photos / "linked").symlink_to(bare_library.folder / "elsewhere")
    ran = bare_library.run("find")
    assert ran.code == 1
    assert "these folders weren't looked into: linked folders." in ran.out


def test_closed_folders_beside_a_picture_that_is_read_are_no_fault(bare_library: Library) -> None:
    add(bare_library.photos, **{"@eaDir/a.jpg": picture(CAT)})
    bare_library.add("a.jpg")
    ran = bare_library.run("find")
    assert ran.code == 0
    assert "warning" not in ran.out


def test_an_empty_folder_is_done(bare_library: Library) -> None:
    (bare_library.photos / "empty").mkdir()
    ran = bare_library.run("find")
    assert ran.code == 0
    assert "warning" not in ran.out


def test_a_folder_without_any_picture_is_done(bare_library: Library) -> None:
    add(bare_library.photos, a__txt=b"x", b__mp4=MP4)
    assert bare_library.run("find").code == 0


NAMES = (
    "a.jpg b.JPG c.png d.heic e.CR2 f.mov g.txt h noext .DS_Store ._a.jpg .trashed-1-a.jpg a.jpg~ "
    "a.jpg_original i.MPO .x.jpg.0123abcd.being-deleted j.xyz Thumbs.db"
).split()
FOLDERS = ["", "b/", "b/c/", "@eaDir/", ".Trash/x/", "My.photoslibrary/", "skip/"]
LINK, HARD_LINK = -1, -2
CONTENTS = [picture(CAT), picture(CAT, 60), HEIC, MP4, b"", b"hello", bytes(100)]
trees = st.dictionaries(
    st.builds("{}{}".format, st.sampled_from(FOLDERS), st.sampled_from(NAMES)),
    st.integers(HARD_LINK, len(CONTENTS) - 1),
    max_size=15,
)
FOLDER_KINDS = {"excluded folders", "linked folders", "libraries", "preview caches", "trashes"}


@given(trees)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_file_is_hashed_unreadable_or_passed_over(
    bare_library: Library, tree: dict[str, int]
) -> None:
    library = bare_library
    shutil.rmtree(library.photos)
    library.photos.mkdir()
    (library.folder / "linked.jpg").write_bytes(picture(CAT))
    for name, content in tree.items():
        path = library.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == LINK:
            path.symlink_to("nowhere")
        elif content == HARD_LINK:
            path.hardlink_to(library.folder / "linked.jpg")
        else:
            path.write_bytes(CONTENTS[content])
    left_out = ("--exclude", "skip", "--exclude", "*.png", "--min-size", "6", "--min-pixels", "99k")
    facts = library.run("find", "--json", "--dry-run", "--no-cache", *left_out).facts
    closed = ("@eaDir", ".Trash", "My.photoslibrary", "skip")
    files = [name for name in tree if not name.startswith(closed)]
    counts = Counter(facts["passed_over"])
    passed = sum(number for kind, number in counts.items() if kind not in FOLDER_KINDS)
    assert len(files) == facts["hashed"] + len(facts["unreadable"]) + passed
    assert sum(counts[kind] for kind in FOLDER_KINDS) == len(
        {name.split("/")[0] for name in tree if name.startswith(closed)}
    )
