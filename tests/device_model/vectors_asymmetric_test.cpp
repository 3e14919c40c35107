// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// RSA, ECDSA, ECDH, X25519 and Ed25519 against the vectors of NIST, RSA Laboratories and RFCs.

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <memory>
#include <sstream>

#include "vectors_fixture.hpp"

namespace ringside::testing {
namespace {

Bytes digest_of(const char* hash, const Bytes& message) {
    Bytes digest(EVP_MAX_MD_SIZE);
    std::size_t length = 0;
    EXPECT_EQ(EVP_Q_digest(nullptr, hash, nullptr, message.data(), message.size(),
                           reinterpret_cast<unsigned char*>(digest.data()), &length),
              1);
    digest.resize(length);
    return digest;
}

// ---- RSA ----

/// RFC 8017, 9.2: what a PKCS #1 v1.5 signature is the private power of.
Bytes pkcs1_encoded(const std::string& hash, const Bytes& message, std::size_t size) {
    static const std::map<std::string, std::string> prefixes = {
        {"SHA1", "3021300906052b0e03021a05000414"},
        {"SHA224", "302d300d06096086480165030402040500041c"},
        {"SHA256", "3031300d060960864801650304020105000420"},
        {"SHA384", "3041300d060960864801650304020205000430"},
        {"SHA512", "3051300d060960864801650304020305000440"},
    };
    const Bytes info = from_hex(prefixes.at(hash)) + digest_of(hash.c_str(), message);
    return from_hex("0001") + Bytes(size - info.size() - 3, std::byte{0xFF}) + from_hex("00") +
           info;
}

Question rsa(spec::Opcode opcode, const Bytes& key, const Bytes& second_key, const Bytes& source) {
    return {.algorithm = spec::Algorithm::rsa,
            .opcode = opcode,
            .key = key,
            .second_key = second_key,
            .source = source,
            .room = source.size()};
}

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
using Workspace = std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)>;

Number number(const Bytes& bytes) {
    return {BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size()), nullptr),
            BN_free};
}
Bytes bytes_of(const BIGNUM* value, std::size_t size) {
    Bytes bytes(size);
    EXPECT_EQ(
        BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)),
        static_cast<int>(size));
    return bytes;
}

class RsaVectors : public Vectors {
  protected:
    RsaVectors() : workspace_(BN_CTX_new(), BN_CTX_free) {}

    /// d, p, q, dp, dq, qinv, of a file that has but d, p and q.
    Bytes private_half(const Vector& vector, std::size_t size) {
        const Number d = number(vector.bytes("d"));
        const Number p = number(vector.bytes("p"));
        const Number q = number(vector.bytes("q"));
        const Number inverse(BN_mod_inverse(nullptr, q.get(), p.get(), workspace_.get()), BN_free);
        const std::size_t half = size / 2;
        return vector.number("d", size) + vector.number("p", half) + vector.number("q", half) +
               remainder(d, p, half) + remainder(d, q, half) + bytes_of(inverse.get(), half);
    }
    Bytes power(const Bytes& base, const Bytes& exponent, const Bytes& modulus) {
        const Number result(BN_new(), BN_free);
        EXPECT_EQ(BN_mod_exp(result.get(), number(base).get(), number(exponent).get(),
                             number(modulus).get(), workspace_.get()),
                  1);
        return bytes_of(result.get(), modulus.size());
    }

  private:
    /// d mod (prime - 1)
    Bytes remainder(const Number& d, const Number& prime, std::size_t size) {
        const Number order(BN_dup(prime.get()), BN_free);
        BN_sub_word(order.get(), 1);
        const Number rest(BN_new(), BN_free);
        EXPECT_EQ(BN_mod(rest.get(), d.get(), order.get(), workspace_.get()), 1);
        return bytes_of(rest.get(), size);
    }

    Workspace workspace_;
};

std::size_t modulus_size(const Vector& vector) {
    return std::stoul(vector.section.substr(vector.section.find('=') + 1)) / 8;
}

TEST_F(RsaVectors, PublicPowersOfSignaturesAreTheEncodedMessages) {
    Bytes key;
    for (const Vector& vector : read_vectors("asymmetric/RSA/FIPS_186-2/SigGen15_186-3.rsp")) {
        const std::size_t size = modulus_size(vector);
        if (size < 256) {
            continue;
        }
        if (vector.has("n")) {
            key = vector.number("n", size) + vector.number("e", 8);
        }
        const Bytes encoded = pkcs1_encoded(vector.text("shaalg"), vector.bytes("msg"), size);
        expect(rsa(spec::Opcode::rsa_public, key, {}, vector.number("s", size)), encoded);
    }
    EXPECT_EQ(answered, 3u * 50);
}

