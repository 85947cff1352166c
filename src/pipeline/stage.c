/* Cores and their identity, outlets, and the pressure of both (stage.h). */
#include "pipeline/stage.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/stage_internal.h"

enum { LENT_BYTES_MAX = 32 << 20 };

/* ---- identity ---- */

struct weft_stage_identity *weft_stage_identity_new(const char *id, const char *lead, uint32_t worker_count)
{
    struct weft_stage_identity *identity = weft_alloc(sizeof *identity + worker_count * sizeof identity->is_closed[0]);
    identity->id = weft_alloc_string(id);
    identity->lead = weft_alloc_string(lead);
    identity->worker_count = worker_count;
    identity->references = 1;
    return identity;
}

struct weft_stage_identity *weft_stage_identity_ref(struct weft_stage_identity *identity)
{
    weft_assert(identity->references > 0);
    identity->references++;
    return identity;
}

void weft_stage_identity_unref(struct weft_stage_identity **own_identity)
{
    struct weft_stage_identity *identity = *own_identity;
    *own_identity = NULL;
    weft_assert(identity == NULL || identity->references > 0);
    if (identity != NULL && --identity->references == 0) {
        weft_free(identity->id);
        weft_free(identity->lead);
        weft_free(identity);
    }
}

/* ---- cores ---- */

static bool is_here(const struct weft_stage *stage)
{
    return stage->operations != NULL && weft_host_is_here(stage->host);
}

static void notice_arrived(struct weft_mail *mail, struct weft_stage *stage)
{
    (void)mail; /* what it says stands in the identity */
    weft_stage_update_open(stage);
}

static void notice_returned(struct weft_mail *mail)
{
    struct weft_stage_notice *notice = WEFT_CONTAINER_OF(mail, struct weft_stage_notice, mail);
    struct weft_stage *stage = notice->stage;
    weft_assert(is_here(stage) && notice == &stage->notices[mail->to_worker] && stage->mail_away > 0);
    stage->mail_away--;
    if (notice->is_stale) {
        notice->is_stale = false;
        stage->mail_away++;
        weft_mail_send(stage->host, mail, stage->identity, mail->to_worker);
    }
}

void weft_stage_init(struct weft_stage *stage, const struct weft_stage_operations *operations, struct weft_host *host,
                     struct weft_stage_identity *identity)
{
    weft_assert(identity->worker_count == host->worker_count && identity->references > 0);
    weft_assert(weft_host_is_here(host) && weft_stage_find(host, identity) == NULL);
    weft_assert(operations->consume != NULL && operations->audit != NULL && operations->drain != NULL);
    *stage = (struct weft_stage){
        .operations = operations, .host = host, .identity = identity, .lent_bytes_max = LENT_BYTES_MAX
    };
    weft_list_init(&stage->outlets);
    stage->next = host->stages;
    host->stages = stage;
    stage->notices = weft_alloc(host->worker_count * sizeof *stage->notices);
    for (uint32_t i = 0; i < host->worker_count; i++) {
        stage->notices[i].stage = stage;
        stage->notices[i].mail.on_arrived = notice_arrived;
        stage->notices[i].mail.on_returned = notice_returned;
    }
    weft_atomic_store(&identity->is_closed[host->worker_index], 0);
}

void weft_stage_fini(struct weft_stage *stage)
{
    weft_assert(is_here(stage) && weft_list_is_empty(&stage->outlets) && stage->mail_away == 0);
    struct weft_stage **link = &stage->host->stages;
    while (*link != stage) {
        link = &(*link)->next;
        weft_assert(*link != NULL);
    }
    *link = stage->next;
    weft_atomic_store(&stage->identity->is_closed[stage->host->worker_index], 0);
    weft_free(stage->notices);
    stage->operations = NULL;
}

struct weft_stage *weft_stage_find(struct weft_host *host, const struct weft_stage_identity *identity)
{
    weft_assert(weft_host_is_here(host));
    struct weft_stage *stage = host->stages;
    while (stage != NULL && stage->identity != identity) {
        stage = stage->next;
    }
    return stage;
}

static bool are_all_cores_open(const struct weft_stage_identity *identity)
{
    for (uint32_t i = 0; i < identity->worker_count; i++) {
        if (weft_atomic_load(&identity->is_closed[i]) != 0) {
            return false;
        }
    }
    return true;
}

static struct weft_stage_outlet *outlet_of(struct weft_list *node)
{
    struct weft_stage_outlet *outlet = WEFT_CONTAINER_OF(node, struct weft_stage_outlet, node);
    weft_check_magic(outlet, stage_outlet);
    return outlet;
}

void weft_stage_update_open(struct weft_stage *stage)
{
    weft_assert(is_here(stage));
    WEFT_LIST_EACH(node, &stage->outlets)
    {
        weft_stage_outlet_update_open(outlet_of(node));
    }
}

void weft_stage_set_open(struct weft_stage *stage, bool is_open)
{
    weft_assert(is_here(stage));
    struct weft_atomic_u64 *cell = &stage->identity->is_closed[stage->host->worker_index];
    if (weft_atomic_load(cell) == (is_open ? 0 : 1)) {
        return;
    }
    weft_atomic_store(cell, is_open ? 0 : 1);
    weft_stage_update_open(stage);
    for (uint32_t i = 0; i < stage->identity->worker_count; i++) {
        struct weft_stage_notice *notice = &stage->notices[i];
        if (i == stage->host->worker_index) {
            continue;
        }
        if (notice->mail.is_away) {
            notice->is_stale = true;
        } else {
            stage->mail_away++;
            weft_mail_send(stage->host, &notice->mail, stage->identity, i);
        }
    }
}

/* ---- outlets ---- */

