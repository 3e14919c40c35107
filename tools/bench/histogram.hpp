// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Percentiles of any number of latencies in bounded memory: exact up to 512 ns, then in buckets
// that are at most 1/256 wide.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

namespace ringside::tools::bench {

class Histogram {
  public:
    Histogram() : buckets_(bucket_of(std::numeric_limits<std::uint32_t>::max()) + 1) {}

    void add(std::uint32_t value) {
        ++buckets_[bucket_of(value)];
        ++count_;
        sum_ += value;
        least_ = std::min(least_, value);
        greatest_ = std::max(greatest_, value);
    }
    void add(const Histogram& other) {
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            buckets_[i] += other.buckets_[i];
        }
        count_ += other.count_;
        sum_ += other.sum_;
        least_ = std::min(least_, other.least_);
        greatest_ = std::max(greatest_, other.greatest_);
    }

    /// The least value of the bucket in which the value of this rank lies; 0 of none.
    std::uint32_t percentile(double share) const {
        const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            below += buckets_[i];
            if (below > rank) {
                return std::max(least_of(i), least());
            }
        }
        return greatest_;
    }
    std::uint32_t least() const { return count_ != 0 ? least_ : 0; }
    std::uint32_t greatest() const { return greatest_; }
    double mean() const {
        return count_ != 0 ? static_cast<double>(sum_) / static_cast<double>(count_) : 0;
    }

  private:
    static constexpr unsigned precision = 8;  ///< bits below the leading one that count

    static std::size_t bucket_of(std::uint32_t value) {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        const unsigned shift = width > precision + 1 ? width - precision - 1 : 0;
        return (std::size_t{shift} << precision) + (value >> shift);
    }
    static std::uint32_t least_of(std::size_t bucket) {
        if (bucket < 2u << precision) {
            return static_cast<std::uint32_t>(bucket);
        }
        const std::size_t shift = (bucket >> precision) - 1;
        return static_cast<std::uint32_t>((bucket - (shift << precision)) << shift);
    }

    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint32_t least_ = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t greatest_ = 0;
};

}  // namespace ringside::tools::bench
