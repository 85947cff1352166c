#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "ledger/ledger.h"

/* The bytes of ledger.weft, in this order, each part on pages of its own:
 *
 *   header | account table | flow table | past: one total per flow | worker 0: one cell per flow | worker 1 | ...
 *
 * Native byte order: the file is read by the same machine. Everything but the cells and the two counts is immutable
 * once written and carries a checksum. A worker's cells share no page, and so no cache line, with another's; within a
 * worker they are packed, so that the hundred flows of a usual config touch one page per worker. */
enum {
    WEFT_LEDGER_VERSION = 1,
    WEFT_LEDGER_PAGE_BYTES = 4096,
    WEFT_LEDGER_ACCOUNT_LIMIT = 4096,
    WEFT_LEDGER_WORKER_LIMIT = 1024,
    WEFT_LEDGER_SIGNAL_BYTES = 24,
};

struct weft_ledger_header {
    char magic[8];
    uint32_t version;
    uint32_t worker_count;
    uint32_t past_count; /* flows with a past; the totals of the others are 0 */
    uint32_t zero;
    uint64_t past_checksum; /* of that many totals */
    uint64_t checksum;      /* of the fields above */
    _Atomic uint32_t account_count;
    _Atomic uint32_t flow_count;
};

struct weft_ledger_account_entry {
    uint64_t checksum; /* of the rest and of the entry's index; never 0 */
    uint8_t kind;
    uint8_t reason;
    uint8_t zero[6];
    char signal[WEFT_LEDGER_SIGNAL_BYTES]; /* texts are padded with zeros, so that entries compare as bytes */
    char pipeline[WEFT_ACCOUNT_OWNER_BYTES];
    char owner[WEFT_ACCOUNT_OWNER_BYTES];
};

struct weft_ledger_flow_entry {
    uint16_t from; /* indices into the account table */
    uint16_t to;
    uint32_t checksum; /* never 0 */
};

/* One mapped or read file, by its parts. */
struct weft_ledger_image {
    uint8_t *bytes;
    size_t size_bytes;
    struct weft_ledger_header *header;
    struct weft_ledger_account_entry *accounts;
    struct weft_ledger_flow_entry *flows;
    uint64_t *past;
    _Atomic uint64_t *cells; /* worker w's cell of flow f: cells[w * WEFT_LEDGER_FLOW_LIMIT + f] */
};

size_t weft_ledger_image_size(uint32_t worker_count);

/* bytes: as many as weft_ledger_image_size said, aligned to 8. */
void weft_ledger_image_point(struct weft_ledger_image *image, uint8_t *bytes, size_t size_bytes);

/* The immutable parts' checksums; call when past is final. */
void weft_ledger_image_seal(struct weft_ledger_image *image, uint32_t worker_count);

/* The header's and the past's part of the checks. WEFT_INVALID with the reason. size_bytes holds a header at least. */
enum weft_status weft_ledger_image_check(const struct weft_ledger_image *image,
                                         struct weft_error *error) WEFT_MUST_CHECK;

/* The account as the table keeps it (checksum 0): texts cut to fit, a cut one ending in a hash so that it stays
 * distinct. */
void weft_ledger_account_entry_fill(struct weft_ledger_account_entry *out_entry, const struct weft_account *account);
bool weft_ledger_account_entry_is_same(const struct weft_ledger_account_entry *left,
                                       const struct weft_ledger_account_entry *right);
void weft_ledger_account_entry_read(const struct weft_ledger_account_entry *entry, struct weft_account *out_account);
uint64_t weft_ledger_account_entry_checksum(const struct weft_ledger_account_entry *entry, size_t index);
uint32_t weft_ledger_flow_entry_checksum(const struct weft_ledger_flow_entry *entry, size_t index);

enum weft_account_class weft_account_class_of(enum weft_account_kind kind);

/* What a former process left: its flows with their totals over the past and all its workers. */
struct weft_ledger_former {
    struct weft_ledger_image image; /* heap; owned */
    uint32_t account_count;
    uint32_t flow_count;
    uint64_t *totals;   /* per flow; owned */
    uint64_t *balances; /* per account, memory accounts only; owned */
};

/* Takes the file's bytes over and checks all of them. WEFT_INVALID with the reason: to be set aside; WEFT_NOMEM. */
enum weft_status weft_ledger_former_read(uint8_t *own_bytes, size_t size_bytes, struct weft_ledger_former *out_former,
                                         struct weft_error *error) WEFT_MUST_CHECK;
void weft_ledger_former_fini(struct weft_ledger_former *former);

/* The two files of an opening: the former one, locked and open, and the new one, written beside it. */
struct weft_ledger_files {
    char *path;            /* directory/ledger.weft */
    char *path_new;        /* directory/ledger.weft.new */
    int former_descriptor; /* -1 once replaced */
    int descriptor;        /* the new file's, locked; -1 before */
};

/* Opens or creates and locks. The former bytes are read to the heap; NULL if there was no file. */
enum weft_status weft_ledger_files_open(const char *directory, struct weft_ledger_files *out_files,
                                        uint8_t **out_former_bytes, size_t *out_former_size,
                                        struct weft_error *error) WEFT_MUST_CHECK;

/* Keeps the former file as ledger.weft.bad and logs why. */
void weft_ledger_files_set_aside(const struct weft_ledger_files *files, const char *reason);

/* The new file, all of its blocks reserved, locked and mapped. */
enum weft_status weft_ledger_files_create(struct weft_ledger_files *files, size_t size_bytes, uint8_t **out_mapping,
                                          struct weft_error *error) WEFT_MUST_CHECK;

/* Puts the new file in the former one's place, whole or not at all. */
enum weft_status weft_ledger_files_commit(struct weft_ledger_files *files, struct weft_error *error) WEFT_MUST_CHECK;
void weft_ledger_files_fini(struct weft_ledger_files *files);
