// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The chip's inside. The register port is in device.cpp, states, resets and errors in control.cpp,
// queue pairs and their arbitration in queues.cpp, the way of an operation through the stages in
// stages.cpp and scatter_gather.cpp, its time on a slice in service.cpp, the admin queue's commands
// in admin.cpp, completions and interrupts in completion.cpp, what injected faults do in
// fault_effects.cpp.

#include <array>
#include <cstdio>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "crypto_library.hpp"
#include "fault_injector.hpp"
#include "helped_dma.hpp"
#include "pipeline.hpp"
#include "ringside/base/cleansed_buffer.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/blocks/calendar.hpp"
#include "ringside/blocks/endpoint.hpp"
#include "ringside/blocks/link_direction.hpp"
#include "ringside/core/device.hpp"
#include "sessions.hpp"

namespace ringside::core {

class Device::Impl final : public blocks::Endpoint {
  public:
    Impl(const DeviceConfig& config, DmaPort& dma, MsiPort& msi, Trace& trace);
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    /// What is under way leaves nothing in memory that is given back.
    ~Impl() override {
        drop_operations();
        cleanse_outputs();
    }

    void advance(Time now) override;
    void run(Time limit, Time& clock, const blocks::RunTerms& terms) override;
    std::optional<Time> next_event() const override {
        return is_gone_ ? std::nullopt : calendar_.next();
    }
    std::optional<std::uint32_t> inject(const FaultRule& rule);

  private:
    Impl(const DeviceConfig& config, DmaPort& dma, std::unique_ptr<HelpedDma> helped, MsiPort& msi,
         Trace& trace);

    static constexpr std::uint16_t nobody = 0xFFFF;
    static constexpr std::uint64_t bit_of(std::uint32_t queue) { return std::uint64_t{1} << queue; }
    static_assert(spec::max_queue_pairs <= 64);

    // the register port (device.cpp)
    bool has_register(std::uint32_t offset) const override;
    std::uint32_t register_value(std::uint32_t offset, Time now) const override;
    std::optional<std::uint32_t> read_register(std::uint32_t offset, Time now) override;
    void write_register(std::uint32_t offset, std::uint32_t value) override;
    void apply_write(std::uint32_t offset, std::uint32_t value);
    void refuse_access(std::uint32_t offset) override;
    void note_late_messages(std::uint64_t vectors) override;
    void reset_function() override { begin_reset(); }
    bool transactions_pending() const override;
    bool is_present() const override { return !is_gone_; }
    void fill_capabilities();
    std::uint32_t live_queue_register(const spec::Location& location, Time now) const;
    void write_global(std::uint32_t offset, std::uint32_t old, std::uint32_t value);
    void write_queue(const spec::Location& location, std::uint32_t queue, std::uint32_t old,
                     std::uint32_t value);
    void record(TraceKind kind, std::uint16_t queue, std::uint64_t id, std::uint64_t digest = 0) {
        trace_.record({now_, kind, queue, id, digest});
    }
    void dump(std::FILE* out) const;

    // states, resets, errors (control.cpp)
    void change_state(spec::DeviceState state);
    spec::DeviceState state() const;
    void control(std::uint32_t old, std::uint32_t value);
    void begin_reset();
    void finish_reset();
    void drop_operations();
    void go_to_error();
    void snapshot();
    std::uint32_t heartbeats(Time now) const;
    void set_heartbeat_period(std::uint32_t old_us);
    void raise_error(spec::ErrorSource source, std::uint64_t address, std::uint16_t queue,
                     std::uint16_t cid);
    void latch_error(spec::ErrorSource source, std::uint64_t address, std::uint16_t queue,
                     std::uint16_t cid);

    // queue pairs (queues.cpp)
    void enable_queue(std::uint32_t index);
    void reset_queue(std::uint32_t index);
    void submission_doorbell(std::uint32_t index, std::uint32_t value);
    void completion_doorbell(std::uint32_t index, std::uint32_t value);
    void ring(std::uint32_t index);
    std::uint32_t weight(std::uint32_t index) const;
    void arbitrate();
    bool may_fetch(std::uint32_t index);
    std::optional<RateLimit> rate_limit(std::uint32_t index) const;
    void refill(std::uint32_t index);
    void fetch(std::uint32_t index, std::uint32_t epoch);
    bool read_descriptor(std::uint32_t index, spec::SubmissionEntry& entry);
    bool fetch_one(std::uint32_t index);
    void lift_fence(std::uint32_t index);
    void abort_queue(std::uint32_t index, spec::AbortReason reason);

