"""Log files as containers and log rotation write them: each numbered line arrives exactly once and in its file's order, across
renames with compression of what was renamed, copies with truncation, a slow backend, and reloads that change the receiver."""

import gzip
import os
import pathlib
import re
import resource
import shutil
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fault_case import FaultCase, for_each_worker_count, seconds
from harness import config as configs
from harness import otlp, wire
from harness.backend import Answer, Backend
from harness.books import Auditor
from harness.process import wait_until

LINE = re.compile(rb"file (\d+) line (\d+) of")


class Writer(threading.Thread):
    """Numbered lines into one file; every now and then the file gives way to a new one, as a kubelet does it: what was renamed
    before is compressed, the file is renamed, and it is opened again a little later, up to which lines go on into the old."""

    def __init__(self, path, number, count, pause=0.002, rotation=0.0, reopen=0.0, compresses=True):
        super().__init__(daemon=True)
        self.path, self.number, self.count, self.pause = path, number, count, pause
        self.rotation, self.reopen, self.compresses, self.rotations = rotation, reopen, compresses, 0

    def line(self, index):
        return f"file {self.number} line {index} of {'x' * (index * 7919 % 200)}\n".encode()

    def lines(self, index):
        return [self.line(index)]

    def compress_renamed(self):
        for old in sorted(self.path.parent.glob(self.path.name + ".2*")):
            if old.suffix != ".gz":
                with open(old, "rb") as source, gzip.open(f"{old}.gz", "wb") as target:
                    shutil.copyfileobj(source, target)
                old.unlink()

    def rotate(self):
        if self.compresses:
            self.compress_renamed()
        self.path.rename(f"{self.path}.20260102-{self.rotations:06}")
        self.rotations += 1

    def run(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        output, rotated, renamed = open(self.path, "ab", buffering=0), time.monotonic(), None
        for index, line in ((index, line) for index in range(self.count) for line in self.lines(index)):
            cut = index % (len(line) - 1) if index % 5 == 0 else len(line)
            output.write(line[:cut])
            if cut < len(line):
                output.write(line[cut:])
            now = time.monotonic()
            if self.rotation and renamed is None and now - rotated >= self.rotation:
                self.rotate()
                renamed = now
            if renamed is not None and now - renamed >= self.reopen:
                output.close()
                output, rotated, renamed = open(self.path, "ab", buffering=0), now, None
            time.sleep(self.pause)
        output.close()


class PodWriter(Writer):
    """The same as a container runtime writes it: one line of CRI, or several, each a piece of the text; the file may give way
    to another between any two."""

    def lines(self, index):
        text = '{"level":"info","message":"' + self.line(index).decode()[:-1] + '"}'
        size = 40 if index % 3 == 0 else len(text)
        pieces = [text[at:at + size] for at in range(0, len(text), size)]
        tags = ["P"] * (len(pieces) - 1) + ["F"]
        return [f"2026-01-02T03:04:05.{index:09}Z stdout {tag} {piece}\n".encode() for tag, piece in zip(tags, pieces)]


class FileLogCase(FaultCase):
    def begin_files(self, answer=None, pattern="**/*.log", **settings):
        self.sink = self.start(Backend(answer=answer))
        self.directory = pathlib.Path(self.temporary_directory())
        self.settings = {"include": [f"{self.directory}/{pattern}"], "start_at": "beginning", **settings}
        self.program = self.start_program(self.configuration(), [], workers=self.workers)
        self.auditor = self.start(Auditor(self.program.admin, False))

    def configuration(self):
        return {
            "receivers": {"filelog": self.settings},
            "processors": {"batch": {"timeout": "100ms", "send_batch_size": 200, "send_batch_max_size": 200}},
            "exporters": {"otlp": configs.otlp_exporter(self.sink.address, sending_queue={
                "queue_size": 5, "num_consumers": 1, "block_on_overflow": True})},
            "service": {"pipelines": {"logs": {"receivers": ["filelog"], "processors": ["batch"], "exporters": ["otlp"]}}}}

    def write_all(self, files, count, first=0, **how):
        writers = [Writer(self.directory / f"pod{number}" / "app" / "0.log", number, count, **how)
                   for number in range(first, first + files)]
        for writer in writers:
            writer.start()
        return writers

    def records(self):
        return [record for body in self.sink.bodies(otlp.LOGS_METHOD) for record in wire.record_bytes(body)]

    def arrived(self):
        """file -> numbers of its lines, in the order of arrival."""
        lines = {}
        for record in self.records():
            for number, line in LINE.findall(record):
                lines.setdefault(int(number), []).append(int(line))
        return lines

    def expect_all(self, writers, count, is_ordered=True):
        for writer in writers:
            writer.join(300)
        total = len(writers) * count
        wait_until(lambda: sum(map(len, self.arrived().values())) >= total, 60.0)
        lines = self.arrived()
        for writer in writers:
            found = lines.get(writer.number, [])
            self.assertEqual(found if is_ordered else sorted(found), list(range(count)), f"file {writer.number}")
        self.program.stop()


@for_each_worker_count
class FileLogFaults(FileLogCase):
    def fault_rotation_loses_nothing(self):
        """The kubelet's way: rename, reopen a little later, and compress at the next rotation."""
        self.begin_files()
        files, count = seconds(50, 8), seconds(20000, 700)
        writers = self.write_all(files, count, pause=seconds(0.006, 0.003), rotation=seconds(1.0, 0.4), reopen=0.05)
        self.expect_all(writers, count, is_ordered=False)
        self.assertGreater(min(writer.rotations for writer in writers), 2)

    def fault_a_slow_backend_makes_files_wait(self):
        self.begin_files(answer=lambda number, body: Answer(delay=0.02))
        count = seconds(4000, 700)
        self.expect_all(self.write_all(6, count, pause=0.0), count)

    def fault_a_reload_goes_on_where_the_former_receiver_stopped(self):
        self.begin_files(start_at="end")
        count = seconds(4000, 700)
        writers = self.write_all(4, count)
        self.assertTrue(wait_until(lambda: len(self.arrived()) == 4, 20.0))
        for size in (100000, 200000, 300000):
            time.sleep(seconds(1, 0.3))
            self.settings["max_log_size"] = size
            self.program.write(self.configuration())
            self.program.reload()
            writers += self.write_all(3, count, first=len(writers))  # new files, while one reader follows the other
        self.expect_all(writers, count)

    def fault_a_reload_under_pressure_loses_nothing(self):
        """What was read and is refused for now, and the rest of a file that was renamed out of the pattern."""
        self.begin_files(answer=lambda number, body: Answer(delay=0.03), pattern="*.log")
        count, writer = 12000, Writer(self.directory / "a.log", 0, 12000)
        (self.directory / "a.log").write_bytes(b"".join(writer.line(index) for index in range(count // 2)))
        self.assertTrue(wait_until(lambda: self.arrived(), 20.0))
        (self.directory / "a.log").rename(self.directory / "a.log.1")
        (self.directory / "a.log").write_bytes(b"".join(writer.line(index) for index in range(count // 2, count)))
        time.sleep(0.3)
        for size in (100000, 200000):
            self.settings["max_log_size"] = size
            self.program.write(self.configuration())
            self.program.reload()
            time.sleep(0.5)
        self.assertTrue(wait_until(lambda: len(self.arrived().get(0, [])) >= count, 60.0), len(self.arrived().get(0, [])))
        self.assertEqual(sorted(self.arrived()[0]), list(range(count)))
        self.program.stop()

    def fault_many_short_lines_with_long_attributes_pass_a_small_memory(self):
        """A block of them would be a request of 67 MB, which memory_limiter never lets pass."""
        self.sink = self.start(Backend())
        self.directory = pathlib.Path(self.temporary_directory())
        (self.directory / "a.log").write_bytes(b"a\n" * 20000)
        self.settings = {"include": [f"{self.directory}/*.log"], "start_at": "beginning", "attributes": {"k": "v" * 2000}}
        config = self.configuration()
        config["processors"]["memory_limiter"] = {"check_interval": "100ms", "limit_mib": 64}
        config["service"]["pipelines"]["logs"]["processors"].insert(0, "memory_limiter")
        self.program = self.start_program(config, [], workers=self.workers)
        self.assertTrue(wait_until(lambda: len(self.records()) == 20000, 60.0), len(self.records()))
        self.program.stop()

    def fault_pods_lines_come_whole_with_their_metadata(self):
        """The kubelet's directory, lines in pieces of which some lie on both sides of a rotation, and `log_profile` behind
        `container`: each line once, whole, under its pod's resource."""
        self.begin_files(include_file_path=True, include_file_name=False, resource={"service.name": "pods"},
                         operators=[{"type": "container"}, {"type": "log_profile"}])
        pods, count = 4, seconds(5000, 500)
        writers = [PodWriter(self.directory / f"ns_pod-{number}_0a-{number}" / "app" / "0.log", number, count, pause=0.002,
                             rotation=seconds(1.0, 0.3), reopen=0.02) for number in range(pods)]
        for writer in writers:
            writer.start()
        self.expect_all(writers, count, is_ordered=False)
        for body in self.sink.bodies(otlp.LOGS_METHOD):
            for resource in wire.repeated(body, 1):
                self.assertIn(b"service.name", wire.repeated(resource, 1)[0])
                pods_named = set(re.findall(rb"pod-(\d)", wire.repeated(resource, 1)[0]))
                self.assertEqual(len(pods_named), 1)
                for scope in wire.repeated(resource, 2):
                    for record in wire.repeated(scope, 2):
                        self.assertEqual({LINE.search(record).group(1)}, pods_named)
                        self.assertEqual(record.count(b"log.iostream"), 1)
                        self.assertNotIn(b"stdout P", record)


    def fault_files_that_came_and_went_unseen_are_read_in_order(self):
        """The program stands while a file gives way three times: those in between are found beside it, their lines come in their
        place and under its name, and what lies on both sides of a rotation is joined. What is promised is what is there to be
        found: of a file that was compressed meanwhile nothing is."""
        self.begin_files(include_file_path=True, operators=[{"type": "container"}, {"type": "log_profile"}])
        count = seconds(3000, 500)
        writer = PodWriter(self.directory / "ns_pod-0_0a-0" / "app" / "0.log", 0, count, rotation=0.1, reopen=0.02, compresses=False)
        writer.start()
        while writer.is_alive():
            for number, pause in ((signal.SIGSTOP, 0.35), (signal.SIGCONT, 0.1)):
                self.program.process.child.send_signal(number)
                time.sleep(pause)
        self.expect_all([writer], count)
        self.assertGreater(writer.rotations, 4)
        self.assertEqual([record for record in self.records() if b"0.log.2026" in record], [])


class FileLogFiles(FileLogCase):
    """What files do, which one thread follows, however many workers there are."""

    def test_a_directory_that_cannot_be_read_for_a_while_is_not_read_anew(self):
        """Longer than a file that is gone is followed. The directory is one for root, too: its name leads to nowhere for a while."""
        self.begin_files(pattern="sub/*.log")
        folder = self.directory / "sub"
        folder.mkdir()
        (folder / "a.log").write_bytes(b"one\n")
        self.assertTrue(wait_until(lambda: len(self.records()) == 1, 20.0))
        folder.rename(self.directory / "away")
        folder.symlink_to("sub")  # ELOOP
        time.sleep(8.0)
        self.assertIn("tail.cannot_look", self.program.process.log_text())
        folder.unlink()
        (self.directory / "away").rename(folder)
        with open(folder / "a.log", "ab") as output:
            output.write(b"two\n")
        self.assertTrue(wait_until(lambda: len(self.records()) >= 2, 20.0))
        time.sleep(0.5)
        self.assertEqual(len(self.records()), 2)
        self.program.stop()

    def test_a_reload_without_descriptors_is_one_that_failed(self):
        """A reader needs two beside its files. There is one, which the config is read by, too, and now and then a directory."""
        self.sink = self.start(Backend())
        self.directory = pathlib.Path(self.temporary_directory())
        log = self.directory / "a.log"
        log.write_text("one\n")
        self.settings = {"include": [str(log)], "start_at": "beginning"}
        self.program = self.start_program(self.configuration(), [], workers=1)
        self.assertTrue(wait_until(lambda: len(self.records()) == 1, 20.0))
        pid = self.program.process.child.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
        limit = [number for number in range(len(used) + 2) if number not in used][1]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
        self.settings["max_log_size"] = "64KiB"
        self.program.write(self.configuration())

        def has_failed_for_want_of_descriptors():
            self.program.reload()
            time.sleep(0.3)
            return "no file descriptor left" in self.program.process.log_text()

        self.assertTrue(wait_until(has_failed_for_want_of_descriptors, 10.0), self.program.process.log_tail())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        self.program.reload()
        self.assert_logged('"agent.reloaded"', self.program)
        with open(log, "a") as output:
            output.write("two\n")
        self.assertTrue(wait_until(lambda: len(self.records()) == 2, 20.0))
        self.program.stop()

    def test_a_file_that_is_being_compressed_is_passed_over(self):
        """gzip makes its file empty, and fills it when it is open here already."""
        self.begin_files(pattern="app.log*")
        packed = self.directory / "app.log.1.gz"
        packed.touch()
        (self.directory / "app.log").write_bytes(b"a line\n")
        self.assertTrue(wait_until(lambda: len(self.records()) == 1, 20.0))
        packed.write_bytes(gzip.compress(b"".join(bytes([index % 251]) * 30 + b"\n" for index in range(2000))))
        time.sleep(1.0)
        self.assertEqual(len(self.records()), 1)
        self.program.stop()

    def test_a_truncated_copy_is_not_read_twice(self):
        """copytruncate while nobody writes: the copy, which the pattern finds, has nothing new, and the file begins anew."""
        self.begin_files(pattern="*.log*")
        log, count = self.directory / "app.log", 200
        writer = Writer(log, 0, 4 * count)
        for part in range(4):
            with open(log, "ab") as output:
                output.write(b"".join(writer.line(index) for index in range(part * count, (part + 1) * count)))
            self.assertTrue(wait_until(lambda: len(self.arrived().get(0, [])) >= (part + 1) * count, 20.0))
            shutil.copyfile(log, f"{log}.{part}")
            os.truncate(log, 0)
            time.sleep(0.5)
        time.sleep(2.5)
        self.assertEqual(self.arrived(), {0: list(range(4 * count))})
        self.program.stop()

    def test_what_was_there_before_is_not_read_from_the_end(self):
        """start_at end: only what comes; a line without its end comes after force_flush_period, a long one in pieces."""
        directory = pathlib.Path(self.temporary_directory())
        (directory / "old.log").write_bytes(b"before\n")
        (directory / "old.gz.log").write_bytes(gzip.compress(b"compressed\n"))
        self.begin_files()
        self.program.stop()
        self.directory = directory
        self.settings = {"include": [f"{directory}/*.log"], "start_at": "end", "max_log_size": 1000, "include_file_path": True,
                         "attributes": {"where": "here"}, "resource": {"service.name": "of-the-file"}}
        self.program = self.start_program(self.configuration(), [], workers=self.workers)
        time.sleep(1.0)
        with open(directory / "old.log", "ab") as output:
            output.write(b"  after \n" + b"y" * 2500 + b"\n")
        (directory / "new.log").write_bytes(b"new\nwithout an end")
        self.assertTrue(wait_until(lambda: len(self.records()) >= 6, 20.0))
        self.assertEqual(len(self.records()), 6)
        self.assertTrue(all(b"of-the-file" in body for body in self.sink.bodies(otlp.LOGS_METHOD)))
        text = b"|".join(self.records())
        self.assertNotIn(b"before", text)
        for wanted in (b"after", b"new", b"without an end", b"y" * 1000, b"log.file.path", b"old.log", b"where", b"here"):
            self.assertIn(wanted, text)
        self.assertNotIn(b"y" * 1001, text)
        self.assertNotIn(b"  after", text)
        self.program.stop()

    def test_attributes_are_texts_and_each_is_there_once(self):
        """The file's win over the config's, and a name that is no UTF-8 becomes a text."""
        self.begin_files(attributes={"log.file.name": "mine", "where": "here"}, include_file_path=True)
        with open(os.fsencode(self.directory) + b"/a\xff.log", "wb") as output:
            output.write(b"text\n")
        self.assertTrue(wait_until(lambda: len(self.records()) == 1, 20.0))
        record = self.records()[0]
        self.assertEqual((record.count(b"log.file.name"), record.count("a\ufffd.log".encode())), (1, 2), record)
        self.assertNotIn(b"mine", record)
        self.assertIn(b"here", record)
        self.program.stop()

    def test_log_profile_reads_lines_as_jsonlog_does(self):
        """Ids, severity and body of a JSON line are those of the record, and the file's attributes stand beside the line's."""
        self.begin_files(operators=[{"type": "log_profile"}])
        trace_id = "0af7651916cd43dd8448eb211c80319c"
        (self.directory / "api.log").write_text(
            f'{{"level":"error","message":"it failed","trace_id":"{trace_id}","job_id":"job_789","service":"api"}}\n')
        self.assertTrue(wait_until(lambda: len(self.records()) == 1, 20.0))
        record = self.records()[0]
        for wanted in (bytes.fromhex(trace_id), b"it failed", b"job_789", b"log.file.name", b"api.log"):
            self.assertIn(wanted, record)
        self.assertNotIn(b'{"level"', record)
        self.program.stop()

    def test_a_piece_without_an_end_comes_after_a_while(self):
        """Five seconds, as in the Collector, and at once when the program ends."""
        self.begin_files(operators=[{"type": "container", "add_metadata_from_filepath": False}])
        log = self.directory / "app.log"
        log.write_text("2026-01-02T03:04:05.6Z stdout P the beginning of\n")
        time.sleep(2.0)
        self.assertEqual(self.records(), [])
        self.assertTrue(wait_until(lambda: len(self.records()) == 1, 20.0))
        with open(log, "a") as output:
            output.write("2026-01-02T03:04:05.6Z stdout P another\n")
        time.sleep(1.0)
        self.program.stop()
        self.assertEqual([b"beginning" in self.records()[0], b"another" in self.records()[1]], [True, True])
