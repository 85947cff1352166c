/* Processor `redaction`: removes the attributes whose keys are not allowed, and masks values by their keys and by what
 * they hold, as the Collector's redactionprocessor does, in the attributes of resources, scopes, spans, span events,
 * log records and data points and in the bodies of log records. Besides, it masks what lies in maps and arrays within
 * attributes, which the Collector passes on as it is.
 *
 * A batch is edited as a whole or not at all (pipeline/edit); a message in which nothing changes leaves as the bytes
 * that came in. A batch that takes long is kept, and goes on in later ticks (pipeline/slow_edit). What cannot be
 * decided is decided for hiding, and counted. */
#include "weft/component.h"

#include "base/alloc.h"
#include "base/prefetch.h"
#include "pipeline/edit.h"
#include "pipeline/hiding.h"
#include "pipeline/slow_edit.h"
#include "processors/redaction_walk.h"

struct redaction_processor {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    enum weft_signal signal;
    struct weft_redactor redactor; /* of batches only: it may be in the middle of one */
    struct weft_slow_edit slow;
    size_t did_bytes;           /* of records, that it was not told */
    struct weft_hiding hiding;  /* of what is shown of records elsewhere on this worker, */
    struct weft_redactor shown; /* and what does it */
};

static const char *const summary_words[] = { "", "silent", "info", "debug", NULL };
static const char *const scope_words[] = { "collector", "all", NULL };
static const char *const hash_words[] = { "", "md5", "sha1", "sha3", "hmac-sha256", "hmac-sha512", NULL };

static const struct weft_field own_fields[] = {
    WEFT_FIELD(struct weft_redaction_own_config, pattern, NULL, "A regular expression, or"),
    WEFT_FIELD(struct weft_redaction_own_config, detector, NULL, "the name of a detector."),
    WEFT_FIELD(struct weft_redaction_own_config, mask, NULL, "What takes the place of what it finds, or"),
    WEFT_FIELD(struct weft_redaction_own_config, tokenize, "false",
               "tok_ and 24 hex digits do, the same for equal texts: HMAC-SHA-256 with token_key."),
    WEFT_FIELDS_END,
};

#define SANITIZER_FIELDS(type)                                           \
    WEFT_FIELD(type, enabled, "false", "Whether it looks at anything."), \
        WEFT_FIELD(type, attributes, NULL, "Keys of attributes that it looks at.")

static const struct weft_field url_fields[] = {
    SANITIZER_FIELDS(struct weft_redaction_url_config),
    WEFT_FIELD(struct weft_redaction_url_config, sanitize_span_name, "true",
               "Whether it looks at names of spans of clients and servers that speak HTTP or have a / in their name."),
    WEFT_FIELDS_END,
};

static const struct weft_field database_fields[] = {
    SANITIZER_FIELDS(struct weft_redaction_sanitizer_config),
    WEFT_FIELDS_END,
};

#define DATABASE(member, help_text) \
    WEFT_FIELD_BLOCK(struct weft_redaction_db_config, member, database_fields, help_text)

static const struct weft_field db_fields[] = {
    DATABASE(sql, "Statements in SQL: strings, numbers, parameters, booleans and NULL become ?, digits in names, too."),
    DATABASE(redis, "Commands of Redis: arguments that are values become ?."),
    DATABASE(valkey, "The same for Valkey."),
    DATABASE(memcached, "Commands of memcached: what stands behind the first line goes."),
    DATABASE(mongo, "Queries of MongoDB in JSON: values become \"?\"."),
    DATABASE(opensearch, "The same for OpenSearch."),
    DATABASE(es, "The same for Elasticsearch."),
    WEFT_FIELD(struct weft_redaction_db_config, sanitize_span_name, "true",
               "Whether names of spans are looked at whose attributes name a database."),
    WEFT_FIELDS_END,
};

