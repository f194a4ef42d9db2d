"""The server of the review page: what may be asked for, and the answers.

Who may ask stands in gate.py; no path ever comes from the browser.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from config import Exit, UserError
from disk.record import KeptTogether, SavedCopy
from extras.points.installed import is_installed
from extras.review.deeper import CantBeSeen
from extras.review.desk import MOVED, Choice, Desk, Order, WouldEmpty
from extras.review.examiner import Unseen
from extras.review.facts import Facts
from extras.review.gate import ENTRANCE, Gate, Lead, Listener
from extras.review.occurring import Folder, telling
from extras.review.reviewed import Reviewed
from extras.review.rules import ALL_RULES, RULES, Suggestion
from extras.review.told import shown
from pictures.losses import orphaned_sidecars

PAGE = Path(__file__).parent / "page"
TYPES = {".css": "text/css", ".js": "text/javascript"}
# The files that the page loads; each has an address of its own, and no other has one.
STATIC = {path.name: TYPES[path.suffix] for path in PAGE.iterdir() if path.suffix in TYPES}
# What anybody may load, as a browser sends no header of ours with it; it tells nothing.
PUBLIC = frozenset(("/", "/favicon.ico", *(f"/{name}" for name in STATIC)))
KINDS = ("thumb", "preview", "full")
POINTS = "points"  # of two pictures, that lie on each other
NOT_TOLD = {"thumbprint", "moments", "coded", "places", "deep"}  # of the facts, to the page
LOOK_SECONDS = 1.0
MOST_BODY_BYTES = 256 << 10
MOST_NUMBERS = 500  # copies that one request may change, so that the lock is soon free again
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Watcher:
    """Judges all groups in the background, and again those in which a copy was edited.

    What has come of it is remembered in order; what is told later of a group counts.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._told: list[dict[str, Any]] = []
        self._edited: dict[int, str] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def since(self, number: int) -> list[dict[str, Any]]:
        return self._told[number : number + 1000]

    def all_done(self) -> bool:
        return len(self._told) >= len(self._desk.groups)

    def _watch(self) -> None:
        self._edited = self._desk.editions(self._desk.states())
        self._judge(self._desk.groups)
        before = ""
        while not self._stopped.wait(LOOK_SECONDS):
            states = self._desk.states()
            edited = self._desk.editions(states)
            if states != before or edited != self._edited or MOVED in states:
                self._desk.settle(states)
                changed = dict(edited.items() ^ self._edited.items())
                copies = self._desk.manifest.copies
                self._judge(sorted({copies[number].group for number in changed}))
            before, self._edited = states, edited

    def _judge(self, groups: Iterable[int]) -> None:
        judging = self._desk.suggestions(groups, giving_way=True)
        with contextlib.closing(judging) as suggestions:
            for suggestion in suggestions:
                if self._stopped.is_set():
                    return
                self._told.append(suggestion_facts(suggestion))


def telling_folders(desk: Desk) -> list[Folder]:
    """The folders that a person may prefer on the page."""
    copies = desk.manifest.copies
    groups = ([copies[n].original.path for n in numbers] for numbers in desk.groups.values())
    return telling(groups, desk.usual.prefer)


def suggestion_facts(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "group": suggestion.group,
        "keeper": suggestion.keeper,
        "reason": suggestion.reason,
        "burst": suggestion.burst,
        "taken": suggestion.taken,
        "shots": suggestion.shots,
        "in_time": suggestion.in_time,
        "ranked": suggestion.ranked,
        "removals": [
            [removal.number, removal.keeper, removal.reason, list(removal.loses)]
            for removal in suggestion.removals
        ],
    }


def told_facts(facts: Facts) -> dict[str, Any]:
    """A picture's facts for the page, without what is only compared here.

    Raises CantBeSeen where nobody can tell how sharp it is.
    """
    names = {one.name for one in fields(facts)} - NOT_TOLD
    told = {name: getattr(facts, name) for name in names}
    return {**told, "pixels": facts.pixels, "sharpness": facts.sharpness}


