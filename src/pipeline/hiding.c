/* What redactions leave of texts that are shown (hiding.h). One worker. */
#include "pipeline/hiding.h"

void weft_host_add_hiding(struct weft_host *host, struct weft_hiding *hiding)
{
    weft_assert(weft_host_is_here(host));
    hiding->next = host->hidings;
    host->hidings = hiding;
}

void weft_host_remove_hiding(struct weft_host *host, struct weft_hiding *hiding)
{
    weft_assert(weft_host_is_here(host));
    struct weft_hiding **at = &host->hidings;
    while (*at != hiding) {
        weft_assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = hiding->next;
}

struct weft_slice weft_host_hide(const struct weft_host *host, struct weft_slice key, struct weft_slice text)
{
    weft_assert(weft_host_is_here(host));
    for (struct weft_hiding *hiding = host->hidings; hiding != NULL && text.length > 0; hiding = hiding->next) {
        text = hiding->hide(hiding, key, text);
    }
    return text;
}

static bool is_plain(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' ||
           byte == '/' || byte == '-';
}

struct weft_slice weft_host_label(const struct weft_host *host, struct weft_slice service, uint8_t *room)
{
    if (host->hidings == NULL) {
        return service;
    }
    service = weft_host_hide_service(host, service);
    size_t length = service.length > WEFT_SERVICE_LABEL_BYTES ? WEFT_SERVICE_LABEL_BYTES : service.length;
    for (size_t i = 0; i < length; i++) {
        room[i] = is_plain(service.bytes[i]) ? service.bytes[i] : '*';
    }
    return weft_slice_of(room, length);
}
