#include "watchers/directory/ranged_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/directory/run.h"

namespace driftwarden::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(RangedName, IsTakenApart) {
  auto name = ParseRangedName("member;range=0-1499");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->attribute, "member");
  EXPECT_EQ(name->first, 0U);
  EXPECT_EQ(name->last, 1499U);
  name = ParseRangedName("member;range=1500-*");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->first, 1500U);
  EXPECT_FALSE(name->last);
  name = ParseRangedName("msds-x;range=3-4;binary");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->attribute, "msds-x;binary");
}

TEST(RangedName, NonsenseIsNone) {
  for (const char* const text :
       {"", "member", ";range=0-1", "member;range=", "member;range=5", "member;range=5-4",
        "member;range=-1", "member;range=a-b", "member;range=0-", "member;range=*-*",
        "member;range=0-99999999999999999999999", "member;binary", "memberrange=0-5"}) {
    EXPECT_FALSE(ParseRangedName(text)) << text;
  }
}

// One object whose `member` has `count` values, given `step` at a time.
class RangedSession final : public Session {
 public:
  asio::awaitable<StatusOr<SearchPage>> Search(SearchRequest request) override {
    asked.push_back(request);
    if (asked.size() > 1 && !later.ok()) co_return later;
    SearchPage page;
    if (asked.size() > 1 && gone) co_return page;
    size_t from = 0;
    if (request.scope == SearchRequest::Scope::kBase) {
      from = ParseRangedName(request.attributes.front())->first;
    }
    page.entries.push_back(Part(from + (asked.size() > 1 ? skip : 0)));
    co_return page;
  }
  asio::awaitable<Status> Watch(SearchRequest) override { co_return OkStatus(); }
  asio::awaitable<StatusOr<std::vector<Entry>>> Next(absl::Duration) override {
    std::vector<Entry> changes;
    changes.push_back(Part(0));
    asked.emplace_back();
    co_return changes;
  }
  Entry Part(size_t from) const {
    Entry entry;
    entry.dn = "CN=big,DC=corp";
    entry.attributes["objectguid"] = {std::string(16, 'g')};
    entry.attributes["cn"] = {"big"};
    if (from == 0) entry.attributes["member"];
    const size_t end = std::min(count, from + step);
    std::vector<std::string> values;
    for (size_t i = from; i < end; ++i) values.push_back(value + Cat(i));
    const bool last = end == count && !endless;
    entry.attributes[Cat("member;range=", from, '-', last ? "*" : Cat(from + step - 1))] = values;
    return entry;
  }

  size_t count = 10;
  size_t step = 3;
  size_t skip = 0;
  bool endless = false;
  bool gone = false;
  std::string value = "v";
  Status later;
  std::vector<SearchRequest> asked;
};

class RangedValues : public ::testing::Test {
 protected:
  RangedValues() {
    auto inner = std::make_unique<RangedSession>();
    server_ = inner.get();
    session_ = CompletingRanges(std::move(inner));
  }
  StatusOr<SearchPage> Search() {
    SearchRequest request;
    request.base = "DC=corp";
    request.show_deleted = true;
    return RunOn(context_, session_->Search(std::move(request)));
  }

  asio::io_context context_;
  RangedSession* server_ = nullptr;
  std::unique_ptr<Session> session_;
};

TEST_F(RangedValues, ArePutTogetherUnderTheirPlainName) {
  const auto page = Search();
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->entries.size(), 1U);
  const auto& attributes = page->entries[0].attributes;
  EXPECT_THAT(attributes, SizeIs(3));
  ASSERT_THAT(attributes.at("member"), SizeIs(10));
  EXPECT_EQ(attributes.at("member").front(), "v0");
  EXPECT_EQ(attributes.at("member").back(), "v9");
  EXPECT_EQ(attributes.at("cn").front(), "big");
  ASSERT_THAT(server_->asked, SizeIs(4));
  EXPECT_THAT(server_->asked[1].attributes, ElementsAre("member;range=3-*"));
  EXPECT_THAT(server_->asked[3].attributes, ElementsAre("member;range=9-*"));
  EXPECT_EQ(server_->asked[1].base, "<GUID=67676767-6767-6767-6767-676767676767>");
  EXPECT_TRUE(server_->asked[1].show_deleted);
}

TEST_F(RangedValues, AWholeOneNeedsNoMoreReads) {
  server_->count = 2;
  const auto page = Search();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->entries[0].attributes.at("member"), ElementsAre("v0", "v1"));
  EXPECT_THAT(server_->asked, SizeIs(1));
}

TEST_F(RangedValues, OfANotificationAreReadToo) {
  const auto changes = RunOn(context_, session_->Next(absl::Seconds(1)));
  ASSERT_TRUE(changes.ok()) << changes.status();
  EXPECT_THAT(changes->front().attributes.at("member"), SizeIs(10));
}

TEST_F(RangedValues, ThatDoNotFitTogetherAreAnError) {
  server_->skip = 1;
  const auto page = Search();
  EXPECT_EQ(page.status().code(), StatusCode::kDataLoss) << page.status();
  EXPECT_THAT(std::string(Message(page.status())), HasSubstr("CN=big,DC=corp"));
}

TEST_F(RangedValues, AnErrorMeanwhileIsTheErrorOfTheSearch) {
  server_->later = UnavailableError("lost");
  EXPECT_EQ(Search().status().code(), StatusCode::kUnavailable);
}

TEST_F(RangedValues, OfAnObjectThatWentAwayAreUnknown) {
  server_->later = NotFoundError("no such object");
  auto page = Search();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->entries[0].First("member"), nullptr);
  EXPECT_NE(page->entries[0].First("cn"), nullptr);
  server_->later = OkStatus();
  server_->asked.clear();
  server_->gone = true;
  page = Search();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->entries[0].First("member"), nullptr);
}

TEST_F(RangedValues, WithoutEndAreGivenUpAndLeftOut) {
  server_->endless = true;
  server_->count = SIZE_MAX;
  server_->step = 1;
  auto page = Search();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->entries[0].attributes.count("member"), 0U);
  EXPECT_LE(server_->asked.size(), 5001U);

  server_->asked.clear();
  server_->value = std::string(1 << 20, 'x');
  server_->step = 8;
  page = Search();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->entries[0].attributes.count("member"), 0U);
  EXPECT_LE(server_->asked.size(), 10U) << "64 MiB";
}

}  // namespace
}  // namespace driftwarden::directory
