/* The statistics of redactions for /v1/ledger (redactions_report.h): a row for each rule of each processor and signal.
 * They count values and not records, so they are no accounts, and begin anew with each process. */
#include "admin/redactions_report.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN_PROCESSOR, COLUMN_SIGNAL, COLUMN_RULE, TEXT_COLUMNS };

static const char *const heads[TEXT_COLUMNS] = { "processor", "signal", "rule" };

struct row {
    const char *texts[TEXT_COLUMNS];
    double values, limits;
};

static const char *label_of(const struct weft_sample *sample, const char *name)
{
    for (size_t i = 0; i < WEFT_SAMPLE_LABELS && sample->labels[i].name != NULL; i++) {
        if (strcmp(sample->labels[i].name, name) == 0) {
            return sample->labels[i].value;
        }
    }
    return "";
}

static bool has_texts_of(const struct weft_sample *sample, const struct row *row)
{
    for (size_t i = 0; i < TEXT_COLUMNS; i++) {
        if (strcmp(label_of(sample, heads[i]), row->texts[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* The row of the sample at index; false if it begins none. A rule's limits stand right behind its values. */
static bool read_row(const struct weft_samples *samples, size_t index, struct row *out_row)
{
    const struct weft_sample *sample = &samples->items[index];
    if (strcmp(sample->name, WEFT_SAMPLE_RULE_VALUES) != 0) {
        return false;
    }
    *out_row = (struct row){ .values = sample->value };
    for (size_t i = 0; i < TEXT_COLUMNS; i++) {
        out_row->texts[i] = label_of(sample, heads[i]);
    }
    for (size_t i = index + 1; i < samples->count; i++) {
        if (strcmp(samples->items[i].name, WEFT_SAMPLE_RULE_LIMITS) == 0 && has_texts_of(&samples->items[i], out_row)) {
            out_row->limits = samples->items[i].value;
            break;
        }
    }
    return true;
}

void weft_redactions_write_text(const struct weft_samples *samples, struct weft_buffer *out)
{
    int widths[TEXT_COLUMNS];
    struct row row;
    bool has_rows = false;
    for (size_t i = 0; i < TEXT_COLUMNS; i++) {
        widths[i] = (int)strlen(heads[i]);
    }
    for (size_t i = 0; i < samples->count; i++) {
        bool is_row = read_row(samples, i, &row);
        has_rows = has_rows || is_row;
        for (size_t column = 0; is_row && column < TEXT_COLUMNS; column++) {
            int width = (int)strlen(row.texts[column]);
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    if (!has_rows) {
        weft_buffer_append_text(out, "redactions: there is no rule\n");
        return;
    }
    weft_buffer_append_format(out, "redactions, in values since this process started:\n  %-*s  %-*s  %-*s  %12s  %6s\n",
                              widths[0], heads[0], widths[1], heads[1], widths[2], heads[2], "values", "limits");
    for (size_t i = 0; i < samples->count; i++) {
        if (read_row(samples, i, &row)) {
            weft_buffer_append_format(out, "  %-*s  %-*s  %-*s  %12.0f  %6.0f\n", widths[0], row.texts[0], widths[1],
                                      row.texts[1], widths[2], row.texts[2], row.values, row.limits);
        }
    }
}

void weft_redactions_write_json(const struct weft_samples *samples, struct weft_buffer *out)
{
    struct row row;
    bool is_first = true;
    weft_buffer_append_byte(out, '[');
    for (size_t i = 0; i < samples->count; i++) {
        if (!read_row(samples, i, &row)) {
            continue;
        }
        weft_buffer_append_text(out, is_first ? "{" : ",{");
        is_first = false;
        for (size_t column = 0; column < TEXT_COLUMNS; column++) {
            weft_buffer_append_format(out, "\"%s\":", heads[column]);
            weft_buffer_append_json_string(out, weft_slice_of_text(row.texts[column]));
            weft_buffer_append_byte(out, ',');
        }
        weft_buffer_append_format(out, "\"values\":%.0f,\"limits\":%.0f}", row.values, row.limits);
    }
    weft_buffer_append_byte(out, ']');
}
