/* Reads service.workers and service.wake_interval (worker_config.h); the agent calls it at each load. */
#include "worker/worker_config.h"

#include <string.h>

#include "base/clock.h"
#include "config/duration.h"
#include "worker/cpu_quota.h"

static const int64_t longest_wake_interval_ns = 100 * WEFT_NS_PER_MS;

static bool is_absent(const struct weft_node *node)
{
    return node == NULL || weft_node_kind(node) == WEFT_NODE_NULL;
}

static enum weft_status read_worker_count(const struct weft_node *node, uint32_t *out_count, struct weft_error *error)
{
    const char *text = weft_node_text(node);
    if (text != NULL && strcmp(text, "auto") == 0) {
        *out_count = weft_cpu_quota();
        return WEFT_OK;
    }
    uint64_t count = 0;
    if (weft_node_kind(node) != WEFT_NODE_INT || !weft_node_get_uint(node, &count) || count < 1 || count > 256) {
        return weft_node_fail(error, WEFT_INVALID, node, "workers is a number from 1 to 256, or auto");
    }
    *out_count = (uint32_t)count;
    return WEFT_OK;
}

static enum weft_status read_wake_interval(const struct weft_node *node, int64_t *out_ns, struct weft_error *error)
{
    const char *text = weft_node_text(node);
    int64_t ns = 0;
    if (text == NULL || !weft_duration_parse(text, &ns) || ns < 0 || ns > longest_wake_interval_ns) {
        return weft_node_fail(error, WEFT_INVALID, node, "wake_interval is a duration from 0s to 100ms");
    }
    *out_ns = ns;
    return WEFT_OK;
}

enum weft_status weft_worker_config_parse(const struct weft_settings *settings, struct weft_worker_config *out_config,
                                          struct weft_error *error)
{
    struct weft_worker_config config = { .worker_count = 1, .wake_interval_ns = 2 * WEFT_NS_PER_MS };
    enum weft_status status = WEFT_OK;
    if (!is_absent(settings->workers)) {
        status = read_worker_count(settings->workers, &config.worker_count, error);
    }
    if (status == WEFT_OK && !is_absent(settings->wake_interval)) {
        status = read_wake_interval(settings->wake_interval, &config.wake_interval_ns, error);
    }
    if (status == WEFT_OK) {
        *out_config = config;
    }
    return status;
}
