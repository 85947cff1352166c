/* Reads service.workers and its neighbours (worker_config.h); the agent calls it at each load. */
#include "worker/worker_config.h"

#include <string.h>

#include "base/clock.h"
#include "config/byte_size.h"
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

static enum weft_status read_begun_count(const struct weft_node *node, const char *name, uint32_t *out_count,
                                         struct weft_error *error)
{
    uint64_t count = 0;
    if (is_absent(node)) {
        return WEFT_OK;
    }
    if (weft_node_kind(node) != WEFT_NODE_INT || !weft_node_get_uint(node, &count) || count < 1 || count > 100000000) {
        return weft_node_fail(error, WEFT_INVALID, node, "%s is a number from 1 to 100000000", name);
    }
    *out_count = (uint32_t)count;
    return WEFT_OK;
}

static enum weft_status read_begun_bytes(const struct weft_node *node, size_t *out_bytes, struct weft_error *error)
{
    uint64_t bytes = 0;
    if (is_absent(node)) {
        return WEFT_OK;
    }
    const char *text = weft_node_text(node);
    if (text == NULL || !weft_byte_size_parse(text, &bytes) || bytes < 1024 * 1024 || bytes > (uint64_t)1 << 40) {
        return weft_node_fail(error, WEFT_INVALID, node, "max_begun_bytes is a size from 1MiB to 1TiB");
    }
    *out_bytes = (size_t)bytes;
    return WEFT_OK;
}

static enum weft_status read_begun(const struct weft_settings *settings, struct weft_worker_config *config,
                                   struct weft_error *error)
{
    enum weft_status status =
        read_begun_count(settings->max_begun_requests, "max_begun_requests", &config->max_begun, error);
    if (status == WEFT_OK) {
        status = read_begun_count(settings->max_begun_requests_per_address, "max_begun_requests_per_address",
                                  &config->max_begun_per_address, error);
    }
    return status == WEFT_OK ? read_begun_bytes(settings->max_begun_bytes, &config->max_begun_bytes, error) : status;
}

enum weft_status weft_worker_config_parse(const struct weft_settings *settings, struct weft_worker_config *out_config,
                                          struct weft_error *error)
{
    struct weft_worker_config config = {
        .worker_count = 1, .wake_interval_ns = 2 * WEFT_NS_PER_MS, .max_begun = 10000, .max_begun_bytes = 64 << 20
    };
    enum weft_status status = WEFT_OK;
    if (!is_absent(settings->workers)) {
        status = read_worker_count(settings->workers, &config.worker_count, error);
    }
    if (status == WEFT_OK && !is_absent(settings->wake_interval)) {
        status = read_wake_interval(settings->wake_interval, &config.wake_interval_ns, error);
    }
    if (status == WEFT_OK) {
        status = read_begun(settings, &config, error);
    }
    if (status == WEFT_OK) {
        *out_config = config;
    }
    return status;
}
