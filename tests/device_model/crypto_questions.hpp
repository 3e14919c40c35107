// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One good question for each algorithm and command of the chip, for tests of what goes for all of
// them. The keys are made up, the P-256 and P-384 pairs those of NIST's CAVS files.

#include <vector>

#include "crypto_bench.hpp"

namespace ringside::testing {

inline constexpr std::string_view rsa_public_key =
    "cd2ba23911f73fb627ce2878a1fa37692b704bb37175d5261503644f3c4a5e8cd2503be947b74bb3"
    "80c661863b799c62997d8fa8bab6d648727ef826bfc14b23b7a1cf447de4af1367ebe99949f865b2"
    "7734a8c41e5af2f96cf23ee40633f0b8199ecf9f99ee2f50fe76a91a2a75c72e5fc4c7aac0b64aa7"
    "c7d308cfd55f4488e0e1997b1bfa3c057396fe4b4b1bc9f7f88ce27c3b429a29514b65173ce36fab"
    "bb1746b538fd1b4494c056d419759e4f59e638a3c06cc867ac0a8357a2d3c65c3647a70f70b23cef"
    "2fd2a2dd48aafbaaf753f26a618440ad2edc1ebc3b006ee78c9d09d024433262e2a9caef27977db0"
    "826d2fd3ac3aa8bf0581dda23d7e1e4b0000000000010001";
inline constexpr std::string_view rsa_private_key =
    "2714b6285fcb34781a99f2ec93920966ff8ebae4b9ea8388e6fcc7e92de74e9e4d5b5a2623f27eb9"
    "790090c81461245045c37c8f5bcd8300b6ca87b33dd8705b23d9ef14b15453a3032b154a8d24031f"
    "1d04cb56dc1f5fe3f2042cc59b86de45fb1f5c961ea8979bba74d8de32934fb6fe280a0e74f9e43b"
    "945d16f31bc63353f5ec7cbb096165364fa4778822f78c63f34388524937286cf372a3ab5e8b5177"
    "f715ee640dd19f502056600829cfe4bf5815344abc55a690881b3077fa9e15e1dfe289fc107de3e5"
    "a72211614761c4ed29d90b75c2ee44be41bd40c3866dce5c7ec6bcf540793d3130da08606eec13a5"
    "f2543af200893c6118b57a1e5ddafbd5f2389ad622f9ca8c39adbf639fdf1f4c9d650b24d8dc5a9c"
    "d90db099979518a6a89937013d2c1a0f251d6c8fbf7aad06a436534fa146433891d3adb0d4ebf615"
    "84e1f85c05271d4fcf3c459e513d02317cb834ceb509f5d7df99387498a557d5e87ea6f7f12feec3"
    "d0e33feff7f5394e358721aaf0f6d9688d712dba8eab39f5d8d778871772248ebb19966ab0472612"
    "17e48e44a3e12f6aec3787aec41a91cec9f60736a3e0e51e842f3786cececf6186d9139aa1f5074c"
    "302c387b60fb1c591272dc637408c86a55cbce2e793524a20e8ac6663c0c0d915ebbd4645713ecb4"
    "93c27017a1188a93c7866ee4800ff7df233c236b907e151dd3a0b399782f8f3f4a451efcefe685bb"
    "af67de1a6f07dc3202c4dbc0e599d352ea9eeefa79672712daf977cb3275965bf4766c363b712322"
    "b9314b244c801dd677a85f46ac52d9b6c972fc5342e53670a54b86d13f79a47586177961b4532485"
    "97b3048383d696f32901c4b29bcaa5bc770d672a6e6e4baef66cc3df0559bb59fa9cac77da8d180d"
    "d4cc6808d3167e0fe0475518f0537266113287f78e87ffdbc3631f71801bbef99bb3291313323247"
    "875b3af7bddeb11fb99130aef0bfa0e0c0e9b4a847dd46cd96d047be05f254941e0c7b139a796fb0"
    "e5ea849771d8363c72268c61c81ed28dc7efe9c7169e19e8bac70fee884aa36b448dd108cf6d1c56"
    "00085618871ccd4b5deec8a5c4e5c1e2520a4cb93f2e1814756354e7670d62abc437363903781e06"
    "5df2836d8ff0c2edee7b7c92f5abebaad579e09758b9b93a6078c4e01ecc529894781ec651af62d8"
    "88d46724af2c3c31277e1e7bf450bc910e8cc1e5db5cd0f2b5b71e84eaff4128dd5448bbe5e0268e"
    "f86d237acaf50037f5b9c0284587fc3c";
inline constexpr std::string_view p256_public_key =
    "1ccbe91c075fc7f4f033bfa248db8fccd3565de94bbfb12f3c59ff46c271bf83"
    "ce4014c68811f9a21a1fdb2c0e6113e06db7ca93b7404e78dc7ccd5ca89a4ca9";
inline constexpr std::string_view p256_private_key =
    "519b423d715f8b581f4fa8ee59f4771a5b44c8130b4e3eacca54a56dda72b464";
inline constexpr std::string_view p384_public_key =
    "c2b47944fb5de342d03285880177ca5f7d0f2fcad7678cce4229d6e1932fcac1"
    "1bfc3c3e97d942a3c56bf34123013dbf37257906a8223866eda0743c519616a7"
    "6a758ae58aee81c5fd35fbf3a855b7754a36d4a0672df95d6c44a81cf7620c2d";
inline constexpr std::string_view p384_private_key =
    "201b432d8df14324182d6261db3e4b3f46a8284482d52e370da41e6cbdf45ec2"
    "952f5db7ccbce3bc29449f4fb080ac97";
/// RFC 8032, 7.1, test 2.
inline constexpr std::string_view ed25519_public_key =
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
inline constexpr std::string_view ed25519_private_key =
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
inline constexpr std::string_view ed25519_signature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

/// 1, 2, 3, ...
inline Bytes some_bytes(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i + 1);
    }
    return bytes;
}

