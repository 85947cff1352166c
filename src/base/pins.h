#pragma once

#include "base/payload.h"

/* Payloads that stay in place because records that somebody keeps lie in them (base/slab.h). A pin is one payload; it
 * ends with its last claim. Nothing is copied. The price is that the payload stays whole for the last of them, so pins
 * know how much they hold and how much of it is claimed, and who owns the records copies them out where that is little.
 *
 * Claims cost no memory. The budget is charged for the table of pins; payloads have been charged by their pool. One
 * worker, that of the payloads. */
struct weft_pins;

typedef uint32_t weft_pin_id; /* 0 = none */

/* budget outlives the pins. */
struct weft_pins *weft_pins_new(struct weft_budget *budget);

/* All pins must have ended. */
void weft_pins_free(struct weft_pins *pins);

/* A pin that takes a reference and has one claim, of no bytes, which is the caller's. WEFT_NOMEM changes nothing. */
enum weft_status weft_pins_add(struct weft_pins *pins, struct weft_payload *payload,
                               weft_pin_id *out_pin) WEFT_MUST_CHECK;

/* One more claim, on so many of its bytes. */
void weft_pins_claim(struct weft_pins *pins, weft_pin_id pin, size_t length);

/* One claim, on so many bytes, ends, and with the last one the pin. */
void weft_pins_unclaim(struct weft_pins *pins, weft_pin_id pin, size_t length);

/* Good while somebody has a claim. */
const struct weft_payload *weft_pins_at(const struct weft_pins *pins, weft_pin_id pin);

/* What the pinned payloads have resident, and the table. */
size_t weft_pins_size_bytes(const struct weft_pins *pins);

/* The part of it that is not claimed. */
size_t weft_pins_unclaimed_bytes(const struct weft_pins *pins);
