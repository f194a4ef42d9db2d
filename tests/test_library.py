"""A real photo library in small, through all actions; what is told is counted by other means."""

import hashlib
import itertools
import os
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, Ran
from made_library import MadeLibrary, make_library

from disk import signature
from pictures import formats

pytestmark = pytest.mark.formats
for package in ("pi_heif", "pillow_heif", "rawpy"):
    pytest.importorskip(package)

LISTS = ("identical", "same_picture", "similar", "missing")
PLACES = (".Trash-1000", "@eaDir", ".thumbnails", ".cache")  # of other programs
LEFT_OUT = ("--exclude", "*.gif", "--min-pixels", "4096")
VIDEOS = (".MOV", ".mp4")
ALONG = "--with-companions"


@pytest.fixture
def made(bare_library: Library) -> MadeLibrary:
    for old in Path(signature.key_path() or "").parent.glob("cleanup-*"):  # of the same path
        old.unlink()
    return make_library(bare_library.folder)


def find(library: Library, *flags: str) -> Ran:
    ran = library.run("find", "--json", *LEFT_OUT, *flags)
    assert ran.code == 1, ran  # as some files can't be read
    return ran


# ---- The accounts


def held(made: MadeLibrary) -> dict[Path, str]:
    """What is in each file, and where each link leads, but for what the program makes."""
    found = {}
    for top in (made.photos, made.card, made.disk):
        for folder, folders, names in os.walk(top):
            for path in (Path(folder, name) for name in (*folders, *names)):
                if path.is_symlink():
                    found[path] = f"-> {path.readlink()}"
                elif path.is_file():
                    found[path] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def gone(made: MadeLibrary, before: Mapping[Path, str]) -> set[Path]:
    """What is no more there, where all the rest is as it was and nothing came."""
    after = held(made)
    assert after.items() <= before.items()
    return before.keys() - after.keys()


def grouped(library: Library) -> set[Path]:
    return set(map(Path, library.info()))


def chosen_in(library: Library, kept: Collection[Path], moved: Collection[Path] = ()) -> set[Path]:
    """The originals that a person means who deleted these copies, but for protected ones."""
    groups: dict[Path, list[tuple[Path, bool]]] = defaultdict(list)
    for original, copy in library.info().items():
        path = Path(original)
        groups[Path(copy).parent].append((path, Path(copy).exists() or path in moved))
    return {
        original
        for members in groups.values()
        if any(is_there for _, is_there in members)
        for original, is_there in members
        if not is_there and original not in kept
    }


def culled_at_random(library: Library, before: Mapping[Path, str], rng: random.Random) -> set[Path]:
    """Delete some copies, and move others; returns the originals of these."""
    copies = {Path(original): Path(copy) for original, copy in library.info().items()}
    times = Counter(before[original] for original in copies)
    moved = set()
    for original, copy in sorted(copies.items()):
        chance = rng.random()
        if chance < 0.6:
            copy.unlink()
        elif chance < 0.7 and times[before[original]] == 1:
            copy.rename(library.output / f"seen {len(moved)}{copy.suffix}")
            moved.add(original)
    return moved


def may_go_along(
    made: MadeLibrary,
    in_groups: Collection[Path],
    chosen: Collection[Path],
    before: Mapping[Path, str],
    kept: Collection[Path],
) -> set[Path]:
    """What belongs to chosen photos alone, and has a twin beside one that stays of the group."""
    stay = {photo: made.shows[photo] for photo in in_groups if photo not in chosen}

    def has_twin(path: Path, scenes: set[int]) -> bool:
        return any(
            before[other] == before[path] and scenes & {stay[p] for p in photos if p in stay}
            for other, photos in made.beside.items()
            if other != path
        )

    going: set[Path] = set()
    for path in sorted(made.beside, key=lambda path: path.suffix not in VIDEOS):
        photos = made.beside[path]
        all_go = photos <= set(chosen) and made.may_belong.get(path, set()) <= going | set(chosen)
        if all_go and path not in kept and has_twin(path, {made.shows[p] for p in photos}):
            going.add(path)
    return going


