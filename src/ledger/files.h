#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The files of the ledger: ledger.weft, locked by the process that counts in it, and, where there is none yet or it
 * cannot be gone on with, a new one beside it that takes the name when it is whole. */
struct weft_ledger_files {
    char *path;         /* directory/ledger.weft */
    int descriptor;     /* the locked file that has the name; -1: none */
    char *path_new;     /* NULL: none under way */
    int descriptor_new; /* -1: none */
};

/* Opens and locks what is there (nothing is not an error). WEFT_CLOSED: another process has it; WEFT_IO. */
enum weft_status weft_ledger_files_open(const char *directory, struct weft_ledger_files *out_files,
                                        struct weft_error *error) WEFT_MUST_CHECK;
void weft_ledger_files_fini(struct weft_ledger_files *files);

enum weft_status weft_ledger_files_size(const struct weft_ledger_files *files, size_t *out_size_bytes,
                                        struct weft_error *error) WEFT_MUST_CHECK;

/* The first length bytes, to memory that the caller frees. WEFT_NOMEM, WEFT_IO. */
enum weft_status weft_ledger_files_read(const struct weft_ledger_files *files, size_t length, uint8_t **out_bytes,
                                        struct weft_error *error) WEFT_MUST_CHECK;

/* The new file, locked and empty, under a name that was free; a link is never followed, what a killed process left is
 * taken away. */
enum weft_status weft_ledger_files_create(struct weft_ledger_files *files, struct weft_error *error) WEFT_MUST_CHECK;

/* Takes the new file away again, if there is one. */
void weft_ledger_files_discard(struct weft_ledger_files *files);

/* The new file takes the name, whole or not at all. */
enum weft_status weft_ledger_files_publish(struct weft_ledger_files *files, struct weft_error *error) WEFT_MUST_CHECK;

/* Keeps the present file as ledger.weft.bad, .bad.1, ... (the first that is free) and logs why. */
void weft_ledger_files_set_aside(const struct weft_ledger_files *files, const char *reason);

/* Makes a file as long as this, without blocks. */
enum weft_status weft_ledger_files_extend(int descriptor, size_t size_bytes, struct weft_error *error) WEFT_MUST_CHECK;

/* Blocks for a range: a disk that fills up later would turn a store to the mapping into a fault. */
enum weft_status weft_ledger_files_reserve(int descriptor, size_t offset, size_t length,
                                           struct weft_error *error) WEFT_MUST_CHECK;
enum weft_status weft_ledger_files_map(int descriptor, size_t size_bytes, uint8_t **out_mapping,
                                       struct weft_error *error) WEFT_MUST_CHECK;
