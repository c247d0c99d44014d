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

TEST(SignedUrls, APartIsOneNumberOfOneUploadOfOneSize) {
  const net::VirtualClock clock;
  SignedUrlsOptions options;
  options.path = "/p";
  options.name = "n";
  options.secret = "s";
  const SignedUrls urls(std::move(options));
  UploadTarget part;
  part.upload = "12-ab";
  part.number = 3;
  part.size = 7;
  const std::string url = urls.make_part("a b", part, 60, clock).url;
  ASSERT_TRUE(url.starts_with("/p/n/a%20b?upload=12-ab&part=3&size=7&expires=1767225660&signature=")) << url;
  const std::string query = url.substr(url.find('?') + 1);
  std::optional<UploadTarget> found;
  EXPECT_EQ(urls.check(PresignMethod::put, "a b", query, clock, &found), SignedUrls::Verdict::good);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->upload, "12-ab");
  EXPECT_EQ(found->number, 3U);
  EXPECT_EQ(found->size, 7U);
  const auto refused = [&](PresignMethod method, const std::string& key, const std::string& changed) {
    std::optional<UploadTarget> none;
    return urls.check(method, key, changed, clock, &none) == SignedUrls::Verdict::wrong && !none.has_value();
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string out = query;
    return out.replace(out.find(from), from.size(), to);
  };
  EXPECT_TRUE(refused(PresignMethod::put, "a b", with("part=3", "part=4")));
  EXPECT_TRUE(refused(PresignMethod::put, "a b", with("size=7", "size=8")));
  EXPECT_TRUE(refused(PresignMethod::put, "a b", with("12-ab", "12-ac")));
  EXPECT_TRUE(refused(PresignMethod::put, "a b", with("upload=12-ab&part=3&size=7&", "")));
  EXPECT_TRUE(refused(PresignMethod::put, "a b", with("part=3", "part=-3")));
  EXPECT_TRUE(refused(PresignMethod::put, "a c", query));
  EXPECT_TRUE(refused(PresignMethod::get, "a b", query));
  EXPECT_EQ(urls.check(PresignMethod::put, "a b", query, clock), SignedUrls::Verdict::wrong);
  // Nor does a URL for the whole object become one for a part.
  const std::string whole = urls.make(PresignMethod::put, "a b", 60, clock).url;
  EXPECT_TRUE(refused(PresignMethod::put, "a b", "upload=12-ab&part=3&size=7&" + whole.substr(whole.find('?') + 1)));
}

}  // namespace
}  // namespace spikard::storage
