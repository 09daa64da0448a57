// The coroutine forms the tree is written in must be right on every compiler that builds it. Each
// probe counts the lives of the values it passes: none may be destroyed twice or leak.
//
// What is not here is what GCC 12 gets wrong without a warning, and tests/tidy refuses:
//   co_await f(Agg{a, b});   co_await f([x] { ... });   c ? co_await f(T{}) : co_await f(Agg{...})
//     (the temporary is destroyed twice), and
//   if (co_await f()) ...    while (co_await f()) ...
//     in a coroutine without any local variable (it resumes into garbage).

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/async/lane.h"
#include "base/status.h"
#include "tests/async/run_loop.h"

namespace driftwarden {
namespace {

// A value that must be destroyed as often as it was made.
class Counted {
 public:
  explicit Counted(int* alive) : alive_(alive) { ++*alive_; }
  Counted(const Counted& other) : alive_(other.alive_) { ++*alive_; }
  Counted(Counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive_; }

 private:
  int* alive_;
};

struct Aggregate {
  Counted counted;
  std::string text;
};

class WithConstructor {
 public:
  WithConstructor(int* alive, std::string text) : counted_(alive), text_(std::move(text)) {}
  size_t size() const { return text_.size(); }

 private:
  Counted counted_;
  std::string text_;
};

const char kText[] = "longer than any small string buffer there is";

// Suspends for real, so that the caller's frame is left and resumed.
asio::awaitable<void> Hop() {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

asio::awaitable<size_t> Measure(Aggregate value) {
  co_await Hop();
  co_return value.text.size();
}

asio::awaitable<size_t> MeasureClass(WithConstructor value) {
  co_await Hop();
  co_return value.size();
}

asio::awaitable<Aggregate> Make(int* alive) {
  co_await Hop();
  co_return Aggregate{Counted(alive), kText};
}

asio::awaitable<bool> Less(int* value, int bound) {
  co_await Hop();
  co_return *value < bound;
}

asio::awaitable<StatusOr<std::string>> Parse(std::string text) {
  co_await Hop();
  if (text.empty()) co_return InvalidError("empty");
  co_return text;
}

asio::awaitable<bool> NamedAndMoved(int* alive) {
  Aggregate value{Counted(alive), kText};
  const size_t size = co_await Measure(std::move(value));
  co_return size == sizeof kText - 1;
}

asio::awaitable<bool> TemporaryOfAClass(int* alive) {
  const size_t size = co_await MeasureClass(WithConstructor(alive, kText));
  co_return size == sizeof kText - 1;
}

asio::awaitable<bool> OperationFirst(int* alive) {
  auto operation = Measure(Aggregate{Counted(alive), kText});
  const size_t size = co_await std::move(operation);
  co_return size == sizeof kText - 1;
}

asio::awaitable<bool> AggregateReturned(int* alive) {
  const Aggregate value = co_await Make(alive);
  co_return value.text == kText;
}

asio::awaitable<bool> NamedLambda(int* alive) {
  InlineLane lane;
  auto work = [counted = Counted(alive), text = std::string(kText)] { return text; };
  const std::string text = co_await OnLane(lane, std::move(work));
  co_return text == kText;
}

asio::awaitable<bool> ListByName(int* alive) {
  std::vector<Aggregate> values;
  values.push_back({Counted(alive), kText});
  values.push_back({Counted(alive), kText});
  size_t total = 0;
  for (const Aggregate& value : values) {
    Aggregate copy = value;
    total += co_await Measure(std::move(copy));
  }
  co_return total == 2 * (sizeof kText - 1);
}

asio::awaitable<bool> BranchOnNamedResult(int*) {
  int value = 0;
  while (true) {
    const bool less = co_await Less(&value, 5);
    if (!less) break;
    ++value;
  }
  if (const bool less = co_await Less(&value, 6); less) ++value;
  co_return value == 6;
}

asio::awaitable<StatusOr<size_t>> UseMacros(std::string text) {
  DW_CO_ASSIGN_OR_RETURN(const std::string first, co_await Parse(text));
  DW_CO_ASSIGN_OR_RETURN(const std::string second, co_await Parse(text.substr(1)));
  co_return first.size() + second.size();
}

asio::awaitable<bool> Macros(int*) {
  const auto good = co_await UseMacros(kText);
  const auto bad = co_await UseMacros("x");
  co_return good.ok() && absl::IsInvalidArgument(bad.status());
}

TEST(CoroutineProbe, EveryFormInUseKeepsItsValuesStraight) {
  struct Form {
    const char* name;
    asio::awaitable<bool> (*run)(int* alive);
  };
  const Form forms[] = {{"named and moved", NamedAndMoved},
                        {"temporary of a class", TemporaryOfAClass},
                        {"operation first", OperationFirst},
                        {"aggregate returned", AggregateReturned},
                        {"named lambda", NamedLambda},
                        {"list by name", ListByName},
                        {"branch on a named result", BranchOnNamedResult},
                        {"macros", Macros}};
  for (const Form& form : forms) {
    RunLoop loop;
    int alive = 0;
    EXPECT_TRUE(loop.Await(form.run(&alive))) << form.name;
    EXPECT_EQ(alive, 0) << form.name;
  }
}

}  // namespace
}  // namespace driftwarden
