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

/// At least the reference's.
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
    void give_back(const std::byte* bottom);
    bool full() const { return free_ == 0; }
    bool unused() const { return free_ == ~std::uint64_t{0}; }

  private:
    static constexpr unsigned stacks = 64;
    static constexpr std::size_t stride = job_stack_guard + job_stack_size;

    std::byte* map_ = nullptr;
    std::uint64_t free_ = ~std::uint64_t{0};  ///< a bit for each stack
    unsigned accessible_ = 0;                 ///< so many, from the first; the rest is all gap
};

/// A thread's slabs. One that nobody uses is kept, as the heap of the reference does, so that a
/// pool of up to 64 jobs can come and go without a system call.
class StackSlabs {
  public:
    using Owner = std::list<StackSlab>::iterator;
    struct Stack {
        std::byte* bottom;  ///< null: no memory, or no more mappings
        Owner owner;
    };

    StackSlabs() = default;
    StackSlabs(const StackSlabs&) = delete;
    StackSlabs& operator=(const StackSlabs&) = delete;
    /// Stacks that are still taken stay, for ever: somebody may yet write to them.
    ~StackSlabs();

    Stack take();
    void give_back(const Stack& stack);

  private:
    std::list<StackSlab> slabs_;  ///< the full ones last
    std::size_t unused_ = 0;      ///< of them
};

}  // namespace ringside::async
