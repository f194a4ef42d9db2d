"""The output folder: names of copies, its files, its lock, and how results replace each other."""

import errno
import json
import os
import re
import shutil
import stat
import sys
import unicodedata
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, killed_when, picture, tree
from hypothesis import assume, example, given
from hypothesis import strategies as st

import storage
from config import Exit, UserError
from disk import (
    copy_names,
    copying,
    files,
    lines,
    output_lock,
    record,
    recovery,
    replaceable,
    system,
)
from disk.files import ImageFile, digest_file
from disk.result import open_result
from pictures.formats import PHOTO_EXTENSIONS

MANIFEST = "image-similarity-search.json"

# Names as Linux allows them: any bytes; and letters that meet each other when they are folded.
FOLDING = "aAßsSkKfi1\u017f\u212a\ufb01\u0130\u0131\xe9e\u0301\u212b\xc5\uff11"
tricky = st.text(alphabet=FOLDING + '_-.:*?"<>| \t\n', min_size=1, max_size=8)
any_bytes = st.binary(min_size=1, max_size=60).map(os.fsdecode)
any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
long_text = st.text(alphabet="ab_é写", min_size=60, max_size=80)
names = st.one_of(tricky, any_bytes, any_text, long_text).filter(
    lambda name: not {"/", "\0"} & set(name) and name not in (".", "..")
)
extensions = st.sampled_from(sorted(PHOTO_EXTENSIONS)).flatmap(
    lambda extension: st.sampled_from([extension, extension.upper(), extension.title()])
)
paths = st.builds(
    lambda folders, name, extension: "/".join(["", *folders, name + extension]),
    st.lists(names, max_size=4),
    names,
    extensions,
).filter(lambda path: os.path.splitext(path)[1].lower() in PHOTO_EXTENSIONS)


