"""What a person has protected stays, whatever they chose and whatever way leads to it."""

import fnmatch
import json
import os
import random
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import Library, picture, tree

import cleanup
from cleanup import Culled
from config import Exit
from disk import removal
from disk.folder_locks import FolderLocks
from disk.own_names import MANIFEST
from disk.protection import Protected
from disk.record import Manifest, OwnFiles, is_signed, load_manifest, write_manifest
from disk.removal import Kept

SCENES = ("2024/cat.jpg", "2024/coffee.jpg", "2023/stars.jpg")
CHOSEN = ("vacation1_copy.jpg", "vacation1_old.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders with a file each."""
    folder = Path(os.path.realpath(tmp_path))
    for name in ("best/sub", "rest"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.jpg").write_text(name)
    return folder


# ---- What is protected


@pytest.mark.parametrize(
    "entry", ["/b/Best", "/b/Best/sub/a.jpg", "*.jpg", "best/*", "**/sub/*", "/b/B*", "sub", "SUB/"]
)
def test_a_folder_a_file_and_a_pattern_protect_what_they_name(entry: str) -> None:
    assert Protected([entry]).covers("/b/Best/sub/a.jpg")
    assert not Protected([entry]).covers("/c/Better/sub2/a.png")
    assert not Protected([]).covers("/b/Best/sub/a.jpg")


def test_capitals_and_the_form_of_umlauts_do_not_count() -> None:
    for form in ("NFC", "NFD"):
        protected = Protected(["/photos/" + unicodedata.normalize(form, "schön"), "Ä*"])
        for other in ("NFC", "NFD"):
            for path in ("/Photos/SCHÖN/a.jpg", "/x/ärger.png"):
                assert protected.covers(unicodedata.normalize(other, path))


def test_a_path_that_looks_like_a_pattern_is_protected_itself() -> None:
    assert Protected(["/b/[1] best"]).covers("/b/[1] best/a.jpg")


def hard_link(place: Path, other: Path) -> None:
    other.parent.mkdir()
    os.link(place, other)


def link_to(place: Path, other: Path) -> None:
    other.parent.mkdir()
    other.symlink_to(place)


def linked_folder(place: Path, other: Path) -> None:
    other.parent.symlink_to(place.parent)


@pytest.mark.parametrize("make", [hard_link, link_to, linked_folder])
@pytest.mark.parametrize("entry", ["best", "best/sub/a.jpg", "sub/*"])
def test_another_way_to_a_protected_file_is_protected(
    folder: Path, make: Callable[[Path, Path], None], entry: str
) -> None:
    make(folder / "best/sub/a.jpg", folder / "other/b.jpg")
    make(folder / "rest/a.jpg", folder / "another/b.jpg")
    names = os.listdir(folder / "other")
    given = entry if "*" in entry else str(folder / entry)
    protected = Protected([given], [str(folder)])
    assert all(protected.covers(str(folder / "other" / name)) for name in names)
    assert not protected.covers(str(folder / "another/b.jpg"))
    assert not protected.covers(str(folder / "rest/a.jpg"))


def test_what_a_protected_folder_has_links_to_is_protected(folder: Path) -> None:
    """Such an album shows nothing any more when the files go."""
    (folder / "best/link.jpg").symlink_to(folder / "rest/a.jpg")
    assert Protected([str(folder / "best")]).covers(str(folder / "rest/a.jpg"))


def test_links_that_lead_around_or_nowhere_are_no_error(folder: Path) -> None:
    (folder / "best/around").symlink_to(folder / "best")
    (folder / "best/nowhere").symlink_to(folder / "gone")
    assert not Protected([str(folder / "best"), "/gone"]).covers(str(folder / "rest/a.jpg"))


def test_a_protected_folder_that_another_mount_shows_is_protected(folder: Path) -> None:
    (folder / "mounted").mkdir()
    mount = ["mount", "--bind", str(folder / "best/sub"), str(folder / "mounted")]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, check=False).returncode
    ):
        pytest.skip("needs to be root on Linux, to mount a folder twice")
    try:
        protected = Protected([str(folder / "best")])
        assert protected.reason(str(folder / "mounted/a.jpg")) == (
            "it lies in a protected folder by another way"
        )
    finally:
        subprocess.run(["umount", "-l", str(folder / "mounted")], check=True)