TEST_F(RsaVectors, PrivatePowersAreThoseOfTheKeysOfNist) {
    std::map<std::size_t, int> keys;
    for (const Vector& vector : read_vectors("asymmetric/RSA/FIPS_186-2/KeyGenRSA.rsp")) {
        const std::size_t size = modulus_size(vector);
        if (size < 256 || ++keys[size] > 3) {
            continue;
        }
        const Bytes modulus = vector.number("n", size);
        const Bytes key = modulus + vector.number("e", 8);
        const Bytes source = Bytes(1) + Bytes(size - 1, std::byte{0xB7});
        const Bytes power_of_d = power(source, vector.bytes("d"), modulus);
        expect(rsa(spec::Opcode::rsa_private, key, private_half(vector, size), source), power_of_d);
        expect(rsa(spec::Opcode::rsa_public, key, {}, power_of_d), source);
    }
    EXPECT_EQ(answered, 3u * 3 * 2);
}

/// "# Name:", then lines of bytes in hexadecimal, from the line `title` on.
std::vector<std::pair<std::string, Bytes>> read_blocks(const std::string& file,
                                                       const std::string& title) {
    std::ifstream stream = open_vectors(file);
    std::vector<std::pair<std::string, Bytes>> blocks;
    bool found = false;
    for (std::string line; std::getline(stream, line);) {
        line = trimmed(line);
        found |= line == title;
        if (!found || line.empty() || line.front() == '=') {
            continue;
        }
        if (line.front() == '#') {
            blocks.emplace_back(trimmed(line.substr(1)), Bytes{});
            continue;
        }
        line.erase(std::remove(line.begin(), line.end(), ' '), line.end());
        blocks.back().second = blocks.back().second + from_hex(line);
    }
    return blocks;
}

TEST_F(RsaVectors, SignaturesAreThoseOfRsaLaboratories) {
    Bytes key;
    Bytes half;
    Bytes message;
    bool is_private = false;
    for (const auto& [name, bytes] : read_blocks("asymmetric/RSA/pkcs1v15sign-vectors.txt",
                                                 "# Example 15: A 2048-bit RSA key pair")) {
        is_private |= name == "Private key";
        if (name == "Modulus:" && !is_private) {
            key = bytes;
        } else if (name == "Exponent:" && !is_private) {
            key = key + Bytes(8 - bytes.size()) + bytes;
        } else if (name == "Exponent:" || name.rfind("Prime", 0) == 0 || name == "Coefficient:") {
            half = half + bytes;
        } else if (name == "Message to be signed:") {
            message = bytes;
        } else if (name == "Signature:") {
            expect(rsa(spec::Opcode::rsa_private, key, half, pkcs1_encoded("SHA1", message, 256)),
                   bytes);
        }
    }
    EXPECT_EQ(answered, 20u);
}

// ---- P-256 and P-384 ----

struct CurveCase {
    spec::Algorithm algorithm;
    const char* name;
    std::size_t size;
};
constexpr CurveCase curves[] = {{spec::Algorithm::ec_p256, "P-256", 32},
                                {spec::Algorithm::ec_p384, "P-384", 48}};

/// The curve of "P-256,SHA-384"; null: none of the chip's.
const CurveCase* curve_of(const std::string& section) {
    for (const CurveCase& curve : curves) {
        if (section.rfind(curve.name, 0) == 0) {
            return &curve;
        }
    }
    return nullptr;
}

/// "SHA384" of "P-256,SHA-384".
std::string hash_of(const std::string& section) {
    return "SHA" + section.substr(section.rfind('-') + 1);
}

class CurveVectors : public Vectors {
  protected:
    static Bytes pair(const Vector& vector, const char* x, const char* y, const CurveCase& curve) {
        return vector.number(x, curve.size) + vector.number(y, curve.size);
    }
    static Question verification(const CurveCase& curve, const Bytes& key, const Bytes& signature,
                                 const Bytes& digest) {
        return {.algorithm = curve.algorithm,
                .opcode = spec::Opcode::verify,
                .key = key,
                .source = signature + digest};
    }
};

TEST_F(CurveVectors, EcdsaVerifiesWhatIsGoodAndRefusesWhatWasChanged) {
    for (const Vector& vector : read_vectors("asymmetric/ECDSA/FIPS_186-3/SigVer.rsp")) {
        const CurveCase* curve = curve_of(vector.section);
        if (curve == nullptr) {
            continue;
        }
        SCOPED_TRACE(vector.section + " " + vector.text("result"));
        const Question question =
            verification(*curve, pair(vector, "qx", "qy", *curve), pair(vector, "r", "s", *curve),
                         digest_of(hash_of(vector.section).c_str(), vector.bytes("msg")));
        if (vector.text("result").front() == 'P') {
            expect(question, {});
        } else if (vector.text("result").find("Q changed") == std::string::npos) {
            expect_failure(question, spec::CryptoError::verify_failed);
        } else {
            // A point that is no longer on the curve is no key.
            const spec::Status status = bench.ask(question).status;
            EXPECT_TRUE(status == failed(spec::CryptoError::bad_key) ||
                        status == failed(spec::CryptoError::verify_failed));
        }
    }
    EXPECT_GT(answered, 20u);
    EXPECT_GT(refused, 60u);
}