static const struct weft_field redaction_fields[] = {
    WEFT_FIELD(struct weft_redaction_config, allow_all_keys, "false", "Whether allowed_keys is not looked at."),
    WEFT_FIELD(struct weft_redaction_config, allowed_keys, NULL,
               "Attributes with other keys are removed, all of them if the list is empty; members of maps in bodies, "
               "too."),
    WEFT_FIELD(struct weft_redaction_config, ignored_keys, NULL,
               "Attributes with these keys stay as they are, before any other rule."),
    WEFT_FIELD(struct weft_redaction_config, ignored_key_patterns, NULL,
               "The same by regular expressions that match in the key."),
    WEFT_FIELD(struct weft_redaction_config, blocked_key_patterns, NULL,
               "Regular expressions: where one matches in the key, each line of the value becomes ****."),
    WEFT_FIELD(struct weft_redaction_config, blocked_values, NULL,
               "Regular expressions: what they match in values becomes ****."),
    WEFT_FIELD(struct weft_redaction_config, detectors, NULL,
               "Names of detectors: what they find in values becomes ****, as with blocked_values. email, credit_card, "
               "iban, jwt, pem, aws_key, github_token, slack_token, stripe_key, google_api_key, openai_key, "
               "anthropic_key, runpod_key, inngest_key, bearer, basic_auth, url_password, password_kv, ipv4, ipv6, "
               "us_ssn, phone."),
    WEFT_FIELD(struct weft_redaction_config, decode, NULL,
               "What detectors see decoded, too: percent, base64, both, or none; without it both with scope all, else "
               "none."),
    WEFT_FIELD_LIST(struct weft_redaction_config, rules, struct weft_redaction_own_config, own_fields,
                    "What has a replacement of its own; behind blocked_values, before detectors."),
    WEFT_FIELD(struct weft_redaction_config, token_key, NULL, "The key of tokenize, at least 32 bytes."),
    WEFT_FIELD(struct weft_redaction_config, allowed_values, NULL,
               "Regular expressions: values in which one matches are not masked."),
    WEFT_FIELD(struct weft_redaction_config, redact_all_types, "false",
               "Whether attributes that are no strings are looked at as text; what is masked becomes a string."),
    WEFT_FIELD_CHOICE(struct weft_redaction_config, summary, summary_words, "",
                      "Attributes redaction.* that tell what was done: info counts, debug names the keys as well."),
    WEFT_FIELD_CHOICE(struct weft_redaction_config, hash_function, hash_words, "",
                      "A hash in hex in the place of ****; those without a key can be found out by trying. sha3 is "
                      "SHA3-256.",
                      .ignores_case = true),
    WEFT_FIELD(struct weft_redaction_config, hmac_key, NULL,
               "The key of hmac-sha256, at least 32 bytes, or hmac-sha512, at least 64."),
    WEFT_FIELD_CHOICE(struct weft_redaction_config, scope, scope_words, "collector",
                      "all: also what the Collector leaves alone, every string that a record has."),
    WEFT_FIELD_BLOCK(struct weft_redaction_config, url_sanitizer, url_fields,
                     "Masks segments of URLs and paths that look like ids, in bodies of log records, too."),
    WEFT_FIELD_BLOCK(struct weft_redaction_config, db_sanitizer, db_fields,
                     "Masks values in database queries, in bodies of log records, too."),
    WEFT_FIELDS_END,
};

static enum weft_status validate(const void *untyped, struct weft_error *error)
{
    struct weft_redaction_rules *rules = NULL;
    enum weft_status status = weft_redaction_rules_new(untyped, &rules, error);
    weft_redaction_rules_free(&rules);
    return status;
}

static enum weft_status judge_keys(const void *config, const struct weft_named_keys *keys,
                                   struct weft_key_fate *out_fates, struct weft_error *error)
{
    return weft_redaction_judge_keys(config, keys, out_fates, error);
}

static enum weft_status share_rules(const void *config, const char *id, struct weft_budget *budget, void **out_shared,
                                    struct weft_error *error)
{
    (void)id;
    (void)budget;
    struct weft_redaction_rules *rules = NULL;
    enum weft_status status = weft_redaction_rules_new(config, &rules, error);
    if (status == WEFT_OK) {
        *out_shared = rules;
    }
    return status;
}

static void unshare_rules(void *shared)
{
    struct weft_redaction_rules *rules = shared;
    weft_redaction_rules_free(&rules);
}

/* ---- batches ---- */

static enum weft_status redact_header(struct redaction_processor *processor, struct weft_edit *edit,
                                      enum weft_redaction_target target, struct weft_arena *arena,
                                      struct weft_slice *header)
{
    const uint8_t *before = header->bytes;
    enum weft_status status = weft_redactor_apply(&processor->redactor, processor->signal, target, arena, header);
    if (header->bytes != before) {
        weft_edit_note_change(edit);
    }
    return status;
}

static enum weft_status redact_record(struct redaction_processor *processor, struct weft_edit *edit,
                                      struct weft_arena *arena, struct weft_otlp_record *record)
{
    enum { DID_BYTES = 4096 };
    struct weft_slice bytes = { record->bytes, record->length };
    enum weft_status status =
        weft_redactor_apply(&processor->redactor, processor->signal, WEFT_REDACTION_RECORD, arena, &bytes);
    processor->did_bytes += record->length;
    if (processor->did_bytes >= DID_BYTES) {
        weft_work_did(processor->did_bytes);
        processor->did_bytes = 0;
    }
    if (status != WEFT_OK || bytes.length > UINT32_MAX) {
        return WEFT_NOMEM;
    }
    if (bytes.bytes != record->bytes) {
        record->bytes = bytes.bytes;
        record->length = (uint32_t)bytes.length;
        weft_edit_note_change(edit);
    }
    return WEFT_OK;
}

