// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/dma_pool.hpp"

#include <string.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "ringside/base/assert.hpp"

namespace ringside::driver {
namespace {

constexpr std::size_t page = 4096;
/// What is mapped at once, unless a block is larger: small blocks come in numbers.
constexpr std::size_t smallest_chunk = std::size_t{64} << 10;

constexpr unsigned class_of(std::size_t size) {
    return static_cast<unsigned>(
        std::bit_width((std::max(size, DmaPool::smallest_block) - 1) / DmaPool::smallest_block));
}
constexpr std::size_t block_size(unsigned size_class) {
    return DmaPool::smallest_block << size_class;
}
constexpr unsigned class_count = class_of(DmaPool::largest_block) + 1;
/// In the place of a size class.
constexpr unsigned imported = class_count;
static_assert(class_of(256) == 0 && class_of(257) == 1 && block_size(class_count - 1) == 2u << 20);

}  // namespace

/// What is free stands in vectors of ours and not in the blocks: the device can write to those. A
/// vector has room for all blocks of its class before one of them is given out, so that giving back
/// never allocates.
class DmaPool::Impl {
  public:
    struct Block {
        std::byte* memory;
        Iova iova;
    };

    Impl(Link& link, Environment& environment, std::size_t limit_bytes)
        : link_(link),
          environment_(environment),
          limit_bytes_(limit_bytes),
          mutex_(environment.make_mutex()) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    ~Impl() {
        RINGSIDE_ASSERT(environment_.trace(), in_use_ == 0, "%zu DMA buffers outlive their pool",
                        in_use_);
        revoke();
    }

    result<Block> take(unsigned size_class) {
        const std::lock_guard lock(*mutex_);
        if (revoked_) {
            return Errc::dead;
        }
        auto& free = classes_[size_class].free;
        if (free.empty()) {
            if (const error_code failure = grow(size_class)) {
                return failure;
            }
        }
        const Block block = free.back();
        free.pop_back();
        ++in_use_;
        return block;
    }

    void give_back(unsigned size_class, Block block) noexcept {
        const std::lock_guard lock(*mutex_);
        --in_use_;
        if (size_class == imported) {
            unmap_import(block.iova);
        } else if (quarantine_) {
            held_.push_back({size_class, block});
        } else {
            classes_[size_class].free.push_back(block);
        }
    }

    result<Iova> import_memory(std::span<std::byte> memory) {
        const std::lock_guard lock(*mutex_);
        if (revoked_) {
            return Errc::dead;
        }
        imports_.reserve(imports_.size() + 1);
        const auto iova = link_.dma_map(memory, DmaDirection::bidirectional);
        if (iova) {
            imports_.push_back(*iova);
            ++in_use_;
        }
        return iova;
    }

    void quarantine(bool on) {
        const std::lock_guard lock(*mutex_);
        quarantine_ = on;
        if (!on) {
            for (const Held& each : held_) {
                classes_[each.size_class].free.push_back(each.block);
            }
            held_.clear();
        }
    }
    std::size_t quarantined() const {
        const std::lock_guard lock(*mutex_);
        return held_.size();
    }

    void revoke() {
        const std::lock_guard lock(*mutex_);
        if (std::exchange(revoked_, true)) {
            return;
        }
        for (const Chunk& chunk : chunks_) {
            link_.dma_unmap(chunk.iova);
        }
        for (const Iova iova : std::exchange(imports_, {})) {
            link_.dma_unmap(iova);
        }
    }

    std::span<std::byte> bytes_at(Iova iova, std::size_t size) const {
        const std::lock_guard lock(*mutex_);
        for (const Chunk& chunk : chunks_) {
            const std::uint64_t offset = iova.value - chunk.iova.value;  // huge if below
            if (offset < chunk.size && size <= chunk.size - offset) {
                return {chunk.memory.get() + offset, size};
            }
        }
        return {};
    }

  private:
    struct Held {
        unsigned size_class;
        Block block;
    };
    /// After revoke() there is nothing left to unmap.
    void unmap_import(Iova iova) noexcept {
        const auto found = std::find(imports_.begin(), imports_.end(), iova);
        if (found != imports_.end()) {
            imports_.erase(found);
            link_.dma_unmap(iova);
        }
    }

    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    struct Chunk {
        std::unique_ptr<std::byte, Free> memory;
        Iova iova;
        std::size_t size = 0;
    };
    struct SizeClass {
        std::vector<Block> free;
        std::size_t blocks = 0;
    };

