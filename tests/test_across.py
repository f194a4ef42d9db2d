"""With --across, only photos of different input folders share a group for what they show."""

import itertools
import os
import shutil
from pathlib import Path

import pytest
from conftest import Library, Ran, picture

from config import Exit

CAT, COFFEE, STARS = "2024/cat.jpg", "2024/coffee.jpg", "2023/stars.jpg"


class TwoFolders:
    """A library with a card beside it."""

    def __init__(self, library: Library) -> None:
        self.home = library
        self.library, self.card = library.photos, library.folder / "card"
        self.card.mkdir()

    def add(self, folder: Path, name: str, sample: str, quality: int = 0) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(sample, quality, path.suffix))
        return path

    def flags(self, *folders: Path) -> list[str]:
        given = folders or (self.library, self.card)
        return ["--across", *(part for one in given for part in ("--input-dir", str(one)))]

    def run(self, action: str, *flags: str, folders: tuple[Path, ...] = ()) -> Ran:
        return self.home.run(action, *flags, *self.flags(*folders))

    def groups(self, *flags: str, folders: tuple[Path, ...] = ()) -> list[list[str]]:
        ran = self.run("find", "--json", *flags, folders=folders)
        assert ran.code == Exit.DONE, ran
        top = self.home.folder
        return sorted(
            sorted(str(Path(path).relative_to(top)) for path in group)
            for group in ran.facts["groups"]
        )


@pytest.fixture
def two(bare_library: Library) -> TwoFolders:
    return TwoFolders(bare_library)


METHODS = (("--preset", "similar"), ("--preset", "crops"), ("--threshold", "40"))


@pytest.mark.parametrize("method", METHODS)
def test_what_of_the_card_is_in_the_library(two: TwoFolders, method: tuple[str, str]) -> None:
    """Versions and identical files of one folder are a group only with one of the other."""
    for folder, names in (
        (two.library, {"a.jpg": (CAT, 0), "b.jpg": (CAT, 60), "c.jpg": (COFFEE, 0)}),
        (two.library, {"d.jpg": (COFFEE, 60), "e.jpg": (STARS, 0)}),
        (two.card, {"a.jpg": (CAT, 80), "e.jpg": (STARS, 0), "f.jpg": (STARS, 0)}),
    ):
        for name, (sample, quality) in names.items():
            two.add(folder, name, sample, quality)
    expected = [
        ["card/a.jpg", "photos/a.jpg", "photos/b.jpg"],
        ["card/e.jpg", "card/f.jpg", "photos/e.jpg"],
    ]
    assert two.groups(*method) == expected
    assert two.groups(*method, folders=(two.card, two.library)) == expected
    (two.card / "a.jpg").rename(two.card / "z.jpg")
    renamed = [[name.replace("card/a", "card/z") for name in group] for group in expected]
    assert two.groups(*method) == sorted(map(sorted, renamed))


def test_find_says_that_it_compared_across_folders(two: TwoFolders) -> None:
    two.add(two.library, "a.jpg", CAT)
    two.add(two.card, "b.jpg", CAT)
    line = "Only photos of different input folders were compared (--across)."
    ran = two.run("find")
    assert ran.out.splitlines().count(line) == 1
    assert line in two.home.log()
    flags = [flag for flag in two.flags() if flag != "--across"]
    assert line not in two.home.run("find", *flags).out


@pytest.mark.sheet
def test_the_contact_sheet_says_that_only_sides_were_compared(two: TwoFolders) -> None:
    pytest.importorskip("jinja2")
    two.add(two.library, "a.jpg", CAT)
    two.add(two.card, "b.jpg", CAT)
    two.run("find")
    line = "Only photos of different input folders were compared (--across).\n"
    sheet = two.home.output / "report.html"
    assert sheet.read_text("utf-8").count(line) == 1
    flags = [flag for flag in two.flags() if flag != "--across"]
    two.home.run("find", *flags)
    assert line not in sheet.read_text("utf-8")


def test_the_innermost_input_folder_is_a_photos_side(two: TwoFolders) -> None:
    inner = two.library / "inner"
    two.add(two.library, "a.jpg", CAT)
    two.add(two.library, "other/b.jpg", CAT)
    two.add(inner, "c.jpg", COFFEE)
    two.add(inner, "sub/d.jpg", COFFEE)
    for folders in ((two.library, inner), (inner, two.library)):
        assert two.groups(folders=folders) == []
    two.add(inner, "sub/e.jpg", CAT)
    expected = [["photos/a.jpg", "photos/inner/sub/e.jpg", "photos/other/b.jpg"]]
    for folders in ((two.library, inner), (inner, two.library)):
        assert two.groups(folders=folders) == expected


def test_one_file_with_names_in_two_folders_lies_in_both(two: TwoFolders) -> None:
    """Whichever name is met first, the version of it has a partner on the other side."""
    two.add(two.library, "version.jpg", CAT, 60)
    os.link(two.add(two.library, "a.jpg", CAT), two.card / "a.jpg")
    for folders in itertools.permutations((two.library, two.card)):
        met_first = f"{folders[0].name}/a.jpg"
        assert two.groups(folders=folders) == [[met_first, "photos/version.jpg"]]
    (two.card / "a.jpg").unlink()
    assert two.groups() == []


@pytest.mark.parametrize("action", ["find", "explain"])
def test_across_needs_two_folders(two: TwoFolders, action: str) -> None:
    photo = str(two.add(two.library, "a.jpg", CAT))
    (two.home.folder / "link").symlink_to(two.library)
    pair = (photo, photo) if action == "explain" else ()
    for folders in ((two.library,), (two.library, two.home.folder / "link")):
        ran = two.run(action, *pair, folders=folders)
        assert ran.code == Exit.USAGE
        assert f"{two.library} is the only one; name another one with --input-dir." in ran.err
    assert not two.home.output.exists()


def test_explain_says_that_two_photos_of_one_folder_are_kept_apart(two: TwoFolders) -> None:
    one, other = (two.add(two.library, n, CAT, q) for n, q in (("a.jpg", 0), ("b.jpg", 70)))
    stars = two.add(two.card, "stars.jpg", STARS)
    says = f"--across keeps them apart: both lie in {two.library}."
    ran = two.run("explain", str(one), str(other))
    assert says in ran.out.splitlines()
    assert "--preset similar would group them: they look alike (whole)." in ran.out
    assert two.run("explain", str(one), str(other), "--json").facts["alike"] is False
    ran = two.run("explain", str(one), str(stars))
    assert "--across" not in ran.out
    third = two.add(two.card, "c.jpg", CAT, 80)
    two.run("find")
    ran = two.run("explain", str(one), str(other))
    assert says in ran.out
    assert f"has both in group 1, joined only through others: {third}." in ran.out
    ran = two.run("explain", str(one), two.home.info()[str(third)])
    assert "--preset similar groups them" in ran.out


def test_identical_files_of_one_folder_are_explained_by_the_file_beside_them(
    two: TwoFolders,
) -> None:
    one, other = (two.add(two.library, name, CAT) for name in ("a.jpg", "b.jpg"))
    third = shutil.copy(one, two.card / "c.jpg")
    two.run("find")
    ran = two.run("explain", str(one), str(other))
    assert "would group them: the files have the same content." in ran.out
    assert f"joined only through others: {third}." in ran.out
