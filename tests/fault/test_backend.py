"""The backend misbehaves: down, lossy, partly refusing, too slow. No span is lost without an account that says so."""

import itertools
import sys
import time
import pathlib

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fault_case import FaultCase, for_each_worker_count, seconds
from harness import otlp
from harness.backend import Answer
from harness.client import Outcome
from harness.case import only_weft


@for_each_worker_count
class BackendFaults(FaultCase):
    def fault_steady_load(self):
        self.begin()
        time.sleep(seconds(10, 2))
        ledger, outside = self.finish()
        if ledger:
            self.assertEqual((ledger.sent, ledger.accepted), (outside.distinct, outside.accepted))

    def fault_steady_load_without_batch(self):
        self.begin(processors={})
        time.sleep(seconds(10, 1))
        self.finish()

    def fault_backend_down(self):
        self.begin()
        time.sleep(seconds(2, 0.5))
        self.sinks[0].stop()
        time.sleep(seconds(10, 2))
        self.sinks[0].start()
        time.sleep(seconds(2, 0.5))
        self.finish()

    def fault_partial_success(self):
        answers = itertools.count()
        rejecting = Answer(rejected=3, message="three too many")
        self.begin(answer=lambda number, body: rejecting if next(answers) % 3 == 0 else Answer())
        time.sleep(seconds(5, 1.5))
        ledger, outside = self.finish()
        self.assertGreater(outside.rejected, 0)
        if ledger:
            self.assertEqual(ledger.rejected, outside.rejected)

    def fault_refusals_to_be_retried(self):
        """Every second request is refused first, some with RetryInfo: all arrive in the end."""
        refused = {}

        def answer(number, body):
            if body in refused or number % 2:
                return Answer()
            refused[body] = True
            code = grpc.StatusCode.RESOURCE_EXHAUSTED if number % 4 else grpc.StatusCode.UNAVAILABLE
            return Answer(status=code, message="later", retry_delay=0.1)

        self.begin(answer=answer)
        time.sleep(seconds(5, 1.5))
        self.finish()
        self.assertGreater(len(refused), 0)

    @only_weft("it has no ledger to name the rejected")
    def fault_permanent_refusals(self):
        """A permanent refusal ends the spans of that request as rejected; the others are not touched."""
        refusal = Answer(status=grpc.StatusCode.PERMISSION_DENIED, message="not these")
        self.begin(answer=lambda number, body: refusal if number % 5 == 4 else Answer())
        time.sleep(seconds(5, 1.5))
        ledger, outside = self.finish(is_loss_allowed=True)
        refused = {span for received in self.sinks[0].requests if received.answer is refusal for span in otlp.span_ids(received.body)}
        self.assertEqual((ledger.rejected, ledger.dropped_count), (len(refused), 0))
        self.assertEqual(outside.missing, len(refused))

    def fault_lost_answers(self):
        """The backend takes the request and the answer never comes: sent again, never counted twice."""
        self.begin(answer=lambda number, body: Answer(is_lost=number % 4 == 1))
        time.sleep(seconds(5, 1.5))
        self.finish()
        self.assertGreater(len(self.sinks[0].span_ids()), len(set(self.sinks[0].span_ids())), "nothing was sent twice")

    def fault_queue_overflow_is_refused_to_the_client(self):
        """Without a batch processor a full queue is the client's answer."""
        self.begin(answer=lambda number, body: Answer(delay=0.3), processors={},
                   sending_queue={"queue_size": 4, "num_consumers": 1})
        time.sleep(seconds(5, 2))
        self.finish(is_refusal_expected=True)
        self.assertGreater(self.load.count(Outcome.REFUSED), 0, "the queue never was full")

    @only_weft("what its batch processor loses is in no metric")
    def fault_queue_overflow_behind_batch_is_counted(self):
        """A batch that the queue does not take is lost, and the ledger says so."""
        self.begin(answer=lambda number, body: Answer(delay=0.5), sending_queue={"queue_size": 2, "num_consumers": 1})
        time.sleep(seconds(5, 2))
        ledger, outside = self.finish(is_loss_allowed=True, is_refusal_expected=True)
        self.assertGreater(ledger.dropped_count + ledger.refused, 0, "the queue never was full")
        self.assertEqual(outside.missing, ledger.dropped_count)