    // the stages (stages.cpp)
    void perform(Action action);
    void perform_seldom(Action action);
    void perform_on_queue(Action action);
    /// If it is still there.
    void on_operation(Action action, void (Impl::*step)(Operation& operation, std::uint32_t slot));
    [[gnu::noinline]] void end(Operation& operation, std::uint32_t slot);
    void admit(Operation& operation, std::uint32_t slot);
    spec::Status check(const spec::SubmissionEntry& entry, bool is_admin, Operation& operation);
    spec::Status check_io(const spec::SubmissionEntry& entry, Operation& operation);
    void read_lists(Operation& operation, std::uint32_t slot);
    spec::Status read_list(std::uint64_t address, std::uint32_t length, Operation& operation,
                           std::vector<spec::ListEntry>& list);
    void request_source(const Operation& operation, std::uint32_t slot);
    [[gnu::noinline]] void read_source(Operation& operation, std::uint32_t slot);
    const std::byte* source_in_place(const Operation& operation);
    bool gather(Operation& operation);
    bool copy_output(Operation& operation);
    bool scatter(Operation& operation);
    void send_output(const Operation& operation, std::uint32_t slot);
    [[gnu::noinline]] void write_output(Operation& operation, std::uint32_t slot);
    /// The next that will be taken.
    std::uint32_t vacant_slot() {
        if (vacant_.empty()) [[unlikely]] {
            add_slot();
        }
        return vacant_.back();
    }
    [[gnu::noinline]] void add_slot();
    void take_slot(Operation& operation, std::uint32_t queue);
    void retire(Operation& operation, std::uint32_t slot);
    void release(Operation& operation, std::uint32_t slot);
    [[gnu::noinline]] void cleanse_outputs();
    bool dma_failed(DmaResult result, bool is_write, std::uint64_t address, Operation& operation);
    void schedule(Stage stage, Duration delay, std::uint32_t slot);

    // on a slice (service.cpp)
    void free_slice(SliceClass slices);
    void free_all_slices();
    /// Of an action that says that a slice is done: whether it was not freed by a reset meanwhile.
    bool is_since_reset(Action action) const { return action.serial() > serial_at_reset_; }
    [[gnu::noinline]] void pass_slice_on(SliceClass slices);
    void record_busy(SliceClass slices, std::uint16_t queue, std::uint64_t user_tag);
    void occupy_slice(SliceClass slices, Operation& operation, std::uint32_t slot);
    Duration begin_service(Operation& operation);
    bool is_for_helpers(const Operation& operation, bool is_in_place);
    void let_helpers_compute(Operation& operation, std::span<const std::byte> source,
                             bool is_in_place);
    [[gnu::noinline]] void run_slice(Operation& operation, std::uint32_t slot);
    void execute_here(Operation& operation, std::span<const std::byte> source);
    void execute_in_pairs(Operation& operation, std::uint32_t slot,
                          std::span<const std::byte> source);
    [[gnu::noinline]] void finish_chain();
    /// Before each write to the host's memory: what waits to be read there is read first.
    void before_write(std::uint64_t address, std::size_t length) {
        if (waiting_chain_.reads(address, length)) [[unlikely]] {
            finish_chain();
        }
    }
    bool is_certain(const Operation& operation) const;
    void collect(Operation& operation);
    [[gnu::noinline]] std::uint64_t judge(Operation& operation);
    void take_output(Operation& operation);
    bool let_helpers_deliver(Operation& operation);

    // the admin queue (admin.cpp)
    void run_admin(Operation& operation, std::uint32_t slot);
    spec::Status create_session(Operation& operation);
    bool abort_operation(spec::AbortTarget target);
    void read_log(Operation& operation);

    // completions and interrupts (completion.cpp)
    void complete(Operation& operation);
    void post(const PendingCompletion& pending);
    DmaResult write_entry(const PendingCompletion& pending, std::uint64_t address,
                          std::span<const std::byte> bytes);
    void announce(std::uint16_t index, bool at_once);
    void fire(std::uint16_t index);
    void send_message(const Queue& queue, Time when);
    void raise_vector(std::uint32_t vector);
    void record_message(std::uint32_t vector, MessageFate fate);

