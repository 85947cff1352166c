#pragma once

#include "ledger/layout.h"
#include "stage_rounds.h"

/* What must hold: at any moment between two events, when nothing goes wrong any more, and at the end. */
struct pipeline_ends {
    uint64_t refused, dropped_early, dropped_late;
    uint64_t filtered; /* by a `filter`; also in dropped_late */
};

/* What earlier seeds left in the books. */
static struct weft_ledger_totals before[WEFT_SIGNAL_COUNT];
static struct pipeline_ends ends_before[PIPELINES];
static uint64_t filtered_count; /* that were found right */

static inline bool is_of_signal(const struct weft_account *account, enum weft_signal signal)
{
    return strcmp(account->signal, weft_signal_name(signal)) == 0;
}

/* By a `filter`, which may also have to drop what it was at. */
static inline bool is_filtered_account(const struct weft_account *account)
{
    return strncmp(account->owner, "filter/", 7) == 0 && account->reason == WEFT_DROP_FILTERED;
}

/* Early: before the hand-over to the stage, or while it takes; a ticket that waits must then fail. */
static inline bool is_early(const struct weft_account *account)
{
    return strcmp(account->owner, "batch/front") == 0 || strcmp(account->owner, "transform/front") == 0 ||
           (strcmp(account->owner, "filter/front") == 0 && !is_filtered_account(account)) ||
           (strncmp(account->owner, "hold/", 5) == 0 && account->reason == WEFT_DROP_OUT_OF_MEMORY);
}

static inline void add_to_ends(struct pipeline_ends *ends, const struct weft_ledger_balance *balance)
{
    const struct weft_account *account = &balance->account;
    if (account->kind == WEFT_ACCOUNT_REFUSED ||
        (account->kind == WEFT_ACCOUNT_UNCOPIED && strncmp(account->owner, "client/", 7) == 0)) {
        ends->refused += balance->inflow;
    } else if (account->kind == WEFT_ACCOUNT_DROPPED) {
        *(is_early(account) ? &ends->dropped_early : &ends->dropped_late) += balance->inflow;
        ends->filtered += is_filtered_account(account) ? balance->inflow : 0;
    }
}

static inline struct pipeline_ends ends_of(const struct weft_ledger_snapshot *snapshot, size_t pipeline)
{
    struct pipeline_ends ends = { 0 };
    for (size_t i = 0; i < snapshot->count; i++) {
        if (strcmp(snapshot->balances[i].account.pipeline, pipeline_names[pipeline]) == 0) {
            add_to_ends(&ends, &snapshot->balances[i]);
        }
    }
    return ends;
}

static inline void take_snapshot(struct weft_ledger_snapshot *out_snapshot)
{
    EXPECT(weft_ledger_snapshot_take(ledger, out_snapshot) == WEFT_OK, "no snapshot");
}

static inline void remember_books(void)
{
    struct weft_ledger_snapshot snapshot;
    take_snapshot(&snapshot);
    for (int s = 0; s < WEFT_SIGNAL_COUNT; s++) {
        weft_ledger_snapshot_totals(&snapshot, weft_signal_name((enum weft_signal)s), &before[s]);
    }
    for (size_t p = 0; p < PIPELINES; p++) {
        ends_before[p] = ends_of(&snapshot, p);
    }
    weft_ledger_snapshot_fini(&snapshot);
}

/* ---- at any moment ---- */

static inline uint64_t records_under_way(enum weft_signal signal)
{
    uint64_t count = 0;
    for (size_t i = 0; i < world->loan_count; i++) {
        const struct loan_view *loan = world->loans[i];
        bool is_on_its_way = loan->mail.is_away && !loan->mail.was_received;
        count += is_on_its_way && loan->lending->outlet->signal == signal ? loan->record_count : 0;
    }
    return count;
}

static inline void check_account(const struct weft_ledger_balance *balance)
{
    const struct weft_account *account = &balance->account;
    EXPECT(balance->inflow >= balance->outflow, "account %s of %s %s is negative: %lld",
           weft_account_kind_text(account->kind), account->pipeline, account->owner,
           (long long)(balance->inflow - balance->outflow));
}

