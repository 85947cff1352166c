#pragma once

#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "suite.h"

static struct weft_buffer out;

static inline void out_begin(void)
{
    weft_buffer_init(&out, 0);
}

static inline void out_end(void)
{
    weft_buffer_fini(&out);
}

/* Compares what was written since the last call. */
static inline void out_expect(const char *expected)
{
    ck_assert_int_eq(weft_buffer_status(&out), WEFT_OK);
    weft_buffer_append_byte(&out, 0);
    ck_assert_str_eq((const char *)out.bytes, expected);
    weft_buffer_clear(&out);
}

static inline int admin_run(const char *name, void (*add)(TCase *))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, out_begin, out_end);
    add(tests);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
