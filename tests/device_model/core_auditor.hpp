// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Watches the core's DMA port and trace while a fuzz test drives it: each DMA must lie in what a
// ring register or a descriptor under way names, each descriptor ends once or falls to a reset, and
// INFLIGHT is the balance of the two doorbells at every moment.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "chip_bench.hpp"

namespace ringside::testing {

struct Range {
    std::uint64_t address;
    std::uint64_t size;

    bool contains(const BenchMemory::Access& access) const {
        return access.address >= address && access.size <= size &&
               access.address - address <= size - access.size;
    }
};

/// A descriptor that the driver wrote, by its tag, which no other has.
struct Written {
    spec::SubmissionEntry entry;
    std::vector<Range> readable;
    std::vector<Range> writable;
};

/// How far it has come, in this order; an operation without a payload leaves stages out.
enum class Progress { written, fetched, read, computed, delivered, completed, dropped };

/// What a queue pair was enabled with, and what its doorbells have said since.
struct Incarnation {
    bool enabled = false;
    std::uint64_t sq = 0;
    std::uint64_t cq = 0;
    std::uint64_t sq_entries = 0;
    std::uint64_t cq_entries = 0;
    std::uint32_t tail = 0;
    std::uint32_t head = 0;
    std::uint64_t announced = 0;
    std::uint64_t consumed = 0;
    std::set<std::uint64_t> under_way;
};

/// Counts that prove that a run met what it is for.
struct Marks {
    std::uint64_t completed = 0;
    std::uint64_t succeeded_dma_writes = 0;
    std::uint64_t aborted = 0;
    std::uint64_t dropped = 0;
    std::uint64_t refused_dma = 0;
    std::uint64_t overruns = 0;
    std::uint64_t fatal = 0;
    std::uint64_t wraps = 0;
    std::uint64_t admin_aborts = 0;

    Marks& operator+=(const Marks& other) {
        completed += other.completed;
        succeeded_dma_writes += other.succeeded_dma_writes;
        aborted += other.aborted;
        dropped += other.dropped;
        refused_dma += other.refused_dma;
        overruns += other.overruns;
        fatal += other.fatal;
        wraps += other.wraps;
        admin_aborts += other.admin_aborts;
        return *this;
    }
};

class Auditor {
  public:
    static constexpr std::uint32_t queue_pairs = 4;

    explicit Auditor(Bench& bench) : bench_(bench) {
        bench_.memory.judge = [this](const BenchMemory::Access& access) { return judge(access); };
        bench_.trace.listen([this](const TraceEvent& event) { hear(event); });
    }
    Auditor(const Auditor&) = delete;
    Auditor& operator=(const Auditor&) = delete;

    void wrote(const Written& descriptor) { written_[descriptor.entry.user_tag] = descriptor; }

    /// Around each register write: resets and enables happen inside it.
    void before_write(std::uint32_t offset, std::uint32_t value) {
        offset_ = offset;
        value_ = value;
        in_write_ = true;
    }
    void after_write() {
        in_write_ = false;
        if (offset_ == spec::at("RESET").of() && value_ == spec::reset_key) {
            for (Incarnation& queue : queues_) {
                drop(queue);
            }
        }
        for (std::uint32_t queue = 0; queue < queue_pairs; ++queue) {
            const auto state = bench_.queue_state(queue);
            if (state == spec::QueueState::disabled) {
                drop(queues_[queue]);
            } else if (state == spec::QueueState::enabled && !queues_[queue].enabled) {
                open(queue);
            } else if (queues_[queue].enabled) {
                follow_doorbells(queue);
            }
        }
    }

