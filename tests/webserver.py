"""A web server of this machine for what is fetched from the internet; it says what it is told to say."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def web(files: dict[str, bytes], announced: int | None = -1) -> Iterator[str]:
    """The address of a server of some files; each asked for by its name.

    Args:
        files: name -> content. Others are answered with 404.
        announced: the length that it promises; the true one by default, nothing where None.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = files.get(self.path.lstrip("/"))
            self.send_response(404 if content is None else 200)
            if content is not None and announced is not None:
                self.send_header("Content-Length", str(len(content) if announced < 0 else announced))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
