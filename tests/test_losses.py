"""What only one file of a group has: the rules keep it, and each action says what would be lost."""

import hashlib
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Library
from made_pictures import CAT, encoded, photo
from PIL import Image
from test_inventory import DESCRIPTION, SOUND, VIDEO, exif, segment, with_segments, xmp

from disk.companions import Companions
from disk.files import ImageFile
from disk.record import Manifest, OwnFiles, SavedCopy
from extras.review import rules
from extras.review.facts import examine
from extras.review.judged import Picture
from pictures import held, holding
from pictures.images import Holding, Unreadable
from pictures.losses import held_beside, losses

OWN_FILES = OwnFiles("info.txt", "to_delete.txt")
IMAGE = photo(CAT).resize((600, 400))
SMALLER = IMAGE.resize((300, 200))
DETAILS = {0x9003: "2019:07:14 10:11:12", 0x9291: "123"}
CAMERA = {0x010F: "Maker", 0x0110: "Model"}
KEYWORDS = xmp("<dc:subject><rdf:Bag><rdf:li>wedding</rdf:li></rdf:Bag></dc:subject>")


def shot(
    image: Image.Image = IMAGE, caption: str = "", form: str = "JPEG", **options: object
) -> bytes:
    """What a camera wrote, with a caption or without."""
    tags = {**CAMERA, **({DESCRIPTION: caption.encode()} if caption else {})}
    return encoded(image, form, **{"quality": 93, "exif": exif(tags, DETAILS), **options})


INSIDE = {
    "motion video": shot() + VIDEO,
    "sound": shot() + SOUND,
    "second picture": shot(form="MPO", save_all=True, append_images=[SMALLER]),
    "caption": shot(caption="Grandma, 1962"),
    "keyword": shot(xmp=KEYWORDS),
    "comment": with_segments(segment(0xFE, b"Lovely"), data=shot()),
}
BESIDE = [
    "a.CR2",
    "a.MOV",
    "a.xmp",
    "a.jpg.xmp",
    "a.AAE",
    "a.jpg.json",
    "a.WAV",
    "a.jpg.pp3",
    "a.vrd",
]


def given_up(folder: Path, files: dict[str, bytes]) -> dict[str, list[str]]:
    """What the rules give up of some files, by name, and what is lost with it."""
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    pictures = []
    for number, name in enumerate(n for n in sorted(files) if n.endswith(".jpg")):
        path, digest = str(folder / name), hashlib.sha256(files[name]).hexdigest()
        beside = held_beside(path, Companions())
        pictures.append(Picture(number, path, digest, examine(path), beside))
    suggestion = rules.suggest(1, pictures, [])
    if not suggestion.removals:
        assert suggestion.reason == "one holds something that the other doesn't"
    names = {p.number: os.path.relpath(p.path, folder) for p in pictures}
    return {names[removal.number]: list(removal.loses) for removal in suggestion.removals}


def put(library: Library, **files: bytes) -> None:
    """Write JPEGs by their names, and find what is similar."""
    for name, data in files.items():
        (library.photos / f"{name}.jpg").write_bytes(data)
    assert len(library.find("--json").facts["groups"]) == 1


# ---- The rules


@pytest.mark.parametrize("kind", INSIDE)
def test_of_equal_pictures_the_one_that_holds_more_is_kept(kind: str, tmp_path: Path) -> None:
    files = {"a.jpg": shot(), "longer_name.jpg": INSIDE[kind]}
    assert given_up(tmp_path, files) == {"a.jpg": []}


@pytest.mark.parametrize("kind", INSIDE)
def test_what_only_it_has_is_never_given_up_for_a_better_picture(kind: str, tmp_path: Path) -> None:
    larger = shot(photo(CAT).resize((1200, 800)))
    assert given_up(tmp_path, {"holds.jpg": INSIDE[kind], "larger.jpg": larger}) == {}


def test_files_that_hold_the_same_are_chosen_between_as_before(tmp_path: Path) -> None:
    finer, coarser = shot(caption="Oma", quality=97), shot(caption="oma ", quality=85)
    assert given_up(tmp_path, {"a.jpg": finer + VIDEO, "b.jpg": coarser + VIDEO}) == {"b.jpg": []}


