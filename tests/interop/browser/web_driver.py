"""A headless Chromium by way of its driver: opens a page and reads its title (W3C WebDriver, the few calls that takes)."""

import json
import pathlib
import urllib.error
import urllib.request

from harness.process import Program, free_port, is_listening

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"


class Browser:
    def __init__(self, directory):
        """directory: where it keeps its profile and its log."""
        self.directory = pathlib.Path(directory)
        self.address = f"127.0.0.1:{free_port()}"
        self.driver = None
        self.session = None

    def __enter__(self):
        home = {"HOME": str(self.directory)}
        self.driver = Program([DRIVER, f"--port={self.address.rsplit(':', 1)[1]}"], self.directory / "driver.txt", home).start()
        self.driver.wait_until(lambda: is_listening(self.address), 20.0, "listening")
        # The sandbox needs user namespaces, which containers often lack; the page is our own.
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
                   "--disable-background-networking", f"--user-data-dir={self.directory / 'profile'}"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"binary": CHROMIUM, "args": options}}
        try:
            self.session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        except BaseException:
            self.driver.kill()
            raise
        return self

    def __exit__(self, *_):
        try:
            self._call("DELETE", f"/session/{self.session}")  # ends Chromium
        finally:
            self.driver.stop()

    def open(self, url):
        self._call("POST", f"/session/{self.session}/url", {"url": url})

    def title(self):
        return self._call("GET", f"/session/{self.session}/title")

    def _call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://{self.address}{path}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"the driver refuses {method} {path}: {error.read().decode()}\n{self.driver.log_tail()}") from None
