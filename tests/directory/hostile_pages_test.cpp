// Pages that never end, windows that are always too much, entries that make no sense: a poll ends
// in an error and loses nobody, and the next one goes on where the last good one stood.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/directory/recording_observer.h"
#include "tests/directory/usn_source_fixture.h"
#include "watchers/ad_dirsync_source.h"

namespace driftwarden::watchers {
namespace {

using directory::SearchPage;
using directory::SearchRequest;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr size_t kTooMany = 5'000;  // searches of one poll

class HostilePages : public UsnSource {
 protected:
  // Everybody is known, and somebody has changed since.
  void SetUp() override {
    AdSourceOptions one = Options();
    one.servers = {kDc1};
    Restart(one);
    Fill(6);
    ASSERT_TRUE(Poll().ok());
    ASSERT_THAT(sink.seen, SizeIs(6));
    good_cursor_ = sink.cursor;
    Disable("user3");
    Disable("user4");
  }
  // The next poll fails with this text and tells nothing; once the server is sane all is made good.
  void ExpectFailsAndRecovers(const std::string& text) {
    const Status polled = Poll();
    EXPECT_FALSE(polled.ok());
    EXPECT_THAT(std::string(Message(polled)), HasSubstr(text));
    EXPECT_LT(dc1().searches.size(), kTooMany);
    for (const auto& [name, view] : sink.seen) {
      EXPECT_NE(view.deleted, true) << name << " is deleted by what was not there";
    }
    dc1().instead = nullptr;
    dc1().before = nullptr;
    for (int i = 0; i < 5 && sink.seen.count("user3") == 0; ++i) {
      const Status again = Poll();
      ASSERT_TRUE(again.ok()) << again;
    }
    EXPECT_EQ(sink.seen["user3"].Disabled(), true);
  }
  static directory::Entry Known(const std::string& name, const std::string& usn) {
    directory::Entry entry;
    entry.dn = Cat("CN=", name, ",OU=Staff,DC=corp");
    entry.attributes = {{"objectclass", {"top", "person", "user"}},
                        {"objectguid", {FakeController::GuidOf(name)}},
                        {"samaccountname", {name}},
                        {"useraccountcontrol", {"512"}},
                        {"usnchanged", {usn}}};
    return entry;
  }