def folded(name: str) -> str:
    """What file systems that ignore case or composition make of a name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


# ---- Names of copies


@given(st.lists(paths, unique=True, max_size=12))
@example(["/a_b/c.jpg", "/a/b_c.jpg"])
@example(["/a_b/c.jpg", "/a/b_c.jpg", copy_names.encode_path("/" + "a_b/c.jpg", 8)])
@example(["/Füße.jpg", "/FÜSSE.jpg", "/Fu\u0308ße.jpg", "/füsse.jpg"])
@example(["/_.jpg", "/__.jpg", "/photo.jpg", "/\udcff.jpg", "/:..jpg"])
@example(["/" + "_" * 300 + ".jpg", "/" + "-_" * 150 + ".jpg", "/" + "a" * 300 + ".jpg"])
def test_copies_have_unique_portable_short_names(originals: list[str]) -> None:
    named = copy_names.name_copies(originals)
    assert set(named) == set(originals)
    assert len({folded(name) for name in named.values()}) == len(originals)
    for path, name in named.items():
        assert len(os.fsencode(name)) <= 200
        assert os.path.splitext(name)[1] == os.path.splitext(path)[1]
        assert not re.search(r'[/\\:*?"<>|\x00-\x1f\x7f]', name)
        assert name.encode()  # UTF-8, so no undecodable bytes
        assert not name.startswith("_")
        assert name.split(".")[0].lower() not in "con prn aux nul com1 com9 lpt1 lpt9".split()


@given(st.lists(paths, unique=True, max_size=6))
def test_names_do_not_depend_on_the_order(originals: list[str]) -> None:
    assert copy_names.name_copies(originals) == copy_names.name_copies(originals[::-1])


@given(originals=st.lists(paths, unique=True, max_size=6))
def test_every_name_can_be_a_file(originals: list[str], tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("names")
    for name in copy_names.name_copies(originals).values():
        (folder / name).write_bytes(b"")
    assert len(os.listdir(folder)) == len(originals)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/photos/vacation1.jpg", "photos_vacation1.jpg"),
        ("/home/me/a b (2)'s #1.JPG", "home_me_a b (2)'s #1.JPG"),
        ("/home/写真/café.jpeg", "home_写真_café.jpeg"),
        ('/a:b/c*?"<>|\\d.png', "a_b_c_______d.png"),
        ("/tab\tnew\nline.gif", "tab_new_line.gif"),
        ("/_private/__x.webp", "private___x.webp"),
        ("/archive.tar/x.tif", "archive.tar_x.tif"),
    ],
)
def test_a_name_spells_the_path(path: str, name: str) -> None:
    assert copy_names.name_copies([path]) == {path: name}


def test_paths_that_clash_get_a_digest_each() -> None:
    named = copy_names.name_copies(["/a_b/c.jpg", "/a/b_c.jpg", "/other.jpg"])
    assert named["/other.jpg"] == "other.jpg"
    for path in ("/a_b/c.jpg", "/a/b_c.jpg"):
        assert re.fullmatch(r"a_b_c-[0-9a-f]{8}\.jpg", named[path])


def test_a_long_name_keeps_its_end_and_its_extension() -> None:
    path = "/" + "folder/" * 40 + "the last words.jpeg"
    name = copy_names.name_copies([path])[path]
    assert re.search(r"folder_the last words-[0-9a-f]{8}\.jpeg$", name)
    assert 190 < len(name) <= 200


def test_a_shortened_name_is_not_hidden() -> None:
    tail = "." + "x" * (200 - len("-12345678.jpg") - 1) + ".jpg"
    path = "/" + "folder/" * 10 + tail
    assert not copy_names.name_copies([path])[path].startswith(".")


@pytest.mark.parametrize("name", ["con.jpg", "NUL.png", "Com1.tar.jpg", "lpt9.webp", "aux.gif"])
def test_names_that_windows_reserves_get_a_digest(name: str) -> None:
    stem, extension = os.path.splitext(name)
    encoded = copy_names.name_copies([f"/{name}"])[f"/{name}"]
    assert re.fullmatch(re.escape(stem) + r"-[0-9a-f]{8}" + re.escape(extension), encoded)


def test_clashing_originals_are_copied_side_by_side(bare_library: Library) -> None:
    bare_library.add("a_b/c.jpg")
    bare_library.add("a/b_c.jpg", quality=60)
    bare_library.add("A/b_c.jpg", quality=50)
    bare_library.find()
    for original, copy in bare_library.info().items():
        assert Path(copy).read_bytes() == Path(original).read_bytes()
    assert len(set(bare_library.info().values())) == 3


# ---- to_delete.txt and info.txt

any_path = st.binary(min_size=1, max_size=40).map(lambda name: "/" + os.fsdecode(name))


@given(any_path)
@example("/a\u2028b")
@example("/a\x85")
@example("/ a ")
@example("/\xa0")
@example('/"a"')
@example("/\\n")
@example("/\udcff\udce9")
def test_any_path_is_one_line_and_comes_back(path: str) -> None:
    line = lines.to_line(path)
    assert line.splitlines() == [line]
    assert line.strip() == line
    assert line.encode()
    assert lines.from_line(line) == path


@given(originals=st.lists(any_path, unique=True, max_size=8))
def test_a_list_of_any_paths_comes_back(originals: list[str], tmp_path_factory: Any) -> None:
    assume(not any("\0" in path for path in originals))
    file = str(tmp_path_factory.getbasetemp() / "to_delete.txt")
    files.write_file(file, "".join(lines.to_line(o) + "\n" for o in originals))
    assert record.read_to_delete(file) == originals
    assert Path(file).read_bytes().count(b"\n") == len(originals)


@given(st.dictionaries(any_path, any_path))
def test_info_holds_any_path_in_plain_json(info: dict[str, str]) -> None:
    assert json.loads(lines.dump_json(info).encode()) == info


def test_ordinary_paths_stay_readable_in_info() -> None:
    assert '"/写真/café.jpg"' in lines.dump_json({"/写真/café.jpg": ""})


# ---- Before the first byte


def test_too_little_space_is_told_with_both_figures_and_nothing_changes(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = sum(os.path.getsize(path) for path in found.info())
    found.output = found.folder / "another"
    before = tree(found.folder)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, needed - 1))
    ran = found.run("find")
    assert ran.code == 2
    assert f"{needed:,}" in ran.err
    assert f"{needed - 1:,}" in ran.err
    assert tree(found.folder) == before
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, needed))
    found.find()


# ---- The copies


def test_copies_keep_their_times_and_are_files_of_their_own(library: Library) -> None:
    for number, path in enumerate(sorted(library.photos.iterdir())):
        os.utime(path, ns=(0, 10**18 + number * 1_234_567_891))
    library.find()
    for original, copy in library.info().items():
        ours, theirs = os.lstat(copy), os.lstat(original)
        assert ours.st_mtime_ns == theirs.st_mtime_ns
        assert (ours.st_nlink, theirs.st_nlink) == (1, 1)
        assert ours.st_ino != theirs.st_ino


def test_an_original_that_changes_while_find_runs_is_not_copied(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = library.photos / "vacation1_old.jpg"
    real = os.mkdir

    def mkdir(path: str, *args: Any) -> None:
        if path.endswith(".find-new"):  # it is hashed and not yet copied
            victim.write_bytes(picture("2024/cat.jpg", 33))
        real(path, *args)

    monkeypatch.setattr(os, "mkdir", mkdir)
    ran = library.run("find")
    assert ran.code == 1
    assert f"{victim}: the original changed since find saw it" in ran.out
    assert str(victim) not in library.info()


def test_two_finds_make_the_same_bytes(found: Library) -> None:
    before = tree(found.output)
    found.find()
    after = tree(found.output)
    assert len(after.pop("log.txt")) > len(before.pop("log.txt"))
    assert after == before


# ---- The manifest


def test_the_manifest_records_what_find_saw(found: Library) -> None:
    manifest = json.loads((found.output / MANIFEST).read_text())
    assert manifest["schema"] == 1
    assert re.fullmatch("[0-9a-f]{16}", manifest["run"])
    assert manifest["input_dirs"] == [str(found.photos)]
    assert [row["group"] for row in manifest["copies"]] == [1, 1, 1, 2, 2]
    for row in manifest["copies"]:
        status = os.stat(row["original"])
        assert (row["size"], row["mtime_ns"]) == (status.st_size, status.st_mtime_ns)
        assert row["digest"] == digest_file(row["original"])
        assert str(found.output / row["copy"]) == found.info()[row["original"]]


def change_manifest(change: Callable[[dict[str, Any]], Any]) -> Callable[[Library], None]:
    def changed(library: Library) -> None:
        path = library.output / MANIFEST
        data = json.loads(path.read_text())
        path.write_text(json.dumps(change(data) or data))

    return changed


def change_copy(**values: Any) -> Callable[[Library], None]:
    return change_manifest(lambda data: data["copies"][1].update(values))


def change_info(change: Callable[[dict[str, str]], Any]) -> Callable[[Library], None]:
    def changed(library: Library) -> None:
        info = library.info()
        change(info)
        (library.output / "info.txt").write_text(json.dumps(info))

    return changed


def move_the_folder(library: Library) -> None:
    moved = library.folder / "moved"
    library.output.rename(moved)
    library.output = moved


DAMAGES: dict[str, Callable[[Library], None]] = {
    "manifest missing": lambda library: (library.output / MANIFEST).unlink(),
    "manifest empty": lambda library: (library.output / MANIFEST).write_text(""),
    "manifest cut": lambda library: os.truncate(library.output / MANIFEST, 500),
    "manifest binary": lambda library: (library.output / MANIFEST).write_bytes(b"\xff\0"),
    "manifest a list": lambda library: (library.output / MANIFEST).write_text("[]"),
    "manifest a number": lambda library: (library.output / MANIFEST).write_text("1"),
    "manifest nested": lambda library: (library.output / MANIFEST).write_text("[" * 10**5),
    "manifest a folder": lambda library: (
        (library.output / MANIFEST).unlink(),
        (library.output / MANIFEST).mkdir(),
    )[1],
    "manifest a FIFO": lambda library: (
        (library.output / MANIFEST).unlink(),
        os.mkfifo(library.output / MANIFEST),
    )[1],
    "manifest a link": lambda library: (
        (library.output / MANIFEST).rename(library.folder / "manifest"),
        (library.output / MANIFEST).symlink_to(library.folder / "manifest"),
    )[1],
    "schema": change_manifest(lambda data: data.update(schema=2)),
    "run": change_manifest(lambda data: data.update(run="0123456789abcdef")),
    "input folders": change_manifest(lambda data: data.update(input_dirs=["/"])),
    "input folder no text": change_manifest(lambda data: data.update(input_dirs=[1])),
    "a copy less": change_manifest(lambda data: data["copies"].pop()),
    "copies no list": change_manifest(lambda data: data.update(copies=5)),
    "digest": change_copy(digest="0" * 64),
    "group": change_copy(group=2),
    "group no number": change_copy(group="two"),
    "size no number": change_copy(size=float("inf")),
    "original": change_copy(original="/etc/passwd"),
    "original relative": change_copy(original="passwd"),
    "copy outside": change_copy(copy="../../photos/vacation1.jpg"),
    "copy in no group": change_copy(copy="best/vacation1.jpg"),
    "copy elsewhere": change_copy(copy="1/vacation1.jpg"),
    "own file outside": change_manifest(lambda data: data.update(own_files=["../photos/x"])),
    "info missing": lambda library: (library.output / "info.txt").unlink(),
    "info cut": lambda library: os.truncate(library.output / "info.txt", 50),
    "info edited": change_info(lambda info: info.update({"/etc/passwd": "/1/x.jpg"})),
    "info a line less": change_info(lambda info: info.popitem()),
    "folder moved": move_the_folder,
}


@pytest.mark.parametrize("action", ["check-deleted", "cleanup"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_result_that_can_not_be_trusted_is_refused(
    culled: Library, damage: str, action: str
) -> None:
    DAMAGES[damage](culled)
    before = tree(culled.folder)
    ran = culled.run(action)
    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert tree(culled.folder) == before


@pytest.mark.parametrize(
    "damage", [name for name in DAMAGES if not name.startswith(("info", "folder"))]
)
def test_a_folder_without_a_good_manifest_is_not_replaced(found: Library, damage: str) -> None:
    DAMAGES[damage](found)
    before = tree(found.folder)
    ran = found.run("find", "--discard-review")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert tree(found.folder) == before


def test_a_manifest_that_points_at_an_original_gets_nothing_deleted(found: Library) -> None:
    found.delete_copies("vacation1_copy.jpg")
    change_copy(copy="../photos/vacation1_copy.jpg")(found)
    before = tree(found.folder)
    assert found.run("find", "--discard-review").code == 2
    assert tree(found.folder) == before


@pytest.mark.parametrize(
    "copy", ["a.jpg", "x/a.jpg", "../1/a.jpg", "/1/a.jpg", "1/", "1/.", "1/..", "1/2/a.jpg", ""]
)
def test_a_copy_that_is_in_no_numbered_folder_is_refused(found: Library, copy: str) -> None:
    change_copy(copy=copy)(found)
    with pytest.raises(ValueError, match="not in a numbered folder"):
        record.load_manifest(str(found.output))


# ---- Files of the user's in the way


@pytest.mark.parametrize("folder", ["output.find-new", "output.find-old"])
@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup"])
def test_a_folder_of_the_user_with_the_name_of_ours_is_left_alone(
    culled: Library, folder: str, action: str
) -> None:
    (culled.folder / folder).mkdir()
    (culled.folder / folder / "mine.jpg").write_text("mine")
    before = tree(culled.folder)
    ran = culled.run(action)
    assert ran.code == 2
    assert folder in ran.err
    assert tree(culled.folder) == before


@pytest.mark.parametrize(
    ("info", "original"), [("../x", "/p/a.jpg"), ("info.txt", "a.jpg"), ("info.txt", "../a.jpg")]
)
def test_a_manifest_that_leads_elsewhere_is_refused(
    info: str, original: str, tmp_path: Path
) -> None:
    own_files = record.OwnFiles(info, "to_delete.txt")
    place = str(tmp_path / "1" / "a.jpg")
    copy = record.SavedCopy(ImageFile(original, 1, 1), place, 1, "0" * 64)
    record.write_manifest(str(tmp_path), record.Manifest(("/p",), (copy,), own_files))
    with pytest.raises(ValueError, match="must be"):
        record.load_manifest(str(tmp_path))


def test_an_output_that_is_no_folder_of_its_own_is_refused(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.output.write_text("mine")
    before = tree(library.folder)
    ran = library.run("find")
    assert (ran.code, "is not a folder; choose another" in ran.err) == (2, True)
    assert tree(library.folder) == before
    library.output.unlink()
    library.output.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == str(library.output))
    ran = library.run("find")
    assert (ran.code, "is a mount point; choose a folder inside" in ran.err) == (2, True)
    assert list(library.output.iterdir()) == []
    monkeypatch.undo()
    library.find()  # an empty folder will do


def test_a_result_that_was_replaced_does_not_come_back_for_another(found: Library) -> None:
    """As after a find that was killed before it removed the old result, and rm -r output."""
    replaced = Path(str(found.output) + ".find-old")
    found.delete_copies("vacation1_old.jpg")
    found.output.rename(replaced)
    before = tree(found.photos)
    for ran in (found.check(), found.cleanup("--yes")):
        assert ran.code == 3, ran
    assert not found.output.exists()
    assert tree(found.photos) == before


@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup"])
def test_what_somebody_puts_in_the_place_of_a_result_is_left_alone(
    found: Library, action: str
) -> None:
    """A find was killed between its two renames, and then a folder of that name was made."""
    before = tree(found.output)
    found.output.rename(found.folder / "output.find-old")
    (found.folder / "output.find-new").mkdir()
    found.output.mkdir()
    everything = tree(found.folder)
    ran = found.run(action)
    assert ran.code == 2
    assert "output.find-old; move it elsewhere" in ran.err
    assert tree(found.folder) == everything
    found.output.rmdir()
    assert found.check().code == 0
    assert {name: tree(found.output)[name] for name in before} == before


@pytest.mark.parametrize("was_replaced", [False, True])
def test_only_a_whole_result_comes_back(found: Library, was_replaced: bool) -> None:
    """What a find was building is dropped, and so is what it had begun to remove."""
    if was_replaced:
        shutil.copytree(found.output, found.folder / "output.find-old")
        (found.folder / "output.find-old" / "info.txt").unlink()
    found.output.rename(found.folder / "output.find-new")
    assert found.run("check-deleted").code == 3
    assert os.listdir(found.folder) == ["photos"]
    found.find()


def test_what_a_find_was_building_is_removed_by_size_and_time(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read a hundred thousand copies, only to remove them, would take long."""
    read: list[str] = []

    def has_digest(path: str, digest: str) -> bool:
        read.append(os.path.basename(path))
        return digest_file(path) == digest

    changed = found.copy("vacation1_old.jpg")
    os.utime(changed, (0, 0))
    monkeypatch.setattr(recovery, "has_digest", has_digest)
    assert recovery.remove_result(str(found.output), unread=True) == []
    assert [name for name in read if name != "report.html"] == [changed.name]


