"""zpages: pages that say what runs, also after a reload, beside a real Collector's at the same paths."""

import http.client
import re

from harness import config as configs
from harness.case import OutsideInCase
from harness.process import free_port, wait_until

PAGES = ("servicez", "pipelinez", "extensionz", "featurez", "tracez")


class ZpagesTest(OutsideInCase):
    def get(self, path, method="GET"):
        connection = http.client.HTTPConnection(self.pages, timeout=10)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers["Content-Type"], text

    def start_pages(self):
        self.pages, address = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.config = configs.pipeline(address, {"nop": None, "nop/two": None}, {"batch": None})
        self.config["extensions"] = {"zpages": {"endpoint": self.pages}}
        self.config["service"]["extensions"] = ["zpages"]
        return self.start_program(self.config, [address, self.pages])

    def test_pages_say_what_runs(self):
        program = self.start_pages()
        for page in PAGES if not program.is_stand_in else PAGES[:-1]:  # the Collector has tracez if it traces itself
            status, content_type, text = self.get(f"/debug/{page}")
            self.assertEqual((page, status, content_type.split(";")[0]), (page, 200, "text/html"))
            self.assertIn("</html>", text)
        text = self.get("/debug/pipelinez")[2]
        if not program.is_stand_in:
            self.assertIn("admin.sock", self.get("/debug/tracez")[2])
        for name in ("traces", "otlp", "batch", "nop", "nop/two"):
            self.assertIn(name, text)
        self.assertIn("zpages", self.get("/debug/extensionz")[2])
        self.assertEqual(self.get("/debug/nosuchz")[0], 404)
        self.assertEqual(self.get("/debug/servicez", "HEAD")[::2], (200, ""))
        if program.is_stand_in:
            return
        rows = re.findall(r"<tr><td>(.*)</td></tr>", text)
        self.assertEqual(rows, ["traces</td><td>otlp</td><td>batch</td><td>nop, nop/two"])
        del self.config["processors"]["batch"]
        self.config["service"]["pipelines"]["traces"]["processors"] = []
        self.config["extensions"]["pprof"] = None
        self.config["service"]["extensions"].append("pprof")
        program.write(self.config)
        program.reload()
        self.assertTrue(wait_until(lambda: "batch" not in self.get("/debug/pipelinez")[2], 10.0))
        self.assertEqual(re.findall(r"<tr><td>(.*)</td></tr>", self.get("/debug/pipelinez")[2]),
                         ["traces</td><td>otlp</td><td></td><td>nop, nop/two"])
        self.assertEqual(re.findall(r"<tr><td>(.*)</td></tr>", self.get("/debug/extensionz")[2]), ["zpages", "pprof"])