    /// Between two accesses.
    void check() {
        bench_.run_for(Duration{});  // a fatal error drops what is under way at its own instant
        if (bench_.state() == spec::DeviceState::error) {
            for (Incarnation& queue : queues_) {
                marks.fatal += queue.under_way.empty() ? 0 : 1;
                drop_operations(queue);
            }
        }
        for (std::uint32_t index = 0; index < queue_pairs; ++index) {
            const Incarnation& queue = queues_[index];
            if (queue.enabled) {
                EXPECT_EQ(bench_.peek(spec::at("INFLIGHT").of(index)),
                          queue.announced - queue.consumed)
                    << where();
                EXPECT_LT(bench_.peek(spec::at("SQ_HEAD").of(index)), queue.sq_entries);
                EXPECT_LT(bench_.peek(spec::at("CQ_TAIL").of(index)), queue.cq_entries);
            }
        }
    }

    /// When the chip has come to rest, and queues that work have nothing left.
    void expect_nothing_under_way() {
        for (std::uint32_t index = 0; index < queue_pairs; ++index) {
            const bool works = bench_.queue_state(index) == spec::QueueState::enabled &&
                               bench_.state() == spec::DeviceState::ready;
            EXPECT_TRUE(!works || queues_[index].under_way.empty()) << where();
        }
    }

    /// Null: the queue pair has not been enabled.
    const Incarnation* incarnation(std::uint32_t queue) const {
        return queues_[queue].enabled ? &queues_[queue] : nullptr;
    }

    Marks marks;
    std::uint32_t latest_session = 0;

  private:
    core::DmaResult judge(const BenchMemory::Access& access) {
        const bool named = access.is_write ? is_named_for_writing(access) : is_named(access);
        EXPECT_TRUE(named) << (access.is_write ? "write" : "read") << " of " << access.size
                           << " bytes at " << std::hex << access.address << ", " << where();
        return core::DmaResult::ok;
    }

    bool is_named(const BenchMemory::Access& access) const {
        for (const Incarnation& queue : queues_) {
            const std::uint64_t size = queue.sq_entries * sizeof(spec::SubmissionEntry);
            if (queue.enabled && access.size == sizeof(spec::SubmissionEntry) &&
                Range{queue.sq, size}.contains(access)) {
                return (access.address - queue.sq) % sizeof(spec::SubmissionEntry) == 0;
            }
        }
        return is_an_operations(access, &Written::readable);
    }
    bool is_named_for_writing(const BenchMemory::Access& access) const {
        for (const Incarnation& queue : queues_) {
            const std::uint64_t size = queue.cq_entries * sizeof(spec::CompletionEntry);
            if (queue.enabled && Range{queue.cq, size}.contains(access)) {
                const auto within = (access.address - queue.cq) % sizeof(spec::CompletionEntry);
                return (within == 0 && access.size == spec::completion_tail_offset) ||
                       (within == spec::completion_tail_offset && access.size == 8);
            }
        }
        return is_an_operations(access, &Written::writable);
    }
    bool is_an_operations(const BenchMemory::Access& access,
                          std::vector<Range> Written::*ranges) const {
        return std::any_of(queues_.begin(), queues_.end(), [&](const Incarnation& queue) {
            return std::any_of(
                queue.under_way.begin(), queue.under_way.end(), [&](std::uint64_t tag) {
                    const auto& named = written_.at(tag).*ranges;
                    return std::any_of(named.begin(), named.end(),
                                       [&](const Range& range) { return range.contains(access); });
                });
        });
    }

