// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "helped_dma.hpp"

namespace ringside::core {

Shelf::Shelf(unsigned desk) {
    for (std::size_t i = 0; i < size; ++i) {
        computations[i].errand = &errands[i];
        computations[i].result = &results[i];
        computations[i].desk = desk;
        errands[i].result = &results[i];
        errands[i].entropy = &computations[i].entropy;
    }
}

void HelpedDma::add_shelf(unsigned desk) {
    for (Computation& computation :
         shelves_.emplace_back(std::make_unique<Shelf>(desk))->computations) {
        vacant_[desk].push_back(&computation);
    }
}

Computation& HelpedDma::take(JobNature nature, std::size_t output) {
    std::vector<Computation*>& vacant = vacant_[next_desk_];
    if (vacant.empty()) [[unlikely]] {
        add_shelf(next_desk_);
    }
    Computation& computation = *vacant.back();
    vacant.pop_back();
    constexpr std::size_t ahead = 4;  // lines take as long to come from another core
    if (vacant.size() >= ahead) {
        vacant[vacant.size() - ahead]->errand->expect();
    }
    computation.nature = nature;
    if (nature.may_fail) {
        computation.output.begin(output);
    } else {
        computation.output.begin_to_fill(output);
    }
    return computation;
}

void HelpedDma::start(Computation& computation, Session& session, std::span<const std::byte> source,
                      std::byte* copy) {
    Errand& errand = *computation.errand;
    errand.session = &session;
    errand.source = source.data();
    errand.source_size = static_cast<std::uint32_t>(source.size());
    errand.copy = copy;
    computation.read_size = copy != nullptr ? source.size() : 0;
    errand.output = computation.output.data();
    errand.output_size = static_cast<std::uint32_t>(computation.output.size());
    computation.is_long = errand.is_long(computation.nature);
    const bool may_wait = computation.nature.is_chain && copy != nullptr;  // until settle()
    if (helpers_.start(computation, may_wait)) {
        next_desk_ = next_desk_ + 1 == vacant_.size() ? 0 : next_desk_ + 1;
    }
}

void HelpedDma::start(Computation& computation, Session& session,
                      std::span<const std::byte> source) {
    start(computation, session, source, nullptr);
}

void HelpedDma::start_in_place(Computation& computation, Session& session,
                               std::span<const std::byte> source, std::uint64_t address) {
    computation.address = address;
    computation.read_since = settled_ + 1;
    under_way_.begin_read(address, source.size());
    is_settled_ = false;
    if (computation.nature.is_chain) {  // in its output, which is as long
        start(computation, session, source, computation.output.data());
        return;
    }
    computation.source.begin(source.size());
    start(computation, session, source, computation.source.data());
}

void HelpedDma::collect(Computation& computation) {
    if (!computation.is_done()) {
        if (computation.read_since != 0) {  // it could have been kept
            own_share_.note_late();
        }
        helpers_.collect(computation);
    }
    end_reading(computation);
}

void HelpedDma::end_reading(Computation& computation) {
    if (computation.read_since == settled_ + 1) {
        under_way_.end_read(computation.address, computation.read_size);
    }
    computation.read_since = 0;
}

void HelpedDma::deliver(Computation& computation, std::byte* target, std::uint64_t address) {
    under_way_.begin_write(address, computation.output.size());
    is_settled_ = false;
    delivered_[computation.desk].push_back(&computation);
    helpers_.deliver(computation, target);
    if (computation.nature.may_fail) {
        computation.output.forget();  // who delivers it overwrites it
    } else {
        computation.output.leave();
        note_uncleansed(computation);
    }
    vacate(computation);
}

void HelpedDma::give_back(Computation& computation) {
    helpers_.withdraw(computation);
    end_reading(computation);
    computation.output.cleanse_from(0);
    note_uncleansed(computation);  // it may have been an operation's
    vacate(computation);
    vacant_[computation.desk].push_back(&computation);
}

/// But for its output.
void HelpedDma::vacate(Computation& computation) {
    computation.cleanse_entropy();
    computation.source.forget();  // who computed has cleansed it
}

void HelpedDma::settle() {
    if (is_settled_) {
        return;
    }
    helpers_.finish_copies();
    ++settled_;
    next_desk_ = 0;  // who uses its buffers in the same order meets the same helper

    under_way_.clear();
    is_settled_ = true;
    for (std::size_t desk = 0; desk < vacant_.size(); ++desk) {
        vacant_[desk].insert(vacant_[desk].end(), delivered_[desk].begin(), delivered_[desk].end());
        delivered_[desk].clear();
    }
}

void HelpedDma::note_uncleansed(Computation& computation) {
    if (!computation.is_uncleansed) {
        computation.is_uncleansed = true;
        uncleansed_.push_back(&computation);
    }
}

void HelpedDma::cleanse_outputs() {
    for (Computation* const computation : uncleansed_) {
        computation->output.cleanse();
        computation->is_uncleansed = false;
    }
    uncleansed_.clear();
}

}  // namespace ringside::core
