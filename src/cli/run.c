/* `weft --config FILE`: the agent. */
#include <getopt.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/openssl.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "config/duration.h"
#include "net/descriptors.h"
#include "worker/agent.h"

enum { OPTION_SET = 256, OPTION_GATES, OPTION_STATE, OPTION_SHUTDOWN, OPTION_RELOAD };

static const int64_t log_patience_ns = 1 * WEFT_NS_PER_S;

static const struct option options[] = {
    { "config", required_argument, NULL, 'c' },
    { "set", required_argument, NULL, OPTION_SET },
    { "feature-gates", required_argument, NULL, OPTION_GATES },
    { "state-dir", required_argument, NULL, OPTION_STATE },
    { "shutdown-timeout", required_argument, NULL, OPTION_SHUTDOWN },
    { "reload-timeout", required_argument, NULL, OPTION_RELOAD },
    { NULL, 0, NULL, 0 },
};

static bool read_duration(const char *name, const char *text, int64_t *out_ns)
{
    if (!weft_duration_parse(text, out_ns) || *out_ns < 0) {
        fprintf(stderr, "weft: --%s: \"%s\" is not a duration (like 300ms, 5s or 1m30s)\n", name, text);
        return false;
    }
    return true;
}

/* 0 = go on; else the exit status. */
static int read_options(int argument_count, char **arguments, struct weft_cli_sources *sources,
                        struct weft_agent_options *agent)
{
    int letter;
    bool is_good = true;
    while (is_good && (letter = getopt_long(argument_count, arguments, "c:", options, NULL)) != -1) {
        switch (letter) {
        case 'c':
            weft_cli_sources_add_config(sources, optarg);
            break;
        case OPTION_SET:
            weft_cli_sources_add_set(sources, optarg);
            break;
        case OPTION_GATES:
            weft_cli_sources_add_gates(sources, optarg);
            break;
        case OPTION_STATE:
            agent->state_directory = optarg[0] == '\0' ? NULL : optarg;
            break;
        case OPTION_SHUTDOWN:
            is_good = read_duration("shutdown-timeout", optarg, &agent->shutdown_timeout_ns);
            break;
        case OPTION_RELOAD:
            is_good = read_duration("reload-timeout", optarg, &agent->reload_timeout_ns);
            break;
        default:
            is_good = false;
        }
    }
    if (!is_good || optind < argument_count || sources->config_count == 0) {
        weft_cli_print_usage(stderr, "run");
        return 2;
    }
    return 0;
}

/* Connections and log files are many; the usual soft limit of 1,024 is for programs that use select(). */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    weft_descriptors_init();
}

int weft_cli_run(int argument_count, char **arguments)
{
    weft_alloc_set_up();
    weft_openssl_set_up();
    raise_file_limit();
    /* They stay: a reload that stands when the agent ends may look at them once more. */
    static struct weft_cli_sources sources;
    static struct weft_agent_options agent;
    agent = (struct weft_agent_options){ .state_directory = weft_cli_state_directory(),
                                         .shutdown_timeout_ns = 10 * WEFT_NS_PER_S,
                                         .reload_timeout_ns = 30 * WEFT_NS_PER_S };
    int status = read_options(argument_count, arguments, &sources, &agent);
    if (status == 0) {
        struct weft_error error = WEFT_ERROR_NONE;
        agent.sources = weft_cli_sources_view(&sources);
        weft_log_start_thread();
        if (weft_agent_run(&agent, &error) != WEFT_OK) {
            weft_log(ERROR, "agent.failed", error.text);
            status = 1;
        }
        weft_log_end_thread(log_patience_ns);
    }
    return status;
}
