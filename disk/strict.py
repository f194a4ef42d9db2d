"""Values of a JSON file, read strictly: what is odd in any way is a ValueError that says where."""

import os
import re
from typing import Any

LARGEST_NUMBER = (1 << 63) - 1  # of what a file system knows
LONGEST_PATH, LONGEST_NAME = 4096, 255  # bytes


def table_of(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object")
    return value


def rows_of(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{what} must be a list")
    return value


def text_of(value: object, what: str) -> str:
    """The value, if it is text that the name of a file can hold."""
    if "\0" in words_of(value, what):
        raise ValueError(f"{what} must be text without NUL")
    return str(value)


def words_of(value: object, what: str) -> str:
    """The value, if it is text; what it says is for people only, and may be of any characters."""
    if not isinstance(value, str):
        raise ValueError(f"{what} must be text")
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError(f"{what} must be text that can be written") from None
    return value


def number_of(value: object, what: str, least: int = -LARGEST_NUMBER) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{what} must be a whole number")
    if not least <= value <= LARGEST_NUMBER:
        raise ValueError(f"{what} must be a number from {least} to {LARGEST_NUMBER}")
    return value


def fraction_of(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise ValueError(f"{what} must be a number")  # which NaN is not
    return float(value)


def digest_of(value: object, what: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text_of(value, what)):
        raise ValueError(f"{what} must be a SHA-256 in hex")
    return str(value)


def moment_of(value: object, what: str) -> str:
    """The value, if it is a date with a time as ISO 8601 has it."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.+-]{8,24}", text_of(value, what), re.ASCII):
        raise ValueError(f"{what} must be a date with a time")
    return str(value)


def path_of(value: object, what: str) -> str:
    """The value, if it is an absolute path without a detour."""
    path = text_of(value, what)
    if not os.path.isabs(path) or path != os.path.normpath(path) or path.startswith(os.sep * 2):
        raise ValueError(f"{what} must be absolute paths without detours")
    if len(os.fsencode(path)) > LONGEST_PATH or any(map(_is_too_long, path.split(os.sep))):
        raise ValueError(f"{what} must be paths that can exist")
    return path


def name_of(value: object, what: str) -> str:
    name = text_of(value, what)
    if not name or os.path.basename(name) != name or name in (".", "..") or _is_too_long(name):
        raise ValueError(f"{what} must be plain names")
    return name


def _is_too_long(name: str) -> bool:
    return len(os.fsencode(name)) > LONGEST_NAME
