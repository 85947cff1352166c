#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "ledger/ledger.h"

/* The bytes of ledger.weft, version 2, in this order:
 *
 *   header | account table | flow table | worker 0: one cell per flow | worker 1 | ...
 *
 * Each part has room for as many entries as there are numbers, so that nothing ever moves; the file has holes, and only
 * the ranges in use have blocks, reserved before they are used. Native byte order: the file is read by the same
 * machine. It is written in place, also by the next process: every step is one store of eight bytes (a count with its
 * check, a flow), or lies where nothing refers to it yet, so that a kill between any two of them leaves a valid file.
 */
enum {
    WEFT_LEDGER_VERSION = 2,
    WEFT_LEDGER_PAGE_BYTES = 4096,
    WEFT_LEDGER_ACCOUNT_LIMIT = 16384,
    WEFT_LEDGER_WORKER_LIMIT = 1024,
    WEFT_LEDGER_WORD_BYTES = 32, /* a kind's or a reason's text */
    WEFT_LEDGER_CLASS_BYTES = 8,
    WEFT_LEDGER_SIGNAL_BYTES = 24,
};

/* The three counts are checked words: how many entries of each table have ever been used (freed ones among them), and
 * how many workers have a block of cells. */
struct weft_ledger_header {
    char magic[8];
    uint32_t version;
    uint32_t zero;
    uint64_t checksum; /* of the fields above */
    _Atomic uint64_t account_count;
    _Atomic uint64_t flow_count;
    _Atomic uint64_t worker_count;
};

/* What an account is, in words. Texts are padded with zeros, so that names compare as bytes. */
struct weft_ledger_name {
    char kind[WEFT_LEDGER_WORD_BYTES];
    char kind_class[WEFT_LEDGER_CLASS_BYTES]; /* for a build that does not know the kind */
    char reason[WEFT_LEDGER_WORD_BYTES];
    char signal[WEFT_LEDGER_SIGNAL_BYTES];
    char pipeline[WEFT_ACCOUNT_OWNER_BYTES];
    char owner[WEFT_ACCOUNT_OWNER_BYTES];
};

struct weft_ledger_account_entry {
    _Atomic uint64_t checksum; /* of the name; written last; 0 = free */
    struct weft_ledger_name name;
};

/* One image: the file's, or the one in memory that is counted in and read (ledger.c). A flow is 8 bytes so that it is
 * written at once: from, to, check; 0 = free, and flow 0 is never used. The file's cells are checked words, those in
 * memory plain totals; so are the header's counts. */
struct weft_ledger_image {
    uint8_t *bytes;
    size_t size_bytes;
    struct weft_ledger_header *header;
    struct weft_ledger_account_entry *accounts;
    _Atomic uint64_t *flows;
    _Atomic uint64_t *cells; /* worker w's cell of flow f: cells[w * WEFT_LEDGER_FLOW_LIMIT + f] */
};

size_t weft_ledger_image_size(uint32_t worker_count);

/* bytes: size_bytes of them, at the start of a page. */
void weft_ledger_image_point(struct weft_ledger_image *image, uint8_t *bytes, size_t size_bytes);

/* Offset in the image of a pointer into it. */
static inline size_t weft_ledger_image_offset(const struct weft_ledger_image *image, const volatile void *part)
{
    return (size_t)((const volatile uint8_t *)part - image->bytes);
}

/* The header of a file without accounts. */
void weft_ledger_header_seal(struct weft_ledger_header *header, uint32_t worker_count);

/* A header that was read, and the counts in it. WEFT_INVALID with the reason. */
enum weft_status weft_ledger_header_check(const struct weft_ledger_header *header, uint32_t *out_account_count,
                                          uint32_t *out_flow_count, uint32_t *out_worker_count,
                                          struct weft_error *error) WEFT_MUST_CHECK;

/* ---- words: a count of up to 50 bits and its check in one store, so that no kill falls between the two ---- */

enum {
    WEFT_LEDGER_CHECK_BITS = 14,
    WEFT_LEDGER_ACCOUNT_COUNT_POSITION = 1 << 20, /* beyond all flows: positions of the header's counts */
    WEFT_LEDGER_FLOW_COUNT_POSITION,
    WEFT_LEDGER_WORKER_COUNT_POSITION,
};

/* No run of 13 equal bits in here: so no single flipped bit of a count leaves the upper 13 bits of the product as they
 * were, and no flipped bit at all gives a valid word. The last bit is always 1: a word that was written is not 0, as
 * a page that was lost is. position: the flow, so that a word in another one's place is not valid there. */
#define WEFT_LEDGER_CHECK_FACTOR UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t weft_ledger_word(uint64_t total, uint64_t position)
{
    uint64_t product = (total + ((position + 1) << 40)) * WEFT_LEDGER_CHECK_FACTOR;
    return total << WEFT_LEDGER_CHECK_BITS | product >> 51 << 1 | 1;
}

static inline bool weft_ledger_word_read(uint64_t word, uint64_t position, uint64_t *out_total)
{
    uint64_t total = word >> WEFT_LEDGER_CHECK_BITS;
    if (word != weft_ledger_word(total, position)) {
        return false;
    }
    *out_total = total;
    return true;
}

/* ---- accounts and flows ---- */

uint64_t weft_ledger_name_checksum(const struct weft_ledger_name *name); /* never 0 */

/* Texts are cut to fit, a cut one ending in a hash so that it stays distinct. */
void weft_ledger_name_fill(struct weft_ledger_name *out_name, const struct weft_account *account);
void weft_ledger_name_set(char *out_text, size_t capacity, const char *text);
bool weft_ledger_name_is_same(const struct weft_ledger_name *left, const struct weft_ledger_name *right);

/* As this build understands it; strings borrowed. */
void weft_ledger_name_read(const struct weft_ledger_name *name, struct weft_ledger_balance *out_balance);

/* A class that this build does not know counts as STORE: nothing of it is taken for lost. */
enum weft_account_class weft_ledger_name_class(const struct weft_ledger_name *name);

/* Flows that do not fit share accounts of this owner. */
void weft_ledger_name_to_overflow(struct weft_ledger_name *name);
bool weft_ledger_name_is_overflow(const struct weft_ledger_name *name);

struct weft_ledger_flow_ends {
    uint16_t from, to; /* indices into the account table */
};

uint64_t weft_ledger_flow_pack(struct weft_ledger_flow_ends ends, uint32_t flow); /* never 0 */
bool weft_ledger_flow_is_valid(uint64_t entry, uint32_t flow);

static inline struct weft_ledger_flow_ends weft_ledger_flow_unpack(uint64_t entry)
{
    return (struct weft_ledger_flow_ends){ (uint16_t)entry, (uint16_t)(entry >> 16) };
}

/* ---- words of the enumerations (kinds.c); the COUNT of each for a text that no row has ---- */

enum weft_account_kind weft_account_kind_of_text(const char *text);
enum weft_drop_reason weft_drop_reason_of_text(const char *text);
enum weft_account_class weft_account_class_of(enum weft_account_kind kind);
const char *weft_account_class_text(enum weft_account_class account_class);
enum weft_account_class weft_account_class_of_text(const char *text);
