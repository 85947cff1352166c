"""What the kernel says: CPU clocks of processes, memory, and how much of the machine others take."""
import os
import platform
import time


def process_cpu_seconds(pid):
    """User and system CPU of a process, all threads, dead ones included, to the nanosecond (clock_getcpuclockid)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(word) for word in file.read().split()]
        except FileNotFoundError:
            pass
    return found


def tree(pid):
    pids = [pid]
    for child in children(pid):
        pids += tree(child)
    return pids


def tree_cpu_seconds(pid):
    return sum(process_cpu_seconds(one) for one in tree(pid))


def status_kib(pid, key):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def peak_rss_mib(pid):
    return sum(status_kib(one, "VmHWM") for one in tree(pid)) / 1024


def rss_mib(pid):
    return sum(status_kib(one, "VmRSS") for one in tree(pid)) / 1024


def voluntary_switches(pid):
    total = 0
    for one in tree(pid):
        for task in os.listdir(f"/proc/{one}/task"):
            with open(f"/proc/{one}/task/{task}/status") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return total


class Ticks:
    """A sample of /proc/stat; later.since(earlier) gives shares of all CPUs."""

    def __init__(self):
        with open("/proc/stat") as file:
            values = [int(word) for word in file.readline().split()[1:9]]
        self.idle = values[3] + values[4]
        self.steal = values[7]
        self.total = sum(values)

    def since(self, earlier):
        total = max(1, self.total - earlier.total)
        steal = (self.steal - earlier.steal) / total
        busy = 1 - (self.idle - earlier.idle) / total - steal
        return busy, steal


def wait_until_quiet(limit_seconds, share=0.10):
    """Waits until others take less than share of the machine; gives up after limit_seconds."""
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        before = Ticks()
        time.sleep(0.25)
        busy, steal = Ticks().since(before)
        if busy + steal < share:
            return True
    return False


def describe():
    model = "unknown"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version(),
            "date": time.strftime("%Y-%m-%d %H:%M:%S %z")}
