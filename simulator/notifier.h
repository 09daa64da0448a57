#pragma once

// Sends what subscriptions are owed, over HTTPS as Graph does: validation before a subscription
// counts, notifications soon after a change, again when they are not accepted. One executor.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "base/async/scheduler.h"
#include "base/async/task_group.h"
#include "net/http.h"
#include "simulator/subscriptions.h"

namespace driftwarden::simulator {

class Notifier {
 public:
  // References must outlive it.
  Notifier(asio::any_io_executor executor, const Clock& clock, World& world,
           Subscriptions& subscriptions);
  // Whose certificates are trusted. The error names the file.
  Status Trust(const std::string& ca_file);
  void Start();
  asio::awaitable<void> Stop();

  // Ok when the URL gives the token back as Graph wants it, within 10 s.
  asio::awaitable<Status> Validate(std::string url);

 private:
  asio::awaitable<void> Run();
  asio::awaitable<void> Send(Delivery delivery);

  asio::any_io_executor executor_;
  const Clock& clock_;
  World& world_;
  Subscriptions& subscriptions_;
  RealScheduler scheduler_;
  // Requests of a client that was replaced may still run.
  std::shared_ptr<net::HttpClient> http_;
  TaskGroup tasks_;
  uint64_t next_token_ = 1;
};

}  // namespace driftwarden::simulator
