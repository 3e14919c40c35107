// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The known answers of the power-up self-test, for each algorithm one at least; numbers in
// hexadecimal. Where no standard has a short one, it was computed by another implementation
// (Python's hashlib and big integers, the openssl program).

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ringside/spec/wire.hpp"

namespace ringside::core {

struct KnownAnswer {
    spec::Algorithm algorithm;
    spec::Hash hash = spec::Hash::none;
    spec::Opcode opcode;
    bool decrypt = false;
    std::string_view key;
    std::string_view second_key;
    std::string_view iv;
    std::uint16_t first_len = 0;
    std::uint16_t second_len = 0;
    std::uint8_t tag_len = 0;
    std::string_view source;
    std::string_view answer;
    std::optional<spec::CryptoError> fails;  ///< the answer is an error
};

inline constexpr std::string_view rsa_public =
    "ba9ef18e5f5fab65107d245cd781f2a5cf8cb4909989f51f0813bd3e2fca1f06"
    "6e5e2a030dbb0bd6091fb4e89a2937fefaa9f7e55104068fff80c3eeac35ba9a"
    "73f9828a3646fad7ffe15cf8366ceaf327ab1efee5b65eaa9220e2c1e6f464a4"
    "fe27c7dd95285d7fed8502f7f015adec87656733effd61509e5e1956d1c00252"
    "b59e9d47485df9911755ca1443f22b645309ec372fbbce3d59a85f36fc46a1ba"
    "c231458510e6531a827553a325610f9365ef64e611b0e006da18dacd7b0c39c9"
    "08dda45f6f5267da446efcb2cb7c504ce98b5fbc49e0703d7ca2d85c2d4e1e26"
    "41b545fe5863a22fea958829d1305135da475aaad693da86d4f0d88f82c30b83"
    "0000000000010001";
inline constexpr std::string_view rsa_private =
    "18f1b6cd8b6a4bb6acaf601ab8198aa2916d38135dda714a4e623e6374b02503"
    "cf366f3ccceb33f2a371e5549e8a7a38198424cf8b767e1ebae2ee0d805f86cb"
    "84a094a0bf0eda123605b1a4b70d9ee7ea64f68b268ed64a2151c64d6efe9001"
    "f7bb69d2707b493d6e0a3487df18debafa015aa68d62464d7d7ae168828d1222"
    "312a199a5815a7c1149ada38b653e46e2c17bd0c521d27555777758e6a0d676f"
    "4f15f753a5835002d120f481527c8c476708999fcf501e75550de27f7d025128"
    "865b197e37760204def7edd2fea2fce1d27646e60542e44058dfd0609ea9300a"
    "d6e12da714e51f8d218235e17dea23a7686e07fc11e8625f0d975eed40ff66f9"
    "e7921a420e7eb220c3c3d07dbb975b2214db3b74e6dfe2acf1fe7950feb46d55"
    "3760cfcff848f2c057cf10e1654fc2c085ad5868be9c595f0df0c2244f12435d"
    "94179c443f886038782d6ba49df23e90fe326435a0ae3416542e0c1bd2ef6bba"
    "acc4b453de3e260b2fbebae85fa0fbc4c37c90622dc8b3e2ea040a2b3e31abf9"
    "ce4ee80e29c8c2f6874f15ea0a2583f5045adf9d0d904f0774ba5606a7bd624a"
    "c46e84612c6b979296fb19911b4e053b0335cf16494e85ffd4989a7e5568553f"
    "5b341ac2f47a0da0653dcec00744085e4c88f4132aac149883f2ac96baab6b5e"
    "cc66ed2dd945395e468e2b02d267c8129bfa930c0467410e580bc114cb68ba5b"
    "052fe49eae2c705903899355fda9ba44dd2abbfe365db57a22418cfe1f76732c"
    "817d0daa9ee92366e390a3d428acccb3fb4a92bc65e8a2a7da6c162d32083ab2"
    "11eb2578f1e3602463acc0c8833135ed918417728c12dadfd52ae2e28cab0842"
    "ba33fdc613285939ceebfacbd1b88d6b2ee5cf662398674f21e6cd4382b52221"
    "8dce70f523456ab537a665a2bc1cb34a1c173672e65ad5e783157d820f943e56"
    "b4145f0bc813a058d34c7f735d3850a2127fcefb3ba22cbaff6f7169fadcbf13"
    "d065cd2b4a0e0705c3f12b069537ef249a28dcd3bbd612460f14240b6afddecc"
    "87650c0c22b6d14afae647ac25e1ce04f48fd4b942e1923700cffb84869852d7"
    "0ee372f3af7e3a27bb21e7d8f47a7ae2d5fd7b936b5b4c4135ea70e8e3227bb3"
    "8f486f66d23bf91fae3dedf4b7a849badfcf1a0d31729e6655ef36040510095b"
    "e682f52db96744639863a37ef55491139f40957519c442b88f5ad8a6361a1624"
    "ebdf5097d1c8d1093f53a662e398e4379898d2dbb73516f0d98895d42565c4be";
inline constexpr std::string_view rsa_source =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
    "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
    "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
inline constexpr std::string_view rsa_answer =
    "23e7034074d28dc1fd1aff21bea577114cba2ba894131f709d75ca2a79a54849"
    "3d55188597a77f38337b985359b05336750cd2a6e7645bc89b45aad0e12d992d"
    "752e3865ae297687516799a5379856ea304180b34af7e0af780e3e2c1fb2a0c0"
    "1be3f03bc30499d5ca055ea6dbbc1ae03a75676aa63b89098ad2ab004aca6f4e"
    "60805bc6803ddf937cc51876e5228f7a9f9ffef3b8b5c623ce9e9b05b8a51b5e"
    "d3ca194243b446954acce1aafd16b6b70a3092ee16a2c3ca6f9e7b3caa499d1b"
    "93a39899c247f61c2bfaceb17d8ccb8af171f2fd584f7ac5b335be48e89082fb"
    "234a62472e92e55948661c63faf86dda63dc3820dfbb5d077e5aaf871090b214";

inline constexpr KnownAnswer known_answers[] = {
    // SP 800-38A F.2.1, first block
    {.algorithm = spec::Algorithm::aes_cbc,
     .opcode = spec::Opcode::cipher,
     .key = "2b7e151628aed2a6abf7158809cf4f3c",
     .iv = "000102030405060708090a0b0c0d0e0f",
     .source = "6bc1bee22e409f96e93d7e117393172a",
     .answer = "7649abac8119b246cee98e9b12e9197d"},
    // the same, back
    {.algorithm = spec::Algorithm::aes_cbc,
     .opcode = spec::Opcode::cipher,
     .decrypt = true,
     .key = "2b7e151628aed2a6abf7158809cf4f3c",
     .iv = "000102030405060708090a0b0c0d0e0f",
     .source = "7649abac8119b246cee98e9b12e9197d",
     .answer = "6bc1bee22e409f96e93d7e117393172a"},
    // computed by another implementation
    {.algorithm = spec::Algorithm::aes_ctr,
     .opcode = spec::Opcode::cipher,
     .key = "000102030405060708090a0b0c0d0e0f",
     .iv = "101112131415161718191a1b1c1d1e1f",
     .source = "72696e67736964652073656c662d74657374",
     .answer = "7597811392bc670bb07d8b7de8b9e6f6e1b6"},
    // IEEE 1619, vector 2
    {.algorithm = spec::Algorithm::aes_xts,
     .opcode = spec::Opcode::cipher,
     .key = "1111111111111111111111111111111122222222222222222222222222222222",
     .iv = "33333333330000000000000000000000",
     .source = "4444444444444444444444444444444444444444444444444444444444444444",
     .answer = "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0"},
    // McGrew and Viega, test case 2
    {.algorithm = spec::Algorithm::aes_gcm,
     .opcode = spec::Opcode::cipher,
     .key = "00000000000000000000000000000000",
     .iv = "000000000000000000000000",
     .tag_len = 16,
     .source = "00000000000000000000000000000000",
     .answer = "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
    // the same, back
    {.algorithm = spec::Algorithm::aes_gcm,
     .opcode = spec::Opcode::cipher,
     .decrypt = true,
     .key = "00000000000000000000000000000000",
     .iv = "000000000000000000000000",
     .tag_len = 16,
     .source = "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
     .answer = "00000000000000000000000000000000"},
    // the same with a wrong tag
    {.algorithm = spec::Algorithm::aes_gcm,
     .opcode = spec::Opcode::cipher,
     .decrypt = true,
     .key = "00000000000000000000000000000000",
     .iv = "000000000000000000000000",
     .tag_len = 16,
     .source = "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bdde",
     .fails = spec::CryptoError::auth_failed},
    // computed by another implementation
    {.algorithm = spec::Algorithm::chacha20_poly1305,
     .opcode = spec::Opcode::cipher,
     .key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     .iv = "000102030405060708090a0b",
     .first_len = 5,
     .tag_len = 16,
     .source = "000102030472696e67736964652073656c662d74657374",
     .answer = "fb9266675a7ec12597f05a9ffe307a06ba04c85d07b14f922ddd26b64729ea8a"
               "eaf5"},
    // computed by another implementation
    {.algorithm = spec::Algorithm::aes_cbc_hmac_sha1,
     .opcode = spec::Opcode::cipher,
     .key = "000102030405060708090a0b0c0d0e0f",
     .second_key = "000102030405060708090a0b0c0d0e0f10111213",
     .iv = "101112131415161718191a1b1c1d1e1f",
     .first_len = 13,
     .second_len = 16,
     .source = "00000000000000011703030000404142434445464748494a4b4c4d4e4f72696e"
               "67736964652073656c662d74657374",
     .answer = "34aa4a156d4930d99a622fed6a5d4a0c160cc37aa0bdfb88078f352b35420c40"
               "613a5a7f5bc4ea0773e299e9338539ba1318a38b384a14c061295b68b0c0c4b3"},
    // computed by another implementation
    {.algorithm = spec::Algorithm::aes_cbc_hmac_sha256,
     .opcode = spec::Opcode::cipher,
     .key = "000102030405060708090a0b0c0d0e0f",
     .second_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     .iv = "101112131415161718191a1b1c1d1e1f",
     .first_len = 13,
     .second_len = 16,
     .source = "00000000000000011703030000404142434445464748494a4b4c4d4e4f72696e"
               "67736964652073656c662d74657374",
     .answer = "34aa4a156d4930d99a622fed6a5d4a0c160cc37aa0bdfb88078f352b35420c40"
               "bad48f2b8f3230d56001114497cf8d57e58877c8598bda59824959268b18b04c"
               "7709b42c90d25bbbac311d9d3f022549"},
    // FIPS 180-4, "abc"
    {.algorithm = spec::Algorithm::hash,
     .hash = spec::Hash::sha1,
     .opcode = spec::Opcode::digest,
     .source = "616263",
     .answer = "a9993e364706816aba3e25717850c26c9cd0d89d"},
    // FIPS 180-4, "abc"
    {.algorithm = spec::Algorithm::hash,
     .hash = spec::Hash::sha256,
     .opcode = spec::Opcode::digest,
     .source = "616263",
     .answer = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    // FIPS 180-4, "abc"
    {.algorithm = spec::Algorithm::hash,
     .hash = spec::Hash::sha384,
     .opcode = spec::Opcode::digest,
     .source = "616263",
     .answer = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
               "8086072ba1e7cc2358baeca134c825a7"},
    // FIPS 180-4, "abc"
    {.algorithm = spec::Algorithm::hash,
     .hash = spec::Hash::sha512,
     .opcode = spec::Opcode::digest,
     .source = "616263",
     .answer = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    // FIPS 202, "abc"
    {.algorithm = spec::Algorithm::hash,
     .hash = spec::Hash::sha3_256,
     .opcode = spec::Opcode::digest,
     .source = "616263",
     .answer = "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    // RFC 4231, test case 2
    {.algorithm = spec::Algorithm::hmac,
     .hash = spec::Hash::sha256,
     .opcode = spec::Opcode::digest,
     .key = "4a656665",
     .source = "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     .answer = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    // RFC 5869, test case 1
    {.algorithm = spec::Algorithm::hkdf,
     .hash = spec::Hash::sha256,
     .opcode = spec::Opcode::derive,
     .first_len = 13,
     .second_len = 22,
     .source = "000102030405060708090a0b0c0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
               "0b0b0bf0f1f2f3f4f5f6f7f8f9",
     .answer = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
               "34007208d5b887185865"},
    // the same, extracting
    {.algorithm = spec::Algorithm::hkdf_extract,
     .hash = spec::Hash::sha256,
     .opcode = spec::Opcode::derive,
     .first_len = 13,
     .source = "000102030405060708090a0b0c0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
               "0b0b0b",
     .answer = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"},
    // the same, expanding
    {.algorithm = spec::Algorithm::hkdf_expand,
     .hash = spec::Hash::sha256,
     .opcode = spec::Opcode::derive,
     .first_len = 32,
     .source = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
               "f0f1f2f3f4f5f6f7f8f9",
     .answer = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
               "34007208d5b887185865"},
    // a common test vector, first 32 bytes
    {.algorithm = spec::Algorithm::tls12_prf,
     .hash = spec::Hash::sha256,
     .opcode = spec::Opcode::derive,
     .first_len = 16,
     .source = "9bbe436ba940f017b17652849a71db3574657374206c6162656ca0ba9f936cda"
               "311827a6f796ffd5198c",
     .answer = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"},
    // computed by another implementation, entropy 000102...2f
    {.algorithm = spec::Algorithm::random,
     .opcode = spec::Opcode::random,
     .answer = "061550234d158c5ec95595fe04ef7a25767f2e24cc2bc479d09d86dc9abcfde7"},
    // computed by another implementation
    {.algorithm = spec::Algorithm::rsa,
     .opcode = spec::Opcode::rsa_private,
     .key = rsa_public,
     .second_key = rsa_private,
     .source = rsa_source,
     .answer = rsa_answer},
    // the same, back
    {.algorithm = spec::Algorithm::rsa,
     .opcode = spec::Opcode::rsa_public,
     .key = rsa_public,
     .source = rsa_answer,
     .answer = rsa_source},
    // NIST CAVS, SigGen
    {.algorithm = spec::Algorithm::ec_p256,
     .opcode = spec::Opcode::verify,
     .key = "1ccbe91c075fc7f4f033bfa248db8fccd3565de94bbfb12f3c59ff46c271bf83"
            "ce4014c68811f9a21a1fdb2c0e6113e06db7ca93b7404e78dc7ccd5ca89a4ca9",
     .source = "f3ac8061b514795b8843e3d6629527ed2afd6b1f6a555a7acabb5e6f79c8c2ac"
               "8bf77819ca05a6b2786c76262bf7371cef97b218e96f175a3ccdda2acc058903"
               "44acf6b7e36c1342c2c5897204fe09504e1e2efb1a900377dbc4e7a6a133ec56"},
    // the same with a wrong s
    {.algorithm = spec::Algorithm::ec_p256,
     .opcode = spec::Opcode::verify,
     .key = "1ccbe91c075fc7f4f033bfa248db8fccd3565de94bbfb12f3c59ff46c271bf83"
            "ce4014c68811f9a21a1fdb2c0e6113e06db7ca93b7404e78dc7ccd5ca89a4ca9",
     .source = "f3ac8061b514795b8843e3d6629527ed2afd6b1f6a555a7acabb5e6f79c8c2ac"
               "8bf77819ca05a6b2786c76262bf7371cef97b218e96f175a3ccdda2acc058900"
               "44acf6b7e36c1342c2c5897204fe09504e1e2efb1a900377dbc4e7a6a133ec56",
     .fails = spec::CryptoError::verify_failed},
    // NIST CAVS, ECC static unified
    {.algorithm = spec::Algorithm::ec_p256,
     .opcode = spec::Opcode::agree,
     .second_key = "8087ab163864bfa81001c72f736b6d94e7612559ac4c847d06ba2171840684d6",
     .source = "5a3955c54a49645ed818f3774ea10971a1db88c370d8966c5a6e88234ed5d820"
               "03b13f0dad73f64532f42b8b2fa6d1450d9ab24896e95c24674298f2da07ccda",
     .answer = "0cb890a0dcc277c3dde0f91b4322a32e6365d7ec85316185d3286b4977849410"},
    // NIST CAVS, ECC static unified
    {.algorithm = spec::Algorithm::ec_p384,
     .opcode = spec::Opcode::agree,
     .second_key = "f865418473e5bf7d2e1bbcd9bd5a9270c003a9dd35e778133ca59fcab4bb64fe"
                   "24d6800e7047bdd033abc8bfa8db35b5",
     .source = "d1bf2ac21637d66d6398aac01dcd56ac6f065fb45d1f6f16747bab9e9b01b463"
               "0b59b20927aea147355bf41838acb4824c9e23f1c5a41647d094086bf4ed3170"
               "8651f21d996c47780688ac10f77deee2e43b5241b6caecd2fd5444bc50472e0e",
     .answer = "a781430e6078a179df3f9ee27cd8fdc6188f161b6c4ccc4053ef6c6ca6fc2229"
               "46883a53c06db08f0a020023ced055aa"},
    // RFC 7748, 5.2
    {.algorithm = spec::Algorithm::x25519,
     .opcode = spec::Opcode::agree,
     .second_key = "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
     .source = "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
     .answer = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
    // RFC 8032, 7.1, test 2
    {.algorithm = spec::Algorithm::ed25519,
     .opcode = spec::Opcode::sign,
     .second_key = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     .source = "72",
     .answer = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
               "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    // the same, verified
    {.algorithm = spec::Algorithm::ed25519,
     .opcode = spec::Opcode::verify,
     .key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     .source = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
               "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
               "72"},
    // the same with another message
    {.algorithm = spec::Algorithm::ed25519,
     .opcode = spec::Opcode::verify,
     .key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     .source = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
               "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
               "73",
     .fails = spec::CryptoError::verify_failed},
};

/// What needs no method that libcrypto has to look up: the first of the table.
inline constexpr std::span<const KnownAnswer> aes_answers(known_answers, 7);
static_assert(aes_answers.back().algorithm == spec::Algorithm::aes_gcm &&
              known_answers[aes_answers.size()].algorithm != spec::Algorithm::aes_gcm);

/// Key pairs for ECDSA; NIST CAVS, SigGen.
struct SignedAndVerified {
    spec::Algorithm algorithm;
    std::string_view key;
    std::string_view second_key;
};
inline constexpr SignedAndVerified signed_and_verified[] = {
    {spec::Algorithm::ec_p256,
     "1ccbe91c075fc7f4f033bfa248db8fccd3565de94bbfb12f3c59ff46c271bf83"
     "ce4014c68811f9a21a1fdb2c0e6113e06db7ca93b7404e78dc7ccd5ca89a4ca9",
     "519b423d715f8b581f4fa8ee59f4771a5b44c8130b4e3eacca54a56dda72b464"},
    {spec::Algorithm::ec_p384,
     "c2b47944fb5de342d03285880177ca5f7d0f2fcad7678cce4229d6e1932fcac1"
     "1bfc3c3e97d942a3c56bf34123013dbf37257906a8223866eda0743c519616a7"
     "6a758ae58aee81c5fd35fbf3a855b7754a36d4a0672df95d6c44a81cf7620c2d",
     "201b432d8df14324182d6261db3e4b3f46a8284482d52e370da41e6cbdf45ec2"
     "952f5db7ccbce3bc29449f4fb080ac97"},
};

}  // namespace ringside::core
