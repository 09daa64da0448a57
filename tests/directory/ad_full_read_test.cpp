#include <string>
#include <vector>

#include "tests/directory/usn_source_fixture.h"

namespace driftwarden::watchers {
namespace {

TEST_F(UsnSource, RestoredDatabaseIsReadInFull) {
  Fill(3);
  ASSERT_TRUE(Poll().ok());
  dc1().invocation = std::string(16, 'j');
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Reason(), "invocation_id");
  EXPECT_EQ(sink.seen.size(), 3u);
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Reason(), "");
}

TEST_F(UsnSource, UsnThatWentBackIsReadInFull) {
  Fill(9);
  ASSERT_TRUE(Poll().ok());
  dc1().usn = 4;
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Reason(), "usn_went_back");
  EXPECT_EQ(sink.seen.size(), 9u);
  EXPECT_EQ(ParseAdCursor(sink.cursor)->bounds[0].usn, 4u);
}

TEST_F(UsnSource, AnotherControllerIsReadInFullAndTheFirstOneIsRemembered) {
  Fill(3);
  dc2() = dc1();
  dc2().dsa = std::string(16, 'e');
  dc2().usn = 900;
  ASSERT_TRUE(Poll().ok());
  dc1().open_error = UnavailableError("corp: dc1:636 is unreachable");
  dc1().before = [](const directory::SearchRequest&) { return UnavailableError("lost"); };
  Disable("user0");
  EXPECT_FALSE(Poll().ok()) << "the session is lost";
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Begun(), (std::vector<std::string>{"dc_changed"}));
  EXPECT_EQ(sink.seen.size(), 3u);
  // dc1 is back, but dc2 works.
  dc1().open_error = OkStatus();
  dc1().before = nullptr;
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Reason(), "");
  EXPECT_TRUE(dc1().searches.empty());
  // After a restart too: the cursor names the controller.
  Restart();
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Reason(), "");
  EXPECT_EQ(dc1().opened, 2);
  // Back on dc1 from where it was left.
  dc2().open_error = UnavailableError("corp: dc2:636 is unreachable");
  Restart();
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Reason(), "");
  EXPECT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen["user0"].Disabled(), true);
}

TEST_F(UsnSource, ALimitHalvesTheWindowUntilItFits) {
  Fill(40);
  dc1().limit = 7;
  while (sink.cursor.empty() || ParseAdCursor(sink.cursor)->snapshot) ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(everybody.size(), 40u);
  for (const auto& [name, count] : everybody) EXPECT_EQ(count, 1) << name;
}

TEST_F(UsnSource, ALimitOnChangesHalvesTheWindowAndKeepsWhatIsRead) {
  Fill(40);
  ASSERT_TRUE(Poll().ok());
  for (int i = 0; i < 40; ++i) Disable(Cat("user", i));
  dc1().limit = 7;
  dc1().before = [&](const directory::SearchRequest& request) {
    return request.filter.find(">=7") != std::string::npos ? UnavailableError("lost") : OkStatus();
  };
  EXPECT_EQ(Poll().code(), StatusCode::kUnavailable);
  const uint64_t bound = ParseAdCursor(sink.cursor)->bounds[0].usn;
  EXPECT_GE(bound, 60u);
  EXPECT_LE(bound, 70u);
  EXPECT_FALSE(sink.batches.back().completes_round);
  dc1().before = nullptr;
  const std::map<std::string, int> before = everybody;
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(sink.seen.size(), 80u - bound);
  EXPECT_EQ(ParseAdCursor(sink.cursor)->bounds[0].usn, 80u);
  EXPECT_EQ(everybody.size(), 40u);
}

TEST_F(UsnSource, ALimitThatOneObjectMeetsIsAnError) {
  Fill(4);
  dc1().limit = 0;
  while (sink.cursor.empty() || ParseAdCursor(sink.cursor)->snapshot->below > 4) {
    const Status polled = Poll();
    if (!polled.ok()) {
      EXPECT_EQ(polled.code(), StatusCode::kResourceExhausted);
      break;
    }
  }
  EXPECT_EQ(ParseAdCursor(sink.cursor)->snapshot->below, 5u);
}

