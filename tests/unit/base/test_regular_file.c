/* Regular files are opened; what is none is an error at once, and nobody waits at a FIFO. */
#include "base/base_test.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/regular_file.h"

static char directory[64];

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void expect(const char *path, enum weft_status expected, const char *text)
{
    struct weft_error error = WEFT_ERROR_NONE;
    int descriptor = -1;
    ck_assert_int_eq(weft_regular_file_check(path, &error), expected);
    error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_regular_file_open(path, &descriptor, &error), expected);
    ck_assert_msg(strstr(error.text, text) != NULL, "\"%s\" is not in \"%s\"", text, error.text);
    ck_assert_int_eq(descriptor >= 0, expected == WEFT_OK);
    if (descriptor >= 0) {
        close(descriptor);
    }
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    ck_assert_int_eq(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    close(descriptor);
}

START_TEST(test_only_regular_files_are_opened)
{
    strcpy(directory, "/tmp/weft-test-regular-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    fclose(fopen(path_of("file"), "w"));
    ck_assert_int_eq(symlink("file", path_of("link")), 0);
    ck_assert_int_eq(symlink("fifo", path_of("fifo-link")), 0);
    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    make_socket(path_of("socket"));
    expect(path_of("file"), WEFT_OK, "");
    expect(path_of("link"), WEFT_OK, "");
    expect(path_of("fifo"), WEFT_INVALID, "is a FIFO");
    expect(path_of("fifo-link"), WEFT_INVALID, "is a FIFO");
    expect(path_of("socket"), WEFT_INVALID, "is a socket");
    expect(directory, WEFT_INVALID, "is a directory");
    expect("/dev/null", WEFT_INVALID, "/dev/null: is a device, not a file");
    expect(path_of("none"), WEFT_NOT_FOUND, "No such file");
    static const char *const names[] = { "file", "link", "fifo", "fifo-link", "socket" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_int_eq(unlink(path_of(names[i])), 0);
    }
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(test_a_whole_file_is_read_up_to_its_limit)
{
    struct weft_buffer text;
    struct weft_error error = WEFT_ERROR_NONE;
    strcpy(directory, "/tmp/weft-test-regular-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    FILE *file = fopen(path_of("file"), "w");
    for (int i = 0; i < 50000; i++) {
        fputc('a' + i % 26, file);
    }
    fclose(file);
    weft_buffer_init(&text, 0);
    weft_buffer_append_text(&text, "before ");
    ck_assert_int_eq(weft_regular_file_read(path_of("file"), 50000, &text, &error), WEFT_OK);
    ck_assert_uint_eq(text.length, 50007);
    ck_assert_int_eq(text.bytes[50006], 'a' + 49999 % 26);
    ck_assert_int_eq(weft_regular_file_read(path_of("file"), 49999, &text, &error), WEFT_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.text, "more than 49999 bytes"));
    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_regular_file_read(path_of("fifo"), 50000, &text, &error), WEFT_INVALID);
    weft_buffer_fini(&text);
    ck_assert_int_eq(unlink(path_of("file")) + unlink(path_of("fifo")) + rmdir(directory), 0);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = { BASE_TEST(test_only_regular_files_are_opened),
                                       BASE_TEST(test_a_whole_file_is_read_up_to_its_limit) };
    return BASE_TEST_RUN("regular_file", tests);
}