static inline void check_books(void)
{
    struct weft_ledger_snapshot snapshot;
    take_snapshot(&snapshot);
    for (size_t i = 0; i < snapshot.count; i++) {
        if (snapshot.balances[i].account.kind != WEFT_ACCOUNT_OFFERED &&
            snapshot.balances[i].account.kind != WEFT_ACCOUNT_COPIED) {
            check_account(&snapshot.balances[i]);
        }
    }
    for (int s = 0; s < WEFT_SIGNAL_COUNT; s++) {
        struct weft_ledger_totals sum;
        weft_ledger_snapshot_totals(&snapshot, weft_signal_name((enum weft_signal)s), &sum);
        EXPECT(sum.offered + sum.copied == sum.in_flight + sum.in_transit + sum.buffered + sum.queued + sum.sent +
                                               sum.rejected + sum.dropped + sum.refused + sum.uncopied,
               "the books do not balance");
        EXPECT(sum.in_transit == records_under_way((enum weft_signal)s), "%llu in transit, %llu under way",
               (unsigned long long)sum.in_transit, (unsigned long long)records_under_way((enum weft_signal)s));
    }
    weft_ledger_snapshot_fini(&snapshot);
}

static inline void check_audit(const struct worker *worker)
{
    const struct weft_graph *graphs[] = { worker->graph, worker->former };
    struct weft_audit audit = { 0 };
    for (size_t i = 0; i < WEFT_COUNT_OF(graphs); i++) {
        if (graphs[i] != NULL) {
            weft_graph_audit(graphs[i], &audit);
        }
    }
    weft_graph_audit_stages(&worker->host, &audit);
    for (size_t i = 0; i < audit.count; i++) {
        const struct weft_audit_line *line = &audit.lines[i];
        int64_t booked = weft_ledger_worker_balance(ledger, worker->host.books, &line->account);
        EXPECT(booked == (int64_t)line->held, "worker %u, %s of %s %s: %lld booked, %llu held", worker->index,
               weft_account_kind_text(line->account.kind), line->account.pipeline, line->account.owner,
               (long long)booked, (unsigned long long)line->held);
    }
    weft_audit_fini(&audit);
}

static inline bool is_first_of_lending(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (world->loans[i]->lending == world->loans[index]->lending) {
            return false;
        }
    }
    return true;
}

static inline void check_lent(const struct weft_stage_outlet *outlet)
{
    uint64_t records = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < world->loan_count; i++) {
        const struct loan_view *loan = world->loans[i];
        if (loan->lending->outlet == outlet) {
            EXPECT(loan->lending->batch->is_lent, "a batch that is away is not lent");
            records += loan->record_count;
            bytes += is_first_of_lending(i) ? loan->lending->batch->size_bytes : 0;
        }
    }
    EXPECT(outlet->lent_records == records && outlet->lent_bytes == bytes,
           "%s has lent %llu records of %zu bytes, away are %llu of %zu", outlet->pipeline,
           (unsigned long long)outlet->lent_records, outlet->lent_bytes, (unsigned long long)records, bytes);
}

static inline uint32_t max_records_of(const struct worker *worker, const struct weft_stage *stage)
{
    return worker->shape->max_records[strcmp(stage->identity->id, "hold/a") == 0 ? 0 : 1];
}

/* `hold` is closed by the records that it holds. */
static inline void check_hold(const struct worker *worker, const struct weft_stage *stage)
{
    struct weft_audit audit = { 0 };
    uint64_t held = 0;
    stage->operations->audit(stage, &audit);
    for (size_t i = 0; i < audit.count; i++) {
        held += audit.lines[i].held;
    }
    weft_audit_fini(&audit);
    bool is_closed = weft_atomic_load(&stage->identity->is_closed[worker->index]) != 0;
    bool is_present = worker->former == NULL && worker->built == NULL; /* else it may go by another config */
    EXPECT(!is_present || worker->shape == NULL || is_closed == (held >= max_records_of(worker, stage)),
           "%s on worker %u holds %llu of %u and is %s", stage->identity->id, worker->index, (unsigned long long)held,
           max_records_of(worker, stage), is_closed ? "closed" : "open");
}

