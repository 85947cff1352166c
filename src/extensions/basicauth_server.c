/* basicauth at servers: user names and passwords against a table (htpasswd.h).
 *
 * Comparing with bcrypt takes the time that it is meant to take, so a helper does it; what it said of a pair is
 * remembered by a keyed digest of the pair, in a table of fixed size, until the users change: right ones and wrong ones
 * each in places of their own, since anybody can make wrong ones. Those who come with the same pair meanwhile wait for
 * the one comparison. What is compared at once (plain text, SHA-1) is so here.
 *
 * Who knows a user's name and sends ever new passwords has only a part of the comparisons: an address from which a
 * wrong one came lately, or another pair is being compared, shares a few with its like. */
#include "extensions/basicauth.h"

#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/password.h"
#include "extensions/watched_file.h"

enum {
    DIGEST_BYTES = 32,
    CACHE_SETS = 64,             /* a power of two */
    CACHE_WAYS = 4,              /* for each verdict */
    MAX_CHECKS = 64,             /* pairs that are compared at a time */
    MAX_SUSPECTS = 8,            /* of these */
    FAILURES = 256,              /* addresses that are remembered; a power of two */
    MAX_CREDENTIAL_BYTES = 4096, /* a longer value of the field is nobody's */
    KEPT_BYTES = 256,
};

/* Pairs of which the same was said. */
struct cache_set {
    uint8_t digests[CACHE_WAYS][DIGEST_BYTES];
    unsigned count;
    unsigned next; /* to be replaced */
};

/* Wrong passwords that came from an address (its hash), the last time. */
struct failure {
    uint64_t address;
    struct weft_monotonic time; /* 0: none */
};

#define SUSPICION_NS (60 * WEFT_NS_PER_S)

WEFT_MAGIC(basicauth_server, 0x0ba51ca0);

struct basicauth_server {
    struct weft_auth_server server;
    uint32_t magic;
    struct weft_basicauth_server_setup setup;
    struct weft_htpasswd users;
    uint64_t generation; /* of users */
    struct weft_watched_file *file;
    bool has_looked; /* at the file, since the start */
    struct weft_digest *digest;
    struct cache_set right[CACHE_SETS], wrong[CACHE_SETS];
    struct weft_hash_secret secret; /* of addresses */
    struct failure failures[FAILURES];
    struct weft_list checks;
    size_t check_count, suspect_count;
};

struct check {
    struct weft_helper_task task;
    struct weft_list node;
    struct weft_list waits;
    struct basicauth_server *server; /* not the thread's to look at */
    uint8_t digest[DIGEST_BYTES];
    uint64_t generation;
    uint64_t address;
    bool is_suspect;
    char kept[KEPT_BYTES];
    uint8_t password[WEFT_PASSWORD_MAX_BYTES];
    size_t password_length;
    bool matches;
};

/* A pair as it came. */
struct pair {
    uint8_t bytes[MAX_CREDENTIAL_BYTES];
    size_t length;
    struct weft_slice user, password; /* of bytes */
    struct weft_slice household;      /* that it came from */
};

static const struct weft_auth_server_operations server_operations;

static struct basicauth_server *server_of(struct weft_auth_server *untyped)
{
    weft_assert(untyped->operations == &server_operations);
    struct basicauth_server *server = WEFT_CONTAINER_OF(untyped, struct basicauth_server, server);
    weft_check_magic(server, basicauth_server);
    return server;
}

/* ---- what was said before ---- */

static struct cache_set *set_of(struct cache_set *sets, const uint8_t digest[DIGEST_BYTES])
{
    return &sets[digest[0] & (CACHE_SETS - 1)];
}

static bool is_remembered(struct cache_set *sets, const uint8_t digest[DIGEST_BYTES])
{
    const struct cache_set *set = set_of(sets, digest);
    for (size_t i = 0; i < set->count; i++) {
        if (weft_secret_equal(weft_slice_of(set->digests[i], DIGEST_BYTES), weft_slice_of(digest, DIGEST_BYTES))) {
            return true;
        }
    }
    return false;
}

static void remember(struct basicauth_server *server, const struct check *check)
{
    struct cache_set *set = set_of(check->matches ? server->right : server->wrong, check->digest);
    memcpy(set->digests[set->next++ % CACHE_WAYS], check->digest, DIGEST_BYTES);
    set->count += set->count < CACHE_WAYS;
}

