"""A RAW and the camera's JPEG of it are one shot: no group, and never torn apart by a rule."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import stand_in
from conftest import Library, Ran
from kill_points import Home
from made_pictures import CAT, COFFEE, encoded, photo
from made_raw import dng
from PIL import Image
from test_rules import picture

import finder
from disk.companions import Companions
from disk.files import ImageFile
from disk.record import Manifest, OwnFiles, SavedCopy
from disk.shots import is_one_shot
from extras.review import shots, told
from extras.review.judged import Picture
from extras.review.rules import suggest
from extras.review.server import suggestion_facts
from pictures import losses


@pytest.mark.parametrize(
    ("names", "is_one"),
    [
        ("a.NEF a.JPG", True),
        ("a.cr3 A.jpeg a.heic", True),
        ("a.NEF", False),
        ("a.JPG a.heic", False),
        ("a.NEF a.dng a.jpg", False),
        ("a.NEF a.tif", False),
        ("a.NEF a.jpg a.png", False),
        ("a.NEF b.jpg", False),
        ("a.NEF other/a.jpg", False),
        ("a.NEF a.jpg b.jpg", False),
    ],
)
def test_one_shot_is_a_raw_and_what_the_camera_made_of_it(names: str, is_one: bool) -> None:
    assert is_one_shot([f"/p/{name}" for name in names.split()]) is is_one


# ---- What find makes of them


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Two shots alone, one that lies in two folders, and a RAW beside another's JPEG."""
    monkeypatch.setattr(finder, "hash_files", finder.hash_files)  # is replaced by the stand-in
    monkeypatch.setattr(finder, "is_photo", lambda name: name.endswith((".jpg", ".NEF")))
    home = Home(Path(os.path.realpath(tmp_path)) / "home")
    for shows, stems in ((b"A", ["a"]), (b"\xf0" * 32, ["b"]), (b"\xff" * 32, ["c", "d/c"])):
        for name in (f"{stem}.{ending}" for stem in stems for ending in ("jpg", "NEF")):
            home.add(name, shows)
    return home


def found(home: Home, capsys: pytest.CaptureFixture[str], *flags: str) -> Ran:
    code = stand_in.main(home.arguments("find", "--json", *flags))
    captured = capsys.readouterr()
    return Ran(code, captured.out, captured.err)


def names(groups: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[os.path.basename(path) for path in group] for group in groups]


