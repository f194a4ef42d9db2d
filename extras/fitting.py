"""Which setting fits pairs of pictures that a person wants together, or apart.

Changes nothing on disk.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from disk.lines import to_line
from extras.points import installed as points
from pictures import matching
from pictures.connected import cluster
from pictures.images import HashedImage
from pictures.presets import PRESETS

# Unrelated photographs, measured by the benchmark: bits apart, on average, and the deviation.
UNRELATED_MEAN = 127.0
UNRELATED_DEVIATION = 8.3
# Pairs of different pictures that each preset takes for the same, at most (95 % sure): the
# benchmark saw none in the 4.4 million pairs of its test half.
FALSE_PAIRS_PER_MILLION = {"copies": 0.7, "similar": 0.7, "crops": 0.7, "most": 0.7}
LARGEST_THRESHOLD = 92  # beyond it, unrelated photographs match: some ten of a million pairs


@dataclass(frozen=True, slots=True)
class Example:
    """Two pictures that a person wants in one group, or in none together."""

    one: HashedImage
    other: HashedImage
    like: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """A setting, the examples that it gets wrong, and how many false pairs to expect from it."""

    setting: str
    wrong: tuple[Example, ...]
    false_pairs: float


def suggest(examples: Sequence[Example], photos: int) -> list[Attempt]:
    """Try the presets, then a threshold, up to the first that gets no example wrong.

    The examples are grouped as find groups them. If the last attempt gets some wrong, all do.
    """
    images = list({e.file.path: e for pair in examples for e in (pair.one, pair.other)}.values())
    digests, looks = [image.digest for image in images], [image.look for image in images]
    attempts: list[Attempt] = []
    for preset, rules in PRESETS.items():
        if rules.points and not points.is_installed():
            continue
        clusters, _ = matching.group(digests, looks, rules)
        wrong = _wrong(examples, images, [found.members for found in clusters])
        attempts.append(Attempt(f"--preset {preset}", wrong, false_pairs(preset, photos)))
        if not wrong:
            return attempts
    return [*attempts, _threshold(examples, images, photos)]


def _threshold(examples: Sequence[Example], images: Sequence[HashedImage], photos: int) -> Attempt:
    """The least threshold that joins what is to be joined, or the greatest of use."""
    digests = [image.digest for image in images]
    hashes = [image.look.views[0].hash if image.look else None for image in images]
    for bits in range(LARGEST_THRESHOLD + 1):
        wrong = _wrong(examples, images, cluster(digests, hashes, bits))
        if not any(example.like for example in wrong):
            break
    return Attempt(f"--threshold {bits}", wrong, false_pairs(bits, photos))


def _wrong(
    examples: Sequence[Example], images: Sequence[HashedImage], groups: Sequence[Sequence[int]]
) -> tuple[Example, ...]:
    """The examples that some groups of the pictures, by position, get wrong."""
    group_of = {image.file.path: -1 - position for position, image in enumerate(images)}
    for number, members in enumerate(groups):
        group_of.update((images[position].file.path, number) for position in members)
    return tuple(
        e for e in examples if (group_of[e.one.file.path] == group_of[e.other.file.path]) != e.like
    )


def false_pairs(setting: str | int, photos: int) -> float:
    """How many pairs of different photographs a preset or a threshold joins, on average."""
    pairs = photos * (photos - 1) / 2
    if isinstance(setting, str):
        return pairs * FALSE_PAIRS_PER_MILLION[setting] / 1e6
    deviations = (UNRELATED_MEAN - setting) / UNRELATED_DEVIATION
    return pairs * math.erfc(deviations / math.sqrt(2)) / 2


# ---- In words


def suggested(attempts: Sequence[Attempt], photos: int) -> Iterator[str]:
    """What a suggestion says, as lines."""
    for attempt in attempts:
        for example in attempt.wrong:
            does = "keeps apart" if example.like else "joins"
            pair = f"{to_line(example.one.file.path)} and {to_line(example.other.file.path)}"
            yield f"{attempt.setting} {does} {pair}."
    last = attempts[-1]
    if last.wrong:
        yield (
            f"No preset and no threshold up to {LARGEST_THRESHOLD} fits these examples; beyond, "
            "unrelated photographs match."
        )
        return
    yield f"Use {last.setting}: it fits all examples."
    most = "at most" if last.setting.startswith("--preset") else "about"
    number = "fewer than 0.01" if last.false_pairs < 0.01 else f"{most} {last.false_pairs:,.2f}"
    yield (
        f"Among {photos:,} unrelated photographs, as many as there are here, "
        f"expect {number} false pairs."
    )


def facts_of(attempts: Sequence[Attempt]) -> dict[str, object]:
    """What a suggestion says, for --json."""
    last = attempts[-1]
    return {
        "suggestion": None if last.wrong else last.setting,
        "false_pairs": None if last.wrong else last.false_pairs,
        "misfits": [
            {
                "setting": attempt.setting,
                "keeps_apart": [_paths(e) for e in attempt.wrong if e.like],
                "joins": [_paths(e) for e in attempt.wrong if not e.like],
            }
            for attempt in attempts
            if attempt.wrong
        ],
    }


def _paths(example: Example) -> list[str]:
    return [example.one.file.path, example.other.file.path]
