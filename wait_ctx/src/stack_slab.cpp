// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "stack_slab.hpp"

#include <sys/mman.h>

#include <bit>
#include <mutex>
#include <new>

namespace ringside::async {

StackSlab::StackSlab() {
    void* map = mmap(nullptr, stacks * stride, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    map_ = map != MAP_FAILED ? static_cast<std::byte*>(map) : nullptr;
}

StackSlab::~StackSlab() {
    if (map_ != nullptr) {
        munmap(map_, stacks * stride);
    }
}

std::byte* StackSlab::take() {
    // The lowest, so that those that are accessible are used before another is made so.
    const auto index = static_cast<unsigned>(std::countr_zero(free_));
    std::byte* bottom = map_ + index * stride + job_stack_guard;
    if (index == accessible_) {
        if (mprotect(bottom, accessible_size, PROT_READ | PROT_WRITE) != 0) {
            return nullptr;
        }
        ++accessible_;
    }
    free_ &= free_ - 1;
    return bottom;
}

StackSlabs::~StackSlabs() {
    /// Never destroyed.
    union Abandoned {
        Abandoned() : slabs() {}
        Abandoned(const Abandoned&) = delete;
        Abandoned& operator=(const Abandoned&) = delete;
        ~Abandoned() {}
        std::list<StackSlab> slabs;
    };
    static Abandoned abandoned;
    static std::mutex mutex;
    slabs_.remove_if([](const StackSlab& slab) { return slab.unused(); });
    const std::lock_guard lock(mutex);
    abandoned.slabs.splice(abandoned.slabs.end(), slabs_);
}

StackSlabs::Stack StackSlabs::take() {
    if (slabs_.empty() || slabs_.front().full()) {
        try {
            slabs_.emplace_front();
        } catch (const std::bad_alloc&) {
            return {nullptr, 0, slabs_.end()};
        }
        ++unused_;
        if (!slabs_.front()) {
            --unused_;
            slabs_.pop_front();
            return {nullptr, 0, slabs_.end()};
        }
    }
    const Owner slab = slabs_.begin();
    const bool was_unused = slab->unused();
    std::byte* bottom = slab->take();
    if (bottom == nullptr) {
        return {nullptr, 0, slabs_.end()};
    }
    unused_ -= was_unused ? 1 : 0;
    if (slab->full()) {
        slabs_.splice(slabs_.end(), slabs_, slab);
    }
    return {bottom, slab->size(bottom), slab};
}

void StackSlabs::give_back(const std::byte* bottom, Owner owner) {
    if (owner->full()) {
        slabs_.splice(slabs_.begin(), slabs_, owner);
    }
    owner->give_back(bottom);
    if (owner->unused()) {
        if (unused_ != 0) {
            slabs_.erase(owner);
        } else {
            ++unused_;
        }
    }
}

}  // namespace ringside::async
