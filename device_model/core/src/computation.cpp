// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "computation.hpp"

namespace ringside::core {

void Errand::perform(unsigned worker) const {
    const Job job = this->job(work_place_of(worker));
    conclude(job, execute(*session, job));
}

void Errand::take_back() const {
    end({}, 0);
}

void Errand::conclude(const Job& job, const Outcome& outcome) const {
    end(outcome, payload_digest(job, outcome));
}

void Errand::end(const Outcome& outcome, std::uint64_t digest) const {
    if (copy != nullptr && copy != output) {
        explicit_bzero(copy, source_size);
    }
    result->give(offer, outcome, digest, is_long(session->nature(entry)));
}

}  // namespace ringside::core
