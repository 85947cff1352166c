#pragma once

#include <stddef.h>
#include <stdint.h>

/* Random bytes from the kernel: for seeds and secrets, once at a start. What needs many numbers seeds a generator of
 * its own; what is tested takes its secret by parameter. Any thread. Aborts where the kernel has none to give. */
void weft_random_bytes(void *out_bytes, size_t length);

uint64_t weft_random_u64(void);

/* The next number of a generator whose state is the caller's, uniform in [0, 1): for jitter and chance, never for what
 * must not be guessed. A state of 0 counts as a fixed one. */
double weft_random_draw(uint64_t *in_out_state);
