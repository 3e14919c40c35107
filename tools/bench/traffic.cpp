// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "traffic.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "ringside/base/prng.hpp"

namespace ringside::tools::bench {
namespace {

driver::DmaBuffer value_of(driver::result<driver::DmaBuffer>&& buffer) {
    if (!buffer) {
        throw std::runtime_error("DMA memory: " + buffer.error().message());
    }
    return std::move(*buffer);
}

}  // namespace

Traffic::Traffic(driver::Device& device, std::uint32_t queue_pair, const Work& work,
                 std::function<void()> on_end)
    : SlotWaiter(Kind::reserving),
      device_(device),
      queue_(device.queue_pair(queue_pair)),
      number_(queue_pair),
      burst_(std::min(work.point.burst, work.point.depth)),
      reference_(work.reference),
      on_end_(std::move(on_end)),
      expected_(output_size(*work.point.algorithm, work.point.buffer_size)) {
    idle_.reserve(work.point.depth);
    items_.reserve(burst_);
    Prng payload(work.seed, "payload " + std::to_string(queue_pair));
    for (std::uint32_t i = 0; i < work.point.depth; ++i) {
        add_request(work);
        Request& request = requests_.back();
        payload.fill(request.source.bytes());
        idle_.push_back(&request);
    }
}

void Traffic::add_request(const Work& work) {
    const std::uint32_t size = work.point.buffer_size;
    const std::uint32_t output = output_size(*work.point.algorithm, size);
    Request& request = requests_.emplace_back(*this, spec::SubmissionEntry{});
    driver::DmaPool& dma = device_.dma();
    if (work.memory == Memory::caller) {
        request.own_memory.resize(std::size_t{size} + output);
        const std::span memory(request.own_memory);
        request.source = value_of(dma.import_memory(memory.first(size)));
        request.target = value_of(dma.import_memory(memory.subspan(size)));
    } else {
        request.source = value_of(dma.allocate(size));
        request.target = value_of(dma.allocate(output));
    }
    request.payload = request.source.bytes();
    request.output = request.target.bytes();
    request.entry = make_request(*work.point.algorithm, work.session,
                                 {request.source.iova(), size, request.target.iova(), output});
}

void Traffic::start(std::uint64_t operations) {
    operations_ = operations;
    counters_ = {};
    latencies_ = {};
    submit();
}

void Traffic::submit() {
    while (!waits_ && next_burst() != 0 && idle_.size() >= next_burst()) {
        const std::uint64_t burst = next_burst();
        items_.clear();
        for (std::uint64_t i = 0; i < burst; ++i) {
            Request& request = *idle_[idle_.size() - 1 - i];
            set_iv(request.entry, number_, ++last_iv_);
            items_.push_back({&request.entry, &request});
        }
        const auto batch = queue_.submit_batch(items_, this);
        idle_.resize(idle_.size() - batch.accepted);
        counters_.enqueued += batch.accepted;
        counters_.failed_enq += burst - batch.accepted;
        if (batch.refusal && driver::is_transient(batch.refusal)) {
            waits_ = true;
        } else if (batch.refusal) {
            give_up(batch.refusal);
        }
    }
}

/// The round ends with what the driver has.
void Traffic::give_up(driver::error_code refusal) {
    refusal_ = refusal;
    operations_ = counters_.enqueued;
    if (has_ended()) {
        on_end_();
    }
}

void Traffic::slot_ready() noexcept {
    waits_ = false;
    submit();
}

void Traffic::end(Request& request, const driver::Completion& completion) noexcept {
    ++counters_.dequeued;
    if (completion.status) {
        ++counters_.failed_deq;
    } else if (reference_ != nullptr && !is_right(request)) {
        ++counters_.wrong;
    }
    latencies_.add(static_cast<std::uint32_t>(to_ns(completion.device_latency)));
    idle_.push_back(&request);
    if (has_ended()) {
        on_end_();
    } else if (idle_.size() >= next_burst()) {  // else completions will make it whole
        submit();
    }
}

bool Traffic::is_right(const Request& request) {
    const bool done = reference_->compute(request.entry, request.payload, expected_);
    return done && std::equal(expected_.begin(), expected_.end(), request.output.begin(),
                              request.output.end());
}

}  // namespace ringside::tools::bench
