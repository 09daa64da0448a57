#pragma once

// A raw server that answers every request in the same scripted way, whole or broken, and counts
// what it could get rid of. One executor.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/async/scheduler.h"
#include "base/async/task_group.h"
#include "base/check.h"
#include "base/strings.h"
#include "net/byte_stream.h"

namespace driftwarden::testing {

struct HostileAnswer {
  enum class Then {
    kClose,   // the connection ends
    kCut,     // it ends without TLS's goodbye
    kHang,    // nothing more comes
    kRepeat,  // `again` for ever
    kDrip,    // `again` for ever, a byte at a time
  };
  std::string text;  // sent at once
  Then then = Then::kClose;
  std::string again;

  HostileAnswer() = default;
  explicit HostileAnswer(std::string t, Then n = Then::kClose, std::string a = "")
      : text(std::move(t)), then(n), again(std::move(a)) {}
};

class HostileServer {
 public:
  // With `identity` behind TLS.
  HostileServer(const asio::any_io_executor& executor, Scheduler& scheduler,
                std::optional<net::TlsServerConfig> tls = std::nullopt)
      : scheduler_(scheduler), tasks_(executor) {
    net::ListenOptions options;
    options.tls = tls;
    tls_ = tls.has_value();
    auto listener = net::NewStreamListener(executor, std::move(options));
    DW_CHECK(listener.ok());
    listener_ = *std::move(listener);
    tasks_.Spawn(AcceptAll());
  }
  asio::awaitable<void> Stop() {
    listener_->Close();
    tasks_.Cancel();
    co_await tasks_.Join();
  }

  std::string url() const {
    return Cat(tls_ ? "https" : "http", "://127.0.0.1:", listener_->port());
  }
  HostileAnswer answer;
  std::vector<std::string> requests;  // heads and bodies as they came
  size_t connections = 0;
  size_t written = 0;  // bytes, since the test set it to zero

 private:
  asio::awaitable<void> AcceptAll() {
    while (true) {
      auto accepted = co_await listener_->Accept();
      if (!accepted.ok()) co_return;
      ++connections;
      tasks_.Spawn(Serve(*std::move(accepted)));
    }
  }

  asio::awaitable<void> Serve(std::unique_ptr<net::ByteStream> stream) {
    if (tls_) {
      const Status secured = co_await stream->StartTlsServer();
      if (!secured.ok()) co_return;
    }
    bool read = co_await ReadRequest(stream.get());
    if (!read) co_return;
    const HostileAnswer now = answer;
    const bool sent = co_await Write(stream.get(), now.text);
    if (!sent || now.then == HostileAnswer::Then::kCut) co_return;
    if (now.then == HostileAnswer::Then::kClose) co_await stream->Shutdown();
    if (now.then == HostileAnswer::Then::kClose) co_return;
    if (now.then == HostileAnswer::Then::kHang) read = co_await ReadRequest(stream.get());
    if (now.then == HostileAnswer::Then::kHang) co_return;
    for (size_t at = 0; true; ++at) {
      std::string part = now.again;
      if (now.then == HostileAnswer::Then::kDrip) {
        part = std::string(1, now.again[at % now.again.size()]);
        const Status slept = co_await scheduler_.SleepFor(absl::Milliseconds(20));
        if (!slept.ok()) co_return;
      }
      const bool more = co_await Write(stream.get(), std::move(part));
      if (!more) co_return;
    }
  }

  asio::awaitable<bool> Write(net::ByteStream* stream, std::string text) {
    const size_t size = text.size();
    const Status done = co_await stream->WriteAll(std::move(text));
    if (done.ok()) written += size;
    co_return done.ok();
  }

  // False when the peer went.
  asio::awaitable<bool> ReadRequest(net::ByteStream* stream) {
    std::string text;
    char buffer[4096];
    while (true) {
      const size_t head = text.find("\r\n\r\n");
      if (head != std::string::npos && text.size() >= head + 4 + LengthOf(text)) break;
      const auto count = co_await stream->ReadSome(buffer, sizeof buffer);
      if (!count.ok() || *count == 0) co_return false;
      text.append(buffer, *count);
    }
    requests.push_back(std::move(text));
    co_return true;
  }
  static size_t LengthOf(const std::string& text) {
    const std::string mark = "Content-Length: ";
    const size_t at = text.find(mark);
    if (at == std::string::npos) return 0;
    const size_t from = at + mark.size();
    return ParseUint64(text.substr(from, text.find('\r', from) - from)).value_or(0);
  }

  Scheduler& scheduler_;
  TaskGroup tasks_;
  bool tls_ = false;
  std::unique_ptr<net::StreamListener> listener_;
};

// A whole answer.
inline std::string HttpText(int status, std::string_view headers, std::string_view body) {
  return Cat("HTTP/1.1 ", status, " Something\r\n", headers, "Content-Length: ", body.size(),
             "\r\n\r\n", body);
}

}  // namespace driftwarden::testing
