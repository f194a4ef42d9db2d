"""The review page's server: what it answers, and whom it refuses."""

import argparse
import contextlib
import errno
import http.client
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from multiprocessing import synchronize
from pathlib import Path
from typing import Any

import pytest
from conftest import SLOW_WORKERS, Library, collect, picture, tree
from PIL import Image

from actions.options import OPTIONS
from disk import output_lock
from disk.result import open_result, proven
from disk.user_folders import decisions_file
from extras.actions.review import commands_of
from extras.review import examiner
from extras.review.desk import Desk
from extras.review.examiner import Examiner
from extras.review.facts import Facts
from extras.review.server import MOST_BODY_BYTES, MOST_NUMBERS, PAGE, STATIC, Server


@dataclass
class Page:
    """A running server, and a client that has come in by its address."""

    server: Server
    library: Library
    secret: str | None = None

    @property
    def host(self) -> str:
        return self.server.gate.host

    def ask(
        self, method: str, path: str, body: Any = None, **changed: str | None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request as the page makes it, but for the headers that are changed or left out."""
        headers: dict[str, str | None] = {"Host": self.host, "Review-Secret": self.secret}
        headers |= {"Sec-Fetch-Site": "same-origin", "Review-Run": self.server.run}
        if method == "POST":
            headers |= {"Origin": f"http://{self.host}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", int(self.host.split(":")[1]), 10)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if value is not None:
                    connection.putheader(name, value)
            if data is not None:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def get(self, path: str) -> Any:
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, **body: Any) -> Any:
        status, _, answer = self.ask("POST", path, body)
        assert status == 200, answer
        return json.loads(answer)

    def change(self, *remove: int, **body: Any) -> Any:
        """Remove copies, each for nothing's sake."""
        body.setdefault("restore", [])
        return self.post("/api/change", remove=[[number, None] for number in remove], **body)

    def number(self, name: str) -> int:
        for group in self.get("/api/groups")["groups"]:
            for number, path, *_ in group["copies"]:
                if Path(path).name == name:
                    return int(number)
        raise LookupError(name)

    def enter(self) -> tuple[int, Any]:
        token = self.server.address.partition("#token=")[2]
        status, _, body = self.ask("POST", "/api/enter", {"token": token}, Review_Secret=None)
        return status, json.loads(body)


def commands(library: Library) -> dict[str, str]:
    """What the page tells to type, where only the output folder was named."""
    given = argparse.Namespace(**dict.fromkeys(option.name for option in OPTIONS))
    given.program, given.config = "python main.py", None
    given.OUTPUT_DIR = str(library.output)
    return commands_of(proven(open_result(library.paths)), given)


@contextlib.contextmanager
def serving(library: Library) -> Iterator[Page]:
    examiner = Examiner(1)
    desk = Desk(proven(open_result(library.paths)), examiner)
    server = Server(desk, commands=commands(library))
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield Page(server, library)
    finally:
        server._server.shutdown()
        thread.join()
        examiner.close()


@pytest.fixture
def outside(found: Library) -> Iterator[Page]:
    """A page that nobody has opened yet."""
    with serving(found) as page:
        yield page


@pytest.fixture
def page(outside: Page) -> Page:
    status, answer = outside.enter()
    assert status == 200
    outside.secret = answer["secret"]
    return outside


# ---- What it is for


def test_groups_are_served_with_their_links(page: Page) -> None:
    answer = page.get("/api/groups")
    assert [len(group["copies"]) for group in answer["groups"]] == [3, 2]
    assert [len(group["links"]) for group in answer["groups"]] == [2, 1]
    assert [name for name, _ in answer["rules"]][:2] == ["intact", "camera"]


def test_removing_deletes_the_copy_and_restoring_makes_it_again(page: Page) -> None:
    library, before = page.library, tree(page.library.folder)
    number = page.number("vacation1_old.jpg")
    answer = page.change(number)
    assert answer["done"] == [["remove", number]]
    assert answer["states"][number] == "g"
    after = {
        name: content
        for name, content in before.items()
        if not name.startswith("output/1/") or not name.endswith("vacation1_old.jpg")
    }
    assert tree(library.folder) == after
    assert page.change(restore=[number])["states"] == "ttttt"
    assert tree(library.folder) == before


def test_culling_by_hand_and_on_the_page_is_the_same(page: Page) -> None:
    page.library.delete_copies("vacation1_copy.jpg")
    by_hand, on_page = page.number("vacation1_copy.jpg"), page.number("vacation1_old.jpg")
    assert page.get("/api/state/0")["states"][by_hand] == "g"
    page.change(on_page, restore=[by_hand])
    assert page.library.check().code == 0
    assert page.library.listed() == ["vacation1_old.jpg"]


def test_a_removal_that_empties_a_group_is_asked_for_twice(page: Page) -> None:
    before = tree(page.library.folder)
    coffees = [page.number("z_coffee.jpg"), page.number("z_coffee_bw.jpg")]
    other = page.number("vacation1_old.jpg")
    assert page.change(*coffees, other) == {"would_empty": [2]}
    assert tree(page.library.folder) == before
    page.library.delete_copies("z_coffee.jpg")
    assert page.change(coffees[1]) == {"would_empty": [2]}
    answer = page.change(*coffees, may_empty=True)
    assert answer["done"] == [["remove", coffees[1]]]


def test_an_edited_copy_is_left_as_it_is(page: Page) -> None:
    copy, number = page.library.copy("vacation1_old.jpg"), page.number("vacation1_old.jpg")
    copy.write_bytes(b"edited")
    assert page.get("/api/state/0")["states"][number] == "e"
    for answer in (page.change(number), page.change(restore=[number])):
        assert answer["done"] == []
        assert "edited" in answer["refused"][0][2]
    assert copy.read_bytes() == b"edited"


def test_restoring_without_an_original_is_refused_with_the_reason(page: Page) -> None:
    number = page.number("vacation1_old.jpg")
    page.change(number)
    (page.library.photos / "vacation1_old.jpg").unlink()
    refused = page.change(restore=[number])["refused"]
    assert refused == [["restore", number, "its original is gone"]]


def test_facts_and_a_suggestion_are_given_with_their_reasons(page: Page) -> None:
    answer = page.get("/api/facts/1")
    best, worst = page.number("vacation1.jpg"), page.number("vacation1_old.jpg")
    assert answer["suggestion"]["keeper"] == best
    assert answer["suggestion"]["reason"] == "least compressed"
    assert answer["facts"][str(worst)]["quality"] == 40
    assert [removal[0] for removal in answer["suggestion"]["removals"]] == [
        page.number("vacation1_copy.jpg"),
        worst,
    ]


def test_what_a_picture_holds_is_given_and_keeps_it(page: Page) -> None:
    (page.library.photos / "vacation1_old.CR2").touch()
    answer = page.get("/api/facts/1")
    copied, old = page.number("vacation1_copy.jpg"), page.number("vacation1_old.jpg")
    assert answer["facts"][str(old)]["beside"] == ["RAW beside it: vacation1_old.CR2"]
    assert answer["facts"][str(copied)]["beside"] == []
    assert [removal[0] for removal in answer["suggestion"]["removals"]] == [copied]


def test_all_groups_are_judged_in_the_background(page: Page) -> None:
    deadline = time.monotonic() + 120
    while not (state := page.get("/api/state/0"))["done"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [told["group"] for told in state["told"]] == [1, 2]
    assert page.get("/api/state/1")["told"] == state["told"][1:]


def test_a_batch_says_what_would_go_and_changes_nothing(page: Page) -> None:
    before = tree(page.library.folder)
    answer = page.post("/api/batch", rules=["pixels", "compression"], groups=[1, 2])
    assert len(answer["removals"]) == 2
    assert answer["left"] == 1
    assert page.post("/api/batch", rules=[], groups=[1, 2])["removals"] == []
    assert tree(page.library.folder) == before


def test_a_batch_prefers_the_folders_that_were_chosen_in_the_order_that_was_given(
    bare_library: Library,
) -> None:
    for folder in "abc":
        bare_library.add(f"{folder}/cat.jpg", quality=80 + ord(folder))
    bare_library.find()
    with serving(bare_library) as page:
        page.secret = page.enter()[1]["secret"]
        folders = [Path(path).name for path, _ in page.get("/api/groups")["folders"]]
        assert sorted(folders) == ["a", "b", "c"]
        for prefer, rules in (("cab", ["folder", "compression"]), ("bca", ["folder"])):
            chosen = [folders.index(name) for name in prefer]
            plan = page.post("/api/batch", rules=rules, groups=[1], prefer=chosen)
            keepers = {keeper for _, keeper, *_ in plan["removals"]}
            paths = [
                path for one in page.get("/api/groups")["groups"] for _, path, *_ in one["copies"]
            ]
            assert [Path(paths[keeper]).parent.name for keeper in keepers] == [prefer[0]]


def test_a_batch_leaves_to_the_person_each_group_that_keeps_two_pictures(library: Library) -> None:
    library.add("z_coffee_sent.jpg", "2024/coffee.jpg", quality=40)
    library.find()
    with serving(library) as page:
        page.secret = page.enter()[1]["secret"]
        answer = page.post("/api/batch", rules=["compression"], groups=[1, 2])
        assert page.number("z_coffee_sent.jpg") in [removal[0] for removal in answer["removals"]]
        assert answer["left"] == 1


def test_the_last_screen_and_check_deleted_name_what_lies_beside_what_goes(page: Page) -> None:
    companion = page.library.photos / "vacation1_old.xmp"
    for name in ("vacation1_old.xmp", "vacation1.xmp"):
        (page.library.photos / name).touch()
    page.library.delete_copies("vacation1_old.jpg")
    assert page.get("/api/plan")["companions"] == [str(companion)]
    checked = page.library.check("--json", "--dry-run")
    assert checked.facts["sidecars"] == [str(companion)]
    assert f"Left without their photo (1):\n  {companion}\nWith --with-companions" in checked.err


def test_suggest_names_what_lies_beside_what_it_gives_up(found: Library) -> None:
    for name in ("vacation1_old.xmp", "vacation1.xmp"):
        (found.photos / name).touch()
    facts = found.run("suggest", "--json").facts
    assert str(found.photos / "vacation1_old.jpg") in [one["path"] for one in facts["suggested"]]
    assert facts["sidecars"] == [str(found.photos / "vacation1_old.xmp")]
    assert facts["doubled_shots"] == []


def test_the_last_screen_tells_what_check_deleted_would_list(page: Page) -> None:
    page.library.delete_copies("vacation1_old.jpg", "z_coffee.jpg", "z_coffee_bw.jpg")
    before = tree(page.library.folder)
    plan = page.get("/api/plan")
    assert [Path(path).name for path in plan["deleted"]] == ["vacation1_old.jpg"]
    assert plan["whole_groups"] == [2]
    assert plan["bytes"] == (page.library.photos / "vacation1_old.jpg").stat().st_size
    output = page.library.output
    told = page.get("/api/groups")["commands"]
    assert told["check-deleted"] == f"python main.py --action check-deleted --output-dir {output}"
    assert tree(page.library.folder) == before


@pytest.mark.parametrize("kind", ["thumb", "preview", "full"])
def test_pictures_are_encoded_anew(page: Page, kind: str) -> None:
    number = page.number("vacation1.jpg")
    status, headers, body = page.ask("GET", f"/{kind}/{number}")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert body[:2] == b"\xff\xd8"
    assert body != picture("2024/cat.jpg")
    page.library.delete_copies("vacation1.jpg")  # then its original is shown
    assert page.ask("GET", f"/{kind}/{number}")[0] == 200


def test_the_lock_is_held_only_while_something_changes(page: Page) -> None:
    number = page.number("vacation1_old.jpg")
    with output_lock.locked(str(page.library.output)):
        status, _, body = page.ask("POST", "/api/change", {"remove": [[number, None]]})
        assert status == 423
        assert "another run" in json.loads(body)["error"]
        assert page.ask("GET", "/api/state/0")[0] == 200
    assert page.library.copy("vacation1_old.jpg").exists()
    assert page.library.check().code == 0
    assert page.change(number)["done"] == [["remove", number]]


def test_after_another_find_nothing_is_changed(page: Page) -> None:
    number = page.number("vacation1_old.jpg")
    page.library.add("vacation1_new.jpg", quality=60)
    page.library.find()
    before = tree(page.library.folder)
    for body in ({"remove": [[number, None]]}, {"remove": [], "restore": [number]}):
        status, _, answer = page.ask("POST", "/api/change", body)
        assert status == 409
        assert "another result" in json.loads(answer)["error"]
    for path in ("/api/state/0", "/api/groups", f"/thumb/{number}", "/api/plan"):
        assert page.ask("GET", path)[0] == 409
    assert tree(page.library.folder) == before


def test_a_page_that_shows_another_result_changes_nothing(page: Page) -> None:
    """An old tab, with a new server at the same port."""
    number, before = page.number("vacation1_old.jpg"), tree(page.library.folder)
    for run in ("0" * 16, None):
        body = {"remove": [[number, None]], "restore": []}
        status, _, answer = page.ask("POST", "/api/change", body, Review_Run=run)
        assert status == 409
        assert "reload" in json.loads(answer)["error"]
        assert page.ask("GET", "/api/state/0", Review_Run=run)[0] == 409
        assert page.ask("GET", f"/thumb/{number}", Review_Run=run)[0] == 409
    assert page.ask("GET", f"/thumb/{number}")[0] == 200
    assert tree(page.library.folder) == before


def test_without_its_folder_it_says_so_and_makes_none(page: Page) -> None:
    shutil.rmtree(page.library.output)
    status, _, answer = page.ask("POST", "/api/change", {"remove": [], "restore": [0]})
    assert status == 409
    assert "is gone; bring it back" in json.loads(answer)["error"]
    assert not page.library.output.exists()


@pytest.mark.parametrize("by_rule", [True, False])
def test_nothing_is_removed_if_what_is_to_be_kept_can_not_be_restored(
    page: Page, by_rule: bool
) -> None:
    kept, doomed = page.number("vacation1.jpg"), page.number("vacation1_old.jpg")
    page.library.delete_copies("vacation1.jpg")
    (page.library.photos / "vacation1.jpg").unlink()
    answer = page.post("/api/change", restore=[kept], remove=[[doomed, kept]], by_rule=by_rule)
    assert answer["done"] == []
    assert [refused[:2] for refused in answer["refused"]] == [["restore", kept], ["remove", doomed]]
    assert page.library.copy("vacation1_old.jpg").exists()


def test_a_removal_by_rule_looks_at_its_keeper_again(page: Page) -> None:
    """Between the plan and the deed the keeper may go, or be edited."""
    kept, doomed = page.number("vacation1.jpg"), page.number("vacation1_old.jpg")
    plan = page.post("/api/batch", rules=["compression"], groups=[1])["removals"]
    assert [doomed, kept] in [removal[:2] for removal in plan]
    copy = page.library.copy("vacation1.jpg")
    content = copy.read_bytes()
    for change in (copy.unlink, lambda: copy.write_bytes(picture("2024/coffee.jpg"))):
        change()
        answer = page.post("/api/change", restore=[], remove=[[doomed, kept]], by_rule=True)
        assert [refused[2] for refused in answer["refused"]] == [
            "the one to keep is not there, or was edited"
        ]
    copy.write_bytes(content)
    original = page.library.photos / "vacation1.jpg"
    for change in (original.unlink, lambda: original.write_bytes(picture("2024/coffee.jpg"))):
        change()
        assert page.get("/api/facts/1")["facts"][str(kept)]["original"] is False
        answer = page.post("/api/change", restore=[], remove=[[doomed, kept]], by_rule=True)
        assert [refused[2] for refused in answer["refused"]] == [
            "the original of the one to keep is gone, or was changed since find"
        ]
    original.write_bytes(content)
    assert page.get("/api/facts/1")["facts"][str(kept)]["original"] is True
    # A person may keep what was edited, if it shows a picture.
    copy.write_bytes(b"no picture")
    assert page.post("/api/change", remove=[[doomed, kept]])["done"] == []
    copy.write_bytes(content[::1])
    assert page.post("/api/change", remove=[[doomed, kept]])["done"] == [["remove", doomed]]


def in_its_place(path: Path, what: str) -> None:
    path.unlink()
    if what == "a folder":
        path.mkdir()
    elif what == "a link to nothing":
        path.symlink_to(path.parent / "nothing")
    elif what == "a link to a picture":
        path.symlink_to(path.parent.parent.parent / "photos" / "vacation1.jpg")
    else:
        path.write_bytes(b"no picture" if what == "no picture" else b"")


@pytest.mark.parametrize(
    "what", ["a folder", "a link to nothing", "a link to a picture", "no picture", "an empty file"]
)
def test_only_files_that_show_a_picture_count_as_left(page: Page, what: str) -> None:
    in_its_place(page.library.copy("z_coffee.jpg"), what)
    before = tree(page.library.folder)
    assert page.change(page.number("z_coffee_bw.jpg")) == {"would_empty": [2]}
    assert tree(page.library.folder) == before


def test_restoring_that_fails_lets_nothing_be_removed_for_it(page: Page) -> None:
    """As when an undo is made of both, and the original is gone by now."""
    coffees = [page.number("z_coffee.jpg"), page.number("z_coffee_bw.jpg")]
    page.change(coffees[0])
    (page.library.photos / "z_coffee.jpg").unlink()
    answer = page.change(coffees[1], restore=[coffees[0]])
    assert answer["done"] == []
    assert "it is the last of its group" in answer["refused"][1]
    assert page.library.copy("z_coffee_bw.jpg").exists()


def test_a_copy_of_which_only_the_time_changed_is_no_edited_one(page: Page) -> None:
    number = page.number("vacation1_old.jpg")
    os.utime(page.library.copy("vacation1_old.jpg"))
    plan = page.post("/api/batch", rules=["compression"], groups=[1])["removals"]
    assert number in [removal[0] for removal in plan]
    assert page.get("/api/state/0")["states"] == "ttttt"


def test_an_edited_copy_is_shown_as_it_is_and_not_judged(page: Page) -> None:
    number = page.number("vacation1.jpg")
    before = page.ask("GET", f"/thumb/{number}")[2]
    page.library.copy("vacation1.jpg").write_bytes(picture("2024/coffee.jpg"))
    state = page.get("/api/state/0")
    assert state["states"][number] == "e"
    assert list(state["editions"]) == [str(number)]
    assert page.ask("GET", f"/thumb/{number}")[2] != before
    answer = page.get("/api/facts/1")
    assert answer["suggestion"]["keeper"] == page.number("vacation1_copy.jpg")
    with Image.open(page.library.copy("vacation1.jpg")) as image:
        assert answer["facts"][str(number)]["width"] == image.width


def test_an_original_of_which_only_the_time_changed_is_still_known(page: Page) -> None:
    os.utime(page.library.photos / "vacation1.jpg")
    page.library.delete_copies("vacation1.jpg")
    answer = page.get("/api/facts/1")
    assert answer["suggestion"]["keeper"] == page.number("vacation1.jpg")
    assert "unseen" not in answer["facts"][str(page.number("vacation1.jpg"))]


def test_what_was_renamed_or_deleted_for_good_is_told_from_what_was_removed(page: Page) -> None:
    copy = page.library.copy("vacation1_old.jpg")
    copy.rename(copy.with_name("renamed.jpg"))
    page.library.delete_copies("z_coffee_bw.jpg")
    (page.library.photos / "z_coffee_bw.jpg").unlink()
    moved, deleted = page.number("vacation1_old.jpg"), page.number("z_coffee_bw.jpg")
    deadline = time.monotonic() + 120
    while (states := page.get("/api/state/0")["states"])[moved] != "m":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert states[deleted] == "d"
    plan = page.get("/api/plan")
    assert (plan["deleted"], plan["already"], plan["bytes"]) == ([], 1, 0)


def test_a_group_is_kept_side_by_side_and_forgotten_as_by_the_actions(page: Page) -> None:
    library = page.library
    assert page.get("/api/groups")["kept"] == []
    assert page.post("/api/keep", groups=[2]) == {"refused": None}
    assert page.post("/api/keep", groups=[2]) == {"refused": None}
    assert page.get("/api/groups")["kept"] == [2]
    assert library.run("find", "--dry-run", "--json").facts["kept_left_out"]
    assert page.post("/api/forget", groups=[2]) == {"refused": None}
    assert page.get("/api/groups")["kept"] == []
    assert not library.run("find", "--dry-run", "--json").facts["kept_left_out"]
    assert page.ask("POST", "/api/keep", {"groups": [9]})[0] == 400


def test_a_group_with_removed_copies_is_not_kept_from_the_page(page: Page) -> None:
    page.change(page.number("vacation1_old.jpg"))
    refused = page.post("/api/keep", groups=[1])["refused"]
    assert refused.startswith("some of its copies are deleted")
    assert page.get("/api/groups")["kept"] == []


def test_rules_leave_alone_what_is_kept_side_by_side(page: Page) -> None:
    groups, rules = [1, 2], [name for name, _ in page.get("/api/groups")["rules"]]
    assert len(page.post("/api/batch", groups=groups, rules=rules)["removals"]) == 2
    page.post("/api/keep", groups=[1])
    assert page.post("/api/batch", groups=groups, rules=rules)["removals"] == []
    before = tree(page.library.output)
    ran = page.library.run("suggest", "--apply")
    assert "Kept side by side, so left alone: 1 group." in ran.out
    assert tree(page.library.output) == before


def test_what_is_kept_by_its_pictures_alone_is_known_as_kept(found: Library) -> None:
    found.run("keep", "2")
    path = found.photos / "z_coffee.jpg"
    jpeg = path.read_bytes()
    path.write_bytes(jpeg[:2] + b"\xff\xfe\0\x08a note"[:10] + jpeg[2:])
    found.find("--show-kept")
    with serving(found) as page:
        page.secret = page.enter()[1]["secret"]
        assert page.get("/api/groups")["kept"] == [2]
        found.run("forget", "all")
        assert page.get("/api/groups")["kept"] == []


def test_damaged_decisions_keep_nothing_and_stop_no_page(page: Page) -> None:
    page.post("/api/keep", groups=[1])
    path = Path(decisions_file())
    path.write_text("what?\n", "utf-8")
    assert "line 1 can't be read" in page.post("/api/keep", groups=[2])["refused"]
    assert page.get("/api/groups")["kept"] == []
    assert path.read_text("utf-8") == "what?\n"


def test_what_was_looked_at_is_known_at_the_next_review_of_the_same_result(
    found: Library, state_home: Path
) -> None:
    before = tree(found.folder)

    def asked(seen: int | None = None) -> list[int]:
        with serving(found) as page:
            page.secret = page.enter()[1]["secret"]
            if seen:
                page.post("/api/seen", groups=[seen])
            answer: list[int] = page.get("/api/groups")["seen"]
            return answer

    assert asked(2) == [2]
    assert asked() == [2]
    assert asked(1) == [1, 2]
    assert tree(found.folder) == before
    (path,) = state_home.glob("*/reviewed/*.json")
    path.write_text("[1, 2", "utf-8")
    assert asked() == []
    found.add("z_more.jpg", "2024/coffee.jpg", quality=60)
    asked(1)
    found.find("--discard-review")
    assert asked() == []


def test_two_removals_at_once_never_empty_a_group(page: Page) -> None:
    numbers = [page.number("z_coffee.jpg"), page.number("z_coffee_bw.jpg")]
    answers: list[dict[str, Any]] = []

    def remove(number: int) -> None:
        answers.append(page.change(number))

    threads = [threading.Thread(target=remove, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("would_empty" in answer for answer in answers) == 1


# ---- Whom it refuses

Attack = Callable[[Page], tuple[int, dict[str, str], bytes]]


REMOVAL = {"remove": [[0, None]], "restore": []}


def removal(**changed: str | None) -> Attack:
    def attack(page: Page) -> tuple[int, dict[str, str], bytes]:
        return page.ask("POST", "/api/change", REMOVAL, **changed)

    return attack


def removal_of(body: object, path: str = "/api/change") -> Attack:
    return lambda page: page.ask("POST", path, body)


def reading(path: str, **changed: str | None) -> Attack:
    return lambda page: page.ask("GET", path, **changed)


def entering(body: object, **changed: str | None) -> Attack:
    changed = {"Review_Secret": None, **changed}
    return lambda page: page.ask("POST", "/api/enter", body, **changed)


ATTACKS: dict[str, tuple[Attack, set[int]]] = {
    "a name bound to 127.0.0.1": (removal(Host="evil.example:80"), {403}),
    "localhost": (reading("/api/groups", Host="localhost"), {403}),
    "the right name and no port": (reading("/api/groups", Host="127.0.0.1"), {403}),
    "another port": (reading("/api/groups", Host="127.0.0.1:1"), {403}),
    "no secret": (removal(Review_Secret=None), {403}),
    "no secret, reading": (reading("/api/groups", Review_Secret=None), {403}),
    "no secret, a picture": (reading("/thumb/0", Review_Secret=None), {403}),
    "no secret, the end": (
        lambda page: page.ask("POST", "/api/end", {}, Review_Secret=None),
        {403},
    ),
    "no secret, something that isn't there": (reading("/nothing", Review_Secret=None), {403}),
    "a wrong secret": (removal(Review_Secret="guess"), {403}),
    "a secret that is not ASCII": (removal(Review_Secret="\xff"), {403}),
    "the secret as a cookie": (
        lambda page: reading("/thumb/0", Review_Secret=None, Cookie=page.secret)(page),
        {403},
    ),
    "the secret in the address": (
        lambda page: reading(f"/thumb/0?secret={page.secret}", Review_Secret=None)(page),
        {403},
    ),
    "the token in the address": (
        lambda page: reading(f"/thumb/0?{page.server.address[-50:]}", Review_Secret=None)(page),
        {403},
    ),
    "a wrong token": (entering({"token": "guess"}), {403}),
    "a token that is not ASCII": (entering({"token": "\xff\ud800"}), {403}),
    "a token that is no text": (entering({"token": [1]}), {403}),
    "no token": (entering({}), {403}),
    "entering by a name bound to 127.0.0.1": (entering({}, Host="evil.example:80"), {403}),
    "entering from another origin": (entering({}, Origin="http://127.0.0.1:1"), {403}),
    "entering from another site": (entering({}, Sec_Fetch_Site="cross-site"), {403}),
    "entering by a form": (entering({}, Content_Type="text/plain"), {415}),
    "entering by GET": (reading("/api/enter", Review_Secret=None), {403}),
    "another origin": (removal(Origin="http://evil.example"), {403}),
    "another local server": (removal(Origin="http://127.0.0.1:1"), {403}),
    "the origin null": (removal(Origin="null"), {403}),
    "no origin": (removal(Origin=None), {403}),
    "a form of another site": (removal(Sec_Fetch_Site="cross-site"), {403}),
    "another port of this machine": (removal(Sec_Fetch_Site="same-site"), {403}),
    "no Sec-Fetch-Site": (removal(Sec_Fetch_Site=None), {403}),
    "an image on another site": (reading("/thumb/0", Sec_Fetch_Site="cross-site"), {403}),
    "a script on another site": (reading("/api/groups", Sec_Fetch_Site="same-site"), {403}),
    "a form's body": (removal(Content_Type="application/x-www-form-urlencoded"), {415}),
    "text that looks like JSON": (removal(Content_Type="text/plain"), {415}),
    "a change by GET": (reading("/api/change?remove=[[0,null]]"), {405}),
    "a change by PUT": (lambda page: page.ask("PUT", "/api/change", REMOVAL), {405}),
    "a preflight": (lambda page: page.ask("OPTIONS", "/api/change"), {405}),
    "a path as id": (removal_of({"remove": [["../../photos/vacation1.jpg", None]]}), {400}),
    "true as id": (removal_of({"remove": [[True, None]]}), {400}),
    "a fraction as id": (removal_of({"remove": [[0.0, None]]}), {400}),
    "a negative id": (removal_of({"remove": [[-1, None]]}), {400}),
    "an id beyond the last": (removal_of({"remove": [[0, None], [10**6, None]]}), {400}),
    "a huge id": (removal_of({"remove": [[10**400, None]]}), {400}),
    "a pair with itself": (removal_of({"remove": [[0, 0]]}), {400}),
    "a keeper of another group": (removal_of({"remove": [[0, 4]]}), {400}),
    "a keeper that is no number": (removal_of({"remove": [[0, "1"]]}), {400}),
    "no pair": (removal_of({"remove": [[0]]}), {400}),
    "no list of pairs": (removal_of({"remove": [0]}), {400}),
    "no list": (removal_of({"remove": {"0": None}}), {400}),
    "a path to restore": (removal_of({"remove": [], "restore": ["/etc/passwd"]}), {400}),
    "a number to restore beyond the last": (removal_of({"remove": [], "restore": [5]}), {400}),
    "no ids": (removal_of({"numbers": [0]}), {400}),
    "a list as body": (removal_of([0]), {400}),
    "broken JSON": (removal_of(b"{"), {400}),
    "deep JSON": (removal_of(b"[" * 100_000), {400}),
    "no text": (removal_of(b"\xff\xfe"), {400}),
    "too many ids": (removal_of({"remove": [[0, None]] * (MOST_NUMBERS + 1)}), {413}),
    "too large a body": (removal_of(b"[" + b" " * MOST_BODY_BYTES + b"0]"), {413}),
    "an unknown rule": (removal_of({"rules": ["all"], "groups": [1]}, "/api/batch"), {400}),
    "rules that are no words": (removal_of({"rules": [[]], "groups": [1]}, "/api/batch"), {400}),
    "a path in a picture's address": (reading("/thumb/..%2f..%2fphotos%2fvacation1.jpg"), {404}),
    "a file beside the page": (reading("/server.py"), {404}),
    "a file above the page": (reading("/../desk.py"), {404}),
    "a picture that isn't there": (reading("/full/99"), {404}),
    "a picture of a huge number": (reading("/full/" + "9" * 5000), {400, 404}),
    "a kind that isn't there": (reading("/raw/0"), {404}),
    "a group that isn't there": (reading("/api/facts/99"), {404}),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_nothing_touched(name: str, page: Page) -> None:
    before = tree(page.library.folder)
    attack, expected = ATTACKS[name]
    status, headers, body = attack(page)
    assert status in expected, body
    assert "Set-Cookie" not in headers
    assert b"vacation" not in body
    assert b"Traceback" not in body
    assert tree(page.library.folder) == before


def test_the_address_works_once(outside: Page) -> None:
    status, answer = outside.enter()
    assert status == 200
    assert re.fullmatch(r"[\w-]{43}", answer["secret"])
    status, answer = outside.enter()
    assert status == 403
    assert "was used already" in answer["error"]


def test_strangers_get_the_page_without_what_it_shows(outside: Page) -> None:
    for path in ("/", "/favicon.ico", *(f"/{name}" for name in STATIC)):
        status, headers, body = outside.ask("GET", path)
        assert status in (200, 204), path
        assert "Set-Cookie" not in headers
        assert b"vacation" not in body
        assert outside.server.address[-43:].encode() not in body
    assert outside.enter()[0] == 200  # nobody has used it by that


def loaded_by(name: str) -> list[str]:
    """The files of ours that a file of the page loads."""
    text = (PAGE / name).read_text("utf-8")
    imported = re.findall(r'^import .*"\./(.*)";$', text, re.MULTILINE)
    linked = re.findall(r'^<(?:link|script) .*(?:href|src)="(.*?)"', text, re.MULTILINE)
    return [*imported, *linked]


def test_what_the_page_loads_is_served_and_nothing_else(page: Page) -> None:
    reached = ["index.html"]
    for name in reached:
        reached += [other for other in loaded_by(name) if other not in reached]
    assert len(reached) > 10
    assert set(reached[1:]) == set(STATIC) == {p.name for p in PAGE.iterdir()} - {"index.html"}
    for name in STATIC:
        status, headers, body = page.ask("GET", f"/{name}")
        assert (status, body) == (200, (PAGE / name).read_bytes())
        assert headers["Content-Type"].split(";")[0] in ("text/css", "text/javascript")
    for path in ("/index.html", "/page/review.js", "/server.py", "/unknown.js", "/../server.py"):
        assert page.ask("GET", path)[0] == 404


def test_who_waits_for_a_picture_is_served_before_the_judge(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examiner, "PATIENCE_SECONDS", 600)
    judged: list[Any] = []
    one = Examiner(1)
    desk = Desk(proven(open_result(found.paths)), one)

    def judge() -> None:
        with one.giving_way():
            judged.append(one.facts(desk.copy(0)))

    thread = threading.Thread(target=judge)
    with one._awaiting():
        thread.start()
        thread.join(0.2)
        assert judged == []
        assert isinstance(one.facts(desk.copy(1)), Facts)  # asked for by a person
        assert judged == []
    thread.join()
    assert isinstance(judged[0], Facts)
    one.close()


def test_an_icon_comes_without_loss_as_its_pixels_are_seen(bare_library: Library) -> None:
    icon = Image.new("RGB", (16, 16), (250, 3, 3))
    icon.putpixel((5, 6), (0, 0, 255))
    for name in ("a.png", "b.png"):
        icon.save(bare_library.photos / name)
    bare_library.find()
    with serving(bare_library) as page:
        page.secret = page.enter()[1]["secret"]
        status, headers, body = page.ask("GET", "/preview/0")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        with Image.open(io.BytesIO(body)) as sent:
            assert sent.convert("RGB").tobytes() == icon.tobytes()


def test_scripts_of_the_page_import_one_way() -> None:
    scripts = {path.name: loaded_by(path.name) for path in PAGE.glob("*.js")}
    list(TopologicalSorter(scripts).static_order())  # or it raises CycleError


def test_every_answer_has_the_headers_that_bind_a_browser(page: Page) -> None:
    for path in ("/", "/review.css", "/review.js", "/api/groups", "/thumb/0", "/nothing"):
        _, headers, _ = page.ask("GET", path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers


def raw(page: Page, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(page.host.split(":")[1])), 5) as connection:
        connection.sendall(request)
        answer = b""
        with contextlib.suppress(OSError):  # it may hang up before it has read all
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(1 << 16):
                answer += part
        return answer


def test_raw_requests_that_no_browser_sends_are_refused(page: Page) -> None:
    before = tree(page.library.folder)
    host, secret = page.host.encode(), (page.secret or "").encode()
    ours = b"Origin: http://%b\r\nSec-Fetch-Site: same-origin\r\n" % host
    ours += b"Review-Secret: %b\r\n" % secret
    ours += b"Content-Type: application/json\r\nReview-Run: %b\r\n" % page.server.run.encode()
    body = b'{"remove": [[0, null]]}'
    length = b"Content-Length: %d\r\n" % len(body)
    post = b"POST /api/change HTTP/1.1\r\n"
    requests = {
        "two hosts": post + b"Host: %b\r\nHost: evil\r\n" % host + ours + length + b"\r\n" + body,
        "no host": b"POST /api/change HTTP/1.0\r\n" + ours + length + b"\r\n" + body,
        "an absolute address": b"POST http://evil/api/change HTTP/1.1\r\n"
        + (b"Host: %b\r\n" % host + ours + length + b"\r\n" + body),
        "a length that lies": post
        + (b"Host: %b\r\n" % host + ours + b"Content-Length: 9999999999\r\n\r\n" + body),
        "a negative length": post
        + (b"Host: %b\r\n" % host + ours + b"Content-Length: -1\r\n\r\n" + body),
        "a long line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: %b\r\n\r\n" % host,
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00",
    }
    for name, request in requests.items():
        assert not raw(page, request).startswith(b"HTTP/1.1 2"), name
        assert tree(page.library.folder) == before, name
    good = post + b"Host: %b\r\n" % host + ours + length + b"Connection: close\r\n\r\n" + body
    assert raw(page, good).startswith(b"HTTP/1.1 200")


def test_it_listens_on_the_loopback_only(page: Page) -> None:
    assert page.server._server.socket.getsockname()[0] == "127.0.0.1"


# ---- The action


def test_the_action_prints_the_address_and_ends_with_ctrl_c(found: Library) -> None:
    process = found.start("review", "--no-browser")
    assert process.stdout
    line = process.stdout.readline()
    match = re.search(r"http://(127\.0\.0\.1:\d+)/#token=([\w-]{43})$", line)
    assert match, line
    ours = {"Origin": f"http://{match[1]}", "Sec-Fetch-Site": "same-origin"}
    ours["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection(match[1], timeout=60)
    connection.request("POST", "/api/enter", json.dumps({"token": match[2]}), ours)
    assert connection.getresponse().status == 200
    connection.close()
    found.delete_copies("vacation1_old.jpg")
    process.send_signal(signal.SIGINT)
    ran = collect(process)
    assert ran.code == 0
    assert "Removed now: 1 copy." in ran.out
    assert ran.err == ""
    assert "token" not in ran.out  # no access log


def test_the_page_can_end_it(page: Page) -> None:
    assert page.post("/api/end") == {"ended": True}
    deadline = time.monotonic() + 60
    with pytest.raises(OSError):
        while time.monotonic() < deadline:
            page.ask("GET", "/api/state/0")
            time.sleep(0.05)


def test_a_port_that_is_taken_is_one_line(found: Library) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = found.run("review", "--no-browser", "--port", port)
    assert ran.code == 2
    assert f"--port {port}" in ran.err
    assert found.run("review", "--no-browser", "--port", "70000").code == 2


def test_without_flask_one_line_says_what_to_install(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: (name != "flask" and find_spec(name)) or None
    )
    ran = found.run("review")
    assert ran.code == 2
    assert ran.err == (
        "error: --action review needs Flask; run pip install -r extras/requirements.txt.\n"
    )


def test_without_a_result_review_says_so(library: Library) -> None:
    assert library.run("review", "--no-browser").code == 3


# ---- Its workers


def test_ctrl_c_while_its_workers_start_is_one_line(found: Library, tmp_path: Path) -> None:
    (tmp_path / "pebble.py").write_text(SLOW_WORKERS)
    alone = {"start_new_session": True, "env": os.environ | {"PYTHONPATH": str(tmp_path)}}
    ran = collect(found.start("review", "--no-browser", **alone))
    assert (tmp_path / "pressed").exists()
    assert (ran.code, ran.err) == (130, "Interrupted. Run the same command again to go on.\n")


@pytest.mark.workers
def test_what_keeps_its_workers_from_starting_is_one_line(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(synchronize._multiprocessing, "SemLock", refuses)
    ran = found.run("suggest")
    assert ran.code == 2
    assert ran.err.startswith("error: worker processes can't be started: No space left on device")
    assert ran.err.count("\n") == 1
