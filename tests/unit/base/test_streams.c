/* Standard streams that are closed lead to /dev/null; those that are open stay as they are. */
#include "base/base_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/streams.h"

enum { CLOSED_BIT_COUNT = 3 };

static bool leads_to_null(int descriptor)
{
    struct stat null, stream;
    return stat("/dev/null", &null) == 0 && fstat(descriptor, &stream) == 0 && stream.st_rdev == null.st_rdev;
}

/* In a child, which has nothing to lose: the streams of these bits are closed. 0 = all is well. */
static int fill_without(unsigned closed)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return 1;
    }
    for (int i = 0; i < CLOSED_BIT_COUNT; i++) {
        if (dup2(ends[i > 0], i) != i || ((closed >> i & 1) != 0 && close(i) != 0)) {
            return 2;
        }
    }
    if (!weft_streams_fill()) {
        return 3;
    }
    for (int i = 0; i < CLOSED_BIT_COUNT; i++) {
        bool was_closed = (closed >> i & 1) != 0;
        int mode = fcntl(i, F_GETFL) & O_ACCMODE;
        if (leads_to_null(i) != was_closed || mode != (i == 0 ? O_RDONLY : O_WRONLY)) {
            return 4;
        }
    }
    int next = open("/dev/null", O_RDONLY);
    return next > STDERR_FILENO ? 0 : 5;
}

START_TEST(test_closed_streams_lead_nowhere_and_open_ones_stay)
{
    for (unsigned closed = 0; closed < 1u << CLOSED_BIT_COUNT; closed++) {
        fflush(NULL);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            _exit(fill_without(closed));
        }
        int outcome;
        ck_assert_int_eq(waitpid(child, &outcome, 0), child);
        ck_assert_msg(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0, "without %x: %d", closed, outcome);
    }
}
END_TEST

int main(void)
{
    const struct base_test tests[] = { BASE_TEST(test_closed_streams_lead_nowhere_and_open_ones_stay) };
    return BASE_TEST_RUN("streams", tests);
}
