#pragma once

#include <stddef.h>
#include <stdint.h>

/* Asks for memory that will be looked at soon, or written, of which only the beginning is, if it is long: what is
 * further on the processor sees coming. */
static inline void weft_prefetch(const uint8_t *bytes, size_t length)
{
    enum { LINE = 64, MOST = 2048 };
    size_t end = length < MOST ? length : MOST;
    for (size_t i = 0; i < end; i += LINE) {
        __builtin_prefetch(bytes + i);
    }
}
