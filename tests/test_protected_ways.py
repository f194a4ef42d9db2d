"""What is protected stays when the way to it goes, on any mount, and by whatever one writes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Library
from test_protection import CHOSEN, list_by_hand

from actions.options import protected_from_here
from actions.values import Values, protect
from config import Exit, UserError
from disk import same_file
from disk.own_names import MANIFEST
from disk.protection import Protected

NAME = CHOSEN[0]
Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """What mounts a folder once more, so or as an overlay: as another device."""
    mounted: list[Path] = []

    def mount(place: Path, name: str, *, overlay: bool = False) -> Path:
        view, nothing = tmp_path / name, tmp_path / "nothing"
        for folder in (view, nothing):
            folder.mkdir(exist_ok=True)
        how = ["-t", "overlay", "-o", f"lowerdir={place}:{nothing}", "none"]
        command = ["mount", *(how if overlay else ["--bind", str(place)]), str(view)]
        if (
            sys.platform != "linux"
            or os.geteuid() != 0
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("needs to be root on Linux, to mount a folder once more")
        mounted.append(view)
        return view

    yield mount
    for view in mounted:
        subprocess.run(["umount", "-l", str(view)], capture_output=True, check=False)


def assert_it_stays(library: Library, *flags: str, warns: str = "") -> None:
    """The chosen photo goes neither by check-deleted nor by a list that somebody else wrote."""
    library.delete_copies(*CHOSEN)
    checked = library.check(*flags)
    assert checked.code == Exit.KEPT
    assert library.listed() == [CHOSEN[1]]
    list_by_hand(library, *CHOSEN)
    cleaned = library.cleanup(*flags)
    assert cleaned.code == Exit.KEPT
    assert NAME in library.names()
    assert CHOSEN[1] not in library.names()
    for ran in (checked, cleaned):
        warnings = [line for line in ran.out.splitlines() if line.startswith("warning: PROTECT")]
        assert (warns in "\n".join(warnings)) if warns else not warnings


# ---- The way that find went is gone


@pytest.mark.parametrize("make", [os.symlink, os.link])
@pytest.mark.parametrize("entry", ["fav", "fav/1.jpg", "fav/*.jpg"])
def test_what_find_found_protected_stays_when_the_way_to_it_goes(
    library: Library, make: Callable[[Path, Path], None], entry: str
) -> None:
    album = library.folder / "fav"
    album.mkdir()
    make(library.photos / NAME, album / "1.jpg")
    library.find("--protect", str(library.folder / entry))
    album.rename(library.folder / "favourites")
    gone = "PROTECT leads no more to 1 original that it protected when find ran; until find runs"
    if make is os.symlink and entry == "fav/1.jpg":  # it protects the photo's own path
        gone = ""
    assert_it_stays(library, warns=gone)


def test_a_recorded_path_that_is_gone_is_named(library: Library) -> None:
    album = library.folder / "fav"
    album.mkdir()
    (album / "1.jpg").symlink_to(library.photos / NAME)
    library.find("--protect", str(album))
    album.rename(library.folder / "favourites")
    assert_it_stays(library, warns=f"PROTECT {album} holds nothing now; check the path, or mount")


def test_what_find_found_protected_by_a_mount_stays_without_it(
    library: Library, mount: Mount
) -> None:
    best = library.photos / "Best"
    best.mkdir()
    (library.photos / NAME).rename(best / NAME)
    view = mount(best, "view")
    library.find("--protect", str(view))
    subprocess.run(["umount", "-l", str(view)], check=True)
    Path(library.info()[str(best / NAME)]).unlink()
    ran = library.check()
    assert ran.code == Exit.KEPT
    assert f"PROTECT {view} holds nothing now" in ran.out
    assert library.listed() == []
    list_by_hand(library, f"Best/{NAME}")
    assert library.cleanup().code == Exit.KEPT
    assert (best / NAME).exists()


def test_what_lies_beside_a_photo_stays_while_a_protected_path_is_gone(library: Library) -> None:
    """Nobody knows any more whether it was protected, as find looks at photos alone."""
    notes = [library.photos / Path(name).with_suffix(".xmp") for name in ("vacation1.jpg", NAME)]
    for note in notes:
        note.write_text("the same")
    album = library.folder / "fav"
    album.mkdir()
    os.link(notes[1], album / "1.xmp")
    library.find("--protect", str(album))
    album.rename(library.folder / "favourites")
    library.delete_copies(NAME)
    assert library.check().code == Exit.DONE
    ran = library.cleanup("--with-companions")
    assert ran.code == Exit.KEPT
    assert f"it may be protected by a way that is gone ({album})" in ran.out
    assert notes[1].exists()
    assert NAME not in library.names()


def test_what_find_found_protected_is_in_the_record_and_signed(library: Library) -> None:
    library.find("--protect", str(library.photos / NAME))
    place = library.output / MANIFEST
    record = json.loads(place.read_text("utf-8"))
    rows = [row for row in record["copies"] if "protected" in row]
    reason = f"it is protected ({library.photos / NAME})"
    assert [(row["original"], row["protected"]) for row in rows] == [
        (str(library.photos / NAME), reason)
    ]
    for odd, says in (("", "isn't signed"), (5, "protected must be text")):
        rows[0]["protected"] = odd
        place.write_text(json.dumps(record), "utf-8")
        ran = library.check()
        assert (ran.code, says in ran.err) == (Exit.STATE, True)


# ---- Other mounts and links


@pytest.mark.parametrize("first", ["view", "photos"])
def test_a_pattern_protects_what_another_mount_shows(
    bare_library: Library, mount: Mount, first: str
) -> None:
    library = bare_library
    for number, name in enumerate(["Best/a.jpg", "rest/b.jpg", "rest/c.jpg"]):
        library.add(name, quality=60 + number)
    view = mount(library.photos / "Best", "view")
    folders = [str(view), str(library.photos)]
    folders = folders if first == "view" else folders[::-1]
    inputs = [flag for folder in folders for flag in ("--input-dir", folder)]
    library.find(*inputs, "--protect", "Best/*")
    (shown,) = [path for path in library.info() if path.endswith("a.jpg")]
    Path(library.info()[shown]).unlink()
    assert library.check(*inputs).code == Exit.KEPT
    library.list_file.write_text(f"{shown}\n", "utf-8")
    assert library.cleanup(*inputs).code == Exit.KEPT
    assert os.path.exists(shown)


@pytest.mark.parametrize("entry", ["Best/*", "best", "Best/**/*.jpg", "lib/*/Best"])
def test_a_pattern_protects_what_a_linked_folder_has(tmp_path: Path, entry: str) -> None:
    library = Path(os.path.realpath(tmp_path)) / "lib"
    (library / "2020/sub").mkdir(parents=True)
    (library / "albums").mkdir()
    (library / "2021").mkdir()
    for name in ("2020/a.jpg", "2020/sub/b.jpg", "2021/c.jpg"):
        (library / name).write_text(name)
    for link, target in (("albums/Best", "2020"), ("albums/up", "."), ("2021/root", "/")):
        (library / link).symlink_to(library / target)
    protected = Protected([entry], [str(library)])
    given = Protected([f"**/{entry}"], [str(library)])
    for one in (protected, given):
        assert one.covers(str(library / "2020/a.jpg"))
        assert one.covers(str(library / "2020/sub/b.jpg"))
        assert not one.covers(str(library / "2021/c.jpg"))
        assert one.unused([]) == []


@pytest.mark.parametrize("entry", ["a.jpg", "*.jpg", "", "sub/../*"])
def test_a_file_that_another_device_shows_is_protected(
    tmp_path: Path, mount: Mount, entry: str
) -> None:
    library = Path(os.path.realpath(tmp_path)) / "lib"
    (library / "Best/deep").mkdir(parents=True)
    for name in ("Best/a.jpg", "rest.jpg"):
        (library / name).write_text(name)
    for number, name in enumerate(["Best", "Best/deep"]):
        os.utime(library / name, (number, number))  # folders of one moment are taken for one
    view = mount(library, "view", overlay=True)
    assert os.stat(view).st_dev != os.stat(library).st_dev
    given = str(view / "Best" / entry).replace("sub/../", "")
    protected = Protected([given])
    assert protected.covers(str(library / "Best/a.jpg"))
    assert not protected.covers(str(library / "rest.jpg"))


def test_an_absolute_pattern_protects_what_lies_deeper_on_another_mount(
    tmp_path: Path, mount: Mount
) -> None:
    library = Path(os.path.realpath(tmp_path)) / "lib"
    (library / "sub").mkdir(parents=True)
    (library / "sub/a.jpg").write_text("a")
    view = mount(library, "view")
    assert Protected([f"{view}/*.JPG"], [str(library)]).covers(str(library / "sub/a.jpg"))
    assert not Protected([f"{view}/*.png"], [str(library)]).covers(str(library / "sub/a.jpg"))


@pytest.mark.parametrize(("content", "covered"), [("same", True), ("diff", False)])
def test_of_a_mount_that_a_program_makes_the_content_tells(
    tmp_path: Path, mount: Mount, monkeypatch: pytest.MonkeyPatch, content: str, covered: bool
) -> None:
    """Neither its numbers nor its times need be true."""
    folder = Path(os.path.realpath(tmp_path))
    (folder / "other").mkdir()
    (folder / "other/a.jpg").write_text("same")
    (folder / "b.jpg").write_text(content)
    view = mount(folder / "other", "view", overlay=True)
    device = os.stat(view).st_dev
    assert not Protected([str(view / "a.jpg")]).covers(str(folder / "b.jpg"))
    monkeypatch.setattr(same_file, "_is_by_program", lambda of: of == device)
    assert Protected([str(view / "a.jpg")]).covers(str(folder / "b.jpg")) == covered


# ---- What one may write


def protected_paths(entry: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """What a flag protects that is given in a folder; config.py in that folder does the same."""
    elsewhere = here.parent / "program"
    elsewhere.mkdir(exist_ok=True)
    monkeypatch.chdir(here)
    given = Values({"PROTECT": protected_from_here([entry], [])}, str(elsewhere))
    monkeypatch.chdir("/")
    config = Values({"PROTECT": [entry]}, str(here))
    by_flag, by_config = protect(given, "PROTECT"), protect(config, "PROTECT")
    assert by_flag == by_config
    return by_flag


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with photos of some names, and with a link to one."""
    here = Path(os.path.realpath(tmp_path)) / "t [1]"
    for name in ("A/Best", "A/more/Best", "Best 2", "Best [2020]", "B"):
        (here / name).mkdir(parents=True)
        (here / name / "a.jpg").touch()
    (here / "link").symlink_to(here / "A")
    return here


