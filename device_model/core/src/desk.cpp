// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "desk.hpp"

#include <string.h>

#include "ringside/base/bus_copy.hpp"

namespace ringside::core {

namespace {

/// A helper has looked at each line of what is laid down: the lines that are next but some come
/// back while these are filled.
constexpr std::size_t ahead = 8;

}  // namespace

bool Desk::has_room() {
    if (put_ - known_taken_ == capacity) {
        known_taken_ = taken_.load(std::memory_order_acquire);
    }
    return put_ - known_taken_ != capacity;
}

void Desk::put(Computation& computation) {
    computation.offer = put_ + 1;
    computation.errand->offer = put_ + 1;
    places_[put_ % capacity].store(Place(*computation.errand, computation.nature.is_chain),
                                   std::memory_order_relaxed);
    ++put_;
    bytes_to_read_ += computation.read_size;
    prefetch_to_write(&places_[(put_ + ahead) % capacity]);
}

bool Desk::put_delivery(std::span<std::byte> output, std::byte* target, bool may_stay) {
    if (deliveries_put_ - known_delivered_ == capacity) {
        known_delivered_ = delivered_.load(std::memory_order_acquire);
        if (deliveries_put_ - known_delivered_ == capacity) {
            return false;
        }
    }
    deliveries_[deliveries_put_ % capacity] = {output, target, may_stay};
    ++deliveries_put_;
    bytes_to_deliver_ += output.size();
    prefetch_to_write(&deliveries_[(deliveries_put_ + ahead) % capacity]);
    return true;
}

void Desk::announce() {
    announced_ = put_;
    announced_deliveries_ = deliveries_put_;
    bytes_to_read_ = 0;
    bytes_to_deliver_ = 0;
    to_deliver_.store(deliveries_put_, std::memory_order_release);
    to_take_.store(put_, std::memory_order_release);
}

bool Desk::has_copied() const {
    return read_.load(std::memory_order_acquire) == announced_ &&
           delivered_.load(std::memory_order_acquire) == announced_deliveries_;
}

bool Desk::copy() {
    const auto has_something = [this] {
        return read_.load(std::memory_order_relaxed) != to_take_.load(std::memory_order_relaxed) ||
               delivered_.load(std::memory_order_relaxed) !=
                   to_deliver_.load(std::memory_order_relaxed);
    };
    if (!has_something() || is_copying_.exchange(true, std::memory_order_acquire)) {
        return false;
    }
    deliver_up_to(to_deliver_.load(std::memory_order_acquire));
    read_up_to(to_take_.load(std::memory_order_acquire));
    is_copying_.store(false, std::memory_order_release);
    return true;
}

void Desk::deliver_up_to(std::uint64_t announced) {
    std::uint64_t number = delivered_.load(std::memory_order_relaxed);
    if (number == announced) {
        return;
    }
    for (; number != announced; ++number) {
        const Delivery& delivery = deliveries_[number % capacity];
        bus_write(delivery.target, delivery.output);
        if (!delivery.may_stay) {
            explicit_bzero(delivery.output.data(), delivery.output.size());
        }
    }
    delivered_.store(announced, std::memory_order_release);
}

void Desk::read_up_to(std::uint64_t announced) {
    std::uint64_t number = read_.load(std::memory_order_relaxed);
    if (number == announced) {
        return;
    }
    for (; number != announced; ++number) {
        const Place next = place(number);
        if (next.must_be_read()) {
            next.errand().read();
        }
    }
    read_.store(announced, std::memory_order_release);
}

Desk::Taken Desk::take() {
    std::uint64_t number = taken_.load(std::memory_order_relaxed);
    while (true) {
        const std::uint64_t read = read_.load(std::memory_order_acquire);
        if (number >= read) {
            return {};
        }
        const Place first = place(number);
        const Place second = place(number + 1);
        const bool has_two = number + 1 != read && first.is_chain() && second.is_chain();
        const std::uint64_t next = number + (has_two ? 2 : 1);
        if (!taken_.compare_exchange_weak(number, next)) {
            continue;
        }
        // What the chip has computed itself meanwhile, or taken back, is passed over.
        const auto claim = [](Place place, std::uint64_t offer) {
            return place.errand().result->claim(offer) ? &place.errand() : nullptr;
        };
        Taken taken{claim(first, number + 1), has_two ? claim(second, number + 2) : nullptr};
        if (taken.first == nullptr) {
            taken = {taken.second, nullptr};
        }
        if (taken.first != nullptr) {
            return taken;
        }
        number = next;
    }
}

bool Desk::is_empty() const {
    const std::uint64_t to_take = to_take_.load();
    return taken_.load() == to_take && read_.load() == to_take &&
           delivered_.load() == to_deliver_.load();
}

void Desk::sleep(const std::atomic<bool>& stopping) {
    const std::uint32_t call = calls_.load();
    is_asleep_.store(true);
    if (!stopping.load() && is_empty()) {
        calls_.wait(call);
    }
    is_asleep_.store(false);
}

/// Without a fence a helper that falls asleep just now is missed. It is called for what is
/// announced next, and this does not wait: the chip's thread does it. One that has been called may
/// take long to wake, and is not called again meanwhile: that is a system call.
void Desk::call_if_asleep() {
    if (is_asleep_.load(std::memory_order_relaxed)) {
        is_asleep_.store(false, std::memory_order_relaxed);
        call();
    }
}

void Desk::call() {
    calls_.fetch_add(1);
    calls_.notify_one();
}

}  // namespace ringside::core