  std::string good_cursor_;
};

TEST_F(HostilePages, EmptyPagesWithoutEnd) {
  dc1().instead = [](const SearchRequest&) {
    SearchPage page;
    page.cookie = "more";
    return page;
  };
  ExpectFailsAndRecovers("without end");
  EXPECT_EQ(sink.cursor.substr(0, 4), good_cursor_.substr(0, 4));
}

TEST_F(HostilePages, TheSamePageWithoutEnd) {
  dc1().instead = [this](const SearchRequest&) {
    SearchPage page;
    page.entries.push_back(Known("user1", "2"));
    page.cookie = "more";
    return page;
  };
  ExpectFailsAndRecovers("without end");
}

TEST_F(HostilePages, NowAnEmptyPageAndThenAFullOneWithoutEnd) {
  dc1().instead = [this](const SearchRequest& request) {
    SearchPage page;
    if (request.cookie == "full") page.entries.push_back(Known("user1", "2"));
    page.cookie = request.cookie == "full" ? "empty" : "full";
    return page;
  };
  ExpectFailsAndRecovers("without end");
}

TEST_F(HostilePages, EveryWindowIsTooMuch) {
  dc1().before = [](const SearchRequest&) {
    return MakeStatus(StatusCode::kResourceExhausted, "sizeLimitExceeded");
  };
  ExpectFailsAndRecovers("sizeLimitExceeded");
}

TEST_F(HostilePages, EveryWindowIsTooMuchInAFullReadToo) {
  sink.cursor.clear();
  dc1().before = [](const SearchRequest&) {
    return MakeStatus(StatusCode::kResourceExhausted, "adminLimitExceeded");
  };
  Status polled;
  for (int i = 0; i < 60 && polled.ok(); ++i) polled = Poll();
  EXPECT_EQ(polled.code(), StatusCode::kResourceExhausted) << polled;
  dc1().before = nullptr;
  everybody.clear();
  for (int i = 0; i < 60 && everybody.size() < 6; ++i) ASSERT_TRUE(Poll().ok());
  EXPECT_THAT(everybody, SizeIs(6));
}

TEST_F(HostilePages, AUsnBeyondAllIsNoHighestOne) {
  dc1().usn = UINT64_MAX;
  const Status polled = Poll();
  EXPECT_EQ(polled.code(), StatusCode::kDataLoss) << polled;
  EXPECT_EQ(sink.cursor, good_cursor_);
}

TEST_F(HostilePages, AFullReadOfAnImmenseRangeOfUsnsEnds) {
  dc1().usn = uint64_t{1} << 62;
  sink.cursor.clear();
  everybody.clear();
  for (int i = 0; i < 50; ++i) {
    const Status polled = Poll();
    ASSERT_TRUE(polled.ok()) << polled;
    if (sink.batches.back().completes_round && sink.batches.back().in_snapshot) break;
  }
  EXPECT_THAT(everybody, SizeIs(6));
}

TEST_F(HostilePages, EntriesThatMakeNoSenseAreLeftOutAlone) {
  dc1().instead = [this](const SearchRequest& request) -> std::optional<SearchPage> {
    if (request.filter.find("isDeleted") != std::string::npos) return std::nullopt;
    SearchPage page;
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"objectguid", "fifteen bytes!!"},
        {"objectsid", std::string("\x01\x0f\0\0\0\0\0\x05\x15\0\0\0", 12)},
        {"objectsid", ""},
        {"usnchanged", "many"},
        {"usnchanged", "-1"},
        {"usnchanged", "99999999999999999999999"},
        {"useraccountcontrol", "disabled"},
        {"useraccountcontrol", ""},
        {"useraccountcontrol", "514 "},
        {"useraccountcontrol", "99999999999"},
        {"accountexpires", "-5"},
        {"accountexpires", "soon"},
        {"isdeleted", "maybe"},
        {"replpropertymetadata", "\x01"},
        {"ms-ds-consistencyguid", std::string(70'000, 'x')}};
    for (const auto& [attribute, value] : wrong) {
      page.entries.push_back(Known("wrong", "7"));
      page.entries.back().attributes[attribute] = {value};
    }
    page.entries.push_back(Known("user3", "7"));
    page.entries.back().attributes["useraccountcontrol"] = {"514"};
    return page;
  };
  const Status polled = Poll();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink.seen.count("wrong"), 0U);
  EXPECT_EQ(sink.seen["user3"].Disabled(), true);
}

class HostileDirSync : public HostilePages {
 protected:
  void SetUp() override {
    sink.cursor.clear();
    dirsync_ = std::make_unique<AdDirSyncSource>(Options(), *source, clock, quiet, observer_);
    Fill(6);
    dc1().instead = [this](const SearchRequest& request) { return Answer(request); };
    ASSERT_TRUE(PollRows().ok());
    ASSERT_THAT(sink.seen, SizeIs(6));
    good_cursor_ = sink.cursor;
    Disable("user3");
  }
  Status PollRows() {
    sink.seen.clear();
    dc1().searches.clear();
    asio::io_context context;
    return RunOn(context, dirsync_->Poll(sink.cursor, monitor::BatchId("round-1"), sink));
  }
  std::optional<SearchPage> Answer(const SearchRequest& request) {
    if (request.dir_sync) return rows_(*request.dir_sync);
    return request.filter.find("objectGUID") == std::string::npos ? std::nullopt : read_(request);
  }
  void ExpectFails(const std::string& text) {
    const Status polled = PollRows();
    EXPECT_EQ(polled.code(), StatusCode::kDataLoss) << polled;
    EXPECT_THAT(std::string(Message(polled)), HasSubstr(text));
    EXPECT_EQ(sink.cursor, good_cursor_) << "read again from there";
    for (const auto& [name, view] : sink.seen) EXPECT_NE(view.deleted, true) << name;
  }
  static SearchPage Rows(std::vector<std::string> names, std::string cookie, bool more) {
    SearchPage page;
    for (const std::string& name : names) {
      directory::Entry row;
      row.attributes["objectguid"] = {FakeController::GuidOf(name)};
      page.entries.push_back(std::move(row));
    }
    page.dir_sync_cookie = std::move(cookie);
    page.dir_sync_more = more;
    return page;
  }

