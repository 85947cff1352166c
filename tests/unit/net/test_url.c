/* URLs of backends: what is taken apart how, and what is refused with which words. */
#include <check.h>

#include "base/alloc.h"
#include "net/url.h"
#include "suite.h"

static const struct {
    const char *text, *host;
    uint16_t port;
    bool wants_tls;
    const char *suffix, *target;
} good[] = {
    { "http://h", "h", 80, false, "", "/" },
    { "https://h", "h", 443, true, "/v1/traces", "/v1/traces" },
    { "http://h/", "h", 80, false, "/v1/traces", "/v1/traces" },
    { "http://h:4318", "h", 4318, false, "/v1/logs", "/v1/logs" },
    { "HTTPS://H.example:8443/base", "H.example", 8443, true, "/v1/logs", "/base/v1/logs" },
    { "http://h/base/", "h", 80, false, "/v1/logs", "/base/v1/logs" },
    { "http://h/base/", "h", 80, false, "", "/base/" },
    { "http://h/a%20b?x=1&y=%2F", "h", 80, false, "", "/a%20b?x=1&y=%2F" },
    { "http://h/a?x=1", "h", 80, false, "/v1/traces", "/a/v1/traces?x=1" },
    { "http://h?x", "h", 80, false, "", "/?x" },
    { "http://h/p?", "h", 80, false, "", "/p?" },
    { "http://h/p#there", "h", 80, false, "", "/p" },
    { "http://h#there?x", "h", 80, false, "", "/" },
    { "http://[::1]:4318/p", "::1", 4318, false, "", "/p" },
    { "http://[fe80::1]", "fe80::1", 80, false, "", "/" },
    { "http://unix:8080/", "unix", 8080, false, "", "/" },
    { "http://127.0.0.1:65535", "127.0.0.1", 65535, false, "", "/" },
};

START_TEST(test_good_urls_are_taken_apart)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(good); i++) {
        struct weft_url url;
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_msg(weft_url_parse(good[i].text, &url, &error) == WEFT_OK, "%s: %s", good[i].text, error.text);
        ck_assert_str_eq(url.endpoint.host, good[i].host);
        ck_assert_uint_eq(url.endpoint.port, good[i].port);
        ck_assert_int_eq(url.endpoint.wants_tls, good[i].wants_tls);
        ck_assert(!url.endpoint.is_unix);
        char *target = weft_url_target(&url, good[i].suffix);
        ck_assert_str_eq(target, good[i].target);
        weft_free(target);
    }
}
END_TEST

static const struct {
    const char *text, *words;
} bad[] = {
    { "", "http:// or https://" },
    { "localhost:4318", "http:// or https://" },
    { "ftp://h/", "http:// or https://" },
    { "http:/h", "http:// or https://" },
    { "http://", "no host" },
    { "http:///path", "no host" },
    { "https://?x", "no host" },
    { "http://:4318/", "no host" },
    { "http://user:word@h/", "user name" },
    { "http://user:wo rd@h/", "user name" },
    { "htp://user:word@h/", "user name" },
    { "user:word@h", "user name" },
    { "http://h:99999/", "port" },
    { "http://h:x/", "port" },
    { "http://h:/", "port" },
    { "http://[::1/", "']'" },
    { "http://a b/", "%XX" },
    { "http://h/a b", "%XX" },
    { "http://h/a\r\nX: y", "%XX" },
    { "http://h/\xc3\xa9", "%XX" },
    { "http://h\\x/", "%XX" },
    { "http://h/\"", "%XX" },
    { "http://h!/", "host:port" },
};

START_TEST(test_bad_urls_are_refused_with_words)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(bad); i++) {
        struct weft_url url = { .has_query = true };
        struct weft_error error = WEFT_ERROR_NONE;
        ck_assert_msg(weft_url_parse(bad[i].text, &url, &error) == WEFT_INVALID, "%s", bad[i].text);
        ck_assert_msg(strstr(error.text, bad[i].words) != NULL, "%s: %s", bad[i].text, error.text);
        ck_assert(strstr(error.text, "word") == NULL); /* no password in a text */
    }
    char long_host[1000] = "http://";
    memset(long_host + 7, 'h', sizeof long_host - 8);
    struct weft_url url;
    ck_assert_int_eq(weft_url_parse(long_host, &url, NULL), WEFT_INVALID);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("url");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, test_good_urls_are_taken_apart);
    tcase_add_test(tcase, test_bad_urls_are_refused_with_words);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
