/* Where a broken invariant ends: one line on stderr, then abort so that a core dump shows the state. A stderr that
 * nobody reads must not keep the process from ending. */
#include "base/assert.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { LINE_BYTES = 2048, PATIENCE_MS = 200 };

void weft_assert_failed(const char *condition, const char *file, int line_number, const char *function)
{
    char line[LINE_BYTES];
    int length = snprintf(
        line, sizeof line,
        "{\"level\":\"error\",\"event\":\"assert.failed\",\"message\":\"%s\",\"at\":\"%s:%d\",\"in\":\"%s\"}\n",
        condition, file, line_number, function);
    weft_log_rescue(PATIENCE_MS * WEFT_NS_PER_MS);
    struct pollfd way_out = { .fd = STDERR_FILENO, .events = POLLOUT };
    if (length > 0 && length < LINE_BYTES && poll(&way_out, 1, PATIENCE_MS) == 1) {
        (void)!write(STDERR_FILENO, line, (size_t)length);
    }
    abort();
}
