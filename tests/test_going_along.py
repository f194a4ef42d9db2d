"""Every reason to keep a companion of a deleted photo, and how one goes along without any."""

import itertools
import os
import random
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, Ran, tree
from made_videos import ANOTHER, ONE, film

import cleanup
from actions import going_along
from disk import companions, live, removal, same_file
from disk.folder_locks import FolderLocks
from disk.record import load_manifest, surely_matches

GONE, TWIN = "vacation1_copy.xmp", "vacation1.xmp"
PHOTOS = ["vacation1.jpg", "z_coffee.jpg", "z_coffee_bw.jpg", "z_stars.jpg"]
NOT_THE_SAME = "nothing identical lies beside what stays of its group"
ALONE = "no other original of its group would remain"


def put(library: Library, **contents: str | bytes) -> None:
    """Files beside the photos; a name's first "__" stands for its dot."""
    for name, content in contents.items():
        path = library.photos / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def along(library: Library, *flags: str) -> Ran:
    return library.cleanup("--with-companions", "--json", *flags)


def stays(library: Library, name: str = GONE, *flags: str) -> str:
    """Why a companion stays while its photo goes, which is said before and meant in the deed."""
    planned = along(library, "--dry-run", *flags).facts["companions"]
    ran = along(library, *flags)
    assert ran.code == 1
    assert (library.photos / name).read_bytes()
    told = ran.facts["companions"]
    assert told["deleted"] == []
    assert (planned["delete"], planned["kept"]) == (told["delete"], told["kept"])
    assert [one["path"] for one in told["kept"]] == [str(library.photos / name)]
    line = f"Kept file: {library.photos / name}: {told['kept'][0]['reason']}"
    assert line in library.log()
    return str(told["kept"][0]["reason"])


