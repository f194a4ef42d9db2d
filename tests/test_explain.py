"""Why two pictures match or don't, and which setting fits a person's examples."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from conftest import SAMPLES, Library, Ran, collect, tree
from made_pictures import (
    CAT,
    COFFEE,
    LAUNCH,
    PORTRAIT,
    SINGLES,
    STARS,
    encoded,
    negative,
    photo,
    png,
    tiff,
)
from PIL import Image, ImageOps

import config
import finder
from actions.configuration import constants, settings_from
from disk.files import ImageFile
from extras import explain, fitting
from pictures import matching, methods, presets
from pictures.hashing import hash_file
from pictures.images import HashedImage
from pictures.looks import Look, View
from pictures.recipe import Recipe
from pictures.why import compare

CAT_SENT, TRIMMED = "chat/cat_sent.jpg", "edited/launch_trimmed.jpg"


def sample(name: str) -> str:
    return str(SAMPLES / name)


def put(library: Library, name: str, image: Image.Image) -> str:
    path = library.photos / name
    path.write_bytes(png(image))
    return str(path)


def small(name: str) -> Image.Image:
    image = photo(name)
    image.thumbnail((600, 600))
    return image


def trimmed(image: Image.Image, share: float) -> Image.Image:
    """The middle of a picture, a share of its width and height."""
    across, down = (round(side * (1 - share) / 2) for side in image.size)
    return image.crop((across, down, image.width - across, image.height - down))


def chain(library: Library) -> tuple[str, str, str]:
    """A portrait, a part of it, and a part of that; the first and the last don't match."""
    whole = small(PORTRAIT)
    shares = {"a.png": 1.0, "b.png": 0.92, "c.png": 0.92**2}
    one, middle, other = (put(library, n, trimmed(whole, s)) for n, s in shares.items())
    return one, middle, other


def told(library: Library, *arguments: str) -> list[str]:
    """What explain says about two photos, without their paths."""
    ran = library.run("explain", *arguments)
    assert (ran.code, ran.err) == (0, ""), ran
    return ran.out.splitlines()[2:]


def facts(library: Library, *arguments: str) -> Ran:
    ran = library.run("explain", "--json", *arguments)
    assert ran.code == 0, ran
    return ran


# ---- Two photos


def test_two_cats_match_as_whole_pictures(bare_library: Library) -> None:
    verdict, numbers = told(bare_library, sample(CAT), sample(CAT_SENT))
    assert verdict == "--preset similar groups them: they look alike (whole)."
    assert numbers == (
        "  whole: 2 bits of the hash differ (up to 96 may), correlation 1.00, "
        "100% of the blocks agree"
    )


def test_the_two_paths_are_named_first(bare_library: Library) -> None:
    ran = bare_library.run("explain", sample(CAT), sample(CAT_SENT))
    assert ran.out.splitlines()[:2] == [sample(CAT), sample(CAT_SENT)]


def test_explain_hashes_in_workers_as_find_does(bare_library: Library) -> None:
    ran = collect(bare_library.start("explain", sample(CAT), sample(CAT_SENT)))
    assert (ran.code, ran.err) == (0, "")
    assert "--preset similar groups them: they look alike (whole)." in ran.out.splitlines()


def test_a_trimmed_launch_matches_by_its_hash_and_its_look(bare_library: Library) -> None:
    found = facts(bare_library, sample(LAUNCH), sample(TRIMMED)).facts
    assert found["alike"]
    best = found["comparisons"][0]
    assert (best["view"], best["distance"]) == ("whole", 22)
    assert 0.85 < best["correlation"] < 0.99


def test_coffee_and_portrait_are_kept_apart_by_their_hashes(bare_library: Library) -> None:
    verdict, numbers = told(bare_library, sample(COFFEE), sample(PORTRAIT))
    assert verdict == "--preset similar keeps them apart: their hashes differ too much."
    assert numbers.startswith("  whole: 1")