    void hear(const TraceEvent& event) {
        if (event.kind == TraceKind::fetch) {
            advance(event.id, Progress::written, Progress::fetched);
            queues_.at(event.queue).under_way.insert(event.id);
        } else if (event.kind == TraceKind::dma_read) {
            advance(event.id, Progress::fetched, Progress::read);
        } else if (event.kind == TraceKind::slice) {
            advance(event.id, Progress::read, Progress::computed);
        } else if (event.kind == TraceKind::completion) {
            hear_completion(event);
        } else if (event.kind == TraceKind::error) {
            const auto source = static_cast<spec::ErrorSource>(event.id);
            marks.overruns += source == spec::ErrorSource::cq_overrun ? 1 : 0;
            marks.refused_dma += source == spec::ErrorSource::iommu ? 1 : 0;
        } else if (event.kind == TraceKind::dma_write) {
            // The admin queue's answers come from no slice.
            const auto from = event.queue == 0 ? Progress::read : Progress::computed;
            advance(event.id, from, Progress::delivered);
            ++marks.succeeded_dma_writes;
        }
    }
    void advance(std::uint64_t tag, Progress from, Progress to) {
        EXPECT_EQ(progress_[tag], from)
            << "operation " << tag << " on its way to stage " << static_cast<int>(to) << where();
        progress_[tag] = to;
    }
    void hear_completion(const TraceEvent& event) {
        Incarnation& queue = queues_.at(event.queue);
        const bool fetched = queue.under_way.erase(event.id) != 0;
        // Only a reset answers what was not fetched, and it does so within the write.
        EXPECT_TRUE(fetched || (in_write_ && progress_[event.id] == Progress::written))
            << "completed " << event.id << " without need, " << where();
        progress_[event.id] = Progress::completed;
        ++marks.completed;
        marks.aborted += in_write_ ? 1 : 0;
        marks.wraps += bench_.peek(spec::at("CQ_TAIL").of(event.queue)) == 0 ? 1 : 0;
        const spec::SubmissionEntry& entry = written_.at(event.id).entry;
        if (entry.opcode == static_cast<std::uint8_t>(spec::Opcode::abort)) {
            ++marks.admin_aborts;
        } else if (entry.opcode == static_cast<std::uint8_t>(spec::Opcode::session_create)) {
            learn_session(queue, event.queue);
        }
    }
    /// The entry is in memory; CQ_TAIL moves on when this event has been recorded.
    void learn_session(const Incarnation& queue, std::uint32_t index) {
        const std::uint64_t place = bench_.peek(spec::at("CQ_TAIL").of(index));
        const auto entry = bench_.memory.get<spec::CompletionEntry>(
            queue.cq + place * sizeof(spec::CompletionEntry));
        if (status_of(entry).ok()) {
            latest_session = entry.result;
        }
    }

    void drop_operations(Incarnation& queue) {
        for (const std::uint64_t tag : queue.under_way) {
            progress_[tag] = Progress::dropped;
            ++marks.dropped;
        }
        queue.under_way.clear();
    }
    void drop(Incarnation& queue) {
        drop_operations(queue);
        queue = Incarnation{};
    }
    void open(std::uint32_t index) {
        const auto wide = [&](spec::Address address) {
            return bench_.peek(address.of(index)) |
                   std::uint64_t{bench_.peek(address.of(index) + 4)} << 32;
        };
        Incarnation& queue = queues_[index];
        queue.enabled = true;
        queue.sq = wide(spec::at("SQ_BASE"));
        queue.cq = wide(spec::at("CQ_BASE"));
        const std::uint32_t size = bench_.peek(spec::at("Q_SIZE").of(index));
        queue.sq_entries = spec::field("Q_SIZE", "SQ").get(size) + 1;
        queue.cq_entries = spec::field("Q_SIZE", "CQ").get(size) + 1;
    }
    void follow_doorbells(std::uint32_t index) {
        Incarnation& queue = queues_[index];
        const std::uint32_t tail = bench_.peek(spec::at("SQ_TAIL").of(index));
        queue.announced += (tail - queue.tail) & (queue.sq_entries - 1);
        queue.tail = tail;
        const std::uint32_t head = bench_.peek(spec::at("CQ_HEAD").of(index));
        queue.consumed += (head - queue.head) & (queue.cq_entries - 1);
        queue.head = head;
    }
    std::string where() const {
        std::ostringstream text;
        text << std::hex << " last write " << offset_ << " = " << value_ << std::dec << " at "
             << to_ns(bench_.now) << " ns";
        return text.str();
    }

    Bench& bench_;
    std::map<std::uint64_t, Written> written_;
    std::map<std::uint64_t, Progress> progress_;
    std::array<Incarnation, queue_pairs> queues_;
    std::uint32_t offset_ = 0;
    std::uint32_t value_ = 0;
    bool in_write_ = false;
};

}  // namespace ringside::testing
