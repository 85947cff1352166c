/* `workers: auto` (cpu_quota.h): a container's quota counts, not the node's processors. */
#include "worker/cpu_quota.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

static uint32_t affinity_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

/* "max 100000" or "150000 100000"; 0 = no quota. */
static double quota_v2(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    double quota = 0;
    double period = 0;
    if (file != NULL) {
        if (fscanf(file, "%lf %lf", &quota, &period) != 2) {
            quota = 0;
        }
        fclose(file);
    }
    return quota > 0 && period > 0 ? quota / period : 0;
}

static double read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    double number = 0;
    if (file != NULL) {
        if (fscanf(file, "%lf", &number) != 1) {
            number = 0;
        }
        fclose(file);
    }
    return number;
}

static double quota_v1(void)
{
    double quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    double period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : 0;
}

uint32_t weft_cpu_quota(void)
{
    uint32_t count = affinity_count();
    double quota = quota_v2();
    if (quota == 0) {
        quota = quota_v1();
    }
    if (quota > 0 && quota < count) {
        count = quota < 1 ? 1 : (uint32_t)quota;
    }
    return count == 0 ? 1 : count;
}
