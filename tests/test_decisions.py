"""What a person keeps side by side: it is not shown again, and nothing else is left out."""

import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import stand_in
from conftest import Library, Ran, collect, picture, tree
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from actions import deciding
from disk import decisions, removal
from disk.decisions import (
    Decisions,
    Member,
    append_decisions,
    decided,
    line_against,
    line_of,
    load_decisions,
)
from disk.files import ImageFile
from disk.own_names import MANIFEST
from disk.user_folders import decisions_file
from pictures import store
from pictures.images import HashedImage, Unreadable
from pictures.same_picture import Pictured

COFFEE, VACATION = ["z_coffee.jpg", "z_coffee_bw.jpg"], ["vacation1.jpg", "vacation1_copy.jpg"]


def named(library: Library, paths: list[str]) -> list[str]:
    return [str(Path(path).relative_to(library.photos)) for path in paths]


def groups(library: Library, *flags: str, code: int = 0) -> list[list[str]]:
    """The groups that a new find shows, by the names of their photos."""
    ran = library.run("find", "--json", *flags)
    assert ran.code == code, ran
    return [named(library, group) for group in ran.facts["groups"]]


def keep(library: Library, *numbers: str, code: int = 0) -> Ran:
    ran = library.run("keep", *(numbers or ["all"]))
    assert ran.code == code, ran
    return ran


def file() -> Path:
    return Path(decisions_file())


def with_rating(jpeg: bytes, rating: int) -> bytes:
    """A JPEG in which a program has written a rating as XMP."""
    packet = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>%d</x:xmpmeta>" % rating
    return jpeg[:2] + b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet + jpeg[2:]


# ---- What find leaves out


def test_a_kept_group_is_left_out_and_counted(found: Library) -> None:
    assert "From now on find leaves out what is kept" in keep(found, "2").out
    ran = found.find("--json")
    assert [named(found, group) for group in ran.facts["groups"]] == [
        ["vacation1.jpg", "vacation1_copy.jpg", "vacation1_old.jpg"]
    ]
    assert "1 group that you kept is left out (--show-kept)." in ran.err
    assert [named(found, one["paths"]) for one in ran.facts["kept_left_out"]] == [COFFEE]
    assert len(list(found.output.glob("[0-9]*"))) == 1


def test_a_kept_group_comes_when_it_is_asked_for(found: Library) -> None:
    keep(found, "2")
    ran = found.find("--json", "--show-kept")
    assert named(found, ran.facts["groups"][1]) == COFFEE
    assert [named(found, one["paths"]) for one in ran.facts["kept_together"]] == [COFFEE]
    assert "Group 2: z_coffee.jpg and z_coffee_bw.jpg were kept side by side on 2" in ran.err


def test_without_numbers_all_that_are_left_are_kept(found: Library) -> None:
    found.delete_copies("vacation1_copy.jpg")
    found.check()
    found.cleanup()
    keep(found)
    ran = found.run("find", "--json")
    assert ran.facts["groups"] == []
    assert "No group of similar pictures to look at." in ran.err
    assert f"So {found.output} has no copies now." in ran.err
    assert "There is no group to keep." in keep(found).out


def test_names_folders_and_what_is_written_about_a_picture_decide_nothing(found: Library) -> None:
    keep(found)
    (found.photos / "new").mkdir()
    for number, name in enumerate([*VACATION, "vacation1_old.jpg", *COFFEE]):
        path = found.photos / name
        (found.photos / "new" / f"{number}.jpg").write_bytes(with_rating(path.read_bytes(), 5))
        path.unlink()
    elsewhere = ("--output-dir", str(found.folder / "elsewhere"), "--no-cache")
    assert groups(found, *elsewhere) == []