def test_a_turned_copy_is_said_to_be_turned(bare_library: Library) -> None:
    turned = put(bare_library, "turned.png", small(COFFEE).transpose(Image.Transpose.ROTATE_90))
    verdict, numbers = told(bare_library, sample(COFFEE), turned)
    assert "groups them: they look alike (turned by" in verdict
    assert numbers.startswith("  turned by")


def test_a_framed_copy_is_kept_apart_by_copies_which_say_what_would_match(
    bare_library: Library,
) -> None:
    framed = put(bare_library, "framed.png", ImageOps.expand(small(COFFEE), 90, "black"))
    assert told(bare_library, sample(COFFEE), framed)[0] == (
        "--preset similar groups them: they look alike (inside a frame)."
    )
    verdict, _, hint = told(bare_library, sample(COFFEE), framed, "--preset", "copies")
    assert verdict == (
        "--preset copies keeps them apart: they look alike (inside a frame), "
        "but this preset doesn't compare it."
    )
    assert hint == "It would match with --preset similar or crops."


def test_a_part_of_a_picture_is_said_to_be_one(bare_library: Library) -> None:
    whole, _, part = chain(bare_library)
    lines = told(bare_library, whole, part, "--preset", "crops")
    assert lines[0] == "--preset crops groups them: a part of one looks like the other."
    assert lines[1].startswith("  crop: ")
    assert told(bare_library, whole, part)[-1] == "It would match with --preset crops."


def test_identical_files_are_said_to_be_identical(bare_library: Library) -> None:
    copy = str(bare_library.add("copy.jpg"))
    verdict = "groups them: the files have the same content."
    assert told(bare_library, sample(CAT), copy) == [f"--preset similar {verdict}"]
    assert told(bare_library, copy, copy, "--threshold", "0") == [f"--threshold 0 {verdict}"]


def test_a_picture_without_detail_matches_identical_files_only(bare_library: Library) -> None:
    sky = put(bare_library, "sky.png", Image.new("RGB", (400, 300), "skyblue"))
    for mode in (["--preset", "similar"], ["--threshold", "40"]):
        assert told(bare_library, sample(CAT), sky, *mode) == [
            f"{' '.join(mode)} keeps them apart: "
            f"only identical files match {sky}, without detail or with several pages."
        ]


def page_of_words(key: int, *, bars: bool = False) -> Image.Image:
    """A page of words; another key gives other words, bars other letters of the same gray."""
    page = Image.new("L", (600, 800), "white")
    for line in range(40, 760, 24):
        for place in range(40, 560, 26):
            if line * (place + 3) * key % 11 > 4:
                for step in range(0, 16, 8):
                    across = (place, line + step, place + 16, line + step + 4)
                    down = (place + step, line, place + step + 4, line + 16)
                    page.paste(0, down if bars else across)
    return page


@pytest.mark.parametrize("preset", ["similar", "crops"])
def test_pages_of_other_words_are_kept_apart(bare_library: Library, preset: str) -> None:
    pages = [put(bare_library, f"{key}.png", page_of_words(key)) for key in (2, 3)]
    found = facts(bare_library, *pages, "--preset", preset).facts
    assert not found["alike"]
    assert found["comparisons"][0]["limit"] == presets.PRESETS[preset].page


def test_pages_that_differ_in_their_letters_are_said_to(bare_library: Library) -> None:
    pages = [put(bare_library, f"{bars}.png", page_of_words(2, bars=bars)) for bars in (0, 1)]
    verdict, numbers = told(bare_library, *pages)
    reason = (
        "pages must correlate by 0.85 at 256 pixels (0.94 from 13 bits on), "
        "and by 0.80 in every part."
    )
    assert verdict == f"--preset similar keeps them apart: {reason}", numbers


