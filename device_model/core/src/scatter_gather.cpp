// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Payload DMA: whole buffers, or scatter-gather lists of pieces.

#include <algorithm>

#include "device_impl.hpp"
#include "ringside/base/digest.hpp"

namespace ringside::core {

void Device::Impl::read_lists(Operation& operation, std::uint32_t slot) {
    const spec::SubmissionEntry& entry = operation.entry;
    if (operation.has(spec::SubmissionFlag::src_list)) {
        operation.status = read_list(entry.src, entry.src_len, operation, operation.source_list);
    }
    if (operation.status.ok() && operation.has(spec::SubmissionFlag::dst_list)) {
        operation.status = read_list(entry.dst, entry.dst_len, operation, operation.target_list);
    }
    if (operation.status.ok()) {
        request_source(operation, slot);
    } else {
        schedule(Stage::completed, config_.completion, slot);
    }
}

/// Reads entry by entry up to the last, so that nothing behind the list is touched.
spec::Status Device::Impl::read_list(std::uint64_t address, std::uint32_t length,
                                     Operation& operation, std::vector<spec::ListEntry>& list) {
    const auto bad_list = spec::Status::of(spec::StatusType::request, spec::RequestError::bad_list);
    std::uint64_t total = 0;
    do {
        if (list.size() == config_.max_list_entries) {
            return bad_list;
        }
        spec::ListEntry& entry = list.emplace_back();
        const DmaResult result = dma_.read(address, std::as_writable_bytes(std::span(&entry, 1)));
        if (dma_failed(result, false, address, operation)) {
            return operation.status;
        }
        if (entry.length == 0 || (entry.flags & ~spec::list_last) != 0) {
            return bad_list;
        }
        statistics_.dma_read += sizeof entry;
        total += entry.length;
        address += sizeof entry;
    } while (list.back().flags != spec::list_last);
    return total == length ? spec::Status{} : bad_list;
}

/// Reads the operation's source. False: a DMA failed, and the operation has that for its status.
bool Device::Impl::gather(Operation& operation) {
    const auto read = [&](std::uint64_t address, std::span<std::byte> into) {
        const DmaResult result = into.empty() ? DmaResult::ok : dma_.read(address, into);
        return !dma_failed(result, false, address, operation);
    };
    if (operation.source_list.empty()) {
        return read(operation.entry.src, operation.source);
    }
    std::span<std::byte> rest = operation.source;
    for (const spec::ListEntry& piece : operation.source_list) {
        if (!read(piece.address, rest.first(piece.length))) {
            return false;
        }
        rest = rest.subspan(piece.length);
    }
    return true;
}

/// Writes the operation's output where it can be seen in one piece, in one pass with its digest.
/// False: scatter() it. What is small enough to be seen whole is the bus's to write.
bool Device::Impl::copy_output(Operation& operation) {
    const std::size_t size = operation.output.size();
    if (operation.digest || size <= sizeof(std::uint64_t) || !operation.target_list.empty()) {
        return false;
    }
    before_write(operation.entry.dst, size);
    std::byte* const target = dma_.look_to_write(operation.entry.dst, size);
    if (target == nullptr) {
        return false;
    }
    operation.digest = digest_and_copy(target, operation.output);
    return true;
}

/// Writes the operation's output; else as gather(). Pieces before the failing one are written.
bool Device::Impl::scatter(Operation& operation) {
    const auto write = [&](std::uint64_t address, std::span<const std::byte> from) {
        before_write(address, from.size());
        const DmaResult result = from.empty() ? DmaResult::ok : dma_.write(address, from);
        return !dma_failed(result, true, address, operation);
    };
    if (operation.target_list.empty()) {
        return write(operation.entry.dst, operation.output);
    }
    std::span<const std::byte> rest = operation.output;
    for (const spec::ListEntry& piece : operation.target_list) {
        const std::size_t length = std::min<std::size_t>(piece.length, rest.size());
        if (!write(piece.address, rest.first(length))) {
            return false;
        }
        rest = rest.subspan(length);
    }
    return true;
}

}  // namespace ringside::core
