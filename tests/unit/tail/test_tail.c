/* Files that are followed: what of them arrives, in the thread that follows them, while tests write, rename and
 * truncate. */
#include "base/base_test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/alloc.h"
#include "tail/tail.h"

enum { TEXT_BYTES = 1 << 21, PATIENCE = 2000 /* times 5 ms */ };

static char directory[64];
static char *patterns[1];
static struct weft_budget budget;
static struct weft_mailbox *mailbox;
static struct weft_tail *tail;
static struct weft_list held; /* blocks that the test keeps */
static bool is_holding, has_ended;
static int64_t poll_interval_ns = WEFT_NS_PER_MS;
static char text[TEXT_BYTES]; /* all that has arrived */
static size_t text_length;

static void give_back(struct weft_tail_block *block)
{
    memcpy(text + text_length, block->bytes, block->length);
    text_length += block->length;
    text[text_length] = '\0';
    weft_tail_return(block);
}

static void on_block(struct weft_message *message)
{
    struct weft_tail_block *block = WEFT_CONTAINER_OF(message, struct weft_tail_block, message);
    if (block->path == NULL) {
        has_ended = true;
    } else if (is_holding) {
        weft_list_push_back(&held, &block->node);
    } else {
        give_back(block);
    }
}

static void release(void)
{
    is_holding = false;
    for (struct weft_list *node = weft_list_pop_front(&held); node != NULL; node = weft_list_pop_front(&held)) {
        give_back(WEFT_CONTAINER_OF(node, struct weft_tail_block, node));
    }
}

static bool has_no_thread_at_first;

static void begin(const char *pattern, bool is_from_beginning, size_t max_files, int64_t flush_after_ns)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, pattern);
    patterns[0] = path;
    const struct weft_tail_settings settings = { .name = directory,
                                                 .include = patterns,
                                                 .include_count = 1,
                                                 .is_from_beginning = is_from_beginning,
                                                 .poll_interval_ns = poll_interval_ns,
                                                 .flush_after_ns = flush_after_ns,
                                                 .max_line_bytes = 200000,
                                                 .max_files = max_files,
                                                 .budget = &budget };
    mailbox = weft_mailbox_new(16);
    tail = weft_tail_try_new(&settings, mailbox, on_block, NULL);
    ck_assert_ptr_nonnull(tail);
    if (has_no_thread_at_first) {
        weft_alloc_fail_at(1);
        ck_assert_int_eq(weft_tail_try_start(tail), WEFT_NOMEM);
        weft_alloc_fail_at(0);
    }
    ck_assert_int_eq(weft_tail_try_start(tail), WEFT_OK);
    has_ended = false;
}

static void end(void)
{
    release();
    weft_tail_stop(tail);
    for (int i = 0; i < PATIENCE && !has_ended; i++) {
        weft_mailbox_deliver(mailbox);
        weft_pause(5 * WEFT_NS_PER_MS);
    }
    ck_assert(has_ended);
    weft_tail_free(tail);
    weft_mailbox_free(mailbox);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}

static void set_up(void)
{
    strcpy(directory, "/tmp/weft-tail-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    weft_list_init(&held);
    text_length = 0;
    text[0] = '\0';
}

static void run(const char *command)
{
    char text_of_command[512];
    snprintf(text_of_command, sizeof text_of_command, "cd %s && %s", directory, command);
    ck_assert_int_eq(system(text_of_command), 0);
}

static void append(const char *name, const char *line)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq((int)write(descriptor, line, strlen(line)), (int)strlen(line));
    close(descriptor);
}

/* Until exactly this has arrived. */
static bool arrives(const char *expected)
{
    for (int i = 0; i < PATIENCE && strcmp(text, expected) != 0; i++) {
        weft_mailbox_deliver(mailbox);
        weft_pause(5 * WEFT_NS_PER_MS);
    }
    return strcmp(text, expected) == 0;
}