struct weft_stage_outlet *weft_stage_outlet_find(struct weft_stage *stage, const char *pipeline)
{
    WEFT_LIST_EACH(node, &stage->outlets)
    {
        struct weft_stage_outlet *outlet = outlet_of(node);
        if (strcmp(outlet->pipeline, pipeline) == 0) {
            return outlet;
        }
    }
    return NULL;
}

weft_flow_id weft_stage_outlet_drop_flow(const struct weft_stage_outlet *outlet, const struct weft_account *from,
                                         enum weft_drop_reason reason)
{
    struct weft_account dropped = *from;
    dropped.kind = WEFT_ACCOUNT_DROPPED;
    dropped.owner = outlet->stage->identity->id;
    dropped.reason = reason;
    return weft_ledger_flow(outlet->stage->host->ledger, from, &dropped);
}

static void name_accounts(struct weft_stage_outlet *outlet)
{
    const char *id = outlet->stage->identity->id;
    struct weft_account account = { .signal = weft_signal_name(outlet->signal), .pipeline = outlet->pipeline };
    outlet->in_flight = outlet->held = outlet->in_transit = account;
    outlet->in_flight.kind = WEFT_ACCOUNT_IN_FLIGHT;
    outlet->in_flight.owner = "";
    outlet->held.kind = WEFT_ACCOUNT_BUFFERED;
    outlet->held.owner = id;
    outlet->in_transit.kind = WEFT_ACCOUNT_IN_TRANSIT;
    outlet->in_transit.owner = id;
}

static void register_flows(struct weft_stage_outlet *outlet)
{
    struct weft_ledger *ledger = outlet->stage->host->ledger;
    outlet->hold_flow = weft_ledger_flow(ledger, &outlet->in_flight, &outlet->held);
    outlet->release_flow = weft_ledger_flow(ledger, &outlet->held, &outlet->in_flight);
    outlet->lend_flow = weft_ledger_flow(ledger, &outlet->in_flight, &outlet->in_transit);
    outlet->arrive_flow = weft_ledger_flow(ledger, &outlet->in_transit, &outlet->held);
    outlet->return_flow = weft_ledger_flow(ledger, &outlet->in_transit, &outlet->in_flight);
    outlet->unlent_flow = weft_stage_outlet_drop_flow(outlet, &outlet->in_flight, WEFT_DROP_RELOAD);
}

struct weft_stage_outlet *weft_stage_outlet_new(struct weft_stage *stage, const char *pipeline, enum weft_signal signal)
{
    const struct weft_stage_operations *operations = stage->operations;
    size_t size = operations->outlet_size_bytes;
    weft_assert(is_here(stage) && (size == 0 || size >= sizeof(struct weft_stage_outlet)));
    struct weft_stage_outlet *outlet = weft_alloc(size > sizeof *outlet ? size : sizeof *outlet);
    weft_set_magic(outlet, stage_outlet);
    outlet->stage = stage;
    outlet->signal = signal;
    outlet->pipeline = weft_alloc_string(pipeline);
    weft_list_init(&outlet->faces);
    weft_list_push_back(&stage->outlets, &outlet->node);
    name_accounts(outlet);
    register_flows(outlet);
    if (operations->outlet_init != NULL) {
        operations->outlet_init(outlet);
    }
    return outlet;
}

/* False: there was no memory to count. */
static bool count_held(const struct weft_stage_outlet *outlet, uint64_t *out_held)
{
    struct weft_audit audit = { 0 };
    uint64_t held = outlet->lent_records;
    outlet->stage->operations->audit(outlet->stage, &audit);
    for (size_t i = 0; i < audit.count; i++) {
        held += strcmp(audit.lines[i].account.pipeline, outlet->pipeline) == 0 ? audit.lines[i].held : 0;
    }
    bool is_complete = !audit.is_incomplete;
    weft_audit_fini(&audit);
    *out_held = held;
    return is_complete;
}

uint64_t weft_stages_lent(const struct weft_host *host)
{
    uint64_t lent = 0;
    for (const struct weft_stage *stage = host->stages; stage != NULL; stage = stage->next) {
        WEFT_LIST_EACH(node, &stage->outlets)
        {
            lent += WEFT_CONTAINER_OF(node, const struct weft_stage_outlet, node)->lent_records;
        }
    }
    return lent;
}

uint64_t weft_stage_outlet_held(const struct weft_stage_outlet *outlet)
{
    uint64_t held = 0;
    return count_held(outlet, &held) || held > 0 ? held : 1;
}

void weft_stage_outlet_free(struct weft_stage_outlet *outlet)
{
    uint64_t held = 0;
    weft_assert(outlet->face == NULL && outlet->lent_records == 0 && outlet->lent_bytes == 0);
    weft_assert(weft_list_is_empty(&outlet->faces) && (!count_held(outlet, &held) || held == 0));
    if (outlet->stage->operations->outlet_fini != NULL) {
        outlet->stage->operations->outlet_fini(outlet);
    }
    weft_clear_magic(outlet, stage_outlet);
    weft_list_remove(&outlet->node);
    weft_free(outlet->pipeline);
    weft_free(outlet);
}

bool weft_stage_outlet_may_take(const struct weft_stage_outlet *outlet)
{
    return !outlet->is_blocked && outlet->lent_bytes <= outlet->stage->lent_bytes_max &&
           are_all_cores_open(outlet->stage->identity);
}

void weft_stage_outlet_set_blocked(struct weft_stage_outlet *outlet, bool is_blocked)
{
    weft_check_magic(outlet, stage_outlet);
    weft_assert(is_here(outlet->stage));
    outlet->is_blocked = is_blocked;
    weft_stage_outlet_update_open(outlet);
}
