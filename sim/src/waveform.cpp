// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Waveforms from the events of a run: IEEE 1364-2005, 18. Signals of events that only the device
// records (state, doorbell, messages, slices) have its times; those of the driver's ledger the
// driver's, which in live time is another clock: a change is never shown before one that was
// recorded earlier.

#include <algorithm>
#include <array>
#include <cinttypes>
#include <optional>
#include <utility>

#include "ringside/spec/registers.hpp"
#include "trace_writer.hpp"

namespace ringside::sim {
namespace {

constexpr std::uint32_t slice_classes = 2;
constexpr std::array<const char*, slice_classes> slice_names = {"symmetric_busy",
                                                                "asymmetric_busy"};

class VcdWriter final : public TraceWriter {
  public:
    VcdWriter(std::unique_ptr<OutputFile> file, const Trace& trace, std::uint32_t queue_pairs,
              unsigned shown)
        : file_(std::move(file)), shown_(shown), queues_(queue_pairs), vectors_(queue_pairs + 1) {
        file_->print("$version ringside $end\n$comment seed %" PRIu64
                     " $end\n$timescale 1 ps $end\n",
                     trace.seed());
        declare_all();
        file_->print("$enddefinitions $end\n#0\n$dumpvars\n");
        for (const Variable& variable : variables_) {
            if (variable.width != event_width) {
                write(variable);
            }
        }
        file_->print("$end\n");
    }

    void add(const TraceEvent& event) override {
        last_ = std::max(last_, event.time);
        switch (event.kind) {
            case TraceKind::device_state:
                set(state_, event.id);
                break;
            case TraceKind::mmio_write:
                note_ring_size(event);
                break;
            case TraceKind::doorbell:
                if (event.queue < queues_.size()) {
                    set(queues_[event.queue].tail, event.id);
                }
                break;
            case TraceKind::submit:
            case TraceKind::reap:
                count(event);
                break;
            case TraceKind::interrupt:
                note_message(event);
                break;
            case TraceKind::slices: {
                const auto slices = BusySlices::of(event.id);
                if (slices.slice_class < slice_classes) {
                    set(slices_[slices.slice_class], slices.busy);
                }
                break;
            }
            default:
                break;
        }
    }
    bool finish() override {
        if (last_ != written_) {
            file_->print("#%" PRId64 "\n", to_ps(last_));
        }
        return file_->flush();
    }

  private:
    static constexpr unsigned event_width = 0;

    struct Variable {
        unsigned width;
        std::optional<std::uint64_t> value;  ///< empty: not known
    };
    /// Index of a variable; empty: not shown.
    using Handle = std::optional<std::size_t>;
    struct Queue {
        Handle in_flight;
        Handle credits;
        Handle tail;
        std::uint64_t used = 0;
        std::optional<std::uint64_t> capacity;
    };
    struct Vector {
        Handle message;
        Handle pending;
    };

    static std::string code_of(std::size_t index) {
        std::string code;
        for (; code.empty() || index != 0; index /= 94) {
            code += static_cast<char>('!' + index % 94);
        }
        return code;
    }

    Handle declare(Signal signal, unsigned width, const std::string& name,
                   std::optional<std::uint64_t> value) {
        if ((shown_ & static_cast<unsigned>(signal)) == 0) {
            return std::nullopt;
        }
        variables_.push_back({width, value});
        const std::size_t index = variables_.size() - 1;
        file_->print("$var %s %u %s %s $end\n", width == event_width ? "event" : "reg",
                     std::max(width, 1u), code_of(index).c_str(), name.c_str());
        return index;
    }

    void declare_all() {
        file_->print("$scope module rs1 $end\n");
        state_ = declare(Signal::state, 4, "state", 0);
        for (std::uint32_t i = 0; i < slice_classes; ++i) {
            slices_[i] = declare(Signal::slices, 8, slice_names[i], 0);
        }
        for (std::size_t q = 0; q < queues_.size(); ++q) {
            file_->print("$scope module queue_%zu $end\n", q);
            queues_[q].in_flight = declare(Signal::in_flight, 13, "in_flight", 0);
            queues_[q].credits = declare(Signal::credits, 13, "credits", std::nullopt);
            queues_[q].tail = declare(Signal::doorbell, 12, "doorbell", 0);
            file_->print("$upscope $end\n");
        }
        for (std::size_t v = 0; v < vectors_.size(); ++v) {
            file_->print("$scope module vector_%zu $end\n", v);
            vectors_[v].message = declare(Signal::msix, event_width, "message", std::nullopt);
            vectors_[v].pending = declare(Signal::msix, 1, "pending", 0);
            file_->print("$upscope $end\n");
        }
        file_->print("$upscope $end\n");
    }

    void write(const Variable& variable) {
        const auto code = code_of(static_cast<std::size_t>(&variable - variables_.data()));
        if (!variable.value) {
            file_->print("bx %s\n", code.c_str());
        } else if (variable.width <= 1) {
            file_->print("%u%s\n", static_cast<unsigned>(*variable.value), code.c_str());
        } else {
            std::string bits;
            for (unsigned bit = variable.width; bit-- != 0;) {
                bits += (*variable.value >> bit & 1) != 0 ? '1' : '0';
            }
            file_->print("b%s %s\n", bits.c_str(), code.c_str());
        }
    }

    void set(Handle handle, std::uint64_t value) {
        if (!handle) {
            return;
        }
        Variable& variable = variables_[*handle];
        if (variable.width != event_width && variable.value == value) {
            return;
        }
        variable.value = value;
        if (last_ != written_) {
            written_ = last_;
            file_->print("#%" PRId64 "\n", to_ps(last_));
        }
        write(variable);
    }

    void note_ring_size(const TraceEvent& event) {
        for (std::size_t q = 0; q < queues_.size(); ++q) {
            if (event.id == spec::at("Q_SIZE").of(static_cast<std::uint32_t>(q))) {
                queues_[q].capacity = spec::field("Q_SIZE", "SQ").get(event.digest);
                show_credits(queues_[q]);
            }
        }
    }

    void count(const TraceEvent& event) {
        if (event.queue >= queues_.size()) {
            return;
        }
        Queue& queue = queues_[event.queue];
        queue.used += event.kind == TraceKind::submit ? 1 : -1;
        set(queue.in_flight, queue.used);
        show_credits(queue);
    }

    void show_credits(const Queue& queue) {
        if (queue.capacity) {
            set(queue.credits, *queue.capacity - queue.used);
        }
    }

    void note_message(const TraceEvent& event) {
        if (event.queue >= vectors_.size()) {
            return;
        }
        const Vector& vector = vectors_[event.queue];
        const auto fate = static_cast<MessageFate>(event.digest);
        if (fate != MessageFate::pending) {
            set(vector.message, 1);
        }
        set(vector.pending, fate == MessageFate::pending ? 1 : 0);
    }

    std::unique_ptr<OutputFile> file_;
    unsigned shown_;
    std::vector<Variable> variables_;
    Handle state_;
    std::array<Handle, slice_classes> slices_;
    std::vector<Queue> queues_;
    std::vector<Vector> vectors_;
    Time last_{};
    Time written_{};
};

}  // namespace

std::unique_ptr<TraceWriter> make_vcd_writer(std::unique_ptr<OutputFile> file, const Trace& trace,
                                             std::uint32_t queue_pairs, unsigned shown) {
    return std::make_unique<VcdWriter>(std::move(file), trace, queue_pairs, shown);
}

}  // namespace ringside::sim
