#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "component_test.h"
#include "pipeline/authenticator.h"

/* An extension that authenticates, made of YAML, with sides on the fixture's host; and a file that it may look at:
 * without a helper's box the host looks in its own thread, as time goes on (advance). */

static char auth_path[64];
static int auth_log; /* what was logged since it was read last */

/* Replaced as a whole: the next look sees another file whatever the clock says. */
static inline void put_file(struct weft_slice contents)
{
    char fresh[sizeof auth_path + 4];
    snprintf(fresh, sizeof fresh, "%s.new", auth_path);
    int descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq((int)write(descriptor, contents.bytes, contents.length), (int)contents.length);
    close(descriptor);
    ck_assert_int_eq(rename(fresh, auth_path), 0);
}

static inline void files_begin(void)
{
    char log_path[] = "/tmp/weft_test_log_XXXXXX";
    auth_log = mkstemp(log_path);
    unlink(log_path);
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_INFO, .service = "test", .descriptor = auth_log });
    strcpy(auth_path, "/tmp/weft_test_auth_XXXXXX");
    close(mkstemp(auth_path));
}

static inline void files_end(void)
{
    unlink(auth_path);
    close(auth_log);
}

/* How often the event was logged since the last call; other lines are forgotten. */
static inline size_t count_logged(const char *event)
{
    char text[8192];
    size_t count = 0;
    ssize_t length = pread(auth_log, text, sizeof text - 1, 0);
    ck_assert_int_ge((int)length, 0);
    text[length] = '\0';
    for (const char *at = text; (at = strstr(at, event)) != NULL; at++) {
        count++;
    }
    ck_assert_int_eq(ftruncate(auth_log, 0), 0);
    lseek(auth_log, 0, SEEK_SET);
    return count;
}

/* YAML with %s where the file's path belongs. */
static inline enum weft_status auth_share(const struct weft_component *component, const char *yaml,
                                          struct weft_error *error)
{
    char text[400];
    const char *path = strstr(yaml, "%s");
    int before = path == NULL ? (int)strlen(yaml) : (int)(path - yaml);
    fixture_begin(WEFT_TRACES);
    snprintf(text, sizeof text, "%.*s%s%s", before, yaml, path == NULL ? "" : auth_path, path == NULL ? "" : path + 2);
    ck_assert_msg(component_configure(component, text, error) == WEFT_OK, "%s", error->text);
    return component->share(fixture.config, "test", &fixture.budget, &fixture.shared, error);
}

static inline struct weft_authenticator *auth_begin(const struct weft_component *component, const char *yaml)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(auth_share(component, yaml, &error) == WEFT_OK, "%s", error.text);
    return fixture.shared;
}

static const struct weft_config_map auth_no_headers;

static inline struct weft_auth_client *auth_client(struct weft_authenticator *authenticator)
{
    return weft_auth_client_open(
        authenticator, &(struct weft_auth_client_setup){ .host = &fixture.host, .headers = &auth_no_headers });
}

/* What a request would have under that name; "" if nothing. Asserts that it can be made. */
static inline void auth_expect_field(struct weft_auth_client *client, const char *name, const char *value)
{
    struct weft_header_set *set = NULL;
    const char *found = "";
    ck_assert(weft_auth_client_headers(client, NULL, &set, NULL) == WEFT_OK);
    for (size_t i = 0; i < set->count; i++) {
        found = strcmp(set->items[i].name, name) == 0 ? set->items[i].value : found;
    }
    ck_assert_str_eq(found, value);
    weft_header_set_free(set);
}

/* Whatever fails, a request has its fields or there is no memory for them. Returns how many allocations it takes. */
static inline size_t auth_expect_no_half_request(struct weft_auth_client *client, size_t field_count)
{
    for (size_t nth = 1;; nth++) {
        struct weft_header_set *set = NULL;
        weft_alloc_fail_at(nth);
        enum weft_status status = weft_auth_client_headers(client, NULL, &set, NULL);
        bool has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, has_failed ? WEFT_NOMEM : WEFT_OK);
        ck_assert(status != WEFT_OK || set->count == field_count);
        weft_header_set_free(set);
        if (!has_failed) {
            return nth - 1;
        }
    }
}