def test_what_a_folder_that_cannot_be_listed_may_hold_is_protected(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.link(folder / "rest/a.jpg", folder / "rest/b.jpg")
    (folder / "rest/c.jpg").write_text("c")
    listed = os.listdir

    def list_all_but_one(path: str) -> list[str]:
        if path == str(folder / "best/sub"):
            raise PermissionError
        return listed(path)

    monkeypatch.setattr(os, "listdir", list_all_but_one)
    protected = Protected([str(folder / "best")])
    assert protected.covers(str(folder / "rest/a.jpg"))
    assert not protected.covers(str(folder / "rest/c.jpg"))


# ---- From find to cleanup


def chosen(library: Library, *flags: str) -> Library:
    """The library after a find with some flags; the copies of two photos are deleted."""
    library.find(*flags)
    library.delete_copies(*CHOSEN)
    return library


def protect(library: Library, name: str = CHOSEN[0]) -> tuple[str, str]:
    return "--protect", str(library.photos / name)


def list_by_hand(library: Library, *names: str) -> None:
    lines = [f"{library.photos / name}\n" for name in names]
    library.list_file.write_text("".join(lines), "utf-8")


def test_a_chosen_photo_that_is_protected_is_named_and_not_listed(library: Library) -> None:
    ran = chosen(library, *protect(library)).check("--json")
    assert ran.code == Exit.KEPT
    path = str(library.photos / CHOSEN[0])
    assert ran.facts["protected"] == [{"path": path, "reason": f"it is protected ({path})"}]
    assert f"Chosen, but protected, so they stay (1):\n  {path}: it is protected" in ran.err
    assert library.listed() == [CHOSEN[1]]
    assert library.cleanup().code == 0
    assert CHOSEN[0] in library.names()
    assert CHOSEN[1] not in library.names()


@pytest.mark.parametrize("then", [True, False])
@pytest.mark.parametrize("now", [True, False])
def test_what_was_protected_by_find_or_is_now_stays_though_somebody_lists_it(
    library: Library, then: bool, now: bool
) -> None:
    flags = protect(library)
    chosen(library, *(flags if then else ()))
    assert library.check().code == (Exit.KEPT if then else Exit.DONE)
    list_by_hand(library, *CHOSEN)
    ran = library.cleanup(*(flags if now else ()))
    stays = then or now
    assert ran.code == (Exit.KEPT if stays else Exit.DONE)
    assert (CHOSEN[0] in library.names()) == stays
    assert ("it is protected" in ran.out) == stays
    assert CHOSEN[1] not in library.names()


def test_a_protected_photo_is_what_remains_though_it_is_listed(library: Library) -> None:
    """All copies are deleted, and all originals are listed; the protected one is no doomed one."""
    library.find(*protect(library, "vacation1.jpg"))
    names = ("vacation1.jpg", *CHOSEN)
    library.delete_copies(*names)
    assert library.check("--allow-whole-groups").code == Exit.KEPT
    assert library.listed() == list(CHOSEN)
    list_by_hand(library, *names)
    assert library.cleanup("--allow-whole-groups").code == Exit.KEPT
    assert library.names()[0] == "vacation1.jpg"
    assert not {*CHOSEN} & {*library.names()}


def test_without_another_survivor_only_what_is_protected_counts(library: Library) -> None:
    """Its content changed since find, so it is kept, and nothing counts on it."""
    chosen(library, *protect(library, "vacation1.jpg"))
    assert library.check().code == 0
    library.add("vacation1.jpg", "2023/stars.jpg")
    before = tree(library.photos)
    assert library.cleanup().code == Exit.KEPT
    assert tree(library.photos) == before


def test_a_hard_link_of_a_protected_photo_is_kept(library: Library) -> None:
    (library.folder / "safe").mkdir()
    os.link(library.photos / CHOSEN[0], library.folder / "safe/kept.jpg")
    chosen(library, "--protect", str(library.folder / "safe"))
    ran = library.check()
    assert "it is the same file as a protected one" in ran.out
    assert library.listed() == [CHOSEN[1]]
    list_by_hand(library, *CHOSEN)
    assert library.cleanup().code == Exit.KEPT
    assert CHOSEN[0] in library.names()


def test_the_removal_itself_touches_nothing_that_is_protected(folder: Path) -> None:
    path = str(folder / "best/sub/a.jpg")
    protected = Protected([str(folder / "best")])
    remover = cleanup.Remover(str(folder / "log"), removal.unlink, FolderLocks(0), protected)
    came = remover.removed(path, [], lambda: None, lambda _: None)
    assert came == Kept(path, f"it is protected ({folder / 'best'})")
    assert os.path.exists(path)


@pytest.mark.parametrize("entry", ["rest/a.jpg", "best"])
def test_what_was_set_aside_is_protected_by_its_name_and_as_the_file_it_is(
    folder: Path, entry: str
) -> None:
    path, given = str(folder / "rest/a.jpg"), str(folder / entry)
    os.link(path, folder / "best/b.jpg")
    manifest = Manifest((str(folder),), (), OwnFiles("info.txt", "to_delete.txt"))
    judge = cleanup.Judge(manifest, frozenset(), Culled((), (), (), ()), protect=[given])
    os.rename(path, removal.aside_path(path))
    assert "protected" in (judge.reason_of_place(path, removal.aside_path(path)) or "")
    assert judge.reason_of_place(str(folder / "rest/b.jpg"), str(folder / "rest")) == (
        "it is not a regular file"
    )


# ---- What is wrong


@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup"])
def test_a_protected_path_that_is_not_there_ends_each_action(found: Library, action: str) -> None:
    before = tree(found.folder)
    ran = found.run(action, "--protect", str(found.photos / "vacation.jpg"))
    assert ran.code == Exit.USAGE
    assert "vacation.jpg doesn't exist; check the path, or mount it." in ran.err
    assert tree(found.folder) == before


def test_what_lies_in_the_output_folder_can_not_be_protected(found: Library) -> None:
    ran = found.run("find", "--protect", str(found.output / "1"))
    assert ran.code == Exit.USAGE
    assert "lies in OUTPUT_DIR" in ran.err


def test_a_pattern_that_names_nothing_is_said(library: Library) -> None:
    (library.photos / "keep").mkdir()
    library.add("keep/x.jpg", "2023/stars.jpg")
    patterns = ("*.nfe", "kee[p]", str(library.photos / "k*"), "Z_*.jpg")
    ran = library.find(*(flag for pattern in patterns for flag in ("--protect", pattern)))
    warned = [line for line in ran.out.splitlines() if "names nothing" in line]
    assert warned == [
        "warning: PROTECT *.nfe names nothing in the input folders; check the pattern."
    ]


def test_a_record_of_before_is_read_and_signed_as_it_was(found: Library) -> None:
    record = json.loads((found.output / MANIFEST).read_text("utf-8"))
    assert "protect" not in record
    assert is_signed(load_manifest(str(found.output)))


def test_who_takes_something_off_the_protected_ones_is_not_believed(library: Library) -> None:
    chosen(library, *protect(library))
    place = library.output / MANIFEST
    record = json.loads(place.read_text("utf-8"))
    assert record["protect"] == [str(library.photos / CHOSEN[0])]
    for odd, says in (([], "isn't signed"), ([""], "protect must be"), ("x", "must be a list")):
        place.write_text(json.dumps({**record, "protect": odd}), "utf-8")
        ran = library.check()
        assert ran.code == Exit.STATE
        assert says in ran.err


def test_a_record_keeps_what_is_protected_when_it_is_written_again(library: Library) -> None:
    library.find("--protect", "*.nef", "--protect", str(library.photos))
    manifest = load_manifest(str(library.output))
    write_manifest(str(library.output), manifest)
    assert load_manifest(str(library.output)).protect == ("*.nef", str(library.photos))


# ---- In every combination


def planted(library: Library, rng: random.Random) -> list[Path]:
    """Photos of three scenes in two folders, with notes beside some and some hard links."""
    card = library.folder / "card"
    card.mkdir()
    photos: list[Path] = []
    for number in range(9):
        folder = rng.choice([library.photos, card]) / rng.choice(["", "keep", "Été/sub"])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number}.jpg"
        if photos and rng.random() < 0.2:
            os.link(rng.choice(photos), path)
        else:
            path.write_bytes(picture(rng.choice(SCENES), rng.choice([0, 60])))
        photos.append(path)
        if rng.random() < 0.9:
            path.with_suffix(".xmp").write_text(rng.choice(["one", "one", "two"]))
    return photos