static bool becomes(const struct weft_atomic_u64 *counter, uint64_t expected)
{
    for (int i = 0; i < PATIENCE && weft_atomic_load(counter) != expected; i++) {
        weft_mailbox_deliver(mailbox);
        weft_pause(5 * WEFT_NS_PER_MS);
    }
    return weft_atomic_load(counter) == expected;
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(test_a_thread_that_is_not_to_be_had_is_asked_for_again)
{
    set_up();
    append("a.log", "one\n");
    has_no_thread_at_first = true;
    begin("*.log", true, 10, 0);
    has_no_thread_at_first = false;
    ck_assert(arrives("one\n"));
    end();
    tear_down();
}
END_TEST

START_TEST(test_lines_arrive_as_they_are_written)
{
    set_up();
    append("a.log", "before\n");
    begin("*.log", true, 10, 0);
    ck_assert(arrives("before\n"));
    append("a.log", "half ");
    append("b.log", "new\n");
    ck_assert(arrives("before\nnew\n"));
    append("a.log", "and half\nno end");
    ck_assert(arrives("before\nnew\nhalf and half\n"));
    end();
    tear_down();
}
END_TEST

START_TEST(test_line_without_an_end_is_flushed)
{
    set_up();
    begin("*.log", true, 10, 20 * WEFT_NS_PER_MS);
    append("a.log", "no end");
    ck_assert(arrives("no end"));
    append("a.log", " and more\n");
    ck_assert(arrives("no end and more\n"));
    end();
    tear_down();
}
END_TEST

/* So many bytes in lines of a hundred; the caller frees them. */
static char *make_lines(size_t bytes)
{
    char *lines = malloc(bytes + 1);
    memset(lines, 'x', bytes);
    for (size_t i = 99; i < bytes; i += 100) {
        lines[i] = '\n';
    }
    lines[bytes] = '\0';
    return lines;
}

START_TEST(test_blocks_that_are_kept_stop_the_reading)
{
    char *lines = make_lines(600000);
    set_up();
    is_holding = true;
    begin("*.log", true, 10, 0);
    append("a.log", lines);
    while (weft_atomic_load(&weft_tail_counters(tail)->bytes) < 4 * 60000) {
        weft_pause(WEFT_NS_PER_MS);
    }
    weft_pause(100 * WEFT_NS_PER_MS);
    ck_assert_uint_le(weft_atomic_load(&weft_tail_counters(tail)->bytes), 4 * 65536);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 4 * 65536);
    weft_mailbox_deliver(mailbox);
    release();
    ck_assert(arrives(lines));
    end();
    free(lines);
    tear_down();
}
END_TEST

START_TEST(test_long_line_grows_a_block_that_shrinks_again)
{
    const size_t bytes = 150000;
    char *line = malloc(bytes + 4);
    set_up();
    memset(line, 'y', bytes);
    strcpy(line + bytes, "\n");
    begin("*.log", true, 10, 0);
    append("a.log", line);
    ck_assert(arrives(line));
    append("a.log", "z\n");
    strcpy(line + bytes, "\nz\n");
    ck_assert(arrives(line));
    ck_assert_uint_eq(weft_budget_reserved(&budget), 4 * 65536);
    end();
    free(line);
    tear_down();
}
END_TEST

START_TEST(test_files_beyond_the_limit_take_turns_and_wait_for_nothing)
{
    char name[16];
    char line[32];
    char command[64];
    char expected[2048] = "";
    set_up();
    begin("*.log*", true, 2, 0);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "%02d.log", i);
        snprintf(line, sizeof line, "line of %02d\n", i);
        append(name, line);
        strcat(expected, line);
        ck_assert(arrives(expected));
    }
    ck_assert_uint_le(weft_atomic_load(&weft_tail_counters(tail)->open_files), 2);
    /* closed files that have grown and have another name now */
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%02d.log", i);
        snprintf(line, sizeof line, "more of %02d\n", i);
        append(name, line);
        snprintf(command, sizeof command, "mv %s %s.1", name, name);
        run(command);
        append(name, "");
        strcat(expected, line);
        ck_assert(arrives(expected));
    }
    end();
    tear_down();
}
END_TEST

START_TEST(test_file_that_is_not_read_yet_does_not_give_way)
{
    char *lines = make_lines(600000);
    set_up();
    append("a.log", lines);
    append("b.log", lines);
    is_holding = true;
    begin("*.log", true, 2, 0);
    ck_assert(becomes(&weft_tail_counters(tail)->open_files, 2));
    append("c.log", "c\n");
    ck_assert(becomes(&weft_tail_counters(tail)->waiting_files, 1));
    run("rm a.log b.log");
    release();
    for (int i = 0; i < PATIENCE && text_length < 1200002; i++) {
        weft_mailbox_deliver(mailbox);
        weft_pause(5 * WEFT_NS_PER_MS);
    }
    ck_assert_uint_eq(text_length, 1200002);
    end();
    free(lines);
    tear_down();
}
END_TEST

