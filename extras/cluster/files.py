"""Where tasks leave their results: files in a folder or an object store, each of them whole."""

import posixpath
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from config import UserError

ENDING = ".parquet"


@dataclass(frozen=True)
class Work:
    """A folder of results by its path or URL; what lies in it is named by what it was made of."""

    url: str

    @cached_property
    def _place(self) -> tuple[Any, str]:
        system, path = fsspec.core.url_to_fs(self.url)
        return system, path

    def names(self) -> set[str]:
        """The results that are there; the folder is made if it isn't."""
        system, folder = self._place
        system.makedirs(folder, exist_ok=True)
        system.invalidate_cache()
        found = map(posixpath.basename, system.ls(folder, detail=False))
        return {name.removesuffix(ENDING) for name in found if name.endswith(ENDING)}

    def write(self, name: str, columns: Mapping[str, Any]) -> None:
        """Put a result in its place, as a whole, whoever else writes the same one."""
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(dict(columns)), sink, compression="zstd", write_page_checksum=True)
        (system, _), path = self._place, self._path_of(name)
        beside = f"{path}.{uuid.uuid4().hex}" if "file" in system.protocol else path
        system.pipe_file(beside, sink.getvalue().to_pybytes())
        if beside != path:  # in an object store an object is never half there
            system.mv(beside, path)

    def read(self, name: str, *columns: str) -> dict[str, NDArray[Any]]:
        """Some columns of a result, or all; UserError if it is damaged, and then it is removed."""
        (system, _), path = self._place, self._path_of(name)
        try:
            with system.open(path, "rb") as stream:
                wanted = list(columns) or None
                found = pq.read_table(stream, columns=wanted, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk says why, not Arrow
            system.rm_file(path)
            raise UserError(f"{path} was damaged and is removed; run it again.") from error
        return {column: found[column].to_numpy() for column in found.column_names}

    def _path_of(self, name: str) -> str:
        return posixpath.join(self._place[1], name + ENDING)
