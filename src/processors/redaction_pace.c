/* The time of a batch's patterns (redaction_pace.h). Nearly every call reads a clock of a few milliseconds' grain and
 * nothing else; the thread's own is read when that one has moved. */
#include "processors/redaction_pace.h"

#include "base/clock.h"
#include "base/work.h"

enum { NS_PER_BYTE = 4 }; /* of one pattern: several times what searching for one costs */

static const int64_t batch_ns = 10 * WEFT_NS_PER_MS;
static const int64_t match_ns = 2 * WEFT_NS_PER_MS;

void weft_redaction_pace_begin(struct weft_redaction_pace *pace)
{
    *pace = (struct weft_redaction_pace){
        .looked_ns = weft_monotonic_coarse().ns,
        .started_ns = weft_work_cpu_ns(),
        .allowed_ns = batch_ns,
    };
}

int64_t weft_redaction_pace_of_match(size_t bytes)
{
    return match_ns + (int64_t)bytes * NS_PER_BYTE;
}

bool weft_redaction_pace_allows(struct weft_redaction_pace *pace, size_t bytes)
{
    if (pace->allowed_ns == 0) {
        return true;
    }
    pace->allowed_ns += (int64_t)bytes * NS_PER_BYTE;
    int64_t now = weft_monotonic_coarse().ns;
    if (now != pace->looked_ns && !pace->is_over) {
        pace->looked_ns = now;
        pace->is_over = weft_work_cpu_ns() - pace->started_ns > pace->allowed_ns;
    }
    return !pace->is_over;
}
