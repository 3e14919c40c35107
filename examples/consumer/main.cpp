// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The smallest program around the accelerator: a simulated machine in virtual time, the driver on
// it, one command through the admin queue, and the device's own count of it. Prints one line.

#include <cstdio>
#include <ringside/driver/device.hpp>
#include <ringside/sim/virtual_platform.hpp>
#include <ringside/spec/registers.hpp>
#include <ringside/spec/wire.hpp>

namespace {

namespace driver = ringside::driver;
namespace spec = ringside::spec;

/// Lives until the device has answered; the thread that submitted sleeps meanwhile.
class Command final : public driver::Operation {
  public:
    explicit Command(driver::Environment& environment) : parker_(environment.make_parker()) {}
    void complete(const driver::Completion& completion) noexcept override {
        status_ = completion.status;
        parker_->unpark();
    }
    boost::system::error_code wait() {
        parker_->park();
        return status_;
    }

  private:
    std::unique_ptr<driver::Parker> parker_;
    boost::system::error_code status_;
};

int fail(const char* what, const boost::system::error_code& error) {
    std::fprintf(stderr, "consumer: %s: %s\n", what, error.message().c_str());
    return 1;
}

}  // namespace

int main() {
    auto platform = ringside::sim::VirtualPlatform::create({});
    if (!platform) {
        return fail("no platform", platform.error());
    }
    auto& environment = (*platform)->environment();
    auto device = driver::Device::open((*platform)->link(), environment, {});
    if (!device) {
        return fail("no device", device.error());
    }

    Command nop(environment);
    spec::SubmissionEntry request;
    request.opcode = static_cast<std::uint8_t>(spec::Opcode::nop);
    if (const auto accepted = (*device)->admin().submit(request, nop); !accepted) {
        return fail("not accepted", accepted.error());
    }
    if (const auto status = nop.wait(); status) {
        return fail("not done", status);
    }
    std::printf("device %08x answered; operations: %llu\n",
                (*platform)->link().mmio_read32(spec::at("ID").of()),
                static_cast<unsigned long long>((*device)->read_statistics().operations));
    return 0;
}