static enum weft_status redact_part(struct redaction_processor *processor, struct weft_edit *edit,
                                    struct weft_part *part)
{
    enum weft_status status = WEFT_OK;
    struct weft_otlp_table *table = &part->table;
    for (uint32_t i = 0; status == WEFT_OK && i < table->resource_count; i++) {
        status = redact_header(processor, edit, WEFT_REDACTION_RESOURCE_X, part->arena, &table->resources[i].header);
    }
    for (uint32_t i = 0; status == WEFT_OK && i < table->scope_count; i++) {
        status = redact_header(processor, edit, WEFT_REDACTION_SCOPE_X, part->arena, &table->scopes[i].header);
    }
    for (uint32_t i = 0; status == WEFT_OK && i < table->record_count; i++) {
        if (i + 1 < table->record_count) {
            weft_prefetch(table->records[i + 1].bytes, table->records[i + 1].length);
        }
        status = redact_record(processor, edit, part->arena, &table->records[i]);
    }
    return status;
}

static struct redaction_processor *processor_of(const struct weft_consumer *consumer)
{
    return WEFT_CONTAINER_OF(consumer, struct redaction_processor, consumer);
}

static enum weft_status redact_batch(struct weft_consumer *consumer, struct weft_edit *edit, struct weft_error *error)
{
    (void)error;
    struct redaction_processor *processor = processor_of(consumer);
    enum weft_status status = weft_edit_open(edit);
    weft_redaction_matcher_begin(&processor->redactor.matcher);
    for (size_t i = 0; status == WEFT_OK && i < edit->batch->part_count; i++) {
        status = redact_part(processor, edit, &edit->batch->parts[i]);
    }
    weft_redactor_trim(&processor->redactor);
    return status;
}

static const struct weft_slow_edit_operations redaction_edits = { .edit = redact_batch };

/* A pattern can take a millisecond for a few bytes, detectors can not. */
static bool may_be_slow(const struct redaction_processor *processor, const struct weft_batch *batch)
{
    enum { MIN_BYTES = 64 << 10 };
    return batch->size_bytes >= MIN_BYTES || weft_redaction_has_patterns(processor->redactor.matcher.rules);
}

/* What was done to a batch that the next node refuses was not done: it comes again. */
static enum weft_status consume(struct weft_consumer *consumer, struct weft_batch **own_batch, struct weft_error *error)
{
    struct redaction_processor *processor = processor_of(consumer);
    struct weft_redaction_counts before = processor->redactor.counts;
    struct weft_redaction_tally *tally = &processor->redactor.matcher.tally;
    weft_redaction_tally_keep(tally);
    bool is_slow = may_be_slow(processor, *own_batch);
    enum weft_status status = weft_slow_edit_consume(&processor->slow, own_batch, is_slow, error);
    if (status != WEFT_OK) {
        processor->redactor.counts = before;
        weft_redaction_tally_restore(tally);
    }
    return status;
}

static struct weft_slice hide(struct weft_hiding *hiding, struct weft_slice key, struct weft_slice text)
{
    struct redaction_processor *processor = WEFT_CONTAINER_OF(hiding, struct redaction_processor, hiding);
    return weft_redactor_hide(&processor->shown, key, text);
}

static void on_next_changed(struct weft_consumer *consumer)
{
    weft_slow_edit_next_changed(&processor_of(consumer)->slow);
}

static void audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    weft_slow_edit_audit(&processor_of(consumer)->slow, in_out_count);
}

static void drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    weft_slow_edit_drain(&processor_of(consumer)->slow, reason, is_forced);
}

static void processor_free(struct weft_consumer *consumer)
{
    struct redaction_processor *processor = processor_of(consumer);
    weft_host_remove_hiding(consumer->host, &processor->hiding);
    weft_slow_edit_fini(&processor->slow);
    weft_redactor_fini(&processor->redactor);
    weft_redactor_fini(&processor->shown);
    weft_consumer_fini(consumer);
    weft_free(processor);
}

