#pragma once

#include "base/buffer.h"
#include "operators/log_entry.h"

/* Entries as OTLP (opentelemetry/proto/logs/v1/logs.proto, common/v1/common.proto), without a tree between: a pass
 * for the size, then one from the last byte to the first, so that every length is known when it is written. */

/* Bytes of the entry's LogRecord. Containers nested deeper than WEFT_LOG_RECORD_MAX_DEPTH, which other readers of
 * protobuf do not take, become JSON's text first. WEFT_NOMEM. */
enum weft_status weft_log_record_prepare(struct weft_log_entry *entry, size_t *out_size) WEFT_MUST_CHECK;

/* to has room for the size of weft_log_record_prepare, of an entry that has not changed since. */
void weft_log_record_write(const struct weft_log_entry *entry, uint8_t *to, size_t size);

enum { WEFT_LOG_RECORD_MAX_DEPTH = 24 };

/* A map as the attributes under that field number of whatever has attributes; nested too deep as above. Memory is the
 * entry's. */
enum weft_status weft_log_attributes_encode(struct weft_log_map *map, uint32_t field_number,
                                            struct weft_entry_memory *memory,
                                            struct weft_slice *out_fields) WEFT_MUST_CHECK;
