/* The join against its model (join_model.h): random traces and log lines, policies, waits, workers, mail that is slow,
 * outlets that close, reloads and an end; each record is followed from the offer to where it comes out or the reason
 * that it is dropped for. A seed decides everything.
 *
 * Things happen at multiples of 50 ms, and waits are 17 or 31 ms more than such, so that what happens first is never
 * in doubt. WEFT_MODEL_SEEDS=100000 and WEFT_MODEL_FIRST_SEED choose the range; a failure names its seed. */
#include "join_model.h"
#include "suite.h"

enum { EVENTS_MAX = 60, EVENT_MS = 50, BATCH_MAX = 8, MAIL_MAX = 1024 };

/* A loan that is away. */
struct away {
    struct weft_message *message;
    size_t offer;
};

static uint64_t random_state;
static bool is_dense; /* requests are all records: their payloads may be kept as they are */
static struct away away[MAIL_MAX];
static size_t away_count;
static int64_t changed_ns;
static uint64_t total_records, total_kept, total_dropped, total_late, total_reloads, total_stuck;

static uint32_t pick(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % bound;
}

static bool chance(uint32_t percent)
{
    return pick(100) < percent;
}

/* ---- rules ---- */

static void random_policies(struct model_policies *policies)
{
    *policies = (struct model_policies){ .count = 1 + pick(POLICIES_MAX - 1) };
    for (size_t i = 0; i < policies->count; i++) {
        struct model_policy *policy = &policies->items[i];
        policy->is_and = chance(20);
        policy->is_drop = !policy->is_and && chance(15);
        policy->part_count = policy->is_and || policy->is_drop ? 1 + pick(PARTS_MAX) : 1;
        for (size_t part = 0; part < policy->part_count; part++) {
            policy->parts[part] = (enum model_kind)(chance(90) ? 1 + pick(MODEL_KINDS - 1) : pick(MODEL_KINDS));
        }
    }
}

static void random_rules(struct join_text *text)
{
    struct model_rules *rules = &model->rules;
    text->length = 0;
    random_policies(&rules->policies);
    rules->wait_ns = (17 + EVENT_MS * (int64_t)pick(14)) * WEFT_NS_PER_MS;
    rules->root_wait_ns = chance(50) ? 0 : (31 + EVENT_MS * (int64_t)pick(8)) * WEFT_NS_PER_MS;
    rules->drops_logs_without_spans = chance(40);
    rules->drops_logs_without_trace_id = chance(40);
    rules->drops_pending = chance(30);
    put_text(text, "decision_wait: %lldms\n", (long long)(rules->wait_ns / WEFT_NS_PER_MS));
    put_text(text, "decision_wait_after_root_received: %lldms\n", (long long)(rules->root_wait_ns / WEFT_NS_PER_MS));
    put_text(text, "logs_without_spans: %s\n", rules->drops_logs_without_spans ? "drop" : "pass");
    put_text(text, "logs_without_trace_id: %s\n", rules->drops_logs_without_trace_id ? "drop" : "pass");
    put_text(text, "drop_pending_traces_on_shutdown: %s\n", rules->drops_pending ? "true" : "false");
    put_text(text, is_dense ? "max_bytes: 8000000\n" : ""); /* enough, but a share of it is soon wasted */
    put_text(text, "recent_traces: %u\n", chance(50) ? 0 : 1U << pick(20));
    put_policies(text, &rules->policies);
}

/* ---- offers ---- */

static void on_settled(struct weft_ticket *ticket)
{
    struct model_offer *offer = WEFT_CONTAINER_OF(ticket, struct model_offer, ticket);
    offer->settled++;
    offer->status = ticket->worst.status;
}

static void random_times(struct join_record *record)
{
    uint64_t base = UINT64_C(1764000000000000000);
    record->start_ns = base + pick(10) * (uint64_t)WEFT_NS_PER_MS;
    record->end_ns = record->start_ns + (chance(15) ? 10 * (1 + pick(30)) : pick(9)) * (uint64_t)WEFT_NS_PER_MS;
    if (chance(2)) { /* a clock that is a year off */
        int64_t year_ns = (chance(50) ? 1 : -1) * INT64_C(365) * 86400 * WEFT_NS_PER_S;
        record->start_ns += (uint64_t)year_ns;
        record->end_ns += (uint64_t)year_ns;
    }
}

