/* Routes: which row a request is for, and what is said where there is none. No server: answers are what a row is told.
 */
#include <check.h>
#include <stdio.h>

#include "net/http1/routes.h"
#include "suite.h"

static struct weft_http1_match served;
static char said[100]; /* by on_refused: the code and its headers */

static void on_request(void *context, struct weft_http1_server_exchange *exchange,
                       const struct weft_http1_server_request *request, const struct weft_http1_match *match)
{
    (void)context;
    (void)exchange;
    (void)request;
    served = *match;
}

static void on_refused(void *context, struct weft_http1_server_exchange *exchange, int code, const char *headers)
{
    (void)exchange;
    ck_assert_ptr_eq(context, said);
    snprintf(said, sizeof said, "%d %s", code, headers);
}

static const struct weft_http1_route rows[] = {
    { .path = "/page", .methods = WEFT_HTTP1_GET, .on_request = on_request },
    { .path = "/tree/", .is_tree = true, .methods = WEFT_HTTP1_GET, .on_request = on_request },
    { .path = "v1/traces", .methods = WEFT_HTTP1_POST, .on_request = on_request },
    { .path = "/page", .methods = WEFT_HTTP1_POST, .on_request = on_request },
    { .path = "/any", .methods = WEFT_HTTP1_ANY_METHOD, .on_request = on_request },
};
static const struct weft_http1_routes routes = { .rows = rows, .count = WEFT_COUNT_OF(rows), .on_refused = on_refused };

static struct weft_http1_match serve(const struct weft_http1_routes *table, const char *method, const char *path)
{
    struct weft_http1_server_request request = { .method = weft_slice_of_text(method),
                                                 .path = weft_slice_of_text(path) };
    served = (struct weft_http1_match){ .verdict = WEFT_HTTP1_NOT_FOUND };
    said[0] = '\0';
    struct weft_http1_match match = weft_http1_routes_find(table, NULL, &request);
    weft_http1_routes_serve(table, &match, said, NULL, &request);
    return match;
}

static void expect_row(const char *method, const char *path, size_t row, const char *below)
{
    serve(&routes, method, path);
    ck_assert_msg(served.verdict == WEFT_HTTP1_FOUND, "%s %s: %s", method, path, said);
    ck_assert_ptr_eq(served.route, &rows[row]);
    ck_assert(weft_slice_equal_text(served.below, below));
    ck_assert_str_eq(said, "");
}

static void expect_refused(const char *method, const char *path, const char *expected)
{
    serve(&routes, method, path);
    ck_assert_msg(strcmp(said, expected) == 0, "%s %s: %s", method, path, said);
    ck_assert_int_ne(served.verdict, WEFT_HTTP1_FOUND);
}

START_TEST(test_a_request_meets_its_row)
{
    expect_row("GET", "/page", 0, "");
    expect_row("HEAD", "/page", 0, "");
    expect_row("POST", "/page", 3, "");
    expect_row("GET", "/tree/", 1, "");
    expect_row("GET", "/tree/a/b", 1, "a/b");
    expect_row("POST", "/v1/traces", 2, "");
    expect_row("BREW", "/any", 4, "");
    expect_row("OPTIONS", "/any", 4, ""); /* nobody asked for preflights */
}
END_TEST

START_TEST(test_no_path_is_404_whatever_the_method)
{
    const char *const paths[] = { "/",     "/pag",        "/page/",      "/pages", "/Page",
                                  "/tree", "//v1/traces", "/v1/traces/", "*",      "" };
    for (size_t i = 0; i < WEFT_COUNT_OF(paths); i++) {
        expect_refused("GET", paths[i], "404 ");
        expect_refused("DELETE", paths[i], "404 ");
    }
    expect_refused("OPTIONS", "*", "404 ");
}
END_TEST

START_TEST(test_another_method_is_405_and_says_which_are_allowed)
{
    expect_refused("POST", "/tree/x", "405 Allow: GET, HEAD\r\n");
    expect_refused("get", "/tree/x", "405 Allow: GET, HEAD\r\n");
    expect_refused("HEAD", "/v1/traces", "405 Allow: POST\r\n");
    expect_refused("OPTIONS", "/v1/traces", "405 Allow: POST\r\n");
    expect_refused("PUT", "/page", "405 Allow: GET, HEAD, POST\r\n"); /* of both rows */
}
END_TEST

START_TEST(test_a_tree_of_everything_and_a_path_without_its_slash)
{
    const struct weft_http1_route all[] = {
        { .path = "/", .is_tree = true, .methods = WEFT_HTTP1_ANY_METHOD, .on_request = on_request }
    };
    const struct weft_http1_routes tree = { .rows = all, .count = 1, .on_refused = on_refused };
    ck_assert_int_eq(serve(&tree, "GET", "/any/where").verdict, WEFT_HTTP1_FOUND);
    ck_assert_int_eq(serve(&tree, "OPTIONS", "*").verdict, WEFT_HTTP1_NOT_FOUND);
    const struct weft_http1_route empty[] = { { .path = "", .methods = WEFT_HTTP1_POST, .on_request = on_request } };
    const struct weft_http1_routes root = { .rows = empty, .count = 1, .on_refused = on_refused };
    ck_assert_int_eq(serve(&root, "POST", "/").verdict, WEFT_HTTP1_FOUND);
    ck_assert_int_eq(serve(&root, "POST", "/x").verdict, WEFT_HTTP1_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http1 routes");
    TCase *tests = tcase_create("routes");
    tcase_add_test(tests, test_a_request_meets_its_row);
    tcase_add_test(tests, test_no_path_is_404_whatever_the_method);
    tcase_add_test(tests, test_another_method_is_405_and_says_which_are_allowed);
    tcase_add_test(tests, test_a_tree_of_everything_and_a_path_without_its_slash);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
