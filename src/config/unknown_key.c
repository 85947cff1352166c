/* "did you mean": edit distance over the few words that a place in a config knows (unknown_key.h). */
#include "config/unknown_key.h"

#include <stdio.h>

#include "config/node_internal.h"

enum { WORD_MAX_BYTES = 64 };

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein, and a swap of two neighbours counts once. Both words are at most WORD_MAX_BYTES. */
static size_t edit_distance(const char *left, const char *right)
{
    size_t rows[3][WORD_MAX_BYTES + 1];
    size_t left_length = strlen(left);
    size_t right_length = strlen(right);
    for (size_t j = 0; j <= right_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= left_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= right_length; j++) {
            size_t cost = left[i - 1] == right[j - 1] ? 0 : 1;
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            bool is_swap = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (is_swap && rows[(i - 2) % 3][j - 2] + 1 < row[j]) {
                row[j] = rows[(i - 2) % 3][j - 2] + 1;
            }
        }
    }
    return rows[left_length % 3][right_length];
}

const char *weft_config_nearest(const char *word, const char *const *words, size_t count)
{
    size_t length = strlen(word);
    size_t best_distance = length / 3 > 2 ? length / 3 + 1 : 3; /* exclusive */
    const char *best = NULL;
    for (size_t i = 0; i < count && length <= WORD_MAX_BYTES; i++) {
        if (strlen(words[i]) > WORD_MAX_BYTES) {
            continue;
        }
        size_t distance = edit_distance(word, words[i]);
        if (distance < best_distance && distance < length) {
            best_distance = distance;
            best = words[i];
        }
    }
    return best;
}

enum weft_status weft_config_fail_unknown_key(const struct weft_node *child, const char *const *words, size_t count,
                                              struct weft_error *error)
{
    /* The path is the map's, the line is the key's. */
    struct weft_node place = *child->parent;
    place.line = child->line;
    place.file = child->file;
    const char *nearest = weft_config_nearest(child->key, words, count);
    if (nearest != NULL) {
        return weft_node_fail(error, WEFT_INVALID, &place, "unknown key \"%.100s\"; did you mean \"%s\"?", child->key,
                              nearest);
    }
    char list[240] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t left = sizeof list - used;
        int length = snprintf(list + used, left, "%s%s", i > 0 ? ", " : "", words[i]);
        if (length < 0 || (size_t)length + 5 > left) {
            snprintf(list + used, left, "%s", ", ...");
            break;
        }
        used += (size_t)length;
    }
    return weft_node_fail(error, WEFT_INVALID, &place, "unknown key \"%.100s\"; known: %s", child->key,
                          count > 0 ? list : "none");
}