@pytest.fixture(autouse=True)
def raws_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without the package for them; where they are, they are photos and no companions."""
    monkeypatch.setattr(going_along, "is_photo", lambda name: name.endswith(".jpg"))


@pytest.fixture
def paired(culled: Library) -> Library:
    """The library with a note beside a doomed photo, and the same beside the one that stays."""
    put(culled, vacation1_copy__xmp="a note", vacation1__xmp="a note")
    return culled


# ---- It goes along


def test_without_being_asked_for_every_companion_stays(paired: Library) -> None:
    ran = paired.cleanup("--json")
    assert ran.facts["sidecars"] == [str(paired.photos / GONE)]
    assert "companions" not in ran.facts
    assert paired.names() == sorted([*PHOTOS, GONE, TWIN])


def test_a_companion_with_a_twin_beside_what_stays_goes_along(paired: Library) -> None:
    ran = along(paired)
    assert ran.code == 0
    gone = str(paired.photos / GONE)
    assert ran.facts["companions"] == {
        "delete": [gone],
        "kept": [],
        "deleted": [gone],
        "trashed": {},
    }
    assert paired.names() == sorted([*PHOTOS, TWIN])
    assert f"Deleted file: {gone}" in paired.log()
    assert "1 companion" in ran.err


def test_a_dry_run_prints_the_same_plan_and_changes_nothing(paired: Library) -> None:
    before = tree(paired.folder)
    dry = along(paired, "--dry-run")
    assert tree(paired.folder) == before
    ran = along(paired)
    assert dry.facts["companions"]["delete"] == ran.facts["companions"]["delete"]
    assert dry.facts["bytes"] == ran.facts["bytes"]
    assert dry.err.splitlines()[:2] == ran.err.splitlines()[:2]


def test_all_kinds_go_along_by_whatever_names(culled: Library) -> None:
    kinds = ["jpg.xmp", "MOV", "AAE", "jpg.supplemental-metadata.json", "CR2", "WAV"]
    for stem in ("vacation1", "vacation1_copy"):
        put(culled, **{f"{stem}.{kind}": kind for kind in kinds})
        put(culled, **{f"NKSC_PARAM/{stem}.jpg.nksc": "settings"})
    put(culled, **{"vacation1_copy_HEVC.MOV": "MOV"})
    ran = along(culled)
    assert (ran.code, len(ran.facts["companions"]["deleted"])) == (0, 8)
    assert not [name for name in culled.names() if "vacation1_" in name]


def test_what_an_earlier_cleanup_left_without_its_photo_may_go(paired: Library) -> None:
    assert paired.cleanup().code == 0
    assert along(paired).facts["companions"]["deleted"] == [str(paired.photos / GONE)]
    again = along(paired)
    assert (again.code, again.facts["companions"]["delete"]) == (0, [])


def test_one_that_two_doomed_photos_share_goes_with_both(culled: Library) -> None:
    shutil.copy(culled.photos / "vacation1_old.jpg", culled.photos / "vacation1_copy.png")
    for path in culled.photos.glob("vacation1_old.jpg"):
        path.unlink()
    put(culled, vacation1_copy__xmp="a note", vacation1__xmp="a note")
    assert stays(culled) == f"it belongs to {culled.photos}/vacation1_copy.png, which stays"
    shutil.rmtree(culled.output)
    culled.find()
    culled.add("vacation1_copy.jpg", quality=70)
    culled.find()
    culled.delete_copies("vacation1_copy.jpg", "vacation1_copy.png")
    assert culled.check().code == 0
    assert along(culled).facts["companions"]["deleted"] == [str(culled.photos / GONE)]


def test_what_an_earlier_cleanup_left_goes_after_another_check_deleted(paired: Library) -> None:
    """As where it was killed between the photo and its companion."""
    gone = str(paired.photos / GONE)
    assert paired.cleanup().code == 0
    assert paired.check("--json").facts["sidecars"] == [gone]
    assert paired.cleanup("--json").facts["sidecars"] == [gone]
    assert along(paired).facts["companions"]["deleted"] == [gone]
    assert (paired.check("--json").facts["sidecars"], paired.cleanup().code) == ([], 0)


def test_a_folder_is_listed_once_for_the_plan(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ending in ("AAE", "THM", "WAV", "jpg.json", "pp3"):
        put(paired, **{f"{stem}.{ending}": "a" for stem in ("vacation1", "vacation1_copy")})
    manifest, culled = load_manifest(str(paired.output)), cleanup.Culled((), (), (), ())
    judge = cleanup.Judge(manifest, frozenset(), culled)
    doomed = [str(paired.photos / "vacation1_copy.jpg")]
    asked: list[str] = []

    def listing(folder: str) -> list[str]:
        asked.append(folder)
        return os.listdir(folder)

    monkeypatch.setattr(companions, "listing", listing)
    plan = going_along.plan_companions(manifest, judge, doomed, [])
    assert len(plan.refused) == 6
    assert asked == [str(paired.photos)]


def test_a_companion_is_sent_to_the_trash_under_its_own_name(
    paired: Library, data_home: Path
) -> None:
    ran = along(paired, "--delete-mode", "trash")
    assert ran.code == 0, ran
    place = Path(ran.facts["companions"]["trashed"][str(paired.photos / GONE)])
    assert (place.name, place.read_text()) == (GONE, "a note")
    assert data_home in place.parents


def test_the_flag_is_for_cleanup_alone(found: Library) -> None:
    assert found.check("--with-companions").code == 2


# ---- The reasons to keep one


def test_what_has_no_twin_stays(culled: Library) -> None:
    put(culled, vacation1_copy__xmp="a note")
    assert stays(culled) == NOT_THE_SAME


def test_a_twin_that_differs_in_the_middle_is_none(culled: Library) -> None:
    """As far as a look goes they are alike; only the proof tells."""
    for name, middle in (("vacation1_copy.mov", b"a"), ("vacation1.mov", b"b")):
        put(culled, **{name: bytes(1 << 17) + middle + bytes(1 << 17)})
    ran = along(culled)
    name = culled.photos / "vacation1_copy.mov"
    assert ran.facts["companions"]["delete"] == [str(name)]
    assert ran.facts["companions"]["kept"] == [{"path": str(name), "reason": NOT_THE_SAME}]
    assert name.exists()


def test_a_twin_beside_another_doomed_photo_is_none(culled: Library) -> None:
    put(culled, vacation1_copy__xmp="a note", vacation1_old__xmp="a note")
    ran = along(culled)
    assert [one["reason"] for one in ran.facts["companions"]["kept"]] == [NOT_THE_SAME] * 2


def test_a_twin_of_another_kind_or_beside_a_stranger_is_none(culled: Library) -> None:
    put(culled, vacation1_copy__xmp="a note", vacation1__pp3="a note", z_stars__xmp="a note")
    assert stays(culled) == NOT_THE_SAME


def test_a_hard_link_of_itself_is_no_twin(culled: Library) -> None:
    put(culled, vacation1_copy__xmp="a note")
    os.link(culled.photos / GONE, culled.photos / TWIN)
    assert stays(culled) == NOT_THE_SAME


def test_a_link_is_no_twin(culled: Library) -> None:
    put(culled, vacation1_copy__xmp="a note", elsewhere__xmp="a note")
    os.symlink("elsewhere.xmp", culled.photos / TWIN)
    assert stays(culled) == NOT_THE_SAME


def test_a_twin_that_goes_while_it_is_looked_at_is_none(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def going(place: str, other: str) -> os.stat_result | None:
        Path(place).unlink(missing_ok=True)
        return same_file.found_anew(place, other)

    monkeypatch.setattr(going_along, "found_anew", going)
    assert stays(paired) == NOT_THE_SAME


def test_a_twin_in_a_linked_folder_is_none(culled: Library) -> None:
    put(culled, **{"NKSC_PARAM/vacation1_copy.jpg.nksc": "a", "b/c/vacation1.jpg.nksc": "a"})
    (culled.photos / "CaptureOne").symlink_to(culled.photos / "b")
    (culled.photos / "b" / "c").rename(culled.photos / "b" / "Settings1")
    assert stays(culled, "NKSC_PARAM/vacation1_copy.jpg.nksc") == NOT_THE_SAME


def test_a_companion_that_another_photo_has_as_well_stays(paired: Library) -> None:
    """Be it read or not, and whatever find knows of it."""
    for name in ("png", "HEIC", "psd", "CR2", "avi"):
        other = paired.photos / f"vacation1_copy.{name}"
        other.write_bytes(b"another")
        planned = along(paired, "--dry-run").facts["companions"]["kept"]
        reason = f"it belongs to {other}, which stays"
        assert {"path": str(paired.photos / GONE), "reason": reason} in planned
        other.unlink()
    (paired.photos / "vacation1_copy.HEIC").write_bytes(b"another")
    assert stays(paired).startswith("it belongs to")


def test_what_takeout_shares_with_an_edited_photo_stays(culled: Library) -> None:
    words = ("-edited", "-ha editado", " \u2013 bearbeitet", "~2", "-Foo")
    for edited in (f"vacation1_copy{word}" for word in words):
        put(culled, **{f"{stem}.jpg.json": "{}" for stem in ("vacation1", "vacation1_copy")})
        put(culled, **{f"{edited}.png": "edited"})
        planned = along(culled, "--dry-run").facts["companions"]["kept"]
        reason = f"it belongs to {culled.photos / edited}.png, which stays"
        assert [one["reason"] for one in planned] == [reason]
        (culled.photos / f"{edited}.png").rename(culled.photos / f"{edited}.gone")
    put(culled, **{"vacation1_copy-Foo.png": "edited"})
    assert stays(culled, "vacation1_copy.jpg.json") == reason


def test_what_a_clip_has_stays_unless_that_goes_along(paired: Library) -> None:
    clip = paired.photos / "vacation1_copy.MP4"
    clip.write_bytes(film(seconds=20))
    kept = along(paired, "--dry-run").facts["companions"]["kept"]
    assert {one["path"]: one["reason"] for one in kept} == {
        str(clip): NOT_THE_SAME,
        str(paired.photos / GONE): f"it belongs to {clip}, which stays",
    }
    put(paired, vacation1__MP4=film(seconds=20), vacation1_copy__mov=b"", vacation1__mov=b"")
    assert len(along(paired).facts["companions"]["deleted"]) == 3


def test_a_photo_in_the_folder_above_keeps_what_it_may_have(library: Library) -> None:
    below = library.photos / "NKSC_PARAM"
    below.mkdir()
    shutil.copy(library.photos / "vacation1.jpg", below / "vacation1.jpg")
    library.find()
    library.delete_copies("NKSC_PARAM/vacation1.jpg")
    put(library, **{f"NKSC_PARAM/vacation1{n}.jpg.nksc": "settings" for n in ("", "_old")})
    assert library.check().code == 0
    reason = f"it belongs to {library.photos / 'vacation1.jpg'}, which stays"
    assert stays(library, "NKSC_PARAM/vacation1.jpg.nksc") == reason


def test_a_photo_that_another_cleanup_has_set_aside_keeps_what_it_may_have(
    paired: Library,
) -> None:
    other = paired.photos / "vacation1_copy.png"
    Path(removal.aside_path(str(other))).write_bytes(b"a photo of another result")
    assert stays(paired) == f"it belongs to {other}, which stays"


def test_one_that_can_not_be_read_stays_and_stops_nothing(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(paired, vacation1_copy__AAE="edits", vacation1__AAE="edits")
    closed = [str(paired.photos / GONE)]

    def print_of(path: str) -> str:
        if path in closed:
            raise PermissionError(13, "Permission denied", path)
        return companions.print_of(path)

    monkeypatch.setattr(going_along, "print_of", print_of)
    facts = along(paired).facts
    reason = "it can't be judged (Permission denied)"
    assert [one["reason"] for one in facts["companions"]["kept"]] == [reason]
    assert facts["companions"]["deleted"] == [str(paired.photos / "vacation1_copy.AAE")]
    assert (paired.photos / GONE).exists()
    closed[:] = [str(paired.photos / TWIN)]
    kept = along(paired).facts["companions"]["kept"]
    assert [one["reason"] for one in kept] == [NOT_THE_SAME]


def test_what_a_raw_has_stays_unless_that_goes_along(paired: Library) -> None:
    put(paired, vacation1_copy__CR2="raw")
    planned = along(paired, "--dry-run").facts["companions"]
    assert planned["delete"] == []
    put(paired, vacation1__CR2="raw")
    planned = along(paired, "--dry-run").facts["companions"]
    assert [os.path.basename(path) for path in planned["delete"]] == ["vacation1_copy.CR2", GONE]
    assert along(paired).code == 0
    assert not (paired.photos / GONE).exists()


def test_a_photo_that_comes_meanwhile_keeps_what_it_may_have(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = paired.photos / "vacation1_copy.png"
    before_removal(monkeypatch, "vacation1_copy.jpg", lambda: other.write_bytes(b"new"))
    kept = along(paired).facts["companions"]["kept"]
    reason = f"it belongs to {other}, which stays"
    assert kept == [{"path": str(paired.photos / GONE), "reason": reason}]


def test_a_companion_whose_photo_is_kept_after_all_stays(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = paired.photos / "vacation1_copy.jpg"
    before_removal(monkeypatch, photo.name, lambda: photo.write_bytes(b"edited"))
    ran = along(paired)
    reason = f"it belongs to {photo}, which stays"
    assert ran.facts["companions"]["kept"] == [
        {"path": str(paired.photos / GONE), "reason": reason}
    ]
    assert (paired.photos / GONE).exists()


def before_removal(
    monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[], object]
) -> None:
    """Change something in the moment before a file of a name is set aside."""
    unlink = removal.unlink

    def changed(path: str, prove: removal.Prove, record: removal.Record) -> str | None:
        if os.path.basename(path) == name:
            change()
        return unlink(path, prove, record)

    monkeypatch.setattr(removal, "unlink", changed)


def test_where_no_original_remains_everything_stays(found: Library) -> None:
    found.delete_copies("z_coffee.jpg", "z_coffee_bw.jpg")
    assert found.check("--allow-whole-groups").code == 0
    put(found, z_coffee__xmp="a note")
    assert stays(found, "z_coffee.xmp", "--allow-whole-groups") == ALONE


def test_a_survivor_that_changed_or_went_has_no_twin(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    survivor = paired.photos / "vacation1.jpg"

    def edit() -> None:
        status = survivor.stat()
        survivor.write_bytes(bytes(status.st_size))
        os.utime(survivor, ns=(status.st_atime_ns, status.st_mtime_ns))

    before_removal(monkeypatch, GONE, edit)
    assert along(paired).facts["companions"]["kept"][0]["reason"] == ALONE
    assert (paired.photos / GONE).exists()
    survivor.unlink()
    assert along(paired).facts["companions"]["kept"][0]["reason"] == ALONE


def test_a_twin_that_goes_meanwhile_keeps_its_companion(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_removal(monkeypatch, GONE, (paired.photos / TWIN).unlink)
    reasons = [one["reason"] for one in along(paired).facts["companions"]["kept"]]
    assert reasons == [NOT_THE_SAME]
    assert (paired.photos / GONE).read_text() == "a note"


def test_one_of_two_twins_that_goes_with_it_keeps_it(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As what another mount shows of it would."""
    put(paired, **{"vacation1.jpg.xmp": "a note"})
    before_removal(monkeypatch, GONE, (paired.photos / TWIN).unlink)
    reasons = [one["reason"] for one in along(paired).facts["companions"]["kept"]]
    assert reasons == [f"{paired.photos / TWIN} is the same file by another way"]


