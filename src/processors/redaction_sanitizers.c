/* Which sanitizers look at which texts (redaction_rules.h): those of attributes by their keys and, for databases, by
 * the system that stands beside them; all of them at bodies of log records, which name none. */
#include <strings.h>

#include "base/alloc.h"
#include "processors/redaction_rules.h"
#include "wire/otlp_attributes.h"

enum { DATABASES = ~(1u << WEFT_SANITIZE_URL) };

/* ---- making ---- */

enum weft_status weft_redaction_sanitizers_make(const struct weft_redaction_config *config,
                                                struct weft_redaction_sanitizers *sanitizers)
{
    const struct weft_redaction_db_config *db = &config->db_sanitizer;
    const struct weft_redaction_sanitizer_config *const databases[WEFT_SANITIZERS] = {
        [WEFT_SANITIZE_SQL] = &db->sql,       [WEFT_SANITIZE_REDIS] = &db->redis,
        [WEFT_SANITIZE_VALKEY] = &db->valkey, [WEFT_SANITIZE_MEMCACHED] = &db->memcached,
        [WEFT_SANITIZE_MONGO] = &db->mongo,   [WEFT_SANITIZE_OPENSEARCH] = &db->opensearch,
        [WEFT_SANITIZE_ES] = &db->es,
    };
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < WEFT_SANITIZERS && status == WEFT_OK; i++) {
        bool is_url = i == WEFT_SANITIZE_URL;
        if (is_url ? config->url_sanitizer.enabled : databases[i]->enabled) {
            sanitizers->enabled |= 1u << i;
            status = weft_redaction_keys_make(is_url ? &config->url_sanitizer.attributes : &databases[i]->attributes,
                                              &sanitizers->attributes[i]);
        }
    }
    sanitizers->of_names = sanitizers->enabled & ((config->url_sanitizer.sanitize_span_name ? ~DATABASES : 0) |
                                                  (db->sanitize_span_name ? DATABASES : 0));
    return status;
}

void weft_redaction_sanitizers_fini(struct weft_redaction_sanitizers *sanitizers)
{
    for (size_t i = 0; i < WEFT_SANITIZERS; i++) {
        weft_free(sanitizers->attributes[i].items);
    }
}

/* ---- choosing ---- */

static const struct {
    const char *name;
    enum weft_sanitizer sanitizer;
    bool is_mysql;
} systems[] = {
    { "other_sql", WEFT_SANITIZE_SQL, false },    { "mysql", WEFT_SANITIZE_SQL, true },
    { "postgresql", WEFT_SANITIZE_SQL, false },   { "mariadb", WEFT_SANITIZE_SQL, true },
    { "sqlite", WEFT_SANITIZE_SQL, false },       { "redis", WEFT_SANITIZE_REDIS, false },
    { "valkey", WEFT_SANITIZE_VALKEY, false },    { "memcached", WEFT_SANITIZE_MEMCACHED, false },
    { "mongodb", WEFT_SANITIZE_MONGO, false },    { "opensearch", WEFT_SANITIZE_OPENSEARCH, false },
    { "elasticsearch", WEFT_SANITIZE_ES, false },
};

static struct weft_slice find_system(struct weft_slice message, uint32_t field)
{
    static const char *const keys[] = { "db.system.name", "db.system" };
    struct weft_slice key_value;
    for (size_t i = 0; i < WEFT_COUNT_OF(keys); i++) {
        if (weft_otlp_attribute_find(message, field, weft_slice_of_text(keys[i]), &key_value)) {
            struct weft_otlp_value value = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
            if (value.kind == WEFT_OTLP_VALUE_STRING && value.bytes.length > 0) {
                return value.bytes;
            }
        }
    }
    return WEFT_SLICE_EMPTY;
}