static inline void check_core(const struct worker *worker, const struct weft_stage *stage)
{
    bool is_hold = strcmp(stage->identity->id, "tail_sampling") != 0;
    if (is_hold) {
        check_hold(worker, stage);
    }
    WEFT_LIST_EACH(node, &stage->outlets)
    {
        struct weft_stage_outlet *outlet = WEFT_CONTAINER_OF(node, struct weft_stage_outlet, node);
        check_lent(outlet);
        /* tail_sampling goes on in the next tick */
        EXPECT(!is_hold || !outlet->is_blocked || !weft_stage_outlet_is_next_open(outlet),
               "%s of %s is stuck before an open door", stage->identity->id, outlet->pipeline);
    }
}

/* Nobody has news for anybody: each face is as open as its core, its outlet and all other cores say. */
static inline void check_faces(const struct worker *worker)
{
    const struct weft_graph *graph = worker->graph;
    for (size_t i = 0; graph != NULL && i < graph->pipeline_count; i++) {
        const struct graph_pipeline *pipeline = graph->pipelines[i];
        for (size_t j = 0; j < pipeline->processor_count; j++) {
            const struct weft_stage_identity *identity = pipeline->stages[j];
            if (identity == NULL) {
                continue;
            }
            struct weft_stage *stage = weft_stage_find(world->hosts[worker->index], identity);
            EXPECT(stage != NULL, "a pipeline without the core of its stage");
            const struct weft_stage_outlet *outlet = weft_stage_outlet_find(stage, pipeline->id);
            bool is_open = !outlet->is_blocked && outlet->lent_bytes <= stage->lent_bytes_max;
            for (uint32_t w = 0; w < world->worker_count; w++) {
                is_open = is_open && weft_atomic_load(&identity->is_closed[w]) == 0;
            }
            EXPECT(pipeline->processors[j]->is_open == is_open,
                   "the face of %s in %s on worker %u is %s: blocked %d, %zu of %zu lent, own core closed %d",
                   identity->id, pipeline->id, worker->index, is_open ? "closed for no reason" : "open",
                   outlet->is_blocked, outlet->lent_bytes, stage->lent_bytes_max,
                   (int)weft_atomic_load(&identity->is_closed[worker->index]));
        }
    }
}

/* A graph that cannot count for want of memory does not look empty: it would be taken apart. */
static inline void check_counting(const struct weft_graph *graph)
{
    if (graph != NULL && weft_graph_held(graph) > 0) {
        weft_alloc_fail_at(1 + pick(3));
        EXPECT(weft_graph_held(graph) > 0, "a graph seems empty, since there was no memory to count");
        weft_alloc_fail_at(0);
    }
}

static inline void check_moment(void)
{
    check_books();
    for (uint32_t i = 0; i < world->worker_count; i++) {
        check_audit(&world->workers[i]);
        check_counting(world->workers[i].graph);
        check_counting(world->workers[i].former);
        for (const struct weft_stage *stage = world->hosts[i]->stages; stage != NULL; stage = stage->next) {
            check_core(&world->workers[i], stage);
        }
        if (world->mail_count == 0) {
            check_faces(&world->workers[i]);
        }
    }
}

/* ---- when all is well ---- */

/* An account that still holds something; of the kind OFFERED if there is none. */
static inline struct weft_ledger_balance what_is_held(void)
{
    struct weft_ledger_snapshot snapshot;
    struct weft_ledger_balance found = { .account.kind = WEFT_ACCOUNT_OFFERED };
    take_snapshot(&snapshot);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct weft_ledger_balance *balance = &snapshot.balances[i];
        bool is_memory = weft_account_class_of(balance->account.kind) == WEFT_ACCOUNT_CLASS_MEMORY;
        if (is_memory && balance->inflow != balance->outflow) {
            found = *balance;
        }
    }
    weft_ledger_snapshot_fini(&snapshot);
    return found;
}