def test_pictures_in_one_frame_are_told_apart_by_what_is_inside(tmp_path: Path) -> None:
    """Whatever the frame makes of the hash of the whole."""
    paths = [tmp_path / f"{name}.png" for name in ("cat", "launch")]
    for path, name in zip(paths, (CAT, LAUNCH), strict=True):
        path.write_bytes(png(ImageOps.expand(small(name), (0, 90, 0, 90), "black")))
    one, other = map(hashed, paths)
    assert one.look
    assert other.look
    whole, inside = one.look.views[0], other.look.views[1]
    near = replace(whole, hash=bytes(n ^ 255 for n in whole.hash[:6]) + whole.hash[6:])
    other = replace(other, look=replace(other.look, views=(near, inside)))
    found = compare(one, other, presets.PRESETS["similar"])
    (verdict,) = (verdict for verdict in found if verdict.view == "whole")
    assert (verdict.distance, verdict.limit, verdict.matches) == (48, 96, False)
    assert verdict.reason == "they look alike (whole), but inside their frames they differ"


def test_near_hashes_of_different_pictures_get_a_closer_look(tmp_path: Path) -> None:
    path = tmp_path / "bars.png"
    path.write_bytes(png(ImageOps.expand(small(CAT), (0, 90, 0, 90), "black")))
    found = compare(hashed(path), hashed(SAMPLES / CAT), presets.PRESETS["similar"])
    assert [verdict.reason for verdict in found[:2]] == [
        "they look alike (inside a frame)",
        "seen closer they differ; needed is a correlation of 0.65 at up to 36 bits, "
        "or 90% of the blocks, and more of what repeats itself",
    ]


def test_copies_that_differ_in_colour_only_are_said_to(bare_library: Library) -> None:
    lines = told(bare_library, sample(COFFEE), sample("edited/coffee_bw.jpg"))
    assert lines[-1] == "They differ only in colour, which is not compared."
    assert "colour" not in "".join(told(bare_library, sample(CAT), sample(CAT_SENT)))


def shot(library: Library, name: str, image: Image.Image, second: int) -> str:
    exif = Image.Exif()
    exif[271], exif[272] = "Maker", "Model"
    exif.get_ifd(0x8769)[36867] = f"2024:05:01 12:00:{second:02}"
    path = library.photos / name
    path.write_bytes(encoded(image, "JPEG", quality=90, exif=exif))
    return str(path)


def test_shots_of_one_burst_are_said_to_be_a_burst(bare_library: Library) -> None:
    """A hash of a picture moved so far is too different, by the rules of the whole picture."""
    first = shot(bare_library, "1.jpg", small(LAUNCH), 1)
    second = shot(bare_library, "2.jpg", trimmed(small(LAUNCH), 0.92), 2)
    later = shot(bare_library, "3.jpg", trimmed(small(LAUNCH), 0.92), 40)
    assert "shots of one camera, seconds apart." in told(bare_library, first, second)[0]
    assert "keeps them apart" in told(bare_library, first, later)[0]
    assert "keeps them apart" in told(bare_library, first, second, "--preset", "copies")[0]


def test_shots_of_the_same_second_are_no_burst_for_copies(bare_library: Library) -> None:
    first = shot(bare_library, "1.jpg", small(LAUNCH), 1)
    second = shot(bare_library, "2.jpg", trimmed(small(LAUNCH), 0.92), 1)
    assert "keeps them apart" in told(bare_library, first, second, "--preset", "copies")[0]


def test_a_threshold_gives_the_plain_verdict(bare_library: Library) -> None:
    pair = sample(LAUNCH), sample(TRIMMED)
    assert told(bare_library, *pair, "--threshold", "22") == [
        "--threshold 22 groups them: their hashes are close.",
        "  whole: 22 bits of the hash differ (up to 22 may)",
    ]
    assert told(bare_library, *pair, "--threshold", "19") == [
        "--threshold 19 keeps them apart: their hashes differ too much.",
        "  whole: 22 bits of the hash differ (up to 19 may)",
        "It would match with --preset copies or similar or crops.",
    ]


