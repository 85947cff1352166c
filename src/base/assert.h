#pragma once

/* Stays on in release. For arguments, states, sizes and ownership; never for bytes from a peer, a file or a config. */
#define weft_assert(condition) \
    (__builtin_expect(!(condition), 0) ? weft_assert_failed(#condition, __FILE__, __LINE__, __func__) : (void)0)

_Noreturn void weft_assert_failed(const char *condition, const char *file, int line, const char *function);
