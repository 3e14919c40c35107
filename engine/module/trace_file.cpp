// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "trace_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>

namespace ringside::engine {
namespace {

constexpr std::size_t flushed_at = std::size_t{1} << 16;

}  // namespace

std::unique_ptr<TraceFile> TraceFile::open(const std::string& path, Trace& trace) {
    unlink(path.c_str());  // so that the mode is ours, whoever made the old one
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 ? std::unique_ptr<TraceFile>(new TraceFile(fd, trace)) : nullptr;
}

TraceFile::TraceFile(int fd, Trace& trace) : fd_(fd), trace_(trace) {
    text_ = "# ringside trace, seed " + std::to_string(trace_.seed()) +
            ": time_ps kind queue id digest\n";
    trace_.listen([this](const TraceEvent& event) { write(event); });
}

TraceFile::~TraceFile() {
    trace_.listen({});
    std::array<char, 64> line{};
    std::snprintf(line.data(), line.size(), "# hash %016" PRIx64 "\n", hash_.value());
    text_ += line.data();
    flush();
    close(fd_);
}

void TraceFile::write(const TraceEvent& event) {
    hash_.add(event);
    std::array<char, 128> line{};
    std::snprintf(line.data(), line.size(), "%" PRId64 " %s %u %" PRIu64 " %016" PRIx64 "\n",
                  to_ps(event.time), to_string(event.kind).data(),
                  static_cast<unsigned>(event.queue), event.id, event.digest);
    text_ += line.data();
    if (text_.size() >= flushed_at) {
        flush();
    }
}

void TraceFile::flush() {
    const char* from = text_.data();
    std::size_t left = text_.size();
    while (left != 0) {
        const ssize_t written = ::write(fd_, from, left);
        if (written < 0 && errno != EINTR) {
            break;  // a full disk is no reason to stop the device; the hash will not match
        }
        const auto step = static_cast<std::size_t>(written > 0 ? written : 0);
        from += step;
        left -= step;
    }
    text_.clear();
}

}  // namespace ringside::engine
