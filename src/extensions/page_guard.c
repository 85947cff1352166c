/* Authentication before pages (page_guard.h). Where a judgement takes time the exchange waits, with the route that was
 * found for it; the request itself is gone by then. */
#include "extensions/page_guard.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { WAITING_MAX = 64 };

WEFT_MAGIC(page_visit, 0x0fa6e715);

struct visit {
    uint32_t magic;
    struct weft_auth_wait wait;
    struct weft_list node;
    struct weft_page_guard *guard;
    struct weft_http1_server_exchange *exchange;
    struct weft_http1_match match;
};

static void reply_text(struct weft_http1_server_exchange *exchange, int code, const char *text)
{
    (void)weft_http1_server_exchange_reply(exchange, code, "text/plain; charset=utf-8", NULL, weft_slice_of_text(text));
}

static void keep_out(struct weft_http1_server_exchange *exchange, const struct weft_error *failure)
{
    bool is_known = failure->status == WEFT_UNAUTHENTICATED;
    reply_text(exchange, is_known ? 401 : weft_status_http_code(failure->status), failure->text);
}

static void visit_free(struct visit *visit)
{
    weft_list_remove(&visit->wait.node);
    weft_list_remove(&visit->node);
    visit->guard->waiting_count--;
    weft_clear_magic(visit, page_visit);
    weft_free(visit);
}

static void was_judged(struct weft_auth_wait *wait, const struct weft_error *failure)
{
    struct visit *visit = WEFT_CONTAINER_OF(wait, struct visit, wait);
    weft_check_magic(visit, page_visit);
    struct weft_page_guard *guard = visit->guard;
    if (failure != NULL) {
        keep_out(visit->exchange, failure);
    } else {
        weft_http1_routes_serve(guard->routes, &visit->match, guard->context, visit->exchange, NULL);
    }
    visit_free(visit);
}

void weft_page_guard_init(struct weft_page_guard *guard, struct weft_authenticator *authenticator,
                          struct weft_host *host, const struct weft_http1_routes *routes, void *context)
{
    *guard = (struct weft_page_guard){ .auth = weft_auth_server_open(authenticator, host),
                                       .routes = routes,
                                       .context = context };
    weft_list_init(&guard->waiting);
}

void weft_page_guard_fini(struct weft_page_guard *guard)
{
    struct weft_list *node;
    while ((node = weft_list_first(&guard->waiting)) != NULL) {
        struct visit *visit = WEFT_CONTAINER_OF(node, struct visit, node);
        weft_check_magic(visit, page_visit);
        reply_text(visit->exchange, 503, "going away\n");
        visit_free(visit);
    }
    weft_auth_server_free(guard->auth);
    guard->auth = NULL;
}

static struct visit *visit_try_new(struct weft_page_guard *guard, struct weft_http1_server_exchange *exchange,
                                   const struct weft_http1_match *match)
{
    struct visit *visit = guard->waiting_count < WAITING_MAX ? weft_try_alloc(sizeof *visit) : NULL;
    if (visit == NULL) {
        return NULL;
    }
    weft_set_magic(visit, page_visit);
    visit->guard = guard;
    visit->exchange = exchange;
    visit->match = *match;
    visit->match.below = WEFT_SLICE_EMPTY; /* of the request */
    visit->wait.on_judged = was_judged;
    weft_list_init(&visit->wait.node);
    weft_list_init(&visit->node);
    weft_list_push_back(&guard->waiting, &visit->node);
    guard->waiting_count++;
    return visit;
}

void weft_page_guard_serve(struct weft_page_guard *guard, struct weft_http1_server_exchange *exchange,
                           const struct weft_http1_server_request *request)
{
    struct weft_http1_match match = weft_http1_routes_find(guard->routes, exchange, request);
    if (guard->auth == NULL) {
        weft_http1_routes_serve(guard->routes, &match, guard->context, exchange, request);
        return;
    }
    struct weft_error error = WEFT_ERROR_NONE;
    struct visit *visit = visit_try_new(guard, exchange, &match);
    if (visit == NULL) {
        reply_text(exchange, 503, "too many who wait to be let in\n");
        return;
    }
    struct weft_auth_claim claim = { weft_http1_server_exchange_header(exchange, guard->auth->field),
                                     weft_http1_server_exchange_household(exchange) };
    enum weft_status status = guard->auth->operations->judge(guard->auth, &claim, &visit->wait, &error);
    if (status != WEFT_CLOSED) {
        was_judged(&visit->wait, status == WEFT_OK ? NULL : &error);
    }
}
