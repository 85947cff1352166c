/* Loans (loan.h). All that a batch needs on its way round lies in one block: a loan and two lists of records for each
 * worker. The block and the batch are home's from first to last. */
#include "pipeline/loan.h"

#include "base/alloc.h"
#include "base/assert.h"

struct lending;

WEFT_MAGIC(loan, 0x010a4ed1);
WEFT_MAGIC(lending, 0x1e4d1465);

/* One worker's part. Away, the owner's thread reads it and writes `dropped`. */
struct loan {
    struct weft_mail mail;
    struct lending *lending;
    struct weft_selection records, dropped;
    uint64_t record_count; /* selected */
    uint32_t magic;
};

struct lending {
    struct weft_stage_outlet *outlet; /* home's */
    const struct weft_share_operations *operations;
    struct weft_batch *batch;
    size_t block_bytes;
    size_t lent_bytes;
    uint32_t away;
    uint32_t loan_count;
    uint32_t magic;
    struct loan loans[]; /* by worker */
};

static struct loan *loan_of(struct weft_mail *mail)
{
    struct loan *loan = WEFT_CONTAINER_OF(mail, struct loan, mail);
    weft_check_magic(loan, loan);
    weft_check_magic(loan->lending, lending);
    weft_assert(loan == &loan->lending->loans[mail->to_worker]);
    return loan;
}

/* ---- the owner's side ---- */

static void loan_arrived(struct weft_mail *mail, struct weft_stage *stage)
{
    struct loan *loan = loan_of(mail);
    const struct lending *lending = loan->lending;
    struct weft_stage_outlet *outlet = weft_stage_outlet_find(stage, lending->outlet->pipeline);
    mail->was_received = outlet != NULL; /* without it the batch goes back unread */
    weft_assert(lending->batch->is_lent && loan->record_count > 0);
    if (outlet != NULL) {
        weft_assert(outlet->signal == lending->batch->signal);
        weft_host_book(stage->host, outlet->arrive_flow, loan->record_count);
        lending->operations->take(stage, outlet, lending->batch, &loan->records, &loan->dropped);
    }
}

/* ---- home's side ---- */

static bool is_any_dropped(const struct lending *lending, size_t first, size_t end)
{
    for (uint32_t i = 0; i < lending->loan_count; i++) {
        if (weft_selection_next(&lending->loans[i].dropped, first, end) != end) {
            return true;
        }
    }
    return false;
}

/* A ticket fails if one of its records was not taken. */
static void settle(struct lending *lending)
{
    struct weft_error failure;
    weft_fail(&failure, WEFT_CLOSED, "%s had to drop records", lending->outlet->stage->identity->id);
    size_t first = 0;
    for (size_t i = 0; i < lending->batch->part_count; i++) {
        struct weft_part *part = &lending->batch->parts[i];
        size_t end = first + weft_part_record_count(part);
        if (part->ticket != NULL) {
            struct weft_ticket *ticket = part->ticket;
            part->ticket = NULL;
            weft_ticket_settle(ticket, part->weight, is_any_dropped(lending, first, end) ? &failure : NULL, -1);
        }
        first = end;
    }
}

static void lending_end(struct lending *lending)
{
    struct weft_budget *budget = lending->outlet->stage->host->budget;
    weft_assert(lending->away == 0);
    lending->batch->is_lent = false;
    settle(lending);
    weft_batch_end(&lending->batch, NULL, -1);
    weft_budget_release(budget, lending->block_bytes);
    weft_clear_magic(lending, lending);
    weft_free(lending);
}

static void loan_returned(struct weft_mail *mail)
{
    struct loan *loan = loan_of(mail);
    struct lending *lending = loan->lending;
    struct weft_stage_outlet *outlet = lending->outlet;
    weft_assert(lending->away > 0 && lending->batch->is_lent && outlet->lent_records >= loan->record_count);
    outlet->lent_records -= loan->record_count;
    if (!mail->was_received) {
        weft_host_book(outlet->stage->host, outlet->return_flow, loan->record_count);
        weft_host_drop_selected(outlet->stage->host, outlet->unlent_flow, lending->batch, &loan->records,
                                loan->record_count);
        loan->dropped = loan->records;
    }
    if (--lending->away == 0) {
        weft_assert(outlet->lent_bytes >= lending->lent_bytes);
        outlet->lent_bytes -= lending->lent_bytes;
        lending_end(lending);
        weft_stage_outlet_update_open(outlet);
    }
}

static void selection_at(struct weft_selection *selection, uint64_t **next_words, size_t record_count)
{
    size_t words = (record_count + 63) / 64;
    *selection = (struct weft_selection){ .words = *next_words, .count = record_count, .capacity = words };
    *next_words += words;
}