static inline uint64_t arrivals(void)
{
    uint64_t count = 0;
    for (size_t p = 0; p < PIPELINES; p++) {
        count += world->at_sink[p];
    }
    return count;
}

/* False if something is still on its way; then it must have moved on since. */
static inline bool has_everything_come_out(uint64_t arrived_before)
{
    struct weft_ledger_balance balance = what_is_held();
    const struct weft_account *account = &balance.account;
    if (account->kind == WEFT_ACCOUNT_OFFERED) {
        return true;
    }
    EXPECT(arrivals() > arrived_before, "%llu are %s by %s of %s, all has long been open, and nothing moves",
           (unsigned long long)(balance.inflow - balance.outflow), weft_account_kind_text(account->kind),
           account->owner, account->pipeline);
    return false;
}

static inline void check_peace(void)
{
    EXPECT(world->mail_count == 0 && world->loan_count == 0, "mail is under way in peace");
    WEFT_LIST_EACH(node, &all_clients)
    {
        const struct client *client = WEFT_CONTAINER_OF(node, struct client, node);
        for (int s = 0; s < WEFT_SIGNAL_COUNT; s++) {
            EXPECT(client->entries[s] == NULL || weft_entry_is_open(client->entries[s]),
                   "%s on worker %u meets a closed pipeline in peace", client->receiver.id,
                   client->receiver.host->worker_index);
        }
    }
}

/* ---- at the end ---- */

static inline uint64_t unseen(size_t pipeline, bool of_ok_tickets_only)
{
    uint64_t count = 0;
    for (size_t r = 0; r < RECORD_COUNT; r++) {
        const struct request *request = &world->requests[r / MAX_RECORDS];
        bool is_seen = false;
        for (size_t i = 0; i < SINKS; i++) {
            is_seen = is_seen || world->seen[i][pipeline][r] > 0;
        }
        bool counts = !of_ok_tickets_only || request->status == WEFT_OK;
        count += world->was_offered[pipeline][r] && counts && !is_seen ? 1 : 0;
    }
    return count;
}

/* Of the first config's filters: how many records of those that came in they are true of. */
static inline uint64_t count_filtered(size_t pipeline)
{
    const bool *has_step = world->shapes[0].pipelines[pipeline].has_step;
    uint64_t count = 0;
    for (size_t r = 0; r < RECORD_COUNT; r++) {
        bool goes = (has_step[STEP_FILTER_FRONT] && is_filtered(r, STEP_FILTER_FRONT)) ||
                    (has_step[STEP_FILTER_BEHIND] && is_filtered(r, STEP_FILTER_BEHIND));
        count += world->was_offered[pipeline][r] && goes ? 1 : 0;
    }
    return count;
}

/* Without reloads each record that goes is known; all of them have gone if nothing else became of any record. */
static inline void check_filtered(size_t pipeline, uint64_t filtered, uint64_t others)
{
    if (world->shape_count > 1) {
        return;
    }
    uint64_t expected = count_filtered(pipeline);
    EXPECT(filtered <= expected && (others > 0 || filtered == expected),
           "%s: %llu records are booked as filtered of %llu", pipeline_names[pipeline], (unsigned long long)filtered,
           (unsigned long long)expected);
    filtered_count += filtered;
}

