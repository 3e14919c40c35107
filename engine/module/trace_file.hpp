// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Every event of a run, one line each, for reading and for comparing: time in ps, kind, queue, id,
// digest. Payloads and keys are in it as digests only. The last line is the hash of the lines
// before (TraceHash), and says that none is missing.

#include <memory>
#include <string>

#include "ringside/base/trace.hpp"

namespace ringside::engine {

class TraceFile {
  public:
    /// Begins to record. Null: the file cannot be written (errno says why). It is made anew, mode
    /// 0600.
    static std::unique_ptr<TraceFile> open(const std::string& path, Trace& trace);
    /// Stops recording; before the Trace is gone.
    ~TraceFile();
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;

  private:
    TraceFile(int fd, Trace& trace);
    void write(const TraceEvent& event);
    void flush();

    int fd_;
    Trace& trace_;
    TraceHash hash_;
    std::string text_;  ///< not yet written; not stdio's, which a forked child would write again
};

}  // namespace ringside::engine