static struct lending *lending_try_new(struct weft_stage_outlet *outlet, const struct weft_share_operations *operations,
                                       size_t record_count)
{
    uint32_t worker_count = outlet->stage->host->worker_count;
    size_t head_bytes = sizeof(struct lending) + worker_count * sizeof(struct loan);
    size_t words_per_list = (record_count + 63) / 64;
    size_t block_bytes = head_bytes + 2 * worker_count * words_per_list * sizeof(uint64_t);
    struct lending *lending = weft_try_alloc(block_bytes);
    if (lending == NULL) {
        return NULL;
    }
    memset(lending, 0, block_bytes);
    weft_budget_charge(outlet->stage->host->budget, block_bytes);
    weft_set_magic(lending, lending);
    lending->outlet = outlet;
    lending->operations = operations;
    lending->block_bytes = block_bytes;
    lending->loan_count = worker_count;
    uint64_t *words = (void *)&lending->loans[worker_count];
    for (uint32_t i = 0; i < worker_count; i++) {
        struct loan *loan = &lending->loans[i];
        weft_set_magic(loan, loan);
        loan->lending = lending;
        loan->mail.on_arrived = loan_arrived;
        loan->mail.on_returned = loan_returned;
        selection_at(&loan->records, &words, record_count);
        selection_at(&loan->dropped, &words, record_count);
    }
    return lending;
}

static void keep_all(struct loan *own)
{
    weft_selection_invert(&own->records);
    own->record_count = own->records.count;
}

static void find_owners(struct lending *lending)
{
    const struct weft_stage *stage = lending->outlet->stage;
    enum weft_signal signal = lending->batch->signal;
    if (stage->host->worker_count == 1) {
        keep_all(&lending->loans[0]);
        return;
    }
    struct weft_batch_cursor cursor = weft_batch_records(lending->batch);
    struct weft_slice record;
    for (size_t i = 0; weft_batch_next_record(&cursor, &record); i++) {
        uint32_t owner = lending->operations->owner_of(stage, signal, record);
        weft_assert(owner < lending->loan_count);
        struct loan *loan = &lending->loans[owner];
        weft_selection_add(&loan->records, i);
        loan->record_count++;
    }
}

/* Books everything before anything is sent: an answer may be quick. */
static void lend(struct lending *lending)
{
    struct weft_stage_outlet *outlet = lending->outlet;
    struct weft_host *host = outlet->stage->host;
    for (uint32_t i = 0; i < lending->loan_count; i++) {
        const struct loan *loan = &lending->loans[i];
        if (loan->record_count > 0 && i != host->worker_index) {
            weft_host_book(host, outlet->lend_flow, loan->record_count);
            outlet->lent_records += loan->record_count;
            lending->away++;
        }
    }
    lending->lent_bytes = lending->batch->size_bytes;
    outlet->lent_bytes += lending->lent_bytes;
    lending->batch->is_lent = true;
    for (uint32_t i = 0; i < lending->loan_count; i++) {
        struct loan *loan = &lending->loans[i];
        if (loan->record_count > 0 && i != host->worker_index) {
            weft_mail_send(host, &loan->mail, outlet->stage->identity, i);
        }
    }
    weft_stage_outlet_update_open(outlet);
}

static void take_own(struct lending *lending)
{
    struct weft_stage_outlet *outlet = lending->outlet;
    struct loan *own = &lending->loans[outlet->stage->host->worker_index];
    if (own->record_count > 0) {
        weft_host_book(outlet->stage->host, outlet->hold_flow, own->record_count);
        lending->operations->take(outlet->stage, outlet, lending->batch, &own->records, &own->dropped);
    }
}

enum weft_status weft_share_out(struct weft_stage_outlet *outlet, const struct weft_share_operations *operations,
                                struct weft_batch **own_batch, struct weft_error *error)
{
    weft_check_magic(outlet, stage_outlet);
    weft_assert((*own_batch)->signal != WEFT_METRICS && (*own_batch)->signal == outlet->signal);
    weft_assert(!(*own_batch)->is_lent && weft_list_is_empty(&(*own_batch)->node));
    struct lending *lending = lending_try_new(outlet, operations, weft_batch_record_count(*own_batch));
    if (lending == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory to share a batch out");
    }
    lending->batch = *own_batch;
    *own_batch = NULL;
    find_owners(lending);
    const struct loan *own = &lending->loans[outlet->stage->host->worker_index];
    bool is_all_own = own->record_count == own->records.count;
    if (!is_all_own) {
        lend(lending);
    }
    take_own(lending);
    if (is_all_own) {
        lending_end(lending);
    }
    return WEFT_OK;
}
