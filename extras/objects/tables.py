"""Rows of plain values as the columns of a Parquet file, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import pyarrow as pa

from config import Exit, UserError
from extras.cluster.files import Work

Row = TypeVar("Row")
TYPES = {int: pa.int64(), float: pa.float64(), str: pa.string()}


def columns_of(kind: type[Any], rows: Iterable[Any]) -> dict[str, Any]:
    """A column for each field of a dataclass of numbers and words, also without any rows."""
    some = list(rows)
    return {
        field.name: pa.array([getattr(row, field.name) for row in some], TYPES[field.type])  # type: ignore[index]
        for field in fields(kind)
    }


def rows_of(kind: type[Row], columns: Mapping[str, Any]) -> list[Row]:
    """The rows that columns of a dataclass's fields hold; LookupError where they lack something."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for field in fields(kind):  # type: ignore[arg-type]
        if not {*map(type, columns[field.name].tolist())} <= {field.type}:
            raise LookupError(f"a value of {field.name} in each line")
    values = zip(*(columns[name].tolist() for name in names), strict=True)
    return [kind(**dict(zip(names, row, strict=True))) for row in values]


def rows_in(kind: type[Row], work: Work, name: str, remedy: str) -> list[Row]:
    """The rows of a file; UserError with a remedy where it lacks something, or holds no words."""
    try:
        return rows_of(kind, work.read(name))
    except (LookupError, UnicodeDecodeError) as error:
        why = error if isinstance(error, LookupError) else "words where some belong"
        raise UserError(f"{work.url} has a file without {why}; {remedy}.", Exit.STATE) from error