def test_what_is_no_decision_is_read_once_to_be_compared_with_them(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in found.photos.iterdir():
        os.utime(path, (1e9, 1e9))  # or it may change within the second
    found.find()
    keep(found, "2")
    asked: list[list[str]] = []
    in_workers = deciding.in_workers

    def watched(*given: Any) -> deciding.ReadPictures:
        read = in_workers(*given)
        return lambda files: asked.append([f.path for f in files]) or read(files)  # type: ignore[func-returns-value]

    monkeypatch.setattr(deciding, "in_workers", watched)
    groups(found)
    groups(found)
    groups(found, "--no-cache")
    assert [named(found, paths) for paths in asked] == [
        (vacations := [*VACATION, "vacation1_old.jpg"]),
        [],
        vacations,
    ]


def test_of_other_formats_the_whole_file_counts(bare_library: Library) -> None:
    names = ["a.webp", "b.webp"]
    for name in names:
        bare_library.add(name, quality=80)
    bare_library.find()
    keep(bare_library)
    assert groups(bare_library) == []
    path = bare_library.photos / "a.webp"
    path.write_bytes(path.read_bytes() + b"JUNK\0\0\0\0")
    assert groups(bare_library) == [names]


def test_what_changes_while_it_is_compared_with_decisions_is_not_taken_for_another() -> None:
    """It is shown; what is read now is not what was grouped."""
    one, other = "a" * 64, "b" * 64
    known = Decisions([decided([Member(one, "f" * 64, "/x.jpg"), Member(other, "e" * 64, "/y")])])
    images = [HashedImage(ImageFile(f"/{n}.jpg", 1, 1), str(n) * 64, None) for n in (1, 2)]
    results = [Pictured(images[0].file, one, "9" * 64), Unreadable(images[1].file, "gone")]
    with store.opened(None, print) as nowhere:
        found = deciding.pictures_of(images, known, lambda _: results, nowhere)
    assert found == {"/1.jpg": "1" * 64, "/2.jpg": "2" * 64}


def test_what_changes_the_look_of_a_kept_picture_shows_its_group_again(found: Library) -> None:
    keep(found, "2")
    path = found.photos / "z_coffee.jpg"
    with Image.open(path) as image:
        image.save(path, quality=60)
    assert COFFEE in groups(found)


def test_with_one_more_picture_the_whole_group_comes_and_says_who_was_kept(
    found: Library,
) -> None:
    keep(found, "2")
    found.add("z_more.jpg", "2024/coffee.jpg", quality=60)
    ran = found.find("--json")
    assert named(found, ran.facts["groups"][1]) == [*COFFEE, "z_more.jpg"]
    (told,) = ran.facts["kept_together"]
    assert (told["group"], named(found, told["paths"])) == (2, COFFEE)
    record = json.loads((found.output / MANIFEST).read_text("utf-8"))
    assert record["kept_together"] == [told]
    assert found.check().code == 0


def test_a_third_identical_file_beside_two_that_were_kept_is_new(bare_library: Library) -> None:
    for name in ("a.jpg", "b.jpg"):
        bare_library.add(name)
    bare_library.find()
    keep(bare_library)
    assert groups(bare_library) == []
    bare_library.add("c.jpg")
    assert groups(bare_library) == [["a.jpg", "b.jpg", "c.jpg"]]


def test_a_part_of_what_was_kept_stays_settled(found: Library) -> None:
    keep(found, "1")
    (found.photos / "vacation1_old.jpg").unlink()
    assert groups(found, "--discard-review") == [COFFEE]


def test_an_untouched_group_is_no_decision(found: Library) -> None:
    assert groups(found) == groups(found)
    assert not file().exists()


def test_a_dry_run_of_keep_and_forget_changes_nothing(found: Library, data_home: Path) -> None:
    before = tree(data_home)
    facts = found.run("keep", "all", "--dry-run", "--json").facts
    assert [one["group"] for one in facts["keep"]] == [1, 2]
    assert tree(data_home) == before
    keep(found)
    before = tree(data_home)
    assert "2 decisions on 5 pictures" in found.run("forget", "all", "--dry-run").out
    assert tree(data_home) == before


def test_to_keep_twice_is_to_keep_once(found: Library) -> None:
    keep(found)
    before = file().read_bytes()
    assert "Kept already: 2 groups." in keep(found).out
    assert file().read_bytes() == before


@pytest.mark.sheet
def test_the_contact_sheet_says_who_was_kept_together(found: Library) -> None:
    keep(found, "2")
    found.add("z_more.jpg", "2024/coffee.jpg", quality=60)
    found.find()
    report = (found.output / "report.html").read_text("utf-8")
    assert report.count("z_coffee.jpg and z_coffee_bw.jpg were kept side by side on 2") == 1


# ---- What can't be kept


def test_a_group_of_which_copies_wait_to_be_cleaned_up_is_refused(found: Library) -> None:
    found.delete_copies("vacation1_copy.jpg")
    assert "Group 1: some of its copies are deleted" in keep(found, code=1).out
    assert groups(found, "--discard-review") == [[*VACATION, "vacation1_old.jpg"]]


def test_a_picture_that_an_interrupted_cleanup_has_set_aside_waits_too(found: Library) -> None:
    found.delete_copies("vacation1_copy.jpg")
    path = found.photos / "vacation1_copy.jpg"
    path.rename(removal.aside_path(str(path)))
    ran = found.run("keep", "1", "--dry-run")
    assert (ran.code, "some of its copies are deleted" in ran.out) == (1, True)


def test_of_an_original_that_changed_or_went_the_copy_says_what_find_saw(found: Library) -> None:
    (found.photos / "z_coffee.jpg").unlink()
    (found.photos / "z_coffee_bw.jpg").write_bytes(b"broken")
    copies = [found.copy(name).read_bytes() for name in COFFEE]
    keep(found, "2")
    for name, content in zip(COFFEE, copies, strict=True):
        (found.photos / name).write_bytes(content)
    assert COFFEE not in groups(found)


def test_a_group_of_which_one_picture_is_left_is_nothing_to_keep(found: Library) -> None:
    found.delete_copies("z_coffee.jpg")
    found.check()
    found.cleanup()
    assert "fewer than two" in keep(found, "2", code=1).out
    keep(found)
    assert len(load_decisions().all) == 1


def test_a_picture_that_is_no_more_what_find_saw_is_not_kept(found: Library) -> None:
    for path in (found.photos / "z_coffee.jpg", found.copy("z_coffee.jpg")):
        path.write_bytes(picture("2024/coffee.jpg", 50))
    out = keep(found, "2", code=1).out
    assert "z_coffee.jpg is not what find saw any more; run find again" in out
    assert load_decisions().all == ()


@pytest.mark.parametrize("wrong", ["9", "0", "1.5", "vacation1.jpg"])
def test_what_is_no_group_is_refused(wrong: str, found: Library) -> None:
    for action in ("keep", "forget"):
        assert found.run(action, wrong).code == 2
        assert "or all" in found.run(action).err
    assert not file().exists()


# ---- Forgetting


def test_what_is_forgotten_is_shown_again(found: Library) -> None:
    keep(found)
    assert groups(found, "--show-kept") != groups(found)
    groups(found, "--show-kept")
    assert "z_coffee.jpg and z_coffee_bw.jpg" in found.run("forget", "2").out
    assert groups(found) == [COFFEE]
    assert found.run("forget", "all").code == 0
    assert groups(found) == [[*VACATION, "vacation1_old.jpg"], COFFEE]
    assert len(file().read_text("utf-8").splitlines()) == 4  # nothing is taken out of it


def test_a_group_is_forgotten_though_its_files_changed_since(found: Library) -> None:
    keep(found, "2")
    found.find("--show-kept")
    for name in (*COFFEE, *VACATION):
        for path in (found.photos / name, found.copy(name)):
            path.write_bytes(b"broken")
    assert "0 decisions on 0 pictures" in found.run("forget", "1").out
    assert "1 decision on 2 pictures" in found.run("forget", "2").out
    assert load_decisions().all == ()


def test_what_was_forgotten_can_be_kept_again(found: Library) -> None:
    keep(found, "2")
    found.run("forget", "all")
    keep(found, "2")
    assert COFFEE not in groups(found)


# ---- The file


def test_a_line_says_a_decision_to_people_too(found: Library) -> None:
    keep(found, "2")
    said = json.loads(file().read_text("utf-8"))
    assert [member["path"] for member in said["keep"]] == [str(found.photos / n) for n in COFFEE]
    assert os.stat(file()).st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line.replace(b'"keep"', b'"kept"'),
        lambda line: line.replace(b"coffee", b"toffee", 1),
        lambda line: line.replace(b'"schema": 1', b'"schema": 2'),
        lambda _: b"\xff\xfe",
        lambda line: line[: len(line) // 2],
        lambda _: b"[" * 100_000,
    ],
)
def test_a_damaged_line_ends_in_exit_3_and_hides_nothing(damage: object, found: Library) -> None:
    keep(found)
    first, second = file().read_bytes().splitlines()
    assert callable(damage)
    changed = damage(second)
    file().write_bytes(first + b"\n" + changed + b"\n" + second + b"\n")
    before, result = file().read_bytes(), tree(found.output)
    for action in (("find",), ("find", "--dry-run"), ("keep", "all"), ("forget", "all")):
        ran = found.run(*action)
        assert (ran.code, f"{file()}, line 2 can't be read" in ran.err) == (3, True)
        assert (file().read_bytes(), tree(found.output)) == (before, result)