TEST_F(CurveVectors, EcdsaSignaturesVerifyWithTheKeysOfNist) {
    for (const Vector& vector : read_vectors("asymmetric/ECDSA/FIPS_186-3/SigGen.txt")) {
        const CurveCase* curve = curve_of(vector.section);
        if (curve == nullptr) {
            continue;
        }
        const Bytes digest = digest_of(hash_of(vector.section).c_str(), vector.bytes("msg"));
        const Answer signature = bench.ask({.algorithm = curve->algorithm,
                                            .opcode = spec::Opcode::sign,
                                            .second_key = vector.number("d", curve->size),
                                            .source = digest,
                                            .room = 2 * curve->size});
        ASSERT_TRUE(signature.status.ok());
        ASSERT_EQ(signature.output.size(), 2 * curve->size);
        const Bytes key = pair(vector, "qx", "qy", *curve);
        expect(verification(*curve, key, signature.output, digest), {});
        expect(verification(*curve, key, pair(vector, "r", "s", *curve), digest), {});
    }
    EXPECT_EQ(answered, 2u * 2 * 5 * 15);
}

TEST_F(CurveVectors, EcdhGivesTheSecretsOfNistAndRefusesPointsThatAreNone) {
    for (const char* role : {"init", "resp"}) {
        for (const Vector& vector :
             read_vectors("asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_" +
                          std::string(role) + ".fax")) {
            const bool is_p256 = vector.section == "EC - SHA256";
            if (!vector.has("count") || (!is_p256 && vector.section != "ED - SHA384")) {
                continue;
            }
            const CurveCase& curve = curves[is_p256 ? 0 : 1];
            const std::string result = vector.text("result");
            SCOPED_TRACE(vector.section + " " + vector.text("count") + " " + result);
            const Question question{.algorithm = curve.algorithm,
                                    .opcode = spec::Opcode::agree,
                                    .second_key = vector.number("dsiut", curve.size),
                                    .source = pair(vector, "qscavsx", "qscavsy", curve),
                                    .room = curve.size};
            if (result.find("CAVS's Static public key") != std::string::npos) {
                expect_failure(question, spec::CryptoError::bad_point);
            } else if (result.front() == 'P') {
                expect(question, vector.number("z", curve.size));
            }
        }
    }
    EXPECT_GT(answered, 40u);
    EXPECT_GT(refused, 4u);
}

// ---- Curve25519 ----

using Curve25519Vectors = Vectors;

Question x25519(const Bytes& scalar, const Bytes& point) {
    return {.algorithm = spec::Algorithm::x25519,
            .opcode = spec::Opcode::agree,
            .second_key = scalar,
            .source = point,
            .room = 32};
}

TEST_F(Curve25519Vectors, X25519IsThatOfRfc7748) {
    for (const Vector& vector : read_vectors("asymmetric/X25519/rfc7748.txt")) {
        if (vector.has("input_scalar") && vector.has("output_u")) {
            expect(x25519(vector.bytes("input_scalar"), vector.bytes("input_u")),
                   vector.bytes("output_u"));
        }
    }
    EXPECT_GE(answered, 3u);
}

// Lines of "private key, public key : public key : message : signature, message".
TEST_F(Curve25519Vectors, Ed25519SignsAndVerifiesAsItsAuthorsDo) {
    std::ifstream stream = open_vectors("asymmetric/Ed25519/sign.input");
    std::size_t lines = 0;
    for (std::string line; std::getline(stream, line);) {
        if (++lines % 16 != 1) {
            continue;
        }
        std::istringstream fields(line);
        std::string keys;
        std::string public_key;
        std::string message;
        std::string signed_message;
        std::getline(fields, keys, ':');
        std::getline(fields, public_key, ':');
        std::getline(fields, message, ':');
        std::getline(fields, signed_message, ':');
        const Bytes signature = from_hex(signed_message.substr(0, 128));
        expect({.algorithm = spec::Algorithm::ed25519,
                .opcode = spec::Opcode::sign,
                .key = from_hex(public_key),
                .second_key = from_hex(keys.substr(0, 64)),
                .source = from_hex(message),
                .room = 64},
               signature);
        Question verify{.algorithm = spec::Algorithm::ed25519,
                        .opcode = spec::Opcode::verify,
                        .key = from_hex(public_key),
                        .source = signature + from_hex(message)};
        expect(verify, {});
        verify.source.back() ^= std::byte{0x10};
        expect_failure(verify, spec::CryptoError::verify_failed);
    }
    EXPECT_EQ(answered, 2u * 64);
    EXPECT_EQ(refused, 64u);
}

}  // namespace
}  // namespace ringside::testing
