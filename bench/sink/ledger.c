/* The sink's books. Walks a request down to each span, reads the span_id, and hashes the span's very bytes: what a
 * relay changed, lost, doubled or moved to another resource shows. */
#include "sink/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/hash.h"
#include "lib/sequence.h"

enum { SEQUENCE_MAX_BITS = 33 };

static uint8_t *grow_bits(uint8_t *bits, uint64_t old_count, uint64_t new_count)
{
    bits = realloc(bits, new_count / 8);
    if (bits == NULL) {
        bench_die("out of memory");
    }
    memset(bits + old_count / 8, 0, (new_count - old_count) / 8);
    return bits;
}

/* True if the number was not seen before. */
static bool mark_unique(struct sink_ledger *ledger, uint64_t sequence)
{
    if (sequence >= ledger->bit_count) {
        uint64_t count = (sequence + (UINT64_C(8) << 20)) * 2 / 64 * 64;
        ledger->seen_bits = grow_bits(ledger->seen_bits, ledger->bit_count, count);
        ledger->duplicate_bits = grow_bits(ledger->duplicate_bits, ledger->bit_count, count);
        ledger->bit_count = count;
    }
    if (sequence >= ledger->highest) {
        ledger->highest = sequence + 1;
    }
    uint8_t bit = (uint8_t)(1u << sequence % 8);
    if (ledger->seen_bits[sequence / 8] & bit) {
        ledger->duplicate_bits[sequence / 8] |= bit;
        ledger->duplicates++;
        return false;
    }
    ledger->seen_bits[sequence / 8] |= bit;
    ledger->distinct++;
    return true;
}

static void mark_cycled(struct sink_ledger *ledger, uint64_t place)
{
    if (place >= ledger->generation_count) {
        uint64_t count = (place + 65536) * 2;
        ledger->generations = realloc(ledger->generations, count * sizeof *ledger->generations);
        if (ledger->generations == NULL) {
            bench_die("out of memory");
        }
        memset(ledger->generations + ledger->generation_count, 0,
               (count - ledger->generation_count) * sizeof *ledger->generations);
        ledger->generation_count = count;
    }
    if (place >= ledger->highest) {
        ledger->highest = place + 1;
    }
    ledger->generations[place]++;
    ledger->cycled++;
}

/* The span_id as a number; false if there is none of 8 bytes or the record is malformed before it. Of a Span and of a
 * LogRecord alike: where one has its span_id the other has a number. */
static bool read_span_id(struct bench_range record, uint64_t *out_id)
{
    struct bench_field field;
    while (record.at < record.end) {
        if (!bench_walk_next(&record, &field)) {
            return false;
        }
        if ((field.number == BENCH_SPAN_SPAN_ID || field.number == BENCH_LOG_RECORD_SPAN_ID) && field.wire_type == 2 &&
            field.value.end - field.value.at == 8) {
            *out_id = bench_load_u64_be(field.value.at);
            return true;
        }
    }
    return false;
}

static void book_span(struct sink_ledger *ledger, struct bench_range span, uint64_t surroundings)
{
    uint64_t id;
    ledger->received++;
    if (!read_span_id(span, &id) || (id & BENCH_SEQUENCE_MASK) >> SEQUENCE_MAX_BITS != 0) {
        ledger->unknown++;
        return;
    }
    if (id & BENCH_SEQUENCE_CYCLED) {
        mark_cycled(ledger, id & BENCH_SEQUENCE_MASK);
    } else if (!mark_unique(ledger, id & BENCH_SEQUENCE_MASK)) {
        return;
    }
    if (ledger->is_hashing) {
        uint64_t hash = bench_hash(span.at, (size_t)(span.end - span.at));
        ledger->hash += hash;
        ledger->tree_hash += bench_hash_in_tree(hash, surroundings);
    }
}

/* The hash of the first field of that number (the Resource or the InstrumentationScope), wherever in the message it is.
 */
static bool hash_head(struct bench_range message, uint32_t number, uint64_t *out_hash)
{
    struct bench_field field;
    *out_hash = 0;
    while (message.at < message.end) {
        if (!bench_walk_next(&message, &field)) {
            return false;
        }
        if (field.number == number && field.wire_type == 2) {
            *out_hash = bench_hash(field.value.at, (size_t)(field.value.end - field.value.at));
            return true;
        }
    }
    return true;
}

static bool book_scope_spans(struct sink_ledger *ledger, struct bench_range message, uint64_t resource,
                             uint64_t *skipped)
{
    struct bench_field field;
    uint64_t scope;
    if (!hash_head(message, BENCH_SCOPE_SPANS_SCOPE, &scope)) {
        return false;
    }
    uint64_t surroundings = bench_hash_surroundings(resource, scope);
    while (message.at < message.end) {
        if (!bench_walk_next(&message, &field)) {
            return false;
        }
        if (field.number != BENCH_SCOPE_SPANS_SPANS || field.wire_type != 2) {
            continue;
        }
        if (*skipped > 0) {
            --*skipped;
        } else {
            book_span(ledger, field.value, surroundings);
        }
    }
    return true;
}

static bool book_resource_spans(struct sink_ledger *ledger, struct bench_range message, uint64_t *skipped)
{
    struct bench_field field;
    uint64_t resource;
    if (!hash_head(message, BENCH_RESOURCE_SPANS_RESOURCE, &resource)) {
        return false;
    }
    ledger->resources++;
    while (message.at < message.end) {
        if (!bench_walk_next(&message, &field)) {
            return false;
        }
        if (field.number == BENCH_RESOURCE_SPANS_SCOPE_SPANS && field.wire_type == 2 &&
            !book_scope_spans(ledger, field.value, resource, skipped)) {
            return false;
        }
    }
    return true;
}

bool ledger_book(struct sink_ledger *ledger, struct bench_range request, uint64_t skipped_spans)
{
    struct bench_field field;
    while (request.at < request.end) {
        if (!bench_walk_next(&request, &field)) {
            return false;
        }
        if (field.number == BENCH_REQUEST_RESOURCE_SPANS && field.wire_type == 2 &&
            !book_resource_spans(ledger, field.value, &skipped_spans)) {
            return false;
        }
    }
    return true;
}

/* Counts the fields with the number path[0], then within them path[1], and so on. */
static bool count_fields(struct bench_range message, const uint32_t *path, unsigned depth, uint64_t *count)
{
    struct bench_field field;
    while (message.at < message.end) {
        if (!bench_walk_next(&message, &field)) {
            return false;
        }
        if (field.number != path[0] || field.wire_type != 2) {
            continue;
        }
        if (depth == 1) {
            ++*count;
        } else if (!count_fields(field.value, path + 1, depth - 1, count)) {
            return false;
        }
    }
    return true;
}

bool ledger_count(struct bench_range request, uint64_t *out_spans)
{
    static const uint32_t path[] = { BENCH_REQUEST_RESOURCE_SPANS, BENCH_RESOURCE_SPANS_SCOPE_SPANS,
                                     BENCH_SCOPE_SPANS_SPANS };
    *out_spans = 0;
    return count_fields(request, path, 3, out_spans);
}

void ledger_write(const struct sink_ledger *ledger, const char *path)
{
    if (ledger->cycled > 0) {
        bench_bytes_write_file(path, ledger->generations, ledger->highest * sizeof *ledger->generations);
    } else {
        bench_bytes_write_file(path, ledger->seen_bits, (ledger->highest + 7) / 8);
    }
}
