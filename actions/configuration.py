"""What config.py says, or another file in its place, and the settings that flags make of it."""

import argparse
import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import config
from actions import values
from actions.mistakes import MISTAKES, said
from actions.near import nearest
from actions.next_command import is_installed
from actions.options import OPTIONS, Option
from actions.values import Values
from config import Settings, UserError

PROGRAM = os.path.dirname(os.path.abspath(config.__file__))  # its folder


def samples() -> str:
    """The folder of the sample photos."""
    return os.path.realpath(os.path.join(PROGRAM, "tests", "samples"))


@dataclass(frozen=True, slots=True)
class Configuration:
    """A value for each name, the folder that its paths begin in, and the names that it lacks."""

    by_name: dict[str, object]
    base: str
    lacks: tuple[str, ...] = ()


def configured(file: str | None) -> Configuration:
    """What config.py says or, if one is named, another file; UserError for what it can't be."""
    if file is None:
        module, where, base = vars(config), "config.py", PROGRAM
    else:
        where = os.path.abspath(os.path.expanduser(file))
        module, base = _read(where), os.path.dirname(where)
    lacks = tuple(option.name for option in OPTIONS if option.name not in module)
    return Configuration(constants(module, where), base, lacks if file is None else ())


def _read(path: str) -> dict[str, object]:
    """The names that a file of Python binds."""
    names: dict[str, object] = {"__name__": "config", "__file__": path}
    try:
        with open(path, "rb") as stream:
            source = stream.read()
    except OSError as error:
        raise UserError(f"--config {path}: {error.strerror}; name a file like config.py.") from None
    if b"\0" in source:  # as in a picture; Python's own words for it help nobody
        raise UserError(f"--config {path}: this is no file of Python; name a file like config.py.")
    try:
        exec(compile(source, path, "exec"), names)
    except MISTAKES as error:
        raise UserError(said(path, error)) from None
    return names


def constants(module: Mapping[str, object], where: str = "config.py") -> dict[str, object]:
    """The values of an edited config.py, as shipped where it has none; UserError for a slip."""
    known = [option.name for option in OPTIONS]
    for name in sorted(module.keys() - known):
        _check_unknown(name, module[name], known, where)
    return {o.name: module[o.name] if o.name in module else _shipped(o) for o in OPTIONS}


def _shipped(option: Option) -> object:
    """The value that config.py is shipped with; folders are those beside the program.

    An installed program has no place for results, so they go where one is.
    """
    if option.name == "OUTPUT_DIR" and is_installed():
        return os.path.abspath(str(option.default))
    if option.name in ("INPUT_DIR", "OUTPUT_DIR"):
        return os.path.join(PROGRAM, str(option.default))
    return option.default


def _check_unknown(name: str, value: object, known: Sequence[str], where: str) -> None:
    """A name of config.py that no option has is the user's own; UserError for what is a slip."""
    is_value = not name.startswith("_") and isinstance(value, (str, int, list, tuple))
    if not name.isupper() and not is_value:
        return
    likeness = 0.6 if name.isupper() else 0.85  # other names may be the user's own
    near = nearest(name.upper(), known, likeness)
    if name.isupper() or near:
        hint = f"did you mean {near}?" if near else "remove it."
        raise UserError(f"{where}: unknown name {name}; {hint}")


def line_for(name: str) -> str:
    """The line of config.py by which a name has its default."""
    return next(f"{name} = {o.default!r}".replace("'", '"') for o in OPTIONS if o.name == name)


# ---- The settings


def settings_of(arguments: argparse.Namespace, given: Configuration) -> Settings:
    """config.py's values, as overridden by flags, checked."""
    merged = dict(given.by_name)
    for option in OPTIONS:
        flagged = getattr(arguments, option.name)
        if flagged is not None:
            merged[option.name] = option.merge(flagged, given.by_name[option.name])
    if arguments.PRESET is not None:
        if arguments.THRESHOLD is not None:
            raise UserError("--preset and --threshold exclude each other; give one of them.")
        merged["THRESHOLD"] = None
    check_only(arguments, merged)
    if arguments.no_cache:
        merged["CACHE_FILE"] = None
    return settings_from(merged, given.base)


def name_output(arguments: argparse.Namespace, given: Configuration) -> None:
    """Have the commands that follow name a folder for results that is one of the current folder.

    From another folder they wouldn't find the result there.
    """
    here = os.path.abspath(next(str(o.default) for o in OPTIONS if o.name == "OUTPUT_DIR"))
    if is_installed() and arguments.OUTPUT_DIR is None and given.by_name["OUTPUT_DIR"] == here:
        arguments.OUTPUT_DIR = here


def check_only(arguments: argparse.Namespace, merged: Mapping[str, object]) -> None:
    """Raise UserError for a flag that nothing would come of with these settings."""
    for option in OPTIONS:
        if option.only and option.given_in(arguments) and merged["METHOD"] == "hash":
            raise UserError(f"{option.flag}: only {option.only}; add that, or leave it out.")


def settings_from(by_name: Mapping[str, object], base: str) -> Settings:
    """The values of config.py, checked; relative folders are relative to `base`.

    Raises UserError for the first wrong value.
    """
    given = Values(by_name, base)
    checked: dict[str, Any] = {o.field: o.check(given, o.name) for o in OPTIONS}
    if checked.keys() - {field.name for field in dataclasses.fields(Settings)}:
        raise UserError(
            "config.py is of an earlier version; put the shipped one back, and give yours by "
            "--config FILE."
        )
    settings = Settings(**checked)
    values.check_protect(settings.protect, settings.output_dir)
    return settings
