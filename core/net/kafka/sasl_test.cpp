#include "net/kafka/sasl.hpp"

#include <gtest/gtest.h>

namespace spikard::net::kafka {
namespace {

TEST(Scram, Rfc7677Section3) {
  Scram scram(SaslMechanism::scram_sha_256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  const Result<std::string> last =
      scram.last("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  ASSERT_TRUE(last.ok()) << last.error().to_string();
  EXPECT_EQ(*last, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(scram.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").ok());
  EXPECT_EQ(scram.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=").error().kind(), ErrorKind::permission_denied);
  EXPECT_EQ(scram.verify("e=invalid-proof").error().kind(), ErrorKind::permission_denied);
}

TEST(Scram, WhatAServerMayNotAsk) {
  const auto asked = [](std::string_view server_first) {
    Scram scram(SaslMechanism::scram_sha_512, "u", "p", "abc");
    return scram.last(server_first).ok();
  };
  EXPECT_TRUE(asked("r=abcd,s=QQ==,i=4096"));
  EXPECT_FALSE(asked("r=abc,s=QQ==,i=4096")) << "no nonce of its own";
  EXPECT_FALSE(asked("r=xbcd,s=QQ==,i=4096")) << "not ours";
  EXPECT_FALSE(asked("r=abcd,s=QQ==,i=1")) << "too easy to guess";
  EXPECT_FALSE(asked("r=abcd,s=QQ==,i=100000000")) << "work for hours";
  EXPECT_FALSE(asked("r=abcd,i=4096"));
  EXPECT_FALSE(asked(""));
}

TEST(Scram, NamesAreEscapedAndNoncesDiffer) {
  EXPECT_EQ(Scram(SaslMechanism::scram_sha_256, "a=b,c", "p", "x").first(), "n,,n=a=3Db=2Cc,r=x");
  EXPECT_NE(scram_nonce(), scram_nonce());
}

}  // namespace
}  // namespace spikard::net::kafka
