"""Twelve months of a library that changes, and of a person who looks at its groups."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Library
from made_year import Person, Shows, Wishes, Year, delete_copies, in_groups

MONTHS = 12


@pytest.fixture
def year(bare_library: Library) -> Year:
    return Year(bare_library.photos, first=12, monthly=3, side=160)


def named(library: Library, paths: list[str]) -> list[str]:
    return sorted(str(Path(path).relative_to(library.photos)) for path in paths)


def told(library: Library, facts: Mapping[str, Any]) -> tuple[list[list[str]], list[list[str]]]:
    """The groups that a find shows, and those that it leaves out, by the names of their photos."""
    shown = [named(library, group) for group in facts["groups"]]
    return sorted(shown), sorted(named(library, one["paths"]) for one in facts["kept_left_out"])


def found(library: Library) -> tuple[list[list[str]], list[list[str]]]:
    """What a find tells, which is what one tells that knows nothing of earlier runs."""
    anew = library.find("--json", "--dry-run", "--no-cache", "--discard-review").facts
    facts = library.find("--json", "--discard-review").facts
    assert told(library, facts) == told(library, anew)
    return told(library, facts)


def kept_before(shown: Counter[Shows], person: Person) -> bool:
    """Whether a group holds a whole one that was kept, and more of the same."""
    return any(known < shown and known.keys() == shown.keys() for known in person.settled)


def cull(library: Library, year: Year, wishes: Wishes) -> None:
    """Delete what a person wants to; all else is there, before and after."""
    delete_copies(library.info(), year.photos, wishes.doomed)
    assert library.check().code == 0
    assert year.is_as_it_should()
    assert library.cleanup().code == 0
    year.deleted(wishes.doomed)
    assert year.is_as_it_should()


def keep(library: Library, year: Year, numbers: Iterable[int | str]) -> None:
    assert library.run("keep", *map(str, numbers)).code == 0
    assert year.is_as_it_should()


def test_month_after_month_only_what_is_new_is_shown_and_nothing_is_lost(
    bare_library: Library, year: Year
) -> None:
    person, came_back, left_out = Person(), 0, 0
    for month in range(1, MONTHS + 1):
        year.go_on()
        shown, kept = found(bare_library)
        assert not any(person.is_settled(year.shown(names)) for names in shown)
        assert all(person.is_settled(year.shown(names)) for names in kept)
        came_back += sum(kept_before(year.shown(names), person) for names in shown)
        left_out += len(kept)
        groups = in_groups(bare_library.info(), year.photos)
        assert sorted(groups.values()) == shown
        wishes = person.looks_at(year, groups)
        cull(bare_library, year, wishes)
        if month % 4 == 0:
            person.keeps_the_rest(year, groups.values())
            keep(bare_library, year, ["all"])
        elif wishes.keep:
            keep(bare_library, year, wishes.keep)
    assert came_back
    assert left_out
