#include "net/gzip.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/strings.h"
#include "net/packed.h"
#include "tests/net/loopback.h"

namespace driftwarden::net {
namespace {

std::string Varied(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += HexEncode(Cat(i * 2654435761U));
  text.resize(size);
  return text;
}

std::string Packed(std::string_view body, std::string_view coding = "gzip") {
  return Cat("HTTP/1.1 200 OK\r\nContent-Encoding: ", coding, "\r\nContent-Length: ", body.size(),
             "\r\n\r\n", body);
}

TEST(Gzip, UnpacksWhatItPacked) {
  for (const size_t size : {0, 1, 1000, 32768, 32769, 300'000}) {
    const std::string text = Varied(size);
    const auto back = Gunzip(Gzip(text), size);
    ASSERT_TRUE(back.ok()) << size << back.status();
    EXPECT_EQ(*back, text);
  }
  EXPECT_LT(Gzip(std::string(100'000, 'x')).size(), 1000U);
}

TEST(Gzip, MembersAreReadOneAfterTheOther) {
  const auto both = Gunzip(Gzip("one, ") + Gzip("two"), 100);
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(*both, "one, two");
}

TEST(Gzip, WhatIsCutChangedOrLongerIsRefused) {
  const std::string packed = Gzip(Varied(500));
  for (size_t size = 0; size < packed.size(); ++size) {
    const auto cut = Gunzip(packed.substr(0, size), 1000);
    ASSERT_TRUE(absl::IsDataLoss(cut.status())) << size;
  }
  std::string changed = packed;
  changed[changed.size() - 6] ^= 1;  // in the check sum
  EXPECT_TRUE(Says(Gunzip(changed, 1000).status(), "not gzip data"));
  EXPECT_TRUE(absl::IsDataLoss(Gunzip(packed + "more", 1000).status()));
  EXPECT_TRUE(Says(Gunzip("{\"value\":[]}", 1000).status(), "not gzip data"));
}

TEST(Gzip, NeverUnpacksBeyondTheLimit) {
  const std::string bomb = Gzip(std::string(size_t{64} << 20, '\0'));
  EXPECT_TRUE(Says(Gunzip(bomb, 1000).status(), "more than 1000 bytes"));
  EXPECT_TRUE(Gunzip(Gzip("1234"), 4).ok());
  EXPECT_FALSE(Gunzip(Gzip("12345"), 4).ok());
}

TEST(Gzip, AnAcceptedEncodingIsNamedAndHasAWeight) {
  for (const char* yes : {"gzip", "GZIP", "deflate, gzip;q=0.5", "*", "br , x-gzip ; q=1.0"}) {
    EXPECT_TRUE(AcceptsGzip(yes)) << yes;
  }
  for (const char* no : {"", "identity", "br", "gzip;q=0", "gzip; q=0.000", "gzipped", "*;q=0"}) {
    EXPECT_FALSE(AcceptsGzip(no)) << no;
  }
}

TEST(PackIfAccepted, PacksWhatIsWorthItForWhoTakesItSo) {
  const auto packed = [](const char* accepted, size_t size) {
    ServerRequest request;
    if (accepted != nullptr) request.headers.emplace_back("Accept-Encoding", accepted);
    ServerResponse response(200, "application/json", Varied(size));
    PackIfAccepted(request, response);
    const std::string* encoding = FindHeader(response.headers, "Content-Encoding");
    if (encoding == nullptr) {
      EXPECT_EQ(response.body, Varied(size));
      return false;
    }
    EXPECT_EQ(*encoding, "gzip");
    EXPECT_EQ(*Gunzip(response.body, 1'000'000), Varied(size));
    PackIfAccepted(request, response);
    EXPECT_EQ(*Gunzip(response.body, 1'000'000), Varied(size)) << "once";
    return true;
  };
  EXPECT_TRUE(packed("gzip, deflate", 5000));
  EXPECT_FALSE(packed("gzip", 100));
  EXPECT_FALSE(packed("gzip;q=0", 5000));
  EXPECT_FALSE(packed(nullptr, 5000));
}

using GzipClientTest = Loopback;

TEST_F(GzipClientTest, AsksForGzipAndHandsOutWhatWasPacked) {
  const std::string text = Varied(50'000);
  const std::string base = ListenRaw({Script{{Packed(Gzip(text)), Packed("")}, false}});
  const auto answer = Get(base + "/");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, text);
  EXPECT_GE(answer->body.capacity(), text.size() + kJsonPadding);
  EXPECT_EQ(answer->Find("Content-Encoding"), nullptr);
  EXPECT_EQ(answer->Find("Content-Length"), nullptr);
  ASSERT_EQ(raw_served_.requests.size(), 1U);
  EXPECT_NE(raw_served_.requests[0].find("\r\nAccept-Encoding: gzip\r\n"), std::string::npos);
  const auto empty = Get(base + "/");  // on the same connection
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_TRUE(empty->body.empty());
}

TEST_F(GzipClientTest, AnAnswerThatCannotBeUnpackedIsOneClearError) {
  const std::string packed = Gzip(std::string(100'000, 'x'));
  const auto answer = [](std::string text) { return Script{{std::move(text)}, false}; };
  const std::string base =
      ListenRaw({answer(Packed(packed)), answer(Packed(packed.substr(0, packed.size() / 2))),
                 answer(Packed(packed, "br")), answer(Packed(packed, "identity"))});
  HttpRequest request(base + "/");
  request.response_limit = 50'000;
  const std::string authority = base.substr(std::string("http://").size());
  for (const char* reason : {"unpacks to more than 50000 bytes", "is cut", "encoded as br"}) {
    const Status status = Send(request).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_TRUE(Says(status, reason) && Says(status, authority)) << status;
  }
  EXPECT_TRUE(Send(request).ok());
}

}  // namespace
}  // namespace driftwarden::net