@pytest.mark.parametrize(
    ("entry", "covered"),
    [
        *(("./Best*/*.jpg", ["Best 2", "Best [2020]"]), ("A//Best/*", ["A/Best"])),
        *(("../t [1]/A/Best/*", ["A/Best"]), ("B/../A/B*", ["A/Best"])),
        *(("A/**/Best", ["A/Best", "A/more/Best"]), ("**/A/Best/*.jpg", ["A/Best"])),
        *(("A/./Best/*", ["A/Best"]), ("link/B*", ["A/Best"])),
        *(("Best [2020]", ["Best [2020]"]), ("../t [1]/Best [2020]", ["Best [2020]"])),
        *(("Best [2020]/*.jpg", ["Best [2020]"]), ("more/*/", ["A/more/Best"])),
        *(("A/m*/", ["A/more/Best"]), ("./**", ["A/Best", "A/more/Best", "B", "Best 2"])),
        *(("./Bset/*", []), ("B", ["B"]), ("./B/", ["B"]), ("./B/[a].jpg", ["B"])),
    ],
)
def test_a_pattern_is_read_as_a_path_from_here_would_be(
    here: Path, monkeypatch: pytest.MonkeyPatch, entry: str, covered: list[str]
) -> None:
    protected = Protected(protected_paths(entry, here, monkeypatch), [str(here)])
    folders = ["A/Best", "A/more/Best", "B", "Best 2", "Best [2020]"]
    found = [folder for folder in folders if protected.covers(str(here / folder / "a.jpg"))]
    assert set(covered) <= set(found)
    assert entry == "./**" or found == covered
    assert bool(protected.unused([])) == (not covered)