  RecordingObserver observer_;
  std::unique_ptr<AdDirSyncSource> dirsync_;
  std::function<SearchPage(const directory::DirSyncRequest&)> rows_ =
      [](const directory::DirSyncRequest&) { return Rows({}, "cookie", false); };
  std::function<std::optional<SearchPage>(const SearchRequest&)> read_ = [](const SearchRequest&) {
    return SearchPage();
  };
};

TEST_F(HostileDirSync, MoreChangesAndNeverOne) {
  int calls = 0;
  rows_ = [&](const auto&) { return Rows({}, Cat("cookie", ++calls), true); };
  ExpectFails("again and again");
}

TEST_F(HostileDirSync, TheSameCookieForEverWithTheSameRows) {
  rows_ = [&](const auto&) { return Rows({"user1"}, "cookie", true); };
  ExpectFails("again and again");
}

TEST_F(HostileDirSync, TheReadOfARowNeverEnds) {
  rows_ = [&](const auto&) { return Rows({"user1"}, "cookie2", false); };
  read_ = [](const SearchRequest&) {
    SearchPage page;
    page.cookie = "more";
    return page;
  };
  ExpectFails("without end");
}

TEST_F(HostileDirSync, TheReadOfARowGivesMoreThanWasAskedFor) {
  rows_ = [&](const auto&) { return Rows({"user1"}, "cookie2", false); };
  read_ = [this](const SearchRequest&) {
    SearchPage page;
    for (int i = 0; i < 3; ++i) page.entries.push_back(Known("user1", "2"));
    page.cookie = "more";
    return page;
  };
  ExpectFails("without end");
}

TEST_F(HostileDirSync, TooManyRowsInOneSearchAreReadInSmallerOnes) {
  std::vector<std::string> names;
  for (int i = 0; i < 90; ++i) names.push_back(Cat("user", i % 6, "x", i));
  rows_ = [&](const auto&) { return Rows(names, "cookie2", false); };
  size_t largest = 0;
  dc1().before = [&](const SearchRequest& request) {
    size_t count = 0;
    for (size_t at = 0; (at = request.filter.find("(objectGUID=", at)) != std::string::npos; ++at) {
      ++count;
    }
    if (count > 20) return MakeStatus(StatusCode::kResourceExhausted, "sizeLimitExceeded");
    largest = std::max(largest, count);
    return OkStatus();
  };
  const Status polled = PollRows();
  EXPECT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(largest, 11U);
  rows_ = [&](const auto&) { return Rows({"user1"}, "cookie3", false); };
  dc1().before = [](const SearchRequest& request) {
    const bool read = request.filter.find("objectGUID") != std::string::npos;
    return read ? MakeStatus(StatusCode::kResourceExhausted, "sizeLimitExceeded") : OkStatus();
  };
  EXPECT_EQ(PollRows().code(), StatusCode::kResourceExhausted) << "one alone";
}

TEST_F(HostileDirSync, AnAnswerThatIsTooMuchIsAskedForSmaller) {
  std::vector<int32_t> asked;
  dc1().before = [&](const SearchRequest& request) {
    if (!request.dir_sync) return OkStatus();
    asked.push_back(request.dir_sync->max_bytes);
    const bool too_much = request.dir_sync->max_bytes > 300'000;
    return too_much ? MakeStatus(StatusCode::kResourceExhausted, "adminLimitExceeded") : OkStatus();
  };
  // With each new session a round goes by USNs first.
  Status polled;
  for (int i = 0; i < 6 && asked.size() < 3; ++i) polled = PollRows();
  EXPECT_TRUE(polled.ok()) << polled;
  EXPECT_THAT(asked, ::testing::ElementsAre(1 << 20, 1 << 19, 1 << 18));
}

TEST_F(HostileDirSync, RowsWithoutAGuidAreLeftOutAlone) {
  rows_ = [&](const auto&) {
    SearchPage page = Rows({"user3", "user3", "user3"}, "cookie2", false);
    page.entries[0].attributes["objectguid"] = {"fifteen bytes!!"};
    page.entries[1].attributes.clear();
    return page;
  };
  read_ = [this](const SearchRequest&) {
    SearchPage page;
    page.entries.push_back(Known("user3", "7"));
    page.entries.back().attributes["useraccountcontrol"] = {"514"};
    return page;
  };
  const Status polled = PollRows();
  ASSERT_TRUE(polled.ok()) << polled;
  EXPECT_EQ(sink.seen["user3"].Disabled(), true);
}

}  // namespace
}  // namespace driftwarden::watchers
