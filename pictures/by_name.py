"""What takes long to import, and is given by its name until it is wanted."""

from importlib import import_module
from typing import Any


def named(name: str) -> Any:
    """The function or class of a module, such as "pictures.hashing:hash_file"."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
