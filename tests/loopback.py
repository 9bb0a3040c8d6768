"""A server on 127.0.0.1 that answers like DANDI, OSF and plain file servers, and fails like them when told to."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DANDISET = "/api/dandisets/000628/versions/0.230922.1642"
Answer = bytes | Callable[[Mapping[str, str]], object]


class Loopback:
    """Serves `files`; the next request for a path meets the next of its `faults`.

    A fault is a status such as "503", or one of: cut (half of what is asked, then the connection closes), stall (half,
    then silence), other (right length, wrong bytes), short (a shorter file, whole), nolength (half, no length told),
    norange (Range ignored), shifted (another range than asked), "" (none). `always` is a fault of every request.

    Attributes:
        files: body by path; or a function of the query that gives what is sent as JSON.
        redirects: address by path.
        faults: those to come, by path.
        always: those of every request, by path.
        asked: path and Range header of every request so far.
    """

    def __init__(self) -> None:
        self.files: dict[str, Answer] = {}
        self.redirects: dict[str, str] = {}
        self.faults: dict[str, list[str]] = {}
        self.always: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Loopback":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def add(self, path: str, body: Answer, *faults: str, always: str = "") -> str:
        """Serve a body at a path; returns its address."""
        self.files[path], self.faults[path], self.always[path] = body, list(faults), always
        return f"{self.url}{path}"

    def add_dandiset(self, files: Mapping[str, bytes]) -> str:
        """Serve files as the published version of the dandiset; returns the address of the API."""
        blobs = {hashlib.md5(name.encode()).hexdigest(): name for name in files}
        dated = {"created": "2023-09-22T16:42:00Z", "modified": "2023-09-22T16:42:00Z"}

        def assets(query: Mapping[str, str]) -> object:
            found = [
                {"asset_id": blob, "blob": blob, "path": name, "size": len(files[name]), **dated}
                for blob, name in blobs.items()
                if name.startswith(query["path"])
            ]
            return {"count": len(found), "next": None, "previous": None, "results": found}

        self.add(f"{DANDISET}/assets/", assets)
        for blob, name in blobs.items():
            self.redirects[f"/api/assets/{blob}/download/"] = self.add(f"/blobs/{name}", files[name])
        return f"{self.url}/api"

    def add_osf(self, files: Mapping[str, bytes]) -> str:
        """Serve files as an OSF project, one a page of its listing; returns the listing's address."""
        names = list(files)

        def page(query: Mapping[str, str]) -> object:
            number = int(query.get("page", "1"))
            name = names[number - 1]
            told = {"sha256": hashlib.sha256(files[name]).hexdigest(), "md5": hashlib.md5(files[name]).hexdigest()}
            attributes = {"kind": "file", "name": name, "size": len(files[name]), "extra": {"hashes": told}}
            entry = {"attributes": attributes, "links": {"download": f"{self.url}/download/{name}/"}}
            following = f"{self.url}/v2/osfstorage/?page={number + 1}" if number < len(names) else None
            return {"data": [entry], "links": {"next": following}}

        for name in names:
            self.redirects[f"/download/{name}/"] = self.add(f"/osf/{name}", files[name])
        return self.add("/v2/osfstorage/", page)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path, query = urlsplit(handler.path).path, parse_qs(urlsplit(handler.path).query)
        span = handler.headers.get("Range", "")
        self.asked.append((path, span))
        waiting = self.faults.get(path)
        fault = waiting.pop(0) if waiting else self.always.get(path, "")
        if path in self.redirects:
            handler.send_response(302)
            handler.send_header("Location", self.redirects[path])
            handler.end_headers()
            return
        body = self.files.get(path)
        if body is None or fault.isdecimal():
            handler.send_error(int(fault) if body is not None else 404)
            return
        if callable(body):
            body = json.dumps(body({key: values[0] for key, values in query.items()})).encode()
        self._send(handler, body, span, fault)

    def _send(self, handler: BaseHTTPRequestHandler, body: bytes, span: str, fault: str) -> None:
        size = len(body)
        start = int(span.removeprefix("bytes=").partition("-")[0]) if span and fault != "norange" else 0
        if start >= size > 0:
            handler.send_error(416)
            return
        start = start + 1 if fault == "shifted" and start else start
        body = {"other": bytes(size), "short": body[:-10]}.get(fault, body)[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if fault != "nolength":
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        half = fault in ("cut", "stall", "nolength")
        handler.wfile.write(body[: len(body) // 2] if half else body)
        if fault == "stall":
            self.closing.wait(10)


def closed_port() -> str:
    """An address on which nothing listens."""
    with Loopback() as server:
        url = server.url
    time.sleep(0.01)
    return url
