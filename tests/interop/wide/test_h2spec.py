"""h2spec, strict, against the gRPC receiver, plain and over TLS: what fails is written here with its reason, or is a fault.

Its requests are GET, which weft answers at once; that is why some of its frames come after the end of their stream.
"""

import pathlib
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import clients
from harness import config as configs
from harness import otlp
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.process import free_port

CASES = 146
# (section, what h2spec does) -> why weft does otherwise.
DEVIATIONS = {
    ("http2/4.2", "Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE"):
        "its frame of 20 KiB is within the 256 KiB that weft's settings allow; the stream is reset, for its fields are too many",
    ("http2/5.3.1", "Sends PRIORITY frame that depend on itself"):
        "RFC 9113 section 5.3.2 has no dependencies any more, and weft's settings say so (NO_RFC7540_PRIORITIES)",
}
# A case may fail because the answer was faster than h2spec's second frame, which then is of a stream that weft has ended: such
# frames are ignored (RFC 9113 section 5.1, "closed"). So a case that fails has so many more attempts, and has to pass one.
ATTEMPTS = 5


@only_weft("its HTTP/2 is another")
class H2specTest(OutsideInCase):
    def failures(self, address, *options):
        """(section, title) of each case that did not pass, with what h2spec saw."""
        report = pathlib.Path(self.temporary_directory()) / "report.xml"
        host, port = address.rsplit(":", 1)
        command = [clients.h2spec(), "-h", host, "-p", port, "-P", otlp.TRACES_METHOD, "-S", "-o", 2, "-j", report, *options]
        said = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=250).stdout
        cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
        self.assertGreater(len(cases), 0, said[-2000:])
        failed = {(case.get("package"), case.get("classname")): "".join(case.itertext()) for case in cases if len(case)}
        print(f"  {len(cases) - len(failed)} of {len(cases)} passed; {sorted(failed)}", flush=True)
        return failed, len(cases)

    def check(self, grpc, *options):
        address = f"127.0.0.1:{free_port()}"
        config = configs.pipeline(address, {"debug": {}}, receiver=configs.otlp_receiver(address, **grpc))
        program = self.start_program(config, [address])
        failed, count = self.failures(address, *options)
        self.assertEqual(count, CASES)
        wrong = {key: text for key, text in failed.items() if key not in DEVIATIONS}
        for _ in range(ATTEMPTS):
            for section in sorted({section for section, _ in wrong}):
                again, _ = self.failures(address, *options, section)
                wrong = {key: text for key, text in wrong.items() if key[0] != section or key in again}
        self.assertEqual(wrong, {})
        self.assertEqual(set(DEVIATIONS) - set(failed), set(), "this is no deviation any more")
        self.assertTrue(program.process.is_running())

    def test_plain(self):
        self.check({})

    def test_over_tls(self):
        certificates = Certificates(self.temporary_directory())
        self.check({"tls": {"cert_file": str(certificates.certificate("server")),
                            "key_file": str(certificates.key("server"))}}, "-t", "-k")
