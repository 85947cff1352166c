"""What others do to ledger.weft under load: weft goes on, counts exactly, and says so in /ready and the log."""

import json
import os
import pathlib
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fault_case import FaultCase, for_each_worker_count, seconds
from harness.case import only_weft
from harness.process import wait_until


@for_each_worker_count
class LedgerFile(FaultCase):
    def ready(self):
        with urllib.request.urlopen(f"http://{self.program.admin}/ready", timeout=5) as answer:
            return answer.status, json.load(answer)

    @property
    def ledger_file(self):
        return self.program.state_directory / "ledger.weft"

    @only_weft("it has no ledger")
    def fault_cut_under_load(self):
        """The file is cut to nothing: a store to it is SIGBUS in whichever worker stores next."""
        self.begin()
        time.sleep(seconds(2, 0.3))
        self.assertEqual(self.ready()[1]["checks"]["ledger"], "ok")
        os.truncate(self.ledger_file, 0)
        self.assertTrue(wait_until(lambda: '"ledger.cut"' in self.program.process.log_text(), 5.0),
                        "the log says nothing")
        code, said = self.ready()
        self.assertEqual((code, said["status"]), (200, "degraded"))
        self.assertIn("cut or removed", said["checks"]["ledger"])
        self.program.reload()
        time.sleep(seconds(2, 0.3))
        self.finish()
        self.program.stop()
        self.program.start()
        self.assert_logged('"ledger.set_aside"', self.program)
        self.assertEqual(self.ready()[1]["checks"]["ledger"], "ok")
        self.assertEqual(self.program.ledger().offered, 0)

    @only_weft("it has no ledger")
    def fault_no_file_can_be_written(self):
        """A folder has the ledger's name: weft starts all the same, and says so."""
        self.begin()
        time.sleep(seconds(1, 0.5))
        self.finish()
        self.program.stop()
        os.remove(self.ledger_file)
        os.mkdir(self.ledger_file)
        self.program.start()
        self.assert_logged('"ledger.in_memory"', self.program)
        code, said = self.ready()
        self.assertEqual((code, said["status"]), (200, "degraded"))
        self.assertIn("in memory", said["checks"]["ledger"])