/* ---- reading the field ---- */

static enum weft_status read_pair(struct weft_slice credentials, struct pair *out_pair, struct weft_error *error)
{
    static const char scheme[] = "Basic ";
    enum { SCHEME_BYTES = sizeof scheme - 1 };
    if (credentials.length == 0) {
        return weft_fail(error, WEFT_UNAUTHENTICATED, "no basic auth provided");
    }
    if (credentials.length < SCHEME_BYTES || strncasecmp((const char *)credentials.bytes, scheme, SCHEME_BYTES) != 0) {
        return weft_fail(error, WEFT_UNAUTHENTICATED, "invalid authorization scheme prefix");
    }
    struct weft_slice encoded = weft_slice_of(credentials.bytes + SCHEME_BYTES, credentials.length - SCHEME_BYTES);
    const uint8_t *colon = NULL;
    if (encoded.length <= MAX_CREDENTIAL_BYTES && encoded.length % 4 == 0 &&
        weft_base64_decode(encoded, WEFT_BASE64_STANDARD, out_pair->bytes, &out_pair->length) == WEFT_OK) {
        colon = memchr(out_pair->bytes, ':', out_pair->length);
    }
    if (colon == NULL) {
        return weft_fail(error, WEFT_UNAUTHENTICATED, "invalid authorization format");
    }
    size_t name_length = (size_t)(colon - out_pair->bytes);
    out_pair->user = weft_slice_of(out_pair->bytes, name_length);
    out_pair->password = weft_slice_of(colon + 1, out_pair->length - name_length - 1);
    return WEFT_OK;
}

/* ---- addresses ---- */

static bool is_suspect(const struct basicauth_server *server, uint64_t address)
{
    const struct failure *failure = &server->failures[address & (FAILURES - 1)];
    struct weft_monotonic now = weft_timers_now(server->setup.host->timers);
    if (failure->time.ns != 0 && failure->address == address && now.ns - failure->time.ns < SUSPICION_NS) {
        return true;
    }
    WEFT_LIST_EACH(node, &server->checks)
    {
        if (WEFT_CONTAINER_OF(node, struct check, node)->address == address) {
            return true;
        }
    }
    return false;
}

static void note_failure(struct basicauth_server *server, uint64_t address)
{
    server->failures[address & (FAILURES - 1)] =
        (struct failure){ address, weft_timers_now(server->setup.host->timers) };
}

/* ---- comparing ---- */

static enum weft_status say(bool matches, struct weft_error *error)
{
    return matches ? WEFT_OK : weft_fail(error, WEFT_UNAUTHENTICATED, "invalid credentials");
}

static struct check *check_of(struct weft_helper_task *task)
{
    return WEFT_CONTAINER_OF(task, struct check, task);
}

static void check_free(struct check *check)
{
    explicit_bzero(check->password, sizeof check->password);
    explicit_bzero(check->kept, sizeof check->kept);
    weft_free(check);
}

/* The helper's thread. */
static void check_now(struct weft_helper_task *task, void *context)
{
    struct check *check = check_of(task);
    (void)context;
    check->matches = weft_password_matches(check->kept, weft_slice_of(check->password, check->password_length));
}

static void was_left(struct weft_helper_task *task)
{
    check_free(check_of(task));
}

static void was_checked(struct weft_helper_task *task)
{
    struct check *check = check_of(task);
    struct basicauth_server *server = check->server;
    struct weft_error failure = WEFT_ERROR_NONE;
    weft_check_magic(server, basicauth_server);
    weft_list_remove(&check->node);
    server->check_count--;
    server->suspect_count -= check->is_suspect;
    if (!check->matches) {
        note_failure(server, check->address);
    }
    if (check->generation == server->generation) {
        remember(server, check);
    }
    bool is_in = say(check->matches, &failure) == WEFT_OK;
    struct weft_list *node;
    while ((node = weft_list_pop_front(&check->waits)) != NULL) {
        struct weft_auth_wait *wait = WEFT_CONTAINER_OF(node, struct weft_auth_wait, node);
        wait->on_judged(wait, is_in ? NULL : &failure);
    }
    check_free(check);
}

