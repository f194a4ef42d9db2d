"""The server of the review page: who may ask for what, and the answers.

It listens on the loopback only. A page of another origin, a name that was bound to 127.0.0.1, or
a person without the one-time address gets nothing; no path ever comes from the browser.
"""

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from config import Exit, UserError
from extras.review.desk import MOVED, Desk, Order, WouldEmpty
from extras.review.facts import Facts, Unseen
from extras.review.rules import ALL_RULES, RULES, Suggestion
from extras.review.told import shown
from storage import SavedCopy

HOST = "127.0.0.1"
HERE = Path(__file__).parent
STATIC = {
    "review.css": "text/css",
    "review.js": "text/javascript",
    "stage.js": "text/javascript",
}
KINDS = ("thumb", "preview", "full")
LOOK_SECONDS = 1.0
MOST_BODY_BYTES = 256 << 10
MOST_NUMBERS = 500  # copies that one request may change, so that the lock is soon free again
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
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
ENTER = """<!DOCTYPE html><html lang="en"><meta charset="utf-8">
<meta http-equiv="refresh" content="0;url=/"><title>Review</title><a href="/">Go on</a></html>"""


class QuietHandler(WSGIRequestHandler):
    """Logs nothing, as the address holds the token, and drops who is silent for long."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def log(self, type: str, message: str, *args: Any) -> None:
        pass

    def version_string(self) -> str:
        return "review"


class Gate:
    """Who may come in: by the one-time token, then by a cookie."""

    def __init__(self, port: int) -> None:
        self.host = f"{HOST}:{port}"
        self.origin = f"http://{self.host}"
        self.cookie = f"review-{port}"
        self._token = secrets.token_urlsafe(32)
        self._secret = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._used = False

    @property
    def address(self) -> str:
        return f"{self.origin}/?token={self._token}"

    def check(self) -> None:
        """Abort a request that is not from our own page, or that has no cookie."""
        if request.headers.getlist("Host") != [self.host]:
            abort(403, "This is not the page's address.")
        site = request.headers.get("Sec-Fetch-Site")
        if request.method == "POST":
            if request.headers.get("Origin") != self.origin or site != "same-origin":
                abort(403, "Changes are made from the page only.")
            if request.mimetype != "application/json":
                abort(415, "JSON is wanted.")
        elif request.method != "GET":
            abort(405)
        elif request.path != "/" and site not in (None, "same-origin"):
            abort(403, "Another page may not show this.")
        if not self._is_entrance() and not self._has_cookie():
            abort(403, "Open the address that --action review has printed; it works once.")

    def refusal(self) -> str:
        """Why an address was not let in."""
        if self._used and self._is_token():
            return "This address was used already; start --action review again."
        return "This is not the address that --action review has printed."

    def _is_token(self) -> bool:
        given = request.args.get("token", "")
        return secrets.compare_digest(given.encode(), self._token.encode())

    def enter(self) -> bool:
        """Whether the request brings the token, for the first time."""
        with self._lock:
            first = not self._used and self._is_token()
            self._used = self._used or first
        return first

    def let_in(self, response: Response) -> Response:
        response.set_cookie(self.cookie, self._secret, httponly=True, samesite="Strict", path="/")
        return response

    def _is_entrance(self) -> bool:
        return request.method == "GET" and request.path == "/" and "token" in request.args

    def _has_cookie(self) -> bool:
        given = request.cookies.get(self.cookie, "")
        return secrets.compare_digest(given.encode(), self._secret.encode())

    def is_known(self) -> bool:
        return self._has_cookie()


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
        with contextlib.closing(self._desk.suggestions(groups)) as suggestions:
            for suggestion in suggestions:
                if self._stopped.is_set():
                    return
                self._told.append(suggestion_facts(suggestion))


def suggestion_facts(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "group": suggestion.group,
        "keeper": suggestion.keeper,
        "reason": suggestion.reason,
        "burst": suggestion.burst,
        "taken": suggestion.taken,
        "removals": [
            [removal.number, removal.keeper, removal.reason, list(removal.loses)]
            for removal in suggestion.removals
        ],
    }


def told_facts(facts: Facts) -> dict[str, Any]:
    """A picture's facts for the page, without what is only compared here."""
    return {name: value for name, value in asdict(facts).items() if name != "thumbprint"}