START_TEST(test_closed_file_that_was_renamed_out_of_the_pattern_is_read)
{
    set_up();
    begin("*.log", true, 2, 0);
    append("a.log", "a\n");
    ck_assert(arrives("a\n"));
    append("b.log", "b\n");
    ck_assert(arrives("a\nb\n"));
    append("c.log", "c\n");
    ck_assert(arrives("a\nb\nc\n")); /* a.log is closed for it */
    run("echo rest >> a.log; mv a.log a.log.1; echo new > a.log");
    ck_assert(arrives("a\nb\nc\nrest\nnew\n") || strcmp(text, "a\nb\nc\nnew\nrest\n") == 0);
    end();
    tear_down();
}
END_TEST

START_TEST(test_file_in_between_two_looks_is_found_beside)
{
    set_up();
    begin("*.log", true, 10, 0);
    append("a.log", "1\n");
    ck_assert(arrives("1\n"));
    run("mv a.log a.log.1; echo 2 > a.log; mv a.log a.log.2; echo 3 > a.log");
    ck_assert_msg(arrives("1\n2\n3\n"), "%s", text);
    run("mv a.log a.log.3; echo 4 > a.log; mv a.log a.log.4"); /* nothing is in its place */
    ck_assert_msg(arrives("1\n2\n3\n4\n"), "%s", text);
    run("echo 5 > b.log; mv b.log b.log.1; echo 6 > b.log"); /* nothing has been */
    ck_assert_msg(arrives("1\n2\n3\n4\n5\n6\n"), "%s", text);
    end();
    tear_down();
}
END_TEST

START_TEST(test_truncated_and_rewritten_files_begin_anew)
{
    set_up();
    begin("*.log", true, 10, 0);
    append("a.log", "first line\n");
    ck_assert(arrives("first line\n"));
    run("echo 2 > a.log");
    ck_assert(arrives("first line\n2\n"));
    ck_assert_uint_eq(weft_atomic_load(&weft_tail_counters(tail)->truncated), 1);
    run("echo 3 is longer than what was there > a.log");
    ck_assert(arrives("first line\n2\n3 is longer than what was there\n"));
    ck_assert_uint_eq(weft_atomic_load(&weft_tail_counters(tail)->truncated) +
                          weft_atomic_load(&weft_tail_counters(tail)->rewritten),
                      2);
    end();
    tear_down();
}
END_TEST

START_TEST(test_copy_of_a_truncated_file_goes_on_where_that_one_was)
{
    set_up();
    begin("*.log*", true, 10, 0);
    append("a.log", "1\n2\n");
    ck_assert(arrives("1\n2\n"));
    run("cp a.log a.log.1; echo 3 >> a.log.1; echo 4 > a.log"); /* 3 came between copy and truncation */
    ck_assert(arrives("1\n2\n3\n4\n") || strcmp(text, "1\n2\n4\n3\n") == 0);
    end();
    tear_down();
}
END_TEST

START_TEST(test_twin_is_a_file_of_its_own)
{
    set_up();
    begin("*.log", true, 10, 0);
    append("a.log", "banner\n");
    ck_assert(arrives("banner\n"));
    append("b.log", "banner\n");
    ck_assert(arrives("banner\nbanner\n"));
    end();
    tear_down();
}
END_TEST

START_TEST(test_compressed_files_are_passed_over)
{
    set_up();
    append("a.log", "text\n");
    run("gzip -c a.log > b.log");
    begin("*.log", true, 10, 0);
    ck_assert(arrives("text\n"));
    ck_assert(becomes(&weft_tail_counters(tail)->compressed, 1));
    end();
    tear_down();
}
END_TEST

START_TEST(test_next_reader_goes_on_where_the_former_one_stopped)
{
    set_up();
    append("a.log", "old\n");
    begin("*.log", false, 10, 0);
    ck_assert(becomes(&weft_tail_counters(tail)->files, 1));
    append("a.log", "1\n");
    ck_assert(arrives("1\n"));
    end();
    append("a.log", "2\n");
    append("b.log", "new since\n");
    begin("*.log", false, 10, 0);
    ck_assert(arrives("1\n2\nnew since\n") || strcmp(text, "1\nnew since\n2\n") == 0);
    end();
    begin("*.log", false, 10, 0); /* stops at once: before or after it has looked */
    end();
    append("a.log", "3\n");
    begin("*.log", false, 10, 0);
    text_length = 0;
    text[0] = '\0';
    ck_assert(arrives("3\n"));
    end();
    tear_down();
}
END_TEST

