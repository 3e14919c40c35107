// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "waiter_queue.hpp"

#include <algorithm>

#include "ringside/driver/limits.hpp"
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

void WaiterQueue::List::insert_before(SlotWaiter& next, SlotWaiter& waiter) {
    waiter.previous_ = next.previous_;
    waiter.next_ = &next;
    (next.previous_ != nullptr ? next.previous_->next_ : first) = &waiter;
    next.previous_ = &waiter;
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

WaiterQueue::List& WaiterQueue::told_of(const SlotWaiter& waiter) {
    return waiter.kind_ == SlotWaiter::Kind::reserving ? told_ : told_notify_only_;
}

/// Whose slot the next one is that is to be kept; null: nobody's.
SlotWaiter* WaiterQueue::next_in_turn() {
    if (reserving_.size == 0) {
        return nullptr;
    }
    const bool other_is_older =
        notify_only_.size != 0 && notify_only_.first->ticket_ < reserving_.first->ticket_;
    const bool may_be_kept = kept_for_notify_only_ < may_be_kept_for_notify_only_;
    return (other_is_older && may_be_kept ? notify_only_ : reserving_).pop_front();
}

void WaiterQueue::make_due(SlotWaiter& waiter) {
    waiter.state_ = SlotWaiter::State::due;
    due_.push_back(waiter);
}

void WaiterQueue::end_reservation(SlotWaiter& waiter) {
    waiter.reserved_ = false;
    --reserved_;
    kept_for_notify_only_ -= waiter.kind_ == SlotWaiter::Kind::notify_only ? 1 : 0;
}

void WaiterQueue::enqueue(SlotWaiter& waiter) {
    if (waiter.state_ == SlotWaiter::State::queued) {
        return;
    }
    leave(waiter);
    waiter.ticket_ = ++last_ticket_;
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
            told_of(waiter).remove(waiter);
            break;
    }
    waiter.state_ = SlotWaiter::State::idle;
    const bool held = waiter.reserved_;
    if (held) {
        end_reservation(waiter);
    }
    return held;
}

void WaiterQueue::come(SlotWaiter& waiter) {
    const bool has_its_own = waiter.reserved_;
    if (waiter.state_ != SlotWaiter::State::queued) {
        leave(waiter);
    }
    if (waiter.kind_ == SlotWaiter::Kind::reserving) {
        return;
    }
    const bool has_anothers = !has_its_own && told_notify_only_.size != 0;
    if (has_anothers) {
        change_places(waiter, *told_notify_only_.first);
    }
    const std::uint32_t more = has_its_own || has_anothers ? 1 : 0;
    may_be_kept_for_notify_only_ =
        std::clamp(may_be_kept_for_notify_only_ + more, 1u, most_slots_kept_for_notify_only);
}

/// `waiter` takes the slot that was kept for `holder`, which waits on in its place, or as the last.
void WaiterQueue::change_places(SlotWaiter& waiter, SlotWaiter& holder) {
    leave(holder);
    if (waiter.state_ != SlotWaiter::State::queued) {
        enqueue(holder);
        return;
    }
    holder.ticket_ = waiter.ticket_;
    holder.state_ = SlotWaiter::State::queued;
    notify_only_.insert_before(waiter, holder);
}

WaiterQueue::HandedOut WaiterQueue::hand_out(std::uint32_t unused_credits) {
    HandedOut out;
    while (reserved_ < unused_credits) {
        SlotWaiter* const waiter = next_in_turn();
        if (waiter == nullptr) {
            break;
        }
        waiter->reserved_ = true;
        ++reserved_;
        kept_for_notify_only_ += waiter->kind_ == SlotWaiter::Kind::notify_only ? 1 : 0;
        make_due(*waiter);
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
        told_of(*waiter).push_back(*waiter);
    } else {
        waiter->state_ = SlotWaiter::State::idle;
        hints_lapse_at_ = lapses_at;
    }
    return waiter;
}

std::uint32_t WaiterQueue::lapse(Time now) {
    std::uint32_t lapsed = 0;
    for (; told_.size != 0 && told_.first->lapses_at_ <= now; ++lapsed) {
        leave(*told_.first);
    }
    for (List& told = told_notify_only_; told.size != 0 && told.first->lapses_at_ <= now;
         ++lapsed) {
        leave(*told.first);
        may_be_kept_for_notify_only_ = 0;
    }
    if (hints_lapse_at_ <= now) {
        hints_ = 0;
        hints_lapse_at_ = never;
    }
    return lapsed;
}

Time WaiterQueue::next_lapse() const {
    Time reservation = never;
    for (const List* told : {&told_, &told_notify_only_}) {
        reservation =
            told->size != 0 ? std::min(reservation, told->first->lapses_at_) : reservation;
    }
    const bool sleeper_depends_on_hint = hints_ != 0 && notify_only_.size != 0;
    return std::min(reservation, sleeper_depends_on_hint ? hints_lapse_at_ : never);
}

void WaiterQueue::recall() {
    // The told ones are older than those that are due; the last one is put back first.
    for (List* list : {&due_, &told_, &told_notify_only_}) {
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
    for (List* told : {&told_, &told_notify_only_}) {
        while (told->size != 0) {
            leave(*told->first);
        }
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
