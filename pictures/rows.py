"""What a store keeps of a file's content: by which names and versions, and in which form."""

import hashlib
import zlib
from dataclasses import dataclass
from importlib.metadata import version

from pictures.recipe import FINGERPRINT, Recipe

DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a file's content, by name; values of another version are dropped.

    `length` is how many bytes a hash in it has, or a vector.
    """

    name: str
    version: str
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """What a recipe makes: looks, and what a model makes of them.

    With `hashes`, those of the looks are kept by themselves, too, for a run with a threshold.
    """

    look: Row
    embedding: Row | None = None
    hashes: Row | None = None


def rows_of(recipe: Recipe) -> Rows:
    """The rows that hold what a recipe makes; their version tells all that takes part in it."""
    version, length = _version(), recipe.hash_bytes
    embedding = recipe.embedding_key
    plain = recipe.only_hash or recipe.is_decoded_larger
    return Rows(
        Row(recipe.key, version, length),
        Row(embedding, version, recipe.vector_bytes) if embedding else None,
        None if plain else Row(recipe.hash_key, version, length),
    )


def _version() -> str:
    """All that takes part in a look: our code by its number, and what decodes and defines hashes.

    Pillow brings its decoders along. NumPy and SciPy aren't named: they only round, as other
    processors do, too.
    """
    packages = (f"{name} {version(name)}" for name in ("Pillow", "ImageHash"))
    return ", ".join([f"fingerprint {FINGERPRINT}", *packages])


@dataclass(frozen=True, slots=True)
class Value:
    """What was made of a file, and where its small pictures begin, if there are any."""

    data: bytes
    place: int | None = None
    length: int = 0  # of its small pictures


def whole(digest: object, value: object, checksum: object, place: object) -> Value | None:
    """A value, if it and its digest are what was written, by their checksum."""
    if not isinstance(digest, bytes) or not isinstance(value, bytes):
        return None
    if len(digest) != DIGEST_BYTES or zlib.crc32(value, zlib.crc32(digest)) != checksum:
        return None
    return Value(value, place if isinstance(place, int) else None)


def row_of(
    method: int, digest: bytes, value: Value
) -> tuple[int, int | None, int, bytes, bytes, int]:
    checksum = zlib.crc32(value.data, zlib.crc32(digest))
    return method, value.place, value.length, digest, value.data, checksum