def assert_only_these_are_gone(
    made: MadeLibrary, before: Mapping[Path, str], photos: Collection[Path], along: Collection[Path]
) -> None:
    """What a person chose is gone and what went along; of each there is something left."""
    assert gone(made, before) == {*photos, *along}
    left = held(made)
    assert {made.shows[path] for path in photos} <= {
        shown for path, shown in made.shows.items() if path in left
    }
    assert {before[path] for path in along} <= set(left.values())


def below(folder: Path, paths: Collection[Path]) -> set[Path]:
    return {path for path in paths if path.is_relative_to(folder)}


def as_paths(items: Sequence[Any]) -> set[Path]:
    return {Path(item if isinstance(item, str) else item["path"]) for item in items}


def number_before(words: str, text: str) -> int:
    """What stands before some words in a line for people."""
    (line,) = [line for line in text.splitlines() if words in line]
    return int(line.partition(words)[0].split()[-1])


# ---- Find


def test_find_groups_what_shows_the_same_and_counts_all_else(
    bare_library: Library, made: MadeLibrary
) -> None:
    before = held(made)
    ran = find(bare_library, "--protect", str(made.best))
    facts = ran.facts
    groups = {frozenset(map(Path, group)) for group in facts["groups"]}
    assert groups == made.groups(made.photos)
    shots = {frozenset(map(Path, shot)) for shot in facts["shots_left_out"]}
    assert shots == made.shots(made.photos)
    assert as_paths(facts["unreadable"]) == made.unreadable
    assert as_paths(facts["damaged"]) == {made.photos / "rescued/cut.jpg"}
    assert as_paths(facts["hard_links"]) == {made.photos / "Camera/linked.JPG"}
    mine = below(made.photos, before)
    kinds = {
        "excluded files": 2,
        "excluded folders": 1,
        "hard links to the same files": 1,
        "linked files": 1,
        "linked folders": 1,
        "other files": 1 + sum(p.suffix in (".xmp", ".AAE", ".json") for p in mine),
        "pictures of fewer than 4,096 pixels": 2,
        "preview caches": 2,
        "trashes": 1,
        "videos": sum(p.suffix in VIDEOS for p in mine),
    }
    assert facts["passed_over"] == kinds
    assert gone(made, before) == set()


def test_find_says_to_people_what_it_says_to_programs(
    bare_library: Library, made: MadeLibrary
) -> None:
    ran = find(bare_library)
    facts, said = ran.facts, ran.err
    pictures = sum(map(len, facts["groups"]))
    assert f"{len(facts['groups'])} groups of similar pictures: {pictures} in all.\n" in said
    assert f"{len(facts['shots_left_out'])} shots lie as RAW and JPEG side by side" in said
    assert number_before(" hashed, ", said) == facts["hashed"]
    assert number_before(" unreadable", said) == len(facts["unreadable"]) == len(made.unreadable)
    passed = next(line for line in said.splitlines() if line.startswith("Passed over: "))
    counted = {kind: n for kind, n in facts["passed_over"].items() if "hard links" not in kind}
    assert all(f"{kind} {number}" in passed for kind, number in counted.items())
    assert len(bare_library.info()) == pictures


def test_a_nightly_find_ends_in_0_once_all_that_is_unreadable_is_known(
    bare_library: Library, made: MadeLibrary
) -> None:
    ran = bare_library.run("find", "--dry-run", "--list", "unreadable", *LEFT_OUT)
    assert ran.code == 1
    known = bare_library.folder / "known-bad.txt"
    known.write_text(ran.out, "utf-8")
    nightly = ["--json", *LEFT_OUT, "--accept-unreadable", str(known)]
    ran = bare_library.run("find", *nightly)
    assert ran.code == 0
    assert as_paths(ran.facts["accepted_unreadable"]) == made.unreadable
    (made.photos / "rescued/empty.jpg").write_bytes(b"!")
    assert bare_library.run("find", *nightly).code == 1