def create_app(
    desk: Desk, gate: Gate, end: Callable[[], None], commands: Mapping[str, str]
) -> Flask:
    """The application; `end` stops the server, `commands` are what actions are called by."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    app.config["PROPAGATE_EXCEPTIONS"] = False
    watcher = Watcher(desk)
    folders = telling_folders(desk)
    app.extensions["watcher"] = watcher
    app.before_request(gate.check)
    app.before_request(lambda: _check_run(desk))
    _answer_errors(app, commands)
    _serve_files(app, gate)
    _serve_result(app, desk, watcher, folders, commands)
    _serve_pictures(app, desk)
    _serve_changes(app, desk)
    _serve_decisions(app, desk)
    _serve_plans(app, desk, folders)

    @app.post("/api/end")
    def stop() -> Response:
        end()
        return jsonify(ended=True)

    return app


def _check_run(desk: Desk) -> None:
    """Refuse a page that shows another result, and one that shows what is no longer there."""
    kind = request.path.split("/")[1]
    if kind not in ("api", POINTS, *KINDS) or request.path in (ENTRANCE, "/api/end"):
        return
    desk.check_run()
    if request.path != "/api/groups" and request.headers.get("Review-Run") != desk.run:
        abort(409, "This page shows another result; reload it.")


def _answer_errors(app: Flask, commands: Mapping[str, str]) -> None:
    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        page = Response(error.description or "", mimetype="text/plain")
        response = page if request.path == "/" else jsonify(error=error.description)
        response.status_code = error.code or 500
        response.headers["Connection"] = "close"  # a body may be left unread
        return response

    @app.errorhandler(UserError)
    def say(error: UserError) -> Response:
        find = "--action find"
        response = jsonify(error=str(error).replace(find, commands.get("find", find)))
        response.status_code = 423 if error.code is Exit.LOCKED else 409
        return response

    @app.errorhandler(WouldEmpty)
    def ask(error: WouldEmpty) -> Response:
        return jsonify(would_empty=error.groups)


def _serve_files(app: Flask, gate: Gate) -> None:
    @app.post(ENTRANCE)
    def enter() -> Response:
        return jsonify(secret=gate.enter(_body().get("token")))

    @app.get("/")
    def page() -> Response:
        return Response((PAGE / "index.html").read_text("utf-8"), mimetype="text/html")

    for name, kind in STATIC.items():

        def file(name: str = name, kind: str = kind) -> Response:
            return Response((PAGE / name).read_text("utf-8"), mimetype=kind)

        app.add_url_rule(f"/{name}", name, file, methods=["GET"])

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)


def _serve_result(
    app: Flask,
    desk: Desk,
    watcher: Watcher,
    folders: Sequence[Folder],
    commands: Mapping[str, str],
) -> None:
    reviewed = Reviewed(desk.run)

    @app.get("/api/groups")
    def groups() -> Response:
        return jsonify(
            run=desk.run,
            groups=[_group_facts(desk, group) for group in desk.groups],
            rules=[[rule.name, rule.label] for rule in RULES],
            folders=[[shown(folder.path), folder.groups] for folder in folders],
            prefer=[number for number, folder in enumerate(folders) if folder.rank is not None],
            seen=sorted(reviewed.groups),
            kept=desk.side_by_side.known_kept(),
            together=[_together_facts(desk, one) for one in desk.manifest.kept_together],
            commands=commands,
            sample=desk.is_sample,
        )

    @app.get("/api/state/<int:since>")
    def state(since: int) -> Response:
        done = watcher.all_done()  # asked first, so that then all of it is told
        return jsonify(**_states(desk), told=watcher.since(since), done=done)

    @app.get("/api/facts/<int:group>")
    def facts(group: int) -> Response:
        if group not in desk.groups:
            abort(404)
        found = {number: _picture_facts(desk, number) for number in desk.groups[group]}
        turns = [[*pair] for pair in desk.turned(group)]
        return jsonify(
            facts=found, suggestion=suggestion_facts(desk.suggestion(group)), turns=turns
        )

    @app.post("/api/seen")
    def see() -> Response:
        reviewed.add(number for number in _numbers("groups") if number in desk.groups)
        return jsonify(seen=len(reviewed.groups))


def _picture_facts(desk: Desk, number: int) -> dict[str, Any]:
    known, copy = desk.facts_of_original(number), desk.copy(number)
    if isinstance(known, Unseen):
        return {"unseen": known.reason}
    try:
        told = told_facts(known)
    except CantBeSeen as error:
        return {"unseen": str(error)}
    more = {
        "protected": shown(desk.protection(copy)),
        "preview": copy.preview is not None,
        "original": desk.has_original(number),
    }
    return {**told, **more, "holds": desk.holds(known), "beside": desk.companions(number)}


def _states(desk: Desk) -> dict[str, Any]:
    states = desk.states()
    return {"states": states, "editions": desk.editions(states)}


def _group_facts(desk: Desk, group: int) -> dict[str, Any]:
    copies = [(number, desk.manifest.copies[number]) for number in desk.groups[group]]
    number_of = {copy.original.path: number for number, copy in copies}
    return {
        "group": group,
        "copies": [_copy_facts(desk, number, copy) for number, copy in copies],
        "links": [
            [number_of[one.left], number_of[one.right], one.view, one.distance, one.correlation]
            for one in desk.links[group]
        ],
    }


def _together_facts(desk: Desk, kept: KeptTogether) -> list[Any]:
    """The group of what was kept side by side before, the numbers of its copies, and the day."""
    paths = frozenset(kept.paths)
    group = desk.groups.get(kept.group, ())
    numbers = [n for n in group if desk.copy(n).original.path in paths]
    return [kept.group, numbers, kept.day]


def _copy_facts(desk: Desk, number: int, copy: SavedCopy) -> list[Any]:
    file = copy.original
    seconds = file.mtime_ns // 10**9
    return [number, desk.shown(file.path), file.size, seconds, copy.digest[:16], bool(copy.damage)]


def _serve_pictures(app: Flask, desk: Desk) -> None:
    for kind in KINDS:

        def picture(number: int, kind: str = kind) -> Response:
            if number >= len(desk.manifest.copies):
                abort(404)
            made = desk.examiner.picture(desk.copy(number), kind)
            if isinstance(made, Unseen):
                abort(404, made.reason)
            is_png = made.startswith(b"\x89PNG")
            return Response(made, mimetype="image/png" if is_png else "image/jpeg")

        app.add_url_rule(f"/{kind}/<int:number>", kind, picture, methods=["GET"])

    @app.get(f"/{POINTS}/<int:left>/<int:right>")
    def points(left: int, right: int) -> Response:
        groups = {desk.copy(n).group for n in (left, right) if n < len(desk.manifest.copies)}
        if left == right or len(groups) != 1 or max(left, right) >= len(desk.manifest.copies):
            abort(404)
        return Response(_matched_points(desk, left, right), mimetype="image/jpeg")


def _matched_points(desk: Desk, *numbers: int) -> bytes:
    """The points of two pictures that lie on each other, drawn."""
    if not is_installed():
        abort(404, "The package opencv-python-headless isn't there any more.")
    from extras.review.matched_points import drawn  # with OpenCV

    shown = [desk.examiner.picture(desk.copy(number), "preview") for number in numbers]
    pictures = [made for made in shown if not isinstance(made, Unseen)]
    made = drawn(*pictures) if len(pictures) == len(shown) else "a picture can't be shown"
    if isinstance(made, str):
        abort(404, made)
    return made


def _serve_changes(app: Flask, desk: Desk) -> None:
    @app.post("/api/change")
    def change() -> Response:
        """Restore copies, then remove others for the sake of the ones that are kept."""
        body = _body()
        flags = [body.get(name, False) is True for name in ("by_rule", "may_empty")]
        orders = [Order(number, keeper, flags[0]) for number, keeper in _pairs(desk)]
        back = _numbers("restore")
        _check_numbers(desk, [*back, *(order.number for order in orders)])
        deeds = desk.change(orders, back, may_empty=flags[1])
        return jsonify(
            done=[[deed.kind, deed.number] for deed in deeds if deed.refused is None],
            refused=[[d.kind, d.number, d.refused] for d in deeds if d.refused is not None],
            **_states(desk),
        )


def _serve_decisions(app: Flask, desk: Desk) -> None:
    for name in ("keep", "forget"):

        def decide(keep: bool = name == "keep") -> Response:
            """Decide on one group; the file of decisions is the person's own."""
            numbers = _numbers("groups", most=1)
            if not numbers or numbers[0] not in desk.groups:
                abort(400, "There is no such group.")
            return jsonify(refused=desk.decide(numbers[0], keep=keep))

        app.add_url_rule(f"/api/{name}", name, decide, methods=["POST"])


