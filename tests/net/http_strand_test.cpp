// The production shape: client and server on strands of their own over several threads.

#include <gtest/gtest.h>

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <future>

#include "base/strings.h"
#include "tests/net/loopback.h"

namespace driftwarden::net {
namespace {

struct Tally {
  int good = 0;
  std::string failure;
};

asio::awaitable<void> AskMany(HttpClient* client, std::string url, int times, Tally* tally) {
  for (int i = 0; i < times; ++i) {
    HttpRequest request(url);
    const auto answer = co_await client->Send(std::move(request), absl::Seconds(20));
    if (answer.ok() && answer->body == "GET /a ") {
      ++tally->good;
    } else {
      tally->failure = std::string(Message(answer.status()));
    }
  }
}

asio::awaitable<int> AskFromAStrand(asio::any_io_executor strand, std::string url, Tally* tally) {
  auto client = NewHttpClient(strand, HttpClientOptions());
  if (!client.ok()) co_return 0;
  TaskGroup tasks(strand);
  for (int i = 0; i < 8; ++i) tasks.Spawn(AskMany(client->get(), url, 25, tally));
  co_await tasks.Join();
  co_return tally->good;
}

asio::awaitable<int> StartServer(HttpServer* server) {
  ServerOptions options;
  const auto port = server->Listen(options);
  co_return port.ok() ? *port : 0;
}

asio::awaitable<int> StopServer(HttpServer* server) {
  co_await server->Stop();
  co_return 0;
}

int RunOn(const asio::any_io_executor& executor, asio::awaitable<int> task) {
  std::promise<int> result;
  auto future = result.get_future();
  auto done = [&result](const std::exception_ptr&, int value) { result.set_value(value); };
  asio::co_spawn(executor, std::move(task), std::move(done));
  if (future.wait_for(std::chrono::seconds(120)) != std::future_status::ready) std::abort();
  return future.get();
}

TEST(HttpOnStrands, AnswersEveryRequest) {
  asio::thread_pool pool(4);
  const asio::any_io_executor server_strand = asio::make_strand(pool);
  const asio::any_io_executor client_strand = asio::make_strand(pool);
  Served served(server_strand);
  HttpServer server(server_strand, [&served](ServerRequest request) {
    return Respond(&served, std::move(request));
  });
  const int port = RunOn(server_strand, StartServer(&server));
  ASSERT_GT(port, 0);
  Tally tally;
  const std::string url = Cat("http://127.0.0.1:", port, "/a");
  EXPECT_EQ(RunOn(client_strand, AskFromAStrand(client_strand, url, &tally)), 200);
  EXPECT_EQ(tally.failure, "");
  EXPECT_EQ(RunOn(server_strand, StopServer(&server)), 0);
  pool.join();
}

}  // namespace
}  // namespace driftwarden::net
