"""Two small HTTP servers: one has the page, one stands before weft and notes what the browser and weft say to each other."""

import dataclasses
import http.client
import http.server
import threading


class Server:
    """A handler class on a loopback port of its own, in a thread."""

    def __init__(self, handler):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def page_server(script):
    """Serves a page that runs the script; anything after ? is the script's own affair."""
    files = {"/": ("text/html; charset=utf-8", b'<!doctype html><title>loading</title><script type="module" src="/page.js"></script>'),
             "/page.js": ("text/javascript; charset=utf-8", script)}

    class Handler(_Quiet):
        def do_GET(self):
            kind, body = files.get(self.path.partition("?")[0], ("text/plain", b""))
            self.answer(200, [("Content-Type", kind), ("Content-Length", str(len(body)))], body)

    return Server(Handler)


@dataclasses.dataclass
class Exchange:
    method: str
    path: str
    asked: dict  # headers, names in lower case
    status: int
    answered: dict


def recording_proxy(behind, exchanges):
    """Passes each request on to the address behind and its answer back, and appends an Exchange to the list."""

    class Handler(_Quiet):
        def pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(behind, timeout=20)
            connection.request(self.command, self.path, body or None, dict(self.headers.items()))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in ("connection", "keep-alive")]
            exchanges.append(Exchange(self.command, self.path, {name.lower(): value for name, value in self.headers.items()},
                                      answer.status, {name.lower(): value for name, value in headers}))
            self.answer(answer.status, headers, content)

        do_POST = do_OPTIONS = do_GET = pass_on

    return Server(Handler)