def test_a_threshold_may_have_another_hash_size(bare_library: Library) -> None:
    flags = ["--threshold", "3", "--hash-size", "8"]
    assert len(told(bare_library, sample(CAT), sample(COFFEE), *flags)) == 2
    assert "groups them" in told(bare_library, sample(CAT), sample(CAT_SENT), *flags)[0]


def test_verbose_names_every_way_that_was_compared(bare_library: Library) -> None:
    lines = told(bare_library, sample(CAT), sample(PORTRAIT), "--verbose")
    views = {line.strip().partition(":")[0] for line in lines[1:]}
    assert {"whole", "mirrored", "turned by 90", "turned by 270"} <= views


def test_json_has_the_facts(bare_library: Library) -> None:
    ran = facts(bare_library, sample(CAT), sample(CAT_SENT))
    found = ran.facts
    best = found["comparisons"][0]
    assert (found["schema"], found["exit"], found["action"]) == (1, 0, "explain")
    assert found["files"] == [sample(CAT), sample(CAT_SENT)]
    assert (found["setting"], found["alike"]) == ("--preset similar", True)
    assert (best["view"], best["matches"], best["distance"]) == ("whole", True, 2)
    assert best["limit"] == presets.PRESETS["similar"].whole
    assert best["correlation"] > 0.95
    assert best["agreement"] == 1
    assert found["last_find"] is None
    assert "--preset similar groups them" in ran.err


@pytest.mark.parametrize("preset", ["similar", "crops"])
def test_explain_says_the_same_of_a_pair_given_in_either_order(
    preset: str, bare_library: Library
) -> None:
    edits = {
        "part.png": trimmed(small(LAUNCH), 0.94),
        "turned.png": trimmed(small(LAUNCH), 0.99).transpose(Image.Transpose.ROTATE_90),
        "framed.png": ImageOps.expand(small(LAUNCH), 60, "white"),
        "other.png": small(CAT),
    }
    for name, image in edits.items():
        pair = sample(LAUNCH), put(bare_library, name, image)
        there, back = (
            facts(bare_library, *paths, "--preset", preset).facts for paths in (pair, pair[::-1])
        )
        assert there.pop("files") == back.pop("files")[::-1]
        assert there == back


def hashed(path: Path) -> HashedImage:
    result = hash_file(ImageFile(str(path), 0, 0), Recipe(parts=True))
    assert isinstance(result, HashedImage)
    return result


def test_the_verdict_is_that_of_find(tmp_path: Path) -> None:
    pictures = {
        "framed": png(ImageOps.expand(small(CAT), 60, "white")),
        "mirrored": png(ImageOps.mirror(small(COFFEE))),
        "trimmed": png(trimmed(small(PORTRAIT), 0.92)),
        "negative": negative(small(STARS).convert("L")),
        "gray": tiff(small(STARS).convert("L")),
        "scan": png(Image.new("L", (300, 400), "white")),
    }
    for name, data in pictures.items():
        (tmp_path / name).write_bytes(data)
    samples = (SAMPLES / name for name in (*SINGLES, CAT_SENT, TRIMMED))
    images = [hashed(path) for path in (*samples, *(tmp_path / name for name in pictures))]
    seen = set()
    for one, other in combinations(images, 2):
        for preset in ("copies", "similar"):
            rules = presets.PRESETS[preset]
            grouped = bool(list(matching.find_matches([one.look, other.look], rules)))
            assert compare(one, other, rules)[0].matches == grouped
            seen.add((preset, grouped))
    assert len(seen) == 4


# ---- The last find


def test_two_pictures_that_are_joined_only_through_a_third_are_said_to(
    bare_library: Library,
) -> None:
    one, middle, other = chain(bare_library)
    bare_library.find()
    lines = told(bare_library, one, other)
    assert "keeps them apart" in lines[0]
    through = f"joined only through others: {middle}."
    assert lines[-1] == f"The last find has both in group 1, {through}"
    assert told(bare_library, one, middle)[-1] == "The last find has both in group 1."


