#pragma once

// A scripted HttpClient: answers come from a queue, then from a handler. Each Send gives the
// executor one turn, so that concurrent callers really overlap. One executor.

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "net/http.h"

namespace driftwarden::testing {

namespace asio = boost::asio;

class FakeHttp final : public net::HttpClient {
 public:
  using Answer = StatusOr<net::HttpResponse>;
  using Handler = std::function<Answer(const net::HttpRequest&)>;

  FakeHttp& Reply(int status, std::string body, std::vector<net::HttpHeader> headers = {}) {
    net::HttpResponse response(status, std::move(body));
    response.headers = std::move(headers);
    script_.push_back(std::move(response));
    return *this;
  }
  FakeHttp& Fail(Status status) {
    script_.push_back(std::move(status));
    return *this;
  }
  // Asked when the script is empty.
  void set_handler(Handler handler) { handler_ = std::move(handler); }

  const std::vector<net::HttpRequest>& requests() const { return requests_; }
  size_t unused() const { return script_.size(); }

  asio::awaitable<StatusOr<net::HttpResponse>> Send(net::HttpRequest request,
                                                    absl::Duration timeout) override {
    (void)timeout;
    requests_.push_back(request);
    co_await asio::post(asio::use_awaitable);
    if (!script_.empty()) {
      Answer answer = std::move(script_.front());
      script_.pop_front();
      co_return answer;
    }
    if (handler_) {
      Answer answer = handler_(request);
      co_return answer;
    }
    co_return InternalError("the test's script is over");
  }

 private:
  std::deque<Answer> script_;
  Handler handler_;
  std::vector<net::HttpRequest> requests_;
};

}  // namespace driftwarden::testing