TEST_F(UsnSource, AnUnreadableCursorIsAFullRead) {
  Fill(2);
  sink.cursor = "something else";
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Reason(), "cursor_unreadable");
  EXPECT_TRUE(ParseAdCursor(sink.cursor).has_value());
}

// USNs far apart, so that a full read has many windows.
void Spread(FakeController& dc, int count) {
  for (int i = 0; i < count; ++i) {
    dc.usn += 40'000;
    FakeAccount account;
    account.name = Cat("user", i);
    dc.Put(account);
  }
}

TEST_F(UsnSource, AFullReadGoesOnAtItsLastWindowAfterAnyInterruption) {
  Spread(dc1(), 30);
  int searches = 0;
  // The connection is lost at every seventh search, and each time the process dies as well.
  dc1().before = [&](const directory::SearchRequest&) {
    return ++searches % 7 == 0 ? UnavailableError("lost") : OkStatus();
  };
  int polls = 0;
  uint64_t below = UINT64_MAX;
  bool done = false;
  while (!done) {
    ASSERT_LT(++polls, 60);
    const Status polled = Poll();
    for (const monitor::ChangeBatch& batch : sink.batches) {
      EXPECT_TRUE(batch.in_snapshot);
      EXPECT_EQ(batch.snapshot_reason, "first");
      EXPECT_EQ(batch.starts_round, polls == 1 && &batch == &sink.batches.front());
      EXPECT_EQ(batch.resumes_snapshot, polls > 1 && &batch == &sink.batches.front());
      done = done || batch.completes_round;
    }
    EXPECT_EQ(polled.ok(), done);
    const auto cursor = ParseAdCursor(sink.cursor);
    ASSERT_TRUE(cursor.has_value());
    if (!done) {
      EXPECT_LE(cursor->snapshot->below, below) << "never back";
      below = cursor->snapshot->below;
      Restart();
    }
  }
  EXPECT_GT(polls, 2);
  EXPECT_EQ(everybody.size(), 30u);
  for (const auto& [name, count] : everybody) EXPECT_LE(count, 2) << name;
  EXPECT_EQ(ParseAdCursor(sink.cursor)->bounds[0].usn, dc1().usn);
}

TEST_F(UsnSource, AFullReadOfAnotherControllerDoesNotHoldUpWhatIsNew) {
  AdSourceOptions options = Options();
  options.poll_interval = absl::Milliseconds(1);  // one window a poll
  Restart(options);
  Fill(3);
  while (sink.cursor.empty() || ParseAdCursor(sink.cursor)->snapshot) ASSERT_TRUE(Poll().ok());
  Spread(dc2(), 30);
  dc2().dsa = std::string(16, 'e');
  dc1().open_error = UnavailableError("down");
  Restart(options);
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Begun(), (std::vector<std::string>{"dc_changed"}));
  int polls = 0;
  while (ParseAdCursor(sink.cursor)->snapshot) {
    ASSERT_LT(++polls, 100);
    FakeAccount fresh;
    fresh.name = Cat("fresh", polls);
    dc2().Put(fresh);
    ASSERT_TRUE(Poll().ok());
    EXPECT_EQ(Begun(), std::vector<std::string>());
    const monitor::ChangeBatch& first = sink.batches.front();
    EXPECT_TRUE(first.starts_round && first.completes_round && first.beside_snapshot);
    EXPECT_FALSE(first.in_snapshot);
    ASSERT_EQ(first.observations.size(), 1u) << "what is new, before the next window";
    EXPECT_EQ(std::get<monitor::AdView>(first.observations[0].view).sam_account_name, fresh.name);
  }
  EXPECT_GT(polls, 3);
  EXPECT_TRUE(sink.batches.back().in_snapshot && sink.batches.back().completes_round);
  EXPECT_EQ(everybody.size(), 30u + static_cast<size_t>(polls));
}