@pytest.mark.parametrize("machine", ["Takeout", "DCIM", "WhatsApp Images"])
def test_a_persons_folder_is_given_up_for_nothing_that_a_programs_holds(
    machine: str, tmp_path: Path
) -> None:
    both = {"2019 Wedding/a.jpg": shot(), f"{machine}/a.jpg": shot()}
    assert given_up(tmp_path, both) == {f"{machine}/a.jpg": []}
    assert given_up(tmp_path, {**both, f"{machine}/a.jpg.json": b"{}"}) == {}
    assert given_up(tmp_path, {**both, f"{machine}/a.jpg": shot(caption="Oma")}) == {}


def test_a_copy_that_holds_more_is_kept_before_what_is_not_named_a_copy(tmp_path: Path) -> None:
    files = {"a.jpg": shot(), "a (1).jpg": shot(caption="Oma")}
    assert given_up(tmp_path, files) == {"a.jpg": []}


@pytest.mark.parametrize("name", BESIDE)
def test_of_identical_files_the_one_with_something_beside_it_is_kept(
    name: str, tmp_path: Path
) -> None:
    both = {"album/a.jpg": shot(), "other/a.jpg": shot()}
    assert given_up(tmp_path, {**both, f"other/{name}": b"one"}) == {"album/a.jpg": []}
    assert given_up(tmp_path, {**both, f"album/{name}": b"another"}) == {}


def test_what_lies_beside_both_is_nothing_to_lose(tmp_path: Path) -> None:
    files = {"a.jpg": shot(quality=97), "b.jpg": shot(quality=85)}
    files |= {"a.xmp": b"the same", "b.xmp": b"the same"}
    assert given_up(tmp_path, files) == {"b.jpg": []}


def test_suggest_names_what_is_lost_of_pixels_and_keeps_what_lies_beside(
    bare_library: Library,
) -> None:
    put(
        bare_library,
        finer=shot(quality=97, subsampling=2),
        coarser=shot(quality=85, subsampling=0),
    )
    ran = bare_library.run("suggest")
    assert "coarser.jpg: full colour resolution" in ran.out
    (bare_library.photos / "coarser.CR2").touch()
    ran = bare_library.run("suggest", "--dry-run")
    assert "To remove by the rules: 0" in ran.out
    assert "1: one holds something that the other doesn't" in ran.out


@pytest.mark.sheet
def test_the_contact_sheet_says_what_a_picture_holds(bare_library: Library) -> None:
    pytest.importorskip("jinja2")
    (bare_library.photos / "b.CR2").touch()
    put(bare_library, a=shot(), b=shot(caption="<b>Oma</b> & Opa"))
    sheet = (bare_library.output / "report.html").read_text("utf-8")
    assert "holds caption: &lt;b&gt;Oma&lt;/b&gt; &amp; Opa; RAW beside it: b.CR2" in sheet


def located(north: float, east: float, **options: object) -> bytes:
    """What a camera wrote, with a place."""
    data = Image.Exif()
    data.update(CAMERA)
    data.get_ifd(0x8769).update(DETAILS)
    data.get_ifd(0x8825).update({1: "N", 2: (north, 0.0, 0.0), 3: "E", 4: (east, 0.0, 0.0)})
    return shot(exif=data.tobytes(), **options)


def at(north: str, east: str, **options: object) -> bytes:
    """What a camera wrote, with a place that XMP tells."""
    place = f'exif:GPSLatitude="{north}" exif:GPSLongitude="{east}"'
    return shot(xmp=xmp("", f'xmlns:exif="http://ns.adobe.com/exif/1.0/" {place}'), **options)


TAKEN = {0x829A: 0.004, 0x8827: 200, 0x927C: b"Maker's own", 0xA434: "EF 50 mm"}
KNOWN = {  # only by the one that goes: what is said
    "a place": (located(47, 14), shot(), "GPS"),
    "another place": (located(47, 14), located(48, 14), "another place: 47.0 N 14.0 E"),
    "another camera": (
        shot(exif=exif({**CAMERA, 0x0110: "Second"}, DETAILS)),
        shot(),
        "another camera: Second",
    ),
    "how it was taken": (
        shot(exif=exif(CAMERA, {**DETAILS, **TAKEN})),
        shot(),
        "exposure data: time, ISO, lens: EF 50 mm, maker's note",
    ),
    "a place in XMP": (
        at("47,30.0S", "14,0,36W"),
        located(47.5, 14.01),
        "another place: 47.5 S 14.01 W",
    ),
    "the same place in XMP": (at("47,0.01N", "14,0,0E"), located(47, 14), ""),
    "a place before none at zero": (located(47, 14), located(0, 0), "another place: 47.0 N 14.0 E"),
    "the same place": (located(47, 14), located(47.0002, 14), ""),
    "another exposure": (
        shot(exif=exif(CAMERA, {**DETAILS, **TAKEN})),
        shot(exif=exif(CAMERA, {**DETAILS, **TAKEN, 0x829A: 0.5})),
        "",
    ),
}


