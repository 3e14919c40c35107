// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The ASYNC API beside libcrypto, however it came into the process, and without it. This program
// is not linked to libcrypto; each case runs in a process of its own, since none unloads it.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "async_fixture.hpp"

namespace ringside::testing {
namespace {

using ::testing::ExitedWithCode;

/// What the cases need of libcrypto, from where they loaded it.
class Libcrypto {
  public:
    explicit Libcrypto(void* library)
        : set_default_(find<void*(void*)>(library, "OSSL_LIB_CTX_set0_default")),
          new_context_(find<void*()>(library, "OSSL_LIB_CTX_new")),
          get_error_(find<unsigned long()>(library, "ERR_get_error")) {}

    /// Makes `context` the default one of the thread; null only asks. Returns the former one.
    void* set_default(void* context) const { return set_default_(context); }
    void* new_context() const { return new_context_(); }
    unsigned long error() const { return get_error_(); }

  private:
    template <typename Function>
    static Function* find(void* library, const char* name) {
        return reinterpret_cast<Function*>(dlsym(library, name));
    }

    void* (*set_default_)(void*);
    void* (*new_context_)();
    unsigned long (*get_error_)();
};

bool is_loaded() {
    return dlopen("libcrypto.so.3", RTLD_LAZY | RTLD_NOLOAD) != nullptr;
}

void* load(int scope) {
    return dlopen("libcrypto.so.3", RTLD_NOW | scope);
}

bool jobs_work() {
    WaitCtx ctx;
    Job job([] { return ASYNC_pause_job(); });
    return job.run(ctx.get()) == ASYNC_PAUSE && job.run() == ASYNC_FINISH && job.result == 1;
}

bool default_context_belongs_to_the_job(const Libcrypto& crypto) {
    void* const global = crypto.set_default(nullptr);
    void* const first = crypto.new_context();
    void* const second = crypto.new_context();
    WaitCtx ctx;
    Job job([&] {
        const bool callers = crypto.set_default(second) == first;
        ASYNC_pause_job();
        return callers && crypto.set_default(nullptr) == second ? 1 : 0;
    });
    crypto.set_default(first);
    bool right = job.run(ctx.get()) == ASYNC_PAUSE && crypto.set_default(global) == first;
    right = right && job.run() == ASYNC_FINISH && job.result == 1;
    return right && crypto.set_default(nullptr) == global;
}

bool pool_size_is_an_error(const Libcrypto& crypto) {
    constexpr unsigned long invalid_pool_size = (51UL << 23U) | 103UL;  // ERR_PACK() of OpenSSL 3
    return ASYNC_init_thread(0, 1) == 0 && crypto.error() == invalid_pool_size &&
           crypto.error() == 0;
}

bool all_is_right(const Libcrypto& crypto) {
    return default_context_belongs_to_the_job(crypto) && pool_size_is_an_error(crypto);
}

bool absent() {
    return !is_loaded() && jobs_work() && ASYNC_init_thread(0, 1) == 0 && jobs_work() &&
           !is_loaded();
}

bool comes_later_for_all() {
    return jobs_work() && all_is_right(Libcrypto(load(RTLD_GLOBAL)));
}

bool comes_later_and_locally() {
    return jobs_work() && all_is_right(Libcrypto(load(RTLD_LOCAL)));
}

bool was_there_first() {
    return all_is_right(Libcrypto(load(RTLD_LOCAL)));
}

bool comes_inside_a_job() {
    WaitCtx ctx;
    void* own = nullptr;
    void* library = nullptr;
    Job job([&] {
        library = load(RTLD_LOCAL);
        const Libcrypto crypto(library);
        own = crypto.new_context();
        crypto.set_default(own);
        ASYNC_pause_job();
        return crypto.set_default(nullptr) == own ? 1 : 0;
    });
    bool right = job.run(ctx.get()) == ASYNC_PAUSE;
    right = right && Libcrypto(library).set_default(nullptr) != own;
    right = right && job.run() == ASYNC_FINISH && job.result == 1;
    return right && all_is_right(Libcrypto(library));
}

bool comes_during_a_pause() {
    WaitCtx ctx;
    void* library = nullptr;
    void* seen = nullptr;
    Job job([&] {
        ASYNC_pause_job();
        seen = Libcrypto(library).set_default(nullptr);
        return 1;
    });
    bool right = job.run(ctx.get()) == ASYNC_PAUSE;
    library = load(RTLD_LOCAL);
    const Libcrypto crypto(library);
    void* const global = crypto.set_default(crypto.new_context());
    right = right && job.run() == ASYNC_FINISH && seen == global;
    return right && crypto.set_default(global) != global;
}

bool goes_away() {
    void* library = load(RTLD_LOCAL);
    const bool right = jobs_work() && all_is_right(Libcrypto(library));
    dlclose(library);
    return right && jobs_work();
}

struct Case {
    const char* name;
    bool (*holds)();
};

class LibcryptoTest : public ::testing::TestWithParam<Case> {};

TEST_P(LibcryptoTest, Holds) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    ASSERT_FALSE(is_loaded());
    EXPECT_EXIT(std::_Exit(GetParam().holds() ? 0 : 1), ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(Async, LibcryptoTest,
                         ::testing::Values(Case{"WithoutIt", &absent},
                                           Case{"LoadedLaterForAll", &comes_later_for_all},
                                           Case{"LoadedLaterAndLocally", &comes_later_and_locally},
                                           Case{"LoadedBefore", &was_there_first},
                                           Case{"LoadedInsideAJob", &comes_inside_a_job},
                                           Case{"LoadedDuringAPause", &comes_during_a_pause},
                                           Case{"ClosedAgain", &goes_away}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace ringside::testing
