"""Where tasks leave their results: files in a folder or an object store, each of them whole."""

import contextlib
import hashlib
import os
import posixpath
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from config import Exit, UserError
from disk.files import sync_folder

ENDING = ".parquet"
# What tasks read again and again: small pictures, in half of Zstandard's time and 1.07 of its room.
QUICK, COMMON = "lz4", "zstd"
MAGIC, SEAL_BYTES = b"PAR1", 16


def name_of(kind: str, *made_of: object) -> str:
    """The name of what is made of something: its digest."""
    return f"{kind}-{hashlib.blake2b(repr(made_of).encode(), digest_size=16).hexdigest()}"


def errors_of_stores() -> tuple[type[Exception], ...]:
    """What is raised of a place that can't be used: by fsspec, and behind s3:// by botocore."""
    botocore = sys.modules.get("botocore.exceptions")  # there once such a place was tried
    return (OSError, ValueError, ImportError, *([botocore.BotoCoreError] if botocore else []))


def _tells_of_damage(error: Exception) -> bool:
    """Whether it is Arrow that can't read what it got.

    It raises plain OSErrors without a number; what a store raises that doesn't answer, or refuses,
    may have none either, but a kind.
    """
    if isinstance(error, OSError):
        return type(error) is OSError and error.errno is None
    return not isinstance(error, MemoryError)


def sealed(data: bytes) -> bytes:
    """A Parquet file with a digest of its last part behind it, of which it has none itself.

    A bit of that part can hide rows or exchange them, and nothing else would tell.
    """
    return data + _seal(data[-_last_part(data) :])


def _last_part(data: bytes) -> int:
    """How long the last part of a Parquet file is: what lies where, its length and a word."""
    return int.from_bytes(data[-8:-4], "little") + 8


def _seal(last: bytes) -> bytes:
    return hashlib.blake2b(last, digest_size=SEAL_BYTES).digest()


def unsealed(stream: Any) -> pq.FileMetaData:
    """What lies where in a sealed file; ArrowInvalid if that isn't what was written."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - SEAL_BYTES - 8))
    length = _last_part(stream.read(8))
    stream.seek(max(0, size - SEAL_BYTES - length))
    last = stream.read(length)
    if _seal(last) != stream.read(SEAL_BYTES):
        raise pa.ArrowInvalid("its last part has changed")
    return pq.read_metadata(pa.BufferReader(MAGIC + last))


@dataclass(frozen=True)
class Work:
    """A folder of results by its path or URL; what lies in it is named by what it was made of.

    A damaged one is removed if it can be remade, as a list that a person has edited or a log can't.
    What is `for_people` any program can read.
    """

    url: str
    can_be_remade: bool = True
    for_people: bool = False

    @cached_property
    def _place(self) -> tuple[Any, str]:
        # Workers leave what a list that is kept here doesn't have yet.
        system, path = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
        return system, path

    def check(self) -> None:
        """Raise UserError unless results can be left and found there."""
        try:
            self.write("check", {"is": [1]})
            if "check" not in self.names():
                raise OSError("what is written isn't there")
        except errors_of_stores() as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"--work {self.url} can't be used: {why}; name another.") from error

    def names(self) -> set[str]:
        """The results that are there."""
        system, folder = self._place
        system.invalidate_cache()
        found: list[str] = []
        with contextlib.suppress(FileNotFoundError):  # nothing was left there yet
            found = [posixpath.basename(path) for path in system.ls(folder, detail=False)]
        return {name.removesuffix(ENDING) for name in found if name.endswith(ENDING)}

    def write(self, name: str, columns: Mapping[str, Any], ends: Sequence[int] = ()) -> None:
        """Put a result in its place, as a whole, whoever else writes the same one.

        With `ends`, the rows up to each of them can be read without the others.
        """
        sink, table = pa.BufferOutputStream(), pa.table(dict(columns))
        common = self.for_people
        how = {"compression": COMMON if common else QUICK, "use_dictionary": common}
        how |= {"write_statistics": common, "write_page_checksum": True}
        with pq.ParquetWriter(sink, table.schema, **how) as writer:
            for begin, end in pairwise([0, *(ends or [table.num_rows])]):
                writer.write_table(table.slice(begin, end - begin))
        (system, folder), path = self._place, self._path_of(name)
        data, is_local = sink.getvalue().to_pybytes(), "file" in system.protocol
        data = data if self.for_people else sealed(data)
        if not is_local:  # an object is never half there, and there are no folders
            system.pipe_file(path, data)
            return
        system.makedirs(folder, exist_ok=True)
        beside = f"{path}.{uuid.uuid4().hex}"
        with open(beside, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
        sync_folder(folder)

    def read(self, name: str, *columns: str, some: int | None = None) -> dict[str, NDArray[Any]]:
        """Some columns of a result, or all; UserError if it is damaged (it may be removed then).

        `some` are the rows up to that one of the `ends`.
        """
        (system, _), path = self._place, self._path_of(name)
        try:
            with system.open(path, "rb") as stream:
                wanted = list(columns) or None
                last = None if self.for_people else unsealed(stream)
                with pq.ParquetFile(stream, metadata=last, page_checksum_verification=True) as file:
                    found = file.read(wanted) if some is None else file.read_row_group(some, wanted)
        except (pa.ArrowException, OSError) as error:
            if not _tells_of_damage(error):
                raise  # the disk or the store says why, not Arrow
            if not self.can_be_remade:
                raise UserError(
                    f"{path} is damaged, and stays as it is, since nothing makes it again; "
                    "put back a whole one, or move it away.",
                    Exit.STATE,
                ) from error
            self.remove(name)
            raise UserError(f"{path} was damaged and is removed; run it again.") from error
        return {column: found[column].to_numpy() for column in found.column_names}

    def digest(self, name: str) -> str:
        """The SHA-256 of a result's bytes."""
        return hashlib.sha256(self._place[0].cat_file(self._path_of(name))).hexdigest()

    def remove(self, name: str) -> None:
        """Remove a result, so that it is made anew."""
        self._place[0].rm_file(self._path_of(name))

    def _path_of(self, name: str) -> str:
        return posixpath.join(self._place[1], name + ENDING)