static struct check *find_check(struct basicauth_server *server, const uint8_t digest[DIGEST_BYTES])
{
    WEFT_LIST_EACH(node, &server->checks)
    {
        struct check *check = WEFT_CONTAINER_OF(node, struct check, node);
        if (check->generation == server->generation && memcmp(check->digest, digest, DIGEST_BYTES) == 0) {
            return check;
        }
    }
    return NULL;
}

static enum weft_status fail_too_many(struct weft_error *error)
{
    return weft_fail(error, WEFT_THROTTLED, "too many credentials are being looked at");
}

static enum weft_status begin_check(struct basicauth_server *server, const uint8_t digest[DIGEST_BYTES],
                                    const char *kept, const struct pair *pair, struct check **out_check,
                                    struct weft_error *error)
{
    uint64_t address = weft_hash(&server->secret, pair->household);
    bool is_suspected = is_suspect(server, address);
    if (server->check_count == MAX_CHECKS || (is_suspected && server->suspect_count == MAX_SUSPECTS)) {
        return fail_too_many(error);
    }
    struct check *check = weft_try_alloc(sizeof *check);
    if (check == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to look at credentials");
    }
    check->task = (struct weft_helper_task){ .work = check_now, .on_done = was_checked, .on_left = was_left };
    check->server = server;
    check->generation = server->generation;
    memcpy(check->digest, digest, DIGEST_BYTES);
    memcpy(check->kept, kept, strlen(kept)); /* shorter than the room, which is zero */
    memcpy(check->password, pair->password.bytes, pair->password.length);
    check->password_length = pair->password.length;
    check->address = address;
    check->is_suspect = is_suspected;
    weft_list_init(&check->waits);
    if (weft_helper_ask(server->setup.check_helper, server->setup.host->answers, &check->task, NULL) != WEFT_OK) {
        check_free(check);
        return fail_too_many(error);
    }
    weft_list_push_back(&server->checks, &check->node);
    server->check_count++;
    server->suspect_count += is_suspected;
    *out_check = check;
    return WEFT_OK;
}

static enum weft_status judge_slowly(struct basicauth_server *server, const char *kept, const struct pair *pair,
                                     struct weft_auth_wait *wait, struct weft_error *error)
{
    uint8_t digest[WEFT_DIGEST_MAX_BYTES];
    if (weft_digest_compute(server->digest, weft_slice_of(pair->bytes, pair->length), digest) != DIGEST_BYTES) {
        return weft_fail(error, WEFT_NOMEM, "credentials cannot be looked at");
    }
    bool matches = is_remembered(server->right, digest);
    if (matches || is_remembered(server->wrong, digest)) {
        return say(matches, error);
    }
    struct check *check = find_check(server, digest);
    enum weft_status status = check != NULL ? WEFT_OK : begin_check(server, digest, kept, pair, &check, error);
    if (status != WEFT_OK) {
        return status;
    }
    if (wait != NULL) {
        weft_list_push_back(&check->waits, &wait->node);
    }
    return weft_fail(error, WEFT_CLOSED, "credentials are being looked at");
}

static enum weft_status judge_pair(struct basicauth_server *server, const struct pair *pair,
                                   struct weft_auth_wait *wait, struct weft_error *error)
{
    const char *kept = weft_htpasswd_find(&server->users, pair->user);
    if (kept == NULL || pair->password.length > WEFT_PASSWORD_MAX_BYTES) {
        return say(false, error);
    }
    if (!weft_password_is_slow(kept) || server->setup.host->answers == NULL) {
        return say(weft_password_matches(kept, pair->password), error);
    }
    return strlen(kept) < KEPT_BYTES ? judge_slowly(server, kept, pair, wait, error) : say(false, error);
}

static enum weft_status judge(struct weft_auth_server *untyped, const struct weft_auth_claim *claim,
                              struct weft_auth_wait *wait, struct weft_error *error)
{
    struct pair pair;
    enum weft_status status = read_pair(claim->credentials, &pair, error);
    pair.household = claim->household;
    if (status == WEFT_OK) {
        status = judge_pair(server_of(untyped), &pair, wait, error);
        explicit_bzero(pair.bytes, pair.length);
    }
    return status;
}