def create_app(desk: Desk, gate: Gate, end: Callable[[], None], command: str = "") -> Flask:
    """The application; `end` stops the server, `command` is what check-deleted is called by."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    app.config["PROPAGATE_EXCEPTIONS"] = False
    watcher = Watcher(desk)
    app.extensions["watcher"] = watcher
    app.before_request(gate.check)
    app.before_request(lambda: _check_run(desk))
    _answer_errors(app)
    _serve_files(app, gate)
    _serve_result(app, desk, watcher)
    _serve_pictures(app, desk)
    _serve_changes(app, desk)
    _serve_plans(app, desk, command)

    @app.post("/api/end")
    def stop() -> Response:
        end()
        return jsonify(ended=True)

    return app


def _check_run(desk: Desk) -> None:
    """Refuse a page that shows another result, and one that shows what is no longer there."""
    kind = request.path.split("/")[1]
    if kind not in ("api", *KINDS) or request.path == "/api/end":
        return
    desk.check_run()
    given = request.headers.get("Review-Run") or request.args.get("run")
    if request.path != "/api/groups" and given != desk.run:
        abort(409, "This page shows another result; reload it.")


def _answer_errors(app: Flask) -> None:
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
        response = jsonify(error=str(error))
        response.status_code = 423 if error.code is Exit.LOCKED else 409
        return response

    @app.errorhandler(WouldEmpty)
    def ask(error: WouldEmpty) -> Response:
        return jsonify(would_empty=error.groups)


def _serve_files(app: Flask, gate: Gate) -> None:
    @app.get("/")
    def page() -> Response:
        if "token" in request.args:
            if gate.enter():
                return gate.let_in(Response(ENTER, mimetype="text/html"))
            if not gate.is_known():
                abort(403, gate.refusal())
            return Response(ENTER, mimetype="text/html")
        return Response((HERE / "index.html").read_text("utf-8"), mimetype="text/html")

    for name, kind in STATIC.items():

        def file(name: str = name, kind: str = kind) -> Response:
            return Response((HERE / name).read_text("utf-8"), mimetype=kind)

        app.add_url_rule(f"/{name}", name, file, methods=["GET"])

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)


def _serve_result(app: Flask, desk: Desk, watcher: Watcher) -> None:
    seen: set[int] = set()

    @app.get("/api/groups")
    def groups() -> Response:
        return jsonify(
            run=desk.run,
            groups=[_group_facts(desk, group) for group in desk.groups],
            rules=[[rule.name, rule.label] for rule in RULES],
            seen=sorted(seen),
        )

    @app.get("/api/state/<int:since>")
    def state(since: int) -> Response:
        told = watcher.since(since)
        return jsonify(**_states(desk), told=told, done=watcher.all_done())

    @app.get("/api/facts/<int:group>")
    def facts(group: int) -> Response:
        if group not in desk.groups:
            abort(404)
        found: dict[int, dict[str, Any]] = {}
        for number in desk.groups[group]:
            known = desk.facts(number)
            if isinstance(known, Unseen):
                found[number] = {"unseen": known.reason}
            else:
                holds = desk.holds(number, known)
                found[number] = {**told_facts(known), "pixels": known.pixels, "holds": holds}
        turns = [[*pair] for pair in desk.turned(group)]
        return jsonify(
            facts=found, suggestion=suggestion_facts(desk.suggestion(group)), turns=turns
        )

    @app.post("/api/seen")
    def see() -> Response:
        seen.update(number for number in _numbers("groups") if number in desk.groups)
        return jsonify(seen=len(seen))


def _states(desk: Desk) -> dict[str, Any]:
    states = desk.states()
    return {"states": states, "editions": desk.editions(states)}


def _group_facts(desk: Desk, group: int) -> dict[str, Any]:
    copies = [(number, desk.manifest.copies[number]) for number in desk.groups[group]]
    number_of = {copy.original.path: number for number, copy in copies}
    return {
        "group": group,
        "copies": [_copy_facts(number, copy) for number, copy in copies],
        "links": [
            [number_of[one.left], number_of[one.right], one.view, one.distance, one.correlation]
            for one in desk.links[group]
        ],
    }


def _copy_facts(number: int, copy: SavedCopy) -> list[Any]:
    file = copy.original
    return [number, shown(file.path), file.size, file.mtime_ns // 10**9, copy.digest[:16]]


def _serve_pictures(app: Flask, desk: Desk) -> None:
    for kind in KINDS:

        def picture(number: int, kind: str = kind) -> Response:
            if number >= len(desk.manifest.copies):
                abort(404)
            made = desk.examiner.picture(desk.copy(number), kind)
            if isinstance(made, Unseen):
                abort(404, made.reason)
            return Response(made, mimetype="image/jpeg")

        app.add_url_rule(f"/{kind}/<int:number>", kind, picture, methods=["GET"])


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


def _serve_plans(app: Flask, desk: Desk, command: str) -> None:
    @app.post("/api/batch")
    def batch() -> Response:
        """What some rules would remove in some groups. Changes nothing on disk."""
        chosen = _body().get("rules")
        names: list[Any] = chosen if isinstance(chosen, list) else [None]
        if not all(isinstance(name, str) and name in ALL_RULES for name in names):
            abort(400, "Unknown rules.")
        groups = [group for group in _numbers("groups", most=None) if group in desk.groups]
        suggestions = list(desk.suggestions(groups, frozenset(names)))
        doomed = [removal for s in suggestions for removal in desk.doomed(s)]
        return jsonify(
            removals=[[r.number, r.keeper, r.reason, r.loses] for r in doomed],
            left=sum(s.keeper is None for s in suggestions),
            bursts=sum(s.burst for s in suggestions),
        )

    @app.get("/api/plan")
    def plan() -> Response:
        """What check-deleted would list now. Changes nothing on disk."""
        found = desk.check_deleted()
        listed = [copy for copy in found.deleted if os.path.lexists(copy.original.path)]
        return jsonify(
            deleted=[shown(copy.original.path) for copy in listed],
            already=len(found.deleted) - len(listed),
            moved=[shown(copy.original.path) for copy in found.moved],
            strangers=[shown(path) for path in found.strangers],
            whole_groups=sorted({copy.group for copy in found.whole_groups}),
            bytes=sum(copy.original.size for copy in listed),
            command=command,
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
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            abort(400, "Pairs are wanted.")
        numbers = pair if pair[1] is not None else pair[:1]
        if not all(type(number) is int for number in numbers):
            abort(400, "Whole numbers are wanted.")
        _check_numbers(desk, numbers)
        groups = {desk.copy(number).group for number in numbers}
        if len(groups) > 1 or pair[0] == pair[1]:
            abort(400, "That is no pair.")
    return [(pair[0], pair[1]) for pair in pairs]


def _check_numbers(desk: Desk, numbers: Iterable[int]) -> None:
    if not all(0 <= number < len(desk.manifest.copies) for number in numbers):
        abort(400, "There is no such copy.")


# ---- Running it


class Server:
    """The running page of a desk."""

    def __init__(self, desk: Desk, port: int = 0, command: str = "") -> None:
        """Bind the port; raises UserError if it is taken."""
        self._server = _bound(port)
        self.gate = Gate(self._server.port)
        self.run = desk.run
        self._app = create_app(desk, self.gate, self._end, command)
        self._server.app = self._app
        self._watcher: Watcher = self._app.extensions["watcher"]

    @property
    def address(self) -> str:
        return self.gate.address

    def serve(self) -> None:
        """Answer until the page ends it, or until Ctrl-C."""
        self._watcher.start()
        try:
            self._server.serve_forever(poll_interval=0.2)
        finally:
            self._watcher.stop()
            self._server.server_close()

    def _end(self) -> None:
        threading.Timer(0.3, self._server.shutdown).start()  # the answer goes out first


def _bound(port: int) -> BaseWSGIServer:
    def nothing_yet(_environment: object, _start: object) -> Sequence[bytes]:
        return []

    refusal = f"--port {port} of {HOST} can't be used; choose another, or none."
    if not 0 <= port < 1 << 16:
        raise UserError(refusal)
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise UserError(refusal) from error
    with listening:
        return make_server(
            HOST,
            listening.getsockname()[1],
            nothing_yet,
            threaded=True,
            request_handler=QuietHandler,
            fd=listening.fileno(),
        )