def test_a_line_that_was_cut_off_is_told_hides_nothing_and_goes(found: Library) -> None:
    keep(found)
    whole = file().read_bytes()
    first, second = whole.splitlines(keepends=True)
    cuts = [second[:length] for length in (3, len(second) // 2, len(second) - 2)]
    for rest in (*cuts, cuts[1] + bytes(500), bytes(500)):
        file().write_bytes(first + rest)
        ran = found.run("find", "--json")
        assert (ran.code, len(ran.facts["groups"])) == (1, 1)
        assert "was cut off while it was written" in ran.err
    groups(found, "--show-kept", code=1)
    keep(found, "2", code=1)
    assert groups(found) == []
    assert file().read_bytes().startswith(first)
    file().write_bytes(first + second[:-1])  # only its end is missing
    assert groups(found) == []
    found.run("forget", "all")
    assert len(groups(found)) == 2


def test_what_somebody_wrote_at_the_end_is_not_taken_away(found: Library) -> None:
    keep(found)
    file().write_bytes(file().read_bytes() + b"my notes")
    before = file().read_bytes()
    assert keep(found, code=3).err.startswith("error: ")
    assert file().read_bytes() == before


def test_a_disk_that_is_full_leaves_the_file_as_it_was(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(found, "1")
    before, write = file().read_bytes(), os.write

    def fill(descriptor: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:100])

    monkeypatch.setattr(decisions.os, "write", fill)
    assert keep(found, "2", code=2).err.count("No space left") == 1
    assert file().read_bytes() == before


def test_a_decision_is_on_disk_before_it_is_said_and_nobody_reads_half_of_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deeds: list[str] = []

    def noting(name: str, deed: Any) -> Any:
        def noted(*given: Any, **how: Any) -> Any:
            deeds.append(" ".join([name, *how]))
            return deed(*given, **how)

        return noted

    monkeypatch.setattr(decisions.system, "lock", noting("lock", decisions.system.lock))
    for name in ("write", "fsync"):
        monkeypatch.setattr(decisions.os, name, noting(name, getattr(os, name)))
    monkeypatch.setattr(decisions, "sync_folder", noting("names", decisions.sync_folder))
    append_decisions([line_of(decided(members_of(["a", "b"])))])
    assert deeds == ["lock wait", "write", "fsync", "names", "fsync"]
    deeds.clear()
    load_decisions()
    assert deeds == ["lock shared wait"]


def test_two_who_decide_at_once_both_do(found: Library) -> None:
    started = [found.start("keep", number) for number in ("1", "2")]
    codes = sorted(collect(process).code for process in started)
    if codes == [0, 4]:  # one had the lock of the result
        keep(found)
    assert sorted(len(one.members) for one in load_decisions().all) == [2, 3]


def test_of_a_newer_version_no_line_is_read(found: Library) -> None:
    keep(found, "1")
    content = json.loads(file().read_text("utf-8"))
    for name, value in (("schema", 2), ("time", "2026-01-01\x1b[31m"), ("keep", [{}])):
        changed = {**content, name: value}
        del changed["check"]
        file().write_text(decisions._line(changed), "utf-8")
        assert found.run("find").code == 3


def test_what_lies_in_the_files_place_is_left_alone(found: Library) -> None:
    file().parent.mkdir()
    file().symlink_to(found.photos / "z_coffee.jpg")
    before = tree(found.folder)
    for action in (("find",), ("keep", "all")):
        assert found.run(*action).code == 3
    assert tree(found.folder) == before


def test_explain_says_that_two_were_kept(found: Library) -> None:
    keep(found, "2")
    ran = found.run("explain", *(str(found.photos / name) for name in COFFEE))
    assert "They were kept side by side on 2" in ran.out


def test_files_of_two_machines_make_one(found: Library) -> None:
    keep(found, "1")
    one = file().read_bytes()
    file().unlink()
    keep(found, "2")
    file().write_bytes(file().read_bytes() + b"\n" + one + one)
    assert groups(found) == []
    assert len(load_decisions().all) == 2


def test_a_file_without_its_last_line_end_is_joined_and_added_to(found: Library) -> None:
    keep(found)
    first, second = file().read_bytes().splitlines()
    both = load_decisions().all
    for joined in (first + second + b"\n", first + second, first + b" " + second):
        file().write_bytes(joined)
        assert load_decisions().all == both
        append_decisions([line_against(both[:1])])
        assert file().read_bytes().startswith(joined.rstrip() + b"\n{")
        assert load_decisions().all == both[1:]
        file().write_bytes(joined + second[:50])
        assert (load_decisions().all, load_decisions().torn) == (both, True)
        append_decisions([line_against(both[1:])])
        assert file().read_bytes().startswith(joined.rstrip() + b"\n{")
        assert load_decisions().all == both[:1]


@pytest.mark.parametrize("end", [b"\n", b""], ids=["line", "no line's end"])
def test_what_was_cut_off_before_another_file_is_shown_and_the_whole_one_stays(
    end: bytes, found: Library
) -> None:
    keep(found)
    first, second = file().read_bytes().splitlines()
    changed = second.replace(b"coffee", b"toffee", 1)
    for before, part, behind in (
        (b"", second[:90], first),
        (first, second[:90], second),
        (first, changed, b""),
        (first, changed, second),
        (first, b" my notes", b""),
    ):
        file().write_bytes(before + part + behind + end)
        start = len(before + part) - len(part.lstrip()) + 1
        where = (
            f"line 1 can't be read from its character {start} to {len((before + part).rstrip())} ("
        )
        ran = keep(found, code=3)
        assert (where in ran.err, "mend or remove that part alone" in ran.err) == (True, True), ran
        assert file().read_bytes() == before + part + behind + end
        file().write_bytes(before + behind + end)  # as it says
        assert len(load_decisions().all) == bool(before) + bool(behind)


# ---- Any decisions, any groups


MULTISETS = st.lists(st.sampled_from("abcdef"), min_size=2, max_size=6)


def members_of(pictures: list[str]) -> list[Member]:
    return [Member(p * 64, p * 64, f"/{n}/{p}.jpg") for n, p in enumerate(pictures)]


@given(st.lists(MULTISETS, max_size=5), MULTISETS)
def test_a_group_is_settled_if_one_decision_holds_all_of_it(
    kept: list[list[str]], group: list[str]
) -> None:
    known = Decisions(decided(members_of(pictures)) for pictures in kept)
    pictures = [p * 64 for p in group]
    settled = known.settling(pictures)
    assert (settled is not None) == any(Counter(group) <= Counter(one) for one in kept)
    paths = [f"/{n}/{p}.jpg" for n, p in enumerate(group)]
    told = known.together(pictures, paths)
    best = max(((Counter(group) & Counter(one)).total() for one in kept), default=0)
    assert [len(one.positions) for one in told[:1]] == ([best] if best > 1 else [])
    for one in told:
        assert Counter(pictures[n] for n in one.positions) <= one.decision.pictures
    if settled:
        assert told[0].positions == tuple(range(len(group)))


@given(st.lists(MULTISETS, min_size=1, max_size=4), st.data())
def test_cut_off_anywhere_a_file_says_its_whole_lines(
    kept: list[list[str]], data: st.DataObject
) -> None:
    lines = [line_of(decided(members_of(pictures))) for pictures in kept]
    file().unlink(missing_ok=True)
    append_decisions(lines)
    whole = file().read_bytes()
    assert whole == "".join(lines).encode()
    cut = data.draw(st.integers(0, len(whole)))
    file().write_bytes(whole[:cut])
    ends = [len("".join(lines[: n + 1]).encode()) for n in range(len(lines))]
    said = sum(end - 1 <= cut for end in ends)
    found = load_decisions()
    assert len(found.all) == said
    assert found.torn == (cut not in (0, *ends, *(end - 1 for end in ends)))
    append_decisions(lines)
    assert len(load_decisions().all) == len(lines)
    assert not load_decisions().torn


# ---- The surest groups


def test_only_the_surest_groups_are_shown_and_the_others_counted(library: Library) -> None:
    library.add("zz_same.jpg", "2023/stars.jpg")
    ran = library.find("--json", "--at-most", "1")
    assert [named(library, group) for group in ran.facts["groups"]] == [
        ["z_stars.jpg", "zz_same.jpg"]
    ]
    assert ran.facts["less_sure"] == {"groups": 2, "pictures": 5}
    assert "Not shown, as less sure: 2 groups of 5 pictures (--at-most)." in ran.err
    every = groups(library)
    both = groups(library, "--at-most", "2")
    assert both == [group for group in every if group in both]
    weakest = library.find("--json").facts["weakest_links"]
    known = {n: link["correlation"] for n, link in enumerate(weakest) if link}
    assert every[min(known, key=lambda n: known[n])] not in both
    assert groups(library, "--at-most", "3") == every
    assert library.run("find", "--at-most", "0").code == 2
    assert library.run("check-deleted", "--at-most", "1").code == 2


# ---- Month after month

SHOWS = st.sampled_from([b"A", b"BBBBBBBBBBBBBBBB", b"\xff" * 32])
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "copy", "lose", "move", "edit"]), SHOWS, st.integers()
    ),
    max_size=4,
)
MONTH = st.tuples(CHANGES, st.sampled_from(["keep all", "keep one", "nothing", "forget"]))