/* ---- life ---- */

static enum weft_status read_users(struct basicauth_server *server, struct weft_slice file, struct weft_error *error)
{
    const char *inline_text = server->setup.users->inline_text.text;
    struct weft_htpasswd users;
    enum weft_status status =
        weft_htpasswd_read(file, weft_slice_of_text(inline_text == NULL ? "" : inline_text), &users, error);
    if (status == WEFT_OK) {
        weft_htpasswd_fini(&server->users);
        server->users = users;
        server->generation++;
        memset(server->right, 0, sizeof server->right);
        memset(server->wrong, 0, sizeof server->wrong);
    }
    return status;
}

/* What stands in a line is nobody's to read. */
static void log_passed_over(void *context, size_t line, const char *why)
{
    const struct basicauth_server *server = context;
    weft_log(WARN, "auth.line_passed_over", "a line of a file of users is passed over",
             WEFT_LOG_STRING("extension", server->setup.id), WEFT_LOG_INT("line", line), WEFT_LOG_STRING("error", why));
}

static void keep_quiet(void *context, size_t line, const char *why)
{
    (void)context;
    (void)line;
    (void)why;
}

/* A file that is being written anew is empty for a while: what it said before stays until it has a user again. What was
 * read at the start comes once more, and the config's notes have told of its lines. */
static enum weft_status on_changed(void *context, struct weft_slice contents, struct weft_error *error)
{
    struct basicauth_server *server = context;
    weft_check_magic(server, basicauth_server);
    bool is_first = !server->has_looked;
    server->has_looked = true;
    if (weft_htpasswd_review(contents, keep_quiet, NULL) == 0) {
        return weft_fail(error, WEFT_INVALID, "%s: no user in it", server->setup.users->file);
    }
    enum weft_status status = read_users(server, contents, error);
    if (status == WEFT_OK && !is_first && server->setup.host->worker_index == 0) {
        weft_htpasswd_review(contents, log_passed_over, server);
    }
    return status;
}

static void server_free(struct weft_auth_server *untyped)
{
    struct basicauth_server *server = server_of(untyped);
    struct weft_list *node;
    while ((node = weft_list_pop_front(&server->checks)) != NULL) {
        struct check *check = WEFT_CONTAINER_OF(node, struct check, node);
        weft_assert(weft_list_is_empty(&check->waits));
        weft_helper_leave(&check->task);
    }
    weft_watched_file_free(server->file);
    weft_htpasswd_fini(&server->users);
    weft_digest_free(&server->digest);
    weft_clear_magic(server, basicauth_server);
    weft_free(server);
}

static const struct weft_auth_server_operations server_operations = { .judge = judge, .free = server_free };

/* The key is of this server alone, and nobody outside knows it. */
static void make_digest(struct basicauth_server *server)
{
    uint8_t key[DIGEST_BYTES];
    weft_assert(getrandom(key, sizeof key, 0) == (ssize_t)sizeof key);
    struct weft_slice key_slice = weft_slice_of(key, sizeof key);
    enum weft_status status = weft_digest_new(WEFT_DIGEST_SHA256, &key_slice, &server->digest, NULL);
    weft_assert(status == WEFT_OK); /* start-up */
    explicit_bzero(key, sizeof key);
}

struct weft_auth_server *weft_basicauth_server_new(const struct weft_basicauth_server_setup *setup)
{
    struct basicauth_server *server = weft_alloc(sizeof *server);
    weft_set_magic(server, basicauth_server);
    server->server = (struct weft_auth_server){ &server_operations, "authorization" };
    server->setup = *setup;
    weft_list_init(&server->checks);
    weft_hash_secret_init(&server->secret);
    make_digest(server);
    enum weft_status status = read_users(server, setup->first_file, NULL);
    weft_assert(status == WEFT_OK); /* start-up */
    if (setup->file_helper != NULL) {
        server->file =
            weft_watched_file_new(&(struct weft_watched_file_settings){ .host = setup->host,
                                                                        .helper = setup->file_helper,
                                                                        .id = setup->id,
                                                                        .path = setup->users->file,
                                                                        .interval_ns = setup->reload_interval_ns,
                                                                        .on_changed = on_changed,
                                                                        .context = server });
    }
    return &server->server;
}