def test_of_a_card_only_what_the_library_has_as_well_is_shown(
    bare_library: Library, made: MadeLibrary
) -> None:
    both = ["--input-dir", str(made.photos), "--input-dir", str(made.card)]
    facts = find(bare_library, "--across", *both).facts
    groups = {frozenset(map(Path, group)) for group in facts["groups"]}
    everything = made.groups(made.photos, made.card)
    assert groups == {g for g in everything if below(made.card, g) and below(made.photos, g)}
    assert len(groups) == 3


# ---- From the rules to the trash and back


def test_what_the_rules_give_up_goes_with_its_companions_and_comes_back(
    bare_library: Library, made: MadeLibrary
) -> None:
    library, before = bare_library, held(made)
    find(library, "--protect", str(made.best))
    chosen = given_up(library, made)
    ran = library.check("--json")
    assert (ran.code, as_paths(ran.facts["to_delete"])) == (0, chosen)
    assert_true_of_the_disk(library, made)
    along = may_go_along(made, grouped(library), chosen, before, below(made.best, before))
    assert len(along) >= 8
    ran = cleaned_up(library, made, ALONG, "--delete-mode", "trash")
    assert as_paths(ran.facts["companions"]["deleted"]) == along
    assert_only_these_are_gone(made, before, chosen, along)
    assert_true_of_the_disk(library, made)
    ran = library.run("restore", "--json")
    assert (ran.code, as_paths(ran.facts["restored"])) == (0, chosen | along)
    assert held(made) == before
    assert library.run("keep", "all", "--yes").code == 0
    facts = find(library).facts
    assert facts["groups"] == []
    assert len(facts["shots_left_out"]) == len(made.shots(made.photos))
    assert held(made) == before


def given_up(library: Library, made: MadeLibrary) -> set[Path]:
    """What the rules give up: as they say before they do it, and by no copy but those."""
    shown = library.run("suggest", "--dry-run", "--json")
    done = library.run("suggest", "--apply", "--json")
    assert (shown.code, done.code) == (0, 0)
    assert shown.facts["suggested"] == done.facts["suggested"]
    assert number_before(", ", done.err.splitlines()[0]) == len(done.facts["suggested"])
    chosen = chosen_in(library, ())
    assert chosen == as_paths(done.facts["suggested"])
    kept = {Path(one["path"]): Path(one["keeper"]) for one in done.facts["suggested"]}
    assert not {*kept} & {*kept.values()}
    for path, keeper in kept.items():
        assert path.suffix not in (".HEIC", ".DNG") or path.suffix == keeper.suffix
        assert made.shows[path] == made.shows[keeper]
        assert made.best not in path.parents
    assert_no_shot_is_torn(made, chosen)
    return chosen


def assert_no_shot_is_torn(made: MadeLibrary, chosen: Collection[Path]) -> None:
    for path in made.shows:
        if path.suffix == ".DNG" and (rendered := path.with_suffix(".JPG")) in made.shows:
            assert (path in chosen) == (rendered in chosen)


def cleaned_up(library: Library, made: MadeLibrary, *flags: str) -> Ran:
    """A cleanup that does what its dry run said, to people and to programs."""
    before = held(made)
    dry = library.cleanup("--json", "--dry-run", *flags)
    assert gone(made, before) == set()
    ran = library.cleanup("--json", *flags)
    for fact in ("delete", "kept", "loses", "sidecars", "bytes"):
        assert dry.facts[fact] == ran.facts[fact]
    said = dry.err.splitlines()[:-1]
    assert said == ran.err.splitlines()[: len(said)]
    assert ran.facts["deleted"] == ran.facts["delete"]
    stays = list(ran.facts["kept"])
    if ALONG in flags:
        assert dry.facts["companions"]["delete"] == ran.facts["companions"]["deleted"]
        assert dry.facts["companions"]["kept"] == ran.facts["companions"]["kept"]
        stays += ran.facts["companions"]["kept"]
    assert dry.code == ran.code == (1 if stays else 0)
    assert number_before(" original", ran.err.splitlines()[0]) == len(ran.facts["delete"])
    return ran