def test_json_says_through_what_two_pictures_are_joined(bare_library: Library) -> None:
    one, middle, other = chain(bare_library)
    bare_library.find()
    assert facts(bare_library, one, other).facts["last_find"] == {
        "groups": [1, 1],
        "shared": True,
        "only_through_others": True,
        "through": [middle],
        "changed": [],
    }


def test_the_way_between_two_pictures_is_the_same_in_either_direction() -> None:
    """Of two ways of one length it is not the one whose pictures come first."""
    hashes = {"/a": 0b000, "/z": 0b111, "/1": 0b001, "/2": 0b100, "/3": 0b110, "/4": 0b011}
    one, other, *others = (
        HashedImage(
            ImageFile(path, 0, 0), path, Look((View(bytes([bits]), b"", False),), None, None, b"")
        )
        for path, bits in hashes.items()
    )
    changed = {**constants(vars(config)), "THRESHOLD": 1}
    method = methods.chosen(settings_from(changed, str(SAMPLES)))
    there = explain.joined_through([one, other, *others], method)
    assert len(there) == 2
    assert explain.joined_through([other, one, *others], method) == there[::-1]


def test_a_chain_of_plain_hashes_is_said_to_be_one(bare_library: Library) -> None:
    one, middle, other = chain(bare_library)
    bare_library.find("--threshold", "80")
    through = f"joined only through others: {middle}."
    assert told(bare_library, one, other, "--threshold", "80")[-1].endswith(through)


def test_what_the_last_find_joined_with_other_settings_is_not_said_to_go_through_others(
    bare_library: Library,
) -> None:
    one, middle, other = chain(bare_library)
    bare_library.find("--threshold", "80")
    last = "The last find, with other settings, has both in group 1."
    for pair in ((one, middle), (middle, other), (one, other)):
        assert told(bare_library, *pair, "--threshold", "5")[-1] == last
    found = facts(bare_library, one, middle, "--threshold", "5").facts["last_find"]
    assert not found["only_through_others"] and not found["through"]


def test_the_copies_of_a_result_may_be_given(found: Library) -> None:
    copies = [str(found.copy(name)) for name in ("vacation1.jpg", "vacation1_old.jpg")]
    assert told(found, *copies)[-1] == "The last find has both in group 1."


def test_pictures_of_different_groups_or_none_are_said_to_be(found: Library) -> None:
    cat, coffee, stars = (
        str(found.photos / name) for name in ("vacation1.jpg", "z_coffee.jpg", "z_stars.jpg")
    )
    assert told(found, cat, coffee)[-1] == "The last find has them in groups 1 and 2."
    last = "The last find has the first in group 1 and the second in no group."
    assert told(found, cat, stars)[-1] == last


def test_a_match_that_the_last_find_kept_apart_is_said_to_be(found: Library) -> None:
    pair = [str(found.photos / name) for name in ("vacation1.jpg", "z_coffee.jpg")]
    assert told(found, *pair, "--threshold", "108")[-3:] == [
        "The last find has them in groups 1 and 2.",
        "That find had other settings, or too few of the groups' other pictures match.",
        explain.ONE_DESIGN,
    ]


def test_a_photo_that_changed_since_the_find_is_said_to(found: Library) -> None:
    found.add("vacation1_copy.jpg", quality=60)
    changed = str(found.photos / "vacation1_copy.jpg")
    last = told(found, str(found.photos / "vacation1.jpg"), changed)[-1]
    assert last == f"Changed since the last find: {changed}"


def test_a_result_that_cannot_be_trusted_is_not_asked(found: Library) -> None:
    pair = [str(found.photos / name) for name in ("vacation1.jpg", "vacation1_old.jpg")]
    record = found.output / "image-similarity-search.json"
    record.write_text(record.read_text("utf-8").replace("vacation1_old", "vacation2_old"), "utf-8")
    assert "last find" not in "".join(told(found, *pair))


