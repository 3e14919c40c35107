// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/trace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "trace_writer.hpp"

namespace ringside::sim {
namespace {

constexpr std::size_t flushed_at = std::size_t{1} << 16;

class TextWriter final : public TraceWriter {
  public:
    TextWriter(std::unique_ptr<OutputFile> file, const Trace& trace) : file_(std::move(file)) {
        file_->print("# ringside trace, seed %" PRIu64 ": time_ps kind queue id digest\n",
                     trace.seed());
    }

    void add(const TraceEvent& event) override {
        hash_.add(event);
        file_->print("%" PRId64 " %s %u %" PRIu64 " %016" PRIx64 "\n", to_ps(event.time),
                     to_string(event.kind).data(), static_cast<unsigned>(event.queue), event.id,
                     event.digest);
    }
    bool finish() override {
        file_->print("# hash %016" PRIx64 "\n", hash_.value());
        return file_->flush();
    }

  private:
    std::unique_ptr<OutputFile> file_;
    TraceHash hash_;
};

int fail_with(int error) {
    errno = error;
    return -1;
}

/// A FIFO or a character device that is there, also behind links (/dev/stdout). A link to a regular
/// file is not followed: who may write to the folder of a trace could have put it there to have
/// that file overwritten; nor replaced, as it may be the user's own. Nor does anything of somebody
/// else's get to see a trace.
int open_in_place(const char* path, const struct stat& found) {
    if (found.st_uid != geteuid() && found.st_uid != 0) {
        return fail_with(EACCES);
    }
    const int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? fail_with(ELOOP) : fd;
    }
    struct stat opened {};
    if (fstat(fd, &opened) != 0 || !(S_ISFIFO(opened.st_mode) || S_ISCHR(opened.st_mode))) {
        close(fd);
        return fail_with(S_ISLNK(found.st_mode) ? ELOOP : EINVAL);
    }
    return fd;
}

/// Negative: errno says why.
int open_for_output(const char* path) {
    struct stat found {};
    if (lstat(path, &found) == 0) {
        if (!S_ISREG(found.st_mode)) {
            return open_in_place(path, found);
        }
        if (unlink(path) != 0) {  // so that the mode is ours, whoever made the old one
            return -1;
        }
    }
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

}  // namespace

// ---- OutputFile ----

OutputFile::OutputFile(const std::string& path) : fd_(open_for_output(path.c_str())) {}

OutputFile::~OutputFile() {
    if (is_open()) {
        flush();
        close(fd_);
    }
}

void OutputFile::print(const char* format, ...) {
    std::array<char, 512> line;
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
    va_end(arguments);
    whole_ &= length >= 0 && static_cast<std::size_t>(length) < line.size();
    text_ += line.data();
    if (text_.size() >= flushed_at) {
        flush();
    }
}

bool OutputFile::flush() {
    const char* from = text_.data();
    std::size_t left = text_.size();
    while (left != 0) {
        const ssize_t written = ::write(fd_, from, left);
        if (written < 0 && errno != EINTR) {
            whole_ = false;
            break;
        }
        const auto step = static_cast<std::size_t>(written > 0 ? written : 0);
        from += step;
        left -= step;
    }
    text_.clear();
    return whole_;
}

// ---- TraceFiles ----

TraceFormat trace_format_of(std::string_view path) {
    return path.ends_with(".json")  ? TraceFormat::chrome
           : path.ends_with(".vcd") ? TraceFormat::vcd
                                    : TraceFormat::text;
}

const std::vector<NamedSignal>& signals() {
    static const std::vector<NamedSignal> all = {
        {"state", Signal::state},     {"in_flight", Signal::in_flight},
        {"credits", Signal::credits}, {"doorbell", Signal::doorbell},
        {"msix", Signal::msix},       {"slices", Signal::slices},
    };
    return all;
}

std::unique_ptr<TraceWriter> make_text_writer(std::unique_ptr<OutputFile> file,
                                              const Trace& trace) {
    return std::make_unique<TextWriter>(std::move(file), trace);
}

TraceFiles::TraceFiles(Trace& trace, std::uint32_t queue_pairs)
    : trace_(trace), queue_pairs_(queue_pairs) {}

TraceFiles::~TraceFiles() {
    finish();
}

bool TraceFiles::open(const std::string& path, TraceFormat format, unsigned shown) {
    auto file = std::make_unique<OutputFile>(path);
    if (!file->is_open()) {
        return false;
    }
    trace_.listen({});
    writers_.push_back(format == TraceFormat::text ? make_text_writer(std::move(file), trace_)
                       : format == TraceFormat::chrome
                           ? make_chrome_writer(std::move(file), trace_)
                           : make_vcd_writer(std::move(file), trace_, queue_pairs_, shown));
    trace_.listen([this](const TraceEvent& event) {
        for (const auto& writer : writers_) {
            writer->add(event);
        }
    });
    return true;
}

bool TraceFiles::finish() {
    if (writers_.empty()) {
        return true;
    }
    trace_.listen({});
    bool whole = true;
    for (const auto& writer : std::exchange(writers_, {})) {
        whole &= writer->finish();
    }
    return whole;
}

bool write_recent(const Trace& trace, const std::string& path) {
    auto file = std::make_unique<OutputFile>(path);
    if (!file->is_open()) {
        return false;
    }
    const auto events = trace.recent();
    const auto writer =
        make_chrome_writer(std::move(file), trace, trace.event_count() - events.size());
    for (const TraceEvent& event : events) {
        writer->add(event);
    }
    return writer->finish();
}

}  // namespace ringside::sim