def taken_off_the_list(library: Library, rng: random.Random) -> set[Path]:
    """Take some lines off to_delete.txt, as a person may; returns what they named."""
    lines = library.list_file.read_text("utf-8").splitlines(keepends=True)
    taken = {line for line in lines if rng.random() < 0.1}
    library.list_file.write_text("".join(line for line in lines if line not in taken), "utf-8")
    return {Path(line.rstrip("\n")) for line in taken}


# ---- What of an old disk is in the library


def assert_true_of_the_disk(library: Library, made: MadeLibrary) -> None:
    """Each file of the disk is in one list, and what the list says of it is so."""
    ran = library.run("covered", str(made.disk), "--json")
    facts, now = ran.facts, held(made)
    lists = {name: as_paths(facts[name]) for name in LISTS}
    disk = below(made.disk, now)
    assert Counter(itertools.chain(*lists.values())) == Counter(disk)
    own = {os.lstat(path).st_ino for path in disk}
    counts = {
        path: digest
        for path, digest in now.items()
        if made.photos in path.parents
        and not path.is_symlink()
        and not {*PLACES} & {*path.parts}
        and path.stat().st_ino not in own
    }
    assert lists["identical"] == {p for p in disk if now[p] in set(counts.values())}
    for item in facts["identical"]:
        assert counts[Path(item["by"])] == now[Path(item["path"])]
    assert lists["same_picture"] == {made.disk / "tagged.jpg"}
    assert lists["similar"] == {made.disk / "small.jpg"}
    for item in (*facts["same_picture"], *facts["similar"]):
        assert shown_by(made, Path(item["by"])) == made.shows[Path(item["path"])]
    assert ran.code == 1
    for name, words in zip(LISTS, ("Identical", "Same picture", "Similar", "Missing"), strict=True):
        (line,) = [line for line in ran.err.splitlines() if line.startswith(f"{words}: ")]
        assert int(line.split(":")[1].split()[0]) == len(lists[name])
    listed = library.run("covered", str(made.disk), "--list", "missing")
    assert {made.disk / line for line in listed.out.splitlines()} == lists["missing"]


def shown_by(made: MadeLibrary, path: Path) -> int:
    """Which scene a photo shows, by whatever name of it."""
    there = {photo: shown for photo, shown in made.shows.items() if photo.exists()}
    return next(shown for photo, shown in there.items() if photo.samefile(path))


def test_a_disk_is_covered_once_what_is_missing_was_copied(
    bare_library: Library, made: MadeLibrary
) -> None:
    library = bare_library
    ran = library.run("covered", str(made.disk), "--json")
    for name in LISTS[1:]:
        for path in as_paths(ran.facts[name]):
            place = made.photos / "from the disk" / f"{path.parent.name} {path.name}"
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(path.read_bytes())
    assert library.run("covered", str(made.disk)).code == 0


# ---- What somebody chose


def test_what_another_photo_has_or_may_have_stays(bare_library: Library, made: MadeLibrary) -> None:
    """Of each of these photos a twin stays with all that it has, and beside it another photo."""
    library, before = bare_library, held(made)
    find(library)
    year = "Takeout/Photos from 2019"
    names = [f"iPhone/IMG_000{number}.HEIC" for number in (1, 3, 4)]
    names += ["Camera/DSC_0020.JPG", f"{year}/IMG_0200(1).jpg", f"{year}/IMG_0100(1).jpg"]
    library.delete_copies(*names)
    assert library.check().code == 0
    ran = cleaned_up(library, made, ALONG)
    note = "IMG_0100.jpg.supplemental-metadata(1).json"
    along = {"iPhone/IMG_0001.MOV", "iPhone/IMG_0003.MOV", f"{year}/{note}"}
    kept = {
        "iPhone/IMG_0001.AAE": "iPhone/IMG_E0001.JPG",
        "iPhone/IMG_0004.MOV": "iPhone/IMG_0004.JPG",
        "Camera/DSC_0020.xmp": "Camera/DSC_0020.DNG",
        f"{year}/IMG_0200.jpg(1).json": f"{year}/IMG_0200-edited(1).jpg",
    }
    reasons = {
        f"{made.photos}/{name}": f"it belongs to {made.photos}/{other}, which stays"
        for name, other in kept.items()
    }
    reasons[f"{made.photos}/Camera/DSC_0020.DNG"] = "it is a photo itself"
    assert {one["path"]: one["reason"] for one in ran.facts["companions"]["kept"]} == reasons
    gone_now = ({made.photos / name for name in part} for part in (names, along))
    assert_only_these_are_gone(made, before, *gone_now)


