// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The formats behind TraceFiles: each takes every event of a run and writes a file.

#include <memory>
#include <string>

#include "ringside/base/trace.hpp"
#include "ringside/sim/trace_file.hpp"

namespace ringside::sim {

/// A file of which nothing is in stdio's buffers, which a forked child would write again.
class OutputFile {
  public:
    /// Negative: open() failed, errno says why.
    explicit OutputFile(const std::string& path);
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    ~OutputFile();

    bool is_open() const { return fd_ >= 0; }
    /// As printf().
    [[gnu::format(printf, 2, 3)]] void print(const char* format, ...);
    /// False: something could not be written: a full disk is no reason to stop a device.
    bool flush();

  private:
    int fd_;
    bool whole_ = true;
    std::string text_;  ///< not yet written
};

class TraceWriter {
  public:
    virtual ~TraceWriter() = default;
    /// Events come in the order in which they were recorded; in live time their times need not.
    virtual void add(const TraceEvent& event) = 0;
    /// No more events come. False: the file is not whole.
    virtual bool finish() = 0;
};

std::unique_ptr<TraceWriter> make_text_writer(std::unique_ptr<OutputFile> file, const Trace& trace);
/// `missing`: events before the first one that is added.
std::unique_ptr<TraceWriter> make_chrome_writer(std::unique_ptr<OutputFile> file,
                                                const Trace& trace, std::uint64_t missing = 0);
std::unique_ptr<TraceWriter> make_vcd_writer(std::unique_ptr<OutputFile> file, const Trace& trace,
                                             std::uint32_t queue_pairs, unsigned shown);

}  // namespace ringside::sim