TEST_F(UsnSource, BackOnAKnownControllerTheFullReadOfTheOtherIsGivenUp) {
  AdSourceOptions options = Options();
  options.poll_interval = absl::Milliseconds(1);
  Restart(options);
  Fill(3);
  ASSERT_TRUE(Poll().ok());
  const auto known = ParseAdCursor(sink.cursor);
  Spread(dc2(), 30);
  dc2().dsa = std::string(16, 'e');
  dc1().open_error = UnavailableError("down");
  Restart(options);
  ASSERT_TRUE(Poll().ok());
  EXPECT_TRUE(ParseAdCursor(sink.cursor)->snapshot.has_value());
  dc1().open_error = OkStatus();
  dc2().open_error = UnavailableError("down");
  Restart(options);
  Disable("user1");
  ASSERT_TRUE(Poll().ok());
  ASSERT_EQ(sink.batches.size(), 1u);
  EXPECT_FALSE(sink.batches[0].in_snapshot || sink.batches[0].beside_snapshot);
  EXPECT_EQ(sink.seen.size(), 1u) << "dc1 is read on from where it was left";
  const auto cursor = ParseAdCursor(sink.cursor);
  ASSERT_EQ(cursor->bounds.size(), 1u) << "dc2 was not completely read";
  EXPECT_GT(cursor->since, known->since) << "readings before may be of dc2";
  EXPECT_EQ(sink.batches[0].observations[0].look.one_copy_since, cursor->since);
}

TEST_F(UsnSource, AFirstReadThatChangesItsControllerIsStillTheFirst) {
  Spread(dc1(), 30);
  dc2() = dc1();
  dc2().dsa = std::string(16, 'e');
  int searches = 0;
  dc1().before = [&](const directory::SearchRequest&) {
    return ++searches > 4 ? UnavailableError("lost") : OkStatus();
  };
  EXPECT_FALSE(Poll().ok());
  dc1().open_error = UnavailableError("down");
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Begun(), (std::vector<std::string>{"first"}));
  EXPECT_EQ(sink.seen.size(), 30u);
  EXPECT_EQ(ParseAdCursor(sink.cursor)->bounds.size(), 1u);
}

TEST_F(UsnSource, ADiskPutBackIsFoundOutEvenWhenItsUsnsHavePassedTheBound) {
  Fill(9);
  const FakeController copy = dc1();
  Disable("user3");
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(ParseAdCursor(sink.cursor)->since, absl::UnixEpoch()) << "there was no other";
  const absl::Time before = clock.now;
  dc1() = copy;
  for (int i = 0; i < 5; ++i) dc1().Put(FakeAccount{"user8"});  // USNs beyond the bound
  Restart();
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Begun(), (std::vector<std::string>{"usn_went_back"}));
  EXPECT_EQ(sink.seen.size(), 9u);
  EXPECT_GT(ParseAdCursor(sink.cursor)->since, before) << "another copy of the directory";
  Restart();
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Begun(), std::vector<std::string>());
}

TEST_F(UsnSource, ANewestObjectThatIsGoneIsADiskPutBack) {
  Fill(4);
  const FakeController copy = dc1();
  dc1().Put(FakeAccount{"latest"});
  ASSERT_TRUE(Poll().ok());
  dc1() = copy;
  Fill(4);
  Restart();
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Begun(), (std::vector<std::string>{"usn_went_back"}));
}

TEST_F(UsnSource, ACursorOfTheVersionBeforeGoesOn) {
  Fill(4);
  ASSERT_TRUE(Poll().ok());
  const auto cursor = ParseAdCursor(sink.cursor);
  const AdBound& bound = cursor->bounds[0];
  sink.cursor = Cat("usn1 ", kDc1, " ", bound.dsa.ToString(), ":", bound.invocation_id.ToString(),
                    ":", bound.usn);
  Disable("user2");
  Restart();
  ASSERT_TRUE(Poll().ok());
  EXPECT_EQ(Reason(), "");
  EXPECT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(ParseAdCursor(sink.cursor)->since, absl::UnixEpoch());
}

}  // namespace
}  // namespace driftwarden::watchers
