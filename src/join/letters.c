/* Letters (letters.h). A letter that comes back is kept for the next one to anybody. */
#include "join/letters.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "join/aliases.h"
#include "join/join_internal.h"

enum {
    LETTER_BYTES_MAX = 256 << 10, /* a letter that has so much goes at once */
    SPARE_BYTES_MAX = 64 << 10,   /* a larger one is not kept */
    ALIGNMENT = 8,
};

WEFT_MAGIC(letter, 0x1e77e2a1);

struct letter {
    struct weft_mail mail;
    struct weft_list node; /* among the spare ones */
    struct weft_letters *letters;
    struct weft_buffer items;
    size_t charged_bytes;
    uint32_t magic;
};

struct weft_letters {
    struct weft_join *join;
    struct weft_list spare;
    size_t spare_count;
    size_t size_bytes;     /* of all letters, also those that are away */
    bool is_reading;       /* what this core wrote to itself */
    struct letter *next[]; /* by worker: being written, or NULL */
};

static struct letter *letter_of(struct weft_mail *mail)
{
    struct letter *letter = WEFT_CONTAINER_OF(mail, struct letter, mail);
    weft_check_magic(letter, letter);
    return letter;
}

/* ---- memory ---- */

static void charge(struct letter *letter)
{
    struct weft_letters *letters = letter->letters;
    struct weft_budget *budget = letters->join->stage.host->budget;
    size_t now_bytes = sizeof *letter + letter->items.capacity;
    letters->size_bytes += now_bytes - letter->charged_bytes;
    if (now_bytes > letter->charged_bytes) {
        weft_budget_charge(budget, now_bytes - letter->charged_bytes);
    } else {
        weft_budget_release(budget, letter->charged_bytes - now_bytes);
    }
    letter->charged_bytes = now_bytes;
}

static void letter_free(struct letter *letter)
{
    struct weft_letters *letters = letter->letters;
    weft_buffer_fini(&letter->items);
    letters->size_bytes -= letter->charged_bytes;
    weft_budget_release(letters->join->stage.host->budget, letter->charged_bytes);
    weft_clear_magic(letter, letter);
    weft_free(letter);
}

static void keep_or_free(struct letter *letter)
{
    struct weft_letters *letters = letter->letters;
    if (letters->spare_count > letters->join->stage.host->worker_count || letter->items.capacity > SPARE_BYTES_MAX) {
        letter_free(letter);
        return;
    }
    weft_buffer_clear(&letter->items);
    weft_list_push_back(&letters->spare, &letter->node);
    letters->spare_count++;
}

static void letter_arrived(struct weft_mail *mail, struct weft_stage *stage);
static void letter_returned(struct weft_mail *mail);

/* NULL without memory. */
static struct letter *letter_try_new(struct weft_letters *letters)
{
    struct weft_list *node = weft_list_pop_front(&letters->spare);
    if (node != NULL) {
        letters->spare_count--;
        return WEFT_CONTAINER_OF(node, struct letter, node);
    }
    struct letter *letter = weft_try_alloc(sizeof *letter);
    if (letter == NULL) {
        return NULL;
    }
    *letter = (struct letter){ .letters = letters };
    letter->mail.on_arrived = letter_arrived;
    letter->mail.on_returned = letter_returned;
    weft_set_magic(letter, letter);
    weft_list_init(&letter->node);
    weft_buffer_init(&letter->items, 0);
    charge(letter);
    return letter;
}

/* ---- reading ---- */

static const struct weft_item *item_at(const struct weft_buffer *items, size_t at)
{
    const struct weft_item *item = (const void *)(items->bytes + at);
    weft_assert(items->length - at >= sizeof *item && items->length - at - sizeof *item >= item->facts_bytes);
    return item;
}

static void read_items(struct weft_join *join, const struct weft_buffer *items)
{
    for (size_t at = 0; at < items->length;) {
        const struct weft_item *item = item_at(items, at);
        weft_aliases_receive(join, item, item->facts_bytes > 0 ? (const void *)(item + 1) : NULL);
        at += sizeof *item + item->facts_bytes;
    }
}

static void letter_arrived(struct weft_mail *mail, struct weft_stage *stage)
{
    struct weft_join *join = weft_join_of(stage);
    read_items(join, &letter_of(mail)->items);
    weft_aliases_turn(join);
}

