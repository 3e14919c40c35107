// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Memory of somebody else's that grants direct access (IEEE 1666-2011, 11.2): the data is the same
// with it, and nothing goes through a pointer that has not been granted for it or is no more.

#include "shell_machine.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

class ShellDirectMemory : public Shell {
  protected:
    static constexpr std::uint32_t length = 512;

    /// Runs `test` where encryptions can be had, and `expected_` is what they give.
    void run(const std::function<void()>& test) {
        machine.initiator.run([&] {
            host.power_up();
            session_ = host.create_session();
            for (std::uint32_t i = 0; i < length; ++i) {
                memory.put(source + i, static_cast<std::uint8_t>(i * 37));
            }
            expected_ = encrypt();
            EXPECT_NE(expected_, std::vector<std::byte>(length));
            EXPECT_GT(accesses(false), 0);
            test();
            EXPECT_EQ(errors(), 0u);
        });
    }
    /// What an encryption of the source leaves at the target.
    std::vector<std::byte> encrypt(const std::function<void()>& meanwhile = [] {}) {
        std::fill_n(memory.bytes.begin() + target, length, std::byte{0});
        host.put(io, next_, encryption(session_, length));
        next_ = (next_ + 1) % ring_entries;
        memory.accesses.clear();
        memory.last_message = 0;
        host.write(spec::at("SQ_DB").of(io), next_);
        meanwhile();
        host.wait_for(settling_time);
        EXPECT_EQ(memory.last_message, 0x4100u + io);
        host.arm(io, next_);
        return {memory.bytes.begin() + target, memory.bytes.begin() + target + length};
    }
    /// Of the last encryption, as the memory saw it; the message aside.
    std::ptrdiff_t accesses(bool is_write) const {
        return std::count_if(
            memory.accesses.begin(), memory.accesses.end(), [&](const Access& access) {
                return access.is_write == is_write && access.address != HostMemory::msi_window;
            });
    }
    /// All of the memory, from now on.
    void grant_all() {
        machine.memory.grant = [this](const auto&, tlm::tlm_dmi& dmi) {
            dmi.set_dmi_ptr(reinterpret_cast<unsigned char*>(memory.bytes.data()));
            dmi.set_start_address(0);
            dmi.set_end_address(HostMemory::size - 1);
            dmi.allow_read_write();
            return true;
        };
    }
    /// Everything stands elsewhere from now on; where it stood is other data.
    void move_memory() {
        machine.memory.grant = nullptr;
        machine.memory.revoke();
        former_ = std::exchange(memory.bytes, std::vector(memory.bytes));
        std::fill(former_.begin(), former_.end(), poison);
    }
    bool is_former_untouched() const {
        return std::count(former_.begin(), former_.end(), poison) == HostMemory::size;
    }

    static constexpr std::byte poison{0xEE};
    std::vector<std::byte> expected_;
    std::vector<std::byte> former_;

  private:
    std::uint32_t session_ = 0;
    std::uint32_t next_ = 0;
};

TEST_F(ShellDirectMemory, IsUsedForAllButMessagesOnceGranted) {
    run([this] {
        grant_all();
        EXPECT_EQ(encrypt(), expected_);
        EXPECT_EQ(encrypt(), expected_);
        EXPECT_EQ(accesses(false), 0);
        EXPECT_EQ(accesses(true), 0);
        EXPECT_EQ(memory.accesses.size(), 1u) << "the message";
    });
}

// The range of a fresh tlm_dmi, whose size is no 64-bit number.
TEST_F(ShellDirectMemory, MayBeAllAddressesThatThereAre) {
    run([this] {
        machine.memory.grant = [this](const auto&, tlm::tlm_dmi& dmi) {
            EXPECT_EQ(dmi.get_start_address(), 0u);
            EXPECT_EQ(dmi.get_end_address(), ~0ull);
            dmi.set_dmi_ptr(reinterpret_cast<unsigned char*>(memory.bytes.data()));
            dmi.allow_read_write();
            return true;
        };
        EXPECT_EQ(encrypt(), expected_);
        EXPECT_EQ(encrypt(), expected_);
        EXPECT_EQ(memory.accesses.size(), 1u) << "the message";
        move_memory();
        EXPECT_EQ(encrypt(), expected_);
        EXPECT_GT(accesses(false), 0);
        EXPECT_TRUE(is_former_untouched());
    });
}

// At whatever moment of an operation memory moves.
TEST_F(ShellDirectMemory, IsNotUsedAnyMoreOnceRevoked) {
    run([this] {
        for (auto moment = 0ns; moment < 5us; moment += 50ns) {
            grant_all();
            EXPECT_EQ(encrypt(), expected_);
            EXPECT_EQ(encrypt([&] {
                          host.wait_for(moment);
                          move_memory();
                      }),
                      expected_)
                << moment.count();
            EXPECT_TRUE(is_former_untouched()) << moment.count();
            EXPECT_EQ(encrypt(), expected_);
            EXPECT_GT(accesses(false), 0);
            EXPECT_GT(accesses(true), 0);
        }
    });
}

// Any part of a grant takes the whole with it; what is beside it does not.
TEST_F(ShellDirectMemory, EndsWhereAByteOfItIsRevoked) {
    run([this] {
        grant_all();
        encrypt();
        machine.memory.revoke(HostMemory::size, ~0ull);
        encrypt();
        EXPECT_EQ(accesses(false), 0);
        machine.memory.grant = nullptr;
        machine.memory.revoke(HostMemory::size - 1, HostMemory::size - 1);
        EXPECT_EQ(encrypt(), expected_);
        EXPECT_GT(accesses(false), 0);
        EXPECT_GT(accesses(true), 0);
    });
}

TEST_F(ShellDirectMemory, IsOnlyReadWhereOnlyReadingIsGranted) {
    run([this] {
        std::vector<std::byte> image;
        machine.memory.grant = [&](const tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
            dmi.set_dmi_ptr(reinterpret_cast<unsigned char*>(image.data()));
            dmi.set_end_address(HostMemory::size - 1);
            dmi.allow_read();
            return payload.is_read();
        };
        image = memory.bytes;
        EXPECT_EQ(encrypt(), expected_);
        std::vector<std::byte> before;
        EXPECT_EQ(encrypt([&] { before = image = memory.bytes; }), expected_);
        EXPECT_EQ(accesses(false), 0);
        EXPECT_GT(accesses(true), 0);
        EXPECT_TRUE(image == before);
        machine.memory.revoke();  // the image goes
        machine.memory.grant = nullptr;
    });
}

}  // namespace
}  // namespace ringside::testing
