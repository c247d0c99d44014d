#include <gtest/gtest.h>

#include "net/signing/hash.hpp"
#include "net/signing/sigv4.hpp"

namespace spikard::net::signing {
namespace {

TEST(Hash, KnownAnswers) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, case 2
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  EXPECT_TRUE(equal_in_constant_time("ab", "ab"));
  EXPECT_FALSE(equal_in_constant_time("ab", "ac"));
  EXPECT_FALSE(equal_in_constant_time("ab", "abc"));
  EXPECT_EQ(random_bytes(32).size(), 32U);
}

TEST(Uri, EncodesAllButTheUnreserved) {
  EXPECT_EQ(uri_encode("a b/c~-_.\xC3\xA9+", false), "a%20b%2Fc~-_.%C3%A9%2B");
  EXPECT_EQ(uri_encode("a/b", true), "a/b");
  EXPECT_EQ(uri_decode("a%20b%2fc%zz%4"), "a b/c%zz%4");
  EXPECT_EQ(uri_decode("%41"), "A");
}

SigV4 s3_example() {
  SigV4 with;
  with.credentials = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
  with.region = "us-east-1";
  with.service = "s3";
  with.time = WallTime{std::chrono::seconds(1369353600)};  // 2013-05-24
  with.encode_path = false;
  with.normalize_path = false;
  return with;
}

TEST(SigV4, PresignedGetOfTheAwsDocumentation) {
  SigningRequest request{"GET", "/test.txt", "", {{"Host", "examplebucket.s3.amazonaws.com"}}};
  const Signed out = sign_query(s3_example(), request, unsigned_payload, 86400);
  EXPECT_EQ(out.signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4, HeaderFormOfTheAwsDocumentation) {
  SigV4 with = s3_example();
  with.content_header = true;
  SigningRequest request{"GET", "/test.txt", "", {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}}};
  const Signed out = sign_headers(with, request, hex(sha256("")));
  EXPECT_EQ(out.signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(out.new_headers.back().second,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, TheKeyOfAnS3PathIsNotNormalized) {
  SigningRequest request{"GET", "/a//b/./c", "", {{"Host", "h"}}};
  const Signed out = sign_query(s3_example(), request, unsigned_payload, 60);
  EXPECT_EQ(out.canonical_request.substr(0, 14), "GET\n/a//b/./c\n");
}

}  // namespace
}  // namespace spikard::net::signing
