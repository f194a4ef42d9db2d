"""Say why two photos match or don't, or which setting fits examples."""

import argparse
import dataclasses
import os
from collections.abc import Iterable, Sequence

import finder
from actions.console import Console
from actions.find_photos import hashing, walk_through
from actions.result import paths_of
from actions.values import PRESET_HASH_SIZE
from config import Settings
from disk.decisions import load_decisions
from disk.files import ImageFile
from disk.record import Manifest
from disk.result import OutputPaths, Result, open_result
from extras import explain, fitting
from extras.points import installed as points
from pictures import methods
from pictures.images import HashedImage, HashFiles
from pictures.methods import Method
from pictures.recipe import Recipe


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    """Say why two photos match or don't, or which setting fits examples. Changes nothing."""
    workers, paths = settings.workers, paths_of(settings)
    if arguments.photos:
        method = methods.chosen(settings)
        one, other = two_photos(arguments.photos, method, workers)
        across = across_of(settings.input_dirs, settings.output_dir) if settings.across else None
        hash_again = by_looks(settings.hash_size, workers)
        explanation = explain.explain(one, other, method, record_in(paths), hash_again, across)
        for line in explain.explained(explanation, everything=arguments.verbose):
            console.say(line)
        console.facts.update(dataclasses.asdict(explanation), kept=say_kept(console, one, other))
    else:
        finder.check_input(settings.input_dirs, settings.output_dir)
        examples = examples_of(arguments.like, arguments.unlike, workers)
        walked = walk_through(settings.input_dirs, settings.exclude, settings.min_size, paths)
        photos = sum(isinstance(found, ImageFile) for found in walked)
        suggest_setting(examples, photos, console)


def by_looks(hash_size: int, workers: int) -> HashFiles:
    """How photos are hashed for all that presets and a threshold can say of them."""
    recipe = Recipe(hash_size, parts=True, points=points.is_installed())
    return lambda files: finder.hash_files(files, recipe, workers)


def two_photos(
    given: Iterable[str], method: Method, workers: int
) -> tuple[HashedImage, HashedImage]:
    """Two photos, hashed for all that a method and the presets can say of them."""
    everything = dataclasses.replace(
        method.recipe, parts=True, points=points.is_installed(), only_hash=False
    )
    paths = [os.path.realpath(path) for path in given]
    one, other = explain.hashed(paths, hashing(method, everything, workers))
    return one, other


def record_in(paths: OutputPaths) -> Manifest | None:
    """The record of the last find, if it can be read."""
    found = open_result(paths)
    return found.manifest if isinstance(found, Result) else None


def say_kept(console: Console, *images: HashedImage) -> list[str]:
    """Say when two photos were kept side by side, as far as decisions know their files."""
    decisions = load_decisions()
    pictures = [decisions.picture_of(image.digest) or image.digest for image in images]
    kept = decisions.about(pictures)
    for decision in kept:
        console.say(f"They were kept side by side on {decision.day} (find --show-kept).")
    return [decision.time for decision in kept]


def across_of(input_dirs: Sequence[str], output_dir: str) -> explain.Across:
    """Which photos --across keeps apart."""
    finder.check_input(input_dirs, output_dir)
    return explain.Across(finder.sides_of(input_dirs).of_path, input_dirs)


def examples_of(
    like: Iterable[Sequence[str]], unlike: Iterable[Sequence[str]], workers: int
) -> list[fitting.Example]:
    """The pairs of photos that should match and those that shouldn't, hashed."""
    pairs = [(pair, True) for pair in like] + [(pair, False) for pair in unlike]
    paths = [os.path.realpath(path) for pair, _ in pairs for path in pair]
    # The presets need this size, and a threshold is suggested for it.
    images = iter(explain.hashed(paths, by_looks(PRESET_HASH_SIZE, workers)))
    return [fitting.Example(next(images), next(images), is_like) for _, is_like in pairs]


def suggest_setting(examples: list[fitting.Example], photos: int, console: Console) -> None:
    """Say which setting fits the examples, and what it would cost in so many photos."""
    attempts = fitting.suggest(examples, photos)
    for line in fitting.suggested(attempts, photos):
        console.say(line)
    console.facts.update(fitting.facts_of(attempts), photos=photos)