def change(photos: Path, what: str, shows: bytes, number: int) -> None:
    """What becomes of a library in between: of some photo, if there is one."""
    there = sorted(photos.rglob("*.jpg"))
    new = photos / f"folder {number % 3}" / f"{len(there)} {number % 1000}.jpg"
    new.parent.mkdir(exist_ok=True)
    if what == "add":
        new.write_bytes(stand_in.photo(shows, b"%d" % (number % 5)))
    elif there:
        path = there[number % len(there)]
        if what == "copy":
            shutil.copy(path, new)
        elif what == "move":
            path.rename(new)
        elif what == "lose":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes() + b"!")


def alike(photos: Path) -> list[Counter[bytes]]:
    """The contents of the photos that show the same, of two or more each."""
    found: dict[bytes, Counter[bytes]] = {}
    for path in photos.rglob("*.jpg"):
        data = path.read_bytes()
        found.setdefault(data[: stand_in.SHOWN], Counter())[data] += 1
    return [group for group in found.values() if group.total() > 1]


def listed(groups: list[Counter[bytes]]) -> list[list[bytes]]:
    return sorted(sorted(group.elements()) for group in groups)


@settings(max_examples=25)
@given(st.lists(MONTH, min_size=3, max_size=6))
def test_month_after_month_each_group_comes_until_it_is_decided_and_then_no_more(
    months: list[tuple[list[tuple[str, bytes, int]], str]],
) -> None:
    file().unlink(missing_ok=True)
    decided_on: list[Counter[bytes]] = []
    with tempfile.TemporaryDirectory() as name:
        photos, output = (Path(os.path.realpath(name)) / part for part in ("photos", "output"))
        photos.mkdir()
        folders = ["--input-dir", str(photos), "--output-dir", str(output)]
        by_hash = ["--threshold", "10"]
        for changes, decision in months:
            for one in changes:
                change(photos, *one)
            assert stand_in.main(["--action", "find", "--discard-review", *folders, *by_hash]) == 0
            shown = [
                Counter(copy.read_bytes() for copy in sorted(group.iterdir()))
                for group in sorted(output.glob("[0-9]*"), key=lambda path: int(path.name))
            ]
            left = [g for g in alike(photos) if not any(g <= known for known in decided_on)]
            assert listed(shown) == listed(left)
            if decision == "forget":
                assert stand_in.main(["--action", "forget", "all", *folders]) == 0
                decided_on = []
            elif decision != "nothing" and shown:
                numbers = ["1"] if decision == "keep one" else ["all"]
                assert stand_in.main(["--action", "keep", *numbers, *folders]) == 0
                decided_on += shown[:1] if numbers == ["1"] else shown
