"""Where the program keeps what belongs to a user and to no result."""

import os

from disk import system

CACHE_SUFFIX = ".sqlite"
PROGRAM = "image-similarity-search"


def default_cache_file() -> str:
    """Where the cache lies unless told otherwise: the user's folder for such files."""
    folder = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(folder):
        folder = os.path.expanduser("~/Library/Caches" if system.is_mac() else "~/.cache")
    return os.path.join(folder, PROGRAM, "cache" + CACHE_SUFFIX)


def decisions_file() -> str:
    """Where a person's decisions lie: in their folder for data that no program can make anew."""
    folder = os.environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(folder):
        mac = system.is_mac()
        folder = os.path.expanduser("~/Library/Application Support" if mac else "~/.local/share")
    return os.path.join(folder, PROGRAM, "decisions.jsonl")


def config_file() -> str:
    """Where the config.py of an installed program lies; a clone has its own."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(folder):
        folder = os.path.expanduser(
            "~/Library/Application Support" if system.is_mac() else "~/.config"
        )
    return os.path.join(folder, PROGRAM, "config.py")