@pytest.mark.parametrize("case", KNOWN)
def test_what_only_a_file_knows_of_how_it_was_taken_is_said(case: str, tmp_path: Path) -> None:
    doomed, keeper, told = KNOWN[case]
    kept = Image.open(io.BytesIO(keeper)).info["exif"]
    finer = shot(quality=99, exif=kept)
    found = given_up(tmp_path, {"doomed.jpg": doomed, "finer.jpg": finer})
    assert ", ".join(found["doomed.jpg"]) == told


# ---- What a person chose


def holds_of(library: Library) -> dict[str, list[str] | None]:
    """What the record says that each original holds, but for what most pictures have."""
    record = json.loads((library.output / "image-similarity-search.json").read_text("utf-8"))
    found: dict[str, list[str] | None] = {}
    for row in record["copies"]:
        name, holds = Path(row["original"]).name, row.get("holds")
        found[name] = None if holds is None else list(held.of_note(holds))
    return found


@pytest.mark.workers
def test_find_records_what_the_originals_hold(bare_library: Library) -> None:
    (bare_library.photos / "c.xmp").write_bytes(KEYWORDS)
    put(bare_library, a=shot(), b=shot(caption="Oma") + VIDEO, c=shot(SMALLER))
    holds = holds_of(bare_library)
    assert holds == {
        "a.jpg": [],
        "b.jpg": ["motion video: 0.1 KB", "caption: Oma"],
        "c.jpg": ["keyword: wedding"],
    }


