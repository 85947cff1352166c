/* Positions that readers leave to those after them (positions.h). A list: there are as many names as the config has
 * receivers of files. */
#include "tail/positions.h"

#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/thread.h"

struct left {
    struct left *next;
    char *name;
    bool is_taken;
    struct weft_file_positions positions;
};

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER;
static struct left *all;

static struct left *find(const char *name)
{
    struct left *left = all;
    while (left != NULL && strcmp(left->name, name) != 0) {
        left = left->next;
    }
    return left;
}

bool weft_positions_take(const char *name, struct weft_file_positions *out_positions)
{
    weft_mutex_lock(&mutex);
    struct left *left = find(name);
    if (left == NULL) {
        left = weft_alloc(sizeof *left);
        left->name = weft_alloc_string(name);
        left->next = all;
        all = left;
    }
    bool is_free = !left->is_taken;
    if (is_free) {
        left->is_taken = true;
        *out_positions = left->positions;
        left->positions = (struct weft_file_positions){ 0 };
    }
    weft_mutex_unlock(&mutex);
    return is_free;
}

void weft_positions_leave(const char *name, struct weft_file_positions *positions)
{
    weft_mutex_lock(&mutex);
    struct left *left = find(name);
    weft_assert(left != NULL && left->is_taken);
    left->is_taken = false;
    left->positions = *positions;
    weft_mutex_unlock(&mutex);
    *positions = (struct weft_file_positions){ 0 };
}
