"""A web server that misbehaves on purpose, and counts how often it is asked.

It runs as a program of its own, so that a test may kill the client without touching it:
``python fault_server.py FOLDER`` prints its port. ``/good/NAME`` sends a file of FOLDER;
``/count`` the requests by path; other paths misbehave as their name says.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

HTML = b"<html><body>This picture has moved.</body></html>"


class FaultHandler(BaseHTTPRequestHandler):
    """Answers by the first part of the path: ``/fault/name``."""

    folder = Path()
    counts: ClassVar[Counter[str]] = Counter()
    lock = threading.Lock()

    def do_GET(self):
        if self.path == "/count":
            self._send(json.dumps(self.counts).encode())
            return
        with self.lock:
            self.counts[self.path] += 1
            times = self.counts[self.path]
        _, fault, name = self.path.split("/", 2)
        # The client may have had enough, as it should.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"_{fault}")(name, times)

    def _send(self, body: bytes, code: int = 200, **headers: str):
        self.send_response(code)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", headers.get("length", str(len(body))))
        self.end_headers()
        self.wfile.write(body)

    def _image(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def _good(self, name, times):
        self._send(self._image(name))

    def _slow(self, name, times):
        time.sleep(0.1)
        self._send(self._image(name))

    def _missing(self, name, times):
        self._send(HTML, 404)

    def _forbidden(self, name, times):
        self._send(HTML, 403)

    def _broken(self, name, times):
        self._send(HTML, 500)

    def _recovers(self, name, times):
        self._send(*((HTML, 500) if times == 1 else (self._image(name),)))

    def _busy(self, name, times):
        if times == 1:
            self._send(HTML, 429, Retry_After="1")
        else:
            self._send(self._image(name))

    def _stall(self, name, times):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"\xff\xd8")
        time.sleep(20)

    def _truncated(self, name, times):
        body = self._image(name)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100])
        self.close_connection = True

    def _flaky(self, name, times):
        if times == 1:
            self._truncated(name, times)
        else:
            self._send(self._image(name))

    def _other(self, name, times):
        self._send(self._image(name))

    def _html(self, name, times):
        self._send(HTML)

    def _declared(self, name, times):
        self.send_response(200)
        self.send_header("Content-Length", str(10**12))
        self.end_headers()
        self.wfile.write(b"\xff\xd8")

    def _endless(self, name, times):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"\xff\xd8" * 50_000)

    def _gzip(self, name, times):
        self._send(self._image(name), Content_Encoding="gzip")

    def _compressed(self, name, times):
        self._send(gzip.compress(self._image(name)), Content_Encoding="gzip")

    def _bomb(self, name, times):
        self._send(gzip.compress(bytes(20_000_000)), Content_Encoding="gzip")

    def _cut(self, name, times):
        self._send(gzip.compress(self._image(name))[:-20], Content_Encoding="gzip")

    def _encoded(self, name, times):
        self._send(b"?", Content_Encoding="compress")

    def _partial(self, name, times):
        self._send(self._image(name)[:99], 206)

    def _short(self, name, times):
        """Declare fewer bytes than are sent, and keep the connection open."""
        self.protocol_version = "HTTP/1.1"
        self.close_connection = False
        self._send(self._image(name), length=str(len(self._image(name)) - 5))

    def _kept(self, name, times):
        """Send a good answer on a connection that stays open."""
        self.protocol_version = "HTTP/1.1"
        self.close_connection = False
        self._send(self._image(name))

    def _junk(self, name, times):
        self.wfile.write(b"\x00\x01 this is no HTTP\r\n\r\n")
        self.close_connection = True

    def _noplace(self, name, times):
        self._send(b"", 302, Location="http://0177.0.0.1/")

    def _script(self, name, times):
        self._send(b"", 302, Location="javascript:alert(1)")

    def _circle(self, name, times):
        self._send(b"", 302, Location="")

    def _relative(self, name, times):
        self._send(b"", 307, Location=f"../good/{name}#top")

    def _cookie(self, name, times):
        """Refuse whoever sends a cookie back."""
        if "Cookie" in self.headers:
            self._send(HTML, 400)
        else:
            self._send(self._image(name), Set_Cookie="a=b; Path=/")

    def _loop(self, name, times):
        self._send(b"", 302, Location=self.path)

    def _far(self, name, times):
        self._send(b"", 302, Location=f"/far/{int(name) + 1}")

    def _moved(self, name, times):
        self._send(b"", 301, Location=f"/good/{name}")

    def _private(self, name, times):
        self._send(b"", 302, Location="http://169.254.169.254/latest/meta-data")

    def _file(self, name, times):
        self._send(b"", 302, Location="file:///etc/passwd")

    def _hangup(self, name, times):
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_):
        """Keep quiet."""


def main():
    FaultHandler.folder = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), FaultHandler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)  # noqa: T201  # the test reads it
    server.serve_forever()


if __name__ == "__main__":
    main()