def test_what_may_be_the_twin_by_another_way_stays(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert going_along.may_be_one is same_file.may_be_one
    monkeypatch.setattr(going_along, "may_be_one", lambda *_: True)
    assert stays(paired) == f"{paired.photos / TWIN} may be the same file by another way"


def test_a_folder_that_shows_what_is_set_aside_has_no_twin(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert going_along.shows_aside is same_file.shows_aside
    monkeypatch.setattr(going_along, "shows_aside", lambda *_: True)
    assert along(paired).facts["companions"]["kept"][0]["reason"] == NOT_THE_SAME
    assert (paired.photos / GONE).exists()


def test_what_is_a_photo_by_its_name_goes_only_for_its_own_copy(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(going_along, "is_photo", lambda name: name.endswith((".jpg", ".xmp")))
    assert stays(paired) == "it is a photo itself"


def test_what_find_recorded_as_a_photo_goes_only_for_its_own_copy(paired: Library) -> None:
    """As a RAW is one where the package that reads it was installed."""
    manifest = load_manifest(str(paired.output))
    doomed = next(c for c in manifest.copies if c.original.path.endswith("_copy.jpg"))
    raw = replace(doomed, original=replace(doomed.original, path=str(paired.photos / GONE)))
    judge = cleanup.Judge(manifest, frozenset(), cleanup.Culled((), (), (), ()))
    along = going_along.Along(replace(manifest, copies=(*manifest.copies, raw)), judge)
    companion = going_along.Companion(raw.original.path, (doomed,))
    reason = along.reason_to_keep(companion, companion.path, surely_matches)
    assert reason == "it is a photo itself"


def test_a_companion_with_a_name_that_is_too_long_stays(culled: Library) -> None:
    """Nobody could tell what it was called while it is set aside."""
    name = f"vacation1_copy{'x' * 200}"
    for ending, path in (("jpg", culled.photos / "vacation1_copy.jpg"), ("xmp", None)):
        place = culled.photos / f"{name}.{ending}"
        path.rename(place) if path else place.write_text("a note")
    put(culled, vacation1__xmp="a note")
    shutil.rmtree(culled.output)
    culled.find()
    culled.delete_copies(f"{name}.jpg")
    assert culled.check().code == 0
    assert stays(culled, f"{name}.xmp") == "its name is too long to be set aside"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_regular_file_stays(make: Callable[[Path], None], paired: Library) -> None:
    (paired.photos / GONE).unlink()
    make(paired.photos / GONE)
    kept = along(paired).facts["companions"]["kept"]
    assert [one["reason"] for one in kept] == ["it is not a regular file"]


def test_a_link_stays(paired: Library) -> None:
    (paired.photos / GONE).unlink()
    (paired.photos / GONE).symlink_to(paired.photos / TWIN)
    assert stays(paired) == "it is reached through a symbolic link"


def test_what_is_protected_stays(paired: Library) -> None:
    assert stays(paired, GONE, "--protect", "*.xmp").startswith("it is protected")


def test_what_a_protected_photo_has_stays_when_that_is_gone(paired: Library) -> None:
    (paired.photos / "vacation1_copy.jpg").unlink()
    reason = stays(paired, GONE, "--protect", "*_copy.jpg")
    assert reason.startswith("its photo stays, it is protected")


def test_a_copy_that_comes_back_keeps_what_its_photo_had(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the photo is gone."""
    copy = paired.copy("vacation1_copy.jpg")
    before_removal(monkeypatch, GONE, lambda: copy.write_bytes(b"undeleted"))
    kept = along(paired).facts["companions"]["kept"]
    assert [one["reason"] for one in kept] == ["its photo: its copy is still there"]


def test_a_video_of_another_photo_neither_goes_nor_is_a_twin(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(culled, vacation1_old__MOV=film(ANOTHER), vacation1__MOV=film(ANOTHER))
    found = []
    for doomed, survivor in ((ONE, ANOTHER), (ANOTHER, ONE), (ANOTHER, ANOTHER)):
        noted(monkeypatch, vacation1_old__jpg=doomed, vacation1__jpg=survivor)
        facts = along(culled, "--dry-run").facts["companions"]
        found.append((len(facts["delete"]), [one["reason"] for one in facts["kept"]]))
    assert found == [(0, []), (0, [NOT_THE_SAME]), (1, [])]


def noted(monkeypatch: pytest.MonkeyPatch, **identifiers: str) -> None:
    """Apple's identifiers in some photos, as long as these are there."""

    def identifier_of(path: str) -> bytes | None:
        name = os.path.basename(path).replace(".", "__")
        return identifiers.get(name, "").encode() if os.path.exists(path) else None

    monkeypatch.setattr(live, "identifier_of", identifier_of)


def test_a_video_that_alone_has_an_identifier_is_no_companion_but_named(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(monkeypatch)
    put(culled, vacation1_copy__MOV=film(ONE), vacation1__MOV=film(ONE))
    facts = along(culled).facts
    assert (facts["companions"]["delete"], facts["companions"]["kept"]) == ([], [])
    assert facts["sidecars"] == [str(culled.photos / "vacation1_copy.MOV")]


def test_a_video_whose_photo_is_gone_stays_as_nobody_can_tell_whose_it_is(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(monkeypatch, vacation1_copy__jpg=ONE)
    put(culled, vacation1_copy__MOV=film(ANOTHER), vacation1__MOV=film(ANOTHER))
    put(culled, vacation1_old__MOV=film(), vacation1__mp4=film())
    assert culled.cleanup().code == 0
    kept = along(culled).facts["companions"]["kept"]
    reason = "its photo is gone, so nobody can tell whose video it is"
    assert [one["reason"] for one in kept] == [reason] * 2
    assert len([name for name in culled.names() if name.endswith((".MOV", ".mp4"))]) == 4


def test_a_video_of_one_of_two_photos_goes_as_was_said_before(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the other one its identifier tells it, also while it is set aside."""
    noted(monkeypatch, vacation1_copy__jpg=ONE, vacation1_copy__jpeg=ANOTHER, vacation1__jpg=ONE)
    put(culled, vacation1_copy__MOV=film(ONE), vacation1__MOV=film(ONE))
    put(culled, vacation1_copy__jpeg="another photo")
    planned = along(culled, "--dry-run").facts["companions"]
    ran = along(culled)
    assert (ran.code, ran.facts["companions"]["deleted"]) == (0, planned["delete"])
    assert not (culled.photos / "vacation1_copy.MOV").exists()


def test_a_video_that_may_be_another_photos_stays(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(monkeypatch, vacation1_copy__jpg=ONE, vacation1__jpg=ONE)
    put(culled, vacation1_copy__MOV=film(ONE), vacation1__MOV=film(ONE))
    put(culled, vacation1_copy__jpeg="its identifier was lost")
    reason = f"it belongs to {culled.photos / 'vacation1_copy.jpeg'}, which stays"
    assert stays(culled, "vacation1_copy.MOV") == reason


# ---- Interrupted


def test_a_companion_that_was_set_aside_comes_back(paired: Library) -> None:
    put(paired, **{"NKSC_PARAM/vacation1_copy.jpg.nksc": "settings"})
    names = (paired.photos / GONE, paired.photos / "NKSC_PARAM" / "vacation1_copy.jpg.nksc")
    for path in names:
        path.rename(removal.aside_path(str(path)))
    assert "Restored file" in paired.check().out
    assert all(path.exists() for path in names)


def test_another_photos_that_was_set_aside_is_left_alone(paired: Library) -> None:
    other = paired.photos / "stranger.xmp"
    aside = Path(removal.aside_path(str(other)))
    aside.write_text("a note")
    forged = paired.photos / f".{GONE}.00000000.being-deleted"
    forged.write_text("not ours")
    paired.check()
    assert aside.exists()
    assert forged.exists()
    assert not other.exists()


def test_the_folders_are_locked_while_one_goes(
    paired: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str | None] = []

    def try_to_lock() -> None:
        with FolderLocks(0).held([str(paired.photos)]) as locked:
            held.append(locked)

    def look() -> None:
        thread = threading.Thread(target=try_to_lock)
        thread.start()
        thread.join()

    before_removal(monkeypatch, GONE, look)
    assert along(paired).code == 0
    assert held == [str(paired.photos)]


# ---- Whatever lies there, nothing is lost


def arrange(library: Library, chance: random.Random) -> None:
    """Companions, twins, photos that share them, links and strangers, at random."""
    stems = ["vacation1", "vacation1_copy", "vacation1_old", "z_coffee", "z_stars"]
    endings = ["xmp", "jpg.xmp", "AAE", "MOV", "CR2", "jpg.json", "png", "HEIC", "txt", "avi"]
    for stem, ending in itertools.product(stems, endings):
        path = library.photos / f"{stem}.{ending}"
        kind = chance.choice(["none"] * 5 + ["same"] * 6 + ["other", "hard", "link"])
        if kind == "none" or (ending in ("png", "HEIC", "avi") and chance.random() < 0.8):
            continue
        others = sorted(library.photos.glob(f"*.{ending}"))
        if kind in ("hard", "link") and others:
            make: Any = os.link if kind == "hard" else os.symlink
            make(
                chance.choice(others),
                path,
                **({"follow_symlinks": False} if kind == "hard" else {}),
            )
        else:
            path.write_text(f"{ending} {chance.random() if kind == 'other' else 'same'}")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize("seed", range(12))
def test_whatever_lies_there_only_what_has_a_twin_beside_a_survivor_goes(
    seed: int, culled: Library
) -> None:
    chance = random.Random(seed)
    arrange(culled, chance)
    protect = ["--protect", str(culled.photos / "*.AAE")] if chance.random() < 0.3 else []
    flags = [*protect, *(["--with-companions"] if chance.random() < 0.8 else [])]
    before, links = contents(culled.photos), sorted(filter(os.path.islink, tree_of(culled)))
    ran = culled.cleanup("--json", *flags)
    after = contents(culled.photos)
    assert sorted(filter(os.path.islink, tree_of(culled))) == links
    assert all(after[path] == content for path, content in before.items() if path in after)
    chosen = {str(culled.photos / name) for name in ("vacation1_copy.jpg", "vacation1_old.jpg")}
    went = before.keys() - after.keys() - chosen
    assert went == set(ran.facts.get("companions", {}).get("deleted", ()))
    assert bool(went) <= ("--with-companions" in flags)
    for path in went:
        stem, ending = os.path.basename(path).split(".", 1)
        assert stem in ("vacation1_copy", "vacation1_old")
        assert not (protect and ending == "AAE")
        others = [p for p in after if p.startswith(f"{culled.photos}/{stem}.") and is_photo(p)]
        assert ending.startswith("jpg.") or not others
        assert any(
            after.get(f"{culled.photos}/vacation1.{e}") == before[path] for e in twins_of(ending)
        )
    again = culled.cleanup("--json", *flags)
    assert contents(culled.photos) == after
    assert again.facts.get("companions", {}).get("deleted", []) == []


def tree_of(library: Library) -> list[str]:
    return [str(path) for path in library.photos.rglob("*")]


def is_photo(path: str) -> bool:
    return path.endswith((".jpg", ".png", ".HEIC", ".CR2", ".avi"))


def twins_of(ending: str) -> list[str]:
    return ["xmp", "jpg.xmp"] if ending.endswith("xmp") else [ending]
