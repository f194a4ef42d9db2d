"""Which pictures of a burst are shots that can be ranked by their sharpness."""

from made_pictures import LAUNCH, photo
from test_rules import linked, picture, shot

from extras.review.judged import Picture
from extras.review.rules import suggest
from extras.review.versions import thumbprint


def ranked(*pictures: Picture) -> tuple[tuple[int, ...], ...]:
    return suggest(1, pictures, [linked("burst")]).ranked


def test_only_dated_shots_of_one_camera_and_size_are_ranked_in_order_of_time() -> None:
    shots = [shot(0, "10:00:04"), shot(1, "10:00:02"), shot(2, "10:00:03", camera="Nikon")]
    others = [picture(3), shot(4, "10:00:01", width=800), shot(5, "10:00:01", camera="")]
    assert ranked(*shots, *others) == ((1,), (0,))


def test_a_version_of_a_shot_is_no_shot_and_its_best_version_stands_for_it() -> None:
    shots = [shot(0, "10:00:00", quality=60), shot(1, "10:00:00"), shot(2, "10:00:01")]
    assert ranked(*shots) == ((1,), (2,))
    large_ones_are_fewer = [shot(0, "10:00:00"), shot(1, "10:00:01")]
    small = [shot(2 + n, f"10:00:0{n}", width=800) for n in range(3)]
    assert ranked(*large_ones_are_fewer, *small) == ((0,), (1,))


def test_shots_of_one_second_that_differ_or_say_their_fractions_are_ranked_apart() -> None:
    other = thumbprint(photo(LAUNCH))
    assert ranked(shot(0, "10:00:00"), shot(1, "10:00:00", thumbprint=other)) == ((0,), (1,))
    assert ranked(shot(0, "10:00:00.1"), shot(1, "10:00:00.4")) == ((0,), (1,))
    assert ranked(shot(0, "10:00:00.1"), shot(1, "10:00:00"), shot(2, "10:00:01")) == ((0,), (2,))


def test_what_was_taken_long_before_or_after_a_burst_is_not_ranked_with_it() -> None:
    shots = [shot(0, "10:00:00"), shot(1, "10:00:08"), shot(2, "10:00:16"), shot(3, "10:00:27")]
    assert ranked(*shots) == ((0,), (1,), (2,))


def test_an_edited_picture_is_not_ranked_among_shots_as_the_camera_wrote_them() -> None:
    edit = shot(2, "10:00:02", edited=True)
    assert ranked(shot(0, "10:00:00"), shot(1, "10:00:01"), edit) == ((0,), (1,))
    assert ranked(edit, shot(3, "10:00:03", edited=True)) == ((2,), (3,))


def test_identical_files_and_a_raw_with_its_jpeg_are_one_shot_judged_by_the_jpeg() -> None:
    of_raw = {"format": "RAW", "path": "/p/1.cr2", "width": 4040}
    pair = [shot(0, "10:00:00", path="/p/1.jpg"), shot(1, "10:00:00", **of_raw)]
    same = {"digest": "same"}
    assert ranked(*pair, shot(2, "10:00:01", **same), shot(3, "10:00:01", **same)) == (
        (0, 1),
        (2, 3),
    )


def test_nothing_is_ranked_where_find_has_seen_a_burst_without_dates() -> None:
    assert ranked(picture(0), picture(1, quality=60), picture(2)) == ()
