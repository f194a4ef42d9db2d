"""The preset that finds most: what local features alone prove, from folder tree to folder tree."""

import os
import random
import re
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import pytest
from conftest import Library
from made_pictures import CAT, COFFEE, LAUNCH, PORTRAIT, SINGLES, STARS, cropped, encoded, photo
from PIL import Image, ImageFilter, ImageOps

from config import Exit
from disk.files import ImageFile
from extras.points import installed, remembered
from extras.points import matching as by_points
from grouping import POINTS, Match, Region, supported_clusters
from pictures import matching
from pictures.effort import in_threads
from pictures.hashing import hash_file
from pictures.images import HashedImage
from pictures.presets import PRESETS
from pictures.recipe import Recipe

MOST = PRESETS["most"]
Edit = Callable[[Image.Image], Image.Image]


def story(image: Image.Image) -> Image.Image:
    """A picture as apps show it on a phone, its own blur behind it."""
    screen = ImageOps.fit(image, (450, 800)).filter(ImageFilter.GaussianBlur(20))
    inner = ImageOps.contain(image, (400, 600))
    screen.paste(inner, ((450 - inner.width) // 2, (800 - inner.height) // 2))
    return screen


def collage(*images: Image.Image) -> Image.Image:
    """Pictures side by side, each as a square."""
    page = Image.new("RGB", (400 * len(images), 400), "white")
    for number, image in enumerate(images):
        page.paste(ImageOps.fit(image, (390, 390)), (400 * number + 5, 5))
    return page


EDITS: dict[str, Edit] = {
    "tilted": lambda image: image.rotate(20, Image.Resampling.BICUBIC, expand=True),
    "story": story,
    "cropped": lambda image: cropped(image, 0.6, 0.4, 0.5),
    "mirrored and cropped": lambda image: ImageOps.mirror(cropped(image, 0.75, 0.3, 0.4)),
}


def put(library: Library, name: str, image: Image.Image) -> str:
    path = library.photos / name
    path.write_bytes(encoded(image, "JPEG", quality=88))
    return str(path)


def shown_by(name: str) -> str:
    """The photo of which a file of a name is an edit."""
    return Path(name).stem.partition(" ")[0]


def groups(library: Library, *flags: str, preset: str = "most") -> list[list[str]]:
    """The names in each group of a find."""
    facts = library.find("--preset", preset, "--json", *flags).facts
    return [[Path(path).name for path in group] for group in facts["groups"]]


def hashed(paths: Sequence[str]) -> list[HashedImage]:
    recipe = Recipe(points=True)
    found = [hash_file(ImageFile(path, 0, 0), recipe) for path in paths]
    return [image for image in found if isinstance(image, HashedImage)]


def pairs(images: Sequence[HashedImage], each: by_points.Each = map) -> set[tuple[str, str]]:
    """The names of the pictures that match by points."""
    files = matching.distinct([i.digest for i in images], [i.look for i in images])
    looks = [images[first].look for first, *_ in files]
    names = [Path(images[first].file.path).name for first, *_ in files]
    found = by_points.proven(looks, by_points.proposed(looks, []), each)
    return {(min(both), max(both)) for both in ((names[m.left], names[m.right]) for m in found)}


# ---- What is found


def test_what_hashes_do_not_find_points_do(bare_library: Library) -> None:
    for number, name in enumerate((COFFEE, STARS)):
        put(bare_library, f"{number}.jpg", photo(name))
        for edit, make in EDITS.items():
            put(bare_library, f"{number} {edit}.jpg", make(photo(name)))
    of_hashes = groups(bare_library, preset="similar")
    found = bare_library.find("--preset", "most", "--json").facts
    expected = [[f"{n} {edit}.jpg" for edit in sorted(EDITS)] + [f"{n}.jpg"] for n in (0, 1)]
    assert [[Path(path).name for path in group] for group in found["groups"]] == expected
    assert sum(map(len, of_hashes)) <= 2
    assert POINTS in found["matched"]
    weakest = found["weakest_links"][0]
    assert weakest["view"] == POINTS
    assert 0 < weakest["share"] <= 1
    assert found["needs_a_look"] == [[], []]


def test_a_crop_of_a_picture_that_repeats_itself_is_found(bare_library: Library) -> None:
    """A scaffold, of which most points come again; but most of the crop's have a partner."""
    made = [put(bare_library, "launch.jpg", photo(LAUNCH))]
    for quality in (80, 90, 95):
        path = bare_library.photos / f"{quality}.jpg"
        path.write_bytes(encoded(cropped(photo(LAUNCH), 0.7, 0.3, 0.6), "JPEG", quality=quality))
        made.append(str(path))
    found = pairs(hashed(made))
    assert {(f"{quality}.jpg", "launch.jpg") for quality in (80, 90, 95)} <= found


def test_it_finds_all_that_similar_does(library: Library) -> None:
    assert groups(library) == groups(library, preset="similar") != []


def test_different_photos_stay_apart(bare_library: Library) -> None:
    for name in SINGLES:
        put(bare_library, f"{Path(name).stem}.jpg", photo(name))
        put(bare_library, f"{Path(name).stem} white.jpg", Image.new("RGB", (500, 300), "white"))
    (white,) = groups(bare_library)
    assert white == sorted(f"{Path(name).stem} white.jpg" for name in SINGLES)


def test_a_second_run_knows_the_points_and_what_they_proved(
    bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (CAT, COFFEE):
        put(bare_library, f"{Path(name).stem}.jpg", photo(name))
        put(bare_library, f"{Path(name).stem} story.jpg", story(photo(name)))
    for path in bare_library.photos.iterdir():
        os.utime(path, (10**9, 10**9))
    first = groups(bare_library)
    monkeypatch.setattr(by_points, "prove", None)
    again = bare_library.find("--preset", "most", "--json").facts
    assert (again["unchanged"], len(again["groups"])) == (4, len(first)) == (4, 2)


def test_only_photos_of_different_folders_are_proven_across(bare_library: Library) -> None:
    other = bare_library.folder / "card"
    other.mkdir()
    put(bare_library, "a.jpg", photo(COFFEE))
    put(bare_library, "b.jpg", story(photo(COFFEE)))
    put(bare_library, "c.jpg", photo(CAT))
    put(bare_library, "d.jpg", story(photo(CAT)))
    (other / "e.jpg").write_bytes(encoded(EDITS["tilted"](photo(CAT)), "JPEG", quality=88))
    sides = ("--across", "--input-dir", str(bare_library.photos), "--input-dir", str(other))
    assert [sorted(group) for group in groups(bare_library, *sides)] == [
        ["c.jpg", "d.jpg", "e.jpg"]
    ]


def test_without_opencv_a_sentence_says_what_to_install(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "is_installed", lambda: False)
    ran = library.run("find", "--preset", "most")
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert ran.err == (
        "error: --preset most needs the package opencv-python-headless; "
        "run pip install -r extras/requirements.txt first.\n"
    )
    assert not library.output.exists()


# ---- What joins no strangers


def test_a_collage_joins_one_of_the_photos_in_it(bare_library: Library) -> None:
    for name in (CAT, COFFEE, PORTRAIT):
        put(bare_library, f"{Path(name).stem}.jpg", photo(name))
        put(bare_library, f"{Path(name).stem} tilted.jpg", EDITS["tilted"](photo(name)))
    put(bare_library, "page.jpg", collage(photo(CAT), photo(COFFEE), photo(PORTRAIT)))
    found = groups(bare_library)
    shown = [set(map(shown_by, group)) for group in found]
    assert sum("page" in group for group in shown) == 1
    assert sorted(min(group - {"page"}) for group in shown) == ["cat", "coffee", "portrait"]
    assert all(len(group - {"page"}) == 1 for group in shown)


LEFT = Region((0.1, 0.2, 0.4, 0.8), (0.0, 0.0, 0.5, 1.0))
RIGHT = Region((0.6, 0.2, 0.9, 0.8), (0.5, 0.0, 1.0, 1.0))
ALL = Region((0.1, 0.1, 0.9, 0.9), (0.0, 0.0, 1.0, 1.0))


def seen(left: int, right: int, share: float, part: Region, inside: Region = ALL) -> Match:
    """A match by points of a picture with another one, which is seen in a part of it."""
    return Match(left, right, 120, share, POINTS, (part, inside))


def members(size: int, matches: Sequence[Match]) -> list[list[int]]:
    return [cluster.members for cluster in supported_clusters(size, matches, certain)]


def certain(match: Match) -> bool:
    return match.view == "whole" and match.correlation > 0.9


def test_two_pictures_in_different_parts_of_a_third_are_not_joined_by_it() -> None:
    assert members(3, [seen(0, 1, 0.5, LEFT), seen(0, 2, 0.4, RIGHT)]) == [[0, 1]]
    assert members(3, [seen(0, 1, 0.4, LEFT), seen(0, 2, 0.5, RIGHT)]) == [[0, 2]]
    assert members(3, [seen(0, 1, 0.5, LEFT), seen(0, 2, 0.4, LEFT)]) == [[0, 1, 2]]
    assert members(3, [seen(0, 1, 0.5, ALL), seen(0, 2, 0.4, RIGHT)]) == [[0, 1, 2]]


def test_pictures_that_match_each_other_are_joined_whatever_a_collage_shows() -> None:
    page = [seen(0, 1, 0.5, LEFT), seen(0, 2, 0.4, RIGHT)]
    assert members(3, [*page, Match(1, 2, 20, 0.8, "burst")]) == [[0, 1, 2]]


def test_copies_of_a_collage_join_no_strangers_either() -> None:
    copies = Match(0, 1, 2, 0.99, "whole")
    matches = [copies, seen(0, 2, 0.5, LEFT), seen(1, 3, 0.4, RIGHT)]
    assert members(4, matches) == [[0, 1, 2]]


def test_parts_of_a_picture_of_which_there_are_several_copies_are_joined() -> None:
    """They all show both, which no collage does."""
    photos = [Match(0, 1, 40, 0.8, "whole"), Match(1, 2, 40, 0.8, "whole")]
    left = [seen(n, 3, 0.5, LEFT) for n in range(3)]
    right = [seen(n, 4, 0.4, RIGHT) for n in range(3)]
    assert members(5, [*photos, *left, *right]) == [[0, 1, 2, 3, 4]]


def linked(matches: Sequence[tuple[int, int]]) -> list[Match]:
    """Pictures that points prove to be the same as a whole."""
    return [seen(one, other, 0.6, ALL) for one, other in matches]


def test_two_collages_with_one_photo_in_common_join_none_of_the_others() -> None:
    """Photo 0 with copies, photo 4 with copies, and collages 8 and 9 of them with a third photo."""
    photos = linked(
        [(n, m) for first in (0, 4) for n, m in combinations(range(first, first + 4), 2)]
    )
    of_first = [Match(n, 8, 120, 0.5, POINTS, (ALL, LEFT)) for n in range(4)]
    of_other = [Match(n, 9, 120, 0.5, POINTS, (ALL, LEFT)) for n in range(4, 8)]
    in_common = Match(8, 9, 120, 0.4, POINTS, (RIGHT, RIGHT))
    expected = [[0, 1, 2, 3, 8], [4, 5, 6, 7, 9]]
    assert members(10, [*photos, *of_first, *of_other, in_common]) == expected


def test_two_copies_of_a_collage_do_not_join_two_photos_that_have_more() -> None:
    photos = linked(
        [(n, m) for first in (0, 5) for n, m in combinations(range(first, first + 5), 2)]
    )
    pages = [10, 11]
    of_first = [Match(n, page, 120, 0.5, POINTS, (ALL, LEFT)) for n in range(5) for page in pages]
    other = [Match(n, page, 120, 0.4, POINTS, (ALL, RIGHT)) for n in range(5, 10) for page in pages]
    found = members(12, [*photos, *of_first, *other, *linked([(10, 11)])])
    assert found == [[0, 1, 2, 3, 4, 10, 11], [5, 6, 7, 8, 9]]


def test_many_that_match_one_picture_of_another_cluster_do_not_join_it() -> None:
    """As where a small picture lies in a large one, so that both seem to be seen as a whole."""
    photos = linked(
        [(n, m) for first in (0, 4) for n, m in combinations(range(first, first + 4), 2)]
    )
    inset = [seen(n, 4, 0.5, ALL) for n in range(4)]
    assert members(8, [*photos, *inset]) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    more = seen(0, 5, 0.5, ALL)
    assert members(8, [*photos, *inset, more]) == [list(range(8))]


def test_a_picture_joins_first_what_shows_it_as_a_whole() -> None:
    """An inset of photo 0 lies in photo 3; collage 6 of photo 0 matches the inset most."""
    photos = linked([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)])
    inset = Match(3, 6, 120, 0.9, POINTS, (LEFT, RIGHT))
    whole = [Match(n, 6, 120, 0.5, POINTS, (ALL, RIGHT)) for n in range(3)]
    assert members(7, [*photos, inset, *whole]) == [[0, 1, 2, 6], [3, 4, 5]]


def test_a_frame_that_may_be_a_page_joins_no_part_of_it() -> None:
    """Where the photo lies that matches inside the frame of picture 1, nothing tells."""
    framed = Match(0, 1, 60, 0.5, "inside a frame")
    assert members(3, [framed, seen(1, 2, 0.7, LEFT)]) == [[0, 1]]
    assert members(3, [framed, seen(1, 2, 0.7, ALL)]) == [[0, 1, 2]]
    located = seen(0, 1, 0.4, ALL, LEFT)
    assert members(3, [framed, located, seen(1, 2, 0.7, LEFT)]) == [[0, 1, 2]]


# ---- The same whatever names, order and threads are


def test_groups_hang_on_no_name_no_order_and_no_thread(bare_library: Library) -> None:
    names = [CAT, COFFEE, PORTRAIT, STARS]
    made = [photo(name) for name in names] + [story(photo(name)) for name in names]
    made += [collage(photo(CAT), photo(COFFEE)), collage(photo(PORTRAIT), photo(CAT))]
    files = [put(bare_library, f"{n:02}.jpg", image) for n, image in enumerate(made)]
    images = hashed(files)
    expected = _grouped(images, 1)
    assert sum(map(len, expected)) >= 8
    for seed in range(3):
        shuffled = random.Random(seed).sample(images, len(images))
        assert _grouped(shuffled, 1 + seed % 2) == expected


def _grouped(images: Sequence[HashedImage], workers: int) -> set[frozenset[str]]:
    digests, looks = [i.digest for i in images], [i.look for i in images]
    search = matching.by_looks(looks, MOST, in_threads(workers))
    found, _ = matching.group_by(digests, looks, [search])
    return {frozenset(images[n].file.path for n in cluster.members) for cluster in found}


def test_words_propose_what_points_prove_among_many(bare_library: Library) -> None:
    """With so few pictures all are compared, with more those that are near by their words."""
    files = [put(bare_library, f"{Path(n).stem}.jpg", photo(n)) for n in SINGLES]
    for name in SINGLES:
        for number in range(4):
            part = cropped(photo(name), 0.7, 0.1 + 0.2 * number, 0.5).rotate(5 * number)
            files.append(put(bare_library, f"{Path(name).stem} {number}.jpg", part))
    found = pairs(hashed(files))
    assert len(files) > by_points.PROPOSED + 1
    assert all(shown_by(one) == shown_by(other) for one, other in found)
    assert len(found) >= 20


def test_what_was_proven_is_remembered_to_the_last_bit() -> None:
    shown = remembered.Shown(0.5, (LEFT, RIGHT), holds=True), None
    known = {bytes([n]) * 16: shown[n % 2] for n in range(5)}
    data = remembered.packed(known)
    again = remembered.unpacked(data)
    assert remembered.packed(again) == data
    assert again.keys() == known.keys()
    assert [value is None for value in again.values()].count(True) == 2
    for broken in (b"", data[:-1], data[:40], b"\0" * 60, data + b"\0"):
        assert remembered.unpacked(broken) == {}


# ---- What explain, the rules and the page make of it


def test_explain_says_which_proof_decided(bare_library: Library) -> None:
    one = put(bare_library, "a.jpg", photo(COFFEE))
    other = put(bare_library, "b.jpg", EDITS["mirrored and cropped"](photo(COFFEE)))
    strange = put(bare_library, "c.jpg", photo(CAT))
    said = bare_library.run("explain", one, other, "--preset", "most").out.splitlines()
    assert said[2] == "--preset most groups them: points of one lie on those of the other."
    assert re.fullmatch(
        r"  points: \d+% of the blocks agree, \d+ points lie on each other, one mirrored, "
        r"\d+% of those where they overlap",
        said[3],
    )
    apart = bare_library.run("explain", one, strange, "--preset", "most").out
    assert re.search(r"^  points: .* are needed|^  points: too few points", apart, re.MULTILINE)
    facts = bare_library.run("explain", one, other, "--preset", "most", "--json").facts
    best = facts["comparisons"][0]
    assert (best["view"], best["matches"], best["mirrored"]) == (POINTS, True, True)
    assert best["points"] >= 15
    assert 0 < best["share"] <= 1


def test_explain_says_why_a_collage_is_apart_from_a_photo_in_it(bare_library: Library) -> None:
    for name in (CAT, COFFEE):
        put(bare_library, f"{Path(name).stem}.jpg", photo(name))
        put(bare_library, f"{Path(name).stem} tilted.jpg", EDITS["tilted"](photo(name)))
    page = put(bare_library, "page.jpg", collage(photo(CAT), photo(COFFEE)))
    without = [group for group in groups(bare_library) if "page.jpg" not in group]
    (photos,) = without
    other = str(bare_library.photos / photos[-1])
    said = bare_library.run("explain", page, other, "--preset", "most").out
    assert "--preset most groups them" in said
    assert "The last find has them in groups" in said
    assert "as a collage does, joins one of them." in said


def test_explain_names_the_preset_that_would_match(bare_library: Library) -> None:
    one = put(bare_library, "a.jpg", photo(COFFEE))
    other = put(bare_library, "b.jpg", EDITS["tilted"](photo(COFFEE)))
    assert "It would match with --preset most." in bare_library.run("explain", one, other).out
    fits = bare_library.run("explain", "--like", one, other).out
    assert "Use --preset most: it fits all examples." in fits


def test_rules_give_up_no_picture_that_only_points_join(bare_library: Library) -> None:
    """A tilt, a story, a crop or a collage is no version of a photo; a smaller copy is."""
    put(bare_library, "coffee.jpg", photo(COFFEE))
    for edit, make in EDITS.items():
        put(bare_library, f"coffee {edit}.jpg", make(photo(COFFEE)))
    put(bare_library, "coffee page.jpg", collage(photo(COFFEE), photo(CAT)))
    put(bare_library, "coffee small.jpg", photo(COFFEE).resize((300, 200)))
    (found,) = groups(bare_library)
    assert len(found) == len(EDITS) + 3
    suggested = bare_library.run("suggest", "--json").facts["suggested"]
    assert [Path(one["path"]).name for one in suggested] == ["coffee small.jpg"]
    assert Path(suggested[0]["keeper"]).name == "coffee.jpg"


@pytest.mark.sheet
def test_the_contact_sheet_says_what_points_join(bare_library: Library) -> None:
    put(bare_library, "a.jpg", photo(COFFEE))
    put(bare_library, "b.jpg", EDITS["tilted"](photo(COFFEE)))
    assert groups(bare_library) == [["a.jpg", "b.jpg"]]
    sheet = (bare_library.output / "report.html").read_text("utf-8")
    likeness = r'title="\d+% of the points where they overlap">shares details with [ab]\.jpg<'
    assert re.search(likeness, sheet)


def test_photos_of_a_card_that_only_points_find_are_covered(bare_library: Library) -> None:
    card = bare_library.folder / "card"
    card.mkdir()
    put(bare_library, "a.jpg", photo(COFFEE))
    (card / "b.jpg").write_bytes(encoded(EDITS["tilted"](photo(COFFEE)), "JPEG", quality=88))
    plain = bare_library.run("covered", str(card), "--json").facts
    found = bare_library.run("covered", str(card), "--json", "--preset", "most").facts
    assert (len(plain["similar"]), len(found["similar"])) == (0, 1)


def test_photos_cut_to_the_shape_of_a_collage_are_not_joined_by_it(bare_library: Library) -> None:
    """Of each only a part is seen there, so that the frames of both reach into each other."""
    for name in (CAT, COFFEE):
        put(bare_library, f"{Path(name).stem}.jpg", photo(name))
        for edit in ("tilted", "story"):
            put(bare_library, f"{Path(name).stem} {edit}.jpg", EDITS[edit](photo(name)))
    page = Image.new("RGB", (1000, 500), "white")
    for number, name in enumerate((COFFEE, CAT)):
        page.paste(ImageOps.fit(photo(name), (490, 480)), (5 + 500 * number, 10))
    put(bare_library, "page.jpg", page)
    shown = [set(map(shown_by, group)) - {"page"} for group in groups(bare_library)]
    assert sorted(map(sorted, shown)) == [["cat"], ["coffee"]]


def test_points_tell_where_a_picture_lies_inside_a_frame(bare_library: Library) -> None:
    """As the frame may be a page of an album, which joins one of the photos in it."""
    bordered = ImageOps.expand(photo(COFFEE), (300, 40, 20, 200), "white")
    files = [put(bare_library, "a.jpg", photo(COFFEE)), put(bare_library, "b.jpg", bordered)]
    looks = [image.look for image in hashed(files)]
    found = list(matching.by_looks(looks, MOST)([[0], [1]]))
    assert [match.view for match in found] == ["inside a frame", POINTS]
    assert found[1].regions
    _, upper, _, lower = found[1].regions[1].most
    assert (round(upper, 1), round(lower, 1)) == (0.1, 0.7)


def test_of_many_frames_some_are_looked_at(bare_library: Library) -> None:
    (image,) = hashed([put(bare_library, "a.jpg", photo(COFFEE))])
    framed = [Match(n, m, 9, 0.9, "inside a frame") for n, m in combinations(range(12), 2)]
    pairs = list(by_points.framed([image.look] * 12, [*framed, Match(0, 1, 9, 0.9, "whole")]))
    assert 12 <= len(pairs) <= 12 * by_points.MOST_FRAMED
    assert {number for pair in pairs for number in pair} == set(range(12))