/* Between two turns of reading a file gets its last lines, more than a block, is renamed, and another is in its place.
 */
START_TEST(test_lines_of_a_renamed_file_come_before_those_of_the_next)
{
    enum { ROTATIONS = 6, LINES_BYTES = 200000 };
    static char expected[(LINES_BYTES + 64) * ROTATIONS], lines[LINES_BYTES + 1];
    memset(lines, 'x', LINES_BYTES);
    for (size_t i = 99; i < LINES_BYTES; i += 100) {
        lines[i] = '\n';
    }
    set_up();
    poll_interval_ns = 30 * WEFT_NS_PER_MS;
    append("a.log", "begun\n");
    begin("*.log", true, 10, 0);
    ck_assert(arrives("begun\n"));
    strcpy(expected, "begun\n");
    for (int i = 0; i < ROTATIONS; i++) {
        char line[64], command[64];
        append("a.log", lines);
        strcat(expected, lines);
        snprintf(line, sizeof line, "old %d\n", i);
        append("a.log", line);
        strcat(expected, line);
        snprintf(command, sizeof command, "mv a.log a.log.%d", i);
        run(command);
        snprintf(line, sizeof line, "new %d\n", i);
        append("a.log", line);
        strcat(expected, line);
        ck_assert(arrives(expected));
    }
    end();
    poll_interval_ns = WEFT_NS_PER_MS;
    tear_down();
}
END_TEST

/* The pipeline takes nothing for longer than a renamed file is followed. */
START_TEST(test_renamed_file_waits_for_who_takes_its_lines)
{
    set_up();
    for (char name[] = "a.log"; name[0] < 'g'; name[0]++) {
        append(name, "begun\n");
    }
    begin("*.log", true, 10, 0);
    ck_assert(arrives("begun\nbegun\nbegun\nbegun\nbegun\nbegun\n"));
    is_holding = true;
    for (char name[] = "a.log"; name[0] < 'f'; name[0]++) {
        append(name, "more\n");
    }
    weft_pause(50 * WEFT_NS_PER_MS);
    append("f.log", "last\n");
    run("mv f.log f.log.1");
    for (int i = 0; i < 130; i++) { /* 6.5 s */
        weft_mailbox_deliver(mailbox);
        weft_pause(50 * WEFT_NS_PER_MS);
    }
    release();
    for (int i = 0; i < PATIENCE && strstr(text, "last\n") == NULL; i++) {
        weft_mailbox_deliver(mailbox);
        weft_pause(5 * WEFT_NS_PER_MS);
    }
    ck_assert_msg(strstr(text, "last\n") != NULL, "%s", text);
    end();
    tear_down();
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_lines_arrive_as_they_are_written),
        BASE_TEST(test_a_thread_that_is_not_to_be_had_is_asked_for_again),
        BASE_TEST(test_line_without_an_end_is_flushed),
        BASE_TEST(test_blocks_that_are_kept_stop_the_reading),
        BASE_TEST(test_long_line_grows_a_block_that_shrinks_again),
        BASE_TEST(test_files_beyond_the_limit_take_turns_and_wait_for_nothing),
        BASE_TEST(test_file_that_is_not_read_yet_does_not_give_way),
        BASE_TEST(test_closed_file_that_was_renamed_out_of_the_pattern_is_read),
        BASE_TEST(test_file_in_between_two_looks_is_found_beside),
        BASE_TEST(test_lines_of_a_renamed_file_come_before_those_of_the_next),
        BASE_TEST(test_renamed_file_waits_for_who_takes_its_lines),
        BASE_TEST(test_truncated_and_rewritten_files_begin_anew),
        BASE_TEST(test_copy_of_a_truncated_file_goes_on_where_that_one_was),
        BASE_TEST(test_twin_is_a_file_of_its_own),
        BASE_TEST(test_compressed_files_are_passed_over),
        BASE_TEST(test_next_reader_goes_on_where_the_former_one_stopped),
    };
    return BASE_TEST_RUN("tail", tests);
}
