#pragma once

#include "ottl/text_xpath_tree.h"

/* Following a path: the steps (text_xpath.c), and the conditions that they ask (text_xpath_condition.c), which follow
 * paths of their own. What a walk finds it hands to on_found, one after the other, so that conditions hold no lists. */
struct weft_ottl_xpath_found {
    struct weft_ottl_xml_node *node;
    struct weft_ottl_xml_attribute *attribute;
    size_t position, last; /* among what the step found in the same parent; last only where it is asked for */
};

/* False ends the walk. */
typedef bool weft_ottl_xpath_found_fn(void *context, const struct weft_ottl_xpath_found *found);

struct weft_ottl_xpath_walk {
    struct weft_ottl_run *run;
    struct weft_ottl_xml_node *document;
    weft_ottl_xpath_found_fn *on_found;
    void *context;
    enum weft_status *status; /* of all walks within one another; once it is not OK all of them end */
};

enum { WEFT_OTTL_XPATH_STEPS_OF_NODE = 10 };

/* False: the walk ends, for want of steps now or before. */
static inline bool weft_ottl_xpath_spend(const struct weft_ottl_xpath_walk *walk, uint64_t steps)
{
    if (*walk->status == WEFT_OK && !weft_ottl_spend(walk->run, steps)) {
        *walk->status = weft_ottl_fail_steps(walk->run);
    }
    return *walk->status == WEFT_OK;
}

/* All paths of the union, from there. */
void weft_ottl_xpath_follow(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath *path,
                            const struct weft_ottl_xpath_found *from);

/* False as well where the walk ends. Uses the scratch. */
bool weft_ottl_xpath_holds(const struct weft_ottl_xpath_walk *walk, const struct weft_ottl_xpath_condition *condition,
                           const struct weft_ottl_xpath_found *found);