def test_find_leaves_out_what_is_one_shot_and_counts_it(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = found(home, capsys)
    assert names(ran.facts["shots_left_out"]) == [["a.NEF", "a.jpg"], ["b.NEF", "b.jpg"]]
    assert names(ran.facts["groups"]) == [["c.NEF", "c.jpg", "c.NEF", "c.jpg"]]
    assert (
        "2 shots lie as RAW and JPEG side by side and nothing else is like them; "
        "they are no groups (--show-shots)." in ran.err
    )
    assert len(home.info()) == 4
    line = f"Shot, no group: {home.photos}/a.NEF, {home.photos}/a.jpg"
    assert line in home.log()
    assert line not in ran.err
    assert line in found(home, capsys, "--verbose").err


def test_find_shows_them_when_asked(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    ran = found(home, capsys, "--show-shots")
    assert len(ran.facts["groups"]) == 3
    assert ran.facts["shots_left_out"] == []
    assert "shot" not in ran.err
    assert len(home.info()) == 8


def test_one_shot_is_said_to_be_one(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.photos / "b.NEF").unlink()
    assert "1 shot lies as RAW and JPEG side by side and nothing else is like it; it is" in (
        found(home, capsys).err
    )


def test_a_raw_that_was_chosen_with_its_jpeg_is_no_companion_that_stays(home: Home) -> None:
    home.must("find")
    home.cull("d/c.jpg", "d/c.NEF")
    for folder in (home.photos, home.photos / "d"):
        (folder / "c.xmp").write_text("a note")
    home.must("check-deleted")
    home.must("cleanup", "--with-companions")
    assert sorted(os.listdir(home.photos / "d")) == []
    assert (home.photos / "c.xmp").exists()


def test_a_raw_that_is_read_is_not_left_without_its_photo_and_keeps_its_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", "a.NEF", "a.xmp"):
        (tmp_path / name).touch()
    left = {}
    for endings in ((".jpg",), (".jpg", ".NEF")):
        monkeypatch.setattr(losses, "is_photo", lambda name, ends=endings: name.endswith(ends))
        paths = losses.orphaned_sidecars([str(tmp_path / "a.jpg")])
        left[endings] = [os.path.basename(path) for path in paths]
    assert left == {(".jpg",): ["a.NEF", "a.xmp"], (".jpg", ".NEF"): []}


def test_the_flag_is_for_find_alone(bare_library: Library) -> None:
    assert bare_library.check("--show-shots").code == 2


# ---- What the rules make of them


RAW = {"format": "RAW", "width": 6000, "lossless": True, "quality": None}


def pictures(*paths: str) -> list[Picture]:
    """Versions of one picture; of one name and ending they are the same file."""
    return [
        picture(n, path, os.path.basename(path), **(RAW if path.endswith("NEF") else {}))
        for n, path in enumerate(paths)
    ]


def given_up(*paths: str) -> dict[str, str]:
    """What goes for what."""
    found = suggest(1, pictures(*paths), [])
    return {paths[removal.number]: paths[removal.keeper] for removal in found.removals}


def test_a_jpeg_is_never_given_up_for_its_raw_nor_the_raw_for_it() -> None:
    assert given_up("/p/a.NEF", "/p/a.jpg") == {}


def test_a_pair_is_given_up_for_another_raw_for_raw_and_jpeg_for_jpeg() -> None:
    """In whatever order, and a picture that is of no shot goes by itself."""
    paths = ["/p/DCIM/a.jpg", "/p/Wedding/a.NEF", "/p/DCIM/a.NEF", "/p/Wedding/a.jpg"]
    expected = {f"/p/DCIM/a.{end}": f"/p/Wedding/a.{end}" for end in ("NEF", "jpg")}
    assert given_up(*paths) == expected
    paths.append("/p/WhatsApp/a.jpg")
    assert given_up(*paths) == {**expected, "/p/WhatsApp/a.jpg": "/p/Wedding/a.jpg"}


def test_a_pair_is_never_torn_apart() -> None:
    """Its JPEG has a better one, its RAW has none; or each of them one in another folder."""
    torn = pictures("/p/DCIM/a.NEF", "/p/DCIM/a.jpg", "/p/Wedding/a.jpg")
    larger = replace(torn[2].facts, width=9000, height=6750)
    torn[2] = replace(torn[2], digest="another", facts=larger)
    suggestion = suggest(1, torn, [])
    assert (suggestion.keeper, suggestion.removals) == (None, ())
    assert suggestion.reason == shots.TORN
    two = pictures("/p/1/a.NEF", "/p/1/a.jpg", "/p/2/a.NEF", "/p/2/a.jpg")
    for number, worse in ((0, {"damage": "it is cut off"}), (3, {"damage": "it is cut off"})):
        two[number] = replace(two[number], facts=replace(two[number].facts, **worse))
    assert suggest(1, two, []).removals == ()
    assert suggest(1, two, []).reason == shots.TORN


def apart(judged: Sequence[str], *others: str) -> list[Picture]:
    """Pictures of one group, with what other groups have of their shots."""
    partners = shots.Partners((*judged, *others), Companions())
    return [
        replace(one, is_apart=partners.are_apart(one.number, range(len(judged))))
        for one in pictures(*judged)
    ]


@pytest.mark.parametrize("ends", [("NEF", "jpg"), ("jpg", "NEF")])
def test_of_a_shot_in_two_groups_nothing_is_given_up(ends: tuple[str, str]) -> None:
    """As where the JPEG was cropped: each group would choose by itself."""
    here, other = ends
    judged = [f"/p/{folder}/a.{here}" for folder in ("DCIM", "Wedding")]
    both = apart(judged, f"/p/DCIM/a.{other}", f"/p/Wedding/a.{other}")
    assert [one.is_apart for one in both] == [True, True]
    suggestion = suggest(1, both, [])
    assert (suggestion.removals, suggestion.reason) == ((), shots.TORN)
    lone = suggest(1, apart(judged, f"/p/DCIM/a.{other}", f"/p/DCIM/b.{other}"), [])
    assert [(removal.number, removal.keeper) for removal in lone.removals] == [(1, 0)]


def test_a_raw_whose_jpeg_is_in_no_group_is_not_given_up(tmp_path: Path) -> None:
    judged = [str(tmp_path / "a.NEF"), "/p/Wedding/a.NEF"]
    assert [one.is_apart for one in apart(judged)] == [False, False]
    (tmp_path / "a.jpg").touch()
    assert [one.is_apart for one in apart(judged)] == [True, False]


@pytest.mark.formats
def test_suggest_tears_no_shot_apart_whose_files_are_in_two_groups(bare_library: Library) -> None:
    pytest.importorskip("rawpy")
    camera = Image.Exif()
    camera[271], camera[272] = "Canon", "Canon EOS 5D"
    for folder, exif in (("A", b""), ("B", camera.tobytes())):
        (bare_library.photos / folder).mkdir()
        raw, jpeg = (bare_library.photos / folder / f"s.{end}" for end in ("dng", "jpg"))
        raw.write_bytes(dng(photo(COFFEE)))
        jpeg.write_bytes(encoded(photo(CAT), "JPEG", quality=90, exif=exif))
    assert len(bare_library.find("--json").facts["groups"]) == 2
    ran = bare_library.run(
        "suggest", "--json", "--apply", "--prefer", str(bare_library.photos / "A")
    )
    assert ran.facts["removed"] == []
    assert [one["reason"] for one in ran.facts["undecided"]] == [shots.TORN] * 2


def test_of_equal_files_the_one_with_its_pair_is_kept_whatever_the_folder() -> None:
    for end, other in (("NEF", "jpg"), ("jpg", "NEF")):
        paths = (f"/p/DCIM/a.{end}", f"/p/DCIM/a.{other}", f"/p/Wedding/a.{end}")
        assert given_up(*paths) == {paths[2]: paths[0]}
        assert suggest(1, pictures(*paths), []).reason == "with its pair"


def test_what_was_made_of_a_raw_is_not_given_up_for_it_wherever_it_lies() -> None:
    paths = ("/p/DCIM/a.NEF", "/p/DCIM/a.tif", "/p/Wedding/a.tif")
    assert given_up(*paths) == {paths[1]: paths[2]}


def test_where_both_of_a_pair_are_doubled_it_is_said() -> None:
    paths = ["/p/1/a.NEF", "/p/1/a.jpg", "/p/2/a.NEF", "/p/2/a.jpg"]
    suggestion = suggest(7, pictures(*paths), [])
    assert suggestion.shots == ((0, 1), (2, 3))
    assert suggestion_facts(suggestion)["shots"] == ((0, 1), (2, 3))
    assert suggest(1, pictures(*paths[:3]), []).shots == ()
    manifest = manifest_of(paths)
    said = list(told.lines_of_shots(manifest, {7: suggestion.shots}, everything=True))
    assert said == [
        "Groups with a shot of which RAW and JPEG are both doubled: 1.",
        "  7: 1/a.NEF with 1/a.jpg; 2/a.NEF with 2/a.jpg",
    ]
    assert list(told.lines_of_shots(manifest, {}, everything=True)) == []
    facts = told.facts_of_shots(manifest, {7: suggestion.shots})
    assert json.loads(json.dumps(facts)) == [{"group": 7, "shots": [paths[:2], paths[2:]]}]


def manifest_of(paths: Sequence[str]) -> Manifest:
    copies = [SavedCopy(ImageFile(p, 1, 1), f"/o/7/{n}", 7, "d") for n, p in enumerate(paths)]
    return Manifest(("/p",), tuple(copies), OwnFiles("info.txt", "to_delete.txt"))