inline std::vector<Question> cipher_questions() {
    using spec::Algorithm;
    constexpr auto cipher = spec::Opcode::cipher;
    std::vector<Question> questions;
    for (const auto algorithm : {Algorithm::aes_cbc, Algorithm::aes_ctr, Algorithm::aes_xts}) {
        questions.push_back({.algorithm = algorithm,
                             .opcode = cipher,
                             .key = some_bytes(32),
                             .iv = some_bytes(16),
                             .source = some_bytes(512),
                             .room = 512});
    }
    for (const auto algorithm : {Algorithm::aes_gcm, Algorithm::chacha20_poly1305}) {
        questions.push_back({.algorithm = algorithm,
                             .opcode = cipher,
                             .key = some_bytes(32),
                             .iv = some_bytes(12),
                             .first_len = 13,
                             .tag_len = 16,
                             .source = some_bytes(333),
                             .room = 336});
    }
    for (const auto algorithm : {Algorithm::aes_cbc_hmac_sha1, Algorithm::aes_cbc_hmac_sha256}) {
        questions.push_back({.algorithm = algorithm,
                             .opcode = cipher,
                             .key = some_bytes(16),
                             .second_key = some_bytes(32),
                             .iv = some_bytes(16),
                             .first_len = 13,
                             .second_len = 16,
                             .source = some_bytes(429),
                             .room = 464});
    }
    return questions;
}

inline std::vector<Question> hash_questions() {
    using spec::Algorithm;
    std::vector<Question> questions;
    for (const auto hash : {spec::Hash::sha1, spec::Hash::sha256, spec::Hash::sha3_256}) {
        questions.push_back({.algorithm = Algorithm::hash,
                             .opcode = spec::Opcode::digest,
                             .hash = hash,
                             .source = some_bytes(300),
                             .room = 32});
        questions.push_back({.algorithm = Algorithm::hmac,
                             .opcode = spec::Opcode::digest,
                             .key = some_bytes(40),
                             .hash = hash,
                             .source = some_bytes(300),
                             .room = 32});
    }
    for (const auto algorithm :
         {Algorithm::hkdf, Algorithm::hkdf_extract, Algorithm::hkdf_expand, Algorithm::tls12_prf}) {
        questions.push_back({.algorithm = algorithm,
                             .opcode = spec::Opcode::derive,
                             .hash = spec::Hash::sha256,
                             .first_len = 16,
                             .second_len = algorithm == Algorithm::hkdf ? 32u : 0u,
                             .source = some_bytes(80),
                             .room = 32});
    }
    questions.push_back(
        {.algorithm = Algorithm::random, .opcode = spec::Opcode::random, .room = 64});
    return questions;
}

inline std::vector<Question> asymmetric_questions() {
    using spec::Algorithm;
    using spec::Opcode;
    std::vector<Question> questions;
    for (const auto opcode : {Opcode::rsa_private, Opcode::rsa_public}) {
        questions.push_back({.algorithm = Algorithm::rsa,
                             .opcode = opcode,
                             .key = from_hex(rsa_public_key),
                             .second_key = from_hex(rsa_private_key),
                             .source = some_bytes(256),
                             .room = 256});
    }
    const auto add_curve = [&](Algorithm algorithm, std::string_view key,
                               std::string_view second_key) {
        const std::size_t size = second_key.size() / 2;
        questions.push_back({.algorithm = algorithm,
                             .opcode = Opcode::sign,
                             .key = from_hex(key),
                             .second_key = from_hex(second_key),
                             .source = some_bytes(32),
                             .room = 2 * size});
        questions.push_back({.algorithm = algorithm,
                             .opcode = Opcode::agree,
                             .key = from_hex(key),
                             .second_key = from_hex(second_key),
                             .source = from_hex(key),
                             .room = size});
    };
    add_curve(Algorithm::ec_p256, p256_public_key, p256_private_key);
    add_curve(Algorithm::ec_p384, p384_public_key, p384_private_key);
    questions.push_back({.algorithm = Algorithm::x25519,
                         .opcode = Opcode::agree,
                         .second_key = some_bytes(32),
                         .source = some_bytes(32),
                         .room = 32});
    questions.push_back({.algorithm = Algorithm::ed25519,
                         .opcode = Opcode::sign,
                         .key = from_hex(ed25519_public_key),
                         .second_key = from_hex(ed25519_private_key),
                         .source = from_hex("72"),
                         .room = 64});
    questions.push_back({.algorithm = Algorithm::ed25519,
                         .opcode = Opcode::verify,
                         .key = from_hex(ed25519_public_key),
                         .source = from_hex(ed25519_signature) + from_hex("72")});
    return questions;
}

/// Each is answered with OK, and, but for VERIFY, fills its room or, of hashes, less.
inline std::vector<Question> all_questions() {
    std::vector<Question> all = cipher_questions();
    for (const auto& more : {hash_questions(), asymmetric_questions()}) {
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

}  // namespace ringside::testing