def _serve_plans(app: Flask, desk: Desk, folders: Sequence[Folder]) -> None:
    @app.post("/api/batch")
    def batch() -> Response:
        """What some rules would remove in some groups. Changes nothing on disk."""
        chosen = _body().get("rules")
        names: list[Any] = chosen if isinstance(chosen, list) else [None]
        if not all(isinstance(name, str) and name in ALL_RULES for name in names):
            abort(400, "Unknown rules.")
        wanted = desk.groups.keys() - desk.side_by_side.kept()
        groups = [group for group in _numbers("groups", most=None) if group in wanted]
        prefer = [folders[n].path for n in _numbers("prefer") if 0 <= n < len(folders)]
        by = Choice(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(prefer)))
        suggestions = list(desk.suggestions(groups, by))
        doomed = [removal for s in suggestions for removal in desk.doomed(s)]
        return jsonify(
            removals=[[r.number, r.keeper, r.reason, r.loses] for r in doomed],
            left=len(desk.left_to_person(suggestions, doomed)),
            bursts=sum(s.burst for s in suggestions),
        )

    @app.get("/api/plan")
    def plan() -> Response:
        """What check-deleted would list now. Changes nothing on disk."""
        found = desk.check_deleted()
        deleted = [] if desk.is_sample else found.deleted
        here = [copy for copy in deleted if os.path.lexists(copy.original.path)]
        reasons = [desk.protection(copy) for copy in here]
        listed = [copy for copy, reason in zip(here, reasons, strict=True) if not reason]
        return jsonify(
            deleted=[shown(copy.original.path) for copy in listed],
            losses=[
                [shown(loss.path), list(map(shown, loss.loses))] for loss in desk.losses(listed)
            ],
            companions=list(map(shown, orphaned_sidecars(copy.original.path for copy in listed))),
            protected=[
                [shown(copy.original.path), shown(reason)]
                for copy, reason in zip(here, reasons, strict=True)
                if reason
            ],
            already=len(deleted) - len(here),
            moved=[shown(copy.original.path) for copy in found.moved],
            strangers=[shown(path) for path in found.strangers],
            whole_groups=sorted({copy.group for copy in found.whole_groups}),
            bytes=sum(copy.original.size for copy in listed),
        )