static void random_record(struct model_record *record, size_t pipeline)
{
    static const char *const routes[] = { NULL, "/health", "/pay" };
    size_t trace = pipeline > 0 && chance(15) ? MODEL_TRACES : pick(MODEL_TRACES);
    record->trace = trace;
    record->record = (struct join_record){
        .number = (uint32_t)(record - model->records),
        .pipeline = pipeline,
        .trace_id = trace == MODEL_TRACES ? NULL : model->traces[trace].id,
        .parent = chance(25) ? JOIN_NO_SPAN : pick(MODEL_RECORDS),
        .span = chance(30) ? JOIN_NO_SPAN : pick(MODEL_RECORDS),
        .status = chance(10) ? 2 : pick(2),
        .severity = pick(25),
        .route = routes[chance(80) ? 0 : 1 + pick(2)],
        .resource = chance(80) ? 0 : pick(JOIN_RESOURCES),
        .scope = pick(JOIN_SCOPES),
        .padding = is_dense     ? 3300 + pick(900)
                   : chance(95) ? pick(40)
                                : pick(6000),
    };
    random_times(&record->record);
    weft_buffer_init(&record->bytes, 0);
    put_join_record(&record->bytes, &record->record);
}

static bool is_notice(const struct weft_mail *mail)
{
    const struct weft_stage *stage = join->cores[mail->from_worker];
    for (uint32_t i = 0; i < join->worker_count; i++) {
        if (mail == &stage->notices[i].mail) {
            return true;
        }
    }
    return false;
}

static void note_loans(uint32_t worker, size_t offer, const size_t *before)
{
    for (uint32_t to = 0; to < join->worker_count; to++) {
        const struct join_lane *lane = &join->lanes[worker][to];
        for (size_t i = before[to]; i < lane->count; i++) {
            struct weft_message *message = lane->messages[i];
            if (!is_notice(WEFT_CONTAINER_OF(message, struct weft_mail, message))) {
                ck_assert_uint_lt(away_count, MAIL_MAX);
                away[away_count++] = (struct away){ message, offer };
                model->offers[offer].away++;
            }
        }
    }
}

static void offer_now(uint32_t worker, struct model_offer *offer, const struct join_record *records)
{
    size_t before[JOIN_WORKERS];
    size_t index = (size_t)(offer - model->offers);
    for (uint32_t to = 0; to < join->worker_count; to++) {
        before[to] = join->lanes[worker][to].count;
    }
    model_offer_arrives(index, worker);
    MODEL_EXPECT(join_offer(worker, records, offer->count, &offer->ticket) == WEFT_OK, "an open face refused");
    note_loans(worker, index, before);
}

static void random_offer(void)
{
    struct join_record records[BATCH_MAX];
    uint32_t worker = pick(join->worker_count);
    size_t pipeline = chance(55) ? 0 : 1 + pick(JOIN_PIPELINES - 1);
    size_t count = 1 + pick(BATCH_MAX);
    if (model->offer_count == MODEL_OFFERS || model->record_count + count > MODEL_RECORDS) {
        return;
    }
    if (!join->faces[worker][pipeline]->is_open) {
        total_stuck++;
        return;
    }
    struct model_offer *offer = &model->offers[model->offer_count++];
    *offer = (struct model_offer){ .first = model->record_count, .count = count };
    weft_ticket_init(&offer->ticket, count, WEFT_ACKNOWLEDGE_ACCEPTED, on_settled);
    for (size_t i = 0; i < count; i++) {
        struct model_record *record = &model->records[model->record_count++];
        random_record(record, pipeline);
        record->offer = (size_t)(offer - model->offers);
        record->owner = weft_join_share_operations.owner_of(join->cores[worker], join_signal_of(pipeline),
                                                            weft_buffer_slice(&record->bytes));
        if (record->trace == MODEL_TRACES) {
            MODEL_EXPECT(join->worker_count > 1 || record->owner == 0, "an owner that is not there");
        }
        records[i] = record->record;
        total_late += record->trace < MODEL_TRACES && model->traces[record->trace].is_decided ? 1 : 0;
    }
    offer_now(worker, offer, records);
}

static void deliver_one(uint32_t from, uint32_t to)
{
    struct weft_message *message = join_take_mail(from, to);
    struct weft_mail *mail = WEFT_CONTAINER_OF(message, struct weft_mail, message);
    for (size_t i = 0; i < away_count; i++) {
        if (away[i].message == message && to == mail->to_worker) {
            model_offer_arrives(away[i].offer, to);
            break;
        }
        if (away[i].message == message) {
            model->offers[away[i].offer].away--;
            away[i] = away[--away_count];
            break;
        }
    }
    message->on_delivered(message);
}

static void deliver_some(uint32_t percent)
{
    for (uint32_t from = 0; from < join->worker_count; from++) {
        for (uint32_t to = 0; to < join->worker_count; to++) {
            while (join->lanes[from][to].count > 0 && chance(percent)) {
                deliver_one(from, to);
            }
        }
    }
}

/* ---- a run ---- */

