// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A script: a flat list of steps that application and jobs share. Whoever has control takes the
// next one: after "start" that is the job, after its "pause" or "finish" the application again.
// A step that makes no sense where it is met does nothing, so that every part of a script is one
// too; that is what makes it possible to minimise one.

#include <cstdint>
#include <iosfwd>
#include <vector>

namespace ringside::testing {

constexpr int script_contexts = 3;
constexpr int script_keys = 4;  ///< the last is the null pointer
constexpr int script_slots = 4;
constexpr int script_library_contexts = 3;  ///< the first is the default one
constexpr int script_callbacks = 3;         ///< the first is none

enum class Op : std::uint8_t {
    new_ctx,       // a: ctx
    free_ctx,      // a: ctx
    set_fd,        // a: ctx, b: key, c: fd; odd fds without cleanup
    get_fd,        // a: ctx, b: key
    get_all,       // a: ctx, b: 1 counts only
    get_changed,   // a: ctx, b: bit 0 wants the added, bit 1 the deleted
    clear_fd,      // a: ctx, b: key
    set_callback,  // a: ctx (or null ctx), b: callback, c: argument
    get_callback,  // a: ctx, b: 1 calls it, too
    set_status,    // a: ctx, c: status
    get_status,    // a: ctx
    start,         // a: slot, b: ctx (or null ctx), c: kind and size of the arguments
    pause,
    finish,  // c: result
    block,
    unblock,
    current,
    library_context,  // a: which becomes the default; beyond the last: only ask
    init_thread,      // a: max, b: init
    replace_pool,     // a: max; as init_thread, without a clean-up before it
    cleanup_thread,
    capable,
};

struct Step {
    Op op;
    std::uint8_t a = 0;
    std::uint8_t b = 0;
    std::int16_t c = 0;
};
using Script = std::vector<Step>;

/// Script `index` of `seed`.
Script generate(std::uint64_t seed, std::uint64_t index);

/// One step a line: "name a b c".
std::ostream& operator<<(std::ostream& out, const Step& step);
/// Reads what operator<< wrote. Throws std::runtime_error with the line that is no step.
Script read_script(std::istream& in);

}  // namespace ringside::testing