    // injected faults (fault_effects.cpp)
    void program_faults();
    std::uint32_t fault_register(const spec::Location& location, std::uint32_t offset) const;
    void write_fault(const spec::Location& location, std::uint32_t value);
    std::optional<Fault> strike_by_rule(spec::FaultKind kind, const FaultEvent& event);
    // Asked several times for each operation: without rules no event is made either.
    std::optional<Fault> strike(spec::FaultKind kind, const FaultEvent& event) {
        return faults_.any() ? strike_by_rule(kind, event) : std::nullopt;
    }
    std::optional<Fault> strike(spec::FaultKind kind, std::uint16_t queue) {
        return faults_.any() ? strike_by_rule(kind, FaultEvent{.time = now_, .queue = queue})
                             : std::nullopt;
    }
    std::optional<Fault> strike(spec::FaultKind kind, const Operation& operation) {
        return faults_.any()
                   ? strike_by_rule(kind, FaultEvent{now_, operation.queue, operation.entry.opcode})
                   : std::nullopt;
    }
    bool strike_fetched(const Operation& operation);
    void strike_chip(spec::FaultKind kind);
    bool strike_source(Operation& operation, std::uint32_t slot);
    void fail_source(Operation& operation, std::uint32_t slot, spec::ErrorSource source,
                     spec::TransportError error);
    void strike_outcome(Operation& operation, Outcome& outcome);
    bool strike_output(Operation& operation, std::uint32_t slot);
    bool strike_end(Operation& operation, std::uint32_t slot);
    bool strike_completion(PendingCompletion& pending);
    bool strike_interrupt(std::uint16_t index);
    void storm(const Action& action);
    void write_late(Duration delay, std::uint16_t queue, std::uint64_t address,
                    std::span<const std::byte> bytes, bool is_entry);
    void post_late(Duration delay, const PendingCompletion& pending);
    void perform_late(const Action& action);

    const DeviceConfig config_;
    Trace& trace_;
    CryptoLibrary library_;
    SessionTable sessions_;
    blocks::Calendar<Action, lanes, lane_of> calendar_;
    Time now_{};
    std::uint32_t reset_epoch_ = 0;
    std::uint32_t enable_epoch_ = 0;  ///< counts the ways into ENABLING, over all resets

    std::uint32_t heartbeats_before_ = 0;  ///< counted before ready_since_
    Time ready_since_{};
    std::deque<spec::LogEntry> log_;  ///< newest first; survives resets
    std::uint64_t errors_logged_ = 0;

    std::vector<Queue> queues_;
    std::uint64_t eligible_ = 0;     ///< a bit for each queue of whose unfetched descriptors the
                                     ///< arbiter knows
    std::uint32_t last_served_ = 0;  ///< by the arbiter
    std::uint32_t fetched_in_turn_ = 0;  ///< by that one, if its turn goes on
    bool fetching_ = false;
    std::vector<Operation> operations_;
    const std::unique_ptr<HelpedDma> helped_;  ///< null: without helpers
    WaitingChain waiting_chain_;
    bool memory_stays_ = false;       ///< until run() returns; see blocks::RunTerms
    bool host_stands_still_ = false;  ///< likewise
    Prng entropy_;
    std::vector<std::uint32_t> vacant_;
    std::vector<std::uint32_t> uncleansed_;  ///< slots whose output was left as it is
    std::uint64_t serial_ = 0;
    std::uint64_t serial_at_reset_ = 0;  ///< serial_ when the latest device reset began
    std::uint32_t in_pipeline_ = 0;
    std::array<SlicePool, slice_classes> slices_;
    blocks::LinkDirection downstream_;  ///< towards the chip
    blocks::LinkDirection upstream_;

    struct Statistics {
        std::uint64_t operations = 0;
        std::uint64_t bytes = 0;
        std::uint64_t errors = 0;
        Duration busy{};
        std::uint64_t dma_read = 0;
        std::uint64_t dma_written = 0;
        std::uint64_t messages = 0;
    } statistics_;

    /// A write that a fault has put off.
    struct LateWrite {
        std::uint64_t address;
        CleansedBuffer bytes;
        std::optional<std::uint32_t> epoch;  ///< void if the queue pair's is another by then
    };
    FaultInjector faults_;
    std::map<std::uint64_t, LateWrite> late_writes_;
    std::map<std::uint64_t, PendingCompletion> late_entries_;
    std::uint64_t late_serial_ = 0;
    unsigned broken_slices_;  ///< bits of SliceKind; until power-on
    bool is_gone_ = false;    ///< removed: nothing answers
    bool is_frozen_ = false;  ///< until the next device reset

    Trace::StateWriter state_writer_;
};

}  // namespace ringside::core
