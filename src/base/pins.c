/* Pins (pins.h): a table by number, with the free numbers in a list. */
#include "base/pins.h"

#include "base/alloc.h"
#include "base/assert.h"

struct pin {
    struct weft_payload *payload; /* a reference; NULL = the number is free */
    uint64_t claimed_bytes;
    uint32_t claim_count;
    weft_pin_id next_free;
};

struct weft_pins {
    struct weft_budget *budget;
    struct pin *table; /* by number - 1 */
    size_t capacity, used_count;
    weft_pin_id first_free;
    size_t resident_bytes, claimed_bytes;
};

struct weft_pins *weft_pins_new(struct weft_budget *budget)
{
    struct weft_pins *pins = weft_alloc(sizeof *pins);
    pins->budget = budget;
    return pins;
}

static size_t table_bytes(const struct weft_pins *pins)
{
    return pins->capacity * sizeof *pins->table;
}

void weft_pins_free(struct weft_pins *pins)
{
    weft_assert(pins->resident_bytes == 0 && pins->claimed_bytes == 0);
    weft_budget_release(pins->budget, table_bytes(pins));
    weft_free(pins->table);
    weft_free(pins);
}

static struct pin *pin_at(const struct weft_pins *pins, weft_pin_id id)
{
    weft_assert(id > 0 && id <= pins->used_count);
    struct pin *pin = &pins->table[id - 1];
    weft_assert(pin->claim_count > 0);
    return pin;
}

static enum weft_status take_number(struct weft_pins *pins, weft_pin_id *out_id)
{
    if (pins->first_free != 0) {
        *out_id = pins->first_free;
        pins->first_free = pins->table[pins->first_free - 1].next_free;
        return WEFT_OK;
    }
    size_t before = table_bytes(pins);
    enum weft_status status = weft_try_grow(&pins->table, sizeof *pins->table, pins->used_count, &pins->capacity);
    if (status != WEFT_OK) {
        return status;
    }
    weft_budget_charge(pins->budget, table_bytes(pins) - before);
    *out_id = (weft_pin_id)++pins->used_count;
    return WEFT_OK;
}

enum weft_status weft_pins_add(struct weft_pins *pins, struct weft_payload *payload, weft_pin_id *out_pin)
{
    enum weft_status status = take_number(pins, out_pin);
    if (status == WEFT_OK) {
        pins->table[*out_pin - 1] = (struct pin){ .payload = weft_payload_ref(payload), .claim_count = 1 };
        pins->resident_bytes += payload->resident;
    }
    return status;
}

void weft_pins_claim(struct weft_pins *pins, weft_pin_id id, size_t length)
{
    struct pin *pin = pin_at(pins, id);
    pin->claim_count++;
    pin->claimed_bytes += length;
    pins->claimed_bytes += length;
}

void weft_pins_unclaim(struct weft_pins *pins, weft_pin_id id, size_t length)
{
    struct pin *pin = pin_at(pins, id);
    weft_assert(pin->claimed_bytes >= length);
    pin->claimed_bytes -= length;
    pins->claimed_bytes -= length;
    if (--pin->claim_count == 0) {
        pins->resident_bytes -= pin->payload->resident;
        weft_payload_unref(&pin->payload);
        pin->next_free = pins->first_free;
        pins->first_free = id;
    }
}

const struct weft_payload *weft_pins_at(const struct weft_pins *pins, weft_pin_id id)
{
    return pin_at(pins, id)->payload;
}

size_t weft_pins_size_bytes(const struct weft_pins *pins)
{
    return pins->resident_bytes + table_bytes(pins);
}

size_t weft_pins_unclaimed_bytes(const struct weft_pins *pins)
{
    return pins->resident_bytes - pins->claimed_bytes;
}
