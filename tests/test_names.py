"""The same pictures are the same groups, whatever they are called and however they come."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from itertools import combinations, islice, permutations
from pathlib import Path

import numpy as np
import pytest
from conftest import Library, picture
from made_pictures import (
    CAT,
    COFFEE,
    FRAMES,
    LAUNCH,
    PORTRAIT,
    SINGLES,
    cropped,
    encoded,
    look_of,
    photo,
    png,
    text_page,
    tilted,
    with_exif,
)
from PIL import Image, ImageOps

from grouping import Cluster, Match, supported_clusters
from pictures import connected, matching, registration, verify
from pictures.crowds import ENOUGH
from pictures.looks import Look
from pictures.presets import PRESETS

File = tuple[str, Look | None]  # what find knows of a file: its digest and its look
Told = tuple[list[list[str]], list[list[tuple[object, ...]]], Counter[str]]


def file_of(data: bytes) -> File:
    return sha256(data).hexdigest(), look_of(data, parts=True)


def jpeg(image: Image.Image, **options: object) -> bytes:
    return encoded(image, "JPEG", **{"quality": 88, **options})


def told_of(files: Sequence[File], groups: Sequence[Cluster], matched: Counter[str]) -> Told:
    """What find says of some files, by their contents, in an order that no name decides."""

    def link(match: Match) -> tuple[object, ...]:
        values = match.view, match.distance, round(match.correlation, 3)
        return files[match.left][0], files[match.right][0], *values

    told = sorted(
        (sorted(files[member][0] for member in group.members), list(map(link, group.links)))
        for group in groups
    )
    return [members for members, _ in told], [links for _, links in told], matched


def grouped(files: Sequence[File], preset: str = "similar") -> Told:
    digests, looks = [digest for digest, _ in files], [look for _, look in files]
    return told_of(files, *matching.group(digests, looks, PRESETS[preset]))


def shuffled(files: Sequence[File], seed: int) -> list[File]:
    return random.Random(seed).sample(files, len(files))


# ---- Everything that people do to pictures


def edits_of(name: str) -> Iterator[bytes]:
    """A photo, parts of it, and what else is near what the presets can find."""
    image, rng = photo(name), random.Random(name)
    yield jpeg(image)
    for percent in (4, 5, 7, 10, 13):
        side = (1 - percent / 100) ** 0.5
        yield jpeg(cropped(image, side, rng.random(), rng.random()))
    for degrees in (2, -2):
        yield jpeg(tilted(image, degrees))
    for frame in ("polaroid", "phone", "letterbox"):
        yield jpeg(FRAMES[frame](cropped(image, 0.98))[0])
    yield jpeg(image.transpose(Image.Transpose.ROTATE_90))
    yield jpeg(ImageOps.mirror(cropped(image, 0.99)))
    yield jpeg(cropped(image, 0.7, 0.3, 0.6))


def shots_of(name: str) -> Iterator[bytes]:
    """Shots of one second, and the same without what the camera says."""
    for place in (0.2, 0.5, 0.8):
        aimed = cropped(photo(name), 0.8, place, place)
        yield with_exif(aimed, "2024:05:01 10:00:00")
        yield jpeg(aimed, quality=92)


@cache
def collection() -> list[File]:
    made = [data for name in SINGLES for data in edits_of(name)]
    made += [data for name in (COFFEE, PORTRAIT) for data in shots_of(name)]
    for seed in range(3):
        page = text_page(seed)
        made += [jpeg(page), jpeg(page, quality=30), jpeg(cropped(page, 0.995, 0, 1))]
    files = [file_of(data) for data in made]
    return [*files, *files[::7], ("blank", None), ("blank", None), ("lone", None)]


@pytest.mark.parametrize("preset", PRESETS)
def test_shuffled_and_renamed_pictures_are_the_same_groups(preset: str) -> None:
    expected = grouped(collection(), preset)
    groups, links, matched = expected
    assert len(groups) > len(SINGLES)
    assert {"whole", "mirrored"} <= set(matched)
    assert sum(map(len, links)) > 20
    for seed in range(2):
        assert grouped(shuffled(collection(), seed), preset) == expected


@pytest.mark.parametrize("threshold", [10, 40, 90])
def test_a_threshold_groups_by_contents_alone(threshold: int) -> None:
    def groups(files: Sequence[File]) -> list[list[str]]:
        hashes = [look.views[0].hash if look else None for _, look in files]
        found = connected.cluster([digest for digest, _ in files], hashes, threshold)
        return told_of(files, [Cluster(members, []) for members in found], Counter())[0]

    expected = groups(collection())
    assert expected
    for seed in range(3):
        assert groups(shuffled(collection(), seed)) == expected


def test_a_copy_of_a_file_changes_no_group() -> None:
    groups, links, matched = grouped(collection())
    for files in (collection()[5::11], [collection()[0]] * 3):
        more = grouped([*files, *collection()])
        assert [sorted(set(members)) for members in more[0] if len(set(members)) > 1] == [
            sorted(set(members)) for members in groups if len(set(members)) > 1
        ]
        assert [some for some in more[1] if some] == [some for some in links if some]
        assert more[2] == matched


# ---- Two pictures


@pytest.mark.parametrize("name", SINGLES)
def test_a_pair_matches_both_ways_or_not_at_all(name: str) -> None:
    parts = [look_of(data) for data in islice(edits_of(name), 8)]
    for one, other in combinations(parts, 2):
        there, back = (
            [match.view for match in matching.find_matches(pair, PRESETS["similar"])]
            for pair in ((one, other), (other, one))
        )
        assert sorted(there) == sorted(back)


def test_blocks_agree_as_well_either_way() -> None:
    """All blocks of one picture that lie in the other are there, or nearly all of both's."""
    images = [photo(name) for name in SINGLES]
    edits = [*images, *(cropped(image, 0.95, 1, 1) for image in images)]
    edits += [tilted(image, 2) for image in images]
    stacks = np.stack([np.asarray(image.convert("L").resize((64, 64))) for image in edits])
    one, other = np.array(list(combinations(range(len(edits)), 2))).T
    there, back = (
        registration.agreement(stacks[a], stacks[b]) for a, b in ((one, other), (other, one))
    )
    assert there == pytest.approx(back)
    assert {*there} > {0, 1}


