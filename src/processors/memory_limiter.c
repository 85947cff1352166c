/* Processor `memory_limiter`: refuses batches while weft has more memory reserved than the soft limit.
 *
 * The Collector polls its heap, so that a burst between two polls still kills it; here the number is exact at any time
 * (base/budget), and each batch is held against it. A refusal needs the whole request in memory first, so besides
 * refusing this closes: receivers then stop reading. It opens again when memory is below the soft limit, or after
 * max_closed_ns, since what lies before it may be what holds the memory; from then on it refuses only, as the Collector
 * does. The soft limit is also the budget's: servers then let half received requests go, and pools keep no idle block,
 * so that the process stays about an eighth above it at most. */
#include "weft/component.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

struct limiter_config {
    struct weft_duration check_interval;
    uint64_t limit_mib;
    uint64_t spike_limit_mib;
    uint64_t limit_percentage;
    uint64_t spike_limit_percentage;
    struct weft_duration min_gc_interval_when_soft_limited; /* of Go's garbage collector: for their rules alone */
    struct weft_duration min_gc_interval_when_hard_limited;
    struct weft_duration max_gc_interval_when_soft_limited;
    struct weft_duration max_gc_interval_when_hard_limited;
};

struct limiter {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    enum weft_signal signal;
    struct weft_budget_limit soft_limit;
    int64_t look_every_ns;
    bool is_pressed; /* memory was above the soft limit when last looked at */
    bool is_closing; /* and receivers are to stop reading */
    struct weft_monotonic closed_since;
    struct weft_timer look; /* set while memory is more than half way to the limit */
    uint64_t accepted, refused;
};

static const int64_t max_look_every_ns = 100 * WEFT_NS_PER_MS;
static const int64_t max_closed_ns = 10 * WEFT_NS_PER_S;

static const char no_garbage_collector[] = "weft has no garbage collector.";

static const struct weft_field limiter_fields[] = {
    WEFT_FIELD(struct limiter_config, check_interval, "0s",
               "How often memory is looked at between batches, 100 ms at most; must be set."),
    WEFT_FIELD(struct limiter_config, limit_mib, "0", "Memory that weft may reserve, in MiB."),
    WEFT_FIELD(struct limiter_config, spike_limit_mib, "0",
               "The soft limit is this much lower; 0 = 20 % of the limit."),
    WEFT_FIELD(struct limiter_config, limit_percentage, "0",
               "The limit as a share of the container's or the machine's memory; limit_mib goes before."),
    WEFT_FIELD(struct limiter_config, spike_limit_percentage, "0", "The same for spike_limit_mib."),
    WEFT_FIELD(struct limiter_config, min_gc_interval_when_soft_limited, "10s", no_garbage_collector,
               .has_no_effect = true),
    WEFT_FIELD(struct limiter_config, min_gc_interval_when_hard_limited, "0s", no_garbage_collector,
               .has_no_effect = true),
    WEFT_FIELD(struct limiter_config, max_gc_interval_when_soft_limited, "30s", no_garbage_collector,
               .has_no_effect = true),
    WEFT_FIELD(struct limiter_config, max_gc_interval_when_hard_limited, "30s", no_garbage_collector,
               .has_no_effect = true),
    WEFT_FIELDS_END,
};

