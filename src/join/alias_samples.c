/* Numbers about aliases and groups, for /metrics (aliases.h). */
#include "join/aliases.h"
#include "join/join_internal.h"

struct row {
    const char *name, *help;
    enum weft_sample_type type;
    uint64_t value;
};

static void add_rows(const struct weft_join *join, const struct row *rows, size_t count, struct weft_samples *samples)
{
    for (size_t i = 0; i < count; i++) {
        weft_samples_add(samples, rows[i].name, rows[i].help, rows[i].type, (double)rows[i].value,
                         WEFT_LABELS({ "processor", join->stage.identity->id }));
    }
}

static void collect_groups(const struct weft_join *join, struct weft_samples *samples)
{
    const struct weft_groups *groups = join->groups;
    const struct weft_group_counters *counters = weft_groups_counters(groups);
    const struct row rows[] = {
        { "weft_join_groups", "Groups of traces that share a word, held and remembered", WEFT_SAMPLE_GAUGE,
          weft_groups_count(groups) },
        { "weft_join_group_members", "Traces in these groups", WEFT_SAMPLE_GAUGE, weft_groups_member_count(groups) },
        { "weft_join_aliases", "Words that are remembered", WEFT_SAMPLE_GAUGE, weft_groups_alias_count(groups) },
        { "weft_join_groups_begun", "Groups that were begun", WEFT_SAMPLE_COUNTER, counters->groups },
        { "weft_join_groups_closed", "Groups that were full and refused a trace", WEFT_SAMPLE_COUNTER,
          counters->closed_groups },
        { "weft_join_group_words_passed_over", "Words beyond what a group, or a trace behind its verdict, may have",
          WEFT_SAMPLE_COUNTER, counters->aliases_passed },
        { "weft_join_aliases_burnt", "Words that so many traces share that they join none", WEFT_SAMPLE_COUNTER,
          counters->burnt_aliases },
        { "weft_join_late_members", "Traces that came to their group after a drop and were judged alone",
          WEFT_SAMPLE_COUNTER, counters->late_members },
        { "weft_join_groups_forgotten", "Groups that alias_memory had no room for", WEFT_SAMPLE_COUNTER,
          counters->forgotten },
        { "weft_join_group_sightings_passed_over",
          "Words that had to wait for a verdict, without room to remember them", WEFT_SAMPLE_COUNTER,
          counters->sightings_passed },
        { "weft_join_group_members_unknown", "Traces that asked for their verdict when their group was forgotten",
          WEFT_SAMPLE_COUNTER, counters->unknown },
        { "weft_join_group_answers_missed", "Traces that did not say in time what is known of them",
          WEFT_SAMPLE_COUNTER, counters->missed_answers },
    };
    add_rows(join, rows, WEFT_COUNT_OF(rows), samples);
}

void weft_aliases_collect(const struct weft_join *join, struct weft_samples *samples)
{
    const struct weft_alias_counters *counters = &join->alias_counters;
    const struct row rows[] = {
        { "weft_join_alias_sightings", "Words of traces that were looked up", WEFT_SAMPLE_COUNTER,
          counters->sightings },
        { "weft_join_aliases_passed_over", "Words beyond what one trace or record may have", WEFT_SAMPLE_COUNTER,
          counters->words_passed },
        { "weft_join_group_verdicts_missed", "Traces judged alone because no verdict on their group came",
          WEFT_SAMPLE_COUNTER, counters->unanswered },
        { "weft_join_claims_passed_over", "Traces that were named before they came, without room to remember it",
          WEFT_SAMPLE_COUNTER, counters->claims_passed },
        { "weft_join_alias_bytes", "Memory that words and groups take", WEFT_SAMPLE_GAUGE,
          weft_aliases_size_bytes(join) },
    };
    if (join->rules->aliases == NULL) {
        return;
    }
    add_rows(join, rows, WEFT_COUNT_OF(rows), samples);
    if (join->groups != NULL) {
        collect_groups(join, samples);
    }
}