def test_a_pattern_that_goes_up_behind_a_star_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for entry in ("*/../B/*", "/x*/../y"):
        with pytest.raises(UserError, match=r"has \.\. behind a pattern; write it without"):
            protected_paths(entry, here, monkeypatch)


def test_a_path_with_brackets_that_names_no_photo_is_no_typo(here: Path) -> None:
    assert Protected([str(here / "Best [2020]")], [str(here / "A")]).unused([]) == []


def test_of_patterns_only_one_that_is_a_path_can_hold_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "[b]").mkdir()
    assert Protected([str(here / "[b]")]).empty == (str(here / "[b]"),)
    pattern = str(here / "no [such] folder")
    assert Protected([pattern]).empty == ()
    assert Protected([pattern]).unused([]) == [pattern]
    monkeypatch.chdir(here)
    assert Protected(["[b]"]).unused([]) == ["[b]"]


@pytest.mark.parametrize("action", ["check-deleted", "cleanup", "suggest"])
def test_a_pattern_that_names_nothing_is_said_by_each_action(found: Library, action: str) -> None:
    found.check()
    typo, note = "Bset/*", found.photos / "only.note"
    note.touch()
    ran = found.run(action, "--dry-run", "--protect", typo, "--protect", "*.note")
    warned = [line for line in ran.out.splitlines() if "names nothing" in line]
    assert warned == [
        f"warning: PROTECT {typo} names nothing in the input folders; check the pattern."
    ]


def test_an_empty_folder_may_be_a_disk_that_is_not_mounted(library: Library) -> None:
    disk = library.folder / "disk"
    disk.mkdir()
    for ran in (library.find("--protect", str(disk)), library.check("--protect", str(disk))):
        assert f"PROTECT {disk} holds nothing now; check the path, or mount it." in ran.out


def test_a_protected_folder_that_cannot_be_read_is_said(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = library.folder / "disk"
    (disk / "sub").mkdir(parents=True)
    listed = os.listdir

    def list_all_but_one(path: str) -> list[str]:
        if path == str(disk / "sub"):
            raise PermissionError
        return listed(path)

    monkeypatch.setattr(os, "listdir", list_all_but_one)
    ran = library.find("--protect", str(disk))
    assert f"PROTECT {disk / 'sub'} can't be read, so what it links to isn't known" in ran.out


@pytest.mark.parametrize("action", ["suggest", "review", "restore", "covered", "keep", "forget"])
def test_a_protected_path_that_is_not_there_ends_other_actions_too(
    library: Library, action: str
) -> None:
    given = {"covered": [str(library.photos)], "forget": ["all"], "keep": ["all"]}.get(action, [])
    ran = library.run(action, *given, "--protect", "no such folder")
    assert ran.code == Exit.USAGE
    assert "no such folder doesn't exist; check the path, or mount it." in ran.err
