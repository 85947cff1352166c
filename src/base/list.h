#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Intrusive doubly linked ring. A head is a node that points to itself when empty; a node is on one list or none. */
struct weft_list {
    struct weft_list *next;
    struct weft_list *previous;
};

static inline void weft_list_init(struct weft_list *head)
{
    head->next = head;
    head->previous = head;
}

static inline bool weft_list_is_empty(const struct weft_list *head)
{
    return head->next == head;
}

static inline void weft_list_insert_before(struct weft_list *position, struct weft_list *node)
{
    node->next = position;
    node->previous = position->previous;
    position->previous->next = node;
    position->previous = node;
}

static inline void weft_list_push_back(struct weft_list *head, struct weft_list *node)
{
    weft_list_insert_before(head, node);
}

static inline void weft_list_push_front(struct weft_list *head, struct weft_list *node)
{
    weft_list_insert_before(head->next, node);
}

/* Leaves the node pointing to itself, so that a second removal is harmless. */
static inline void weft_list_remove(struct weft_list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    weft_list_init(node);
}

/* The replacement stands where the node stood: on its list, or on none; the node is on none. */
static inline void weft_list_replace(struct weft_list *node, struct weft_list *replacement)
{
    weft_list_insert_before(node, replacement);
    weft_list_remove(node);
}

/* NULL when empty. */
static inline struct weft_list *weft_list_first(struct weft_list *head)
{
    return weft_list_is_empty(head) ? NULL : head->next;
}

static inline struct weft_list *weft_list_pop_front(struct weft_list *head)
{
    struct weft_list *node = weft_list_first(head);
    if (node != NULL) {
        weft_list_remove(node);
    }
    return node;
}

#define WEFT_LIST_EACH(node, head) for (struct weft_list *node = (head)->next; node != (head); node = node->next)
