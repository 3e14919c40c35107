// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "stack_slab.hpp"

#include <sys/mman.h>

#include <bit>
#include <new>
#include <utility>

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
    touched_ = true;
    return bottom;
}

void StackSlab::release_memory() {
    if (std::exchange(touched_, false)) {
        madvise(map_, stacks * stride, MADV_DONTNEED);
    }
}

StackSlabs::~StackSlabs() {
    for (StackSlab& slab : used_) {
        slab.leave_mapped();
    }
}

StackSlabs::Stack StackSlabs::take() {
    const Stack none{nullptr, 0, {}};
    if (used_.empty() || used_.front().full()) {
        if (unused_.empty()) {
            try {
                unused_.emplace_front();
            } catch (const std::bad_alloc&) {
                return none;
            }
            if (!unused_.front()) {
                unused_.pop_front();
                return none;
            }
        }
        used_.splice(used_.begin(), unused_, unused_.begin());
    }
    const Owner slab = used_.begin();
    std::byte* bottom = slab->take();
    if (bottom == nullptr) {
        settle(slab);
        return none;
    }
    const std::size_t size = slab->size(bottom);
    if (slab->full()) {
        used_.splice(used_.end(), used_, slab);
    }
    return {bottom, size, slab};
}

void StackSlabs::give_back(const std::byte* bottom, Owner owner) {
    if (owner->full()) {
        used_.splice(used_.begin(), used_, owner);
    }
    owner->give_back(bottom);
    settle(owner);
}

void StackSlabs::settle(Owner slab) {
    if (!slab->unused()) {
        return;
    }
    if (!unused_.empty()) {
        unused_.front().release_memory();
    }
    unused_.splice(unused_.begin(), used_, slab);
    if (unused_.size() > most_unused) {
        unused_.pop_back();
    }
}

}  // namespace ringside::async