/* Unread: that worker's core is gone, and with it what it would have said. */
static void give_up(struct letter *letter)
{
    struct weft_join *join = letter->letters->join;
    for (size_t at = 0; at < letter->items.length;) {
        const struct weft_item *item = item_at(&letter->items, at);
        weft_aliases_give_up(join, item);
        at += sizeof *item + item->facts_bytes;
    }
    weft_aliases_turn(join);
}

static void letter_returned(struct weft_mail *mail)
{
    struct letter *letter = letter_of(mail);
    struct weft_join *join = letter->letters->join;
    weft_assert(join->stage.mail_away > 0);
    join->stage.mail_away--;
    if (!mail->was_received) {
        give_up(letter);
    }
    keep_or_free(letter);
}

/* ---- writing ---- */

static void send(struct weft_letters *letters, uint32_t to_worker)
{
    struct letter *letter = letters->next[to_worker];
    letters->next[to_worker] = NULL;
    letters->join->stage.mail_away++;
    weft_mail_send(letters->join->stage.host, &letter->mail, letters->join->stage.identity, to_worker);
}

bool weft_letters_write(struct weft_letters *letters, uint32_t to_worker, const struct weft_item *item,
                        const struct weft_policy_facts *facts)
{
    struct weft_host *host = letters->join->stage.host;
    size_t whole_bytes = sizeof *item + item->facts_bytes;
    weft_assert(to_worker < host->worker_count && (item->facts_bytes > 0) == (facts != NULL));
    weft_assert(whole_bytes % ALIGNMENT == 0);
    if (letters->next[to_worker] == NULL) {
        letters->next[to_worker] = letter_try_new(letters);
    }
    struct letter *letter = letters->next[to_worker];
    if (letter == NULL) {
        return false;
    }
    uint8_t *to = weft_buffer_reserve(&letter->items, whole_bytes);
    letter->items.is_failed = false;
    if (to == NULL) {
        return false;
    }
    memcpy(to, item, sizeof *item);
    if (facts != NULL) {
        memcpy(to + sizeof *item, facts, item->facts_bytes);
    }
    letter->items.length += whole_bytes;
    charge(letter);
    if (letter->items.length >= LETTER_BYTES_MAX && to_worker != host->worker_index) {
        send(letters, to_worker);
    }
    return true;
}

static void read_own(struct weft_letters *letters, uint32_t own)
{
    while (letters->next[own] != NULL && letters->next[own]->items.length > 0) {
        struct letter *letter = letters->next[own];
        letters->next[own] = NULL;
        read_items(letters->join, &letter->items);
        keep_or_free(letter);
    }
}

void weft_letters_send(struct weft_letters *letters)
{
    uint32_t own = letters->join->stage.host->worker_index;
    if (letters->is_reading) {
        return; /* whoever reads reads on */
    }
    letters->is_reading = true;
    read_own(letters, own);
    if (letters->join->groups != NULL) {
        weft_groups_look_again(letters->join->groups);
        read_own(letters, own);
    }
    letters->is_reading = false;
    for (uint32_t i = 0; i < letters->join->stage.host->worker_count; i++) {
        if (i != own && letters->next[i] != NULL && letters->next[i]->items.length > 0) {
            send(letters, i);
        }
    }
}

/* ---- life ---- */

struct weft_letters *weft_letters_new(struct weft_join *join)
{
    uint32_t worker_count = join->stage.host->worker_count;
    struct weft_letters *letters = weft_alloc(sizeof *letters + worker_count * sizeof(struct letter *));
    letters->join = join;
    weft_list_init(&letters->spare);
    return letters;
}

void weft_letters_free(struct weft_letters *letters)
{
    struct weft_list *node = NULL;
    while ((node = weft_list_pop_front(&letters->spare)) != NULL) {
        letter_free(WEFT_CONTAINER_OF(node, struct letter, node));
    }
    for (uint32_t i = 0; i < letters->join->stage.host->worker_count; i++) {
        if (letters->next[i] != NULL) {
            letter_free(letters->next[i]);
        }
    }
    weft_assert(letters->size_bytes == 0);
    weft_free(letters);
}

size_t weft_letters_size_bytes(const struct weft_letters *letters)
{
    return letters->size_bytes;
}