static void set_shut(uint32_t worker, size_t pipeline, bool is_shut)
{
    if (model->is_shut[worker][pipeline] != is_shut) {
        model->is_shut[worker][pipeline] = is_shut;
        model->opened_ns[worker][pipeline] = join_now();
        weft_consumer_set_open(&join->sinks[worker][pipeline].consumer, !is_shut);
    }
}

static void run_ms(int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        model_advance(join_now() + WEFT_NS_PER_MS, changed_ns);
        advance(WEFT_NS_PER_MS);
        if (chance(2)) {
            model_expect_books();
        }
    }
}

static void reload_now(struct join_text *text)
{
    random_rules(text);
    changed_ns = join_now();
    model_advance(join_now(), changed_ns);
    join_update(text->bytes);
    total_reloads++;
}

static void event(struct join_text *text, uint32_t mail_percent, bool may_shut, bool may_reload)
{
    model_expect_pause();
    deliver_some(mail_percent);
    if (may_shut && chance(10)) {
        set_shut(pick(join->worker_count), pick(JOIN_PIPELINES), chance(50));
    }
    for (uint32_t i = pick(4); i > 0; i--) {
        random_offer();
    }
    if (may_reload && chance(5)) { /* what is due by the new rules is decided in the next step */
        reload_now(text);
    } else if (chance(30)) {
        model_expect_answer(&model->traces[pick(MODEL_TRACES)]);
    }
}

static void random_ids(void)
{
    for (size_t t = 0; t < MODEL_TRACES; t++) {
        for (size_t i = 0; i < 16; i++) {
            model->traces[t].id[i] = (uint8_t)(1 + pick(255));
        }
        if (t > 0 && chance(10)) { /* two ids that differ in their upper half only */
            memcpy(model->traces[t].id + 8, model->traces[t - 1].id + 8, 8);
        }
    }
}

static void finish(void)
{
    for (uint32_t w = 0; w < join->worker_count; w++) {
        for (size_t p = 0; p < JOIN_PIPELINES; p++) {
            set_shut(w, p, false);
        }
    }
    while (join_mail_count() > 0) {
        deliver_some(100);
    }
    if (chance(50)) {
        run_ms(1050);
        model_expect_pause();
    }
    bool is_shutdown = chance(70);
    model_drain(is_shutdown);
    join_drain(is_shutdown ? WEFT_DROP_SHUTDOWN : WEFT_DROP_RELOAD, false);
    run_ms(20);
    model_expect_pause();
    for (size_t i = 0; i < model->record_count; i++) {
        const struct model_record *record = &model->records[i];
        MODEL_EXPECT(record->fate == FATE_DROPPED || record->has_come, "record %zu is lost", i);
        total_kept += record->has_come ? 1 : 0;
        total_dropped += record->has_come ? 0 : 1;
    }
    total_records += model->record_count;
}

static void run_seed(uint64_t seed)
{
    struct join_text text = { .length = 0 };
    model_seed = seed;
    random_state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    (void)pick(2);
    model = weft_alloc(sizeof *model);
    *model = (struct model){ 0 };
    away_count = 0;
    changed_ns = 0;
    is_dense = chance(40);
    random_rules(&text);
    random_ids();
    join_begin(is_dense && chance(70) ? 1 : 1 + pick(JOIN_WORKERS), text.bytes);
    join->on_out = model_on_out;
    uint32_t mail_percent = chance(50) ? 100 : 20 + pick(60);
    bool may_shut = chance(40);
    bool may_reload = chance(40);
    for (uint32_t i = 10 + pick(EVENTS_MAX - 10); i > 0; i--) {
        event(&text, mail_percent, may_shut, may_reload);
        run_ms(EVENT_MS);
    }
    finish();
    join_end();
    for (size_t i = 0; i < model->record_count; i++) {
        weft_buffer_fini(&model->records[i].bytes);
    }
    weft_free(model);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

START_TEST(test_any_seed_does_as_the_model_says)
{
    uint64_t first = from_environment("WEFT_MODEL_FIRST_SEED", 0);
    uint64_t count = from_environment("WEFT_MODEL_SEEDS", 150);
    for (uint64_t seed = first; seed < first + count; seed++) {
        run_seed(seed);
    }
    printf(
        "%llu seeds: %llu records, %llu came out, %llu were dropped, %llu came late; %llu reloads, %llu offers met a "
        "closed face\n",
        (unsigned long long)count, (unsigned long long)total_records, (unsigned long long)total_kept,
        (unsigned long long)total_dropped, (unsigned long long)total_late, (unsigned long long)total_reloads,
        (unsigned long long)total_stuck);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join model");
    TCase *tests = tcase_create("seeds");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, test_any_seed_does_as_the_model_says);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