    error_code grow(unsigned size_class) {
        const std::size_t size = std::max(smallest_chunk, block_size(size_class));
        if (size > limit_bytes_ - mapped_bytes_) {
            return Errc::out_of_dma_memory;
        }
        const std::size_t blocks = size / block_size(size_class);
        SizeClass& grown = classes_[size_class];
        try {
            grown.free.reserve(grown.blocks + blocks);
            held_.reserve(blocks_ + blocks);
            chunks_.reserve(chunks_.size() + 1);
        } catch (const std::bad_alloc&) {
            return Errc::out_of_dma_memory;
        }
        Chunk chunk;
        chunk.memory.reset(static_cast<std::byte*>(std::aligned_alloc(page, size)));
        if (!chunk.memory) {
            return Errc::out_of_dma_memory;
        }
        memset(chunk.memory.get(), 0, size);
        const auto iova = link_.dma_map({chunk.memory.get(), size}, DmaDirection::bidirectional);
        if (!iova) {
            return Errc::out_of_dma_memory;
        }
        chunk.iova = *iova;
        chunk.size = size;
        // The last first, so that they are given out in order of address.
        for (std::size_t offset = size; offset != 0;) {
            offset -= block_size(size_class);
            grown.free.push_back({chunk.memory.get() + offset, chunk.iova + offset});
        }
        grown.blocks += blocks;
        blocks_ += blocks;
        mapped_bytes_ += size;
        chunks_.push_back(std::move(chunk));
        return {};
    }

    Link& link_;
    Environment& environment_;
    const std::size_t limit_bytes_;
    const std::unique_ptr<Mutex> mutex_;
    std::array<SizeClass, class_count> classes_;
    std::vector<Chunk> chunks_;
    std::vector<Held> held_;  ///< has room for all blocks
    std::vector<Iova> imports_;
    bool quarantine_ = false;
    bool revoked_ = false;
    std::size_t blocks_ = 0;
    std::size_t mapped_bytes_ = 0;
    std::size_t in_use_ = 0;
};

DmaPool::DmaPool(Link& link, Environment& environment, std::size_t limit_bytes)
    : impl_(std::make_unique<Impl>(link, environment, limit_bytes)) {}

DmaPool::~DmaPool() = default;

result<DmaBuffer> DmaPool::allocate(std::size_t size) {
    if (size > largest_block) {
        return Errc::invalid_request;
    }
    const unsigned size_class = class_of(size);
    const auto block = impl_->take(size_class);
    if (!block) {
        return block.error();
    }
    DmaBuffer buffer;
    buffer.pool_ = this;
    buffer.memory_ = block->memory;
    buffer.size_ = size;
    buffer.iova_ = block->iova;
    buffer.size_class_ = size_class;
    return buffer;
}

result<DmaBuffer> DmaPool::import_memory(std::span<std::byte> memory) {
    const auto iova = impl_->import_memory(memory);
    if (!iova) {
        return iova.error();
    }
    DmaBuffer buffer;
    buffer.pool_ = this;
    buffer.memory_ = memory.data();
    buffer.size_ = memory.size();
    buffer.iova_ = *iova;
    buffer.size_class_ = imported;
    return buffer;
}

std::size_t DmaPool::quarantined() const {
    return impl_->quarantined();
}

void DmaPool::quarantine(bool on) {
    impl_->quarantine(on);
}

void DmaPool::revoke() {
    impl_->revoke();
}

std::span<std::byte> DmaPool::bytes_at(Iova iova, std::size_t size) const {
    return impl_->bytes_at(iova, size);
}

DmaBuffer::DmaBuffer(DmaBuffer&& other) noexcept {
    swap(other);
}

DmaBuffer& DmaBuffer::operator=(DmaBuffer&& other) noexcept {
    DmaBuffer(std::move(other)).swap(*this);
    return *this;
}

DmaBuffer::~DmaBuffer() {
    if (memory_ != nullptr) {
        if (size_class_ != imported) {
            explicit_bzero(memory_, size_);
        }
        pool_->impl_->give_back(size_class_, {memory_, iova_});
    }
}

void DmaBuffer::swap(DmaBuffer& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    std::swap(iova_, other.iova_);
    std::swap(size_class_, other.size_class_);
}

}  // namespace ringside::driver
