#include "base/async/lane.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "base/status.h"
#include "tests/async/run_loop.h"

namespace driftwarden {
namespace {

struct Threads {
  std::thread::id before;
  std::thread::id lane;
  std::thread::id after;
};

asio::awaitable<std::string> Visit(Lane* lane, Threads* threads) {
  threads->before = std::this_thread::get_id();
  auto work = [threads, text = std::string("a text longer than the small string buffer")] {
    threads->lane = std::this_thread::get_id();
    return text;
  };
  const std::string result = co_await OnLane(*lane, std::move(work));
  threads->after = std::this_thread::get_id();
  co_return result;
}

TEST(OnLane, WorksOnTheLanesThreadAndResumesOnTheCallers) {
  RunLoop loop;
  ThreadLane lane("test", 1);
  Threads threads;
  EXPECT_EQ(loop.Await(Visit(&lane, &threads)), "a text longer than the small string buffer");
  EXPECT_EQ(threads.before, std::this_thread::get_id());
  EXPECT_EQ(threads.after, std::this_thread::get_id());
  EXPECT_NE(threads.lane, std::this_thread::get_id());
}

TEST(OnLane, AnInlineLaneStaysOnTheThread) {
  RunLoop loop;
  InlineLane lane;
  Threads threads;
  EXPECT_EQ(loop.Await(Visit(&lane, &threads)), "a text longer than the small string buffer");
  EXPECT_EQ(threads.lane, std::this_thread::get_id());
}

asio::awaitable<StatusOr<int>> Fail(Lane* lane) {
  auto work = []() -> StatusOr<int> { return NotFoundError("nothing there"); };
  const StatusOr<int> result = co_await OnLane(*lane, std::move(work));
  co_return result;
}

TEST(OnLane, CarriesAStatusBack) {
  RunLoop loop;
  ThreadLane lane("test", 2);
  EXPECT_TRUE(absl::IsNotFound(loop.Await(Fail(&lane)).status()));
}

TEST(ThreadLane, StopWaitsForWhatWasPosted) {
  std::atomic<int> done = 0;
  ThreadLane lane("test", 2);
  for (int i = 0; i < 100; ++i) lane.Post([&done] { ++done; });
  lane.Stop();
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace driftwarden
