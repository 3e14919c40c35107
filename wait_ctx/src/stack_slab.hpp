// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Where the stacks of jobs come from: slabs of 64, each one mapping, so that a new stack costs one
// system call and one that was used before none. Below each stack lies a gap that nobody can
// access. Thread rule: everything belongs to one thread.

#include <cstddef>
#include <cstdint>
#include <list>

namespace ringside::async {

/// The reference's; a stack has up to a page more.
constexpr std::size_t job_stack_size = 32768;
/// Address space only; more than a page, for the overflow by a large local array.
constexpr std::size_t job_stack_guard = 65536;

class StackSlab {
  public:
    StackSlab();
    StackSlab(const StackSlab&) = delete;
    StackSlab& operator=(const StackSlab&) = delete;
    ~StackSlab();

    /// False: the kernel refused the mapping.
    explicit operator bool() const { return map_ != nullptr; }
    /// The bottom of a free stack; null: the kernel refuses another mapping. Not if full().
    std::byte* take();
    void give_back(const std::byte* bottom) { free_ |= std::uint64_t{1} << index(bottom); }
    /// In bytes. Differs from stack to stack: with their upper ends all at the same offset in a
    /// page they would compete for the same few sets of the cache. At least half a page lies above
    /// the last page boundary, so that a shallow job touches one page.
    std::size_t size(const std::byte* bottom) const {
        constexpr std::size_t colours = 16;
        return job_stack_size + page / 2 + index(bottom) % colours * (page / 2 / colours);
    }
    /// For ever: its stacks are out of anybody's hands.
    void leave_mapped() { map_ = nullptr; }
    /// What was touched of it; the stacks stay accessible and read as zero.
    void release_memory();
    bool full() const { return free_ == 0; }
    bool unused() const { return free_ == ~std::uint64_t{0}; }

  private:
    static constexpr unsigned stacks = 64;
    static constexpr std::size_t page = 4096;
    static constexpr std::size_t accessible_size = job_stack_size + page;
    static constexpr std::size_t stride = job_stack_guard + accessible_size;

    std::size_t index(const std::byte* bottom) const {
        return static_cast<std::size_t>(bottom - map_) / stride;
    }

    std::byte* map_ = nullptr;
    std::uint64_t free_ = ~std::uint64_t{0};  ///< a bit for each stack
    unsigned accessible_ = 0;                 ///< so many, from the first; the rest is all gap
    bool touched_ = false;                    ///< since its memory was released
};

/// A thread's slabs. Those that nobody uses are kept, so that a pool can come and go without a
/// system call for each stack: the last one as it is, as the heap of the reference does, the others
/// without their memory.
class StackSlabs {
  public:
    /// So many unused ones, 4,096 stacks: an eighth of the mappings that a process may have.
    static constexpr std::size_t most_unused = 64;

    using Owner = std::list<StackSlab>::iterator;
    struct Stack {
        std::byte* bottom;  ///< null: no memory, or no more mappings
        std::size_t size;
        Owner owner;
    };

    StackSlabs() = default;
    StackSlabs(const StackSlabs&) = delete;
    StackSlabs& operator=(const StackSlabs&) = delete;
    /// Stacks that are still taken stay, for ever: somebody may yet write to them.
    ~StackSlabs();

    Stack take();
    void give_back(const std::byte* bottom, Owner owner);

  private:
    /// Files a slab that may have become unused.
    void settle(Owner slab);

    std::list<StackSlab> used_;    ///< the full ones last
    std::list<StackSlab> unused_;  ///< the first has its memory
};

}  // namespace ringside::async