def test_where_nobody_can_tell_what_a_file_holds_it_is_said(
    bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def holding_of(file: ImageFile) -> Holding | Unreadable:
        return Unreadable(file, "Input/output error")

    monkeypatch.setattr(holding, "holding_of", holding_of)
    put(bare_library, a=shot(), b=shot(caption="Oma"))
    path = bare_library.photos / "b.jpg"
    assert f"Not looked into: {path}: Input/output error" in bare_library.log()
    assert holds_of(bare_library) == {"a.jpg": None, "b.jpg": None}


def test_check_deleted_and_cleanup_say_what_only_the_chosen_hold(bare_library: Library) -> None:
    put(bare_library, a=shot(), b=shot(caption="Oma"), c=shot(caption="OMA") + VIDEO)
    bare_library.delete_copies("b.jpg", "c.jpg")
    (bare_library.photos / "b.CR2").touch()
    lines = [
        "Only these hold something that what stays doesn't (2):",
        f"  {bare_library.photos / 'b.jpg'}: caption: Oma; RAW beside it: b.CR2",
        f"  {bare_library.photos / 'c.jpg'}: motion video: 0.1 KB; caption: OMA",
    ]
    for ran in (
        bare_library.check(),
        bare_library.check("--quiet"),
        bare_library.cleanup("--dry-run"),
        bare_library.cleanup("--dry-run", "--quiet"),
    ):
        assert ran.code == 0
        assert "\n".join(lines) in ran.out
    facts = bare_library.check("--json").facts
    assert facts["loses"][0] == {
        "path": str(bare_library.photos / "b.jpg"),
        "loses": ["caption: Oma", "RAW beside it: b.CR2"],
    }
    assert bare_library.cleanup("--dry-run", "--json").facts["loses"] == facts["loses"]
    ran = bare_library.cleanup()
    assert ran.out.index(lines[0]) < ran.out.index("Deleted: 2 originals")


def test_what_another_that_stays_holds_is_not_lost(bare_library: Library) -> None:
    put(bare_library, a=shot(), b=shot(caption="Oma"), c=shot(caption="Oma"))
    for name in "bc":
        (bare_library.photos / f"{name}.xmp").write_bytes(KEYWORDS)
    bare_library.delete_copies("c.jpg", "a.jpg")
    ran = bare_library.check()
    assert "Only these hold" not in ran.out
    (bare_library.photos / "b.jpg").write_bytes(shot(caption="Opa"))  # it lost the caption since
    ran = bare_library.check()
    assert f"{bare_library.photos / 'c.jpg'}: caption: Oma" in ran.out


def test_a_record_of_before_says_nothing_of_what_is_in_the_files(bare_library: Library) -> None:
    put(bare_library, a=shot(), b=shot(caption="Oma"))
    copies = [
        SavedCopy(ImageFile(str(bare_library.photos / f"{name}.jpg"), 1, 1), "", 1, name)
        for name in "ab"
    ]
    manifest = Manifest((str(bare_library.photos),), tuple(copies), OWN_FILES)
    assert losses(manifest, copies[:1]) == []
    known = replace(manifest, copies=(copies[0], replace(copies[1], holds=())))
    (loss,) = losses(known, copies[:1])
    assert loss.loses == (held.UNKNOWN,)


def test_of_a_group_that_goes_whole_only_what_no_rule_gives_up_is_said() -> None:
    holds = ("caption: Oma", "GPS", "camera: Model")
    copies = [
        SavedCopy(ImageFile(f"/gone/{name}.jpg", 1, 1), "", 1, name, holds=holds) for name in "ab"
    ]
    found = losses(Manifest(("/gone",), tuple(copies), OWN_FILES), copies)
    assert [loss.loses for loss in found] == [("caption: Oma",), ("caption: Oma",)]


def test_check_deleted_says_which_place_and_camera_go(bare_library: Library) -> None:
    put(bare_library, a=located(47, 14), b=located(48, 14))
    bare_library.delete_copies("a.jpg")
    assert bare_library.check("--json").facts["loses"][0]["loses"] == [
        "another place: 47.0 N 14.0 E"
    ]


LARGE = shot(photo(CAT).resize((1200, 800)), subsampling=2)
PIXELS = "1200 \N{MULTIPLICATION SIGN} 800 pixels"
CUT = "what stays of this picture is damaged (it has no end marker)"
STAYING = {  # beside a large picture that goes
    "a cut one": ({"cut": LARGE[: len(LARGE) * 7 // 10]}, [CUT]),
    "a small one": ({"small": shot(subsampling=2)}, [PIXELS]),
    "a cut and a small one": (
        {"cut": LARGE[: len(LARGE) * 7 // 10], "small": shot(subsampling=2)},
        [PIXELS],
    ),
    "another large one": ({"small": shot(subsampling=2), "turned": LARGE + b"\0"}, []),
    "nearly as large": ({"less": shot(photo(CAT).resize((1164, 776)), subsampling=2)}, []),
}


@pytest.mark.parametrize("case", STAYING)
def test_what_stays_in_place_of_more_pixels_or_whole_ones_is_said(
    case: str, bare_library: Library
) -> None:
    staying, loses = STAYING[case]
    put(bare_library, large=LARGE, **staying)
    bare_library.delete_copies("large.jpg")
    for ran in (bare_library.check("--json"), bare_library.cleanup("--dry-run", "--json")):
        assert [line for loss in ran.facts["loses"] for line in loss["loses"]] == loses


def test_damage_is_said_also_where_nobody_can_tell_what_the_damaged_one_holds(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"cut")
    status = (tmp_path / "a.jpg").stat()
    file = ImageFile(str(tmp_path / "a.jpg"), status.st_size, status.st_mtime_ns)
    stays = SavedCopy(file, "", 1, hashlib.sha256(b"cut").hexdigest(), "it has no end marker")
    goes = SavedCopy(ImageFile("/gone/b.jpg", 1, 1), "", 1, "b", holds=())
    manifest = Manifest(("/gone",), (stays, goes), OWN_FILES)
    assert [loss.loses for loss in losses(manifest, [goes])] == [(CUT,)]
    (tmp_path / "a.jpg").write_bytes(b"another")
    assert losses(manifest, [goes]) == []


def test_of_a_damaged_picture_that_goes_nothing_is_said_of_damage(bare_library: Library) -> None:
    cut, shorter = (LARGE[: len(LARGE) * part // 10] for part in (8, 7))
    put(bare_library, cut=cut, shorter=shorter)
    bare_library.delete_copies("cut.jpg")
    assert bare_library.check("--json").facts["loses"] == []
