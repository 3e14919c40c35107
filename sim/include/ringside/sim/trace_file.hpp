// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What happens in a run, in files, for `ringside run` and for the OpenSSL module: as text for
// comparing, as JSON for Perfetto (ui.perfetto.dev), as waveforms for GTKWave. Payloads and keys
// are in none of them but as digests. docs/traces.md shows how to read them.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringside/base/trace.hpp"

namespace ringside::sim {

enum class TraceFormat : std::uint8_t {
    /// Every event, one line each: time in ps, kind, queue, id, digest. The last line is the hash
    /// of the lines before (TraceHash), and says that none is missing.
    text,
    /// Chrome's trace event format. The last most_events of a run, whole operations only.
    chrome,
    /// Value change dump (IEEE 1364-2005, 18).
    vcd,
};

/// By the name: .json is chrome, .vcd is vcd, and all else text.
TraceFormat trace_format_of(std::string_view path);

/// How many events TraceFormat::chrome keeps in memory until the end.
inline constexpr std::size_t most_events = 1'000'000;

/// What waveforms may show; bits.
enum class Signal : std::uint8_t {
    state = 1 << 0,      ///< CSTS.STATE
    in_flight = 1 << 1,  ///< of each queue pair: submitted and not yet reaped
    credits = 1 << 2,    ///< of each queue pair: what may still be submitted
    doorbell = 1 << 3,   ///< of each queue pair: the tail that the device has seen
    msix = 1 << 4,       ///< of each vector: a message (an event), and the pending bit
    slices = 1 << 5,     ///< of each class: how many are busy
};
struct NamedSignal {
    std::string_view name;
    Signal signal;
};
/// All of them, for command lines.
const std::vector<NamedSignal>& signals();
inline constexpr unsigned all_signals = (1 << 6) - 1;

/// One way of writing events down.
class TraceWriter;

class TraceFiles {
  public:
    /// Listens to the trace, which must outlive it. `queue_pairs`: how many waveforms show, the
    /// admin queue included.
    TraceFiles(Trace& trace, std::uint32_t queue_pairs);
    /// As finish().
    ~TraceFiles();
    TraceFiles(const TraceFiles&) = delete;
    TraceFiles& operator=(const TraceFiles&) = delete;

    /// From now on. The file is made anew, mode 0600; a FIFO or a character device that is there
    /// is written to. False: it cannot be (errno says why; ELOOP: it is a link to a regular file or
    /// to nothing, EACCES also: it is somebody else's FIFO, device or link).
    bool open(const std::string& path, TraceFormat format, unsigned shown = all_signals);
    /// Stops listening and completes the files. False: one could not be written in full.
    bool finish();

  private:
    Trace& trace_;
    std::uint32_t queue_pairs_;
    std::vector<std::unique_ptr<TraceWriter>> writers_;
};

/// The events that a trace has kept although nobody listened (Trace::recent()), as
/// TraceFormat::chrome: for the moment when something went wrong. The path as for
/// TraceFiles::open(). False: not or not all could be written (errno says why).
bool write_recent(const Trace& trace, const std::string& path);

}  // namespace ringside::sim
