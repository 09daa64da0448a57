#pragma once

// A client, our server and scripted raw servers in one loop on loopback addresses.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/async/task_group.h"
#include "base/strings.h"
#include "net/byte_stream.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "tests/async/run_loop.h"

namespace driftwarden::net {

// What the server was asked, and how much of it at a time.
struct Served {
  AsyncEvent release;  // "/hang" waits for it
  std::vector<ServerRequest> requests;
  size_t in_flight = 0;
  size_t in_flight_max = 0;

  explicit Served(const asio::any_io_executor& executor) : release(executor) {}
};

// "/hang" answers once released, "/big?size=N" with N bytes, "/status?code=N" with that status,
// anything else with what it was asked.
inline asio::awaitable<ServerResponse> Respond(Served* served, ServerRequest request) {
  served->requests.push_back(request);
  ++served->in_flight;
  served->in_flight_max = std::max(served->in_flight_max, served->in_flight);
  if (request.path == "/hang") {
    const bool released = co_await served->release.Wait();
    static_cast<void>(released);
  }
  --served->in_flight;
  ServerResponse response(200, "text/plain", "");
  if (request.path == "/big") {
    response.body.assign(ParseUint64(request.Query("size")).value_or(0), 'x');
  } else if (request.path == "/status") {
    response.status = static_cast<int>(ParseUint64(request.Query("code")).value_or(500));
    response.headers.emplace_back("Location", "/elsewhere");
    response.body = "status";
  } else {
    response.body = Cat(request.method, " ", request.path, " ", request.body);
  }
  co_return response;
}

// A raw server's behaviour for one connection.
struct Script {
  std::vector<std::string> answers;  // one for each request read; then the connection is closed
  bool close_unanswered = false;     // read one request more before closing
};

struct RawServed {
  std::vector<std::string> requests;
  size_t connections = 0;
};

// Reads until a blank line and Content-Length bytes; enough for this client's requests.
inline asio::awaitable<std::string> ReadRawRequest(ByteStream* stream) {
  std::string text;
  char buffer[4096];
  while (true) {
    const size_t head = text.find("\r\n\r\n");
    if (head != std::string::npos) {
      const std::string mark = "Content-Length: ";
      const size_t at = text.find(mark);
      size_t length = 0;
      if (at < head) {
        const size_t from = at + mark.size();
        length = ParseUint64(text.substr(from, text.find('\r', from) - from)).value_or(0);
      }
      if (text.size() >= head + 4 + length) co_return text;
    }
    const auto count = co_await stream->ReadSome(buffer, sizeof buffer);
    if (!count.ok() || *count == 0) co_return std::string();
    text.append(buffer, *count);
  }
}

inline asio::awaitable<void> PlayScript(std::unique_ptr<ByteStream> stream, Script script,
                                        RawServed* served) {
  const size_t reads = script.answers.size() + (script.close_unanswered ? 1 : 0);
  for (size_t i = 0; i < reads; ++i) {
    std::string request = co_await ReadRawRequest(stream.get());
    if (request.empty()) co_return;
    served->requests.push_back(std::move(request));
    if (i >= script.answers.size()) break;
    std::string answer = script.answers[i];
    const Status written = co_await stream->WriteAll(std::move(answer));
    if (!written.ok()) co_return;
  }
}

// The n-th connection plays the n-th script; then no more are accepted.
inline asio::awaitable<void> PlayScripts(StreamListener* listener, std::vector<Script> scripts,
                                         TaskGroup* tasks, RawServed* served) {
  for (Script& script : scripts) {
    auto accepted = co_await listener->Accept();
    if (!accepted.ok()) co_return;
    ++served->connections;
    tasks->Spawn(PlayScript(*std::move(accepted), std::move(script), served));
  }
}

inline asio::awaitable<void> SendInto(HttpClient* client, HttpRequest request,
                                      absl::Duration timeout,
                                      std::vector<StatusOr<HttpResponse>>* answers) {
  auto answer = co_await client->Send(std::move(request), timeout);
  answers->push_back(std::move(answer));
}

class Loopback : public ::testing::Test {
 protected:
  Loopback() { UseClient(HttpClientOptions()); }
  ~Loopback() override {
    loop_.Await(server_.Stop());
    tasks_.Cancel();
    for (const auto& listener : raw_listeners_) listener->Close();
    loop_.Await(tasks_.Join());
    client_.reset();
    loop_.Settle();
  }

  void UseClient(HttpClientOptions options) {
    auto client = NewHttpClient(loop_.executor(), std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  // The base URL of the server, which now listens with these options.
  std::string Listen(ServerOptions options, const std::string& host = "127.0.0.1") {
    const std::string scheme = options.tls.has_value() ? "https" : "http";
    const auto port = server_.Listen(std::move(options));
    EXPECT_TRUE(port.ok()) << port.status();
    return Cat(scheme, "://", host, ":", port.ok() ? *port : 0);
  }

  std::string ListenRaw(std::vector<Script> scripts) {
    auto listener = NewStreamListener(loop_.executor(), ListenOptions());
    EXPECT_TRUE(listener.ok());
    raw_listeners_.push_back(*std::move(listener));
    StreamListener* raw = raw_listeners_.back().get();
    tasks_.Spawn(PlayScripts(raw, std::move(scripts), &tasks_, &raw_served_));
    return Cat("http://127.0.0.1:", raw->port());
  }

  StatusOr<HttpResponse> Send(HttpRequest request, absl::Duration timeout = absl::Seconds(20)) {
    return loop_.Await(client_->Send(std::move(request), timeout));
  }
  StatusOr<HttpResponse> Get(const std::string& url) { return Send(HttpRequest(url)); }
  StatusOr<HttpResponse> Post(const std::string& url, const std::string& body) {
    return Send(HttpRequest("POST", url, "text/plain", body));
  }

  Handler ServedHandler() {
    return [this](ServerRequest request) { return Respond(&served_, std::move(request)); };
  }

  RunLoop loop_;
  Served served_{loop_.executor()};
  RawServed raw_served_;
  TaskGroup tasks_{loop_.executor()};
  HttpServer server_{loop_.executor(), ServedHandler()};
  std::vector<std::unique_ptr<StreamListener>> raw_listeners_;
  std::unique_ptr<HttpClient> client_;
};

inline bool Says(const Status& status, std::string_view text) {
  return Message(status).find(text) != std::string_view::npos;
}

}  // namespace driftwarden::net