def is_protected(path: Path, entries: Sequence[str], everything: Sequence[Path]) -> bool:
    """Whether any name of a file is protected, told another way than the program does."""
    names = [other for other in everything if other.samefile(path)]
    return any(
        entry in (str(name), *map(str, name.parents)) or fnmatch.fnmatch(str(name), f"*/{entry}")
        for name in names
        for entry in entries
    )


@pytest.mark.parametrize("seed", range(24))
def test_nothing_protected_and_nothing_that_was_not_chosen_is_gone(
    bare_library: Library, seed: int
) -> None:
    rng, library = random.Random(seed), bare_library
    photos = planted(library, rng)
    places = [str(library.photos / "keep"), str(photos[0]), str(photos[1]), "keep/*", "*.xmp"]
    given = [entry for entry in places if "*" in entry or os.path.exists(entry)]
    before, now = (rng.sample(given, rng.randint(0, 2)) for _ in range(2))
    both = ["--input-dir", str(library.photos), "--input-dir", str(library.folder / "card")]
    library.find(*both, *rng.choice([[], ["--across"]]), *flags_of(before))
    info = library.info()
    chosen = {original for original in info if rng.random() < 0.6}
    for original in chosen:
        os.unlink(info[original])
    whole = rng.choice([[], ["--allow-whole-groups"]])
    library.check(*whole, *flags_of(rng.choice([now, []])))
    if rng.random() < 0.5:
        library.list_file.write_text("".join(f"{path}\n" for path in sorted(info)), "utf-8")
    everything = [path for path in library.folder.rglob("*") if path.suffix in (".jpg", ".xmp")]
    everything = [path for path in everything if not path.is_relative_to(library.output)]
    stay = [path for path in everything if is_protected(path, [*before, *now], everything)]
    along = rng.choice([[], ["--with-companions"]])
    library.cleanup(*whole, *along, *flags_of(now))
    assert [path for path in stay if not path.exists()] == []
    gone = {path for path in everything if not path.exists()}
    assert {str(path) for path in gone if path.suffix == ".jpg"} <= chosen
    notes = {path for path in gone if path.suffix == ".xmp"}
    assert not notes or along
    assert all(path.with_suffix(".jpg") in gone for path in notes)
    groups = {Path(copy).parent for copy in info.values()}
    left = {Path(copy).parent for original, copy in info.items() if os.path.exists(original)}
    assert whole or left == groups


def flags_of(entries: Sequence[str]) -> list[str]:
    return [flag for entry in entries for flag in ("--protect", entry)]
