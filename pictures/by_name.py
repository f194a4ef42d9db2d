"""What takes long to import, and is given by its name until it is wanted."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from config import UserError


def named(name: str) -> Any:
    """The function or class of a module, such as "pictures.hashing:hash_file"."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def of_extras(row: str, what: str) -> Any:
    """What has a name; UserError where that is in extras/, `what` asks for it, and it is gone."""
    if row.startswith("extras.") and find_spec("extras") is None:
        raise UserError(f"{what} needs the folder extras/ beside main.py; restore it.")
    return named(row)
