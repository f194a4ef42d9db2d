"""Say why two photos match or don't, or which setting fits examples."""

import argparse
import dataclasses
import os

from actions.console import Console
from actions.find import hashing, walk_through
from actions.result import paths_of
from actions.values import PRESET_HASH_SIZE, check_input
from config import Settings
from disk import places
from disk.files import ImageFile
from disk.result import Result, open_result
from finder import Hash
from pictures import methods


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    """Say why two photos match or don't, or which setting fits examples. Changes nothing."""
    if arguments.photos:
        explain_two(settings, arguments, console)
    else:
        suggest_setting(settings, arguments, console)


def hash_for(settings: Settings) -> Hash:
    """How photos are hashed for all that can be said of them, whatever the method wants."""
    method = methods.chosen(settings)
    recipe = dataclasses.replace(method.recipe, parts=True, only_hash=False)
    return hashing(method, recipe, settings.workers)


def explain_two(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    from extras import explain

    paths = [os.path.realpath(path) for path in arguments.photos]
    one, other = explain.hashed(paths, hash_for(settings))
    found = open_result(paths_of(settings))
    manifest = found.manifest if isinstance(found, Result) else None
    explanation = explain.explain(one, other, settings, manifest)
    for line in explain.explained(explanation, everything=arguments.verbose):
        console.say(line)
    console.facts.update(dataclasses.asdict(explanation))


def suggest_setting(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    from extras import explain, fitting

    check_input(settings.input_dirs, settings.output_dir)
    places.check_open(settings.input_dirs)
    pairs = [(pair, True) for pair in arguments.like] + [(pair, False) for pair in arguments.unlike]
    paths = [os.path.realpath(path) for pair, _ in pairs for path in pair]
    # The presets need this size, and a threshold is suggested for it.
    by_hash = dataclasses.replace(settings, hash_size=PRESET_HASH_SIZE, method="hash")
    images = iter(explain.hashed(paths, hash_for(by_hash)))
    examples = [fitting.Example(next(images), next(images), like) for _, like in pairs]
    photos = sum(
        isinstance(found, ImageFile)
        for found in walk_through(settings.input_dirs, settings.exclude, paths_of(settings))
    )
    attempts = fitting.suggest(examples, photos)
    for line in fitting.suggested(attempts, photos):
        console.say(line)
    console.facts.update(fitting.facts_of(attempts), photos=photos)
