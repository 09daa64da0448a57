#include "watchers/directory/session_openldap.h"

#include <ldap.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "watchers/directory/bind_guard.h"
#include "watchers/directory/connect_gate.h"
#include "watchers/directory/controls_openldap.h"
#include "watchers/directory/handle_openldap.h"
#include "watchers/directory/ranged_values.h"

namespace driftwarden::directory {
namespace {

constexpr size_t kMaxPageBytes = 64 << 20;
// What an entry, an attribute and a value cost beside their bytes: without it an answer of endless
// empty ones would be free.
constexpr size_t kCost = 128;
constexpr int kMaxAside = 1000;         // messages of an answer that are neither entry nor result
constexpr size_t kMessagesATurn = 128;  // then others on the strand get theirs

struct FreeControl {
  void operator()(LDAPControl* control) const { ldap_control_free(control); }
};
struct FreeControls {
  void operator()(LDAPControl** controls) const { ldap_controls_free(controls); }
};
struct FreeMessage {
  void operator()(LDAPMessage* message) const { ldap_msgfree(message); }
};
struct FreeBer {
  void operator()(BerElement* ber) const { ber_free(ber, 0); }
};

std::string ToString(const berval& value) {
  return value.bv_val == nullptr ? std::string() : std::string(value.bv_val, value.bv_len);
}

// What an answer's attribute is filed under: without the option ";binary" (RFC 4522), which a
// server may add to what is raw bytes here anyway. Other options are kept.
std::string AttributeName(std::string_view description) {
  std::string name = ToLowerAscii(description);
  constexpr std::string_view kBinary = ";binary";
  // Of these it makes another value, a structure instead of XML (MS-ADTS 3.1.1.3.1.1.7).
  if (name.starts_with("msds-")) return name;
  size_t at = name.find(kBinary);
  while (at != std::string::npos) {
    const size_t end = at + kBinary.size();
    const bool whole = end == name.size() || name[end] == ';';
    if (whole) name.erase(at, kBinary.size());
    at = name.find(kBinary, whole ? at : end);
  }
  return name;
}

// A critical control with a value that must live as long as it.
LDAPControl Critical(const char* oid, const std::string& value) {
  LDAPControl control{};
  control.ldctl_oid = const_cast<char*>(oid);
  control.ldctl_iscritical = 1;
  if (!value.empty()) control.ldctl_value = {value.size(), const_cast<char*>(value.data())};
  return control;
}

// The time limit of one search. The timer's handler holds it, so that a late one finds it done.
struct Limit {
  explicit Limit(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  bool expired = false;
  bool done = false;
};

// One page as it arrives.
struct Arrival {
  SearchPage page;
  size_t bytes = 0;
  int aside = 0;
};

class OpenLdapSession final : public Session {
 public:
  OpenLdapSession(BoundHandle bound, int own_fd, absl::Duration search_timeout,
                  const asio::any_io_executor& executor)
      : peer_(bound.peer),
        bound_(std::move(bound)),
        search_timeout_(search_timeout),
        socket_(executor, own_fd) {}

  asio::awaitable<StatusOr<SearchPage>> Search(SearchRequest request) override;
  std::string Protection() const override { return bound_.protection; }
  bool RenewalDue() const override { return bound_.renewal->Due(); }
  void RenewalFailed(const Status& why) override { bound_.renewal->Failed(why); }
  asio::awaitable<Status> Watch(SearchRequest request) override;
  asio::awaitable<StatusOr<std::vector<Entry>>> Next(absl::Duration at_most) override;

 private:
  std::shared_ptr<Limit> StartLimit(absl::Duration after);
  asio::awaitable<StatusOr<std::vector<Entry>>> AwaitChanges(std::shared_ptr<Limit> limit);
  asio::awaitable<StatusOr<SearchPage>> Collect(SearchRequest request, int id,
                                                std::shared_ptr<Limit> limit);
  StatusOr<int> SendSearch(const SearchRequest& request);
  StatusOr<int> Send(const SearchRequest& request, LDAPControl** controls, timeval* limit);
  enum class Step { kDone, kWait, kYield };
  StatusOr<Step> Drain(const SearchRequest& request, int id, Arrival& arrival);
  Status TakeEntry(LDAPMessage* message, Arrival& arrival);
  Status TakeResult(const SearchRequest& request, LDAPMessage* message, Arrival& arrival);
  Status TakeControls(const SearchRequest& request, LDAPControl** controls, Arrival& arrival);
  Status Broken(std::string_view what);
  Status Nonsense(std::string_view what);
  Status NoMessage(int error);
  bool HoldsMore() const;