def _body() -> dict[str, Any]:
    try:
        body = request.get_json()
    except RecursionError:
        abort(400, "That is too deep.")
    if not isinstance(body, dict):
        abort(400, "A JSON object is wanted.")
    return body


def _numbers(name: str, most: int | None = MOST_NUMBERS) -> list[int]:
    numbers = _body().get(name, [])
    # bool is an int, and no number of ours.
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        abort(400, "Whole numbers are wanted.")
    if most is not None and len(numbers) > most:
        abort(413, f"At most {most} at a time.")
    return numbers


def _pairs(desk: Desk) -> list[tuple[int, int | None]]:
    """The copies to remove, each with one of its group to keep, or with null."""
    pairs = _body().get("remove")
    if not isinstance(pairs, list) or len(pairs) > MOST_NUMBERS:
        abort(413 if isinstance(pairs, list) else 400, f"At most {MOST_NUMBERS} pairs are wanted.")
    return [_pair(desk, pair) for pair in pairs]


def _pair(desk: Desk, pair: object) -> tuple[int, int | None]:
    if not isinstance(pair, list) or len(pair) != 2:
        abort(400, "Pairs are wanted.")
    numbers = pair if pair[1] is not None else pair[:1]
    if not all(type(number) is int for number in numbers):
        abort(400, "Whole numbers are wanted.")
    _check_numbers(desk, numbers)
    groups = {desk.copy(number).group for number in numbers}
    if len(groups) > 1 or pair[0] == pair[1]:
        abort(400, "That is no pair.")
    return pair[0], pair[1]


def _check_numbers(desk: Desk, numbers: Iterable[int]) -> None:
    if not all(0 <= number < len(desk.manifest.copies) for number in numbers):
        abort(400, "There is no such copy.")


# ---- Running it


class Server:
    """The running page of a desk."""

    def __init__(
        self, desk: Desk, port: int = 0, commands: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Bind the port; raises UserError if it is taken."""
        self._server = Listener(port)
        self.gate = Gate(self._server, PUBLIC)
        self.run = desk.run
        self._app = create_app(desk, self.gate, self._end, commands)
        self._server.app = self._app
        self._watcher: Watcher = self._app.extensions["watcher"]

    @property
    def address(self) -> str:
        return self.gate.address

    def serve(self, show: Callable[[str], None] | None = None) -> None:
        """Answer until the page ends it, or until Ctrl-C; `show` is to open a file for a person."""
        lead = Lead(self.address)
        self.gate.entered = lead.remove
        self._watcher.start()
        try:
            if show is not None and (path := lead.write()) is not None:
                show(path)
            self._server.serve_forever(poll_interval=0.2)
        finally:
            lead.remove()
            self._watcher.stop()
            self._server.server_close()

    def _end(self) -> None:
        threading.Timer(0.3, self._server.shutdown).start()  # the answer goes out first
