"""Going through the groups by keyboard, in a real browser: how many keys that takes."""

from typing import Any

import pytest
import test_review_page
from conftest import Library, tree
from test_review_page import Open, gone, many, open_group, press, said, until

from disk import output_lock

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page

GROUPS = 60
COUNT_KEYS = """() => {
  window.keys = 0;
  addEventListener('keydown', () => { window.keys += 1; }, true);
}"""


@pytest.fixture
def page(found: Library, open_page: Open) -> Any:
    return open_page(found)


def at_group(page: Any, number: int) -> None:
    until(page, f"document.title.startsWith('Group {number} ')")


def test_a_group_with_a_suggestion_takes_one_key(bare_library: Library, open_page: Open) -> None:
    many(bare_library, GROUPS, ("a", "a (1)"))
    page = open_page(bare_library)
    page.evaluate(COUNT_KEYS)
    press(page, "Enter")
    for number in range(1, GROUPS + 1):
        at_group(page, number)
        press(page, "a")
    said(page, "accepted: A is kept.")
    until(page, f"document.getElementById('counts').innerText.includes('{GROUPS} to remove')")
    assert len(gone(bare_library)) == GROUPS
    assert page.evaluate("window.keys") <= 1.2 * GROUPS


def test_k_keeps_all_of_a_group_and_goes_on(page: Any, found: Library) -> None:
    before = tree(found.folder)
    open_group(page, 1)
    press(page, "k")
    at_group(page, 2)
    said(page, "Group 1 belongs side by side")
    press(page, "a")
    said(page, "There is no suggestion for this group: K keeps all")
    assert page.title().startswith("Group 2 ")
    assert tree(found.folder) == before


def test_ctrl_z_undoes_what_was_accepted_and_goes_back_to_it(page: Any, found: Library) -> None:
    open_group(page, 1)
    press(page, "a")
    at_group(page, 2)
    press(page, "k", "Control+z", "Control+z")
    at_group(page, 1)
    said(page, "Undone: 2 copies.")
    assert gone(found) == []
    press(page, "2", "Delete")
    said(page, "B removed")
    press(page, "Delete")
    said(page, "B restored")


def test_a_group_of_which_the_change_was_refused_comes_again(page: Any, found: Library) -> None:
    open_group(page, 1)
    with output_lock.locked(str(found.output)):
        press(page, "a")
        at_group(page, 2)
        said(page, "another run is using")
    press(page, "n")
    at_group(page, 1)
    assert gone(found) == []


def test_a_group_that_is_neither_left_nor_decided_comes_again(
    found: Library, open_page: Open
) -> None:
    page = open_page(found)
    open_group(page, 1)
    press(page, "a")
    at_group(page, 2)
    said(page, "accepted")
    again = open_page(found)  # whoever stopped there has not looked at it
    press(again, "n")
    at_group(again, 2)
    with again.expect_response("**/api/seen"):
        press(again, "Escape")
    press(again, "n")
    said(again, "has been looked at")


@pytest.mark.parametrize("key", ["a", "k"])
def test_with_shift_one_stays(page: Any, key: str) -> None:
    open_group(page, 1)
    press(page, f"Shift+{key.upper()}")
    said(page, {"a": "Accepted: A is kept.", "k": "Group 1 belongs side by side"}[key])
    assert page.title().startswith("Group 1 ")


def test_whether_one_goes_on_is_remembered_for_the_next_review(
    found: Library, open_page: Open
) -> None:
    page = open_page(found)
    open_group(page, 1)
    page.uncheck("#goes-on")
    press(page, "a")
    said(page, "Accepted: A is kept.")
    again = open_page(found, page.context)  # of another server, at another port
    assert not again.is_checked("#goes-on")
    open_group(again, 1)
    press(again, "Shift+K")
    at_group(again, 2)
    again.close()  # before its server ends


def test_a_key_before_the_suggestion_came_counts_once(page: Any) -> None:
    held: list[Any] = []
    page.route("**/api/facts/1", lambda route: held.append(route))
    page.reload()
    page.wait_for_selector(".tile")
    page.wait_for_selector("#judging", state="hidden")
    page.evaluate("import('/result.js').then(({suggestions}) => suggestions.clear())")
    page.click(".tile[aria-label^='Group 1,']")
    press(page, "a", "a")
    until(page, lambda: held)
    for route in held:
        route.continue_()
    at_group(page, 2)
    said(page, "Group 1 accepted: A is kept.")
