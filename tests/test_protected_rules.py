"""What is protected, or was kept side by side, is what the rules keep, and the page says so."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Library
from test_review import serving
from test_rules import picture

from extras.review.judged import Picture as Judged
from extras.review.rules import KEPT, PROTECTED, suggest


def staying(one: Judged) -> Judged:
    return Judged(one.number, one.path, one.digest, one.facts, stays=True)


def test_of_equal_versions_the_protected_one_is_kept() -> None:
    """Before one in a preferred folder."""
    pictures = [picture(0, "/p/a.jpg", "same"), staying(picture(1, "/q/a.jpg", "same"))]
    found = suggest(1, pictures, [], prefer=("/p",))
    assert (found.keeper, found.reason) == (1, "protected")
    assert [(r.number, r.reason) for r in found.removals] == [(0, "not protected")]


def test_a_protected_one_is_never_given_up_nor_a_better_one_for_it() -> None:
    pictures = [picture(0, width=5000), staying(picture(1, width=4000))]
    found = suggest(1, pictures, [])
    assert (found.keeper, found.removals, found.reason) == (None, (), PROTECTED)
    third = [*pictures, picture(2, width=3000)]
    found = suggest(1, third, [])
    assert [removal.number for removal in found.removals] == [2]
    assert found.rest == PROTECTED
    better = [staying(pictures[0]), picture(1, width=4000)]
    assert [removal.number for removal in suggest(1, better, []).removals] == [1]


@pytest.mark.parametrize("rules", [set(), {"pixels"}, {"pixels", "protected"}])
def test_of_two_protected_ones_none_is_given_up(rules: set[str]) -> None:
    pictures = [staying(picture(0, width=5000)), staying(picture(1, width=4000))]
    assert suggest(1, pictures, [], rules=rules).removals == ()
    twins = [staying(picture(n, f"/p/{n}.jpg", "same")) for n in range(2)]
    assert suggest(1, twins, [], rules=rules).removals == ()


def test_of_what_was_kept_side_by_side_none_is_given_up_for_a_new_one() -> None:
    pictures = [picture(n, f"/{n}/a.jpg", "same") for n in range(3)]
    for new in range(3):
        judged = [replace(one, was_kept=one.number != new) for one in pictures]
        found = suggest(1, judged, [], prefer=("/0", "/1"))
        assert [(r.number, r.reason) for r in found.removals] == [(new, "not among those kept")]
        assert found.rest == KEPT
    better = [picture(0, width=5000), *(replace(one, was_kept=True) for one in pictures[1:])]
    assert suggest(1, better, []).removals == ()


def test_suggest_gives_up_what_is_new_beside_what_was_kept(found: Library) -> None:
    found.run("keep", "2")
    shutil.copy(found.photos / "z_coffee.jpg", found.photos / "a_coffee.jpg")
    found.find()
    assert found.run("suggest", "--apply", "--prefer", str(found.photos)).code == 0
    there = [Path(name).name for name, copy in found.info().items() if Path(copy).exists()]
    assert sorted(there) == ["vacation1.jpg", "z_coffee.jpg", "z_coffee_bw.jpg"]


@pytest.mark.parametrize("when", ["find", "suggest"])
def test_suggest_gives_up_nothing_that_is_protected(library: Library, when: str) -> None:
    flags = ["--protect", str(library.photos / "vacation1_old.jpg")]
    library.find(*(flags if when == "find" else ()))
    ran = library.run("suggest", "--apply", *(flags if when == "suggest" else ()))
    assert ran.code == 0
    assert library.copy("vacation1_old.jpg").exists()
    assert not library.copy("vacation1_copy.jpg").exists()


def test_the_page_says_that_what_is_protected_stays(library: Library) -> None:
    path = library.photos / "vacation1_old.jpg"
    library.find("--protect", str(path))
    with serving(library) as page:
        page.secret = page.enter()[1]["secret"]
        number = page.number(path.name)
        facts = page.get("/api/facts/1")["facts"]
        why = f"it is protected ({path})"
        assert {int(n): known["protected"] for n, known in facts.items() if known["protected"]} == {
            number: why
        }
        library.delete_copies(path.name, "vacation1_copy.jpg")
        plan = page.get("/api/plan")
        assert [Path(one).name for one in plan["deleted"]] == ["vacation1_copy.jpg"]
        assert plan["protected"] == [[str(path), why]]
        assert plan["already"] == 0