/* What went in is at the sink, or in an account that says why not. */
static inline void check_pipeline(const struct weft_ledger_snapshot *snapshot, size_t pipeline)
{
    struct pipeline_ends ends = ends_of(snapshot, pipeline);
    uint64_t refused = ends.refused - ends_before[pipeline].refused;
    uint64_t unread = world->unread[pipeline]; /* dropped(reload), as some that were held and had to go */
    uint64_t early = ends.dropped_early - ends_before[pipeline].dropped_early + unread;
    uint64_t late = ends.dropped_late - ends_before[pipeline].dropped_late - unread;
    EXPECT(ends.dropped_late - ends_before[pipeline].dropped_late >= unread,
           "%s: records that came back are not dropped", pipeline_names[pipeline]);
    uint64_t filtered = ends.filtered - ends_before[pipeline].filtered;
    check_filtered(pipeline, filtered, refused + early + late + unread + world->unsure[pipeline] - filtered);
    uint64_t missing = unseen(pipeline, false);
    uint64_t least = world->had_fan_out[pipeline] ? 0 : refused + early + late;
    EXPECT(missing >= least && missing <= refused + early + late + world->unsure[pipeline],
           "%s: %llu records are not at a sink, %llu were refused, %llu dropped", pipeline_names[pipeline],
           (unsigned long long)missing, (unsigned long long)refused, (unsigned long long)(early + late));
    uint64_t promised = unseen(pipeline, true);
    EXPECT(!world->is_strict || promised <= late,
           "%s: clients were told OK for %llu records that are not at a sink, %llu were dropped behind the stage",
           pipeline_names[pipeline], (unsigned long long)promised, (unsigned long long)late);
}

static inline void check_request(const struct request *request)
{
    EXPECT(!request->was_sent || request->settled == 1, "the ticket of record %u was settled %u times",
           request->first_record, request->settled);
    EXPECT(!request->was_sent || request->status == WEFT_OK || !request->is_staged ||
               weft_status_is_retryable(request->status),
           "record %u failed for good before a stage", request->first_record);
}

static inline void check_totals(const struct weft_ledger_snapshot *snapshot, enum weft_signal signal)
{
    struct weft_ledger_totals sum;
    weft_ledger_snapshot_totals(snapshot, weft_signal_name(signal), &sum);
    EXPECT(sum.in_flight + sum.in_transit + sum.buffered + sum.queued == 0, "something is left in the books");
    EXPECT(sum.offered - before[signal].offered - (sum.refused - before[signal].refused) == world->accepted[signal],
           "accepted by the books are %llu records, by the clients %llu",
           (unsigned long long)(sum.offered - before[signal].offered - (sum.refused - before[signal].refused)),
           (unsigned long long)world->accepted[signal]);
    uint64_t at_sink = 0;
    for (size_t p = 0; p < PIPELINES; p++) {
        at_sink += signal_of(p) == signal ? world->at_sink[p] : 0;
    }
    uint64_t entered = sum.offered + sum.copied - before[signal].offered - before[signal].copied;
    uint64_t taken_back = sum.refused + sum.uncopied - before[signal].refused - before[signal].uncopied;
    uint64_t delivered = sum.sent + sum.rejected - before[signal].sent - before[signal].rejected;
    uint64_t dropped = sum.dropped - before[signal].dropped;
    EXPECT(entered - taken_back == delivered + dropped && delivered <= at_sink && at_sink <= delivered + dropped,
           "%llu in, %llu taken back, %llu delivered, %llu dropped, %llu at the sinks", (unsigned long long)entered,
           (unsigned long long)taken_back, (unsigned long long)delivered, (unsigned long long)dropped,
           (unsigned long long)at_sink);
}

static inline void check_end(void)
{
    struct weft_ledger_snapshot snapshot;
    check_books();
    take_snapshot(&snapshot);
    check_totals(&snapshot, WEFT_TRACES);
    check_totals(&snapshot, WEFT_LOGS);
    for (size_t p = 0; p < PIPELINES; p++) {
        check_pipeline(&snapshot, p);
    }
    weft_ledger_snapshot_fini(&snapshot);
    for (size_t i = 0; i < world->request_count; i++) {
        check_request(&world->requests[i]);
    }
    EXPECT(world->mail_count == 0 && world->loan_count == 0, "mail is under way at the end");
    EXPECT(weft_list_is_empty(&all_sinks) && weft_list_is_empty(&all_clients), "something is left of the graphs");
    EXPECT(weft_budget_reserved(&world->budget) == 0, "%llu bytes are still reserved",
           (unsigned long long)weft_budget_reserved(&world->budget));
}