def test_what_a_crop_cut_off_is_not_looked_for() -> None:
    whole, part = photo(LAUNCH), cropped(photo(LAUNCH), 0.95, 1, 1)
    stacks = [np.asarray(image.convert("L").resize((64, 64)))[None] for image in (whole, part)]
    one, other = map(registration.flattened, stacks)
    share, of_all, *_ = registration.found_blocks(one, other)
    assert of_all < verify.LEAST_AGREEMENT < share == 1


def test_what_only_one_picture_shows_counts_whichever_is_looked_for() -> None:
    """Of one picture's blocks one is astray, of the other's two: where the first shows nothing."""
    rng = np.random.default_rng(1)
    scene = rng.normal(0, 1, (1, 64, 64)).astype(np.float32)
    changed = scene.copy()
    changed[:, 16:32, 16:32] = rng.normal(0, 1, (16, 16))
    changed[:, 32:48, 16:32] = 0
    pair = changed, scene
    assert registration.found_blocks(*pair)[0] >= verify.LEAST_AGREEMENT
    for one, other in (pair, pair[::-1]):
        assert registration.flat_agreement(one, other) < verify.LEAST_AGREEMENT


def test_a_page_differs_from_another_one_whichever_comes_first() -> None:
    page, changed = text_page(3), text_page(3)
    changed.paste(text_page(4).crop((60, 400, 560, 460)), (60, 400))
    looks = [look_of(data) for data in (png(page), jpeg(page, quality=30), png(changed))]
    found = [
        pair
        for pair in permutations(range(3), 2)
        if any(matching.find_matches([looks[n] for n in pair], PRESETS["similar"]))
    ]
    assert found == [(0, 1), (1, 0)]


# ---- Shots of one camera


def seen_in_every_order(files: Sequence[File]) -> list[list[list[str]]]:
    """The groups of some files, told by their places, in each order and by each one's digest."""
    seen = []
    for order in permutations(range(len(files))):
        for digests in permutations(map(str, range(len(files)))):
            looks = [files[place][1] for place in order]
            groups, _ = matching.group(digests, looks, PRESETS["similar"])
            told = [sorted(str(order[member]) for member in group.members) for group in groups]
            seen.append(sorted(told))
    return seen


def test_a_burst_is_one_whichever_of_identical_files_says_when() -> None:
    first, second = (cropped(photo(COFFEE), 0.85, place, place) for place in (0.3, 0.7))
    files = [
        file_of(with_exif(first, "2024:05:01 10:00:00")),
        file_of(jpeg(first, quality=92)),
        file_of(with_exif(first, "2020:01:01 00:00:00")),
        file_of(with_exif(second, "2024:05:01 10:00:01")),
    ]
    assert seen_in_every_order(files).count([["0", "1", "2", "3"]]) == 24 * 24