def test_where_no_package_reads_them_raws_go_along_and_heics_stay(
    bare_library: Library, made: MadeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody looks at is no photo: a RAW is its JPEG's companion, a HEIC is nobody's."""
    monkeypatch.setattr(formats, "has_module", lambda _: False)
    library, before = bare_library, held(made)
    ran = find(library)
    assert ", too: pip install " in ran.err
    photos = grouped(library)
    assert {path.suffix for path in photos} == {".jpg", ".JPG", ".tif", ".png"}
    names = ["Backup 2022/Camera/DSC_0020.JPG", "Samsung/20210601_100000.jpg"]
    library.delete_copies(*names)
    assert library.check().code == 0
    ran = cleaned_up(library, made, ALONG)
    assert ran.facts["companions"]["kept"] == []
    along = [names[0].replace("JPG", ending) for ending in ("DNG", "xmp")]
    along.append(names[1].replace("jpg", "mp4"))
    gone_now = ({made.photos / name for name in part} for part in (names, along))
    assert_only_these_are_gone(made, before, *gone_now)


@pytest.mark.usefixtures("made")
def test_a_raw_that_stays_is_not_lost_with_its_jpeg(bare_library: Library) -> None:
    """Both JPEGs of a doubled shot are chosen, and one of its RAWs: the other one stays."""
    find(bare_library)
    old = "Backup 2022/Camera/DSC_0020"
    bare_library.delete_copies(f"{old}.DNG", f"{old}.JPG", "Camera/DSC_0020.JPG")
    lost = [words for one in bare_library.check("--json").facts["loses"] for words in one["loses"]]
    assert lost
    assert not any("RAW" in words for words in lost)


# ---- In every combination


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("protects", [False, True])
@pytest.mark.parametrize("along", [False, True])
def test_nothing_that_nobody_chose_is_gone(
    along: bool, protects: bool, across: bool, bare_library: Library, made: MadeLibrary
) -> None:
    library, before = bare_library, held(made)
    rng = random.Random(4 * along + 2 * protects + across)
    protect = ["--protect", str(made.best), "--protect", "*.AAE"] if protects else []
    kept = {p for p in before if protects and (made.best in p.parents or p.suffix == ".AAE")}
    recorded = rng.random() < 0.5
    both = ["--input-dir", str(made.photos), "--input-dir", str(made.card)]
    find(library, *both, *(["--across"] if across else []), *(protect if recorded else []))
    moved = culled_at_random(library, before, rng)
    chosen = chosen_in(library, kept, moved)
    now = [] if recorded else protect
    ran = library.check("--json", *now)
    assert as_paths(ran.facts["to_delete"]) == chosen
    refused = as_paths(ran.facts["protected"])
    assert refused == chosen_in(library, (), moved) - chosen
    assert as_paths(ran.facts["moved"]) == moved
    assert (ran.code == 1) == bool(refused or ran.facts["whole_groups"])
    chosen -= taken_off_the_list(library, rng)
    goes = may_go_along(made, grouped(library), chosen, before, kept) if along else set()
    cleaned_up(library, made, "--delete-mode", "trash", *([ALONG] if along else []), *now)
    assert_only_these_are_gone(made, before, chosen, goes)
    again = library.cleanup("--json", *([ALONG] if along else []), *now)
    assert again.facts["deleted"] == []
    assert_only_these_are_gone(made, before, chosen, goes)
    assert library.run("restore").code == 0
    assert held(made) == before