struct weft_redaction_system weft_redaction_system_of(const struct weft_redaction_sanitizers *sanitizers,
                                                      struct weft_slice message, uint32_t field)
{
    struct weft_redaction_system system = { .is_named = false };
    struct weft_slice name = (sanitizers->enabled & DATABASES) == 0 ? WEFT_SLICE_EMPTY : find_system(message, field);
    system.is_named = name.length > 0;
    for (size_t i = 0; i < WEFT_COUNT_OF(systems); i++) {
        if (name.length == strlen(systems[i].name) &&
            strncasecmp((const char *)name.bytes, systems[i].name, name.length) == 0) {
            system.known_by = sanitizers->enabled & 1u << systems[i].sanitizer;
            system.is_mysql = systems[i].is_mysql;
        }
    }
    return system;
}

struct weft_sanitizing weft_redaction_sanitizing_of(const struct weft_redaction_sanitizers *sanitizers,
                                                    const struct weft_redaction_system *system, bool is_log,
                                                    struct weft_slice key)
{
    struct weft_sanitizing sanitizing = { .is_mysql = system->is_mysql };
    weft_sanitizer_set databases = system->is_named ? system->known_by : is_log ? DATABASES : 0;
    for (weft_sanitizer_set left = sanitizers->enabled & (databases | ~DATABASES); left != 0; left &= left - 1) {
        unsigned id = (unsigned)__builtin_ctz(left);
        if (weft_redaction_has_key(&sanitizers->attributes[id], key)) {
            sanitizing.set |= 1u << id;
        }
    }
    return sanitizing;
}

/* ---- masking ---- */

static void tell(struct weft_buffer *found_by, enum weft_sanitizer sanitizer)
{
    if (found_by != NULL) {
        weft_buffer_append_text(found_by, found_by->length > 0 ? ", " : "");
        weft_buffer_append_text(found_by, weft_sanitizer_name(sanitizer));
    }
}

bool weft_redaction_sanitize(struct weft_redaction_matcher *matcher, struct weft_sanitizing sanitizing,
                             struct weft_slice text, struct weft_slice *out_sanitized)
{
    bool is_changed = false;
    size_t which = 0;
    for (weft_sanitizer_set left = sanitizing.set; left != 0; left &= left - 1) {
        enum weft_sanitizer sanitizer = (enum weft_sanitizer)__builtin_ctz(left);
        struct weft_buffer *out = &matcher->sanitized[which];
        weft_buffer_clear(out);
        weft_sanitize(sanitizer, sanitizing.is_mysql, text, out);
        if (weft_buffer_status(out) != WEFT_OK) {
            matcher->limit_count++;
            weft_redaction_count_limit(&matcher->tally, WEFT_REDACTION_SANITIZER, sanitizer);
            *out_sanitized = WEFT_REDACTION_MASK_TEXT;
            return true;
        }
        if (!weft_slice_equal(text, weft_buffer_slice(out))) {
            tell(matcher->found_by, sanitizer);
            weft_redaction_count_value(&matcher->tally, WEFT_REDACTION_SANITIZER, sanitizer);
            text = weft_buffer_slice(out);
            which = 1 - which;
            is_changed = true;
        }
    }
    if (is_changed) {
        *out_sanitized = text;
    }
    return is_changed;
}

bool weft_redaction_mask_value(struct weft_redaction_matcher *matcher, struct weft_sanitizing sanitizing,
                               struct weft_slice text, struct weft_slice *out_masked)
{
    struct weft_slice masked = text;
    bool is_masked = weft_redaction_mask(matcher, text, &masked);
    if (sanitizing.set != 0) {
        const size_t told_length = matcher->found_by == NULL ? 0 : matcher->found_by->length;
        bool is_sanitized = weft_redaction_sanitize(matcher, sanitizing, masked, &masked);
        is_masked = is_sanitized ? !weft_slice_equal(masked, text) : is_masked;
        if (!is_masked && matcher->found_by != NULL) {
            matcher->found_by->length = told_length;
        }
    }
    if (is_masked) {
        *out_masked = masked;
    }
    return is_masked;
}
