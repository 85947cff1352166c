/* Standard streams (streams.h). open() takes the lowest number that is free, so 0, 1 and 2 are filled in this order. */
#include "base/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool weft_streams_fill(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        bool is_closed = fcntl(descriptor, F_GETFD) < 0 && errno == EBADF;
        if (is_closed && open("/dev/null", descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY) != descriptor) {
            return false;
        }
    }
    return true;
}
