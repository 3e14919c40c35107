// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "script.hpp"

#include <algorithm>
#include <array>
#include <istream>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "ringside/base/prng.hpp"

namespace ringside::testing {
namespace {

/// How often a step is drawn, and below what its operands lie.
struct Kind {
    Op op;
    const char* name;
    unsigned weight;
    unsigned a;
    unsigned b;
    int c;
};

constexpr std::array kinds{
    Kind{Op::new_ctx, "new_ctx", 60, script_contexts, 1, 1},
    Kind{Op::free_ctx, "free_ctx", 20, script_contexts, 1, 1},
    Kind{Op::set_fd, "set_fd", 160, script_contexts, script_keys, 50},
    Kind{Op::get_fd, "get_fd", 60, script_contexts, script_keys, 1},
    Kind{Op::get_all, "get_all", 60, script_contexts, 2, 1},
    Kind{Op::get_changed, "get_changed", 120, script_contexts, 4, 1},
    Kind{Op::clear_fd, "clear_fd", 120, script_contexts, script_keys, 1},
    Kind{Op::set_callback, "set_callback", 30, script_contexts + 1, script_callbacks, 100},
    Kind{Op::get_callback, "get_callback", 30, script_contexts, 2, 1},
    Kind{Op::set_status, "set_status", 30, script_contexts, 1, 6},
    Kind{Op::get_status, "get_status", 30, script_contexts, 1, 1},
    Kind{Op::start, "start", 200, script_slots, script_contexts + 1, 120},
    Kind{Op::pause, "pause", 150, 1, 1, 1},
    Kind{Op::finish, "finish", 50, 1, 1, 1000},
    Kind{Op::block, "block", 12, 1, 1, 1},
    Kind{Op::unblock, "unblock", 20, 1, 1, 1},
    Kind{Op::current, "current", 30, 1, 1, 1},
    Kind{Op::library_context, "library_context", 40, script_library_contexts + 1, 1, 1},
    Kind{Op::init_thread, "init_thread", 10, 4, 4, 1},
    Kind{Op::replace_pool, "replace_pool", 1, 4, 1, 1},
    Kind{Op::cleanup_thread, "cleanup_thread", 5, 1, 1, 1},
    Kind{Op::capable, "capable", 3, 1, 1, 1},
};

constexpr unsigned weight_sum() {
    unsigned sum = 0;
    for (const Kind& kind : kinds) {
        sum += kind.weight;
    }
    return sum;
}

Step draw(Prng& prng) {
    auto ticket = prng.below(weight_sum());
    const auto* kind = kinds.begin();
    while (ticket >= kind->weight) {
        ticket -= kind->weight;
        ++kind;
    }
    return {kind->op, static_cast<std::uint8_t>(prng.below(kind->a)),
            static_cast<std::uint8_t>(prng.below(kind->b)),
            static_cast<std::int16_t>(prng.below(static_cast<std::uint64_t>(kind->c)))};
}

}  // namespace

Script generate(std::uint64_t seed, std::uint64_t index) {
    Prng prng(seed ^ (index * 0x9e3779b97f4a7c15U), "async-script");
    Script script;
    // Most scripts begin with all they need; some find out what is missing.
    if (prng.chance(9, 10)) {
        for (std::uint8_t ctx = 0; ctx < script_contexts; ++ctx) {
            script.push_back({Op::new_ctx, ctx});
        }
    }
    const auto steps = prng.between(5, 70);
    for (std::uint64_t step = 0; step < steps; ++step) {
        script.push_back(draw(prng));
    }
    return script;
}

std::ostream& operator<<(std::ostream& out, const Step& step) {
    const auto* kind = std::find_if(kinds.begin(), kinds.end(),
                                    [&](const Kind& each) { return each.op == step.op; });
    return out << kind->name << ' ' << +step.a << ' ' << +step.b << ' ' << step.c;
}

Script read_script(std::istream& in) {
    Script script;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string name;
        unsigned a = 0;
        unsigned b = 0;
        int c = 0;
        words >> name >> a >> b >> c;
        const auto* kind = std::find_if(kinds.begin(), kinds.end(),
                                        [&](const Kind& each) { return each.name == name; });
        if (!words || kind == kinds.end() || a >= kind->a || b >= kind->b || c < 0 ||
            c >= kind->c) {
            throw std::runtime_error("no step of a script: '" + line + "'");
        }
        script.push_back({kind->op, static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b),
                          static_cast<std::int16_t>(c)});
    }
    return script;
}

}  // namespace ringside::testing
