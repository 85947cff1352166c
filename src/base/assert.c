/* Where a broken invariant ends: one line on stderr, then abort so that a core dump shows the state. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void weft_assert_failed(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr,
            "{\"level\":\"error\",\"event\":\"assert.failed\",\"message\":\"%s\",\"at\":\"%s:%d\",\"in\":\"%s\"}\n",
            condition, file, line, function);
    abort();
}