static enum weft_status validate_gc_intervals(const struct limiter_config *config, struct weft_error *error)
{
    int64_t soft_least = config->min_gc_interval_when_soft_limited.ns;
    int64_t hard_least = config->min_gc_interval_when_hard_limited.ns;
    int64_t soft_most = config->max_gc_interval_when_soft_limited.ns;
    int64_t hard_most = config->max_gc_interval_when_hard_limited.ns;
    if (soft_least < hard_least) {
        return weft_fail(error, WEFT_INVALID,
                         "min_gc_interval_when_soft_limited must not be below "
                         "min_gc_interval_when_hard_limited");
    }
    if (soft_most < 0 || (soft_most > 0 && soft_most < soft_least)) {
        return weft_fail(error, WEFT_INVALID,
                         "max_gc_interval_when_soft_limited must be 0, or not below "
                         "min_gc_interval_when_soft_limited");
    }
    if (hard_most < 0 || (hard_most > 0 && hard_most < hard_least)) {
        return weft_fail(error, WEFT_INVALID,
                         "max_gc_interval_when_hard_limited must be 0, or not below "
                         "min_gc_interval_when_hard_limited");
    }
    return soft_most == 0 || soft_most >= hard_most ? WEFT_OK
                                                    : weft_fail(error, WEFT_INVALID,
                                                                "max_gc_interval_when_soft_limited must not be below "
                                                                "max_gc_interval_when_hard_limited");
}

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    const struct limiter_config *config = untyped;
    if (config->check_interval.ns <= 0) {
        return weft_fail(error, WEFT_INVALID, "check_interval must be greater than zero");
    }
    if (config->limit_mib == 0 && config->limit_percentage == 0) {
        return weft_fail(error, WEFT_INVALID, "limit_mib or limit_percentage must be greater than zero");
    }
    if (config->limit_percentage > 100 || config->spike_limit_percentage > 100) {
        return weft_fail(error, WEFT_INVALID,
                         "limit_percentage and spike_limit_percentage must be less than or equal to hundred");
    }
    if (config->limit_mib > UINT64_MAX >> 20 || config->spike_limit_mib > UINT64_MAX >> 20) {
        return weft_fail(error, WEFT_INVALID, "limit_mib and spike_limit_mib must be at most %" PRIu64,
                         UINT64_MAX >> 20);
    }
    if (config->limit_mib > 0 && config->spike_limit_mib >= config->limit_mib) {
        return weft_fail(error, WEFT_INVALID, "spike_limit_mib must be smaller than limit_mib");
    }
    if (config->limit_percentage > 0 && config->spike_limit_percentage >= config->limit_percentage) {
        return weft_fail(error, WEFT_INVALID, "spike_limit_percentage must be smaller than limit_percentage");
    }
    return validate_gc_intervals(config, error);
}

/* ---- limits ---- */

/* UINT64_MAX when the file is not there or says "max". */
static uint64_t read_limit(const char *path)
{
    FILE *file = fopen(path, "re");
    uint64_t limit = UINT64_MAX;
    if (file != NULL) {
        if (fscanf(file, "%" SCNu64, &limit) != 1) {
            limit = UINT64_MAX;
        }
        fclose(file);
    }
    return limit;
}

/* The container's memory if it has a limit (cgroup v2, v1), else the machine's. */
static uint64_t total_memory_bytes(void)
{
    uint64_t total = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t limits[] = { read_limit("/sys/fs/cgroup/memory.max"),
                          read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes") };
    for (size_t i = 0; i < WEFT_COUNT_OF(limits); i++) {
        total = limits[i] < total ? limits[i] : total;
    }
    return total;
}

static uint64_t soft_limit_bytes(const struct limiter_config *config)
{
    uint64_t limit = config->limit_mib << 20;
    uint64_t spike = config->spike_limit_mib << 20;
    if (config->limit_mib == 0) {
        uint64_t total = total_memory_bytes();
        limit = total / 100 * config->limit_percentage;
        spike = total / 100 * config->spike_limit_percentage;
    }
    return limit - (spike == 0 ? limit / 5 : spike);
}

/* ---- consume ---- */

static const struct weft_consumer_operations limiter_operations;

static struct limiter *limiter_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &limiter_operations);
    return WEFT_CONTAINER_OF(consumer, struct limiter, consumer);
}

static bool is_above(const struct limiter *limiter)
{
    return weft_budget_reserved(limiter->consumer.host->budget) > limiter->soft_limit.bytes;
}

static bool is_halfway(const struct limiter *limiter)
{
    return weft_budget_reserved(limiter->consumer.host->budget) > limiter->soft_limit.bytes / 2;
}

static void update_open(struct limiter *limiter)
{
    weft_consumer_set_open(&limiter->consumer, limiter->next->is_open && !limiter->is_closing);
}

static void keep_looking(struct limiter *limiter)
{
    if (!weft_timer_is_set(&limiter->look)) {
        weft_timer_set_after(limiter->consumer.host->timers, &limiter->look, limiter->look_every_ns);
    }
}

static void begin_pressure(struct limiter *limiter)
{
    struct weft_host *host = limiter->consumer.host;
    if (limiter->is_pressed) {
        return;
    }
    weft_log(WARN, "memory_limiter.above",
             "memory is above the soft limit: batches are refused, receivers stop reading",
             WEFT_LOG_STRING("processor", limiter->consumer.id),
             WEFT_LOG_INT("reserved_bytes", weft_budget_reserved(host->budget)),
             WEFT_LOG_INT("soft_limit_bytes", limiter->soft_limit.bytes));
    limiter->is_pressed = true;
    limiter->is_closing = true;
    limiter->closed_since = weft_timers_now(host->timers);
    keep_looking(limiter);
    update_open(limiter);
}

