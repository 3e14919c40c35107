// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/iommu.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "ringside/base/bus_copy.hpp"

namespace ringside::sim {
namespace {

constexpr std::uint64_t page_size = 4096;

}  // namespace

Iommu::Iommu(std::uint64_t seed, Threads threads) : threads_(threads) {
    Prng stream(seed, "iommu");
    next_ = stream.between(std::uint64_t{1} << 20, std::uint64_t{1} << 32) * page_size;
}

driver::result<driver::Iova> Iommu::map(std::span<std::byte> memory,
                                        driver::DmaDirection direction) {
    namespace errc = boost::system::errc;
    if (memory.empty()) {
        return errc::make_error_code(errc::invalid_argument);
    }
    const auto lock = guard();
    if (mappings_.size() >= max_mappings) {
        return errc::make_error_code(errc::not_enough_memory);
    }
    const std::uint64_t alignment =
        std::max<std::uint64_t>(std::bit_ceil(memory.size()), page_size);
    const std::uint64_t address = (next_ + alignment - 1) / alignment * alignment;
    next_ = address + memory.size() + page_size;
    if (threads_ == Threads::one) {
        revoke_what_overlaps(memory);
        times_mapped_ += std::pair(host_interval(memory), 1u);
    }
    mappings_.emplace(address, Mapping{memory, direction});
    return driver::Iova{address};
}

bool Iommu::unmap(driver::Iova iova) {
    const auto lock = guard();
    const auto found = mappings_.find(iova.value);
    if (found == mappings_.end()) {
        return false;
    }
    const std::uint64_t pages = (found->second.memory.size() + page_size - 1) / page_size;
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(pages, cached_pages); ++i) {
        Cached& cached = cache_[(iova.value / page_size + i) % cached_pages];
        cached = cached.base == iova.value ? Cached{} : cached;
    }
    if (revoke_) {
        revoke_(direct_of({0, found->first, found->second}));
    }
    if (threads_ == Threads::one) {
        times_mapped_ -= std::pair(host_interval(found->second.memory), 1u);
    }
    mappings_.erase(found);
    return true;
}

Iommu::HostInterval::interval_type Iommu::host_interval(std::span<std::byte> memory) {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
    return HostInterval::right_open(begin, begin + memory.size());
}

bool Iommu::is_mapped_once(std::span<std::byte> memory) const {
    const auto [first, last] = times_mapped_.equal_range(host_interval(memory));
    return std::all_of(first, last, [](const auto& part) { return part.second == 1; });
}

void Iommu::revoke_what_overlaps(std::span<std::byte> memory) const {
    const auto interval = host_interval(memory);
    if (!revoke_ || !boost::icl::intersects(times_mapped_, interval)) {
        return;
    }
    for (const auto& [address, mapping] : mappings_) {
        if (boost::icl::intersects(host_interval(mapping.memory), interval)) {
            revoke_(direct_of({0, address, mapping}));
        }
    }
}

std::unique_lock<std::mutex> Iommu::guard() const {
    return threads_ == Threads::many ? std::unique_lock(mutex_) : std::unique_lock<std::mutex>();
}

/// The mapping in whose pages `address` lies, or null.
const Iommu::Cached* Iommu::look_up(std::uint64_t address) const {
    const std::uint64_t page = address / page_size;
    Cached& cached = cache_[page % cached_pages];
    if (cached.page == page) [[likely]] {
        return &cached;
    }
    const auto above = mappings_.upper_bound(address);
    if (above == mappings_.begin()) {
        return nullptr;
    }
    const auto& [base, mapping] = *std::prev(above);
    if (address - base >= mapping.memory.size()) {
        return nullptr;
    }
    cached = {page, base, mapping};
    return &cached;
}

std::byte* Iommu::translate(std::uint64_t address, std::size_t length,
                            driver::DmaDirection forbidden) const {
    const Cached* const found = look_up(address);
    if (found == nullptr) {
        return nullptr;
    }
    const Mapping& mapping = found->mapping;
    const std::uint64_t offset = address - found->base;
    if (offset > mapping.memory.size() || length > mapping.memory.size() - offset ||
        mapping.direction == forbidden) {
        return nullptr;
    }
    return mapping.memory.data() + offset;
}

bool Iommu::read(std::uint64_t address, std::span<std::byte> into) const {
    const auto lock = guard();
    const std::byte* from = translate(address, into.size(), driver::DmaDirection::from_device);
    if (from == nullptr) {
        return false;
    }
    bus_read(into, from);
    return true;
}

bool Iommu::write(std::uint64_t address, std::span<const std::byte> from) {
    const auto lock = guard();
    std::byte* to = translate(address, from.size(), driver::DmaDirection::to_device);
    if (to == nullptr) {
        return false;
    }
    bus_write(to, from);
    return true;
}

Iommu::Direct Iommu::direct_of(const Cached& cached) {
    const auto [memory, direction] = cached.mapping;
    return {cached.base, memory, direction != driver::DmaDirection::from_device,
            direction != driver::DmaDirection::to_device};
}

std::optional<Iommu::Direct> Iommu::direct(std::uint64_t address) const {
    const auto lock = guard();
    const Cached* const found = look_up(address);
    const bool inside = found != nullptr && address - found->base < found->mapping.memory.size();
    const bool is_given =
        inside && (threads_ == Threads::many || is_mapped_once(found->mapping.memory));
    return is_given ? std::optional(direct_of(*found)) : std::nullopt;
}

void Iommu::on_revoke(std::function<void(const Direct&)> revoke) {
    const auto lock = guard();
    revoke_ = std::move(revoke);
}

std::size_t Iommu::mapping_count() const {
    const auto lock = guard();
    return mappings_.size();
}

}  // namespace ringside::sim