  const Peer peer_;
  BoundHandle bound_;
  const absl::Duration search_timeout_;
  asio::posix::stream_descriptor socket_;  // a duplicate: libldap closes its own
  bool usable_ = true;
  std::optional<SearchRequest> watched_;
  int watch_id_ = 0;
};

Status OpenLdapSession::Broken(std::string_view what) {
  usable_ = false;
  return UnavailableError(
      Cat(peer_.source, ": connection to ", peer_.server, " lost (", what, ")"));
}

Status OpenLdapSession::Nonsense(std::string_view what) {
  usable_ = false;
  return DataLossError(Cat(peer_.source, ": ", peer_.server, " sent ", what,
                           "; is this a domain controller, and nothing between it and us?"));
}

// libldap got no message out of what it read; `error` is the errno that it left.
Status OpenLdapSession::NoMessage(int error) {
  int code = LDAP_OTHER;
  ldap_get_option(bound_.handle.get(), LDAP_OPT_RESULT_CODE, &code);
  if (error == ERANGE || code == LDAP_DECODING_ERROR || code == LDAP_LOCAL_ERROR) {
    return Nonsense("what is no LDAP message, or is one above 16 MiB");
  }
  return Broken(ldap_err2string(code));
}

// Read already, so that the descriptor will not tell of it.
bool OpenLdapSession::HoldsMore() const {
  Sockbuf* socket = nullptr;
  ldap_get_option(bound_.handle.get(), LDAP_OPT_SOCKBUF, &socket);
  return socket != nullptr && ber_sockbuf_ctrl(socket, LBER_SB_OPT_DATA_READY, nullptr) > 0;
}

StatusOr<int> OpenLdapSession::SendSearch(const SearchRequest& request) {
  std::unique_ptr<LDAPControl, FreeControl> paged;
  LDAPControl deleted = Critical(kShowDeletedControl, std::string());
  std::string value;
  LDAPControl dir_sync{};
  LDAPControl* controls[3] = {nullptr, nullptr, nullptr};
  size_t count = 0;
  if (request.dir_sync) {
    value = EncodeDirSyncRequest(*request.dir_sync);
    dir_sync = Critical(kDirSyncControl, value);
    controls[count++] = &dir_sync;
  } else if (request.page_size > 0) {
    berval cookie;
    cookie.bv_len = request.cookie.size();
    cookie.bv_val = const_cast<char*>(request.cookie.data());
    LDAPControl* raw = nullptr;
    const int code =
        ldap_create_page_control(bound_.handle.get(), request.page_size, &cookie, 1, &raw);
    if (code != LDAP_SUCCESS) return InternalError(Cat(peer_.source, ": no paging control"));
    paged.reset(raw);
    controls[count++] = raw;
  }
  if (request.show_deleted) controls[count++] = &deleted;
  timeval limit = absl::ToTimeval(search_timeout_);
  return Send(request, controls, &limit);
}

StatusOr<int> OpenLdapSession::Send(const SearchRequest& request, LDAPControl** controls,
                                    timeval* limit) {
  // libldap would take the part before it, which is another object.
  if (request.base.find('\0') != std::string::npos) {
    return DataLossError(
        Cat(peer_.source, ": \"", Printable(request.base), "\" is no name to search under"));
  }
  std::vector<char*> attributes;
  for (const std::string& name : request.attributes) {
    attributes.push_back(const_cast<char*>(name.c_str()));
  }
  attributes.push_back(nullptr);
  const int scope =
      request.scope == SearchRequest::Scope::kBase ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE;
  const char* const filter = request.filter.empty() ? "(objectClass=*)" : request.filter.c_str();
  int id = 0;
  const int code = ldap_search_ext(bound_.handle.get(), request.base.c_str(), scope, filter,
                                   request.attributes.empty() ? nullptr : attributes.data(), 0,
                                   controls, nullptr, limit, LDAP_NO_LIMIT, &id);
  if (code == LDAP_SUCCESS) return id;
  if (code == LDAP_FILTER_ERROR) {
    return InternalError(Cat(peer_.source, ": bad filter ", Printable(filter)));
  }
  return Broken(ldap_err2string(code));
}

Status OpenLdapSession::TakeEntry(LDAPMessage* message, Arrival& arrival) {
  LDAP* const ldap = bound_.handle.get();
  BerElement* raw = nullptr;
  berval name{};
  int code = ldap_get_dn_ber(ldap, message, &raw, &name);
  const std::unique_ptr<BerElement, FreeBer> ber(raw);
  Entry entry;
  entry.dn = ToString(name);
  arrival.bytes += kCost + entry.dn.size();
  while (code == LDAP_SUCCESS) {
    BerVarray values = nullptr;
    code = ldap_get_attribute_ber(ldap, message, ber.get(), &name, &values);
    if (code != LDAP_SUCCESS || name.bv_val == nullptr) break;
    std::vector<std::string>& list = entry.attributes[AttributeName(ToString(name))];
    arrival.bytes += kCost + name.bv_len;
    for (size_t i = 0; values != nullptr && values[i].bv_val != nullptr; ++i) {
      list.push_back(ToString(values[i]));
      arrival.bytes += kCost + values[i].bv_len;
    }
    ber_memfree(values);
  }
  if (code != LDAP_SUCCESS) {
    return Nonsense(Cat("an entry that is no LDAP (", ldap_err2string(code), ")"));
  }
  if (arrival.bytes > kMaxPageBytes) {
    usable_ = false;
    return MakeStatus(StatusCode::kResourceExhausted,
                      Cat(peer_.source, ": one answer of ", peer_.server,
                          " holds more than 64 MiB; lower page_size"));
  }
  arrival.page.entries.push_back(std::move(entry));
  return OkStatus();
}

Status OpenLdapSession::TakeResult(const SearchRequest& request, LDAPMessage* message,
                                   Arrival& arrival) {
  LDAP* const ldap = bound_.handle.get();
  LdapResult result;
  char* text = nullptr;
  LDAPControl** raw = nullptr;
  const int parsed =
      ldap_parse_result(ldap, message, &result.code, nullptr, &text, nullptr, &raw, 0);
  const std::unique_ptr<LDAPControl*, FreeControls> controls(raw);
  if (text != nullptr) result.diagnostic = text;
  ldap_memfree(text);
  if (parsed != LDAP_SUCCESS) {
    return Nonsense(Cat("a result that is no LDAP (", ldap_err2string(parsed), ")"));
  }
  if (result.code != LDAP_SUCCESS) return SearchRefused(peer_, request.base, result);
  return TakeControls(request, raw, arrival);
}

Status OpenLdapSession::TakeControls(const SearchRequest& request, LDAPControl** controls,
                                     Arrival& arrival) {
  if (request.dir_sync) {
    LDAPControl* const found = ldap_control_find(kDirSyncControl, controls, nullptr);
    auto answer = DecodeDirSyncResponse(found == nullptr ? "" : ToString(found->ldctl_value));
    if (!answer.ok() || answer->cookie.empty()) {
      return DataLossError(Cat(peer_.source, ": ", peer_.server,
                               " answered a DirSync search without a cookie that can be read"));
    }
    arrival.page.dir_sync_cookie = std::move(answer->cookie);
    arrival.page.dir_sync_more = answer->more;
    return OkStatus();
  }
  if (request.page_size == 0) return OkStatus();
  LDAPControl* const paged = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, nullptr);
  if (paged == nullptr) {
    // Taken for the last page it would hide whoever is on the next one.
    const bool full = arrival.page.entries.size() >= static_cast<size_t>(request.page_size);
    return full ? Nonsense("a full page without a paging control") : OkStatus();
  }
  ber_int_t estimate = 0;
  berval cookie{};
  // liblber reads through a null pointer when there is nothing at all.
  const bool some = paged->ldctl_value.bv_len > 0;
  if (!some || ldap_parse_pageresponse_control(bound_.handle.get(), paged, &estimate, &cookie) !=
                   LDAP_SUCCESS) {
    return Nonsense("a paging control that cannot be read");
  }
  arrival.page.cookie = ToString(cookie);
  ber_memfree(cookie.bv_val);
  return OkStatus();
}

// Takes what has arrived. kWait: all of it, what TLS has read already included.
StatusOr<OpenLdapSession::Step> OpenLdapSession::Drain(const SearchRequest& request, int id,
                                                       Arrival& arrival) {
  for (size_t turn = 0; turn < kMessagesATurn; ++turn) {
    timeval none{};
    LDAPMessage* raw = nullptr;
    errno = 0;
    const int kind = ldap_result(bound_.handle.get(), id, LDAP_MSG_ONE, &none, &raw);
    const int error = errno;
    const std::unique_ptr<LDAPMessage, FreeMessage> message(raw);
    if (kind < 0) return NoMessage(error);
    if (kind == 0) {
      // After a message that nobody asked for libldap gives up its turn.
      if (!HoldsMore()) return Step::kWait;
      continue;
    }
    if (kind == LDAP_RES_SEARCH_ENTRY) {
      DW_RETURN_IF_ERROR(TakeEntry(raw, arrival));
    } else if (kind == LDAP_RES_SEARCH_RESULT) {
      DW_RETURN_IF_ERROR(TakeResult(request, raw, arrival));
      return Step::kDone;
    } else if (kind != LDAP_RES_SEARCH_REFERENCE && kind != LDAP_RES_INTERMEDIATE) {
      return Nonsense(Cat("message type ", kind, " in answer to a search"));
    } else if (++arrival.aside > kMaxAside) {
      return Nonsense("references without end");
    }
  }
  return Step::kYield;
}

std::shared_ptr<Limit> OpenLdapSession::StartLimit(absl::Duration after) {
  auto limit = std::make_shared<Limit>(socket_.get_executor());
  limit->timer.expires_after(absl::ToChronoNanoseconds(after));
  limit->timer.async_wait([this, limit](const boost::system::error_code& error) {
    if (error || limit->done) return;
    limit->expired = true;
    socket_.cancel();
  });
  return limit;
}

asio::awaitable<StatusOr<SearchPage>> OpenLdapSession::Search(SearchRequest request) {
  // Cancelling is a value here; without this the next wait after a cancellation would throw.
  co_await asio::this_coro::throw_if_cancelled(false);
  if (!usable_) co_return Broken("by an earlier error");
  const StatusOr<int> id = SendSearch(request);
  if (!id.ok()) co_return id.status();
  auto limit = StartLimit(search_timeout_);
  auto page = co_await Collect(std::move(request), *id, limit);
  limit->done = true;
  limit->timer.cancel();
  co_return page;
}

asio::awaitable<StatusOr<SearchPage>> OpenLdapSession::Collect(SearchRequest request, int id,
                                                               std::shared_ptr<Limit> limit) {
  Arrival arrival;
  while (true) {
    const StatusOr<Step> step = Drain(request, id, arrival);
    if (!step.ok()) co_return step.status();
    if (*step == Step::kDone) co_return std::move(arrival.page);
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != asio::cancellation_type::none;
    boost::system::error_code error;
    if (!cancelled && !limit->expired) {
      if (*step == Step::kYield) {
        co_await asio::post(socket_.get_executor(), asio::use_awaitable);
      } else {
        const auto [waited] = co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                          asio::as_tuple(asio::use_awaitable));
        error = waited;
      }
    }
    if (!cancelled && !limit->expired && !error) continue;

    ldap_abandon_ext(bound_.handle.get(), id, nullptr, nullptr);
    usable_ = false;
    if (limit->expired) {
      co_return DeadlineError(Cat(peer_.source, ": ", peer_.server, " gave no complete answer in ",
                                  absl::ToInt64Seconds(search_timeout_), " s"));
    }
    co_return CancelledError(Cat(peer_.source, ": search stopped"));
  }
}

asio::awaitable<Status> OpenLdapSession::Watch(SearchRequest request) {
  if (!usable_) co_return Broken("by an earlier error");
  if (watched_) co_return InternalError(Cat(peer_.source, ": this session watches already"));
  LDAPControl notify = Critical(kNotificationControl, std::string());
  LDAPControl* controls[2] = {&notify, nullptr};
  // Without a time limit: it is meant to last.
  const StatusOr<int> id = Send(request, controls, nullptr);
  if (!id.ok()) co_return id.status();
  watch_id_ = *id;
  watched_ = std::move(request);
  co_return OkStatus();
}

asio::awaitable<StatusOr<std::vector<Entry>>> OpenLdapSession::Next(absl::Duration at_most) {
  co_await asio::this_coro::throw_if_cancelled(false);
  if (!usable_ || !watched_) co_return Broken("by an earlier error");
  auto limit = StartLimit(at_most);
  auto changes = co_await AwaitChanges(limit);
  limit->done = true;
  limit->timer.cancel();
  co_return changes;
}

asio::awaitable<StatusOr<std::vector<Entry>>> OpenLdapSession::AwaitChanges(
    std::shared_ptr<Limit> limit) {
  Arrival arrival;
  while (true) {
    const StatusOr<Step> step = Drain(*watched_, watch_id_, arrival);
    if (!step.ok()) {
      usable_ = false;
      co_return step.status();
    }
    if (*step == Step::kDone) co_return Broken("the server ended the notification search");
    if (!arrival.page.entries.empty() || limit->expired) {
      co_return std::move(arrival.page.entries);
    }
    boost::system::error_code error;
    if (*step == Step::kYield) {
      co_await asio::post(socket_.get_executor(), asio::use_awaitable);
    } else {
      const auto [waited] = co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                        asio::as_tuple(asio::use_awaitable));
      error = waited;
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      usable_ = false;
      co_return CancelledError(Cat(peer_.source, ": stopped"));
    }
    if (error && !limit->expired) co_return Broken(error.message());
  }
}