static void collect_rules(const struct redaction_processor *processor, struct weft_samples *samples)
{
    const struct weft_redaction_tally *tally = &processor->redactor.matcher.tally;
    char rule[WEFT_REDACTION_RULE_NAME_BYTES];
    for (size_t i = 0; i < tally->count; i++) {
        if (!weft_redaction_tally_name(tally, i, rule)) {
            continue;
        }
        const struct weft_sample_label *labels =
            WEFT_LABELS({ "processor", processor->consumer.id }, { "signal", weft_signal_name(processor->signal) },
                        { "rule", rule });
        weft_samples_add(samples, WEFT_SAMPLE_RULE_VALUES, "Keys and values in which the rule found something",
                         WEFT_SAMPLE_COUNTER, (double)tally->items[i].values, labels);
        weft_samples_add(samples, WEFT_SAMPLE_RULE_LIMITS, "Keys and values hidden because the rule met its limits",
                         WEFT_SAMPLE_COUNTER, (double)tally->items[i].limits, labels);
    }
}

static void collect(const struct weft_consumer *consumer, struct weft_samples *samples)
{
    const struct redaction_processor *processor = processor_of(consumer);
    const struct weft_sample_label *labels =
        WEFT_LABELS({ "processor", consumer->id }, { "signal", weft_signal_name(processor->signal) });
    weft_samples_add(samples, "weft_redaction_masked_values", "Values that were masked", WEFT_SAMPLE_COUNTER,
                     (double)processor->redactor.counts.masked, labels);
    weft_samples_add(samples, "weft_redaction_removed_attributes", "Attributes whose keys were not allowed",
                     WEFT_SAMPLE_COUNTER, (double)processor->redactor.counts.removed, labels);
    weft_samples_add(samples, "weft_redaction_limits_met",
                     "Keys and values hidden because a match or a batch met its limits", WEFT_SAMPLE_COUNTER,
                     (double)processor->redactor.matcher.limit_count, labels);
    weft_samples_add(samples, "weft_redaction_put_off_batches", "Batches that took more than a turn of the loop",
                     WEFT_SAMPLE_COUNTER, (double)processor->slow.put_off_count, labels);
    collect_rules(processor, samples);
}

static const struct weft_consumer_operations redaction_operations = {
    .consume = consume,
    .on_next_changed = on_next_changed,
    .audit = audit,
    .drain = drain,
    .free = processor_free,
};

static enum weft_status create(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                               struct weft_error *error)
{
    struct redaction_processor *processor = weft_alloc(sizeof *processor);
    weft_consumer_init(&processor->consumer, &redaction_operations, setup->host, setup->id);
    processor->next = setup->next;
    processor->signal = setup->signal;
    processor->hiding.hide = hide;
    weft_host_add_hiding(setup->host, &processor->hiding);
    enum weft_status status = weft_redactor_init(&processor->redactor, setup->shared, error);
    status = status == WEFT_OK ? weft_redactor_init(&processor->shown, setup->shared, error) : status;
    status = status == WEFT_OK ? weft_slow_edit_init(&processor->slow, &processor->consumer, setup->next,
                                                     setup->in_flight, &redaction_edits, error)
                               : status;
    if (status != WEFT_OK) {
        processor_free(&processor->consumer);
        return status;
    }
    weft_consumer_connect(&processor->consumer, &processor->next, 1);
    weft_slow_edit_next_changed(&processor->slow);
    *out_consumer = &processor->consumer;
    return WEFT_OK;
}

static enum weft_status advise(const void *untyped, const struct weft_node *node, struct weft_config_notes *notes)
{
    const struct weft_redaction_config *config = untyped;
    if (config->allow_all_keys || config->allowed_keys.count > 0) {
        return WEFT_OK;
    }
    struct weft_position at = weft_node_position(node);
    return weft_config_notes_add(
        notes, WEFT_NOTE_WARNING,
        "%s:%u: redaction has no allowed_keys: it removes every attribute%s, service.name of "
        "resources too; allow_all_keys: true keeps them",
        at.file, at.line,
        config->ignored_keys.count + config->ignored_key_patterns.count > 0 ? " but those that it ignores" : "");
}

const struct weft_component weft_processor_redaction = {
    .kind = WEFT_PROCESSOR,
    .type = "redaction",
    .signals = WEFT_SIGNAL_BIT_TRACES | WEFT_SIGNAL_BIT_METRICS | WEFT_SIGNAL_BIT_LOGS,
    .help = "Removes attributes whose keys are not allowed and masks values, in log bodies, too.",
    .fields = redaction_fields,
    .config_size = sizeof(struct weft_redaction_config),
    .validate = validate,
    .advise = advise,
    .judge_keys = judge_keys,
    .share = share_rules,
    .unshare = unshare_rules,
    .create_consumer = create,
    .collect = collect,
};