def test_a_copy_of_an_old_result_that_was_edited_secretly_is_kept(found: Library) -> None:
    """With the size and the time that it had."""
    copy = found.copy("vacation1_old.jpg")
    status = copy.stat()
    edited = bytes(reversed(copy.read_bytes()))
    copy.write_bytes(edited)
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert recovery.remove_result(str(found.output)) == [str(copy)]
    assert copy.read_bytes() == edited


def test_nobody_takes_the_rest_of_a_result_for_a_cull(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = {os.path.basename(copy) for copy in found.info().values()}
    events: list[str] = []
    unlink = os.unlink

    def remove(path: str) -> None:
        events.append(os.path.basename(path))
        unlink(path)

    monkeypatch.setattr(os, "unlink", remove)
    monkeypatch.setattr(recovery, "sync_folder", lambda _: events.append("on disk"))
    removed = recovery.remove_result(str(found.output))
    monkeypatch.undo()
    assert removed == []
    assert "info.txt" in events[: events.index("on disk")]
    assert copies <= set(events[events.index("on disk") :])
    assert not copies & set(events[: events.index("on disk")])


def test_a_link_in_a_groups_place_is_not_followed_when_a_result_is_removed(
    found: Library,
) -> None:
    group = found.copy("vacation1_old.jpg").parent
    group.rename(found.folder / "mine")
    group.symlink_to(found.folder / "mine")
    mine = tree(found.folder / "mine")
    assert recovery.remove_result(str(found.output)) == [str(group)]
    assert tree(found.folder / "mine") == mine


def test_where_no_photos_are_left_the_copies_stay(found: Library) -> None:
    away = found.folder / "away"
    found.photos.rename(away)  # as if the disk were not mounted
    found.photos.mkdir()
    before = tree(found.output)
    ran = found.run("find")
    assert ran.code == 2
    assert f"can't be read any more (5, in {found.photos})" in ran.err
    assert tree(found.output) == before
    assert found.run("find", "--discard-review").code == 0
    assert found.info() == {}


def dies(path: Path) -> None:
    path.unlink()


def loses_its_data(path: Path) -> None:
    os.truncate(path, 0)


def is_cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("goes", [dies, loses_its_data, is_cut_off])
@pytest.mark.parametrize("flag", [(), ("--dry-run",)])
def test_the_last_copy_of_a_single_original_stays(
    found: Library,
    goes: Callable[[Path], None],
    flag: tuple[str, ...],
) -> None:
    goes(found.photos / "z_coffee.jpg")
    before = tree(found.output)
    ran = found.run("find", *flag)
    assert ran.code == 2
    assert f"can't be read any more ({found.photos / 'z_coffee.jpg'})" in ran.err
    assert "--discard-review" in ran.err
    assert tree(found.output) == before
    shutil.copy(found.copy("z_coffee.jpg"), found.photos / "z_coffee.jpg")  # put back
    assert found.run("find", *flag).code == 0


def test_the_last_copies_stay_if_a_disk_dies_while_find_is_running(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_all = storage.copy_all

    def dying(*arguments: Any) -> Any:
        (found.photos / "z_coffee.jpg").unlink()
        return copy_all(*arguments)

    monkeypatch.setattr(storage, "copy_all", dying)
    before = tree(found.output)
    assert found.run("find").code == 2
    assert tree(found.output) == before
    assert sorted(os.listdir(found.folder)) == ["output", "photos"]


def test_originals_that_were_moved_or_edited_or_are_there_twice_are_no_last_copies(
    found: Library,
) -> None:
    (found.photos / "new").mkdir()
    (found.photos / "vacation1.jpg").rename(found.photos / "new" / "1.jpg")
    found.add("vacation1_copy.jpg", quality=60)
    shutil.copy(found.photos / "z_coffee.jpg", found.photos / "twice.jpg")
    (found.photos / "z_coffee.jpg").unlink()
    found.find()


def test_a_result_of_which_the_originals_are_there_is_no_last_copy(found: Library) -> None:
    (found.folder / "empty").mkdir()
    replaceable.check_last_copies(open_result(found.paths), {})
    assert found.run("find", "--input-dir", str(found.folder / "empty")).code == 0
    assert not found.info()


def test_where_originals_and_copies_are_gone_nothing_is_left_to_keep(found: Library) -> None:
    for original, copy in found.info().items():
        os.unlink(original)
        os.unlink(copy)
    replaceable.check_last_copies(open_result(found.paths), {})


def test_a_file_put_into_the_staging_folder_is_never_removed(found: Library) -> None:
    staging = found.folder / "output.find-new"
    assert killed_when(lambda: len(list(staging.glob("[12]/*.jpg"))) == 5, found, "find")
    (staging / "1" / "mine.txt").write_text("mine")
    edited = next((staging / "2").iterdir())
    edited.unlink()  # as editors do
    edited.write_bytes(b"edited")
    ran = found.run("find")
    assert ran.code == 2
    assert "mine.txt" in ran.err
    assert (staging / "1" / "mine.txt").read_text() == "mine"
    assert edited.read_bytes() == b"edited"
    (staging / "1" / "mine.txt").unlink()
    edited.unlink()
    found.find()
    assert not staging.exists()


def test_what_is_edited_in_the_old_result_while_find_runs_is_set_aside(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = found.copy("vacation1_old.jpg")
    mine = found.output / "2" / "mine.txt"
    real = os.rename

    def rename(source: str, target: str) -> None:
        if source == str(found.output):
            edited.unlink()  # as editors do
            edited.write_bytes(b"edited")
            mine.write_text("mine")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    ran = found.run("find")
    monkeypatch.undo()
    assert ran.code == 1
    aside = found.folder / "output.find-old"
    for path, content in ((edited, b"edited"), (mine, b"mine")):
        place = aside / path.relative_to(found.output)
        assert place.read_bytes() == content
        assert str(place) in ran.out
    assert found.run("check-deleted").code == 2  # says so until it is moved
    assert (aside / "1" / edited.name).read_bytes() == b"edited"
    aside.rename(found.folder / "saved")
    assert found.run("check-deleted").code == 0


def test_where_it_means_something_else_no_blocks_are_asked_to_be_shared(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(system.fcntl, "ioctl", lambda *arguments: asked.append(arguments[1]))
    monkeypatch.setattr(sys, "platform", "darwin")
    library.find()
    assert asked == []
    assert len(library.info()) == 5


def test_a_copy_never_takes_the_place_of_another(tmp_path: Path) -> None:
    """Some file system may take two names for one that we tell apart."""
    original, target = tmp_path / "a.jpg", tmp_path / "1.jpg"
    original.write_text("a")
    target.write_text("another copy")
    image = ImageFile(str(original), 1, 0)
    with pytest.raises(OSError, match="another copy has its name"):
        copying.copy_file(
            image, str(target), digest_file(str(original)), str(tmp_path / ".partial")
        )
    assert target.read_text() == "another copy"
    assert sorted(os.listdir(tmp_path)) == ["1.jpg", "a.jpg"]


def failing_sync(monkeypatch: pytest.MonkeyPatch, number: int, folder: Path) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_file_system_that_can_not_sync_folders_will_do(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_sync(monkeypatch, errno.EINVAL, library.folder)
    library.find()


def test_the_old_result_is_kept_until_the_new_one_is_on_disk(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_sync(monkeypatch, errno.EIO, found.folder)
    ran = found.run("find")
    assert ran.code == 2
    assert "may not be on disk" in ran.err
    assert (found.folder / "output.find-old" / "info.txt").exists()
    monkeypatch.undo()
    found.find()
    assert sorted(os.listdir(found.folder)) == ["output", "photos"]


def test_all_of_a_result_is_on_disk_before_it_takes_its_place(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, rename = os.fsync, os.rename
    synced: dict[int, object] = {}
    missing: list[list[str]] = []

    def content(path: Path | int) -> object:
        """The names in a folder or the size of a file."""
        status = os.stat(path)
        return sorted(os.listdir(path)) if stat.S_ISDIR(status.st_mode) else status.st_size

    def fsync(descriptor: int) -> None:
        synced[os.fstat(descriptor).st_ino] = content(descriptor)
        sync(descriptor)

    def renamed(source: str, target: str) -> None:
        if target == str(library.output):
            everything = [Path(source), *Path(source).rglob("*")]
            late = [p for p in everything if synced.get(p.stat().st_ino) != content(p)]
            missing.append(list(map(str, late)))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", renamed)
    library.find()
    library.find()  # with a log that comes along
    assert missing == [[], []]
    assert library.folder.stat().st_ino in synced
    synced.clear()
    library.check()
    assert {library.output.stat().st_ino, library.list_file.stat().st_ino} <= synced.keys()


def test_the_name_of_a_new_log_is_on_disk_with_its_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    for _ in range(2):
        files.append_lines(str(tmp_path / "log.txt"), ["Deleted file: a"])
    assert synced == [str(tmp_path)]


def test_a_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "log.txt").symlink_to("mine.txt")
    with pytest.raises(OSError, match="symbolic links"):
        files.append_lines(str(tmp_path / "log.txt"), ["a line"])
    with pytest.raises(UserError, match="symbolic links"):
        files.check_log(str(tmp_path / "log.txt"))
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_all_that_lies_in_a_folder_is_seen_and_folders_only_if_empty(tmp_path: Path) -> None:
    assert list(files.files_in(str(tmp_path))) == []
    for folder in ("empty", "full", "outer/empty", "outer/full"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("b.jpg", "full/a.jpg", "outer/full/a.jpg"):
        (tmp_path / file).touch()
    (tmp_path / "link").symlink_to(tmp_path / "full")
    seen = [os.path.relpath(path, tmp_path) for path in files.files_in(str(tmp_path))]
    assert sorted(seen) == sorted(
        ["b.jpg", "link", "empty", "full/a.jpg", "outer/empty", "outer/full/a.jpg"]
    )


@pytest.mark.parametrize("action", ["find", "cleanup"])
def test_a_log_that_is_no_file_is_refused(culled: Library, action: str) -> None:
    culled.check()
    os.mkfifo(culled.folder / "log.txt")
    flags = ["--discard-review"] if action == "find" else ["--yes"]
    ran = culled.run(action, "--log-file", str(culled.folder / "log.txt"), *flags)
    assert ran.code == 2
    assert "is not a text file" in ran.err
    with pytest.raises(UserError, match="is not a text file"):
        files.append_lines(str(culled.folder / "log.txt"), ["a line"])


# ---- The lock


def test_the_lock_is_beside_the_folder_and_goes_with_its_holder(tmp_path: Path) -> None:
    output = str(tmp_path / "output")
    with output_lock.locked(output):
        assert os.listdir(tmp_path) == [".output.lock"]
        with pytest.raises(UserError) as refusal, output_lock.locked(output):
            pass
        assert refusal.value.code == Exit.LOCKED
    assert os.listdir(tmp_path) == []
    with output_lock.locked(output):
        pass


@pytest.mark.parametrize("then", ["is gone", "is another's"])
def test_the_lock_of_a_file_that_its_holder_removed_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """The last holder removes it between our open and our lock; somebody else may make it anew."""
    path, flock, calls = tmp_path / ".output.lock", system.fcntl.flock, []

    def late(descriptor: int, operation: int) -> None:
        if not calls:
            path.unlink()
            if then == "is another's":
                path.touch()
        calls.append(operation)
        flock(descriptor, operation)

    monkeypatch.setattr(system.fcntl, "flock", late)
    with (
        output_lock.locked(str(tmp_path / "output")),
        pytest.raises(UserError, match="another run"),
        output_lock.locked(str(tmp_path / "output")),
    ):
        pytest.fail("two hold the lock")
    assert len(calls) == 3


def test_a_lock_file_that_was_left_behind_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / ".output.lock").write_text("")
    with output_lock.locked(str(tmp_path / "output")):
        pass
    assert os.listdir(tmp_path) == []


def test_a_lock_file_is_not_followed_through_a_link(tmp_path: Path) -> None:
    (tmp_path / ".output.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError), output_lock.locked(str(tmp_path / "output")):
        pass
    assert not (tmp_path / "elsewhere").exists()


# ---- Links and names in the way


def test_a_link_in_a_group_folders_place_leads_to_nothing_that_is_removed(
    found: Library,
) -> None:
    group = found.copy("vacation1.jpg").parent
    kept = found.folder / "kept"
    group.rename(kept)
    group.symlink_to(kept)
    before = tree(found.folder)
    assert found.run("find").code == 2
    assert tree(found.folder) == before


@pytest.mark.parametrize("suffix", [".find-new", ".find-old"])
def test_a_link_beside_the_output_leads_to_nothing_that_is_removed(
    found: Library, suffix: str
) -> None:
    elsewhere = found.folder / "elsewhere"
    assert found.run("find", "--output-dir", str(elsewhere)).code == 0
    found.output.with_name(found.output.name + suffix).symlink_to(elsewhere)
    before = tree(found.folder)
    assert found.run("find").code == 2
    assert tree(found.folder) == before


@pytest.mark.parametrize("suffix", [".find-new", ".find-old"])
def test_an_output_folder_is_not_named_like_what_find_builds(library: Library, suffix: str) -> None:
    named = str(library.output) + suffix
    assert library.run("find", "--output-dir", named).code == 2
    assert not os.path.exists(named)


def test_a_cull_while_find_is_running_is_not_discarded(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_all = storage.copy_all

    def culling(*arguments: Any) -> Any:
        yield from copy_all(*arguments)
        found.delete_copies("vacation1_old.jpg")

    monkeypatch.setattr(storage, "copy_all", culling)
    ran = found.run("find")
    assert ran.code == 2
    assert "1 copy was deleted" in ran.err
    assert found.check().code == 0
    assert found.listed() == ["vacation1_old.jpg"]
