/* Where strings stand in OTLP's messages (redaction_places.h): those that the Collector's processor looks at, and all.
 */
#include "processors/redaction_places.h"

#include "wire/otlp_attributes.h"

/* ---- where the Collector acts ---- */

static const struct weft_redaction_place event = { .attributes = 3 };
static const struct weft_redaction_place span = { .attributes = 9, .inner = { { 11, &event } } };
static const struct weft_redaction_place log_record = { .attributes = 6, .body = WEFT_OTLP_BODY_FIELD };
static const struct weft_redaction_place number_point = { .attributes = 7 }; /* and a SummaryDataPoint */
static const struct weft_redaction_place histogram_point = { .attributes = 9 };
static const struct weft_redaction_place exponential_point = { .attributes = 1 };
static const struct weft_redaction_place number_data = { .inner = { { 1, &number_point } } };
static const struct weft_redaction_place histogram_data = { .inner = { { 1, &histogram_point } } };
static const struct weft_redaction_place exponential_data = { .inner = { { 1, &exponential_point } } };
static const struct weft_redaction_place metric = { .inner = { { 5, &number_data },
                                                               { 7, &number_data },
                                                               { 9, &histogram_data },
                                                               { 10, &exponential_data },
                                                               { 11, &number_data } } };
static const struct weft_redaction_place resource = { .attributes = WEFT_OTLP_RESOURCE_ATTRIBUTES_FIELD };
static const struct weft_redaction_place scope = { .attributes = 3 };
static const struct weft_redaction_place resource_x = { .inner = { { WEFT_OTLP_RESOURCE_FIELD, &resource } } };
static const struct weft_redaction_place scope_x = { .inner = { { 1, &scope } } };

/* ---- all ---- */

static const struct weft_redaction_place every_event = { .attributes = 3, .texts = { { 2, "name" } } };
static const struct weft_redaction_place every_link = { .attributes = 4, .texts = { { 3, "trace_state" } } };
static const struct weft_redaction_place every_status = { .texts = { { 2, "status.message" } } };
static const struct weft_redaction_place every_span = {
    .attributes = 9,
    .texts = { { 3, "trace_state" }, { 5, "name" } },
    .inner = { { 11, &every_event }, { 13, &every_link }, { 15, &every_status } }
};
static const struct weft_redaction_place every_log_record = {
    .attributes = 6, .body = WEFT_OTLP_BODY_FIELD, .texts = { { 3, "severity_text" }, { 12, "event_name" } }
};
static const struct weft_redaction_place every_exemplar = { .attributes = 7 };
static const struct weft_redaction_place every_number_point = { .attributes = 7, .inner = { { 5, &every_exemplar } } };
static const struct weft_redaction_place every_histogram_point = { .attributes = 9,
                                                                   .inner = { { 8, &every_exemplar } } };
static const struct weft_redaction_place every_exponential_point = { .attributes = 1,
                                                                     .inner = { { 11, &every_exemplar } } };
static const struct weft_redaction_place every_number_data = { .inner = { { 1, &every_number_point } } };
static const struct weft_redaction_place every_histogram_data = { .inner = { { 1, &every_histogram_point } } };
static const struct weft_redaction_place every_exponential_data = { .inner = { { 1, &every_exponential_point } } };
static const struct weft_redaction_place every_metric = {
    .attributes = 12, /* metadata */
    .texts = { { 1, "name" }, { 2, "description" }, { 3, "unit" } },
    .inner = { { 5, &every_number_data },
               { 7, &every_number_data },
               { 9, &every_histogram_data },
               { 10, &every_exponential_data },
               { 11, &number_data } }
};
static const struct weft_redaction_place entity = { .texts = { { 1, "entity.schema_url" },
                                                               { 2, "entity.type" },
                                                               { 3, "entity.id_keys" },
                                                               { 4, "entity.description_keys" } } };
static const struct weft_redaction_place every_resource = { .attributes = WEFT_OTLP_RESOURCE_ATTRIBUTES_FIELD,
                                                            .inner = { { 3, &entity } } };
static const struct weft_redaction_place every_scope = { .attributes = 3,
                                                         .texts = { { 1, "name" }, { 2, "version" } } };
static const struct weft_redaction_place every_resource_x = {
    .texts = { { 3, "schema_url" } }, .inner = { { WEFT_OTLP_RESOURCE_FIELD, &every_resource } }
};
static const struct weft_redaction_place every_scope_x = { .texts = { { 3, "schema_url" } },
                                                           .inner = { { 1, &every_scope } } };

static const struct weft_redaction_place *const records[][WEFT_SIGNAL_COUNT] = {
    [WEFT_REDACTION_COLLECTOR] = { [WEFT_TRACES] = &span, [WEFT_METRICS] = &metric, [WEFT_LOGS] = &log_record },
    [WEFT_REDACTION_ALL] = { [WEFT_TRACES] = &every_span,
                             [WEFT_METRICS] = &every_metric,
                             [WEFT_LOGS] = &every_log_record },
};

const struct weft_redaction_place *weft_redaction_place_of(enum weft_redaction_scope reach, enum weft_signal signal,
                                                           enum weft_redaction_target target)
{
    bool is_all = reach == WEFT_REDACTION_ALL;
    switch (target) {
    case WEFT_REDACTION_RESOURCE_X:
        return is_all ? &every_resource_x : &resource_x;
    case WEFT_REDACTION_SCOPE_X:
        return is_all ? &every_scope_x : &scope_x;
    case WEFT_REDACTION_RECORD:
        break;
    }
    return records[reach][signal];
}

const struct weft_redaction_place *weft_redaction_inner_place(const struct weft_redaction_place *outer, uint32_t number)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(outer->inner) && outer->inner[i].place != NULL; i++) {
        if (outer->inner[i].field == number) {
            return outer->inner[i].place;
        }
    }
    return NULL;
}

const char *weft_redaction_text_name(const struct weft_redaction_place *outer, uint32_t number)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(outer->texts) && outer->texts[i].field != 0; i++) {
        if (outer->texts[i].field == number) {
            return outer->texts[i].name;
        }
    }
    return NULL;
}