static void end_pressure(struct limiter *limiter)
{
    if (!limiter->is_pressed) {
        return;
    }
    weft_log(INFO, "memory_limiter.below", "memory is below the soft limit again",
             WEFT_LOG_STRING("processor", limiter->consumer.id));
    limiter->is_pressed = false;
    limiter->is_closing = false;
    update_open(limiter);
}

/* Requests that are half received fill memory before any batch comes by, so that whoever is halfway there is looked
 * at without being asked. */
static void look(void *context)
{
    struct limiter *limiter = limiter_of(context);
    struct weft_host *host = limiter->consumer.host;
    if (is_above(limiter)) {
        begin_pressure(limiter);
        weft_payload_pool_trim(host->pool);
        weft_alloc_trim();
        if (weft_timers_now(host->timers).ns - limiter->closed_since.ns >= max_closed_ns) {
            limiter->is_closing = false;
            update_open(limiter);
        }
    } else {
        end_pressure(limiter);
    }
    if (is_halfway(limiter)) {
        keep_looking(limiter);
    }
}

static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct limiter *limiter = limiter_of(consumer);
    weft_check_magic(*own_batch, batch);
    uint64_t weight = (*own_batch)->weight;
    if (is_above(limiter)) {
        limiter->refused += weight;
        begin_pressure(limiter);
        return weft_fail(error, WEFT_CLOSED, "%s: data refused due to high memory usage", consumer->id);
    }
    limiter->accepted += weight;
    if (is_halfway(limiter)) {
        keep_looking(limiter);
    }
    return weft_consumer_consume(limiter->next, own_batch, error);
}

static void on_next_changed(struct weft_consumer *consumer)
{
    update_open(limiter_of(consumer));
}

static void limiter_free(struct weft_consumer *consumer)
{
    struct limiter *limiter = limiter_of(consumer);
    weft_timer_cancel(consumer->host->timers, &limiter->look);
    weft_budget_remove_limit(consumer->host->budget, &limiter->soft_limit);
    weft_consumer_fini(consumer);
    weft_free(limiter);
}

static const struct weft_consumer_operations limiter_operations = {
    .consume = consume,
    .on_next_changed = on_next_changed,
    .free = limiter_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    (void)error;
    const struct limiter_config *config = setup->config;
    weft_assert(setup->next != NULL && setup->next->host == setup->host);
    struct limiter *limiter = weft_alloc(sizeof *limiter);
    weft_consumer_init(&limiter->consumer, &limiter_operations, setup->host, setup->id);
    limiter->next = setup->next;
    limiter->signal = setup->signal;
    limiter->soft_limit.bytes = soft_limit_bytes(config);
    weft_budget_add_limit(setup->host->budget, &limiter->soft_limit);
    limiter->look_every_ns =
        config->check_interval.ns < max_look_every_ns ? config->check_interval.ns : max_look_every_ns;
    weft_timer_init(&limiter->look, look, &limiter->consumer);
    weft_consumer_connect(&limiter->consumer, &limiter->next, 1);
    update_open(limiter);
    *out_consumer = &limiter->consumer;
    return WEFT_OK;
}

/* Under the names of today's Collector and under those that alerts still use. */
static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    static const char *const prefixes[] = { "otelcol_processor_memory_limiter", "otelcol_processor" };
    const struct limiter *limiter = limiter_of(consumer);
    const struct weft_sample_label *labels = WEFT_LABELS({ "processor", consumer->id });
    for (size_t i = 0; i < WEFT_COUNT_OF(prefixes); i++) {
        char name[96];
        snprintf(name, sizeof name, "%s_accepted_%s", prefixes[i], weft_signal_items_name(limiter->signal));
        weft_samples_add(samples, name, "Number of items passed on", WEFT_SAMPLE_COUNTER, (double)limiter->accepted,
                         labels);
        snprintf(name, sizeof name, "%s_refused_%s", prefixes[i], weft_signal_items_name(limiter->signal));
        weft_samples_add(samples, name, "Number of items refused because of memory", WEFT_SAMPLE_COUNTER,
                         (double)limiter->refused, labels);
    }
}

const struct weft_component weft_processor_memory_limiter = {
    .kind = WEFT_PROCESSOR,
    .type = "memory_limiter",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS | WEFT_SIGNAL_BIT_PROFILES,
    .help = "Refuses batches while more memory is reserved than the limit allows.",
    .fields = limiter_fields,
    .config_size = sizeof(struct limiter_config),
    .validate = validate,
    .create_consumer = create,
    .collect = collect,
};
