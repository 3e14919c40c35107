// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "hash_message.hpp"

#include <openssl/err.h>
#include <openssl/proverr.h>

#include "ringside/offload/digest.hpp"

namespace ringside::frontends {

std::unique_ptr<HashMessage> HashMessage::duplicate() const {
    std::unique_ptr<HashMessage> copy(new HashMessage(*this));
    if (software_ != nullptr) {
        copy->software_.reset(EVP_MD_CTX_new());
        if (copy->software_ == nullptr ||
            EVP_MD_CTX_copy_ex(copy->software_.get(), software_.get()) != 1) {
            return nullptr;
        }
    }
    return copy;
}

void HashMessage::begin() {
    collected_.clear();
    software_.reset();
}

bool HashMessage::update(Octets octets) {
    if (software_ == nullptr && octets.size() <= largest_collected - collected_.size()) {
        collected_.append(octets);
        return true;
    }
    return (software_ != nullptr || go_on_in_software()) &&
           EVP_DigestUpdate(software_.get(), octets.data(), octets.size()) == 1;
}

bool HashMessage::finish(unsigned char* out) {
    if (software_ == nullptr && front_end_.wants_device(shape_.family, collected_.size())) {
        const auto error = run_on_device(out);
        if (!error) {
            return true;
        }
        // A chip may have less than largest_collected; that is no failure.
        if (error != driver::Errc::invalid_request && !front_end_.falls_back(error)) {
            raise_error(ERR_R_OPERATION_FAIL, error);
            return false;
        }
    }
    unsigned size = 0;
    return (software_ != nullptr || go_on_in_software()) &&
           EVP_DigestFinal_ex(software_.get(), out, &size) == 1;
}

boost::system::error_code HashMessage::run_on_device(unsigned char* out) {
    auto session = front_end_.keyless_sessions().get(spec::Algorithm::hash, shape_.hash);
    if (!session) {
        return session.error();
    }
    session_.swap(*session);
    session->reset();  // nothing may be owned on a job's stack
    const auto done = offload::digest(session_->session(), std::as_bytes(collected_.octets()),
                                      std::as_writable_bytes(std::span(out, shape_.size)));
    if (done) {
        return {};
    }
    if (done.error() != driver::Errc::invalid_request) {
        front_end_.keyless_sessions().drop(session_);
    }
    return done.error();
}

/// What has been collected, and then whatever comes.
bool HashMessage::go_on_in_software() {
    const DigestHandle digest = front_end_.software().fetch_digest(shape_.name);
    software_.reset(EVP_MD_CTX_new());
    const Octets octets = collected_.octets();
    const bool done = digest != nullptr && software_ != nullptr &&
                      EVP_DigestInit_ex2(software_.get(), digest.get(), nullptr) == 1 &&
                      EVP_DigestUpdate(software_.get(), octets.data(), octets.size()) == 1;
    collected_.clear();
    if (!done) {
        software_.reset();
    }
    return done;
}

}  // namespace ringside::frontends
