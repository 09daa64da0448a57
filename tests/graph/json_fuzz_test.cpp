#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"
#include "watchers/graph/json.h"

namespace driftwarden::graph {
namespace {

const char* const kSeeds[] = {
    R"({"value":[{"id":"a","accountEnabled":false,"displayName":"Z\u00fc\ud83d\ude00",
    "onPremisesSecurityIdentifier":"S-1-5-21-1-2-3-1001","onPremisesImmutableId":"MyIRAFVEd2aImaq7",
    "signInSessionsValidFromDateTime":"2026-11-21T02:00:00Z"},{"id":"b","@removed":{"reason":"changed"}}],
    "@odata.nextLink":"https://g/v1.0/users/delta?$skiptoken=1"})",
    R"({"responses":[{"id":"1","status":429,"headers":{"Retry-After":"7"},"body":{"error":{"code":"x"}}},
    {"id":"0","status":200,"body":{"id":"a","accountEnabled":true,"deletedDateTime":null}}]})",
    R"({"error":{"code":"BadRequest","message":"no","innerError":{"request-id":"r"}}})",
    R"({"error":"invalid_client","error_codes":[7000215],"expires_in":"3599","access_token":"x"})"};

std::string Mutate(std::string text, Rng& rng) {
  static const std::string kTokens = "{}[]:,\"\\ntfu0-9.eE \x01\x80\xff";
  for (uint64_t left = 1 + rng.Below(6); left > 0 && !text.empty(); --left) {
    const size_t at = rng.Below(text.size());
    switch (rng.Below(5)) {
      case 0:
        text[at] = static_cast<char>(rng.Next());
        break;
      case 1:
        text[at] = kTokens[rng.Below(kTokens.size())];
        break;
      case 2:
        text.erase(at, 1 + rng.Below(8));
        break;
      case 3:
        text.insert(at, text.substr(rng.Below(text.size()), rng.Below(30)));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

// What matters here is what a sanitizer build sees; the assertions hold what callers rely on.
TEST(JsonFuzz, AnyBytesGiveValuesOrDataLoss) {
  JsonDecoder decoder;
  SeededRng rng(20261121);
  for (int i = 0; i < 40000; ++i) {
    std::string body = Mutate(kSeeds[rng.Below(4)], rng);
    const auto page = decoder.DecodeUsersPage(body);
    if (page.ok()) {
      EXPECT_NE(page->next_link.empty(), page->delta_link.empty());
      for (const auto& user : page->users) EXPECT_FALSE(user.id.empty());
    } else {
      EXPECT_TRUE(absl::IsDataLoss(page.status())) << page.status();
    }
    const auto user = decoder.DecodeUser(body);
    EXPECT_TRUE(user.ok() || absl::IsDataLoss(user.status())) << user.status();
    auto batch = decoder.DecodeBatch(body);
    EXPECT_TRUE(batch.ok() || absl::IsDataLoss(batch.status())) << batch.status();
    if (batch.ok()) {
      for (BatchItem& item : *batch) (void)decoder.DecodeUser(item.body);
    }
    const auto token = decoder.DecodeToken(body);
    EXPECT_TRUE(token.ok() || absl::IsDataLoss(token.status())) << token.status();
    (void)decoder.DecodeError(body);
  }
}

}  // namespace
}  // namespace driftwarden::graph