def test_shots_of_one_second_are_compared_with_each_other() -> None:
    """Not with what their names put beside them."""
    first, second = (cropped(photo(COFFEE), 0.85, place, place) for place in (0.3, 0.7))
    shots = (first, photo(PORTRAIT), photo(CAT), second)
    files = [file_of(with_exif(image, "2024:05:01 10:00:00")) for image in shots]
    assert seen_in_every_order(files).count([["0", "3"]]) == 24 * 24


# ---- Crowds


def crowd(size: int, noise: float = 20) -> list[File]:
    """Look-alikes of two scenes that become each other, none surely the same."""
    rng = np.random.default_rng(8)
    one, other = (np.asarray(photo(n).convert("L").resize((64, 64)), float) for n in (CAT, COFFEE))
    files = []
    for share in np.linspace(0, 1, size):
        gray = one * (1 - share) + other * share + rng.normal(0, noise, one.shape)
        small = Image.fromarray(gray.clip(0, 255).astype(np.uint8))
        files.append(file_of(encoded(small.resize((256, 256)), "PNG")))
    return files


@pytest.mark.parametrize(("preset", "size"), [("similar", 80), ("crops", 40)])
def test_a_crowd_is_grouped_by_contents_alone(preset: str, size: int) -> None:
    files = crowd(size)
    expected = grouped(files, preset)
    groups, _, matched = expected
    assert max(map(len, groups)) > ENOUGH
    assert matched.total() < size * (size - 1) / 2, "not every pair is looked at"
    assert grouped(shuffled(files, 1), preset) == expected


def test_two_groups_of_one_size_merge_whichever_is_the_first() -> None:
    """Two pictures of one group match a picture of the other."""
    strong = [(a, b, 0.9) for group in ((0, 1, 2), (3, 4, 5)) for a, b in combinations(group, 2)]
    matches = [*strong, (1, 3, 0.6), (2, 3, 0.5)]
    for renamed in ((0, 1, 2, 3, 4, 5), (3, 4, 5, 0, 1, 2)):
        found = [
            Match(*sorted((renamed[a], renamed[b])), 10, likeness, "whole")
            for a, b, likeness in matches
        ]
        assert [group.members for group in supported_clusters(6, found)] == [list(range(6))]


# ---- From folder tree to folder tree


def put(library: Library, contents: Sequence[bytes], names: Sequence[str]) -> None:
    for path in library.photos.iterdir():
        path.unlink()
    for name, data in zip(names, contents, strict=True):
        (library.photos / name).write_bytes(data)


@pytest.mark.parametrize("side", [0.95, 0.97])
def test_a_photo_and_its_crop_are_a_group_whichever_is_called_1(
    side: float, bare_library: Library
) -> None:
    contents = picture(LAUNCH), jpeg(cropped(photo(LAUNCH), side, 1, 1), quality=85)
    for names in (("1.jpg", "2.jpg"), ("2.jpg", "1.jpg")):
        put(bare_library, contents, names)
        assert len(bare_library.find("--dry-run", "--json").facts["groups"]) == 1, names


def said_under_names(
    library: Library, contents: Sequence[bytes], names: Sequence[str]
) -> tuple[object, ...]:
    """What find says and copies, with the digest of each file in the place of its path."""
    put(library, contents, names)
    said = library.find("--json").out
    for name, data in zip(names, contents, strict=True):
        path = str(library.photos / name)
        said = said.replace(json.dumps(path), json.dumps(sha256(data).hexdigest()))
    facts = json.loads(said)
    keys = ("groups", "weakest_links", "needs_a_look")
    groups = [
        (sorted(g), link, look) for g, link, look in zip(*(facts[k] for k in keys), strict=True)
    ]
    folders: dict[Path, list[str]] = {}
    for copy in map(Path, library.info().values()):
        folders.setdefault(copy.parent, []).append(sha256(copy.read_bytes()).hexdigest())
    copied = sorted(map(sorted, folders.values()))
    colour_only = sorted(map(sorted, facts["colour_only"]))
    groups.sort(key=lambda group: group[0])
    assert copied == [members for members, _, _ in groups]
    return groups, facts["matched"], colour_only


def test_find_says_the_same_of_the_same_pictures_under_other_names(bare_library: Library) -> None:
    contents = [*edits_of(LAUNCH), *edits_of(CAT), *shots_of(PORTRAIT), picture(CAT), picture(CAT)]
    contents += [picture("edited/coffee_bw.jpg"), picture(COFFEE)]
    names = [f"{number:02}.jpg" for number in range(len(contents))]
    first = said_under_names(bare_library, contents, names)
    groups, _, colour_only = first
    assert groups
    assert colour_only
    for seed in range(2):
        other_names = random.Random(seed).sample(names, len(names))
        assert said_under_names(bare_library, contents, other_names) == first
