#pragma once

// Domain controllers in memory behind the Session port: accounts with USNs, answers in no order,
// pages, limits, and faults on demand. It reads of a filter only what the source writes there.

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/async/event.h"
#include "base/strings.h"
#include "base/time.h"
#include "monitor/ids.h"
#include "watchers/change_source.h"
#include "watchers/directory/session.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

class FakeClock final : public Clock {
 public:
  absl::Time Wall() const override { return now += absl::Milliseconds(1); }
  absl::Duration Steady() const override { return now - absl::UnixEpoch(); }
  mutable absl::Time now = *ParseRfc3339("2026-11-21T02:02:00Z");
};

struct FakeAccount {
  std::string name;
  uint64_t usn = 0;
  uint32_t control = 512;
  bool deleted = false;
  std::string last_parent = "OU=Staff,DC=corp";
  bool broken = false;  // its userAccountControl is no number
};

struct FakeController {
  std::string dsa = std::string(16, 'd');
  std::string invocation = std::string(16, 'i');
  uint64_t usn = 0;
  bool synchronized = true;
  bool read_only = false;
  bool silent = false;  // answers no search of accounts, ever
  bool hides_tombstones = false;
  size_t limit = SIZE_MAX;  // matches a search may have
  std::map<std::string, FakeAccount> accounts;
  Status open_error;
  // Asked before each search of accounts is answered: an error is the answer.
  std::function<Status(const directory::SearchRequest&)> before;
  // Asked next: what it gives is the answer, whatever the accounts are.
  std::function<std::optional<directory::SearchPage>(const directory::SearchRequest&)> instead;
  std::vector<directory::SearchRequest> searches;  // of accounts, not of the rootDSE
  int secret = 0;         // sessions opened with another one are due to be renewed
  Status renewal_failed;  // what the last session that was to be renewed was told
  int opened = 0;
  int roots = 0;

  void Put(FakeAccount account) {
    account.usn = ++usn;
    accounts[account.name] = std::move(account);
  }
  static std::string GuidOf(const std::string& name) {
    std::string guid = name;
    guid.resize(16, '.');
    return guid;
  }
};

class FakeControllerSession final : public directory::Session {
 public:
  explicit FakeControllerSession(FakeController& dc) : dc_(dc), secret_(dc.secret) {}

  bool RenewalDue() const override { return secret_ != dc_.secret; }
  void RenewalFailed(const Status& why) override {
    secret_ = dc_.secret;
    dc_.renewal_failed = why;
  }

  asio::awaitable<StatusOr<directory::SearchPage>> Search(
      directory::SearchRequest request) override {
    StatusOr<directory::SearchPage> page = Answer(request);
    if (dc_.silent && dc_.searches.size() > searched_) {
      const auto executor = co_await asio::this_coro::executor;
      AsyncEvent never(executor);
      co_await never.Wait();
      page = CancelledError("stopping");
    }
    searched_ = dc_.searches.size();
    co_return page;
  }

 private:
  StatusOr<directory::SearchPage> Answer(const directory::SearchRequest& request) {
    directory::SearchPage page;
    if (request.base.empty()) {
      ++dc_.roots;
      directory::Entry root;
      root.attributes = {{"dsservicename", {"CN=NTDS Settings"}},
                         {"highestcommittedusn", {std::to_string(dc_.usn)}},
                         {"defaultnamingcontext", {"DC=corp"}},
                         {"currenttime", {"20261121020200.0Z"}},
                         {"issynchronized", {dc_.synchronized ? "TRUE" : "FALSE"}}};
      if (dc_.read_only) root.attributes["supportedcapabilities"] = {"1.2.840.113556.1.4.1920"};
      page.entries.push_back(root);
      return page;
    }
    if (request.base == "CN=NTDS Settings") {
      directory::Entry own;
      own.attributes = {{"objectguid", {dc_.dsa}}, {"invocationid", {dc_.invocation}}};
      page.entries.push_back(own);
      return page;
    }
    dc_.searches.push_back(request);
    if (dc_.before) {
      const Status status = dc_.before(request);
      if (!status.ok()) return status;
    }
    if (dc_.instead) {
      auto other = dc_.instead(request);
      if (other) return *std::move(other);
    }
    return Accounts(request);
  }

