// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "helped_dma.hpp"

#include <cstring>

namespace ringside::core {

Computation& HelpedDma::take(std::size_t output) {
    const unsigned desk = next_desk_;
    next_desk_ = desk + 1 == vacant_.size() ? 0 : desk + 1;
    if (vacant_[desk].is_empty()) {
        Computation& computation = *computations_.emplace_back(std::make_unique<Computation>());
        computation.keeping.desk = desk;
        vacant_[desk].push(&computation);
    }
    Computation& computation = *vacant_[desk].pop();
    if (!vacant_[desk].is_empty()) {
        vacant_[desk].front()->expect();
    }
    computation.keeping.output.begin(output);
    return computation;
}

void HelpedDma::start(Computation& computation, const SessionPtr& session,
                      std::span<const std::byte> source) {
    computation.keeping.session = session;
    computation.task() = {session.get(), source, computation.keeping.output, nullptr};
    helpers_.start(computation);
}

void HelpedDma::start_in_place(Computation& computation, const SessionPtr& session,
                               std::span<const std::byte> source, std::uint64_t address) {
    Computation::Keeping& keeping = computation.keeping;
    keeping.session = session;
    keeping.source.begin(source.size());
    keeping.address = address;
    keeping.reads_host = true;
    reading_.add(address, source.size());
    reads_.push_back(&computation);
    computation.task() = {session.get(), source, keeping.output, keeping.source.data()};
    helpers_.start(computation);
}

void HelpedDma::collect(Computation& computation) {
    helpers_.collect(computation);
    end_reading(computation.keeping);
}

void HelpedDma::end_reading(Computation::Keeping& keeping) {
    if (keeping.reads_host) {
        keeping.reads_host = false;
        reading_.remove(keeping.address, keeping.source.size());
    }
}

void HelpedDma::deliver(Computation& computation, std::byte* target, std::uint64_t address) {
    Computation::Keeping& keeping = computation.keeping;
    keeping.address = address;
    writing_.add(address, keeping.output.size());
    deliveries_.push_back(&computation);
    helpers_.deliver(computation, target);
}

void HelpedDma::give_back(Computation& computation) {
    helpers_.withdraw(computation);
    end_reading(computation.keeping);
    computation.keeping.output.cleanse_from(0);
    vacate(computation);
}

void HelpedDma::vacate(Computation& computation) {
    Computation::Keeping& keeping = computation.keeping;
    computation.cleanse_entropy();
    keeping.session.reset();
    keeping.source.forget();  // who computed has cleansed it
    vacant_[keeping.desk].push(&computation);
}

void HelpedDma::settle() {
    for (const Computation* const computation : reads_) {
        expect(*computation);
    }
    for (Computation* const computation : reads_) {
        Computation::Keeping& keeping = computation->keeping;
        if (!keeping.reads_host) {
            continue;
        }
        end_reading(keeping);
        computation->read_ahead();
        helpers_.await_read(*computation);
    }
    reads_.clear();
    helpers_.finish_deliveries();
    for (Computation* const computation : deliveries_) {
        writing_.remove(computation->keeping.address, computation->keeping.output.size());
        computation->keeping.output.forget();
        vacate(*computation);
    }
    deliveries_.clear();
}

}  // namespace ringside::core
