// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "waiter_queue.hpp"

#include <algorithm>

#include "rules_in_use.hpp"

namespace ringside::driver {

void WaiterQueue::List::push_back(SlotWaiter& waiter) {
    waiter.previous_ = last;
    waiter.next_ = nullptr;
    (last != nullptr ? last->next_ : first) = &waiter;
    last = &waiter;
    ++size;
}

void WaiterQueue::List::remove(SlotWaiter& waiter) {
    (waiter.previous_ != nullptr ? waiter.previous_->next_ : first) = waiter.next_;
    (waiter.next_ != nullptr ? waiter.next_->previous_ : last) = waiter.previous_;
    waiter.previous_ = waiter.next_ = nullptr;
    --size;
}

SlotWaiter* WaiterQueue::List::pop_front() {
    SlotWaiter* const waiter = first;
    if (waiter != nullptr) {
        remove(*waiter);
    }
    return waiter;
}

void WaiterQueue::List::push_front(SlotWaiter& waiter) {
    waiter.previous_ = nullptr;
    waiter.next_ = first;
    (first != nullptr ? first->previous_ : last) = &waiter;
    first = &waiter;
    ++size;
}

SlotWaiter* WaiterQueue::List::pop_back() {
    SlotWaiter* const waiter = last;
    if (waiter != nullptr) {
        remove(*waiter);
    }
    return waiter;
}

WaiterQueue::List& WaiterQueue::queue_of(const SlotWaiter& waiter) {
    return waiter.kind_ == SlotWaiter::Kind::reserving ? reserving_ : notify_only_;
}

void WaiterQueue::make_due(SlotWaiter& waiter) {
    waiter.state_ = SlotWaiter::State::due;
    due_.push_back(waiter);
}

void WaiterQueue::end_reservation(SlotWaiter& waiter) {
    waiter.reserved_ = false;
    --reserved_;
}

void WaiterQueue::enqueue(SlotWaiter& waiter) {
    if (waiter.state_ == SlotWaiter::State::queued) {
        return;
    }
    leave(waiter);
    waiter.state_ = SlotWaiter::State::queued;
    queue_of(waiter).push_back(waiter);
}

bool WaiterQueue::leave(SlotWaiter& waiter) {
    switch (waiter.state_) {
        case SlotWaiter::State::idle:
            return false;
        case SlotWaiter::State::queued:
            queue_of(waiter).remove(waiter);
            break;
        case SlotWaiter::State::due:
            due_.remove(waiter);
            if (!waiter.reserved_ && hints_ != 0) {
                --hints_;  // its hint goes to the next one
            }
            break;
        case SlotWaiter::State::told:
            told_.remove(waiter);
            break;
    }
    waiter.state_ = SlotWaiter::State::idle;
    const bool held = waiter.reserved_;
    if (held) {
        end_reservation(waiter);
    }
    return held;
}

WaiterQueue::HandedOut WaiterQueue::hand_out(std::uint32_t unused_credits) {
    HandedOut out;
    while (reserved_ < unused_credits && reserving_.size != 0) {
        SlotWaiter& waiter = *reserving_.pop_front();
        waiter.reserved_ = true;
        ++reserved_;
        make_due(waiter);
        ++out.reservations;
    }
    const std::uint32_t free_slots = unused_credits - reserved_;
    hints_ = std::min(hints_, free_slots);  // a slot that was taken needs no follower
    while (hints_ < Rules::hints(free_slots) && notify_only_.size != 0) {
        make_due(*notify_only_.pop_front());
        ++hints_;
        ++out.hints;
        hints_lapse_at_ = never;  // the time runs from when the last one is told
    }
    return out;
}

SlotWaiter* WaiterQueue::next_due(Time lapses_at) {
    SlotWaiter* const waiter = due_.pop_front();
    if (waiter == nullptr) {
        return nullptr;
    }
    if (waiter->reserved_) {
        waiter->state_ = SlotWaiter::State::told;
        waiter->lapses_at_ = lapses_at;
        told_.push_back(*waiter);
    } else {
        waiter->state_ = SlotWaiter::State::idle;
        hints_lapse_at_ = lapses_at;
    }
    return waiter;
}

std::uint32_t WaiterQueue::lapse(Time now) {
    std::uint32_t lapsed = 0;
    while (told_.size != 0 && told_.first->lapses_at_ <= now) {
        leave(*told_.first);
        ++lapsed;
    }
    if (hints_lapse_at_ <= now) {
        hints_ = 0;
        hints_lapse_at_ = never;
    }
    return lapsed;
}

Time WaiterQueue::next_lapse() const {
    const Time reservation = told_.size != 0 ? told_.first->lapses_at_ : never;
    const bool sleeper_depends_on_hint = hints_ != 0 && notify_only_.size != 0;
    return std::min(reservation, sleeper_depends_on_hint ? hints_lapse_at_ : never);
}

void WaiterQueue::recall() {
    // The told ones are older than those that are due; the last one is put back first.
    for (List* list : {&due_, &told_}) {
        while (SlotWaiter* const waiter = list->pop_back()) {
            if (waiter->reserved_) {
                end_reservation(*waiter);
            }
            waiter->state_ = SlotWaiter::State::queued;
            queue_of(*waiter).push_front(*waiter);
        }
    }
    hints_ = 0;
    hints_lapse_at_ = never;
}

void WaiterQueue::release_all() {
    while (told_.size != 0) {
        leave(*told_.first);
    }
    for (SlotWaiter* waiter = due_.first; waiter != nullptr; waiter = waiter->next_) {
        if (waiter->reserved_) {
            end_reservation(*waiter);
        }
    }
    while (queued() != 0) {
        make_due(*(reserving_.size != 0 ? reserving_ : notify_only_).pop_front());
    }
    hints_ = 0;
    hints_lapse_at_ = never;
}

}  // namespace ringside::driver
