#pragma once

// A simulator on real sockets with a thread of its own, and blocking clients for it.

#include <gtest/gtest.h>
#include <ldap.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "net/http_client.h"
#include "simulator/service.h"

namespace driftwarden::simulator {

class LiveService {
 public:
  explicit LiveService(SimulatorOptions options = {}) {
    char pattern[] = "/tmp/driftwarden-sim-XXXXXX";
    folder_ = mkdtemp(pattern);
    options.folder = folder_;
    service_ = std::make_unique<SimulatorService>(io_.get_executor(), clock_, options);
    const Status started = service_->Start();
    EXPECT_TRUE(started.ok()) << started;
    net::HttpClientOptions client;
    client.ca_file = service_->endpoints().ca_file;
    auto made = net::NewHttpClient(io_.get_executor(), client);
    EXPECT_TRUE(made.ok()) << made.status();
    client_ = *std::move(made);
    thread_ = std::thread([this] { io_.run(); });
  }

  ~LiveService() {
    asio::co_spawn(io_, service_->Stop(), asio::use_future).wait();
    On([this] { client_.reset(); });
    guard_.reset();
    thread_.join();
    std::filesystem::remove_all(folder_);
  }

  // Runs `fn` on the service's thread, where the world may be touched.
  template <typename F>
  std::invoke_result_t<F> On(F fn) {
    using Task = std::packaged_task<std::invoke_result_t<F>()>;
    auto task = std::make_shared<Task>(std::move(fn));
    auto result = task->get_future();
    asio::post(io_, [task] { (*task)(); });
    return result.get();
  }

  StatusOr<net::HttpResponse> Send(net::HttpRequest request) {
    auto exchange = client_->Send(std::move(request), absl::Seconds(20));
    return asio::co_spawn(io_, std::move(exchange), asio::use_future).get();
  }

  const SimulatorEndpoints& at() const { return service_->endpoints(); }
  SimulatorService& service() { return *service_; }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  SystemClock clock_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_{io_.get_executor()};
  std::unique_ptr<SimulatorService> service_;
  std::unique_ptr<net::HttpClient> client_;
  std::thread thread_;
};

// A blocking libldap handle.
class LdapClient {
 public:
  explicit LdapClient(const std::string& url, const std::string& ca_file = "") {
    EXPECT_EQ(ldap_initialize(&ld_, url.c_str()), LDAP_SUCCESS);
    const int version = LDAP_VERSION3;
    ldap_set_option(ld_, LDAP_OPT_PROTOCOL_VERSION, &version);
    ldap_set_option(ld_, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    timeval limit{20, 0};
    ldap_set_option(ld_, LDAP_OPT_NETWORK_TIMEOUT, &limit);
    ldap_set_option(ld_, LDAP_OPT_TIMEOUT, &limit);
    const int demand = LDAP_OPT_X_TLS_DEMAND;
    ldap_set_option(ld_, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    if (!ca_file.empty()) ldap_set_option(ld_, LDAP_OPT_X_TLS_CACERTFILE, ca_file.c_str());
    const int client = 0;
    ldap_set_option(ld_, LDAP_OPT_X_TLS_NEWCTX, &client);
  }
  ~LdapClient() { ldap_unbind_ext_s(ld_, nullptr, nullptr); }
  LdapClient(const LdapClient&) = delete;
  LdapClient& operator=(const LdapClient&) = delete;

  LDAP* get() { return ld_; }
  int StartTls() { return ldap_start_tls_s(ld_, nullptr, nullptr); }
  int Bind(const std::string& user, const std::string& password) {
    berval secret{password.size(), const_cast<char*>(password.data())};
    return ldap_sasl_bind_s(ld_, user.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr,
                            nullptr);
  }
  std::string Diagnostic() {
    char* text = nullptr;
    ldap_get_option(ld_, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    std::string out = text == nullptr ? "" : text;
    ldap_memfree(text);
    return out;
  }

 private:
  LDAP* ld_ = nullptr;
};

}  // namespace driftwarden::simulator
