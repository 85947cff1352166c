#pragma once

#include <stdint.h>

/* Processors that this process may use: its affinity mask, cut by the cgroup's CPU quota (v2 cpu.max, v1 cfs_quota_us),
 * rounded down, at least 1. */
uint32_t weft_cpu_quota(void);