def test_explain_changes_nothing_on_disk(found: Library) -> None:
    before = tree(found.folder)
    pair = [str(found.photos / name) for name in ("vacation1.jpg", "z_coffee.jpg")]
    told(found, *pair)
    facts(found, "--unlike", *pair)
    assert tree(found.folder) == before


# ---- Example pairs


def suggestion(library: Library, *examples: str) -> list[str]:
    ran = library.run("explain", *examples)
    assert (ran.code, ran.err) == (0, ""), ran
    return ran.out.splitlines()


def test_resized_copies_need_no_more_than_copies(library: Library) -> None:
    likes = ["--like", sample(CAT), sample(CAT_SENT), "--like", sample(LAUNCH), sample(TRIMMED)]
    assert suggestion(library, *likes, "--unlike", sample(CAT), sample(COFFEE)) == [
        "Use --preset copies: it fits all examples.",
        "Among 6 unrelated photographs, as many as there are here, "
        "expect fewer than 0.01 false pairs.",
    ]


def test_a_trimmed_picture_needs_similar(library: Library) -> None:
    one, middle, _ = chain(library)
    first, use, _ = suggestion(library, "--like", one, middle)
    assert first == f"--preset copies keeps apart {one} and {middle}."
    assert use == "Use --preset similar: it fits all examples."


def test_a_part_of_a_picture_needs_crops(library: Library) -> None:
    one, _, other = chain(library)
    assert "Use --preset crops: it fits all examples." in suggestion(library, "--like", one, other)


def test_what_every_preset_joins_is_told_apart_by_a_threshold(library: Library) -> None:
    likes = ["--like", sample(CAT), sample(CAT_SENT)]
    lines = suggestion(library, *likes, "--unlike", sample(LAUNCH), sample(TRIMMED))
    joined = f"joins {sample(LAUNCH)} and {sample(TRIMMED)}."
    assert lines[:4] == [f"--preset {preset} {joined}" for preset in presets.PRESETS]
    assert lines[4] == "Use --threshold 2: it fits all examples."


NOTHING_FITS = (
    "No preset and no threshold up to 92 fits these examples; beyond, unrelated photographs match."
)


def test_a_threshold_that_joins_unrelated_photographs_is_not_suggested(library: Library) -> None:
    assert suggestion(library, "--like", sample(CAT), sample(COFFEE))[-1] == NOTHING_FITS


def test_examples_that_nothing_fits_are_named(library: Library) -> None:
    different = [sample(CAT), sample(COFFEE)]
    same = [sample(CAT), sample(CAT_SENT)]
    lines = suggestion(library, "--like", *different, "--unlike", *same)
    assert f"--preset similar keeps apart {' and '.join(different)}." in lines
    assert any(
        line.startswith("--threshold") and line.endswith(f"joins {' and '.join(same)}.")
        for line in lines
    )
    assert lines[-1] == NOTHING_FITS


def test_what_likes_join_cannot_be_unlike(library: Library) -> None:
    """A setting that joins a and b, and b and c, puts a and c into one group."""
    one, middle, other = chain(library)
    likes = ["--like", one, middle, "--like", middle, other]
    lines = suggestion(library, *likes, "--unlike", one, other)
    assert lines[-1] == NOTHING_FITS
    assert f"--preset similar joins {one} and {other}." in lines


def test_a_picture_without_detail_fits_nothing(library: Library) -> None:
    sky = put(library, "sky.png", Image.new("RGB", (400, 300), "skyblue"))
    found = facts(library, "--like", sample(CAT), sky).facts
    assert found["suggestion"] is None
    assert {tuple(misfit["keeps_apart"][0]) for misfit in found["misfits"]} == {(sample(CAT), sky)}
    assert len(found["misfits"]) == 5


def test_json_has_the_suggestion(library: Library) -> None:
    examples = [
        "--like",
        sample(CAT),
        sample(CAT_SENT),
        "--unlike",
        sample(LAUNCH),
        sample(TRIMMED),
    ]
    found = facts(library, *examples, "--exclude", "none").facts
    assert (found["schema"], found["exit"], found["photos"]) == (1, 0, 6)
    bits = int(found["suggestion"].removeprefix("--threshold "))
    assert found["false_pairs"] == pytest.approx(fitting.false_pairs(bits, 6))
    assert [misfit["setting"] for misfit in found["misfits"]] == [
        f"--preset {preset}" for preset in presets.PRESETS
    ]


