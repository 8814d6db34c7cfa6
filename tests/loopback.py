"""An HTTP server on this machine that can do what servers on the internet do to a download."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror(ThreadingHTTPServer):
    """Serves the bytes in `files` by name, as its attributes say; `asked` lists (name, Range) of each request."""

    daemon_threads = True
    break_after = None  # bytes, then the connection is closed
    status = None  # instead of 200 or 206
    ranges = True  # False: Range is ignored
    headers = {}  # more of them

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.go_on = dict(files), [], None
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request, client_address):
        """Say nothing of a client that went away."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        mirror, name = self.server, self.path[1:]
        wanted = self.headers.get("Range")
        mirror.asked.append((name, wanted))
        if mirror.status or name not in mirror.files:
            self.send_error(mirror.status or 404)
            return
        content = mirror.files[name]
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and mirror.ranges else 0
        self.send_response(206 if first else 200)
        headers = {"Content-Length": str(len(content) - first)} | mirror.headers
        if first:
            headers = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"} | headers
        for key, value in headers.items():
            if value is not None:
                self.send_header(key, value)
        self.end_headers()
        body = content[first:]
        if mirror.break_after is not None:
            self.wfile.write(body[: mirror.break_after])
            self.wfile.flush()
            if mirror.go_on is None or not mirror.go_on.wait(30):
                self.close_connection = True
                return
            body = body[mirror.break_after :]
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(files):
    mirror = Mirror(files)
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield mirror
    finally:
        if mirror.go_on:
            mirror.go_on.set()
        mirror.shutdown()
        mirror.server_close()
        thread.join()
