/* Lines into files (files.h). */
#include "load/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/bytes.h"

enum { FILES_MAX = 1024 };

struct files {
    const struct load_options *options;
    struct load_account *account;
    struct lines_template made;
    int descriptors[FILES_MAX];
};

static void open_all(struct files *files)
{
    const struct load_options *options = files->options;
    if (options->rate <= 0 || options->file_count == 0 || options->file_count > FILES_MAX) {
        bench_die("weft-load: --files needs a --rate, and --file-count from 1 to %d", FILES_MAX);
    }
    if (mkdir(options->files, 0755) != 0 && errno != EEXIST) {
        bench_die("weft-load: %s: %s", options->files, strerror(errno));
    }
    for (uint64_t i = 0; i < options->file_count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%llu.log", options->files, (unsigned long long)i);
        files->descriptors[i] = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (files->descriptors[i] < 0) {
            bench_die("weft-load: %s: %s", path, strerror(errno));
        }
    }
}

static void write_one(struct files *files, uint64_t index)
{
    struct bench_bytes *text = &files->made.text;
    lines_patch(&files->made, text->bytes, index * files->made.record_count, files->options->seed);
    ssize_t written = write(files->descriptors[index % files->options->file_count], text->bytes, text->length);
    if (written != (ssize_t)text->length) {
        bench_die("weft-load: a file takes no more: %s", strerror(errno));
    }
    files->account->sent_requests++;
    files->account->sent_bytes += text->length;
    account_acknowledge(files->account, index, (struct template_hash){ 0, 0 });
}

static void wait_until(int64_t at_ns)
{
    int64_t left = at_ns - bench_now_ns();
    if (left > 0) {
        struct timespec pause = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
        nanosleep(&pause, NULL);
    }
}

struct load_result files_run(const struct load_options *options, struct load_account *account)
{
    struct files files = { .options = options, .account = account };
    struct load_result result = { 0 };
    double user, system;
    open_all(&files);
    files.made = lines_build(options->lines, account->spans_per_request, options->seed);
    result.message_bytes = files.made.text.length;
    bench_cpu_seconds(&user, &system);
    double interval_ns = (double)account->spans_per_request * 1e9 / options->rate;
    uint64_t requests = options->spans > 0
                            ? (options->spans + account->spans_per_request - 1) / account->spans_per_request
                            : (uint64_t)(options->seconds * 1e9 / interval_ns);
    int64_t started_ns = bench_now_ns();
    for (uint64_t i = 0; i < requests; i++) {
        wait_until(started_ns + (int64_t)((double)i * interval_ns));
        write_one(&files, i);
    }
    result.elapsed_seconds = (double)(bench_now_ns() - started_ns) / 1e9;
    bench_cpu_seconds(&result.cpu_user_seconds, &result.cpu_system_seconds);
    result.cpu_user_seconds -= user;
    result.cpu_system_seconds -= system;
    return result; /* the process ends here; its memory goes with it */
}