def test_false_pairs_follow_what_unrelated_photographs_measured() -> None:
    """Of 1,000 of them, the closest two were 84 bits apart, and half of the pairs 127."""
    assert fitting.false_pairs(78, 1000) < 0.01
    assert 0.05 < fitting.false_pairs(84, 1000) < 1
    assert fitting.false_pairs(127, 1000) == pytest.approx(1000 * 999 / 4)
    assert fitting.false_pairs(84, 10_000) > 99 * fitting.false_pairs(84, 1000)
    assert fitting.false_pairs(84, 1) == fitting.false_pairs("similar", 0) == 0


def test_every_preset_has_a_measured_rate_of_false_pairs() -> None:
    assert fitting.FALSE_PAIRS_PER_MILLION.keys() == presets.PRESETS.keys()


# ---- Wrong use


def refused(library: Library, action: str, *arguments: str) -> str:
    ran = library.run(action, *arguments)
    assert (ran.code, ran.out) == (2, ""), ran
    (line,) = ran.err.splitlines()
    return line


def test_a_missing_photo_is_refused_by_name(bare_library: Library) -> None:
    missing = str(bare_library.photos / "missing.jpg")
    line = f"error: {missing} can't be read: No such file or directory; name a photo that can."
    assert refused(bare_library, "explain", sample(CAT), missing) == line
    assert refused(bare_library, "explain", "--like", sample(CAT), missing) == line


def test_two_missing_photos_are_both_named_in_their_order(
    bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever worker is done first."""
    one, other = (str(bare_library.photos / name) for name in ("one.jpg", "other.jpg"))
    hash_files = finder.hash_files
    for order in (list, reversed):

        def in_order(*given: Any, order: Any = order, **options: Any) -> Any:
            results = sorted(hash_files(*given, **options), key=lambda each: each.file.path)
            return order(results)

        monkeypatch.setattr(finder, "hash_files", in_order)
        line = refused(bare_library, "explain", one, other)
        assert line == (
            f"error: {one} can't be read: No such file or directory; "
            f"{other} can't be read: No such file or directory; name photos that can."
        )


def test_a_file_that_is_no_picture_is_refused_by_name(bare_library: Library) -> None:
    text = bare_library.photos / "text.jpg"
    text.write_text("no picture")
    assert f"{text} can't be read" in refused(bare_library, "explain", sample(CAT), str(text))
    folder = str(bare_library.photos)
    assert f"{folder} can't be read" in refused(bare_library, "explain", sample(CAT), folder)


def test_explain_takes_two_photos_or_examples(bare_library: Library) -> None:
    cat = sample(CAT)
    for arguments in ([], [cat], [cat] * 3, [cat, cat, "--like", cat, cat]):
        assert "takes either two photos, or pairs" in refused(bare_library, "explain", *arguments)


@pytest.mark.parametrize("action", ["check-deleted", "cleanup", "review"])
def test_other_actions_take_no_photos(bare_library: Library, action: str) -> None:
    cat = sample(CAT)
    said = f"{cat}: --action {action} takes no folder or photo"
    assert said in refused(bare_library, action, cat)
    for flag in ("--like", "--unlike"):
        assert "only for --action explain" in refused(bare_library, action, flag, cat, cat)


def test_photos_may_stand_anywhere_among_the_flags(bare_library: Library) -> None:
    first, second = sample(CAT), sample(CAT_SENT)
    arguments = [first, "--action", "explain", "--json", second, "--threshold", "40"]
    output = ["--output-dir", str(bare_library.output)]
    ran = bare_library.run_exactly(*arguments, *output)
    assert ran.facts["files"] == [first, second]
