/* The admin socket's file: who may connect, what it replaces, and that it goes. */
#include "admin/admin_test.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/admin_socket.h"
#include "net/loop.h"

static char directory[64];
static char path[96];
static struct weft_budget budget;
static struct weft_net_context net;

static void begin(void)
{
    snprintf(directory, sizeof directory, "/tmp/weft-admin-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/admin.sock", directory);
    net = (struct weft_net_context){ .loop = weft_loop_new(), .budget = &budget };
}

static void end(void)
{
    weft_loop_free(net.loop);
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
}

static enum weft_status open_in(const char *state_directory, struct weft_admin_socket **out_socket,
                                struct weft_error *error)
{
    struct weft_telemetry_server_settings settings = { .host = "" };
    struct weft_admin_source source = { .agent = NULL };
    return weft_admin_socket_new(&net, state_directory, &settings, &source, out_socket, error);
}

static mode_t mode_of(const char *file)
{
    struct stat status;
    return lstat(file, &status) == 0 ? status.st_mode : 0;
}

/* A socket file as a process leaves it that is killed; or one that it still listens on. */
static int bind_socket(const char *file, bool is_listening)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", file);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(descriptor, (const struct sockaddr *)&address, sizeof address), 0);
    if (is_listening) {
        ck_assert_int_eq(listen(descriptor, 5), 0);
        return descriptor;
    }
    close(descriptor);
    return -1;
}

static void expect_opened(void)
{
    struct weft_admin_socket *socket = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(open_in(directory, &socket, &error) == WEFT_OK, "%s", error.text);
    ck_assert_uint_eq(mode_of(path), S_IFSOCK | 0600);
    weft_admin_socket_free(socket);
    ck_assert_uint_eq(mode_of(path), 0);
}

static void expect_refused(const char *state_directory, const char *reason)
{
    struct weft_admin_socket *socket = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_ne(open_in(state_directory, &socket, &error), WEFT_OK);
    ck_assert_ptr_null(socket);
    ck_assert_msg(strstr(error.text, reason) != NULL, "%s", error.text);
}

START_TEST(test_only_the_owner_may_connect_whatever_the_umask)
{
    begin();
    mode_t former = umask(0);
    expect_opened();
    umask(077);
    expect_opened();
    umask(former);
    end();
}
END_TEST

START_TEST(test_what_a_dead_process_left_is_replaced)
{
    begin();
    bind_socket(path, false);
    expect_opened();
    end();
}
END_TEST

START_TEST(test_what_is_no_dead_socket_stays)
{
    begin();
    int descriptor = bind_socket(path, true);
    expect_refused(directory, "in use");
    ck_assert(S_ISSOCK(mode_of(path)));
    close(descriptor);
    unlink(path);

    FILE *file = fopen(path, "w");
    fclose(file);
    expect_refused(directory, "in use");
    ck_assert(S_ISREG(mode_of(path)));
    unlink(path);
    end();
}
END_TEST

START_TEST(test_links_are_not_followed)
{
    begin();
    char target[96];
    snprintf(target, sizeof target, "%s/elsewhere", directory);
    ck_assert_int_eq(symlink(target, path), 0); /* leads nowhere: bind would make it there */
    expect_refused(directory, "in use");
    ck_assert(S_ISLNK(mode_of(path)));
    ck_assert_uint_eq(mode_of(target), 0);
    bind_socket(target, false); /* leads to a dead socket: unlink would take it away */
    expect_refused(directory, "in use");
    ck_assert(S_ISLNK(mode_of(path)) && S_ISSOCK(mode_of(target)));
    unlink(target);
    end();
}
END_TEST

START_TEST(test_a_file_that_is_not_ours_any_more_stays)
{
    begin();
    struct weft_admin_socket *socket = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(open_in(directory, &socket, &error), WEFT_OK);
    /* The new one is made while the old one has its inode still: another one, then. */
    char other[96];
    snprintf(other, sizeof other, "%s/other", directory);
    int descriptor = bind_socket(other, true);
    ck_assert_int_eq(rename(other, path), 0);
    weft_admin_socket_free(socket);
    ck_assert(S_ISSOCK(mode_of(path)));
    close(descriptor);
    end();
}
END_TEST

START_TEST(test_a_directory_that_cannot_be_used_is_said)
{
    begin();
    char deep[200];
    snprintf(deep, sizeof deep, "%s/%0*d", directory, 120, 0);
    expect_refused(deep, "longer than");
    expect_refused("/tmp/weft-there-is-no-such-directory", "No such file");
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_only_the_owner_may_connect_whatever_the_umask);
    tcase_add_test(tests, test_what_a_dead_process_left_is_replaced);
    tcase_add_test(tests, test_what_is_no_dead_socket_stays);
    tcase_add_test(tests, test_links_are_not_followed);
    tcase_add_test(tests, test_a_file_that_is_not_ours_any_more_stays);
    tcase_add_test(tests, test_a_directory_that_cannot_be_used_is_said);
}

int main(void)
{
    return admin_run("admin/admin_socket", add_tests);
}
