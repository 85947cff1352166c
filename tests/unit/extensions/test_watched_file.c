/* Files that are looked at again: what is taken, what is not, and what the log says of it. */
#include "extensions/auth_test.h"
#include "extensions/watched_file.h"

static struct weft_watched_file *file;
static enum weft_status answer;
static size_t calls;
static char last[64];

static enum weft_status on_changed(void *context, struct weft_slice contents, struct weft_error *error)
{
    ck_assert_ptr_eq(context, &file);
    calls++;
    snprintf(last, sizeof last, "%.*s", (int)contents.length, (const char *)contents.bytes);
    return answer == WEFT_OK ? WEFT_OK : weft_fail(error, answer, "the user cannot take it");
}

static void set_up(void)
{
    files_begin();
    fixture_begin(WEFT_TRACES);
    put_file(WEFT_SLICE_LITERAL("one"));
    answer = WEFT_OK;
    calls = 0;
    file = weft_watched_file_new(&(struct weft_watched_file_settings){ .host = &fixture.host,
                                                                       .id = "x",
                                                                       .path = auth_path,
                                                                       .interval_ns = WEFT_NS_PER_S,
                                                                       .on_changed = on_changed,
                                                                       .context = &file });
}

static void tear_down(void)
{
    weft_watched_file_free(file);
    fixture_end();
    files_end();
}

static void look(void)
{
    advance(WEFT_NS_PER_S);
}

START_TEST(test_a_file_is_taken_when_it_has_changed)
{
    look();
    ck_assert_uint_eq(calls, 1);
    look();
    ck_assert_uint_eq(calls, 1);
    put_file(WEFT_SLICE_LITERAL("two"));
    look();
    ck_assert_uint_eq(calls, 2);
    ck_assert_str_eq(last, "two");
}
END_TEST

START_TEST(test_what_was_read_at_the_start_is_no_news)
{
    look();
    ck_assert_uint_eq(count_logged("auth.file"), 0);
    put_file(WEFT_SLICE_LITERAL("two"));
    look();
    look();
    ck_assert_uint_eq(count_logged("auth.file_read"), 1);
    fixture.host.worker_index = 1; /* the others say nothing of what worker 0 says */
    put_file(WEFT_SLICE_LITERAL("three"));
    look();
    ck_assert_uint_eq(calls, 3);
    ck_assert_uint_eq(count_logged("auth.file"), 0);
}
END_TEST

/* As when there was no memory for it: the file need not change again. */
START_TEST(test_what_was_not_taken_is_looked_at_again)
{
    char unusable[512];
    look();
    put_file(WEFT_SLICE_LITERAL("two"));
    answer = WEFT_NOMEM;
    look();
    look();
    ck_assert_uint_eq(calls, 3);
    snprintf(unusable, sizeof unusable, "\"%s\"", auth_path); /* one line, and it names the file */
    ck_assert_uint_eq(count_logged(unusable), 1);
    answer = WEFT_OK;
    look();
    look();
    ck_assert_uint_eq(calls, 4);
    ck_assert_uint_eq(count_logged("auth.file_read"), 1);
}
END_TEST

START_TEST(test_a_file_that_is_gone_leaves_what_there_was)
{
    look();
    unlink(auth_path);
    look();
    look();
    ck_assert_uint_eq(count_logged("auth.file_unreadable"), 1);
    put_file(WEFT_SLICE_LITERAL("one"));
    look();
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(count_logged("auth.file_read"), 1);
}
END_TEST

START_TEST(test_any_allocation_may_fail)
{
    look();
    bool has_failed = true;
    for (size_t nth = 1; has_failed; nth++) {
        char text[32];
        snprintf(text, sizeof text, "text %zu", nth);
        put_file(weft_slice_of_text(text));
        weft_alloc_fail_at(nth);
        look();
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        look();
        ck_assert_str_eq(last, text);
        ck_assert_uint_lt(nth, 100);
    }
    ck_assert_uint_gt(calls, 2);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_a_file_is_taken_when_it_has_changed);
    tcase_add_test(tests, test_what_was_read_at_the_start_is_no_news);
    tcase_add_test(tests, test_what_was_not_taken_is_looked_at_again);
    tcase_add_test(tests, test_a_file_that_is_gone_leaves_what_there_was);
    tcase_add_test(tests, test_any_allocation_may_fail);
}

int main(void)
{
    return component_run("watched_file", add);
}