  StatusOr<directory::SearchPage> Accounts(const directory::SearchRequest& request) const {
    const bool tombstones = request.filter.find("(isDeleted=TRUE)") != std::string::npos;
    const bool by_guid = request.base.rfind("<GUID=", 0) == 0 ||
                         request.filter.find("objectGUID") != std::string::npos;
    if (tombstones && dc_.hides_tombstones) return NotFoundError("no such object");
    const uint64_t from = Bound(request.filter, "(uSNChanged>=").value_or(0);
    const uint64_t to = Bound(request.filter, "(uSNChanged<=").value_or(UINT64_MAX);
    std::vector<directory::Entry> found;
    for (const auto& [name, account] : dc_.accounts) {
      if (by_guid ? !Names(request, name) : account.deleted != tombstones) continue;
      if (account.usn >= from && account.usn <= to) found.push_back(ToEntry(account));
    }
    if (found.empty() && request.base.rfind("<GUID=", 0) == 0) return NotFoundError("no object");
    if (found.size() > dc_.limit) {
      return MakeStatus(StatusCode::kResourceExhausted, "sizeLimitExceeded");
    }
    std::reverse(found.begin(), found.end());  // never in the order of USNs
    const size_t at = request.cookie.empty() ? 0 : *ParseUint64(request.cookie);
    const size_t size = request.page_size > 0 ? static_cast<size_t>(request.page_size) : SIZE_MAX;
    directory::SearchPage page;
    for (size_t i = at; i < found.size() && i - at < size; ++i) page.entries.push_back(found[i]);
    if (at + page.entries.size() < found.size()) {
      page.cookie = std::to_string(at + page.entries.size());
    }
    return page;
  }

  static bool Names(const directory::SearchRequest& request, const std::string& name) {
    const auto guid = monitor::Guid::FromBytes(FakeController::GuidOf(name));
    return request.base == Cat("<GUID=", guid->ToString(), '>');
  }

  static std::optional<uint64_t> Bound(const std::string& filter, const std::string& key) {
    const size_t at = filter.find(key);
    if (at == std::string::npos) return std::nullopt;
    const size_t begin = at + key.size();
    return ParseUint64(std::string_view(filter).substr(begin, filter.find(')', begin) - begin));
  }

  static directory::Entry ToEntry(const FakeAccount& account) {
    directory::Entry entry;
    entry.dn = Cat("CN=", account.name, ",OU=Staff,DC=corp");
    entry.attributes = {
        {"objectclass", {"top", "person", "user"}},
        {"objectguid", {FakeController::GuidOf(account.name)}},
        {"samaccountname", {account.name}},
        {"useraccountcontrol", {account.broken ? "?" : std::to_string(account.control)}},
        {"usnchanged", {std::to_string(account.usn)}}};
    if (account.deleted) {
      entry.attributes["isdeleted"] = {"TRUE"};
      entry.attributes["lastknownparent"] = {account.last_parent};
    }
    return entry;
  }

  FakeController& dc_;
  int secret_;
  size_t searched_ = 0;
};

// Controllers by URL; their order is the configuration's.
class FakeForest final : public directory::SessionFactory {
 public:
  asio::awaitable<StatusOr<std::unique_ptr<directory::Session>>> Open(
      directory::SessionOptions options) override {
    FakeController& dc = controllers[options.server];
    ++dc.opened;
    if (!dc.open_error.ok()) co_return dc.open_error;
    std::unique_ptr<directory::Session> session = std::make_unique<FakeControllerSession>(dc);
    co_return session;
  }
  std::map<std::string, FakeController> controllers;
};

}  // namespace driftwarden::watchers
