// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The only way from the device to host memory: a table of mappings from I/O virtual addresses to
// memory of this process. The link maps and unmaps, the root complex translates the device's
// accesses; whatever is not mapped, to the byte and for that direction, faults.

#include <array>
#include <boost/icl/interval_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>

#include "ringside/base/prng.hpp"
#include "ringside/driver/link/link.hpp"
#include "ringside/sim/chip.hpp"

namespace ringside::sim {

class Iommu final : public HostMemory {
  public:
    /// How many mappings may stand at one time (VFIO's dma_entry_limit).
    static constexpr std::size_t max_mappings = 65'535;

    /// Addresses start at a base drawn from `seed`, above 4 GiB: they never equal host addresses
    /// by accident, and a driver that confuses the two faults at once.
    /// Whether several threads call. In virtual time one does, and the lock is left out.
    enum class Threads { one, many };
    explicit Iommu(std::uint64_t seed, Threads threads = Threads::many);

    /// The address is aligned to the length rounded up to a power of two, and to a page. No two
    /// mappings are neighbours: an overrun meets a gap. std::errc::not_enough_memory at the limit,
    /// invalid_argument for an empty span. Any thread.
    driver::result<driver::Iova> map(std::span<std::byte> memory, driver::DmaDirection direction);
    /// Waits for an access in progress. False: `iova` is not a mapping's start. Any thread.
    bool unmap(driver::Iova iova);

    /// The device reads or writes, as base/bus_copy.hpp says; false: a fault, and nothing was
    /// moved. Any thread.
    bool read(std::uint64_t address, std::span<std::byte> into) const override;
    bool write(std::uint64_t address, std::span<const std::byte> from) override;

    /// unmap() revokes on its caller's thread: who uses these sees to it that the chip does nothing
    /// meanwhile. In virtual time memory that is mapped twice is not given, and map() revokes it: a
    /// chip that puts off what it does with memory knows it by one address.
    std::optional<Direct> direct(std::uint64_t address) const override;
    void on_revoke(std::function<void(const Direct&)> revoke) override;

    std::size_t mapping_count() const;

  private:
    struct Mapping {
        std::span<std::byte> memory;
        driver::DmaDirection direction;
    };
    /// A recent translation. Pages belong to one mapping at most.
    struct Cached {
        std::uint64_t page = ~std::uint64_t{0};
        std::uint64_t base = 0;
        Mapping mapping{};
    };
    static constexpr std::size_t cached_pages = 256;

    using HostInterval = boost::icl::interval<std::uintptr_t>;

    static Direct direct_of(const Cached& cached);
    static HostInterval::interval_type host_interval(std::span<std::byte> memory);
    /// Also if it is not mapped. In virtual time.
    bool is_mapped_once(std::span<std::byte> memory) const;
    void revoke_what_overlaps(std::span<std::byte> memory) const;
    std::unique_lock<std::mutex> guard() const;
    const Cached* look_up(std::uint64_t address) const;
    /// Host memory behind [address, address + length), or null. Caller holds the mutex.
    std::byte* translate(std::uint64_t address, std::size_t length,
                         driver::DmaDirection forbidden) const;

    const Threads threads_;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, Mapping> mappings_;
    boost::icl::interval_map<std::uintptr_t, unsigned> times_mapped_;  ///< in virtual time
    mutable std::array<Cached, cached_pages> cache_{};                 ///< by the page's low bits
    std::uint64_t next_;
    std::function<void(const Direct&)> revoke_;
};

}  // namespace ringside::sim
