/* Faces (stage.h): the consumers by which pipelines enter a stage, and the way out of it. A face holds nothing. */
#include "base/alloc.h"
#include "base/assert.h"
#include "pipeline/stage_internal.h"

struct weft_face {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    struct weft_stage_outlet *outlet;
    struct weft_list node; /* in outlet->faces */
};

static const struct weft_consumer_operations face_operations;

static struct weft_face *face_of(const struct weft_consumer *consumer)
{
    weft_assert(consumer->operations == &face_operations);
    return WEFT_CONTAINER_OF(consumer, struct weft_face, consumer);
}

static bool leads_out(const struct weft_face *face)
{
    return face->outlet->face == face;
}

static enum weft_status face_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                     struct weft_error *error)
{
    struct weft_stage_outlet *outlet = face_of(consumer)->outlet;
    weft_check_magic(outlet, stage_outlet);
    /* The word of another worker's core may have changed, and its notice not be here yet. */
    weft_stage_outlet_update_open(outlet);
    if (!consumer->is_open) {
        return weft_fail(error, WEFT_CLOSED, "%s takes no more for now", consumer->id);
    }
    return outlet->stage->operations->consume(outlet->stage, outlet, own_batch, error);
}

static void face_next_changed(struct weft_consumer *consumer)
{
    struct weft_face *face = face_of(consumer);
    const struct weft_stage_operations *operations = face->outlet->stage->operations;
    if (leads_out(face) && operations->on_next_changed != NULL) {
        operations->on_next_changed(face->outlet->stage, face->outlet);
    }
}

static void face_drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    struct weft_face *face = face_of(consumer);
    if (leads_out(face)) {
        face->outlet->stage->operations->drain(face->outlet->stage, face->outlet, reason, is_forced);
    }
}

static void face_free(struct weft_consumer *consumer)
{
    struct weft_face *face = face_of(consumer);
    struct weft_stage_outlet *outlet = face->outlet;
    weft_list_remove(&face->node);
    if (leads_out(face)) {
        outlet->face = NULL;
    }
    weft_consumer_fini(consumer);
    weft_free(face);
    if (weft_list_is_empty(&outlet->faces)) {
        weft_stage_outlet_free(outlet);
    }
}

static const struct weft_consumer_operations face_operations = {
    .consume = face_consume,
    .on_next_changed = face_next_changed,
    .drain = face_drain,
    .free = face_free,
};

struct weft_consumer *weft_face_new(struct weft_stage *stage, const struct weft_account *in_flight,
                                    enum weft_signal signal, struct weft_consumer *next)
{
    weft_assert(in_flight->kind == WEFT_ACCOUNT_IN_FLIGHT && next != NULL);
    struct weft_stage_outlet *outlet = weft_stage_outlet_find(stage, in_flight->pipeline);
    weft_assert(outlet == NULL || outlet->signal == signal);
    struct weft_face *face = weft_alloc(sizeof *face);
    face->outlet = outlet != NULL ? outlet : weft_stage_outlet_new(stage, in_flight->pipeline, signal);
    weft_consumer_init(&face->consumer, &face_operations, stage->host, stage->identity->id);
    face->consumer.held_account = face->outlet->held;
    face->next = next;
    weft_list_push_back(&face->outlet->faces, &face->node);
    weft_consumer_connect(&face->consumer, &face->next, 1);
    weft_stage_outlet_update_open(face->outlet);
    return &face->consumer;
}

void weft_face_attach(struct weft_consumer *consumer)
{
    struct weft_face *face = face_of(consumer);
    face->outlet->face = face;
    face_next_changed(consumer);
}

uint64_t weft_face_held(const struct weft_consumer *consumer)
{
    const struct weft_face *face = face_of(consumer);
    return leads_out(face) ? weft_stage_outlet_held(face->outlet) : 0;
}

/* Asks again for each face: what feeds one that has just opened may have filled the core. */
void weft_stage_outlet_update_open(struct weft_stage_outlet *outlet)
{
    weft_check_magic(outlet, stage_outlet);
    weft_assert(weft_host_is_here(outlet->stage->host));
    WEFT_LIST_EACH(node, &outlet->faces)
    {
        struct weft_face *face = face_of(&WEFT_CONTAINER_OF(node, struct weft_face, node)->consumer);
        weft_assert(face->outlet == outlet);
        weft_consumer_set_open(&face->consumer, weft_stage_outlet_may_take(outlet));
    }
}

bool weft_stage_outlet_is_next_open(const struct weft_stage_outlet *outlet)
{
    return outlet->face != NULL && outlet->face->next->is_open;
}

enum weft_status weft_stage_outlet_pass_on(struct weft_stage_outlet *outlet, struct weft_batch **own_batch,
                                           struct weft_error *error)
{
    weft_check_magic(outlet, stage_outlet);
    weft_assert(outlet->face != NULL && weft_host_is_here(outlet->stage->host));
    struct weft_host *host = outlet->stage->host;
    weft_host_book(host, outlet->release_flow, (*own_batch)->weight);
    enum weft_status status = weft_consumer_consume(outlet->face->next, own_batch, error);
    if (status != WEFT_OK) {
        weft_host_book(host, outlet->hold_flow, (*own_batch)->weight);
    }
    return status;
}
