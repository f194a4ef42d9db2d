"""Say why two photos match or don't, or which setting fits examples."""

import argparse
import dataclasses
import os

import finder
from actions.console import Console
from actions.find_photos import hashing, walk_through
from actions.result import paths_of
from actions.values import PRESET_HASH_SIZE
from config import Settings
from disk.decisions import load_decisions
from disk.files import ImageFile
from disk.result import Result, open_result
from extras import explain, fitting
from pictures import methods
from pictures.images import HashedImage, HashFiles
from pictures.recipe import Recipe


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    """Say why two photos match or don't, or which setting fits examples. Changes nothing."""
    if arguments.photos:
        explain_two(settings, arguments, console)
    else:
        suggest_setting(settings, arguments, console)


def by_looks(hash_size: int, workers: int) -> HashFiles:
    """How photos are hashed for all that presets and a threshold can say of them."""
    return lambda files: finder.hash_files(files, Recipe(hash_size, parts=True), workers)


def explain_two(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    paths = [os.path.realpath(path) for path in arguments.photos]
    method = methods.chosen(settings)
    everything = dataclasses.replace(method.recipe, parts=True, only_hash=False)
    one, other = explain.hashed(paths, hashing(method, everything, settings.workers))
    found = open_result(paths_of(settings))
    manifest = found.manifest if isinstance(found, Result) else None
    explanation = explain.explain(
        one,
        other,
        method,
        manifest,
        by_looks(settings.hash_size, settings.workers),
        across_in(settings),
    )
    for line in explain.explained(explanation, everything=arguments.verbose):
        console.say(line)
    console.facts.update(dataclasses.asdict(explanation), kept=say_kept(console, one, other))


def say_kept(console: Console, *images: HashedImage) -> list[str]:
    """Say when two photos were kept side by side, as far as decisions know their files."""
    decisions = load_decisions()
    pictures = [decisions.picture_of(image.digest) or image.digest for image in images]
    kept = decisions.about(pictures)
    for decision in kept:
        console.say(f"They were kept side by side on {decision.day} (find --show-kept).")
    return [decision.time for decision in kept]


def across_in(settings: Settings) -> explain.Across | None:
    """Which photos --across keeps apart, if it is asked for."""
    if not settings.across:
        return None
    finder.check_input(settings.input_dirs, settings.output_dir)
    finder.check_sides(settings.input_dirs)
    return explain.Across(finder.Sides(settings.input_dirs).of_path, settings.input_dirs)


def suggest_setting(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    finder.check_input(settings.input_dirs, settings.output_dir)
    pairs = [(pair, True) for pair in arguments.like] + [(pair, False) for pair in arguments.unlike]
    paths = [os.path.realpath(path) for pair, _ in pairs for path in pair]
    # The presets need this size, and a threshold is suggested for it.
    images = iter(explain.hashed(paths, by_looks(PRESET_HASH_SIZE, settings.workers)))
    examples = [fitting.Example(next(images), next(images), like) for _, like in pairs]
    photos = sum(
        isinstance(found, ImageFile) for found in walk_through(settings, paths_of(settings))
    )
    attempts = fitting.suggest(examples, photos)
    for line in fitting.suggested(attempts, photos):
        console.say(line)
    console.facts.update(fitting.facts_of(attempts), photos=photos)