class OpenLdapFactory final : public SessionFactory {
 public:
  OpenLdapFactory(LaneTurns& turns, const Clock& clock)
      : gate_(turns, clock), clock_(clock), guard_(clock) {}

  asio::awaitable<StatusOr<std::unique_ptr<Session>>> Open(SessionOptions options) override {
    co_await asio::this_coro::throw_if_cancelled(false);
    const absl::Duration search_timeout = options.search_timeout;
    const std::string source = options.source;
    const auto attempt = guard_.Begin(options);
    if (!attempt.ok()) co_return attempt.status();
    SessionOptions visitor = options;
    const auto pass = co_await gate_.Enter(std::move(visitor));
    if (!pass.ok()) co_return pass.status();
    auto open = [options, &clock = clock_] { return OpenHandleBlocking(options, clock); };
    StatusOr<BoundHandle> bound = co_await OnLane(gate_.lane(), std::move(open));
    const Status made = guard_.End(*attempt, options, bound.status());
    if (!made.ok()) co_return made;
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      co_return CancelledError(Cat(source, ": connecting stopped"));
    }
    const int own_fd = ::dup(bound->fd);
    if (own_fd < 0) co_return UnavailableError(Cat(source, ": ", SystemErrorText(errno)));
    const auto executor = co_await asio::this_coro::executor;
    std::unique_ptr<Session> session =
        std::make_unique<OpenLdapSession>(std::move(*bound), own_fd, search_timeout, executor);
    co_return CompletingRanges(std::move(session));
  }

 private:
  ConnectGate gate_;
  const Clock& clock_;
  BindGuard guard_;
};

}  // namespace

std::unique_ptr<SessionFactory> MakeOpenLdapSessionFactory(LaneTurns& turns, const Clock& clock) {
  return std::make_unique<OpenLdapFactory>(turns, clock);
}

}  // namespace driftwarden::directory
