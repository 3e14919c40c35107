// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "memory.hpp"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "fixtures.hpp"

namespace ringside::bench {
namespace {

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0;
    std::size_t resident = 0;
    if (!(statm >> size >> resident)) {
        throw std::runtime_error("cannot read /proc/self/statm");
    }
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// How much more is resident with the jobs than without.
double growth(const testing::AsyncApi& api, std::size_t jobs) {
    PausingJobs(api, {1, 1}).start_all();  // what is needed only once
    PausingJobs paused(api, {1, jobs});
    malloc_trim(0);
    const double before = resident_bytes();
    paused.start_all();
    return resident_bytes() - before;
}

}  // namespace

double resident_bytes_per_job(const testing::AsyncApi& api, std::size_t jobs) {
    int ends[2];
    if (pipe(ends) != 0) {
        throw std::runtime_error("cannot make a pipe");
    }
    const pid_t child = fork();
    if (child == 0) {
        const double bytes = growth(api, jobs);
        const bool written = write(ends[1], &bytes, sizeof bytes) == sizeof bytes;
        _exit(written ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[1]);
    double bytes = 0;
    const bool answered = child > 0 && read(ends[0], &bytes, sizeof bytes) == sizeof bytes;
    close(ends[0]);
    if (child > 0) {
        waitpid(child, nullptr, 0);
    }
    if (!answered) {
        throw std::runtime_error("the child that measures memory failed");
    }
    return bytes / static_cast<double>(jobs);
}

}  // namespace ringside::bench
