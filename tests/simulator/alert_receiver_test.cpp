#include "simulator/alert_receiver.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/strings.h"
#include "base/time.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

class AlertReceiverTest : public ::testing::Test {
 protected:
  int Post(const std::string& body, absl::Time now) {
    net::ServerRequest request;
    request.method = "POST";
    request.path = "/api/v2/alerts";
    request.body = body;
    return receiver_.Handle(request, now).status;
  }
  std::string Alert(const std::string& episode, absl::Time ends_at) const {
    return Cat("[{\"labels\":{\"alertname\":\"DriftwardenPerson\",\"episode\":\"", episode,
               "\"},\"annotations\":{\"who\":\"Ada\"},\"startsAt\":\"", FormatRfc3339(start_),
               "\",\"endsAt\":\"", FormatRfc3339(ends_at), "\"}]");
  }
  size_t Firing(absl::Time now) {
    net::ServerRequest request;
    request.method = "GET";
    request.path = "/api/v2/alerts";
    boost::system::error_code error;
    return json::parse(receiver_.Handle(request, now).body, error).as_array().size();
  }
  absl::Time At(absl::Duration d) const { return start_ + d; }

  const absl::Time start_ = absl::FromUnixSeconds(1795219200);
  AlertReceiver receiver_;
};

TEST_F(AlertReceiverTest, AnAlertFiresIsRepeatedAndIsResolvedByPost) {
  EXPECT_EQ(Post(Alert("e1", At(absl::Minutes(4))), At(absl::Seconds(1))), 200);
  EXPECT_EQ(Post(Alert("e1", At(absl::Minutes(5))), At(absl::Minutes(1))), 200);
  EXPECT_EQ(Firing(At(absl::Minutes(1))), 1U);
  EXPECT_EQ(Post(Alert("e1", At(absl::Minutes(2))), At(absl::Minutes(2))), 200);
  EXPECT_EQ(Firing(At(absl::Minutes(2))), 0U);
  const auto& history = receiver_.History(At(absl::Minutes(2)));
  ASSERT_EQ(history.size(), 1U);
  EXPECT_EQ(history[0].posts, 3);
  EXPECT_TRUE(history[0].resolved_by_post);
  EXPECT_EQ(history[0].first_seen, At(absl::Seconds(1)));
  EXPECT_EQ(history[0].Label("episode"), "e1");
}

TEST_F(AlertReceiverTest, SilenceRunsAnAlertOutAndALaterPostIsANewFiring) {
  Post(Alert("e1", At(absl::Minutes(1))), At(absl::Seconds(1)));
  EXPECT_EQ(Firing(At(absl::Minutes(2))), 0U);
  EXPECT_FALSE(receiver_.History(At(absl::Minutes(2)))[0].resolved_by_post);
  Post(Alert("e1", At(absl::Minutes(9))), At(absl::Minutes(3)));
  EXPECT_EQ(receiver_.History(At(absl::Minutes(3))).size(), 2U);
}

TEST_F(AlertReceiverTest, AnEndThatComesAfterItRanOutCountsAsItsSenders) {
  Post(Alert("e1", At(absl::Minutes(1))), At(absl::Seconds(1)));
  EXPECT_EQ(Firing(At(absl::Minutes(2))), 0U);
  Post(Alert("e1", At(absl::Minutes(2))), At(absl::Minutes(3)));
  const auto& history = receiver_.History(At(absl::Minutes(3)));
  ASSERT_EQ(history.size(), 1U);
  EXPECT_TRUE(history[0].resolved_by_post);
  EXPECT_EQ(history[0].resolved_at, At(absl::Minutes(1)));
}

TEST_F(AlertReceiverTest, NonsenseIsRefusedAndTheRestCounts) {
  EXPECT_EQ(Post("{}", start_), 400);
  EXPECT_EQ(Post("[{\"labels\":{}}]", start_), 400);
  EXPECT_EQ(Post("[{\"labels\":{\"bad-name\":\"x\"}}]", start_), 400);
  EXPECT_EQ(Post("[{\"labels\":{\"a\":\"b\"},\"endsAt\":\"soon\"}]", start_), 400);
  EXPECT_EQ(Post("[{\"labels\":{}},{\"labels\":{\"alertname\":\"x\"}}]", start_), 400);
  EXPECT_EQ(Firing(start_), 1U);
}

TEST_F(AlertReceiverTest, ABrokenReceiverTakesNothing) {
  receiver_.set_broken(true);
  EXPECT_EQ(Post(Alert("e1", At(absl::Minutes(1))), start_), 500);
  receiver_.set_broken(false);
  EXPECT_EQ(Firing(start_), 0U);
}

}  // namespace
}  // namespace driftwarden::simulator
