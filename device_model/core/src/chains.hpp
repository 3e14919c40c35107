// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Two chains in turns (JobNature::is_chain): while a step of one waits for the step before it, the
// processor, which looks some hundred instructions ahead, does a step of the other. Two then take
// little more time than one (decision 0020).

#include <algorithm>
#include <cstddef>

#include "ringside/base/private_libcrypto.hpp"
#include "session.hpp"

namespace ringside::core {

struct Chain {
    Session& session;
    const Job& job;  ///< the two jobs' places are not the same
};

/// Fills both outputs. Calls `between` after every part.
template <typename Between>
void execute_both(const Chain& one, const Chain& other, Between&& between) {
    // So short that the processor sees the end of it when it begins, and not so short that to begin
    // takes longer.
    constexpr std::size_t part = 128;
    const SoftwareOnly software;
    const Chain chains[] = {one, other};
    for (const Chain& chain : chains) {
        chain.session.begin_chain(chain.job);
    }
    const std::size_t longer = std::max(one.job.source.size(), other.job.source.size());
    for (std::size_t from = 0; from < longer; from += part) {
        for (const auto& [session, job] : chains) {
            if (from < job.source.size()) {
                session.continue_chain(job, from, std::min(part, job.source.size() - from));
            }
        }
        between();
    }
}

}  // namespace ringside::core
