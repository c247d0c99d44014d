#include "storage/signed_urls.hpp"

#include <gtest/gtest.h>

#include "net/virtual_clock.hpp"

namespace spikard::storage {
namespace {

SignedUrls urls(std::string base, std::string path, std::string name) {
  SignedUrlsOptions options;
  options.base_url = std::move(base);
  options.path = std::move(path);
  options.name = std::move(name);
  options.secret = "secret";
  return SignedUrls(std::move(options));
}

TEST(SignedUrls, TheUrl) {
  const net::VirtualClock clock;
  const PresignedUrl url = urls("https://h/", "/files/", "my store").make(PresignMethod::get, "a/b c", 60, clock);
  EXPECT_TRUE(url.url.starts_with("https://h/files/my%20store/a/b%20c?expires=1767225660&signature=")) << url.url;
  EXPECT_EQ(url.expires_at, clock.wall() + std::chrono::seconds(60));
  EXPECT_TRUE(urls("", "files", "default").make(PresignMethod::get, "k", 60, clock).url.starts_with("/files/default/k?"));
}

TEST(SignedUrls, NamesAndKeysDoNotRunIntoEachOther) {
  const net::VirtualClock clock;
  const auto query = [&](const SignedUrls& of, const char* key) {
    const std::string url = of.make(PresignMethod::get, key, 60, clock).url;
    return url.substr(url.find('?') + 1);
  };
  const SignedUrls one = urls("", "/p", "a");
  const SignedUrls other = urls("", "/p", "a\nb");
  EXPECT_EQ(one.check(PresignMethod::get, "b\nk", query(one, "b\nk"), clock), SignedUrls::Verdict::good);
  EXPECT_EQ(one.check(PresignMethod::get, "b\nk", query(other, "k"), clock), SignedUrls::Verdict::wrong);
}

TEST(SignedUrls, WhatWasNotSignedIsWrong) {
  const net::VirtualClock clock;
  const SignedUrls of = urls("", "/p", "a");
  for (const char* query :
       {"", "expires=", "signature=", "expires=99999999999&signature=", "expires=x&signature=y", "&&&", "expires"})
    EXPECT_EQ(of.check(PresignMethod::get, "k", query, clock), SignedUrls::Verdict::wrong) << query;
}

}  // namespace
}  // namespace spikard::storage
